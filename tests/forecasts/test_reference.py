"""The reference path: plain statsmodels gives what the bank gives, and finds what was put into a series."""

import numpy as np
import polars as pl
import pytest

from forecasts import factors, months
from forecasts.bank import ModelSpec
from forecasts.factors import FACTOR_GRID, RESIDUAL_GRID, UNITS_FOR_FACTOR, forecast_logs, looked_at
from forecasts.outliers import centre
from forecasts.reference import Study, kind_of, study, weights_in_line

FIRST, HORIZON = months.ordinal(months.first_day(2012 * 12)), 6
GRID = (ModelSpec(level=0.1), ModelSpec(level=0.1, season=0.003, season_prior=3.0))
SEASON = 0.4 * np.cos(2 * np.pi * np.arange(12) / 12)


def logs(units: int, length: int = 84, seed: int = 3) -> np.ndarray:
    """Random walks with a season and noise, of which one month lacks."""
    rng = np.random.default_rng(seed)
    walk = 0.05 * rng.standard_normal((units, length)).cumsum(axis=1)
    made = 20 + walk + SEASON[np.arange(length) % 12] + 0.1 * rng.standard_normal((units, length))
    made[0, 40] = np.nan
    return made


def in_statsmodels(grid: tuple[ModelSpec, ...], series: np.ndarray, row: int) -> np.ndarray:
    """One series' forecast by statsmodels alone: each model's own, under the bank's weights."""
    weights, middle = weights_in_line(grid, series, row), centre(series[row][None])[0, 0]
    made = np.full(HORIZON, middle)
    for spec, weight in zip(grid, weights, strict=True):
        if weight:
            results = spec.system(series[row] - middle).filter(spec.parameters())
            made += weight * results.get_forecast(HORIZON).predicted_mean
    return made


def test_a_series_alone_is_forecast_as_statsmodels_would() -> None:
    series = logs(1, length=60)
    ours = forecast_logs(series, HORIZON)
    np.testing.assert_allclose(
        in_statsmodels(FACTOR_GRID, looked_at(series).calm, 0), ours.mean[0], rtol=1e-9
    )


def test_a_series_over_its_lines_factor_is_forecast_as_statsmodels_would() -> None:
    series = logs(UNITS_FOR_FACTOR + 1)
    ours, fed = forecast_logs(series, HORIZON), looked_at(series)
    begin = int(np.isfinite(fed.factor).argmax())
    line = in_statsmodels(FACTOR_GRID, fed.factor[None, begin:], 0)
    for row in (0, 4):
        own = in_statsmodels(RESIDUAL_GRID, fed.residual[:, begin:], row)
        np.testing.assert_allclose(line + own, ours.mean[row], rtol=1e-9)


@pytest.fixture(scope="module")
def found() -> Study:
    series = logs(1)[0]
    return study("one", series, FIRST, FACTOR_GRID, weights_in_line(FACTOR_GRID, series[None], 0))


def test_the_banks_matrices_and_statsmodels_agree(found: Study) -> None:
    assert found.agreement.height == 4
    assert found.agreement["difference"].max() < 1e-9  # type: ignore[operator]


def test_components_add_up_to_the_series(found: Study) -> None:
    wide = found.components.pivot("component", index="month", values="value")
    both = wide.join(found.series, on="month")
    parts = [name for name in wide.columns if name != "month"]
    assert {"level", "season", "irregular"} <= set(parts)
    np.testing.assert_allclose(both.select(pl.sum_horizontal(parts)).to_series(), both["value"], rtol=1e-9)


def test_bands_hold_their_components_and_the_missing_month_is_filled_by_them(found: Study) -> None:
    smooth = found.components.filter(pl.col("component") != "irregular")
    assert (smooth["low"] <= smooth["value"]).all()
    assert (smooth["value"] <= smooth["high"]).all()
    missing = months.first_day(FIRST + 40)
    assert missing not in found.series["month"]
    assert smooth.filter(month=missing)["value"].is_not_null().all()
    lacks = found.components.filter(month=missing, component="irregular")
    assert lacks["value"].is_null().all()


def test_innovations_are_standardised_and_leave_the_first_and_missing_months_out(found: Study) -> None:
    assert found.innovations.height == 84 - 2
    assert (found.innovations["value"] ** 2).mean() == pytest.approx(1.0, rel=1e-9)
    assert found.autocorrelation["lag"].to_list() == list(range(1, 25))


def test_weights_are_of_the_whole_grid_and_add_up(found: Study) -> None:
    assert found.weights.height == len(FACTOR_GRID)
    assert found.weights["weight"].sum() == pytest.approx(1.0)
    assert found.weights["kind"].to_list() == [kind_of(spec) for spec in FACTOR_GRID]


def test_maximum_likelihood_is_no_worse_than_the_banks_ratios_from_the_same_start(found: Study) -> None:
    same = found.fits.filter(start="diffuse")
    given, free = same["log_likelihood"].to_list()
    assert free >= given - 1e-6
    aic = (2 * found.fits["free_parameters"] - 2 * found.fits["log_likelihood"]).to_list()
    assert found.fits["aic"].to_list() == pytest.approx(aic)
    assert same["free_parameters"][1] > same["free_parameters"][0] == 1


def p_value(done: Study, test: str) -> float:
    return float(done.tests.filter(pl.col("test").str.starts_with(test))["p_value"][0])


def test_white_noise_passes_the_tests() -> None:
    noise = np.random.default_rng(8).standard_normal(180)
    passed = study("noise", noise, FIRST, (ModelSpec(level=0.0),), np.ones(1))
    assert passed.tests["reading"].to_list() == ["nothing found"] * 4


def test_a_season_that_the_model_has_not_shows_as_autocorrelation() -> None:
    months_of = np.arange(120)
    series = SEASON[months_of % 12] + 0.05 * np.random.default_rng(8).standard_normal(120)
    blind, seeing = (study("one", series, FIRST, GRID, np.eye(2)[point]) for point in range(2))
    assert p_value(blind, "Ljung–Box, lags 1–12") < 1e-6 < p_value(seeing, "Ljung–Box, lags 1–12")
    assert blind.tests["reading"][0] == "autocorrelation is left in the innovations"


def test_tails_and_a_growing_variance_are_found() -> None:
    rng = np.random.default_rng(8)
    wild = study("wild", rng.standard_t(1.5, 150), FIRST, (ModelSpec(level=0.0),), np.ones(1))
    growing = rng.standard_normal(150) * np.linspace(0.2, 3, 150)
    uneven = study("growing", growing, FIRST, (ModelSpec(level=0.0),), np.ones(1))
    assert p_value(wild, "Jarque") < 0.01
    assert p_value(uneven, "Variance") < 0.01


@pytest.mark.parametrize("length", [2, 14, 30])
def test_short_and_constant_series_have_an_answer(length: int) -> None:
    for series in (np.zeros(length), np.random.default_rng(1).standard_normal(length)):
        short = study("short", series, FIRST, FACTOR_GRID, weights_in_line(FACTOR_GRID, series[None], 0))
        assert short.tests["reading"].to_list() == ["too few months to say"] * 4
        assert short.components.filter(component="level")["value"].is_finite().all()
        assert short.fits.height >= 1


def test_grid_points_have_names_of_their_own_but_for_their_levels() -> None:
    kinds = {(spec.level, kind_of(spec)) for spec in factors.FACTOR_GRID}
    assert len(kinds) == len(factors.FACTOR_GRID)
    assert kind_of(ModelSpec(level=1, season=0.01, season_prior=3, ar=0.5, ar_variance=1)) == (
        "season 3, moving 0.01, AR 0.5"
    )
