"""From joint draws to figures: quantiles, probabilities, cumulative paths, for many rows at once.

Draws become whole minor units series by series and are added up as integers, so that the draws of units add
up to the authority's, exactly, in whatever batches they are made. How draws come about belongs elsewhere.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasts.arrays import Floats, Integers, Numbers
from forecasts.keys import Estimates
from forecasts.seam import QUANTILES, TAILS

LEVELS = QUANTILES | TAILS
PATH_LEVELS = ("p10", "p50", "p90")
_PATH = [list(LEVELS).index(name) for name in PATH_LEVELS]
_HALF_YEAR = 6


@dataclass(frozen=True, slots=True)
class Figures:
    """Of m rows in each of B bases, cumulative within the fiscal year, minor units and probabilities.

    mean: m × B; whole: m × B × quantiles (`LEVELS`) of the year-end; path: m × B × months to come × quantiles
    (`PATH_LEVELS`); shortfall_probability, half_year_below: m × B, NaN without an estimate;
    expected_shortfall: m × B, 0 without an estimate.
    """

    mean: Integers
    whole: Integers
    path: Integers
    shortfall_probability: Floats
    expected_shortfall: Integers
    half_year_below: Floats

    @classmethod
    def blank(cls, rows: int, bases: int, ahead: int) -> "Figures":
        """Places to fill."""
        return cls(
            np.zeros((rows, bases), dtype=np.int64),
            np.zeros((rows, bases, len(LEVELS)), dtype=np.int64),
            np.zeros((rows, bases, ahead, len(PATH_LEVELS)), dtype=np.int64),
            np.full((rows, bases), np.nan),
            np.zeros((rows, bases), dtype=np.int64),
            np.full((rows, bases), np.nan),
        )

    def put(self, rows: Integers | slice, part: "Figures") -> None:
        """Fill some rows."""
        for ours, theirs in zip(self.arrays(), part.arrays(), strict=True):
            ours[rows] = theirs

    def arrays(self) -> tuple[Any, ...]:
        """All of them, in the order above."""
        return (
            self.mean,
            self.whole,
            self.path,
            self.shortfall_probability,
            self.expected_shortfall,
            self.half_year_below,
        )


def joined(parts: list[Figures]) -> Figures:
    """One after the other."""
    return Figures(*(np.concatenate(arrays) for arrays in zip(*(p.arrays() for p in parts), strict=True)))


def whole_draws(ahead: Floats, share: Floats) -> Integers:
    """n × months × draws, in whole minor units the share (n) that counts in a basis of what is still to
    come."""
    part = np.rint(ahead if (share == 1).all() else share[:, None, None] * ahead)
    draws: Integers = part.astype(np.int64)
    return draws


def leaf_figures(ahead: Floats, shares: Floats, actual: Integers, estimates: Estimates) -> Figures:
    """Figures of n leaves; every basis is a share of the same draws, which are put in order once, in place.

    ahead: n × H × D, cumulative from now on; shares: B × n; actual: B × n × 12, cumulative.
    """
    count, months = ahead.shape[:2]
    figures = Figures.blank(count, len(shares), months)
    expected = ahead[:, -1].mean(axis=1) if months else np.zeros(count)
    ahead.sort(axis=2)
    low, high, part = _around(ahead)
    for basis, (share, past) in enumerate(zip(shares, actual, strict=True)):
        figures.mean[:, basis] = past[:, -1] + np.rint(share * expected).astype(np.int64)
        below, above = (whole_draws(one, share) for one in (low, high))
        _enter(figures, basis, past, _between(below, above, part))
        rows, telling = np.flatnonzero(estimates.given[:, basis]), _telling(months)
        draws = whole_draws(ahead[rows[:, None], telling], share[rows])
        _compare(figures, basis, rows, past[rows], draws, estimates.amount[rows, basis])
    return figures


def total_figures(draws: Integers, mean: Integers, actual: Integers, estimates: Estimates) -> Figures:
    """Figures of m totals, from sums of their leaves' draws, which are put in order in place.

    draws: B × m × H × D, still to come, cumulative; mean: B × m; actual: B × m × 12, cumulative.
    """
    figures = Figures.blank(draws.shape[1], len(draws), draws.shape[2])
    for basis, (one, past) in enumerate(zip(draws, actual, strict=True)):
        figures.mean[:, basis] = mean[basis]
        one.sort(axis=2)
        _enter(figures, basis, past, _between(*_around(one)))
        rows = np.flatnonzero(estimates.given[:, basis])
        draws = one[rows[:, None], _telling(one.shape[1])]
        _compare(figures, basis, rows, past[rows], draws, estimates.amount[rows, basis])
    return figures


def _telling(months: int) -> Integers:
    """Of the months to come, those that estimates are compared with: the half year's end, where that is to
    come, and the year's."""
    ends = np.array([months - 1 - _HALF_YEAR, months - 1], dtype=np.int64)
    return ends[ends >= 0]


def _around(ordered: Numbers) -> tuple[Numbers, Numbers, Floats]:
    """The draws below and above each of `LEVELS` (… × levels), and how far between them it lies."""
    place = np.array(list(LEVELS.values())) * (ordered.shape[-1] - 1)
    below, above = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
    return ordered[..., below], ordered[..., above], place - below


def _between(low: Integers, high: Integers, part: Floats) -> Integers:
    middle: Integers = low + np.rint((high - low) * part).astype(np.int64)
    return middle


def _enter(figures: Figures, basis: int, past: Integers, quantiles: Integers) -> None:
    """Quantiles of what is to come (m × months × levels) on what is collected; that alone where the year is
    over."""
    reached = past[:, 12 - quantiles.shape[1] :, None] + quantiles
    figures.path[:, basis] = reached[:, :, _PATH]
    figures.whole[:, basis] = reached[:, -1] if reached.shape[1] else past[:, -1:]


def _compare(
    figures: Figures, basis: int, rows: Integers, past: Integers, draws: Integers, estimate: Integers
) -> None:
    """What draws (rows × telling months × draws) say of the estimates (rows) they have."""
    late, half = past[:, -1:], past[:, _HALF_YEAR - 1, None]
    late = late + draws[:, -1] if draws.shape[1] else late
    half = half + draws[:, 0] if draws.shape[1] > 1 else half
    short = np.maximum(estimate[:, None] - late, 0)
    figures.shortfall_probability[rows, basis] = (short > 0).mean(axis=1)
    figures.expected_shortfall[rows, basis] = np.rint(short.mean(axis=1)).astype(np.int64)
    figures.half_year_below[rows, basis] = (2 * half <= estimate[:, None]).mean(axis=1)
