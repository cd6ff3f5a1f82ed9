"""Logs of one line's series → mean and covariance of their months to come: common factor and residuals.

Where a line has eight series or more, their trimmed mean is a factor with a bank of its own, and each series
follows it with a residual whose season is shrunk to the line's. With fewer, each series goes through the
factor's bank alone and what their innovations have in common is what they share. Shocks, floors and draws
belong elsewhere.
"""

from dataclasses import dataclass, replace

import numpy as np

from forecasts.arrays import Floats, Integers
from forecasts.bank import Maps, ModelSpec, maps_for
from forecasts.components import LogParts, beside_factor
from forecasts.fits import mean_correlation
from forecasts.kalman import BLOCKS
from forecasts.outliers import centre, pulled_back, same_pattern, surprises
from forecasts.weights import model_weights, scales

UNITS_FOR_FACTOR = 8
_TRIMMED = 0.1
MONTHS_FOR_FACTOR = 24
_LONGEST = 96
"""Months looked at: eight years; what lies before them teaches little about the next twelve months."""
_LEAST_TRIMMED = 36
_MOST_SHARED = 0.95

LEVELS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
FACTOR_GRID = tuple(
    [
        ModelSpec(level=level, season=season, season_prior=prior)
        for level in LEVELS
        for season in (0.0, 0.003, 0.03)
        for prior in (1.0, 3.0, 10.0)
    ]
    + [
        ModelSpec(level=level, season=season, season_prior=prior, ar=0.5, ar_variance=1.0)
        for level in LEVELS
        for season, prior in ((0.0, 10.0), (0.01, 10.0), (0.0, 3.0))
    ]
    + [
        ModelSpec(level=level, season=season, season_prior=prior, slope=slope)
        for level in LEVELS
        for season, prior, slope in (
            (0.0, 10.0, 0.03),
            (0.0, 10.0, 0.1),
            (0.0, 10.0, 0.3),
            (0.003, 3.0, 0.03),
            (0.003, 3.0, 0.1),
        )
    ]
)
"""For a line's factor and for series alone: level × season × how large a season is thought to be; an AR part;
a steady growth, thought to be small.
"""
RESIDUAL_GRID = tuple(
    [ModelSpec(level=level) for level in LEVELS]
    + [ModelSpec(level=level, ar=0.5, ar_variance=1.0) for level in LEVELS]
    + [
        ModelSpec(level=level, season=season, season_prior=prior)
        for level in LEVELS
        for prior in (0.3, 1.0, 3.0)
        for season in (0.0, 0.01)
    ]
)
"""For residuals over the factor: most have little or no season of their own."""


@dataclass(frozen=True, slots=True)
class LogForecast:
    """Months to come of n series, in logs.

    mean: n × H; shared, own: n × H × H covariances, of what the line's series have in common and of what they
    have not; surprises: T, the line's standardised innovations (NaN where none); parts: of the mean.
    """

    mean: Floats
    shared: Floats
    own: Floats
    surprises: Floats
    parts: LogParts


@dataclass(frozen=True, slots=True)
class Mixture:
    """A bank's answer for n series: mean n × H, covariance n × H × H, season n × H (a part of the mean)."""

    mean: Floats
    covariance: Floats
    season: Floats

    @property
    def parts(self) -> LogParts:
        """Level and season of series that follow no factor."""
        return LogParts(self.mean - self.season, self.season, np.zeros_like(self.mean))


def forecast_logs(logs: Floats, horizon: int) -> LogForecast:
    """Forecast n series of logs (n × T, NaN where missing; at least two months each), all of one line."""
    surprising = np.full(logs.shape[1], np.nan)
    fed = looked_at(logs)
    if len(fed.members):
        answer = _with_factor(fed, horizon, surprises(common_factor(fed.raw[fed.members])))
    else:
        answer = _alone(fed.calm, horizon, np.stack([surprises(one) for one in fed.raw]))
    surprising[-fed.raw.shape[1] :] = answer.surprises
    return replace(answer, surprises=surprising)


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What banks see of n series over the last T months: raw n × T; calm, with odd months pulled back;
    members, rows that make up the line's factor (none where they are too few).
    """

    raw: Floats
    calm: Floats
    members: Integers

    @property
    def factor(self) -> Floats:
        """T, the line's factor, NaN where unknown."""
        return common_factor(self.calm[self.members])

    @property
    def residual(self) -> Floats:
        """n × T, what is left of each series over the factor; NaN where either is unknown."""
        return self.calm - self.factor[None, :]


