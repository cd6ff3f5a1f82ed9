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
    floor = np.maximum(_FLOOR_SHARE * _trailing_median(alive), 1.0)
    return np.log(np.maximum(alive, floor))


def _trailing_median(values: Floats) -> Floats:
    padded = np.concatenate([np.full((values.shape[0], _FLOOR_WINDOW), np.nan), values], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FLOOR_WINDOW, axis=1)[:, : values.shape[1]]
    known = np.isfinite(windows).any(axis=2)
    medians = np.ones_like(values)
    if known.any():
        medians[known] = np.nanmedian(windows[known], axis=1)
    return np.where(known, medians, _opening_median(values)[:, None])


def _opening_median(values: Floats) -> Floats:
    """Per series, the median of its first twelve known months; 1 where there is none."""
    known = np.isfinite(values)
    early = known & (known.cumsum(axis=1) <= 12)
    medians = np.ones(values.shape[0])
    some = early.any(axis=1)
    if some.any():
        medians[some] = np.nanmedian(np.where(early, values, np.nan)[some], axis=1)
    return medians


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
