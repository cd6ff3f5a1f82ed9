"""The bank beside statsmodels: the same likelihoods, innovations, forecasts, covariances and components."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.sarimax import SARIMAX
from statsmodels.tsa.statespace.structural import UnobservedComponents

from forecasts.bank import Maps, ModelSpec, maps_for
from forecasts.factors import FACTOR_GRID, RESIDUAL_GRID
from forecasts.kalman import BLOCKS, filter_gains

GRID = (
    ModelSpec(level=0.1),
    ModelSpec(level=0.0, season=0.0, season_prior=1.0),
    ModelSpec(level=0.3, season=0.01, season_prior=5.0),
    ModelSpec(level=0.05, season=0.001, season_prior=2.0, slope=0.1, damping=0.9),
    ModelSpec(level=0.05, season_prior=3.0, slope=0.05),
    ModelSpec(level=0.03, season=0.001, season_prior=3.0, ar=0.5, ar_variance=1.0),
)
USED = tuple(dict.fromkeys(GRID + FACTOR_GRID + RESIDUAL_GRID))
"""Every point the engine weighs, and shapes (slopes) it could."""
WITH_AR = tuple(spec for spec in USED if spec.ar_variance and not spec.season)
"""Points whose season, if any, does not move: those that a regression with ARMA errors can state as well."""
HORIZONS = st.integers(1, 17)


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


def alone(spec: ModelSpec, series: np.ndarray, horizon: int) -> Maps:
    """The maps of one point for the months a series has."""
    return maps_for((spec,), np.isfinite(series), horizon)


def followed_by(series: np.ndarray, months: int) -> np.ndarray:
    """A series with months to come of which nothing is known: statsmodels forecasts them as it filters."""
    return np.concatenate([series, np.full(months, np.nan)])


@settings(max_examples=60, deadline=None)
@given(series=gappy_series(), spec=st.sampled_from(USED), horizon=HORIZONS)
def test_maps_are_statsmodels_filter(series: np.ndarray, spec: ModelSpec, horizon: int) -> None:
    observed = np.isfinite(series)
    maps, known = alone(spec, series, horizon), np.nan_to_num(series)
    results = spec.system(series).filter(spec.parameters())
    counted = observed & (np.arange(len(series)) >= 1)
    close(
        maps.innovations(0, known[None])[0], results.filter_results.standardized_forecasts_error[0][counted]
    )
    theirs = results.get_forecast(horizon)
    close(maps.ahead[0] @ known, theirs.predicted_mean)
    close(np.diag(maps.covariance[0]), theirs.var_pred_mean)
    close(results.llf_obs[counted].sum(), spec.system(series).loglike(spec.parameters()))


@settings(max_examples=60, deadline=None)
@given(series=gappy_series(), spec=st.sampled_from(USED))
def test_concentrated_likelihood_is_statsmodels_at_the_best_scale(
    series: np.ndarray, spec: ModelSpec
) -> None:
    maps = alone(spec, series, 1)
    squares = maps.squares(np.nan_to_num(series)[None])
    if maps.counted < 2 or squares[0, 0] < 1e-12:
        return
    scale = squares[0, 0] / maps.counted
    filtered = spec.system(series, scale).filter(spec.parameters(scale))
    counted = np.isfinite(series) & (np.arange(len(series)) >= 1)
    close(maps.log_likelihood(squares)[0, 0], filtered.llf_obs[counted].sum())


@settings(max_examples=40, deadline=None)
@given(series=gappy_series(), spec=st.sampled_from(USED), horizon=HORIZONS, data=st.data())
def test_covariance_between_months_to_come_is_how_statsmodels_learns_from_one_of_the_other(
    series: np.ndarray, spec: ModelSpec, horizon: int, data: st.DataObject
) -> None:
    """Were a month to come one above its forecast, later ones would move by covariance over variance."""
    maps, seen = alone(spec, series, horizon), data.draw(st.integers(0, horizon - 1))
    told = followed_by(series, horizon)
    forecast = maps.ahead[0] @ np.nan_to_num(series)
    told[len(series) + seen] = forecast[seen] + 1.0
    results = spec.system(told).filter(spec.parameters())
    moved = results.filter_results.forecasts[0, len(series) + seen + 1 :] - forecast[seen + 1 :]
    covariance = maps.covariance[0]
    close(covariance, covariance.T)
    close(moved, covariance[seen, seen + 1 :] / covariance[seen, seen])


@settings(max_examples=40, deadline=None)
@given(series=gappy_series(), spec=st.sampled_from(USED), horizon=HORIZONS)
def test_parts_add_up_and_are_statsmodels_components(
    series: np.ndarray, spec: ModelSpec, horizon: int
) -> None:
    maps, known = alone(spec, series, horizon), np.nan_to_num(series)
    parts = dict(zip(BLOCKS, maps.parts[0] @ known, strict=True))
    close(maps.parts[0].sum(axis=0), maps.ahead[0])
    results = spec.system(followed_by(series, horizon)).smooth(spec.parameters())
    theirs = {"level": results.level, "season": results.seasonal, "ar": results.autoregressive}
    for name, part in parts.items():
        component = theirs[name]
        for kind in ("filtered", "smoothed"):
            close(part, 0.0 if component is None else component[kind][-horizon:])


def regression_with_arma_errors(spec: ModelSpec, series: np.ndarray) -> SARIMAX:
    """A grid point as SARIMAX states it: level and months' effects are regression coefficients, the level's a
    random walk; the rest is AR(1) beside an irregular."""
    season = np.zeros((len(series), 0))
    if spec.season_prior:
        model = spec.system(series)
        states = slice(1, 12)
        transition, design = model["transition", states, states], model["design", 0, states]
        season = np.array([design @ np.linalg.matrix_power(transition, t) for t in range(len(series))])
    regressors = np.column_stack([np.ones(len(series)), season])
    model = SARIMAX(
        series,
        exog=regressors,
        order=(1, 0, 0),
        measurement_error=True,
        mle_regression=False,
        time_varying_regression=True,
        loglikelihood_burn=1,
    )
    prior = spec.system(series).ssm.initialization.stationary_cov
    autoregression = np.array([[spec.ar_variance / (1 - spec.ar**2)]])
    errors_first = np.block(
        [
            [autoregression, np.zeros((1, len(regressors.T)))],
            [np.zeros((len(regressors.T), 1)), prior[:-1, :-1]],
        ]
    )
    model.initialize_known(np.zeros(model.k_states), errors_first)
    model.ssm.tolerance = 0
    return model


@settings(max_examples=40, deadline=None)
@given(series=gappy_series(), spec=st.sampled_from(WITH_AR), horizon=HORIZONS)
def test_points_with_an_autoregression_are_sarimax_as_well(
    series: np.ndarray, spec: ModelSpec, horizon: int
) -> None:
    maps, known = alone(spec, series, horizon), np.nan_to_num(series)
    model = regression_with_arma_errors(spec, followed_by(series, horizon))
    values = dict.fromkeys(model.param_names, 0.0) | {"var.const": spec.level, "var.measurement_error": 1.0}
    values |= {"ar.L1": spec.ar, "sigma2": spec.ar_variance}
    results = model.filter(list(values.values())).filter_results
    counted = np.isfinite(series) & (np.arange(len(series)) >= 1)
    innovations = results.standardized_forecasts_error[0, : len(series)][counted]
    close(maps.innovations(0, known[None])[0], innovations)
    close(maps.ahead[0] @ known, results.forecasts[0, -horizon:])
    close(np.diag(maps.covariance[0]), results.forecasts_error_cov[0, 0, -horizon:])
    squares = maps.squares(known[None])[0, 0]
    at_unit_scale = -0.5 * (maps.counted * np.log(2 * np.pi) + maps.log_variance[0] + squares)
    close(at_unit_scale, results.llf_obs[: len(series)][counted].sum())


def test_every_kind_of_point_is_compared() -> None:
    assert {bool(spec.season_prior) for spec in WITH_AR} == {True, False}
    assert {spec.level for spec in WITH_AR} >= {0.0, 0.01, 3.0}
    assert set(FACTOR_GRID) | set(RESIDUAL_GRID) <= set(USED)


def test_plain_statsmodels_initialisation_gives_the_same_innovations() -> None:
    series = np.random.default_rng(2).standard_normal(60).cumsum()
    model = UnobservedComponents(series, level="llevel", seasonal=12)
    gains = filter_gains(model, np.array([1.0, 0.2, 0.01]), 9)
    innovations, state = gains.innovations(series[None])
    results = model.filter([1.0, 0.2, 0.01])
    close(innovations[0], results.filter_results.forecasts_error[0])
    close(gains.forecasts(state)[0], results.forecast(9))
    close(gains.forecasts_by_block(state).sum(axis=0), gains.forecasts(state))


def test_maps_are_kept() -> None:
    assert maps_for(GRID, np.ones(30, dtype=bool), 3) is maps_for(GRID, np.ones(30, dtype=bool), 3)
