"""Months to come of lumpy series: zero-heavy, one payment a year, negative in places, begun again, or new.

No model of logs bears such series. Several plain forecasts of the sum still to come (last year's months, the
year's rate, the line's season, pace, nothing at all) are tried on the line's own past origins; their median,
weighed by past errors, is the point, and the errors that it made there are the range. Which series are lumpy
is `forecasts.ladder`'s to say; shocks and part-months belong elsewhere.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasts.arrays import Flags, Floats, Integers
from forecasts.plain import PLAIN, YEAR_WEIGHTS, filled, sums_ahead, window_sum
from forecasts.prepare import alive_since

LEVELS = np.array([0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.995])
"""Probabilities at which the sum still to come is kept."""
_NORMAL = np.array([-2.5758, -1.96, -1.6449, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.6449, 1.96, 2.5758])
_LAPLACE = np.sign(LEVELS - 0.5) * -np.log(2 * np.minimum(LEVELS, 1 - LEVELS))
"""Quantiles of an error whose mean size is one, before anything is known of its shape."""
_MIDDLE = 5
_STEP = 3
"""Months between the past origins tried."""
_HALF_LIFE = 24.0
_FURTHEST_BACK = 60
_OWN_MONTHS = 6
"""Months of its own that a series needs at a past origin to be tried there."""
_ANOTHER_LIFE = 24
_LATELY = 36
"""Months that say how much a series moves."""
_POWER = 4.0
"""Weights fall with this power of the mean past error; 2 to 6 do about as well."""
_PRIOR = 3.0
"""Origins that a line's experience counts for beside a series' own."""
_PRIOR_ERROR, _PRIOR_TRIALS = 0.8, 2.0
_LARGEST_RATIO, _LARGEST_ERROR = 20.0, 3.0
_MOST_SHARED = 0.9
_LEAST_SIZE = 1e-3


@dataclass(frozen=True, slots=True)
class Lumpy:
    """The sum still to come of n series, and how it may fall on the months.

    totals: n × `LEVELS`, minor units; shapes: n × 3 × H, parts of the sum by month as in each of the last
    three years, adding up to 1; shared: the part (0..1) of the errors' variance that a line's units share.
    """

    totals: Floats
    shapes: Floats
    shared: float = 0.0

    @classmethod
    def nothing(cls, count: int, horizon: int) -> "Lumpy":
        """Nothing to come, for series that are not lumpy."""
        return cls(np.zeros((count, len(LEVELS))), np.zeros((count, len(YEAR_WEIGHTS), horizon)))

    def take(self, rows: Integers) -> "Lumpy":
        """The same for some of the series."""
        return Lumpy(self.totals[rows], self.shapes[rows], self.shared)

    def draws(self, year: Floats, common: Floats, own: Floats) -> Floats:
        """n × H × draws, minor units. `year`: draws in 0..1, which past year's months are repeated; `common`
        H × draws and `own` n × H × draws: noise of unit variance.

        A series' draws go through its whole distribution, in an order that noise decides: no number drawn
        depends on which other series there are.
        """
        _, horizon, size = own.shape
        months = np.sqrt(max(horizon, 1))
        moved = np.sqrt(self.shared) * common.sum(axis=0) + np.sqrt(1 - self.shared) * own.sum(axis=1)
        place = np.argsort(np.argsort(moved / months, axis=1), axis=1)
        totals = np.take_along_axis(_evenly(self.totals, size), place, axis=1)
        bounds = np.cumsum(YEAR_WEIGHTS)
        back = np.minimum(np.searchsorted(bounds, year, side="right"), len(bounds) - 1)
        drawn: Floats = self.shapes[:, back].transpose(0, 2, 1) * totals[:, None, :]
        return drawn


def _evenly(totals: Floats, size: int) -> Floats:
    """n × size: the quantiles at `size` even probabilities, each row worked out alone."""
    even = np.clip((np.arange(size) + 0.5) / size, LEVELS[0], LEVELS[-1])
    above = np.clip(np.searchsorted(LEVELS, even), 1, len(LEVELS) - 1)
    part = (even - LEVELS[above - 1]) / (LEVELS[above] - LEVELS[above - 1])
    between: Floats = totals[:, above - 1] * (1 - part) + totals[:, above] * part
    return between


def forecast(receipts: Floats, wanted: Flags, horizon: int) -> Lumpy:
    """Forecast the `wanted` (n) of one line's series (n × T, minor units, NaN where masked).

    `horizon` months are still to come to the end of the fiscal year. A series' life begins after its last two
    years without receipts; errors are those of the wanted alone. Always finite.
    """
    found = Lumpy.nothing(len(receipts), horizon)
    if not horizon or not wanted.any() or not receipts.shape[1]:
        return found
    ahead = min(horizon, 12)
    known = filled(receipts)
    since = alive_since(np.abs(known), gap=_ANOTHER_LIFE)
    lived = np.where(np.arange(known.shape[1])[None, :] >= since[:, None], known, 0.0)
    totals, shared = _quantiles(lived[wanted], since[wanted], ahead)
    found.totals[wanted] = totals * (horizon / ahead)
    found.shapes[wanted] = _shapes(lived, horizon)[wanted]
    return replace(found, shared=shared)


def _quantiles(receipts: Floats, since: Integers, ahead: int) -> tuple[Floats, float]:
    """Quantiles (n × `LEVELS`) of the sums over the `ahead` months to come, and what their errors share."""
    now, size = sums_ahead(receipts, since, ahead), _size(receipts, since, ahead)
    ratios, weights = _past_errors(receipts, since, ahead)
    chosen = _candidate_weights(ratios, weights)
    point = _weighted_median(now, chosen)
    errors = np.array([_weighted_median(one, chosen) for one in ratios]).reshape(weights.shape)
    scale, standard = _scaled(errors, weights)
    shape = _shape(standard, weights)
    totals = point[:, None] + (size * scale)[:, None] * shape[None, :]
    return np.maximum(totals, _lowest(receipts, ahead)[:, None]), _shared(standard, weights)


def _size(receipts: Floats, since: Integers, ahead: int) -> Floats:
    """n, what a series moves in so many months, refunds counted as receipts; what errors are measured by."""
    age = np.clip(receipts.shape[1] - since, 1, _LATELY)
    moved: Floats = ahead * np.abs(receipts[:, -_LATELY:]).sum(axis=1) / age
    return moved


def _past_errors(receipts: Floats, since: Integers, ahead: int) -> tuple[Floats, Floats]:
    """Origins × candidates × n, errors over size, and their weights (origins × n).

    An origin counts for as much as it does not overlap with the next, halved every two years back.
    """
    count, length = receipts.shape
    ratios, weights = [], []
    for back in range(_STEP, min(_FURTHEST_BACK, length - 12) + 1, _STEP):
        end = length - back
        if back < ahead or end < 12:
            continue
        past = receipts[:, :end]
        size = _size(past, since, ahead)
        tried = (end - since >= _OWN_MONTHS) & (past[:, -_LATELY:] != 0).any(axis=1)
        off = window_sum(receipts, end, ahead)[None, :] - sums_ahead(past, since, ahead)
        ratio = np.divide(off, size, out=np.zeros_like(off), where=tried & (size > _LEAST_SIZE))
        ratios.append(np.clip(ratio, -_LARGEST_RATIO, _LARGEST_RATIO))
        weights.append(tried * min(_STEP / ahead, 1.0) * 0.5 ** ((back - ahead) / _HALF_LIFE))
    if not ratios:
        return np.zeros((0, len(PLAIN), count)), np.zeros((0, count))
    return np.array(ratios), np.array(weights)


def _candidate_weights(ratios: Floats, weights: Floats) -> Floats:
    """Candidates × n, adding up to 1: by mean past error, a series' own beside its line's."""
    errors = np.minimum(np.abs(ratios), _LARGEST_ERROR)
    own = np.einsum("ocn,on->cn", errors, weights)
    line = (own.sum(axis=1) + _PRIOR_TRIALS * _PRIOR_ERROR) / (weights.sum() + _PRIOR_TRIALS)
    mean = (own + _PRIOR * line[:, None]) / (weights.sum(axis=0) + _PRIOR)
    chosen = np.maximum(mean, 1e-6) ** -_POWER
    share: Floats = chosen / chosen.sum(axis=0)
    return share


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """n, medians over the first axis (candidates × n)."""
    order = np.argsort(values, axis=0)
    reached = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0) >= 0.5 * weights.sum(axis=0)
    place = np.take_along_axis(order, reached.argmax(axis=0)[None], axis=0)
    median: Floats = np.take_along_axis(values, place, axis=0)[0]
    return median


def _scaled(errors: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """n, mean size of each series' errors, its own beside its line's; and errors (origins × n) over what the
    others of the series say of it."""
    sizes = np.abs(errors) * weights
    line = (sizes.sum() + _PRIOR_TRIALS * _PRIOR_ERROR) / (weights.sum() + _PRIOR_TRIALS)
    own, tried = sizes.sum(axis=0), weights.sum(axis=0)
    without = (own - sizes + _PRIOR * line) / (tried - weights + _PRIOR)
    return (own + _PRIOR * line) / (tried + _PRIOR), errors / np.maximum(without, 1e-9)


def _shape(standard: Floats, weights: Floats) -> Floats:
    """Quantiles (`LEVELS`) of standardised errors, wider the fewer origins they come from.

    The ratio of Student's t to the normal at so many degrees of freedom (Abramowitz and Stegun 26.7.5): units
    share their years, so that many units in few years know little of years to come.
    """
    counted = weights > 0
    even = np.linspace(0.025, 0.975, 20)
    values = np.concatenate([standard[counted], np.interp(even, LEVELS, _LAPLACE)])
    heavy = np.concatenate([weights[counted], np.full(20, _PRIOR_TRIALS / 20)])
    order = np.argsort(values)
    reached = np.cumsum(heavy[order]) - heavy[order] / 2
    found = np.interp(LEVELS, reached / heavy.sum(), values[order])
    years = max(float(weights.max(axis=1, initial=0).sum()), 1.0)
    square = _NORMAL**2
    wider = 1 + (square + 1) / (4 * years) + (5 * square**2 + 16 * square + 3) / (96 * years**2)
    wide: Floats = found[_MIDDLE] + (found - found[_MIDDLE]) * wider
    return wide


def _lowest(receipts: Floats, ahead: int) -> Floats:
    """n, half as much again as the most ever paid back in so many months of the last five years; 0 where
    never."""
    sums = np.cumsum(np.pad(receipts, ((0, 0), (1, 0))), axis=1)
    span = min(ahead, receipts.shape[1])
    ran = sums[:, span:] - sums[:, : sums.shape[1] - span]
    least: Floats = 1.5 * np.minimum(ran[:, -_FURTHEST_BACK:].min(axis=1, initial=0.0), 0.0)
    return least


def _shared(standard: Floats, weights: Floats) -> float:
    """0..0.9, the part of the errors' variance that goes with the origin rather than with the series."""
    counted = weights > 0
    there = counted.sum(axis=1)
    if not (there >= 2).any():
        return 0.0
    many = there >= 2
    whole = (standard**2 * counted)[many].sum() / there[many].sum()
    means = (standard * counted)[many].sum(axis=1) / there[many]
    part = (means**2 - whole / there[many]) / (1 - 1 / there[many])
    return float(np.clip(part.mean() / whole, 0.0, _MOST_SHARED)) if whole > 0 else 0.0


def _shapes(receipts: Floats, horizon: int) -> Floats:
    """n × 3 × H: how the months to come shared their sum one, two and three years ago; all of the line's
    together where a series had nothing then."""
    length = receipts.shape[1]
    step = np.arange(horizon) % 12
    found = np.zeros((len(receipts), len(YEAR_WEIGHTS), horizon))
    for year in range(len(YEAR_WEIGHTS)):
        months = length - 12 * (year + 1) + step
        if months[0] >= 0:
            found[:, year] = np.abs(receipts[:, months])
    line = found.sum(axis=(0, 1)) + 1e-9
    sums = found.sum(axis=2, keepdims=True)
    return np.where(sums > 0, found / np.where(sums > 0, sums, 1.0), line / line.sum())
