"""What a finance office does without a model: pace, last year's remainder, growth so far.

All are plain arithmetic on fiscal years, with the errors the same arithmetic made in earlier years for a
range. They know no shocks.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Flags, Floats, Integers
from forecasts.noise import Noise
from forecasts.panel import Panel

_YEARS = 6
_PACE_YEARS = 3
_SMALLEST_SHARE, _LARGEST_SHARE = 0.02, 1.5
_UNKNOWN_ERROR = 0.15
_LARGEST_ERROR = 2.0


@dataclass(frozen=True, slots=True)
class PastYears:
    """Earlier fiscal years of some rows, the last one first: rows × years, minor units.

    reached: collected by the same point of the year; total: by its end; months_done: whole months of this
    year behind.
    """

    reached: Floats
    total: Floats
    months_done: int

    def since(self, year: int) -> "PastYears":
        """What was past when the year `year` places back was under way."""
        return PastYears(self.reached[:, year + 1 :], self.total[:, year + 1 :], self.months_done)

    def scaled(self, shares: Floats) -> "PastYears":
        """Each row times its share (n)."""
        return PastYears(shares[:, None] * self.reached, shares[:, None] * self.total, self.months_done)

    def grouped(self, where: Integers, count: int) -> "PastYears":
        """Sums of rows over `count` groups, `where` (n) giving each row's."""
        return PastYears(
            grouped(self.reached, where, count), grouped(self.total, where, count), self.months_done
        )


def grouped(values: Floats, where: Integers, count: int) -> Floats:
    """Sums of rows (n × …) by group (count × …)."""
    sums = np.zeros((count, *values.shape[1:]))
    np.add.at(sums, where, values)
    return sums


def past_years(panel: Panel) -> PastYears:
    """The up to six fiscal years before the current one that the panel holds whole."""
    done = min(max(panel.origin - panel.fiscal_start, 0), 12)
    reached, total = [], []
    for year in range(1, _YEARS + 1):
        begin = panel.fiscal_start - 12 * year - panel.first_month
        if begin < 0 or begin + 12 > panel.receipts.shape[1]:
            continue
        months = panel.receipts[:, begin : begin + 12]
        part = panel.elapsed * months[:, done] if done < 12 else 0.0
        reached.append(months[:, :done].sum(axis=1) + part)
        total.append(months.sum(axis=1))
    shape = (len(panel.units), len(total))
    return PastYears(np.array(reached).T.reshape(shape), np.array(total).T.reshape(shape), done)


def pace_total(past: PastYears, to_date: Floats) -> Floats:
    """Year-end by pace: to date ÷ mean share of the year reached by this point in the last three years.

    Where no earlier year gives a share between 2% and 150%, as `naive_total`.
    """
    reached, total = past.reached[:, :_PACE_YEARS], past.total[:, :_PACE_YEARS]
    if past.months_done >= 12:
        return to_date.copy()
    share = np.divide(reached, total, out=np.zeros_like(total), where=total > 0)
    fit = (share >= _SMALLEST_SHARE) & (share <= _LARGEST_SHARE)
    years = fit.sum(axis=1)
    mean = np.divide((share * fit).sum(axis=1), years, out=np.ones(len(years)), where=years > 0)
    return np.where(years > 0, to_date / mean, naive_total(past, to_date))


def naive_total(past: PastYears, to_date: Floats) -> Floats:
    """Year-end as to date + last year's remainder; without a last year, at the monthly rate so far."""
    if past.total.shape[1]:
        return to_date + past.total[:, 0] - past.reached[:, 0]
    return to_date * (12 / past.months_done) if past.months_done else to_date.copy()


def growth_total(past: PastYears, to_date: Floats) -> Floats:
    """Year-end as to date + last year's remainder × this year's growth so far (a third to threefold)."""
    if not past.total.shape[1]:
        return naive_total(past, to_date)
    before, rest = past.reached[:, 0], past.total[:, 0] - past.reached[:, 0]
    growth = np.divide(to_date, before, out=np.ones_like(to_date), where=before > 0)
    grown: Floats = to_date + rest * np.clip(growth, 1 / 3, 3)
    return grown


Arithmetic = Callable[["PastYears", Floats], Floats]
ARITHMETIC: dict[str, Arithmetic] = {"pace": pace_total, "naive": naive_total, "growth": growth_total}


def past_errors(past: PastYears, method: str) -> Floats:
    """Rows × years: (actual − forecast) ÷ the larger of the two, had the method been used in those years."""
    arithmetic = ARITHMETIC[method]
    errors = []
    for year in range(max(past.total.shape[1] - 1, 0)):
        forecast = arithmetic(past.since(year), past.reached[:, year])
        size = np.maximum(np.maximum(np.abs(forecast), np.abs(past.total[:, year])), 1.0)
        errors.append((past.total[:, year] - forecast) / size)
    shape = (past.total.shape[0], len(errors))
    return np.clip(np.array(errors).T.reshape(shape), -_LARGEST_ERROR, _LARGEST_ERROR)


def remaining_draws(panel: Panel, method: str, noise: Noise) -> Floats:
    """Series × months × draws still to come, for the series of one line: the point and a past year's
    error."""
    past, to_date = past_years(panel), panel.collected[0].sum(axis=1).astype(np.float64)
    point = ARITHMETIC[method](past, to_date)
    errors, chosen = past_errors(past, method), noise.year(panel.lines[0])
    remaining = np.zeros((len(point), noise.horizon, noise.draws))
    profile = _profile(panel)
    for row in np.flatnonzero(_alive(panel)).tolist():
        own = noise.unit(panel.lines[0], panel.units[row])[:1]
        total = (point[row] - to_date[row]) + point[row] * _error_draws(errors[row], chosen, own[0])
        remaining[row] = profile[row][:, None] * total
    return remaining


def _alive(panel: Panel) -> Flags:
    return panel.allocated() & (panel.horizon > 0)


def _error_draws(errors: Floats, chosen: Floats, own: Floats) -> Floats:
    if not len(errors):
        return _UNKNOWN_ERROR * own
    picked = errors[np.minimum((chosen * len(errors)).astype(np.int64), len(errors) - 1)]
    draws: Floats = picked + 0.3 * np.abs(errors).mean() * own
    return draws


def _profile(panel: Panel) -> Floats:
    """Series × months to come: how what remains spreads over the months, adding up to 1."""
    count, horizon = len(panel.units), panel.horizon
    size = np.zeros((count, horizon))
    for year in range(1, _PACE_YEARS + 1):
        begin = panel.receipts.shape[1] - 12 * year
        if begin >= 0 and horizon <= 12:
            size += np.maximum(panel.receipts[:, begin : begin + horizon], 0)
    if horizon:
        size[:, 0] *= 1 - panel.elapsed
    sums = size.sum(axis=1, keepdims=True)
    return np.where(sums > 0, size / np.where(sums > 0, sums, 1), 1 / max(horizon, 1))
