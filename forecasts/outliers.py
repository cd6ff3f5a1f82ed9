"""Months that do not fit: told from lasting changes under one middling model, and pulled back.

Also a series' surprises under that model, which `forecasts.monitor` judges, and what every use of a bank
needs first: series grouped by the months they have, and centred.
"""

from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Flags, Floats, Integers
from forecasts.bank import Maps, ModelSpec, maps_for

REFERENCE = (ModelSpec(level=0.1, season=0.003, season_prior=10.0),)
"""One middling model, to tell outliers and surprises by."""
_FURTHEST = 3.0
_GROSS = 5.0
"""Robust deviations beyond which a single month is pulled back, and beyond which it tells nothing at all."""
_MOST_OUTLIERS = 6
_FEWEST_INNOVATIONS = 6


@dataclass(frozen=True, slots=True)
class Signatures:
    """How one odd month, and a change that lasts from a month on, show in a pattern's standardised
    innovations.

    odd, lasting: K × T of unit length; size: T, length of the odd month's signature before.
    """

    odd: Floats
    lasting: Floats
    size: Floats

    @classmethod
    def of(cls, maps: Maps) -> "Signatures":
        """From the maps of `REFERENCE`."""
        odd = maps.whiten[0]
        lasting = odd[:, ::-1].cumsum(axis=1)[:, ::-1]
        size, lasting_size = (np.sqrt((one**2).sum(axis=0)) + 1e-9 for one in (odd, lasting))
        return cls(odd / size, lasting / lasting_size, size)


def pulled_back(logs: Floats) -> Floats:
    """Series (n × T, NaN where missing) whose odd months are pulled back to ±3 robust standard deviations, or
    to what was expected of them where they lie beyond 5 and later months prove them wrong.

    A month is odd where the signature of a single strange value fits the innovations better than that of a
    lasting change (Chen and Liu, 1993: additive outlier against level shift); the strangest goes first, up to
    six a series.
    """
    calm = logs.copy()
    for rows in same_pattern(logs):
        observed = np.isfinite(logs[rows[0]])
        maps = maps_for(REFERENCE, observed, 0)
        if maps.counted >= _FEWEST_INNOVATIONS:
            known = np.nan_to_num(logs[rows] - centre(logs[rows]))
            calm[rows] -= np.where(observed, known - _without_odd(known, maps, observed), 0.0)
    return calm


def _without_odd(series: Floats, maps: Maps, observed: Flags) -> Floats:
    signs, left, open_rows = Signatures.of(maps), series.copy(), np.arange(len(series))
    for _ in range(_MOST_OUTLIERS):
        found = maps.innovations(0, left[open_rows])
        spread = _spread(found)
        reach = (found @ signs.odd) / spread[:, None]
        reach[:, ~observed] = 0.0
        strange = np.abs(reach).max(axis=1) > _FURTHEST
        open_rows, found, spread, reach = (one[strange] for one in (open_rows, found, spread, reach))
        if not len(open_rows):
            break
        lasting = np.abs(found @ signs.lasting) / spread[:, None]
        reach[lasting > np.abs(reach) + 1e-9] = 0.0
        month = np.abs(reach).argmax(axis=1)
        worst = np.take_along_axis(reach, month[:, None], axis=1)[:, 0]
        settled = np.take_along_axis(lasting, month[:, None], axis=1)[:, 0] < np.abs(worst) - 1e-6
        kept = np.where(settled & (np.abs(worst) > _GROSS), 0.0, _FURTHEST)
        excess = worst - np.clip(worst, -kept, kept)
        left[open_rows, month] -= excess * spread / signs.size[month]
        open_rows = open_rows[excess != 0]
    return left


def _spread(found: Floats) -> Floats:
    """n, robust standard deviation of innovations (n × K) once the filter has settled; infinite where they
    do not vary.
    """
    settled = found[:, found.shape[1] // 3 :]
    middle = np.median(settled, axis=1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(settled - middle), axis=1)
    return np.where(spread > 0, spread, np.inf)


def surprises(series: Floats) -> Floats:
    """T, innovations of one series under the middling model in robust standard deviations; NaN where
    unknown."""
    observed = np.isfinite(series)
    maps = maps_for(REFERENCE, observed, 0)
    found = np.full(len(series), np.nan)
    innovations = maps.innovations(0, np.nan_to_num(series - centre(series[None])[0])[None])[0]
    if len(innovations):
        spread = 1.4826 * np.median(np.abs(innovations))
        found[np.flatnonzero(observed)[-len(innovations) :]] = innovations / (spread if spread > 0 else 1.0)
    return found


def same_pattern(logs: Floats) -> list[Integers]:
    """Rows grouped by the months they have."""
    groups: dict[bytes, list[int]] = {}
    for row, observed in enumerate(np.isfinite(logs)):
        groups.setdefault(observed.tobytes(), []).append(row)
    return [np.array(members, dtype=np.int64) for members in groups.values()]


def centre(logs: Floats) -> Floats:
    """n × 1, mean of each series' first year: series must start near zero, where the level's prior lies."""
    known = np.isfinite(logs)
    first = known & (np.cumsum(known, axis=1) <= 12)
    middle: Floats = np.where(first, logs, 0).sum(axis=1, keepdims=True) / first.sum(axis=1, keepdims=True)
    return middle
