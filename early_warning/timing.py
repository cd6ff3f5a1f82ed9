"""What declared measures keep away or take by a certain day, from what they do to the whole year.

``mart_shock_effect`` says what a measure moves or takes in a fiscal year; here is how much of that lies
before a day: by the months in which past receipts of the unit's line fell due.
"""

import calendar
import datetime as dt
from collections.abc import Iterator

import polars as pl

from authorities.model import ALL, UNALLOCATED
from authorities.shocks import PolicyShock
from early_warning.night import Night
from warehouse.bases import shares_on
from warehouse.published import in_minor_units
from warehouse.tables.marts import MART_SHOCK_EFFECT

PAST_YEARS = 3
_LINE = ["unit_key", "line_code"]


def effects_until(night: Night, day: dt.date) -> pl.DataFrame:
    """What measures known on the night keep away (timing) and take (loss) of what was due until ``day``.

    A month's dues count in the days of the month that have gone by, and come back likewise in the month to
    which they were put off. Months weigh as in up to three past years, alike where there are none.

    Returns:
        unit_key, line_code, basis, timing, loss (minor units, ≥ 0), back_by (null where nothing is moved).
    """
    if day not in night.effects:
        night.effects[day] = _effects_until(night, day)
    return night.effects[day]


def _effects_until(night: Night, day: dt.date) -> pl.DataFrame:
    effects = in_minor_units(night.marts["mart_shock_effect"], MART_SHOCK_EFFECT, night.authority)
    units = effects.filter(~pl.col("unit_key").is_in([ALL, UNALLOCATED]))
    months = _months(night, day)
    weighed = (
        units.join(months, on="shock_code")
        .join(_past_months(night), on=[*_LINE, "month"], how="left")
        .with_columns(pl.col("weight").fill_null(0))
    )
    whole, out = pl.col("whole"), pl.col("out")
    weight = pl.col("weight")
    parts = weighed.group_by(*_LINE, "shock_code", maintain_order=True).agg(
        pl.col("timing_amount", "loss_amount", "expected_back_by").first(),
        pl.when((weight * whole).sum() > 0)
        .then((weight * out).sum() / (weight * whole).sum())
        .otherwise(out.sum() / whole.sum())
        .alias("part"),
    )
    shared = parts.join(shares_on(night.authority, night.as_of), on=_LINE)
    amount = pl.col("part") * pl.col("share")
    moved = shared.with_columns(
        (pl.col("timing_amount") * amount).round().cast(pl.Int64).alias("timing"),
        (pl.col("loss_amount") * amount).round().cast(pl.Int64).alias("loss"),
    )
    is_out = pl.col("timing") > 0
    return (
        moved.group_by(*_LINE, "basis")
        .agg(
            pl.col("timing", "loss").sum(),
            pl.col("expected_back_by").filter(is_out).max().alias("back_by"),
        )
        .filter((pl.col("timing") != 0) | (pl.col("loss") != 0))
        .sort(*_LINE, "basis")
    )


def _months(night: Night, day: dt.date) -> pl.DataFrame:
    """Months of the fiscal year that each measure concerns: the part of each it concerns at all (whole), and
    the part of it that is away or lost by ``day`` (out)."""
    rows = [
        (shock.code, month.month, whole, out)
        for shock in night.authority.shocks
        for month, whole, out in (_legs(night, shock, day) if shock.legs else _window(night, shock, day))
    ]
    schema = {"shock_code": pl.String, "month": pl.Int8, "whole": pl.Float64, "out": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _legs(night: Night, shock: PolicyShock, day: dt.date) -> Iterator[tuple[dt.date, float, float]]:
    for leg in shock.legs:
        if night.authority.fiscal_year(leg.due_month) == night.fiscal_year:
            yield leg.due_month, 1.0, _gone(leg.due_month, day) - _gone(leg.deferred_to, day)


def _window(night: Night, shock: PolicyShock, day: dt.date) -> Iterator[tuple[dt.date, float, float]]:
    authority, year = night.authority, night.fiscal_year
    start, end = authority.fiscal_year_start(year), authority.fiscal_year_end(year)
    first = max(shock.effective_from or start, start)
    last = min(shock.effective_to or end, end)
    month = first.replace(day=1)
    while month <= last:
        days = calendar.monthrange(month.year, month.month)[1]
        until = month.replace(day=days)
        whole = _overlap(first, last, month, until)
        if whole > 0:
            yield month, whole / days, _overlap(first, min(last, day), month, until) / days
        month = until + dt.timedelta(days=1)


def _overlap(first: dt.date, last: dt.date, begin: dt.date, end: dt.date) -> int:
    return max((min(last, end) - max(first, begin)).days + 1, 0)


def _gone(month: dt.date, day: dt.date) -> float:
    """Part of ``month`` (its first day) that has gone by at the end of ``day``."""
    days = calendar.monthrange(month.year, month.month)[1]
    return min(max(((day - month).days + 1) / days, 0.0), 1.0)


def _past_months(night: Night) -> pl.DataFrame:
    """Receipts of up to three past fiscal years by unit, line and calendar month, on the territory."""
    start = night.authority.fiscal_year_start(night.fiscal_year)
    since = night.authority.fiscal_year_start(night.fiscal_year - PAST_YEARS)
    day = pl.col("posting_date")
    past = night.receipts.filter(pl.col("basis") == "territory", day >= since, day < start)
    sums = past.group_by(*_LINE, day.dt.month().alias("month")).agg(pl.col("amount").sum().alias("weight"))
    return sums.with_columns(pl.col("weight").clip(lower_bound=0))
