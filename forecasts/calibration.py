"""How wide ranges should have been: the same bank, run as of earlier years, against what came.

Per line and month of the year: a factor for what its units share, one for what is each one's own (so that 80%
ranges hold), and how far errors stray beyond (so that 95% ranges hold), all drawn towards a default while
years are few. The errors themselves go on to `forecasts.sharing`, which says what totals over lines need.
Nothing later than the origin is looked at.
"""

from dataclasses import dataclass, field

import numpy as np

from forecasts.arrays import Flags, Floats
from forecasts.factors import UNITS_FOR_FACTOR, forecast_logs
from forecasts.noise import CENTRAL_80, FREEDOM, freedom_of, tail_ratio
from forecasts.remaining import Remaining, remaining
from forecasts.sharing import PastErrors

_YEARS = 4
_FIRST_MONTHS = 24
_OWN_PRIOR, _SHARED_PRIOR, _TAIL_PRIOR = 2.0, 4.0, 6.0
"""Years that the defaults count for."""
_NARROWEST, _WIDEST = 0.6, 1.8
_FEW_ERRORS = 40
"""Errors under which the outermost twentieth says less than its years would."""
_MOST_UNITS = 1000
"""Units looked at: so many tell a line's factors as well as ten thousand, in a tenth of the time."""
_FURTHEST = 4.0
_MEAN_SIZE = 0.7309
"""Mean absolute value of the noise that ranges are drawn with, at unit variance and five degrees of freedom,
lowered by what `_FURTHEST` cuts off."""
_OF_MEDIAN = 1.57
"""Variance of a median over that of a mean."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Factors on the standard deviations a line's units share and have of their own; degrees of freedom of
    each one's own noise; years they were learnt from, and the errors of those.
    """

    shared: float = 1.0
    own: float = 1.0
    freedom: float = FREEDOM
    years: int = 0
    past: PastErrors = field(default_factory=lambda: PastErrors.nothing(0), compare=False)


@dataclass(frozen=True, slots=True)
class _Year:
    """One past origin of a line: which of its n units were forecast, their standardised errors, the line's
    error over its deviation, own errors and the money at stake of those units."""

    rows: Flags
    unit: Floats
    line: float
    own: Floats
    at_stake: Floats


def calibrate(logs: Floats, horizon: int) -> Calibration:
    """Compare past year-ends of one line (n × T logs, NaN where missing) with what was forecast then.

    Origins are the same month of the four years before; series need two years of history at each. Of many
    units a thousand are looked at.
    """
    if not 0 < horizon <= 12:
        return Calibration(past=PastErrors.nothing(len(logs)))
    years: list[_Year] = []
    for back in range(1, _YEARS + 1):
        end = logs.shape[1] - 12 * back
        rows = np.isfinite(logs[:, : max(end, 0)]).sum(axis=1) >= _FIRST_MONTHS
        rows &= np.isfinite(logs[:, max(end, 0) : end + horizon]).all(axis=1)
        rows &= _spread_out(len(logs))
        if not rows.any():
            break
        years.append(_one_year(logs, rows, end, horizon))
    return _learnt(years, len(logs))


def _spread_out(units: int) -> Flags:
    """Every unit, or about `_MOST_UNITS` of them at even distances."""
    step = -(-units // _MOST_UNITS) if units else 1
    chosen: Flags = np.arange(units) % step == 0
    return chosen


def _one_year(logs: Floats, rows: Flags, end: int, horizon: int) -> _Year:
    made = remaining(forecast_logs(logs[rows, :end], horizon))
    came = np.log(np.exp(logs[rows, end : end + horizon]).sum(axis=1))
    error, own = came - made.median, np.maximum(made.own, 1e-9)
    together, deviation = _together(error, made)
    at_stake = np.exp(made.median) * made.own
    unit = error / np.maximum(made.deviation, 1e-9)
    return _Year(rows, unit, together / deviation, (error - together) / own, at_stake)


def _together(error: Floats, made: Remaining) -> tuple[float, float]:
    """What the units erred by together, and the deviation that was to be expected of that.

    Their median where they are many: one unit's misfortune is not the line's.
    """
    many = len(error) >= UNITS_FOR_FACTOR
    typical = float(np.median(error) if many else error.mean())
    chance = (_OF_MEDIAN if many else 1.0) * (made.own**2).mean() / len(error)
    return typical, max(float(np.sqrt(made.shared.mean() ** 2 + chance)), 1e-9)


def _learnt(years: list[_Year], units: int) -> Calibration:
    if not years:
        return Calibration(past=PastErrors.nothing(units))
    count, errors = len(years), np.abs(np.concatenate([year.unit for year in years]))
    size = np.minimum(np.abs([year.line for year in years]), _FURTHEST).mean() / _MEAN_SIZE
    shared = _drawn_in(float(size), count / (count + _SHARED_PRIOR))
    inner, outer = np.quantile(errors, [0.8, 0.95])
    own = _drawn_in(float(inner) / CENTRAL_80, count / (count + _OWN_PRIOR))
    trust = count / (count + _TAIL_PRIOR) * min(len(errors) / _FEW_ERRORS, 1.0)
    freedom = _tail(float(inner), float(outer), trust)
    return Calibration(shared, own, freedom, count, _past(years, units, shared))


def _past(years: list[_Year], units: int, shared: float) -> PastErrors:
    past = PastErrors.nothing(units, len(years))
    for place, year in enumerate(years):
        past.line[place] = year.line / shared
        if len(year.own) > 1:  # a single unit's error is its line's
            past.own[place, year.rows], past.at_stake[place, year.rows] = year.own, year.at_stake
    return past


def _tail(inner: float, outer: float, trust: float) -> float:
    """Degrees of freedom for which 95% ranges are as much wider than 80% ranges as errors would have had it,
    drawn towards the default on the log scale."""
    usual = tail_ratio(FREEDOM)
    if inner <= 0:
        return FREEDOM
    return freedom_of(float(usual * (outer / inner / usual) ** trust))


def _drawn_in(factor: float, trust: float) -> float:
    """A factor drawn towards 1 on the log scale, within bounds."""
    return float(np.clip(max(factor, 0.2) ** trust, _NARROWEST, _WIDEST))
