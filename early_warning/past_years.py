"""What last year had once only: months far above their usual, and what they did to the pace.

Pure, from the night's receipts. The rule: a month of last fiscal year is a one-off for a unit's line if it
brought more than three times the median of the same month in at least two of the four years before, and what
lies above that median is at least 2% of the unit's whole collection of last year on the basis.
"""

import datetime as dt
from collections.abc import Collection

import polars as pl

from early_warning.night import Night
from warehouse.ledger import fiscal_year
from warehouse.positions import PACE_YEARS, first_whole_years, same_day

TIMES_USUAL = 3
LEAST_PCT = 2
COMPARED_YEARS = 4
LEAST_YEARS = 2
_LINE = ["unit_key", "line_code", "basis"]


def one_offs(night: Night, units: Collection[str]) -> pl.DataFrame:
    """What one-off months of last year weigh in the comparisons of the night.

    Returns:
        unit_key, line_code, basis, excess (minor units above the usual, months to the night's day),
        pace_points (percentage points that the excess adds to the line's pace; negative where it came late).
    """
    dated = _dated(night, units)
    last = night.fiscal_year - 1
    found = _unusual_months(dated, last)
    cut = same_day(night.as_of, -1)
    excess = found.group_by(_LINE).agg(
        pl.col("excess").sum().alias("whole_excess"),
        pl.col("excess").filter(pl.col("month").dt.month_end() <= cut).sum().alias("excess"),
    )
    shares = _past_shares(night, dated)
    own = shares.filter(pl.col("year") == last).select(*_LINE, "to_date", "whole")
    years = shares.group_by(_LINE).agg(pl.len().alias("years"))
    joined = excess.join(own, on=_LINE, how="left").join(years, on=_LINE, how="left")
    without = pl.col("whole") - pl.col("whole_excess")
    with_it = pl.col("to_date") / pl.col("whole")
    usual = (pl.col("to_date") - pl.col("excess")) / without
    points = pl.when(without > 0).then((with_it - usual) / pl.col("years") * 100)
    return joined.select(*_LINE, "excess", points.fill_null(0.0).alias("pace_points")).sort(_LINE)


def _dated(night: Night, units: Collection[str]) -> pl.DataFrame:
    """Past years' receipts of ``units``, with their fiscal year and month."""
    month = night.authority.settings.fiscal_year_start_month
    start = night.authority.fiscal_year_start(night.fiscal_year)
    since = night.authority.fiscal_year_start(night.fiscal_year - 1 - COMPARED_YEARS)
    day = pl.col("posting_date")
    firsts = first_whole_years(night.receipts.select("unit_key", "posting_date"), month)
    chosen = night.receipts.filter(pl.col("unit_key").is_in(list(units)), day >= since, day < start)
    dated = chosen.with_columns(fiscal_year(day, month).alias("year"), day.dt.month_start().alias("month"))
    return dated.join(firsts, on="unit_key").filter(pl.col("year") >= pl.col("first_whole_year"))


def _unusual_months(dated: pl.DataFrame, last: int) -> pl.DataFrame:
    by_month = dated.group_by(*_LINE, "year", "month").agg(pl.col("amount").sum())
    years = dated.filter(pl.col("year") < last).group_by("unit_key").agg(pl.col("year").n_unique())
    calendar = by_month.with_columns(pl.col("month").dt.month().alias("_calendar"))
    # A month without receipts has no row: it counts as nought among the unit's years.
    before = calendar.filter(pl.col("year") < last).group_by(*_LINE, "_calendar").agg(pl.col("amount"))
    own = calendar.filter(pl.col("year") == last).join(
        before, on=[*_LINE, "_calendar"], how="left", suffix="s"
    )
    counted = own.join(years.rename({"year": "years"}), on="unit_key", how="inner")
    usual = [
        _median_with_noughts(amounts, years)
        for amounts, years in counted.select("amounts", "years").iter_rows()
    ]
    whole = pl.col("amount").sum().over("unit_key", "basis")
    excess = pl.col("amount") - pl.col("usual")
    return (
        counted.with_columns(pl.Series("usual", usual, dtype=pl.Int64), whole.alias("_whole"))
        .with_columns(excess.alias("excess"))
        .filter(
            pl.col("years") >= LEAST_YEARS,
            pl.col("amount") > TIMES_USUAL * pl.col("usual"),
            pl.col("excess") * 100 >= LEAST_PCT * pl.col("_whole"),
            pl.col("excess") > 0,
        )
    )


def _median_with_noughts(amounts: list[int] | None, years: int) -> int:
    known = sorted([*(amounts or []), *[0] * (years - len(amounts or []))])
    middle = len(known) // 2
    return known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) // 2


def _past_shares(night: Night, dated: pl.DataFrame) -> pl.DataFrame:
    """To date and whole, of the past years that count for the pace."""
    cuts: dict[int, dt.date] = {
        night.fiscal_year - back: same_day(night.as_of, -back) for back in range(1, PACE_YEARS + 1)
    }
    by_year = pl.DataFrame(
        {"year": list(cuts), "cut": list(cuts.values())},
        schema={"year": dated.schema["year"], "cut": pl.Date},
    )
    reached = pl.col("amount").filter(pl.col("posting_date") <= pl.col("cut")).sum()
    sums = (
        dated.join(by_year, on="year")
        .group_by(*_LINE, "year")
        .agg(reached.alias("to_date"), pl.col("amount").sum().alias("whole"))
    )
    return sums.filter(pl.col("whole") > 0)
