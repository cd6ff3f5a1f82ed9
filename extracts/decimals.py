"""Which mark parts the decimals in a text file's amounts: the form's, or by evidence the other one.

``123,456`` is a hundred and twenty-three by one mark and a thousand times that by the other; read wrongly it
is a small amount rather than an error. Where a file's amounts prove the other mark, all are read by it, and
it is said. Reading one amount is in ``extracts.text``.
"""

import polars as pl

LOOKED_AT = 10_000
"""Amounts from the top in which proof is searched: a file is written one way."""
_LEAST_SHARE = 1 / 3
"""Share of the marked amounts that must be impossible by the form's mark, and none by the other."""
_OTHER = {",": ".", ".": ","}
_CALLED = {",": "comma", ".": "point"}


def decimal_by_evidence(amounts: list[pl.Series], decimal: str, *, scale: str) -> str:
    """The decimal mark by which a file's ``amounts`` can all be read: the form's ``decimal`` where it can be.

    Where amounts are in whole currency units, three digits or more are no fraction but thousands.
    """
    texts = pl.concat([column.drop_nulls().head(LOOKED_AT) for column in amounts])
    bare = texts.str.replace_all(r"[\s()−–+-]", "")
    marked = bare.filter(bare.str.contains(r"^[0-9.,]*[.,][0-9.,]*$"))
    longest = 2 if scale == "one" else 18
    by_form, by_other = (_can_be(marked, mark, longest) for mark in (decimal, _OTHER[decimal]))
    proof = int((~by_form & by_other).sum())
    is_proved = proof > 0 and proof >= marked.len() * _LEAST_SHARE and bool(by_other.all())
    return _OTHER[decimal] if is_proved else decimal


def _can_be(texts: pl.Series, decimal: str, longest: int) -> pl.Series:
    group = _OTHER[decimal]
    whole = rf"[0-9]{{1,3}}(\{group}[0-9]{{3}})+|[0-9]+"
    return texts.str.contains(rf"^({whole})(\{decimal}[0-9]{{1,{longest}}})?$")


def how_read(decimal: str, form_decimal: str) -> list[str]:
    """What was decided, in words; nothing where the form's own mark holds."""
    if decimal == form_decimal:
        return []
    return [
        f"amounts are read with a decimal {_CALLED[decimal]}, not the form's {_CALLED[form_decimal]}: "
        "by that they could not all be amounts"
    ]
