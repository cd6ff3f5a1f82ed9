"""Text, numbers and dates as offices write them, vectorised: polars expressions from text to values.

Holds folding of Vietnamese text for keys, exact amounts in minor units, and dates. Which column is read
how is the form's matter (``authorities.forms``); the frames are put together in ``extracts.staging``.
"""

import datetime as dt
import re
import unicodedata
from functools import lru_cache

import polars as pl

CODE_MARKS = r"^(?:'|=\")([^\"]*)\"?$"
CODE_FRACTION = r"[.,]00?$"
_CODE_POWER = r"^([1-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})$"
"""A code that a spreadsheet or a script took for a large number: ``2.3576e+10``."""
SCALE_DIGITS = {"one": 0, "thousand": 3, "million": 6, "billion": 9}
"""Decimal digits from the unit that amounts are written in down to one currency unit."""

_UNSEEN = {"Mn", "Mc", "Me", "Cf"}
"""Accents, and marks without a width such as a zero-width space."""
_UNIT_WORDS = {
    "ty": "billion", "ti": "billion", "trieu": "million", "tr": "million", "trd": "million",
    "nghin": "thousand", "ngan": "thousand", "dong": "one", "d": "one", "vnd": "one",
}  # fmt: skip
_UNIT_TOKEN = re.compile(r"1(?:[., ]?000)+|[a-z]+|[0-9]+")
_BY_ZEROS = {1: "thousand", 2: "million", 3: "billion"}
"""``1.000 đồng``, ``1.000.000 đồng``: by the groups of three noughts."""
_MOST_DIGITS = 18
"""Amounts of more digits in minor units are no money; they would not fit a DECIMAL(20,2) either."""
_TIME = r"(?:[T ]\s*\d{1,2}:.*)?$"
_ISO_DATE = r"^(\d{4}-\d{1,2}-\d{1,2})" + _TIME
_PARTED = {
    "dmy": (r"^(\d{1,2}/\d{1,2}/\d{4})" + _TIME, "%d/%m/%Y"),
    "mdy": (r"^(\d{1,2}/\d{1,2}/\d{4})" + _TIME, "%m/%d/%Y"),
    "ymd": (r"^(\d{4}/\d{1,2}/\d{1,2})" + _TIME, "%Y/%m/%d"),
}
_SHORT_YEAR = r"^(\d{1,2}/\d{1,2}/)(\d{2})$"
_MONTH_YEAR = r"^(?:(?:tháng|thang|t)\s*)?(\d{1,2}/\d{4})$"
_YEAR_MONTH = r"^(\d{4}-\d{1,2})$"
_SERIAL_DAY = r"^(\d{5})(?:[.,]0+)?$"
_SERIAL_ORIGIN = dt.date(1899, 12, 30)
_FIRST_YEAR, _LAST_YEAR = 1950, 2099


def fold(text: str) -> str:
    """Key of a text: accents, case and runs of space folded; ``Đ`` by hand, as it has no decomposition.

    ``Thụy`` and ``Thuỵ``, NFC and NFD, give the same key.
    """
    bare = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    bare = "".join(letter for letter in bare if unicodedata.category(letter) not in _UNSEEN)
    return " ".join(bare.lower().split())


def folded(column: pl.Expr) -> pl.Expr:
    """``fold`` as an expression."""
    return (
        column.str.normalize("NFD")
        .str.replace_all(r"[\p{M}\p{Cf}]", "")
        .str.replace_all("[đĐ]", "d")
        .str.replace_all(r"[\s\x1c-\x1f]+", " ")
        .str.strip_chars()
        .str.to_lowercase()
    )


def unit_of_amounts(text: str) -> str | None:
    """Scale named by a unit line's text (``triệu đồng``, ``1.000đ`` → ``million``, ``thousand``).

    Only words of money at its beginning count: ``Công ty Đồng Tâm`` is no unit. None where it names none.
    """
    scales: list[str] = []
    for word in _UNIT_TOKEN.findall(fold(text)):
        if (zeros := re.fullmatch(r"1((?:[., ]?000)+)", word)) is not None:
            scales.append(_BY_ZEROS.get(zeros[1].count("000"), ""))
        elif word in _UNIT_WORDS:
            scales.append(_UNIT_WORDS[word])
        else:
            break
    said = {scale for scale in scales if scale != "one"}
    if len(said) > 1:  # nghìn tỷ: no file has been seen with it, and a guess would be a thousandfold
        return None
    return next(iter(said or set(scales)), None) or None


