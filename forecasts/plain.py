"""Plain arithmetic on one line's series: sums of the months to come by what is known of the months behind.

Looked at from any month, so that each can be tried on the past; who chooses among them is elsewhere
(`forecasts.lumpy`, `forecasts.few`), and so are the methods that an office uses as a whole
(`forecasts.baselines`).
"""

import numpy as np

from forecasts.arrays import Flags, Floats, Integers

PLAIN = ("nothing", "last_year", "three_years", "rate", "quarter", "season", "grown", "pace")
"""The forecasts of `sums_ahead`, in their order."""
YEAR_WEIGHTS = (0.6, 0.25, 0.15)
"""How much each of the last three years counts."""
_SMALLEST_SHARE, _LARGEST_SHARE = 0.02, 1.5
_LARGEST_GROWTH = 3.0
_YEARS_OF_SEASON = 36


def filled(receipts: Floats) -> Floats:
    """Masked months take the value of the same month a year before, or nothing."""
    filled = receipts.copy()
    for month in np.flatnonzero(~np.isfinite(receipts).all(axis=0)).tolist():
        before = filled[:, month - 12] if month >= 12 else np.zeros(len(filled))
        filled[:, month] = np.where(np.isfinite(filled[:, month]), filled[:, month], before)
    return filled


def sums_ahead(receipts: Floats, since: Integers, ahead: int) -> Floats:
    """`PLAIN` × n: forecasts of the sum over the `ahead` months after the last.

    Of n series (n × T) that began in months `since`: nothing; the same months last year; of three years,
    weighed; the mean month of the last year and of the last quarter; last year's by the line's season; grown
    with half of this year's growth; pace.
    """
    length, done = receipts.shape[1], 12 - ahead
    age = np.maximum(length - since, 0)
    rests = [window_sum(receipts, length - 12 * year, ahead) for year in (1, 2, 3)]
    begun = [window_sum(receipts, length - 12 * year - done, done) for year in (0, 1, 2, 3)]
    rate = ahead * receipts[:, -12:].sum(axis=1) / np.clip(age, 1, 12)
    quarter = ahead * receipts[:, -3:].sum(axis=1) / np.clip(age, 1, 3)
    known = [age >= 12 * year for year in (1, 2, 3)]
    last = np.where(known[0], rests[0], rate)
    second = np.where(known[1], rests[1], last)
    third = np.where(known[2], rests[2], second)
    years = sum(w * one for w, one in zip(YEAR_WEIGHTS, (last, second, third), strict=True))
    grows = (begun[1] > 0) & (begun[0] >= 0) & known[0]
    growth = np.divide(begun[0], begun[1], out=np.ones(len(last)), where=grows)
    grown = last * np.sqrt(np.clip(growth, 1 / _LARGEST_GROWTH, _LARGEST_GROWTH))
    season = _season(receipts, age, ahead)
    pace = _pace(begun, rests, known, last)
    return np.array([np.zeros(len(last)), last, years, rate, quarter, season, grown, pace])


def window_sum(receipts: Floats, begin: int, months: int) -> Floats:
    """n, sums over some months; nothing before the first month."""
    sums: Floats = receipts[:, max(begin, 0) : max(begin + months, 0)].sum(axis=1)
    return sums


def _season(receipts: Floats, age: Integers, ahead: int) -> Floats:
    """What each series took in its last year (or less), by the parts of a year its line takes in those months
    and in the months to come."""
    length = receipts.shape[1]
    old = age >= 12
    lately = np.maximum(receipts[old, -_YEARS_OF_SEASON:], 0).sum(axis=0)
    took_by_month = np.bincount(np.arange(length - len(lately), length) % 12, weights=lately, minlength=12)
    part = took_by_month / took_by_month.sum() if took_by_month.sum() > 0 else np.full(12, 1 / 12)
    profile = 0.8 * part + 0.2 / 12
    coming = profile[np.arange(length, length + ahead) % 12].sum()
    recent = np.arange(max(length - 12, 0), length)
    seen = (recent[None, :] >= length - age[:, None]) @ profile[recent % 12]
    took = receipts[:, recent].sum(axis=1)
    whole = np.divide(took, seen, out=np.zeros(len(took)), where=seen > 0)
    expected: Floats = coming * whole
    return expected


def _pace(begun: list[Floats], rests: list[Floats], known: list[Flags], otherwise: Floats) -> Floats:
    """What is left by pace: the mean share of the year reached by now in up to three years before."""
    share, years = np.zeros(len(otherwise)), np.zeros(len(otherwise))
    for part, rest, there in zip(begun[1:], rests, known, strict=True):
        whole = part + rest
        one = np.divide(part, whole, out=np.zeros(len(share)), where=whole > 0)
        usable = there & (one >= _SMALLEST_SHARE) & (one <= _LARGEST_SHARE)
        share, years = share + one * usable, years + usable
    mean = np.divide(share, years, out=np.ones(len(share)), where=years > 0)
    return np.where(years > 0, begun[0] / mean - begun[0], otherwise)
