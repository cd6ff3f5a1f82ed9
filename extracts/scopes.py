"""When a staged row was, and was known: its date, the period it states, the day it is recorded on.

How a date is read is in ``extracts.dates``; here it is told once of each different text, with the whole of
its listing in view.
"""

import datetime as dt
from collections.abc import Callable, Collection
from typing import TypeVar

import polars as pl

from authorities.forms import ExtractForm
from authorities.model import AuthorityFile, Completeness
from extracts.dates import read_dates, row_dates
from extracts.told import TIMES, Rows, told
from extracts.units import ERA, UnitResolver

LONG_AGO = dt.date(1900, 1, 1)
_Frame = TypeVar("_Frame", pl.DataFrame, pl.LazyFrame)


def dates_of(rows: Rows, field: str, reading: Callable[[pl.Series], pl.Series] | None = None) -> pl.Expr:
    """Dates of a column, or of what ``reading`` finds in it; null where the form has no such column."""
    if field not in rows.names:
        return pl.lit(None, pl.Date)
    seen = rows.distinct(field, "date_order").drop(TIMES)
    texts = reading(seen[field]) if reading else seen[field]
    return told(seen, read_dates(texts, seen["date_order"]))


def _date_columns(names: Collection[str]) -> list[str]:
    """Raw columns that tell a row's date (``row_dates``)."""
    field = next((name for name in ("posting_date", "period_end") if name in names), None)
    if field:
        return [field, "date_order"]
    return [name for name in ("year", "month") if name in names] if "year" in names else []


def with_dates(resolver: UnitResolver, form: ExtractForm, settings: AuthorityFile, rows: Rows) -> Rows:
    """Adds the row's date, the scope it states, when it was recorded, and which units there were.

    A row without a readable date in a bulk listing takes the listing's last day as its recorded day (where no
    date can be read at all, one long ago), so that it is shown in quarantine from then on. A listing of what
    was stated earlier is known from the days on which that was said; a figure to date speaks of the year so
    far.
    """
    names = ["delivery_order", *_date_columns(rows.names)]
    seen = rows.distinct(*names, "_scope_from", "_scope_to")
    own = row_dates(seen, form)
    days = seen.with_columns((pl.col("_scope_to") if own is None else own).alias("_date"))
    days = days.with_columns(_known_day(days, settings.completeness).alias("_day"))
    said = told(days.select(names), days["_date"]) if own is not None else pl.col("_scope_to")
    rows = rows.having(said.alias("_date"), dates_of(rows, "stated_on").alias("_stated"))
    is_known = days["_day"].equals(days["_date"])
    rows = rows.having(
        (pl.col("_date") if is_known else told(days.select(names), days["_day"])).alias("_day")
    )
    start_month = settings.fiscal_year_start_month
    eras = resolver.era_of(_scoped(days, form, start_month)["_unit_day"])
    rows = rows.telling(ERA, days.select(names), eras)
    scoped = rows.changed(_scoped(rows.plan, form, start_month), ("_scope_from", "_scope_to"))
    return scoped.having(
        pl.col("_scope_from").alias("scope_from"),
        pl.col("_scope_to").alias("scope_to"),
        _recorded(form, rows.names).alias("recorded_at"),
        pl.lit(form.received.assumed or form.received.rule != "folder").alias("recorded_at_assumed"),
    )


def _scoped(dated: _Frame, form: ExtractForm, start_month: int) -> _Frame:
    """Adds the scope that each row states, and the day of which its unit is meant."""
    if form.period.rule == "row":
        first, end = _period(pl.col("_day"), form.period.length, start_month)
        dated = dated.with_columns(first.alias("_scope_from"), end.alias("_scope_to"))
    if form.dataset == "office_estimate" and form.cumulative:
        dated = dated.with_columns(
            _period(pl.col("_scope_from"), "year", start_month)[0].alias("_scope_from")
        )
    return dated.with_columns(pl.coalesce("_date", "_scope_from").alias("_unit_day"))


def _recorded(form: ExtractForm, names: Collection[str]) -> pl.Expr:
    if form.period.rule != "row" or form.received.rule == "folder":
        return pl.col("_received")
    said = pl.coalesce("_stated", "_scope_to") if "stated_on" in names else pl.col("_scope_to")
    return said + pl.duration(days=form.received.lag_days) if form.received.lag_days else said


def _known_day(days: pl.DataFrame, completeness: Completeness) -> pl.Series:
    """The date of each kind of row, or its listing's last day where it has none or strays (``_stray``)."""
    stray = _stray(days, completeness)
    if not stray.any() and not days["_date"].null_count():
        return days["_date"]
    day = days["_date"].set(stray, None).to_frame("day").hstack(days.select("delivery_order"))
    last = pl.col("day").max().over("delivery_order").fill_null(LONG_AGO)
    return day.select(pl.col("day").fill_null(last)).to_series()


def _stray(days: pl.DataFrame, completeness: Completeness) -> pl.Series:
    """Dates of a bulk listing that lie beyond a leap: of few rows, and far after all the others.

    Such a date is mistyped. Taken at its word, the row would never become known; it is known with the rest of
    its listing instead, and refused as dated in the future.
    """
    spans = days.group_by("delivery_order").agg((pl.col("_date").max() - pl.col("_date").min()).alias("span"))
    none = pl.repeat(value=False, n=days.height, dtype=pl.Boolean, eager=True)
    if not (spans["span"] > dt.timedelta(days=completeness.bulk_gap_days)).any():
        return none  # most listings are of a year: no leap fits in
    dates = days.drop_nulls("_date").group_by("delivery_order", "_date").agg(pl.col(TIMES).sum())
    ordered = dates.sort("delivery_order", "_date").with_columns(
        (pl.col("_date").diff().over("delivery_order") > pl.duration(days=completeness.bulk_gap_days))
        .fill_null(value=False)
        .alias("leap"),
        pl.col(TIMES).cum_sum(reverse=True).over("delivery_order").alias("beyond"),
        pl.col(TIMES).sum().over("delivery_order").alias("all"),
    )
    few = pl.col("beyond") * 100 <= pl.col("all") * completeness.bulk_stray_pct
    leaps = ordered.filter(pl.col("leap") & few).group_by("delivery_order").agg(pl.col("_date").min())
    if leaps.is_empty():
        return none
    first = days["delivery_order"].replace_strict(
        leaps["delivery_order"], leaps["_date"], default=None, return_dtype=pl.Date
    )
    return (days["_date"] >= first).fill_null(value=False)


def _period(day: pl.Expr, length: str, start_month: int) -> tuple[pl.Expr, pl.Expr]:
    if length == "day":
        return day, day
    if length == "month":
        return day.dt.month_start(), day.dt.month_end()
    later, whole = f"{start_month - 1}mo", {"quarter": "1q", "year": "1y"}[length]
    first = day.dt.month_start().dt.offset_by(f"-{later}").dt.truncate(whole).dt.offset_by(later)
    return first, first.dt.offset_by(whole).dt.offset_by("-1d")
