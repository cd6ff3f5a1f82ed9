"""Months to come of lumpy series: zero-heavy, one payment a year, negative in places, or young.

No model of logs bears such series; past years are drawn over again instead. Which series they are is
`forecasts.ladder`'s to say.
"""

import numpy as np

from forecasts.arrays import Floats

_YEAR_WEIGHTS = (0.6, 0.25, 0.15)
_UNKNOWN_CHANGE = 0.5
_LEAST_CHANGE = 0.15


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