def looked_at(logs: Floats) -> LookedAt:
    """What banks see of one line's series of logs (n × T, NaN where missing)."""
    raw = in_half_years(logs[:, -_LONGEST:])
    calm = pulled_back(raw)
    known = np.isfinite(calm).sum(axis=1) >= min(MONTHS_FOR_FACTOR, raw.shape[1])
    members = np.flatnonzero(known) if known.sum() >= UNITS_FOR_FACTOR else np.zeros(0, dtype=np.int64)
    return LookedAt(raw, calm, members)


def in_half_years(logs: Floats) -> Floats:
    """Series (n × T); those of three years and more lose oldest months, to begin on a half year.

    Filters are worked out once per pattern of months; up to five months of the oldest are worth less than
    that.
    """
    known = np.isfinite(logs)
    length = logs.shape[1] - np.where(known.any(axis=1), known.argmax(axis=1), logs.shape[1])
    kept = np.where(length >= _LEAST_TRIMMED, length - length % 6, length)
    place = np.arange(logs.shape[1])[None, :]
    return np.where(place >= logs.shape[1] - kept[:, None], logs, np.nan)


def mixture(grid: tuple[ModelSpec, ...], logs: Floats, horizon: int) -> Mixture:
    """The bank's forecast of series (n × T) of one line; weights are shared within patterns of months."""
    mean = np.zeros((len(logs), horizon))
    covariance = np.zeros((len(logs), horizon, horizon))
    season = np.zeros_like(mean)
    for rows in same_pattern(logs):
        middle = centre(logs[rows])
        maps = maps_for(grid, np.isfinite(logs[rows[0]]), horizon)
        mean[rows], covariance[rows], season[rows] = _mix(maps, np.nan_to_num(logs[rows] - middle))
        mean[rows] += middle
    return Mixture(mean, covariance, season)


@dataclass(frozen=True, slots=True)
class RegressorEffect:
    """How declared effects show in one series: by regressor, estimate and standard error, and months ahead
    (H).
    """

    estimate: dict[str, float]
    error: dict[str, float]
    ahead: dict[str, Floats]


def regress(series: Floats, regressors: dict[str, Floats], horizon: int) -> RegressorEffect:
    """Generalised least squares of one series (T) on regressors (T) under the factor's bank.

    Each grid point whitens series and regressors alike; estimates are weighed as the models are, after the
    effects.
    """
    observed = np.isfinite(series)
    maps = maps_for(FACTOR_GRID, observed, horizon)
    known = np.nan_to_num(series - centre(series[None])[0])
    table = np.array([np.where(observed, one, 0.0) for one in regressors.values()])
    fits = [_least_squares(maps, point, known, table) for point in range(len(maps.grid))]
    squares = np.array([[fit[2] for fit in fits]])
    weights = model_weights(maps.log_likelihood(squares))[0]
    values = sum(w * fit[0] for w, fit in zip(weights, fits, strict=True))
    errors = np.sqrt(sum(w * fit[1] for w, fit in zip(weights, fits, strict=True)))
    ahead = np.einsum("g,ght,rt->rh", weights, maps.ahead, table)
    names = list(regressors)
    return RegressorEffect(
        dict(zip(names, np.atleast_1d(values).tolist(), strict=True)),
        dict(zip(names, np.atleast_1d(errors).tolist(), strict=True)),
        dict(zip(names, ahead, strict=True)),
    )


