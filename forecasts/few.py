"""Where a line has few units and short histories: the bank drawn towards pace and last year's months.

A bank that hears of a line from a handful of units of a few years has hardly seen their season twice. The
fewer the years, the more two plain forecasts count beside it; each is believed to be off by one standard
deviation of the bank's at most. Lines with units enough for a factor do not need it (adding pace or last
year to the combination made them worse).
"""

from dataclasses import replace

import numpy as np

from forecasts.arrays import Floats, Integers
from forecasts.factors import UNITS_FOR_FACTOR, LogForecast
from forecasts.plain import PLAIN, filled, sums_ahead
from forecasts.remaining import remaining

_PLAIN_YEARS = 1.5
"""The plain forecasts weigh as so many years of a series' history; 1 to 2.5 do about as well."""
_MOST_PLAIN = 2 / 3
_BESIDE = ("pace", "last_year")


def beside_plain(answer: LogForecast, receipts: Floats, since: Integers) -> LogForecast:
    """The bank's answer for a line's n series, its means moved where there are fewer than eight of them.

    receipts: n × T, minor units, NaN where masked; since: n, the month each series' present life began. All
    months to come of a series move alike in logs; ranges stay as wide as they were.
    """
    count, horizon = answer.mean.shape
    if count >= UNITS_FOR_FACTOR or not 0 < horizon <= 12:
        return answer
    whole = remaining(answer)
    sums = sums_ahead(filled(receipts), since, horizon)[[PLAIN.index(name) for name in _BESIDE]]
    logs = np.where(sums > 0, np.log(np.maximum(sums, 1.0)), whole.median)
    off = np.clip(logs - whole.median, -whole.deviation, whole.deviation).mean(axis=0)
    years = np.maximum(receipts.shape[1] - since, 1) / 12
    moved = (np.minimum(_MOST_PLAIN, _PLAIN_YEARS / years) * off)[:, None]
    return replace(answer, mean=answer.mean + moved, parts=answer.parts.moved(moved, np.zeros((1, 1))))
