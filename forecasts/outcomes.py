"""What series of one line will still come to, draw by draw: futures, shocks, what is in of a month already.

One place for every method, so that a night's draws come about in one way. Rows and totals are made of the
draws in `forecasts.units`; what a mean consists of is split up here (`PARTS`).
"""

from dataclasses import dataclass

import numpy as np

from forecasts import baselines, futures, shocks
from forecasts.arrays import Flags, Floats
from forecasts.beliefs import strengths
from forecasts.components import EXPECTED, LogParts, expected_parts, still_left
from forecasts.fits import LineFit
from forecasts.futures import LineNoise
from forecasts.ladder import Rung
from forecasts.noise import Noise
from forecasts.panel import Panel
from forecasts.shocks import LineShocks, ShockedReceipts

PARTS = (*EXPECTED, "shocks")
"""What the mean of the months to come consists of: `Outcome.upto` adds up an amount for each, in turn."""
_SURE_OF_PART = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of n series of one line: draws still to come by the end of each month, and what their mean consists of.

    ahead: n × months to come in the fiscal year × draws, cumulative from now on, minor units on the
    territory; upto: `PARTS` × n, each part with those before it, the last being the mean of the last month's
    draws; shocked: what each shock does, where there are any.
    """

    ahead: Floats
    upto: Floats
    shocked: ShockedReceipts | None = None


def arithmetic(line: Panel, method: str, noise: Noise) -> Outcome:
    """By one of the methods that need no fit."""
    remaining = baselines.remaining_draws(line, method, noise)
    nothing = np.zeros(len(remaining), dtype=bool)
    return _outcome(line, remaining, remaining, None, None, nothing)


def arithmetic_rungs(line: Panel) -> list[Rung]:
    """Where such methods stand on the ladder."""
    length = line.receipts.shape[1]
    return [
        Rung("pace", line.remark, length - int(seen))
        if allocated
        else Rung("none", "money placed nowhere", 0)
        for seen, allocated in zip(line.first_seen, line.allocated(), strict=True)
    ]


def modelled(line: Panel, fit: LineFit, terms: LineShocks, shared: LineNoise, own: Floats) -> Outcome:
    """From a fit (rows as in `line`), with the shocks of `terms`."""
    future = futures.draw_line(fit, shared, own)
    from_logs = futures.on_rungs(fit, futures.MODELLED)
    if not terms.terms:
        plain = still_to_come(line, future, from_logs)
        return _outcome(line, plain, plain, None, fit.parts, from_logs)
    strength = strengths(terms, fit.beliefs, shared.strengths, shared.apart)
    counted_from = line.fiscal_start - line.first_month
    shocked = shocks.applied(terms, line.receipts, future, strength, counted_from)
    shocked.receipts[~line.allocated()] = 0
    plain, remaining = (still_to_come(line, one, from_logs) for one in (future, shocked.receipts))
    return _outcome(line, plain, remaining, shocked, fit.parts, from_logs)


def _outcome(
    line: Panel,
    plain: Floats,
    remaining: Floats,
    shocked: ShockedReceipts | None,
    parts: LogParts | None,
    from_logs: Flags,
) -> Outcome:
    skipped = max(line.fiscal_start - line.origin, 0)
    ahead = remaining[:, skipped:]
    usual = ahead if plain is remaining else plain[:, skipped:]
    left = _left(line.pending[:, skipped:], usual)
    for one in (ahead,) if usual is ahead else (ahead, usual):
        for month in range(1, one.shape[1]):  # a month at a time is several times faster than cumsum
            one[:, month] += one[:, month - 1]
    whole, expected = (
        one[:, -1].mean(axis=1) if one.shape[1] else np.zeros(len(one)) for one in (ahead, usual)
    )
    counted = None if parts is None else parts.later(skipped)
    upto = np.cumsum([*expected_parts(counted, from_logs, left, expected), whole], axis=0)
    upto[-2:] = expected, whole  # what adds up to them but for the last bit of a float
    return Outcome(ahead, upto, shocked)


def _left(pending: Floats, usual: Floats) -> Floats:
    """Series × months, the share of each month that is outstanding on average."""
    left, begun = np.ones_like(pending), np.flatnonzero((pending != 0).any(axis=0))
    left[:, begun] = still_left(pending[:, begun], usual[:, begun].mean(axis=2))
    return left


def still_to_come(line: Panel, future: Floats, from_logs: Flags) -> Floats:
    """Whole months to come (series × months × draws) less what has come of them already, never below nothing;
    worked out in place.

    Models know of the part of a month that is in (`forecasts.nowcast`). For other series, where a share p of
    the month usually is in by now, what is left of it is (1 − p) of the month expected and of the month that
    receipts so far point to, weighing the latter by p². Nothing is left where the month is over.
    """
    begun = line.complete_days and line.horizon
    first = future[:, 0].copy() if begun else future[:, :0]
    for month in np.flatnonzero((line.pending != 0).any(axis=0)).tolist():
        rows = np.flatnonzero(line.pending[:, month])
        whole, arrived = future[rows, month], line.pending[rows, month, None]
        future[rows, month] = np.maximum(whole - arrived, np.minimum(whole, 0))
    if begun:
        part = line.elapsed[:, None]
        pointed = line.so_far[:, None] * (1 - part) / np.maximum(part, _SURE_OF_PART)
        blended = part**2 * pointed + (1 - part**2) * (1 - part) * first
        future[:, 0] = np.where(from_logs[:, None] | (part <= 0), future[:, 0], blended)
        future[line.doubt == 0, 0] = 0.0  # the month is over for these units
    return future