def _least_squares(maps: Maps, point: int, series: Floats, table: Floats) -> tuple[Floats, Floats, float]:
    """Coefficients, their variances, and the squares left."""
    target, columns = maps.innovations(point, series[None])[0], maps.innovations(point, table).T
    inverse = np.linalg.pinv(columns.T @ columns)
    coefficients = inverse @ (columns.T @ target)
    left = float(((target - columns @ coefficients) ** 2).sum())
    scale = left / max(maps.counted - len(coefficients), 1)
    return coefficients, scale * np.diag(inverse), left


def _mix(maps: Maps, series: Floats) -> tuple[Floats, Floats, Floats]:
    squares = maps.squares(series)
    weights = model_weights(maps.log_likelihood(squares))
    variance = weights * scales(squares, maps.counted)
    used = np.flatnonzero(weights.any(axis=0))
    forecasts = np.stack([series @ maps.ahead[g].T for g in used], axis=1)
    mean = np.einsum("ng,ngh->nh", weights[:, used], forecasts)
    apart = forecasts - mean[:, None]
    covariance = np.einsum("ng,ghk->nhk", variance[:, used], maps.covariance[used], optimize=True)
    covariance += np.einsum("ng,ngh,ngk->nhk", weights[:, used], apart, apart, optimize=True)
    return mean, covariance, _season(maps, weights, series)


def _season(maps: Maps, weights: Floats, series: Floats) -> Floats:
    """n × H, what of the mixture's mean is season."""
    season, place = np.zeros((len(series), maps.ahead.shape[1])), BLOCKS.index("season")
    for g in np.flatnonzero(weights.any(axis=0)):
        if maps.grid[g].season_prior:
            season += weights[:, [g]] * (series @ maps.parts[g, place].T)
    return season


def _with_factor(fed: LookedAt, horizon: int, found: Floats) -> LogForecast:
    factor = fed.factor
    begin = int(np.isfinite(factor).argmax())
    line = mixture(FACTOR_GRID, factor[None, begin:], horizon)
    own = mixture(RESIDUAL_GRID, (fed.calm - factor)[:, begin:], horizon)
    shared = np.broadcast_to(line.covariance, own.covariance.shape)
    parts = beside_factor(factor, line.mean[0], line.season[0], own.parts)
    return LogForecast(line.mean + own.mean, shared, own.covariance, found, parts)


def _alone(logs: Floats, horizon: int, found: Floats) -> LogForecast:
    answer = mixture(FACTOR_GRID, logs, horizon)
    months = np.isfinite(found).all(axis=0)
    varied = found[:, months]
    varied = varied[varied.std(axis=1) > 0] if months.sum() >= 12 else varied[:0]
    part = float(np.clip(mean_correlation(varied), 0, _MOST_SHARED)) if len(varied) > 1 else 0.0
    known = np.isfinite(found).any(axis=0)
    line = np.full(found.shape[1], np.nan)
    line[known] = np.nanmean(found[:, known], axis=0)
    shared = part * answer.covariance
    return LogForecast(answer.mean, shared, (1 - part) * answer.covariance, line, answer.parts)


def common_factor(logs: Floats) -> Floats:
    """T, trimmed mean of series (n × T) about their own levels; NaN where fewer than half of them are
    known."""
    known = np.isfinite(logs)
    enough = known.sum(axis=0) >= max(known.sum(axis=0).max() / 2, 2)
    factor = np.where(
        enough, _trimmed_mean(logs - np.nanmean(logs[:, enough], axis=1, keepdims=True)), np.nan
    )
    level = np.nanmean(logs[:, enough] - factor[None, enough], axis=1, keepdims=True)
    return np.where(enough, _trimmed_mean(logs - level), np.nan)


def _trimmed_mean(values: Floats) -> Floats:
    """T, mean over rows without the highest and lowest tenth of those known."""
    ordered = np.sort(values, axis=0)
    count = np.isfinite(values).sum(axis=0)
    cut = np.floor(_TRIMMED * count)
    place = np.arange(len(values))[:, None]
    kept = (place >= cut) & (place < count - cut)
    total: Floats = np.where(kept, np.nan_to_num(ordered), 0).sum(axis=0) / np.maximum(kept.sum(axis=0), 1)
    return total
