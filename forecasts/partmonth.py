"""The part of a month: how much of it is usually in by a day, and how far that can be trusted.

Learnt from the same calendar month of earlier years, since due dates belong to months: per line, over its
units. What receipts so far then say about the month, and the months after it, is worked out in
`forecasts.nowcast`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from forecasts import months
from forecasts.arrays import Floats, Integers

_YEARS = 5
_SMALLEST_DOUBT = 1e-6
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class PartOfMonth:
    """Per series: days of the month that are in, receipts so far (minor units), share of the month usually in
    (0..1), variance of that share's log (0 where the month is over).
    """

    days: Integers
    so_far: Floats
    elapsed: Floats
    doubt: Floats


def part_of_month(history: pl.DataFrame, keys: pl.DataFrame, days: Integers, origin: int) -> PartOfMonth:
    """For the month with ordinal `origin`, of which the receipts of so many days (n) are in.

    `keys` has unit_key, line_code and row, in order. Nothing is in, and doubt is infinite, where no day is.
    """
    part = PartOfMonth(days, np.zeros(len(days)), np.zeros(len(days)), np.full(len(days), np.inf))
    for reached in np.unique(days[days > 0]).tolist():
        _enter(part, history, keys.filter(pl.Series(days == reached)), reached, origin)
    return part


def _enter(part: PartOfMonth, history: pl.DataFrame, keys: pl.DataFrame, reached: int, origin: int) -> None:
    """Fill in the series of `keys`, all of which reach the same day."""
    first, rows = months.first_day(origin), keys["row"].to_numpy()
    current = history.filter(pl.col("day").is_between(first, first.replace(day=reached)))
    sums = keys.join(
        current.group_by("unit_key", "line_code").agg(pl.col("amount").sum()),
        on=["unit_key", "line_code"],
        how="left",
        maintain_order="left",
    )
    part.so_far[rows] = sums["amount"].fill_null(0).to_numpy()
    over = reached >= months.days_in(origin)
    usual = reached / months.days_in(origin)
    told = keys.join(_shares(history, origin, usual), on="line_code", how="left", maintain_order="left")
    part.elapsed[rows] = 1.0 if over else told["share"].fill_null(usual).to_numpy()
    part.doubt[rows] = 0.0 if over else told["doubt"].fill_null(np.inf).to_numpy()


def _shares(history: pl.DataFrame, origin: int, reached: float) -> pl.DataFrame:
    """line_code, share, doubt: over the units' same calendar months of the last five years."""
    days, month = pl.col("day"), origin % 12 + 1
    recent = history.filter(
        days.is_between(months.first_day(origin - 12 * _YEARS), months.last_day(origin - 1)),
        days.dt.month() == month,
    )
    early = pl.col("amount").filter(days.dt.day() / days.dt.month_end().dt.day() <= reached + 1e-9)
    each = recent.group_by("line_code", "unit_key", days.dt.year().alias("year")).agg(
        early=early.sum(), whole=pl.col("amount").sum()
    )
    lines = each.group_by("line_code").agg(
        early=pl.col("early").sum(), whole=pl.col("whole").sum(), logs=_log_share()
    )
    share = pl.when(pl.col("whole") > 0).then(pl.col("early") / pl.col("whole")).otherwise(reached)
    spread = (
        pl.col("logs").list.eval(1.4826 * (pl.element() - pl.element().median()).abs().median()).list.first()
    )
    told = (pl.col("logs").list.len() >= _FEWEST) & (pl.col("early") > 0)
    doubt = pl.when(told).then((spread**2).clip(_SMALLEST_DOUBT)).otherwise(float("inf"))
    return lines.select("line_code", share=share.clip(0, 1), doubt=doubt)


def _log_share() -> pl.Expr:
    told = (pl.col("early") > 0) & (pl.col("whole") > 0)
    return (pl.col("early") / pl.col("whole")).filter(told).log()
