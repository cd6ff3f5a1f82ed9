"""Making receipts fit for a model: floors and logs. Looks only backwards from each month."""

import numpy as np

from forecasts.panel import Floats, Integers

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
