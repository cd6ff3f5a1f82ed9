"""The sum of the months to come, from their logs: one lognormal by moments.

For scoring and calibration, where drawing paths would be waste. Shared and own variance stay apart.
"""

from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Floats
from forecasts.factors import LogForecast

_LARGEST_SKEW = 0.5
"""Variance of a month's log above which receipts are taken to scatter downwards rather than upwards: what a
lognormal adds to its mean is bounded there. Bounded lower, medians of noisy series lie further below what
comes; without a bound, their means lie up to twice above it.
"""


@dataclass(frozen=True, slots=True)
class Remaining:
    """Log of what is still to come, n: median, and standard deviations of the shared and of the own part."""

    median: Floats
    shared: Floats
    own: Floats

    @property
    def deviation(self) -> Floats:
        """n, standard deviation of the log."""
        both: Floats = np.hypot(self.shared, self.own)
        return both


def remaining(forecast: LogForecast) -> Remaining:
    """Moments of the log of each series' sum over the months to come."""
    covariance = forecast.shared + forecast.own
    mean = unskewed(forecast.mean, covariance)
    top = mean.max(axis=1, keepdims=True)
    size = np.exp(mean - top)
    part = size / size.sum(axis=1, keepdims=True)
    shared, own = (np.einsum("nh,nhk,nk->n", part, one, part) for one in (forecast.shared, forecast.own))
    widening = 0.5 * (np.einsum("nh,nhh->n", part, covariance) - shared - own)
    median = top[:, 0] + np.log(size.sum(axis=1)) + np.maximum(widening, 0)
    return Remaining(median, np.sqrt(shared), np.sqrt(own))


def unskewed(mean: Floats, covariance: Floats) -> Floats:
    """Means of logs (n × H) lowered by what a lognormal of large variance would wrongly add to receipts."""
    variance = np.einsum("nhh->nh", covariance)
    lowered: Floats = mean - 0.5 * np.maximum(variance - _LARGEST_SKEW, 0)
    return lowered
