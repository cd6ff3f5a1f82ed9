"""The fallback ladder: which answer a series can bear, and why it was given that one.

`full` a model of its own; `line_factor` its share of the line's model; `pace` plain forecasts from past years
with their own errors (`forecasts.lumpy`); `none` nothing further is expected. A rung is recorded for every
series; how each rung forecasts lives in the methods.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from forecasts.arrays import Flags, Floats, Integers

RungName = Literal["full", "line_factor", "pace", "none"]

_POSITIVE_SHARE = 0.9
_RECENT = 12
_AGAIN_MONTHS = 12
_NEW_MONTHS = 6


@dataclass(frozen=True, slots=True)
class Rung:
    """The step of the ladder a series stands on; `converged` is None where nothing was fitted."""

    name: RungName
    reason: str
    months_of_history: int
    converged: bool | None = None


def regular(receipts: Floats, first_seen: Integers) -> Flags:
    """Series (n × T) whose receipts since first seen are positive in nine months of ten, lately too: fit for
    logs.
    """
    month = np.arange(receipts.shape[1])
    alive = (month[None, :] >= first_seen[:, None]) & ~np.isnan(receipts)
    positive = alive & (np.nan_to_num(receipts) > 0)
    return _often(positive, alive) & _often(positive[:, -_RECENT:], alive[:, -_RECENT:])


def _often(positive: Flags, alive: Flags) -> Flags:
    months = alive.sum(axis=1)
    often: Flags = (months > 0) & (positive.sum(axis=1) >= _POSITIVE_SHARE * months)
    return often


@dataclass(frozen=True, slots=True)
class Terms:
    """What a method asks of a line: whether there is a model of the line at all, from how many months on a
    series has a model of its own, and whether the fit converged (None: nothing was iterated)."""

    line_modelled: bool
    own_months: int
    converged: bool | None = None


def choose(receipts: Floats, since: Integers, allocated: Flags, terms: Terms) -> list[Rung]:
    """A rung for each series of one line (n × T, NaN where masked).

    since: n, the month its present life began; where that is later than its first receipts, it has begun
    again, and shows only after a year that it goes on.
    """
    known = np.nan_to_num(receipts)
    smooth, history = regular(receipts, since), receipts.shape[1] - since
    again = _first_paid(known) < since
    like_line = _mostly_regular(known, smooth & allocated, history)
    chosen = []
    for row, months in enumerate(history.tolist()):
        if not allocated[row]:
            chosen.append(Rung("none", "money placed nowhere is carried at face value", months))
        elif not known[row].any():
            chosen.append(Rung("none", "no receipts in any complete month", 0))
        elif not known[row, -3 * _RECENT :].any():
            chosen.append(Rung("none", "no receipts in the last three years", months))
        elif not smooth[row]:
            chosen.append(Rung("pace", "zero, negative or intermittent receipts", months))
        elif again[row] and months < _AGAIN_MONTHS:
            chosen.append(Rung("pace", f"began again less than {_AGAIN_MONTHS} months ago", months))
        elif not terms.line_modelled:
            chosen.append(Rung("pace", "too few regular months in the whole line", months))
        elif months < _NEW_MONTHS and not like_line:
            reason = f"under {_NEW_MONTHS} months of its own, and most of its line is irregular"
            chosen.append(Rung("pace", reason, months))
        elif months < terms.own_months:
            reason = f"under {terms.own_months} months of its own"
            chosen.append(Rung("line_factor", reason, months, terms.converged))
        else:
            chosen.append(Rung("full", "", months, terms.converged))
    return chosen


def remarked(rungs: list[Rung], remark: str) -> list[Rung]:
    """The same rungs, with a remark on the whole history after each reason."""
    if not remark:
        return rungs
    return [replace(rung, reason="; ".join(filter(None, (rung.reason, remark)))) for rung in rungs]


def _mostly_regular(known: Floats, smooth: Flags, history: Integers) -> bool:
    """Whether at least half of a line's units that have receipts in the last year have them regularly, those
    with under a year of history apart."""
    paying = (known[:, -_RECENT:] != 0).any(axis=1) & (_first_paid(known) < known.shape[1] - _RECENT)
    return bool(2 * (paying & smooth & (history >= _RECENT)).sum() >= paying.sum())


def _first_paid(known: Floats) -> Integers:
    """n, the first month with any receipts or refunds; T where there is none."""
    first: Integers = (np.cumsum(known != 0, axis=1) == 0).sum(axis=1)
    return first
