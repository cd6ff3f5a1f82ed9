"""The part of a month: how much of it is usually in by a day, and how far that can be trusted.

Learnt from the same calendar month of earlier years, since due dates belong to months: per line, over its
units. What receipts so far then say about the month, and the months after it, is worked out in
`forecasts.nowcast`.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from forecasts import months
from forecasts.arrays import Floats

_YEARS = 5
_SMALLEST_DOUBT = 1e-6
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class PartOfMonth:
    """Per series: receipts so far (minor units), share of the month usually in (0..1), variance of that
    share's log.
    """

    so_far: Floats
    elapsed: Floats
    doubt: Floats


def part_of_month(history: pl.DataFrame, keys: pl.DataFrame, known_to: date, origin: int) -> PartOfMonth:
    """For the month with ordinal `origin`, of which all receipts up to `known_to` are in.

    `keys` has unit_key, line_code and row, in order. Nothing is in, and doubt is infinite, where `known_to`
    ends the month before.
    """
    count = keys.height
    if months.ordinal(known_to) != origin or not count:
        return PartOfMonth(np.zeros(count), np.zeros(count), np.full(count, np.inf))
    reached = known_to.day / months.days_in(origin)
    current = history.filter(pl.col("day").is_between(months.first_day(origin), known_to))
    sums = keys.join(
        current.group_by("unit_key", "line_code").agg(pl.col("amount").sum()),
        on=["unit_key", "line_code"],
        how="left",
        maintain_order="left",
    )
    by_line = _shares(history, origin, reached)
    shares = keys.join(by_line, on="line_code", how="left", maintain_order="left")
    return PartOfMonth(
        sums["amount"].fill_null(0).to_numpy().astype(np.float64),
        shares["share"].fill_null(reached).to_numpy().astype(np.float64),
        shares["doubt"].fill_null(np.inf).to_numpy().astype(np.float64),
    )


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
