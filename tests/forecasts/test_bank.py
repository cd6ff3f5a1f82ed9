"""The bank beside statsmodels: the same likelihoods, innovations, forecasts and covariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasts.bank import ModelSpec, maps_for
from forecasts.kalman import filter_gains

GRID = (
    ModelSpec(level=0.1),
    ModelSpec(level=0.0, season=0.0, season_prior=1.0),
    ModelSpec(level=0.3, season=0.01, season_prior=5.0),
    ModelSpec(level=0.05, season=0.001, season_prior=2.0, slope=0.1, damping=0.9),
    ModelSpec(level=0.05, season_prior=3.0, slope=0.05),
    ModelSpec(level=0.03, season=0.001, season_prior=3.0, ar=0.5, ar_variance=1.0),
)
HORIZON = 9


@st.composite
def gappy_series(draw: st.DrawFn) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(3, 90))
    series = rng.standard_normal(length).cumsum() * draw(st.sampled_from([0.01, 1.0, 30.0]))
    series[rng.random(length) < draw(st.sampled_from([0.0, 0.1, 0.5]))] = np.nan
    series[-1] = rng.standard_normal()
    return series


def close(ours: object, theirs: object) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(series=gappy_series(), point=st.integers(0, len(GRID) - 1))
def test_maps_are_statsmodels_filter(series: np.ndarray, point: int) -> None:
    observed = np.isfinite(series)
    maps, spec = maps_for(GRID, observed, HORIZON), GRID[point]
    known = np.nan_to_num(series)[None]
    results = spec.system(series).filter(spec.parameters())
    counted = observed & (np.arange(len(series)) >= 1)
    close(maps.innovations(point, known)[0], results.filter_results.standardized_forecasts_error[0][counted])
    theirs = results.get_forecast(HORIZON)
    close(maps.ahead[point] @ known[0], theirs.predicted_mean)
    close(np.diag(maps.covariance[point]), theirs.var_pred_mean)
    close(results.llf_obs[counted].sum(), spec.system(series).loglike(spec.parameters()))


@settings(max_examples=40, deadline=None)
@given(series=gappy_series(), point=st.integers(0, len(GRID) - 1))
def test_concentrated_likelihood_is_statsmodels_at_the_best_scale(series: np.ndarray, point: int) -> None:
    observed = np.isfinite(series)
    maps, spec = maps_for(GRID, observed, HORIZON), GRID[point]
    squares = maps.squares(np.nan_to_num(series)[None])
    if maps.counted < 2 or squares[0, point] < 1e-12:
        return
    scale = squares[0, point] / maps.counted
    model = spec.system(series)
    prior = scale * model.ssm.initialization.stationary_cov
    model.ssm.initialize_known(np.zeros(model.k_states), prior)
    filtered = model.filter(spec.parameters(scale))
    ours = maps.log_likelihood(squares)[0, point]
    close(ours, filtered.llf_obs[observed & (np.arange(len(series)) >= 1)].sum())


def test_forecast_covariance_between_months_is_that_of_simulated_months() -> None:
    spec = GRID[2]
    maps = maps_for(GRID, np.ones(40, dtype=bool), HORIZON)
    results = spec.system(np.zeros(40)).filter(spec.parameters())
    last = results.filter_results
    rng = np.random.default_rng(1)
    start = rng.multivariate_normal(last.predicted_state[:, -1], last.predicted_state_cov[..., -1], size=4000)
    transition, design = last.transition[..., 0], last.design[0, :, 0]
    noise = last.selection[..., 0] @ last.state_cov[..., 0] @ last.selection[..., 0].T
    paths = np.zeros((4000, HORIZON))
    for month in range(HORIZON):
        paths[:, month] = start @ design + rng.standard_normal(4000)
        start = start @ transition.T + rng.multivariate_normal(np.zeros(len(design)), noise, size=4000)
    assert np.cov(paths.T) == pytest.approx(maps.covariance[2], abs=0.25)


def test_plain_statsmodels_initialisation_gives_the_same_innovations() -> None:
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    series = np.random.default_rng(2).standard_normal(60).cumsum()
    model = UnobservedComponents(series, level="llevel", seasonal=12)
    gains = filter_gains(model, np.array([1.0, 0.2, 0.01]), HORIZON)
    innovations, state = gains.innovations(series[None])
    results = model.filter([1.0, 0.2, 0.01])
    close(innovations[0], results.filter_results.forecasts_error[0])
    close(gains.forecasts(state)[0], results.forecast(HORIZON))


def test_maps_are_kept() -> None:
    assert maps_for(GRID, np.ones(30, dtype=bool), 3) is maps_for(GRID, np.ones(30, dtype=bool), 3)
