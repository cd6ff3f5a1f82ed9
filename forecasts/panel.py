"""From the ledger's rows to arrays: one row per series (unit × line), one column per month.

Receipts become floats here, and only here: models work on floats, while what was collected stays in whole
minor units. Cleaning, flooring and logs belong to the methods.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from authorities.model import BASES, UNALLOCATED
from forecasts import months, redenomination
from forecasts.arrays import Flags, Floats, Integers
from forecasts.checked import checked
from forecasts.partmonth import part_of_month
from forecasts.places import Places
from forecasts.seam import COLLECTED_SCHEMA, COMPLETE_SCHEMA, HISTORY_SCHEMA, SHARES_SCHEMA, ForecastProblem

_LONGEST = 180
"""Months of history kept: fifteen years teach all there is to learn about the next twelve months."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Series × months. `n` series sorted by line, then unit; `T` complete months; `H` months still to come.

    receipts: n × T, minor units, complete months up to the month before `origin`. pending: n × H, what has
    come already of the months from `origin` on. complete_days: of the origin month, for the series that know
    most of it. so_far, elapsed, doubt: n; what of the origin month is in by the series' last complete day,
    which share (0..1) that usually is, and the variance of the log of that share (infinite where unknown, 0
    where the month is over). collected: bases × n × 12, whole minor units of the current fiscal year. shares:
    bases × n, 0..1. first_seen: n, index of the first month with any receipts (T where there is none).
    remark: what must be said of every series' history, if anything.
    """

    units: tuple[str, ...]
    lines: tuple[str, ...]
    first_month: int
    origin: int
    fiscal_start: int
    complete_days: int
    receipts: Floats
    pending: Floats
    so_far: Floats
    elapsed: Floats
    doubt: Floats
    collected: Integers
    shares: Floats
    first_seen: Integers
    remark: str = ""

    @property
    def horizon(self) -> int:
        """Months from the origin to the end of the fiscal year (12 more if the last complete day lags a
        year).
        """
        return self.fiscal_start + 12 - self.origin

    def rows_of_line(self, line_code: str) -> Integers:
        """Positions of the series of one line."""
        return np.flatnonzero(np.array(self.lines) == line_code)

    def allocated(self) -> Flags:
        """Which series can be forecast: money placed nowhere has no future of its own."""
        return np.array(
            [UNALLOCATED not in pair for pair in zip(self.units, self.lines, strict=True)], dtype=bool
        )

    def take(self, rows: Integers) -> "Panel":
        """The same panel with only these series."""
        return replace(
            self,
            units=tuple(self.units[i] for i in rows),
            lines=tuple(self.lines[i] for i in rows),
            receipts=self.receipts[rows],
            pending=self.pending[rows],
            so_far=self.so_far[rows],
            elapsed=self.elapsed[rows],
            doubt=self.doubt[rows],
            collected=self.collected[:, rows],
            shares=self.shares[:, rows],
            first_seen=self.first_seen[rows],
        )


def build_panel(problem: ForecastProblem) -> Panel:
    """Lay out a problem's history as a panel; months without rows are months without receipts,
    rows of one unit, line and month add up.

    Raises ValueError naming the frame, column and rows at fault, and where most amounts change a thousandfold
    within the fiscal year; months before an earlier such change are left out, with a remark.
    """
    history = checked(problem.history, HISTORY_SCHEMA, "history").filter(pl.col("day") <= problem.as_of)
    shares = checked(problem.shares, SHARES_SCHEMA, "shares")
    if not shares["share"].is_between(0, 1).all():
        raise ValueError("shares: column 'share' must lie in 0..1 (a quarter is 0.25, not 25)")
    others = [shares, problem.estimates, *([] if problem.collected is None else [problem.collected])]
    places = Places.of([history, *(_named(frame) for frame in others)])
    keys = places.keys()
    known_to = min(problem.last_complete_day, problem.as_of)
    origin = months.ordinal(known_to + timedelta(days=1))
    start = months.fiscal_start(problem.as_of, problem.fiscal_year_start_month)
    first = _first_month(history, origin)
    monthly = _monthly(history, places, keys.height, first, max(start + 12, origin))
    complete, remark = redenomination.left_out(monthly[:, : origin - first], first, start)
    later = monthly[:, origin - first :]
    weights = _weights(shares, keys)
    part = part_of_month(history, keys, _days_in(problem, keys, known_to, origin), origin)
    return Panel(
        units=tuple(keys["unit_key"].to_list()),
        lines=tuple(keys["line_code"].to_list()),
        first_month=first,
        origin=origin,
        fiscal_start=start,
        complete_days=int(part.days.max(initial=0)),
        receipts=complete.astype(np.float64),
        pending=later.astype(np.float64),
        so_far=part.so_far,
        elapsed=part.elapsed,
        doubt=part.doubt,
        collected=_collected(problem, keys, monthly, first, start, weights),
        shares=weights,
        first_seen=_first_seen(complete),
        remark=remark,
    )


def _days_in(problem: ForecastProblem, keys: pl.DataFrame, known_to: date, origin: int) -> Integers:
    """n, days of the origin month that are in: up to `known_to`, or the unit's own last complete day."""
    begun, last = months.first_day(origin), min(months.last_day(origin), problem.as_of)
    given = problem.complete if problem.complete is not None else pl.DataFrame(schema=COMPLETE_SCHEMA)
    further = checked(given, COMPLETE_SCHEMA, "complete").unique("unit_key", keep="last", maintain_order=True)
    reached = keys.join(further, on="unit_key", how="left", maintain_order="left")["last_complete_day"]
    days = (reached.fill_null(known_to).clip(known_to, max(last, known_to)) - begun).dt.total_days() + 1
    found: Integers = np.maximum(days.to_numpy(), 0)
    return found


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col("unit_key", "line_code").cast(pl.String)).drop_nulls()


