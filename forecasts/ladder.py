"""The fallback ladder: which answer a series can bear, and why it was given that one.

`full` a model of its own; `line_factor` its share of the line's model; `pace` past years' receipts with their
own errors; `none` nothing further is expected. A rung is recorded for every series; how each rung forecasts
lives in the methods.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecasts.arrays import Flags, Floats, Integers

RungName = Literal["full", "line_factor", "pace", "none"]

_POSITIVE_SHARE = 0.9
_RECENT = 12


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


def choose(receipts: Floats, first_seen: Integers, allocated: Flags, terms: Terms) -> list[Rung]:
    """A rung for each series of one line (n × T, NaN where masked)."""
    smooth = regular(receipts, first_seen)
    history = receipts.shape[1] - first_seen
    chosen = []
    for row, months in enumerate(history.tolist()):
        if not allocated[row]:
            chosen.append(Rung("none", "money placed nowhere is carried at face value", months))
        elif months == 0:
            chosen.append(Rung("none", "no receipts in any complete month", 0))
        elif not np.nan_to_num(receipts[row, -3 * _RECENT :]).any():
            chosen.append(Rung("none", "no receipts in the last three years", months))
        elif not smooth[row]:
            chosen.append(Rung("pace", "zero, negative or intermittent receipts", months))
        elif not terms.line_modelled:
            chosen.append(Rung("pace", "too few regular months in the whole line", months))
        elif months < terms.own_months:
            reason = f"under {terms.own_months} months of its own"
            chosen.append(Rung("line_factor", reason, months, terms.converged))
        else:
            chosen.append(Rung("full", "", months, terms.converged))
    return chosen
