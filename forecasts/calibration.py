"""How wide ranges should have been: the same bank, run as of earlier years, against what came.

One factor per line and month of the year for what its units share and one for what is each one's own, both
drawn towards 1 while years are few. Nothing later than the origin is looked at.
"""

from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Floats
from forecasts.factors import forecast_logs
from forecasts.noise import CENTRAL_80
from forecasts.remaining import Remaining, remaining

_YEARS = 4
_FIRST_MONTHS = 36
_PRIOR_YEARS = 2.0
_NARROWEST, _WIDEST = 0.6, 1.8


@dataclass(frozen=True, slots=True)
class Calibration:
    """Factors on the standard deviations a line's units share and have of their own; years they were learnt
    from.
    """

    shared: float = 1.0
    own: float = 1.0
    years: int = 0


def calibrate(logs: Floats, horizon: int) -> Calibration:
    """Compare past year-ends of one line (n × T logs, NaN where missing) with what was forecast then.

    Origins are the same month of the four years before; series need three years of history at each.
    """
    if not 0 < horizon <= 12:
        return Calibration()
    units, totals = [], []
    for year in range(1, _YEARS + 1):
        end = logs.shape[1] - 12 * year
        rows = (
            np.isfinite(logs[:, :end]).sum(axis=1) >= _FIRST_MONTHS
            if end > 0
            else np.zeros(len(logs), dtype=bool)
        )
        rows &= np.isfinite(logs[:, max(end, 0) : end + horizon]).all(axis=1)
        if not rows.any():
            break
        made = remaining(forecast_logs(logs[rows, :end], horizon))
        came = np.log(np.exp(logs[rows, end : end + horizon]).sum(axis=1))
        units.append((came - made.median) / np.maximum(made.deviation, 1e-9))
        totals.append(_total_error(made, came))
    return _learnt(units, totals)


def _total_error(made: Remaining, came: Floats) -> float:
    """The line's total: error over the deviation that shared and own parts give it."""
    size = np.exp(made.median - made.median.max())
    part = size / size.sum()
    deviation = np.hypot((part * made.shared).sum(), np.sqrt(((part * made.own) ** 2).sum()))
    top = max(came.max(), made.median.max())
    error = np.log(np.exp(came - top).sum()) - np.log(np.exp(made.median - top).sum())
    return float(error / max(deviation, 1e-9))


def _learnt(units: list[Floats], totals: list[float]) -> Calibration:
    if not units:
        return Calibration()
    trust = len(units) / (len(units) + _PRIOR_YEARS)
    own = float(np.quantile(np.abs(np.concatenate(units)), 0.8)) / CENTRAL_80
    shared = float(np.sqrt(np.mean(np.square(totals))))
    return Calibration(_drawn_in(shared, trust / 2), _drawn_in(own, trust), len(units))


def _drawn_in(factor: float, trust: float) -> float:
    """A factor drawn towards 1 on the log scale, within bounds."""
    return float(np.clip(max(factor, 1e-6) ** trust, _NARROWEST, _WIDEST))