def minor_amount(column: pl.Expr, *, decimal: str, scale_digits: int) -> pl.Expr:
    """Exact amount in integer minor units from text; null where the text is no number.

    Args:
        column: text such as ``1.234.567,8``, ``(1.234)``, ``1.234-``.
        decimal: the decimal separator; the other of ``,`` and ``.`` groups thousands in threes.
        scale_digits: digits from the written unit to the minor unit (6 for triệu đồng to đồng).

    A lone dash is a bookkeeper's zero. A fraction finer than the minor unit is rounded half away from zero.
    Integers only: a double already changes 123456789012345678.
    """
    group = "." if decimal == "," else ","
    bare = column.str.replace_all(r"\s", "")
    negative = bare.str.contains(r"^[-−–(]|[-−]$")
    body = bare.str.replace_all(r"^\((.*)\)$", "$1").str.replace_all(r"^[-−–+]|[-−]$", "")
    well_formed = body.str.contains(rf"^([0-9]{{1,3}}(\{group}[0-9]{{3}})+|[0-9]+)(\{decimal}[0-9]+)?$")
    whole = body.str.replace_all(rf"\{decimal}.*$", "").str.replace_all(group, "", literal=True)
    value = whole.cast(pl.Int64, strict=False)
    fraction = body.str.extract(rf"\{decimal}(\d+)$").fill_null("")
    tenths = (fraction + "0" * (scale_digits + 1)).str.slice(0, scale_digits + 1).cast(pl.Int64, strict=False)
    scaled = value * 10**scale_digits + (tenths + 5) // 10
    fits = value <= (10**_MOST_DIGITS - 1) // 10**scale_digits
    exact = pl.when(well_formed & fits).then(pl.when(negative).then(-scaled).otherwise(scaled))
    return pl.when(bare.str.contains("^[-−–]$")).then(pl.lit(0, pl.Int64)).otherwise(exact)


def minor_amounts(texts: pl.Series, *, decimal: str, scale_digits: int) -> pl.Series:
    """``minor_amount`` of a whole column, fast where it is plain whole numbers, as most are."""
    group = "." if decimal == "," else ","
    plain = texts.str.contains(rf"^([0-9]{{1,3}}(\{group}[0-9]{{3}}){{0,4}}|[0-9]{{1,15}})$")
    whole = texts.str.replace_all(group, "", literal=True).cast(pl.Int64, strict=False)
    most = (10**_MOST_DIGITS - 1) // 10**scale_digits
    quick = plain.fill_null(value=False) & (whole <= most).fill_null(value=False)
    values: pl.Series = whole * 10**scale_digits
    if quick.all():
        return values
    odd = (~quick & texts.is_not_null()).arg_true()
    slow = texts.gather(odd).to_frame("text").select(
        minor_amount(pl.col("text"), decimal=decimal, scale_digits=scale_digits)
    ).to_series()  # fmt: skip
    return values.scatter(odd, slow)


def date_of(column: pl.Expr, *, order: str) -> pl.Expr:
    """Date from text in the form's order, or ISO or a spreadsheet's day number wherever met; else null.

    A time behind the date is left out, a year of two digits is of this century. ``my`` (``03.2022``) gives
    the last day of the month.
    """
    bare = column.str.strip_chars().str.replace_all(r"\s*([./\-])\s*", "$1")
    parted = bare.str.replace_all(r"[.\-]", "/")
    day = pl.coalesce(
        bare.str.extract(_ISO_DATE).str.to_date("%Y-%m-%d", strict=False),
        pl.lit(_SERIAL_ORIGIN) + pl.duration(days=bare.str.extract(_SERIAL_DAY).cast(pl.Int64, strict=False)),
        *_in_order(bare, parted, order),
    )
    sure = pl.when(day.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR)).then(day)
    return sure.dt.month_end() if order == "my" else sure


def _in_order(bare: pl.Expr, parted: pl.Expr, order: str) -> list[pl.Expr]:
    if order == "my":
        month = parted.str.to_lowercase().str.normalize("NFC").str.extract(_MONTH_YEAR)
        return [
            ("01/" + month).str.to_date("%d/%m/%Y", strict=False),
            (bare.str.extract(_YEAR_MONTH) + "-01").str.to_date("%Y-%m-%d", strict=False),
        ]
    pattern, written = _PARTED[order]
    whole = parted.str.extract(pattern).str.to_date(written, strict=False)
    if order == "ymd":
        return [whole]
    short = parted.str.extract(_SHORT_YEAR, 1) + "20" + parted.str.extract(_SHORT_YEAR, 2)
    return [whole, short.str.to_date(written, strict=False)]


def code_of(column: pl.Expr, *, width: int) -> pl.Expr:
    """A code as text with its leading zeros back: ``151.0`` and ``151`` become ``00151`` for width 5.

    Marks by which spreadsheets are told that a code is text (``'00151``, ``="00151"``) are taken off, and a
    code written as a power of ten (``2.3576e+10``) is written out.
    """
    bare = column.str.strip_chars().str.replace(CODE_MARKS, "$1").str.replace(CODE_FRACTION, "")
    power = bare.str.extract(_CODE_POWER, 3).cast(pl.Int64, strict=False)
    digits = bare.str.extract(_CODE_POWER, 1) + bare.str.extract(_CODE_POWER, 2).fill_null("")
    whole = pl.when(power + 1 >= digits.str.len_chars()).then(digits.str.pad_end(power + 1, "0"))
    plain = pl.coalesce(whole, bare)
    return pl.when(plain.str.contains(r"^[0-9]+$")).then(plain.str.zfill(width)).otherwise(plain)


@lru_cache(maxsize=10_000)
def plain_code(text: str) -> str:
    """``code_of`` of one text, without the leading zeros that its width would tell."""
    return str(pl.select(code_of(pl.lit(text), width=0)).item())
