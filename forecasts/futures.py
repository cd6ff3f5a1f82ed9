"""From fits to draws of the months to come, before shocks: lognormal paths, or past years over again.

Draws of one line share what its units share. Shocks are applied afterwards (`forecasts.shocks`), the part of
a month already collected after that (`forecasts.yearend`).
"""

import numpy as np

from forecasts.arrays import Floats
from forecasts.beliefs import Belief
from forecasts.fits import LineFit
from forecasts.lumpy import past_years
from forecasts.noise import Noise
from forecasts.panel import Panel

_LARGEST_GROWTH = np.log(20.0)
"""No month drawn is more than twenty times the largest a series ever had."""


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
