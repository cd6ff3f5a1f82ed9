"""A change of currency or unit in mid-history: a month from which most amounts are a thousand times others.

Seen, it is named and never mended by guessing: whether dong became thousands of dong or a new currency came
is for the office to say, by declaring the unit where files are read. Until then the months before it are left
out of what a forecast learns from. Ordinary growth and shocks are the methods' affair.
"""

from dataclasses import dataclass

import numpy as np

from forecasts import months
from forecasts.arrays import Floats, Integers

_FACTOR = 3.0
"""Powers of ten between two ways of counting: đồng and thousands of đồng."""
_TOLERANCE = 0.5
_MOST = 2 / 3
"""Part of the series that must change alike."""
_BEFORE, _AFTER = 6, 3
"""Months with receipts that a series must have within a year before, and after, to say anything."""
_YEAR = 12
_SUSPECT = 2.0
_LEAST_SERIES = 2
"""One series alone may well grow or shrink a thousandfold."""


@dataclass(frozen=True, slots=True)
class Redenomination:
    """From month `place` (index) on, amounts are `times` (1000 or 0.001) what they were."""

    place: int
    times: float


def left_out(receipts: Integers, first_month: int, fiscal_start: int) -> tuple[Integers, str]:
    """Receipts (n × T, minor units) without the months that are counted in another unit, and a remark on it.

    Raises ValueError where the change falls into the fiscal year: its receipts cannot be added up.
    """
    change = found(receipts.astype(np.float64))
    if change is None:
        return receipts, ""
    ordinal = first_month + change.place
    month = f"{months.first_day(ordinal):%Y-%m}"
    much = "a thousand times" if change.times > 1 else "a thousandth of"
    if ordinal > fiscal_start:
        raise ValueError(
            f"history: from {month} on most amounts are {much} those before, within the fiscal year; its "
            "receipts cannot be added up. Declare the unit of the files before it, or rescale them"
        )
    kept = receipts.copy()
    kept[:, : change.place] = 0
    return kept, f"months before {month} are left out: from then on most amounts are {much} those before"


def found(receipts: Floats) -> Redenomination | None:
    """The last such change in receipts (n × T); None where there is none.

    Totals of the year before and after are compared first, so that ordinary histories cost next to nothing.
    """
    length = receipts.shape[1]
    total = np.maximum(receipts, 0).sum(axis=0)
    for place in range(length - _AFTER, _BEFORE - 1, -1):
        before, after = total[max(place - _YEAR, 0) : place], total[place : place + _YEAR]
        if before.sum() <= 0 or after.sum() <= 0:
            continue
        if abs(np.log10(after.mean() / before.mean())) < _SUSPECT:
            continue
        times = _alike(receipts, place)
        if times is not None:
            return Redenomination(place, times)
    return None


def _alike(receipts: Floats, place: int) -> float | None:
    """By how much most series change in one month, if that is a thousandfold either way."""
    before, after = receipts[:, max(place - _YEAR, 0) : place], receipts[:, place : place + _YEAR]
    telling = ((before > 0).sum(axis=1) >= _BEFORE) & ((after > 0).sum(axis=1) >= _AFTER)
    if telling.sum() < _LEAST_SERIES:
        return None
    change = _typical_log(after[telling]) - _typical_log(before[telling])
    step = _typical_log(after[telling, :_AFTER]) - _typical_log(before[telling, -_AFTER:])
    for sign in (1, -1):
        like = (np.abs(change - sign * _FACTOR) <= _TOLERANCE) & (np.abs(step - sign * _FACTOR) <= _TOLERANCE)
        if like.mean() >= _MOST:
            return float(10 ** (sign * _FACTOR))
    return None


def _typical_log(receipts: Floats) -> Floats:
    """n, mean of the decimal logs of months with receipts; NaN where there is none."""
    paid = receipts > 0
    logs = np.where(paid, np.log10(np.where(paid, receipts, 1.0)), 0.0).sum(axis=1)
    count = paid.sum(axis=1)
    mean: Floats = np.divide(logs, count, out=np.full(len(logs), np.nan), where=count > 0)
    return mean
