"""How good a forecast was: errors of the point, of the whole distribution, and of its promises, with
intervals.

A score is a value with its sampling interval (units drawn again with replacement). What is forecast, and
when, is the backtest's affair.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from forecasts.arrays import Floats

_RESAMPLES = 200
_CENTRAL = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Forecasts of n year-ends beside what came, currency or minor units alike.

    point, actual: n; levels: Q in 0..1, ascending; quantiles: n × Q; typical: n, mean change of the year-end
    from one year to the next before (what MASE divides by); estimate, shortfall: n, NaN where there is no
    estimate.
    """

    point: Floats
    actual: Floats
    levels: Floats
    quantiles: Floats
    typical: Floats
    estimate: Floats
    shortfall: Floats


Parts = tuple[Floats, Floats]
"""What each year-end adds above and below the line of a score; the score is the ratio of the two sums."""


@dataclass(frozen=True, slots=True)
class Score:
    """An error of forecasts, smaller is better: a ratio of two sums over year-ends, NaN where there is
    nothing to divide by.
    """

    parts: Callable[[Outcome], Parts]

    def __call__(self, one: Outcome) -> float:
        """The score of all year-ends together."""
        above, below = self.parts(one)
        whole = float(below.sum())
        return float(above.sum()) / whole if whole > 0 else float("nan")


def _error(one: Outcome) -> Floats:
    error: Floats = np.abs(one.point - one.actual)
    return error


def _over(above: Floats, below: Floats) -> Parts:
    """Ratios of year-ends that have something to divide by, and how often that is so."""
    counts = below > 0
    return np.where(counts, above / np.where(counts, below, 1.0), 0.0), counts.astype(np.float64)


def _wape_parts(one: Outcome) -> Parts:
    return 100 * _error(one), np.abs(one.actual)


def _mape_parts(one: Outcome) -> Parts:
    return _over(100 * _error(one), one.actual)


def _mase_parts(one: Outcome) -> Parts:
    return _over(_error(one), one.typical)


def _crps_parts(one: Outcome) -> Parts:
    edges = np.concatenate([[0.0], (one.levels[1:] + one.levels[:-1]) / 2, [1.0]])
    return 200 * (_losses(one) @ np.diff(edges)), np.abs(one.actual)


def _pinball_parts(level: float, one: Outcome) -> Parts:
    """Of the quantile nearest to the level: of a forecast without a range, its one figure."""
    over = one.actual - one.quantiles[:, int(np.argmin(np.abs(one.levels - level)))]
    return 100 * np.maximum(level * over, (level - 1) * over), np.abs(one.actual)


def _brier_parts(one: Outcome) -> Parts:
    known = np.isfinite(one.estimate) & np.isfinite(one.shortfall)
    came = (one.actual < one.estimate).astype(np.float64)
    return np.where(known, (np.where(known, one.shortfall, 0.0) - came) ** 2, 0.0), known.astype(np.float64)


wape_pct = Score(_wape_parts)
"""Sum of absolute errors, percent of the sum of what came."""
mape_pct = Score(_mape_parts)
"""Mean absolute percentage error over year-ends above zero."""
mase = Score(_mase_parts)
"""Mean absolute error over the mean year-to-year change before; series without one are left out."""
crps_pct = Score(_crps_parts)
"""Continuous ranked probability score from the quantiles (twice the pinball loss, integrated), percent of
what came."""
pinball10_pct, pinball90_pct = (Score(partial(_pinball_parts, level)) for level in (0.1, 0.9))
"""Pinball loss of the lower and the upper end of the central 80%, percent of what came: an end that lies far
out costs a little, one that was passed nine times as much."""
brier = Score(_brier_parts)
"""Mean squared error of the probability of falling short of the estimate; NaN without estimates."""


def _losses(one: Outcome) -> Floats:
    over = one.actual[:, None] - one.quantiles
    losses: Floats = np.maximum(one.levels * over, (one.levels - 1) * over)
    return losses


def coverage_pct(one: Outcome, low: float, high: float) -> float:
    """Percent of year-ends between the quantiles of two levels."""
    below, above = (one.quantiles[:, int(np.argmin(np.abs(one.levels - level)))] for level in (low, high))
    return 100 * _mean(((one.actual >= below) & (one.actual <= above)).astype(np.float64))


ERRORS: dict[str, Score] = {
    "wape_pct": wape_pct,
    "mape_pct": mape_pct,
    "mase": mase,
    "crps": crps_pct,
    "pinball10_pct": pinball10_pct,
    "pinball90_pct": pinball90_pct,
    "brier": brier,
}
"""Errors with an interval, under the names of their columns."""


def interval(one: Outcome, score: Score, seed: int) -> tuple[float, float]:
    """The central 90% of a score over units drawn again with replacement."""
    above, below = (_drawn(len(one.actual), seed) @ part for part in score.parts(one))
    values = above[below > 0] / below[below > 0]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, _CENTRAL)
    return float(low), float(high)


@lru_cache(maxsize=4)
def _drawn(units: int, seed: int) -> Floats:
    """Resamples × units, how often each unit is drawn; the same for all scores of as many units."""
    rows = np.random.default_rng(seed).integers(0, units, size=(_RESAMPLES, units))
    return np.stack([np.bincount(row, minlength=units) for row in rows]).astype(np.float64)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
