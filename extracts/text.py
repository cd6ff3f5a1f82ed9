"""Text, numbers and dates as offices write them, vectorised: polars expressions from text to values.

Holds folding of Vietnamese text for keys, exact amounts in minor units, and dates. Which column is read
how is the form's matter (``authorities.forms``); the frames are put together in ``extracts.staging``.
"""

import re
import unicodedata

import polars as pl

SCALE_DIGITS = {"one": 0, "thousand": 3, "million": 6, "billion": 9}
"""Decimal digits from the unit that amounts are written in down to one currency unit."""

_UNIT_WORDS = {"ty": "billion", "trieu": "million", "nghin": "thousand", "ngan": "thousand", "dong": "one"}
_ISO_DATE = r"^\d{4}-\d{1,2}-\d{1,2}"
_DATE_FORMATS = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y/%m/%d", "my": "%d/%m/%Y"}


def fold(text: str) -> str:
    """Key of a text: accents, case, and runs of space folded; ``Đ`` by hand, as Unicode does not decompose it.

    ``Thụy`` and ``Thuỵ``, NFC and NFD, give the same key.
    """
    bare = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return re.sub(r"\s+", " ", bare).strip().casefold()


def folded(column: pl.Expr) -> pl.Expr:
    """``fold`` as an expression."""
    return (
        column.str.normalize("NFD")
        .str.replace_all(r"\p{M}", "")
        .str.replace_all("[đĐ]", "d")
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
        .str.to_lowercase()
    )


def unit_of_amounts(text: str) -> str | None:
    """Scale named by a unit line's text (``triệu đồng`` → ``million``); None where it names none."""
    words = fold(text)
    return next((scale for word, scale in _UNIT_WORDS.items() if re.search(rf"\b{word}\b", words)), None)


def minor_amount(column: pl.Expr, *, decimal: str, scale_digits: int) -> pl.Expr:
    """Exact amount in integer minor units from text; null where the text is no number.

    Args:
        column: text such as ``1.234.567,8``, ``(1.234)``, ``1.234-``.
        decimal: the decimal separator; the other of ``,`` and ``.`` groups thousands in threes.
        scale_digits: digits from the written unit to the minor unit (6 for triệu đồng to đồng).

    A fraction finer than the minor unit is rounded half away from zero. Integers only: a double already
    changes 123456789012345678.
    """
    group = "." if decimal == "," else ","
    bare = column.str.replace_all(r"[\s\u00a0\u202f]", "")
    negative = bare.str.contains(r"^[-−(]|-$")
    body = bare.str.replace_all(r"^\((.*)\)$", "$1").str.replace_all(r"^[-−+]|-$", "")
    well_formed = body.str.contains(rf"^(\d{{1,3}}(\{group}\d{{3}})+|\d+)(\{decimal}\d+)?$")
    whole = body.str.replace_all(rf"\{decimal}.*$", "").str.replace_all(group, "", literal=True)
    value = whole.cast(pl.Int64, strict=False)
    fraction = body.str.extract(rf"\{decimal}(\d+)$").fill_null("")
    tenths = (fraction + "0" * (scale_digits + 1)).str.slice(0, scale_digits + 1).cast(pl.Int64, strict=False)
    scaled = value * 10**scale_digits + (tenths + 5) // 10
    fits = value.abs() <= (2**63 - 1) // 10**scale_digits - 1
    return pl.when(well_formed & fits).then(pl.when(negative).then(-scaled).otherwise(scaled))


def date_of(column: pl.Expr, *, order: str) -> pl.Expr:
    """Date from text in the form's order, or ISO wherever it is met; null where it is no date.

    ``my`` (``03.2022``) gives the last day of the month.
    """
    parted = column.str.strip_chars().str.replace_all(r"[.\-]", "/")
    if order == "my":
        return ("01/" + parted).str.to_date(_DATE_FORMATS["my"], strict=False).dt.month_end()
    iso = column.str.contains(_ISO_DATE)
    return (
        pl.when(iso)
        .then(column.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False))
        .otherwise(parted.str.to_date(_DATE_FORMATS[order], strict=False))
    )


def code_of(column: pl.Expr, *, width: int) -> pl.Expr:
    """A code as text with its leading zeros back: ``151.0`` and ``151`` become ``00151`` for width 5."""
    bare = column.str.strip_chars().str.replace(r"\.0+$", "")
    return pl.when(bare.str.contains(r"^\d+$")).then(bare.str.zfill(width)).otherwise(bare)
