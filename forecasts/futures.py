"""From fits to draws of the months to come, before shocks: lognormal paths, or plain sums by month.

Draws of one line share what its units share. Shocks are applied afterwards (`forecasts.shocks`), the part of
a month already collected after that (`forecasts.outcomes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Flags, Floats, Integers
from forecasts.fits import FORMS, LineFit
from forecasts.noise import Noise
from forecasts.panel import Panel

MODELLED = ("full", "line_factor")
"""Rungs that are forecast from logs."""
_LARGEST_GROWTH = np.log(20.0)
"""No month drawn is more than twenty times the largest a series ever had."""


@dataclass(frozen=True, slots=True)
class LineNoise:
    """What the draws of a line's units have in common.

    months: horizon × draws; year: draws in 0..1, which past year is repeated; strengths: draws by form of
    shock; apart: series × draws by form of shock, each unit's own, where shocks are declared.
    """

    months: Floats
    year: Floats
    strengths: dict[str, Floats]
    apart: dict[str, Floats]


class AcrossLines:
    """What units' lines have in common, drawn once per unit; `part` (0..1) of what is a unit's own."""

    def __init__(self, noise: Noise, part: float) -> None:
        self.part, self._noise, self._units = part, noise, dict[str, Floats]()

    def of(self, unit_key: str) -> Floats:
        """Horizon × draws of one unit."""
        if unit_key not in self._units:
            self._units[unit_key] = self._noise.across(unit_key)
        return self._units[unit_key]


def line_noise(line_code: str, noise: Noise, cross: float, shocked: Sequence[str] = ()) -> LineNoise:
    """The noise of one line; `cross` is the correlation between lines, 0..1; `shocked`: its units, where
    shocks are declared.
    """
    strengths = {form: noise.strength(line_code, form) for form in FORMS}
    apart = {
        form: np.array([noise.apart(line_code, unit, form) for unit in shocked])
        for form in FORMS
        if len(shocked)
    }
    return LineNoise(noise.line(line_code, cross), noise.year(line_code), strengths, apart)


def own_noise(line: Panel, noise: Noise, wanted: Flags, freedom: Floats, across: AcrossLines) -> Floats:
    """Series × months to come × draws, each series' own, in part its unit's; nothing for those not wanted.

    `freedom`: n, degrees of freedom.
    """
    own = np.zeros((len(line.units), noise.horizon, noise.draws))
    if not noise.horizon:
        return own
    for row in np.flatnonzero(wanted).tolist():
        own[row] = noise.unit(line.lines[row], line.units[row], float(freedom[row]))
        if across.part:
            own[row] *= np.sqrt(1 - across.part)
            own[row] += np.sqrt(across.part) * across.of(line.units[row])
    return own


def draw_line(fit: LineFit, shared: LineNoise, own: Floats) -> Floats:
    """Series × months to come × draws, minor units, for series of one line.

    A series' draws depend on its own fit and on the names of series and line alone, whatever other series are
    drawn with it.
    """
    if not own.size:
        return np.zeros_like(own)
    modelled = np.flatnonzero(on_rungs(fit, MODELLED))
    if len(modelled) == len(own):
        return _lognormal(fit, modelled, shared, own)
    future = np.zeros_like(own)
    if len(modelled):
        future[modelled] = _lognormal(fit, modelled, shared, own[modelled])
    lumpy = np.flatnonzero(on_rungs(fit, ("pace",)))
    if len(lumpy):
        future[lumpy] = fit.lumpy.take(lumpy).draws(shared.year, shared.months, own[lumpy])
    return future


def on_rungs(fit: LineFit, names: tuple[str, ...]) -> Flags:
    """Which of a fit's units stand on the rungs named."""
    return np.array([rung.name in names for rung in fit.rungs], dtype=bool)


def _lognormal(fit: LineFit, rows: Integers, shared: LineNoise, own: Floats) -> Floats:
    """Of some units of a fit; `own` is theirs alone."""
    logs = fit.own[rows] @ own
    common = fit.common[rows]
    if (common == common[:1]).all():  # as it is for all that follow one factor
        common = common[:1]
    logs += common @ shared.months
    logs += fit.mean[rows, :, None]
    for form, belief in fit.beliefs.items():
        if belief.sd:
            moved = np.broadcast_to(belief.sd * shared.strengths[form], (len(rows), len(shared.year)))
            if belief.apart and form in shared.apart:
                moved = moved + belief.apart * shared.apart[form][rows]
            logs -= fit.response[form][rows, :, None] * moved[:, None]
    largest = np.maximum(np.nan_to_num(fit.base[rows]).max(axis=1, initial=0), 1.0)
    np.minimum(logs, (np.log(largest) + _LARGEST_GROWTH)[:, None, None], out=logs)
    receipts: Floats = np.exp(logs, out=logs)
    return receipts
