"""The bank: a grid of structural models whose filters are linear maps, worked out once and applied to every
series.

With variances fixed as ratios to the irregular's and the scale concentrated out, a Kalman filter's gains do
not depend on the data. So each grid point passes once through statsmodels' own filter; innovations and
forecasts of any number of series are then matrix products. The maps depend on grid, length, missing months
and horizon only, and are kept; horizons share their filters. What the models are fed with (logs, factors,
residuals) and how they are weighed is decided elsewhere.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from forecasts.arrays import Flags, Floats
from forecasts.kalman import BLOCKS, Gains, filter_gains

_WIDE = 1e4
"""Prior variance of the level, in irregular variances: vague beside series that start near zero."""
_SEASONS = 12


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One structural model; every number is relative to the irregular's standard deviation or variance.

    level: variance of the level's monthly steps. season: variance of the season's steps. season_prior:
    standard deviation of the twelve months' effects before anything is seen (0: no season). slope: standard
    deviation of the monthly slope before anything is seen (0: no slope); damping: what is left of it a month
    later. ar, ar_variance: an autoregressive part beside the irregular.
    """

    level: float
    season: float = 0.0
    season_prior: float = 0.0
    slope: float = 0.0
    damping: float = 1.0
    ar: float = 0.0
    ar_variance: float = 0.0

    def system(self, series: Floats, scale: float = 1.0) -> Any:
        """The statsmodels model over one series (NaN where missing), ready to filter at
        `parameters(scale)`."""
        from statsmodels.tsa.statespace.structural import UnobservedComponents

        model = UnobservedComponents(
            series,
            level="lldtrend" if self.slope else "llevel",
            seasonal=_SEASONS if self.season_prior else None,
            autoregressive=1 if self.ar_variance else None,
            loglikelihood_burn=1,
        )
        if self.slope:
            model["transition", 0, 1] = self.damping
            model["transition", 1, 1] = self.damping
        model.ssm.tolerance = 0  # else the filter takes small variances for settled ones
        model.ssm.initialize_known(np.zeros(model.k_states), scale * self._prior(model.k_states))
        return model

    def parameters(self, scale: float = 1.0) -> Floats:
        """Parameters in statsmodels' order for an irregular variance of `scale`."""
        variances = [1.0, self.level, *([self.season] if self.season_prior else [])]
        autoregression = [scale * self.ar_variance, self.ar] if self.ar_variance else []
        return np.array([*(scale * one for one in variances), *autoregression])

    def _prior(self, states: int) -> Floats:
        """Covariance of the first state: a vague level, a slope, months' effects that add up to zero."""
        blocks = [np.full((1, 1), _WIDE)]
        if self.slope:
            blocks.append(np.full((1, 1), self.slope**2))
        if self.season_prior:
            effects = np.eye(_SEASONS - 1) - 1 / _SEASONS
            blocks.append(self.season_prior**2 * effects)
        if self.ar_variance:
            blocks.append(np.full((1, 1), self.ar_variance / (1 - self.ar**2)))
        prior, place = np.zeros((states, states)), 0
        for block in blocks:
            prior[place : place + len(block), place : place + len(block)] = block
            place += len(block)
        return prior


@dataclass(frozen=True, slots=True)
class Maps:
    """A grid's filters as matrices for one pattern of months (T long, K of them observed and past the first).

    whiten: G × K × T, from a series to standardised innovations at unit scale; log_variance: G, sum of their
    log variances; ahead: G × H × T, from a series to its point forecasts; covariance: G × H × H at unit
    scale; deviation: G × K of the innovations, at unit scale; parts: G × blocks × H × T, what level, season
    and autoregression (`kalman.BLOCKS`) give of `ahead`.
    """

    grid: tuple[ModelSpec, ...]
    whiten: Floats
    log_variance: Floats
    ahead: Floats
    covariance: Floats
    deviation: Floats
    parts: Floats

    @property
    def counted(self) -> int:
        """Innovations that count towards the likelihood."""
        return int(self.whiten.shape[1])

    def innovations(self, point: int, series: Floats) -> Floats:
        """n × K standardised innovations of series (n × T, missing months 0) under one grid point."""
        found: Floats = series @ self.whiten[point].T
        return found

    def squares(self, series: Floats) -> Floats:
        """n × G sums of squared innovations."""
        return np.stack(
            [(self.innovations(g, series) ** 2).sum(axis=1) for g in range(len(self.grid))], axis=1
        )

    def log_likelihood(self, squares: Floats) -> Floats:
        """n × G log-likelihoods with the scale concentrated out."""
        count = max(self.counted, 1)
        scale = np.maximum(squares / count, 1e-300)
        return -0.5 * (count * (np.log(2 * np.pi * scale) + 1) + self.log_variance[None, :])


def maps_for(grid: tuple[ModelSpec, ...], observed: Flags, horizon: int) -> Maps:
    """The maps of a grid for a pattern of months (T, True where observed), from the cache where it has
    them."""
    return _maps(grid, observed.tobytes(), horizon)


@dataclass(frozen=True, slots=True)
class _Passes:
    """A grid's filters over one pattern of months, whatever the horizon: for each point its gains and the
    last state's response to each month (m × T); the rest as in `Maps`."""

    gains: tuple[Gains, ...]
    states: tuple[Floats, ...]
    whiten: Floats
    deviation: Floats


@lru_cache(maxsize=32)
def _passes(grid: tuple[ModelSpec, ...], pattern: bytes) -> _Passes:
    observed = np.frombuffer(pattern, dtype=bool)
    counted = observed & (np.arange(len(observed)) >= 1)
    whiten = np.zeros((len(grid), int(counted.sum()), len(observed)))
    deviation, every, states = np.zeros(whiten.shape[:2]), list[Gains](), list[Floats]()
    for place, spec in enumerate(grid):
        gains = filter_gains(spec.system(np.where(observed, 0.0, np.nan)), spec.parameters(), 0)
        surprises, state = gains.responses(observed)
        whiten[place] = (surprises / np.sqrt(gains.variance)).T[counted]
        deviation[place] = np.sqrt(gains.variance[counted])
        every.append(gains)
        states.append(state)
    return _Passes(tuple(every), tuple(states), whiten, deviation)


@lru_cache(maxsize=16)
def _maps(grid: tuple[ModelSpec, ...], pattern: bytes, horizon: int) -> Maps:
    passes = _passes(grid, pattern)
    length = passes.whiten.shape[2]
    ahead, covariance = np.zeros((len(grid), horizon, length)), np.zeros((len(grid), horizon, horizon))
    parts = np.zeros((len(grid), len(BLOCKS), horizon, length))
    for place, (gains, state) in enumerate(zip(passes.gains, passes.states, strict=True)):
        reaching = gains.reaching(horizon)
        ahead[place], covariance[place] = reaching.forecasts(state).T, reaching.forecast_cov
        parts[place] = reaching.forecasts_by_block(state).transpose(0, 2, 1)
    whiten, deviation = passes.whiten, passes.deviation
    return Maps(grid, whiten, 2 * np.log(deviation).sum(axis=1), ahead, covariance, deviation, parts)
