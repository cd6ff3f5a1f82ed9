"""The track record: what past nights really said of the year's end, beside what came.

Forecasts are scored as they were published, never made again: `forecasts.backtest` does that. One night
stands for each month that had gone by: the month's last day, or the first night after it. Which publications
there are is for the caller to find out.
"""

from collections.abc import Collection
from datetime import date, timedelta

import numpy as np
import polars as pl

from authorities.model import ALL, UNALLOCATED
from forecasts import months, scores
from forecasts.backtest import ACCURACY_SCHEMA
from forecasts.seam import QUANTILES

SOURCE = "published"
NEAR_DAYS = 15
"""A night so many days after a month's end no longer stands for it: it knows half of the next month."""
_KEYS = ["unit_key", "line_code", "basis"]
_GROUP = ["method", "basis", "line_code", "months_elapsed", "fiscal_year"]
_LEVELS = dict(sorted(QUANTILES.items(), key=lambda item: item[1]))
_AMOUNTS = [f"{name}_amount" for name in _LEVELS]


def nights_to_score(nights: Collection[date], fiscal_year_start_month: int, over_by: date) -> pl.DataFrame:
    """The nights that stand for the months of fiscal years that were over by the day `over_by`.

    Returns:
        as_of, fiscal_year (named by the year in which it starts), months_elapsed (1–11).
    """
    rows = []
    for first in sorted({months.fiscal_start(night, fiscal_year_start_month) for night in nights}):
        if months.last_day(first + 11) > over_by:
            continue
        for elapsed in range(1, 12):
            end = months.last_day(first + elapsed - 1)
            near = [night for night in nights if end <= night < end + timedelta(days=NEAR_DAYS)]
            if near:
                rows.append((min(near), months.first_day(first).year, elapsed))
    schema = {"as_of": pl.Date, "fiscal_year": pl.Int64, "months_elapsed": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def year_ends(receipts: pl.DataFrame, fiscal_year_start_month: int) -> pl.DataFrame:
    """What came in each fiscal year, and how much year-ends usually changed before.

    Args:
        receipts: unit_key, line_code, basis, posting_date, amount (minor units).

    Returns:
        unit_key, line_code ('ALL' for all lines), basis, fiscal_year, actual_amount, typical_amount (mean
        change from year to year before, null without).
    """
    day = pl.col("posting_date")
    year = (day.dt.year() - (day.dt.month() < fiscal_year_start_month).cast(pl.Int32)).cast(pl.Int64)
    placed = receipts.filter(pl.col("unit_key") != UNALLOCATED)
    lines = placed.group_by(*_KEYS, year.alias("fiscal_year")).agg(pl.col("amount").sum())
    totals = lines.with_columns(line_code=pl.lit(ALL)).group_by(*_KEYS, "fiscal_year")
    every = pl.concat([lines, totals.agg(pl.col("amount").sum())]).sort(*_KEYS, "fiscal_year")
    change = pl.col("amount").diff().abs()
    usual = change.cum_sum() / change.cum_count()
    typical = pl.when(change.cum_count() > 0).then(usual).shift(1).over(_KEYS)
    return every.select(
        *_KEYS, "fiscal_year", pl.col("amount").alias("actual_amount"), typical.alias("typical_amount")
    )


def track_record(
    published: pl.DataFrame, came: pl.DataFrame, chosen: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """Scores (`forecasts.backtest.ACCURACY_SCHEMA`) of what the chosen nights published.

    The published method is scored by its median and quantiles, `pace` by its one figure, as a forecast that
    knows no range. The central 95% is no part of a publication, so its coverage is null. Units that have no
    receipts of their own by now (succeeded by others) cannot be compared and are left out.

    Args:
        published: rows of the base scenario, amounts in minor units: as_of, unit_key, line_code, basis,
            method, estimate_amount, p05_amount … p95_amount, pace_forecast_amount, shortfall_probability.
        came: `year_ends` as known now.
        chosen: `nights_to_score`.
        seed: of the intervals' redrawn units.
    """
    units = published.join(chosen, on="as_of").filter(
        pl.col("unit_key") != ALL, pl.col("unit_key") != UNALLOCATED, pl.col("line_code") != UNALLOCATED
    )
    known = units.filter(pl.col("unit_key").is_in(came["unit_key"].unique().implode()))
    beside = known.join(came, on=[*_KEYS, "fiscal_year"], how="left").with_columns(
        pl.col("actual_amount").fill_null(0)
    )
    said = pl.concat([beside, _pace(beside)])
    rows = [_scored(key, part, seed) for key, part in said.group_by(_GROUP, maintain_order=True)]
    return pl.DataFrame(rows, schema=ACCURACY_SCHEMA, orient="row").fill_nan(None).sort(_GROUP)


def _pace(beside: pl.DataFrame) -> pl.DataFrame:
    """The pace forecasts as rows of a method of their own: one figure, no range, no probability."""
    figure = pl.col("pace_forecast_amount")
    return beside.filter(figure.is_not_null()).with_columns(
        *(figure.alias(name) for name in _AMOUNTS),
        method=pl.lit("pace"),
        shortfall_probability=pl.lit(None, pl.Float64),
    )


def _scored(key: tuple[object, ...], part: pl.DataFrame, seed: int) -> tuple[object, ...]:
    method, *rest = key
    outcome = _outcome_of(part)
    values = [score(outcome) for score in scores.ERRORS.values()]
    ends = [end for score in scores.ERRORS.values() for end in scores.interval(outcome, score, seed)]
    covered = None if method == "pace" else scores.coverage_pct(outcome, 0.1, 0.9)
    return (method, SOURCE, *rest, part.height, *values, covered, None, *ends)


def _outcome_of(part: pl.DataFrame) -> scores.Outcome:
    def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return part[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    return scores.Outcome(
        point=column("p50_amount"),
        actual=column("actual_amount"),
        levels=np.array(list(_LEVELS.values())),
        quantiles=part.select(_AMOUNTS).to_numpy().astype(np.float64),
        typical=np.nan_to_num(column("typical_amount")),
        estimate=column("estimate_amount"),
        shortfall=column("shortfall_probability"),
    )
