"""How good a forecast was: errors of the point, of the whole distribution, and of its promises, with
intervals.

A score is a value with its sampling interval (units drawn again with replacement). What is forecast, and
when, is the backtest's affair.
"""

from collections.abc import Callable
from dataclasses import dataclass

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

    def take(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> "Outcome":
        """Some of the year-ends, in the order given."""
        return Outcome(
            self.point[rows],
            self.actual[rows],
            self.levels,
            self.quantiles[rows],
            self.typical[rows],
            self.estimate[rows],
            self.shortfall[rows],
        )


def wape_pct(one: Outcome) -> float:
    """Sum of absolute errors, percent of the sum of what came."""
    return _share(np.abs(one.point - one.actual).sum(), np.abs(one.actual).sum())


def mape_pct(one: Outcome) -> float:
    """Mean absolute percentage error over year-ends above zero."""
    paid = one.actual > 0
    return 100 * _mean(np.abs(one.point - one.actual)[paid] / one.actual[paid])


def mase(one: Outcome) -> float:
    """Mean absolute error over the mean year-to-year change before; series without such a change are left
    out.
    """
    varied = one.typical > 0
    return _mean(np.abs(one.point - one.actual)[varied] / one.typical[varied])


def pinball(one: Outcome) -> Floats:
    """Q, mean pinball loss at each level."""
    over = one.actual[:, None] - one.quantiles
    loss: Floats = np.maximum(one.levels * over, (one.levels - 1) * over).mean(axis=0)
    return loss


def crps_pct(one: Outcome) -> float:
    """Continuous ranked probability score from the quantiles (twice the pinball loss, integrated), percent of
    what came.
    """
    edges = np.concatenate([[0.0], (one.levels[1:] + one.levels[:-1]) / 2, [1.0]])
    return _share(
        2 * float((pinball(one) * np.diff(edges)).sum()) * len(one.actual), np.abs(one.actual).sum()
    )


def coverage_pct(one: Outcome, low: float, high: float) -> float:
    """Percent of year-ends between the quantiles of two levels."""
    below, above = (one.quantiles[:, int(np.argmin(np.abs(one.levels - level)))] for level in (low, high))
    return 100 * _mean(((one.actual >= below) & (one.actual <= above)).astype(np.float64))


def brier(one: Outcome) -> float:
    """Mean squared error of the probability of falling short of the estimate; NaN without estimates."""
    known = np.isfinite(one.estimate) & np.isfinite(one.shortfall)
    came = (one.actual < one.estimate).astype(np.float64)
    return _mean((one.shortfall[known] - came[known]) ** 2)


ERRORS: dict[str, Callable[[Outcome], float]] = {
    "wape_pct": wape_pct,
    "mape_pct": mape_pct,
    "mase": mase,
    "crps": crps_pct,
    "brier": brier,
}
"""Errors with an interval, under the names of their columns; smaller is better."""


def interval(one: Outcome, score: Callable[[Outcome], float], seed: int) -> tuple[float, float]:
    """The central 90% of a score over units drawn again with replacement."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(one.actual), size=(_RESAMPLES, len(one.actual)))
    values = np.array([score(one.take(row)) for row in rows])
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, _CENTRAL)
    return float(low), float(high)


def _share(part: float, whole: float) -> float:
    return float(100 * part / whole) if whole > 0 else float("nan")


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
