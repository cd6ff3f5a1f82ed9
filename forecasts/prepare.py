"""Making receipts fit for a model: floors and logs. Looks only backwards from each month."""

import numpy as np

from forecasts.arrays import Floats, Integers

_FLOOR_SHARE = 0.05
_FLOOR_WINDOW = 24


def floored_logs(receipts: Floats, first_seen: Integers) -> Floats:
    """Logs of receipts (n × T), NaN before a series is first seen and where receipts are NaN.

    Values under 5% of the median of the 24 months before them (zeros, refunds) are raised to it. The first
    months, which have nothing before them, are measured by the first year's median.
    """
    month = np.arange(receipts.shape[1])
    alive = np.where(month[None, :] >= first_seen[:, None], receipts, np.nan)
    return np.log(np.maximum(alive, _floors(alive)))


def _floors(values: Floats) -> Floats:
    """n × T; medians are only taken where a value may lie under its floor, which most do not: a median is at
    most the largest of its months."""
    padded = np.concatenate([np.full((values.shape[0], _FLOOR_WINDOW), np.nan), values], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FLOOR_WINDOW, axis=1)[:, : values.shape[1]]
    largest = np.fmax.reduce(windows, axis=2)
    floor = np.where(np.isnan(largest), _FLOOR_SHARE * _opening_median(values)[:, None], 1.0)
    low = values < _FLOOR_SHARE * largest
    floor[low] = _FLOOR_SHARE * median_of_known(windows[low])
    return np.maximum(floor, 1.0)


def median_of_known(values: Floats) -> Floats:
    """Medians along the last axis of what is not NaN; NaN where nothing is known."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    ordered = np.sort(values, axis=-1)  # NaN comes last
    known = np.isfinite(values).sum(axis=-1)[..., None]
    low, high = (
        np.take_along_axis(ordered, np.maximum(place, 0), axis=-1) for place in ((known - 1) // 2, known // 2)
    )
    middle: Floats = np.where(known > 0, (low + high) / 2, np.nan)[..., 0]
    return middle


def _opening_median(values: Floats) -> Floats:
    """Per series, the median of its first twelve known months; 1 where there is none."""
    known = np.isfinite(values)
    early = known & (known.cumsum(axis=1) <= 12)
    medians = median_of_known(np.where(early, values, np.nan))
    return np.where(np.isnan(medians), 1.0, medians)


def alive_since(receipts: Floats, gap: int = 6) -> Integers:
    """n, the month after the last run of `gap` months without receipts: what came before was another life."""
    count, length = receipts.shape
    empty = np.nan_to_num(receipts, nan=1.0) <= 0
    since, run = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for month in range(length):
        run = np.where(empty[:, month], run + 1, 0)
        since = np.where(run >= gap, month + 1, since)
    leading = (np.cumsum(~empty, axis=1) == 0).sum(axis=1)
    started: Integers = np.maximum(since, leading)
    return started