def _first_month(history: pl.DataFrame, origin: int) -> int:
    first = history["day"].min()
    oldest = months.ordinal(first) if isinstance(first, date) else origin
    return min(max(oldest, origin - _LONGEST), origin)


def _monthly(history: pl.DataFrame, places: Places, leaves: int, first: int, end: int) -> Integers:
    table = np.zeros((leaves, end - first), dtype=np.int64)
    for part, rows in places.placed(history):
        month = part.select(_months_since("day", first)).to_series().to_numpy()
        inside = (month >= 0) & (month < end - first)
        amounts = part["amount"].to_numpy()
        np.add.at(table.reshape(-1), (rows * (end - first) + month)[inside], amounts[inside])
    return table


def _weights(shares: pl.DataFrame, keys: pl.DataFrame) -> Floats:
    table = np.zeros((len(BASES), keys.height))
    table[0] = 1.0
    for position, basis in enumerate(BASES):
        rows = shares.filter(pl.col("basis") == basis).join(keys, on=["unit_key", "line_code"])
        table[position, rows["row"].to_numpy()] = rows["share"].to_numpy()
    return table


def _collected(
    problem: ForecastProblem, keys: pl.DataFrame, monthly: Integers, first: int, start: int, weights: Floats
) -> Integers:
    territory = np.zeros((keys.height, 12), dtype=np.int64)
    known = monthly[:, max(start - first, 0) : start - first + 12]
    territory[:, 12 - known.shape[1] :] = known
    if problem.collected is None:
        return np.rint(weights[:, :, None] * territory[None]).astype(np.int64)
    exact = checked(problem.collected, COLLECTED_SCHEMA, "collected")
    exact = exact.with_columns(months_in=_months_since("month", start)).filter(
        pl.col("months_in").is_between(0, 11)
    )
    table = np.zeros((len(BASES), keys.height, 12), dtype=np.int64)
    for position, basis in enumerate(BASES):
        rows = exact.filter(pl.col("basis") == basis).join(keys, on=["unit_key", "line_code"])
        np.add.at(
            table[position], (rows["row"].to_numpy(), rows["months_in"].to_numpy()), rows["amount"].to_numpy()
        )
    return table


def _months_since(column: str, start: int) -> pl.Expr:
    return pl.col(column).dt.year().cast(pl.Int64) * 12 + pl.col(column).dt.month() - 1 - start


def _first_seen(receipts: Integers) -> Integers:
    seen = receipts != 0
    first = seen.argmax(axis=1) if seen.shape[1] else np.zeros(len(seen), dtype=np.int64)
    return np.where(seen.any(axis=1), first, seen.shape[1])
