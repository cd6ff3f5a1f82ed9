"""Dates of a sheet: in which order its day, month and year stand, by evidence, and when a period ends.

Reading one date text is in ``extracts.text``. A sheet's own order of day and month is told once, from all its
dates, is kept with the raw rows, and holds wherever they are read.
"""

import re
from functools import cache

import polars as pl

from authorities.forms import ExtractForm
from extracts.coded import by_value, coded, only_value
from extracts.text import date_of, fold, folded

_PARTED = r"^\s*(\d{1,2})\s*([./\-])\s*(\d{1,2})\s*[./\-]\s*\d{2,4}\b"
_SERIAL, _ISO = r"^\s*\d{5}(?:[.,]0+)?\s*$", r"^\s*\d{4}-\d{1,2}-\d{1,2}"
_OTHER = {"dmy": "mdy", "mdy": "dmy"}
_CALLED = {"dmy": "day/month/year", "mdy": "month/day/year"}
_MONTHS = 12
_LEAST_SHARE = 1 / 3
"""Share of the dates that must be impossible in the form's order, and none in the other: one is a slip."""
_MARKS = {"/": "slash", ".": "dot", "-": "dash"}


def counted(texts: pl.Series) -> pl.DataFrame:
    """Each date text once, and how many ``times`` it stands: days come again and again."""
    found = coded(texts)
    counts = found.places.to_frame("place").group_by("place").agg(pl.len().alias("times")).sort("place")
    return counts.select(found.values.gather(counts["place"]).alias("text"), "times")


def order_of_dates(dates: pl.DataFrame, order: str) -> str:
    """The order in which a sheet writes dates: the form's, and by mark where its dates prove another.

    Args:
        dates: all the sheet's dates, as written (``counted``).
        order: the form's order.

    Returns:
        ``dmy``, or with exceptions ``dmy -mdy`` (dates with dashes stand month first).
    """
    if order not in _OTHER:
        return order
    groups = dates.select(
        "times", pl.col("text").str.extract(_PARTED, 1).cast(pl.Int32).alias("first"),
        pl.col("text").str.extract(_PARTED, 3).cast(pl.Int32).alias("second"),
        pl.col("text").str.extract(_PARTED, 2).alias("mark"),
    ).drop_nulls().group_by("mark").agg(
        pl.col("times").sum().alias("dates"),
        pl.col("times").filter(pl.col("first") > _MONTHS).sum().alias("dmy"),
        pl.col("times").filter(pl.col("second") > _MONTHS).sum().alias("mdy"),
    ).sort("mark")  # fmt: skip
    other = _OTHER[order]
    proved = groups.filter(pl.col(order) == 0, pl.col(other) >= pl.col("dates") * _LEAST_SHARE)["mark"]
    return " ".join([order, *(f"{mark}{other}" for mark in proved)])


def read_dates(texts: pl.Series, orders: pl.Series) -> pl.Series:
    """Dates of texts, each by the order of its sheet (``order_of_dates``); null where unreadable."""
    if only_value(orders):
        told = orders[0]
        return by_value(texts, lambda text: _by_mark(text, told))
    dates = pl.repeat(None, texts.len(), dtype=pl.Date, eager=True)
    for told in orders.drop_nulls().unique().sort():
        read = by_value(texts, lambda text, told=told: _by_mark(text, told))  # type: ignore[misc]
        own = orders == told
        dates = read if own.all() else read.zip_with(own.fill_null(value=False), dates)
    return dates.rename(texts.name)


def _by_mark(text: pl.Expr, told: str) -> pl.Expr:
    order, *exceptions = told.split()
    read = date_of(text, order=order)
    for exception in exceptions:
        marked = text.str.contains(rf"^\s*\d{{1,2}}\s*{re.escape(exception[0])}")
        read = pl.when(marked).then(date_of(text, order=exception[1:])).otherwise(read)
    return read


def row_dates(rows: pl.DataFrame, form: ExtractForm) -> pl.Series | None:
    """The date of each raw row: its posting date or period's end, or the end of its year and month.

    None where the form has no such column, and the period of the file as a whole is meant.
    """
    field = next((name for name in ("posting_date", "period_end") if name in rows.columns), None)
    if field:
        return read_dates(rows[field], rows["date_order"])
    return ends_of_months(rows, form.month_language) if "year" in rows.columns else None


def ends_of_months(rows: pl.DataFrame, language: str) -> pl.Series:
    """Last day of each row's ``month`` (a name in ``language``, or its number; December where absent)."""
    year = pl.col("year").str.strip_chars().str.extract(r"^(\d{4})(?:[.,]0+)?$")
    month = pl.lit("12")
    if "month" in rows.columns:
        names = by_value(
            rows["month"],
            lambda text: folded(text).replace_strict(
                _numbers_of_months(language), default=None, return_dtype=pl.String
            ),
        )
        rows, month = rows.with_columns(names.alias("_month")), pl.col("_month")
    first = (year + "-" + month + "-01").str.to_date("%Y-%m-%d", strict=False)
    return rows.select(first.dt.month_end().alias("period_end")).to_series()


@cache
def _numbers_of_months(language: str) -> dict[str, str]:
    """Names of months, folded, long and short, and plain numbers: to the month's number."""
    from babel.dates import get_month_names

    numbers = {text: f"{month:02d}" for month in range(1, 13) for text in (f"{month}", f"{month:02d}")}
    for width in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            names = get_month_names(width, context, locale=language)
            numbers |= {fold(name).rstrip("."): f"{month:02d}" for month, name in names.items()}
            numbers |= {fold(name): f"{month:02d}" for month, name in names.items()}
    return numbers


def how_written(dates: pl.DataFrame, told: str) -> list[str]:
    """What had to be decided about a sheet's dates, in words; nothing where all stand as the form says."""
    order, *exceptions = told.split()
    if order not in _OTHER:
        return []
    said = [
        f"dates with a {_MARKS[exception[0]]} are read as {_CALLED[exception[1:]]}, not as the form's "
        f"{_CALLED[order]}: as that they could not all be dates"
        for exception in exceptions
    ]
    kinds = {
        "as day numbers of a spreadsheet": _SERIAL,
        "as year-month-day": _ISO,
        "with day and month": _PARTED,
    }
    counts = {
        kind: int(dates.filter(pl.col("text").str.contains(pattern))["times"].sum())
        for kind, pattern in kinds.items()
    }
    found = [f"{count} {kind}" for kind, count in counts.items() if count]
    return said + ([f"dates are written in several ways: {', '.join(found)}"] if len(found) > 1 else [])
