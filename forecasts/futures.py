"""From fits to draws of the months to come, before shocks: lognormal paths, or past years over again.

Draws of one line share what its units share. Shocks are applied afterwards (`forecasts.shocks`), the part of
a month already collected after that (`forecasts.yearend`).
"""

import numpy as np

from forecasts.arrays import Floats
from forecasts.beliefs import Belief
from forecasts.fits import LineFit
from forecasts.noise import Noise
from forecasts.panel import Panel

_LARGEST_GROWTH = np.log(20.0)
"""No month drawn is more than twenty times the largest a series ever had."""
_YEAR_WEIGHTS = (0.6, 0.25, 0.15)
_UNKNOWN_CHANGE = 0.5
_LEAST_CHANGE = 0.15


def draw_line(panel: Panel, fit: LineFit, noise: Noise, cross: float) -> Floats:
    """Series × months to come × draws, minor units, for the series of one line (`panel` holds only them)."""
    future = np.zeros((len(fit.rungs), noise.horizon, noise.draws))
    if not len(fit.rungs) or not noise.horizon:
        return future
    line_code = panel.lines[0]
    common = noise.line(line_code, cross)
    shift = {form: noise.strength(line_code, form) * belief.sd for form, belief in fit.beliefs.items()}
    for row, rung in enumerate(fit.rungs):
        if rung.name in ("full", "line_factor"):
            own = noise.unit(line_code, panel.units[row])
            future[row] = _lognormal(fit, row, common, own, shift)
        elif rung.name == "pace":
            own = noise.unit(line_code, panel.units[row])
            future[row] = past_years(
                fit.base[row], int(panel.first_seen[row]), noise.year(line_code), common, own
            )
    return future


def strength_noise(line_code: str, beliefs: dict[str, Belief], noise: Noise) -> dict[str, Floats]:
    """The draws of shock strengths that belong to `draw_line`'s draws."""
    return {form: noise.strength(line_code, form) for form in beliefs}


def _lognormal(fit: LineFit, row: int, common: Floats, own: Floats, shift: dict[str, Floats]) -> Floats:
    logs = fit.mean[row][:, None] + fit.common[row] @ common + fit.own[row] @ own
    for form, moved in shift.items():
        logs -= fit.response[form][row][:, None] * moved[None, :]
    highest = np.log(max(float(np.nanmax(fit.base[row])), 1.0)) + _LARGEST_GROWTH
    receipts: Floats = np.exp(np.minimum(logs, highest))
    return receipts


def past_years(base: Floats, first_seen: int, chosen: Floats, common: Floats, own: Floats) -> Floats:
    """Months × draws: each draw repeats the same months of one of up to three past years, the last one most
    often, grown or shrunk as much as such sums have differed from year to year.

    Under a year of history the mean of the months there are is repeated instead.
    """
    horizon, draws = own.shape
    known = np.nan_to_num(base[first_seen:])
    years = min(len(known) // 12, len(_YEAR_WEIGHTS))
    if years == 0:
        level = np.full((horizon, draws), known.mean() if len(known) else 0.0)
        level *= np.exp(_UNKNOWN_CHANGE * (common + own) / np.sqrt(2) - _UNKNOWN_CHANGE**2 / 2)
        return level
    bounds = np.cumsum(_YEAR_WEIGHTS[:years]) / sum(_YEAR_WEIGHTS[:years])
    back = 12 * (1 + np.minimum(np.searchsorted(bounds, chosen, side="right"), years - 1))
    step = np.arange(horizon) % 12
    picked = known[len(known) - back[None, :] + step[:, None]]
    change = _yearly_change(known, horizon)
    repeated: Floats = picked * np.exp(change * (common[:1] + own[:1]) / np.sqrt(2) - change**2 / 2)
    return repeated


def _yearly_change(known: Floats, horizon: int) -> float:
    """Typical change (log) of the sum of these months from one year to the next, between 0.15 and 1."""
    sums = [known[end : end + min(horizon, 12)].sum() for end in range(len(known) - 12, -1, -12)]
    paid = np.log([one for one in sums if one > 0])
    if len(paid) < 3:
        return _UNKNOWN_CHANGE
    return float(np.clip(np.sqrt(np.mean(np.diff(paid) ** 2)), _LEAST_CHANGE, 1.0))
