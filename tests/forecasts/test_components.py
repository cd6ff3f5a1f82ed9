"""What forecasts consist of: parts in logs that add up to the mean, and money that adds up to the unit."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.model import ALL
from forecasts.components import EXPECTED, LogParts, beside_factor, expected_parts, still_left
from forecasts.factors import UNITS_FOR_FACTOR, LogForecast, common_factor, forecast_logs
from forecasts.seam import ForecastProblem, YearEndForecast, forecast_year_end
from tests.forecasts.problems import changed, deferral, district, problem, seasonal

MONTHS, HORIZON = 60, 6
SEASON = 0.5 * np.sin(2 * np.pi * np.arange(12) / 12)


def series(units: int, growth: float = 0.0, noise: float = 0.02, seed: int = 1) -> np.ndarray:
    """Logs of units of different size with one season and a common growth by month."""
    rng = np.random.default_rng(seed)
    month = np.arange(MONTHS)
    return (
        10.0
        + np.arange(units)[:, None]
        + growth * month
        + SEASON[month % 12]
        + noise * rng.standard_normal((units, MONTHS))
    )


def total(forecast: LogForecast) -> np.ndarray:
    return forecast.parts.level + forecast.parts.season + forecast.parts.common


@pytest.mark.parametrize("units", [1, 3, UNITS_FOR_FACTOR + 2])
def test_parts_in_logs_add_up_to_the_mean(units: int) -> None:
    logs = series(units)
    logs[0, :30] = np.nan
    forecast = forecast_logs(logs, HORIZON)
    np.testing.assert_allclose(total(forecast), forecast.mean, rtol=1e-12)


@pytest.mark.parametrize("units", [2, UNITS_FOR_FACTOR + 2])
def test_a_season_is_told_from_the_level(units: int) -> None:
    parts = forecast_logs(series(units), HORIZON).parts
    assert parts.season == pytest.approx(np.tile(SEASON[:HORIZON], (units, 1)), abs=0.06)
    assert parts.level == pytest.approx(
        np.repeat(10.0 + np.arange(units), HORIZON).reshape(units, -1), abs=0.1
    )


def test_a_line_that_has_moved_shows_in_the_common_factor_and_one_that_has_not_does_not() -> None:
    """Growth of 2% a month carries a line 11% above the mean of its last twelve months, and may go on."""
    units = UNITS_FOR_FACTOR + 2
    still = forecast_logs(series(units), HORIZON).parts.common
    moved = forecast_logs(series(units, growth=0.02), HORIZON).parts.common
    assert np.abs(still).max() < 0.03
    assert moved.min() > 0.07
    assert moved.max() < 0.11 + 0.02 * HORIZON + 0.04


def test_a_unit_that_has_moved_alone_shows_in_its_level() -> None:
    units = UNITS_FOR_FACTOR + 2
    logs = series(units)
    logs[0, -18:] += 0.7
    parts = forecast_logs(logs, HORIZON).parts
    assert parts.level[0] == pytest.approx(np.full(HORIZON, 10.7), abs=0.1)
    assert np.abs(parts.common).max() < 0.03


def test_series_without_a_factor_have_no_common_part() -> None:
    assert not forecast_logs(series(3, growth=0.02), HORIZON).parts.common.any()


def test_the_factors_own_size_belongs_to_the_level() -> None:
    logs = series(UNITS_FOR_FACTOR)
    factor = common_factor(logs)
    zero = LogParts.nothing(1, HORIZON)
    line, season = np.full(HORIZON, 5.0), np.full(HORIZON, 1.0)
    ours = beside_factor(factor, line, season, zero)
    lifted = beside_factor(factor + 2, line + 2, season, zero)
    np.testing.assert_allclose(lifted.common, ours.common)
    np.testing.assert_allclose(lifted.level, ours.level + 2)


def test_each_part_in_money_is_what_it_adds_to_those_before() -> None:
    hundred, double, half = np.log(100.0), np.log(2.0), np.log(0.5)
    parts = LogParts(np.full((1, 1), hundred), np.full((1, 1), double), np.full((1, 1), half))
    assert parts.in_money()[:, 0, 0] == pytest.approx([100.0, 100.0, -100.0])


def split(plain: float, due: float = 0.0, modelled: bool = True) -> dict[str, float]:
    """One month of 100, doubled by its season."""
    parts = LogParts(np.full((1, 1), np.log(100.0)), np.full((1, 1), np.log(2.0)), np.zeros((1, 1)))
    left = still_left(np.array([[due]]), np.array([[plain]]))
    found = expected_parts(parts, np.array([modelled]), left, np.array([plain]))
    return dict(zip(EXPECTED, found[:, 0].tolist(), strict=True))


def test_what_uncertainty_adds_is_the_spread() -> None:
    nothing = {"common_factor": 0.0, "past_years": 0.0}
    assert split(plain=210.0) == pytest.approx({"level": 100, "season": 100, "spread": 10} | nothing)


def test_of_a_month_half_in_the_parts_stand_for_the_other_half() -> None:
    nothing = {"common_factor": 0.0, "past_years": 0.0}
    halved = split(plain=105.0, due=105.0)
    assert halved == pytest.approx({"level": 50, "season": 50, "spread": 5} | nothing)


def test_series_that_repeat_past_years_say_so() -> None:
    found = split(plain=70.0, modelled=False)
    assert found == pytest.approx(dict.fromkeys(EXPECTED, 0.0) | {"past_years": 70.0})


def test_a_method_that_models_nothing_repeats_past_years() -> None:
    found = expected_parts(None, np.array([True]), np.ones((1, 2)), np.array([7.0]))
    assert found[EXPECTED.index("past_years")].tolist() == [7.0]
    assert found.sum() == 7.0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_expected_parts_add_up_whatever_came(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = LogParts(*(rng.normal(scale=3, size=(4, 3)) for _ in range(3)))
    plain, due = rng.normal(scale=50, size=(2, 4, 3))
    left = still_left(np.where(rng.random((4, 3)) < 0.5, due, 0), plain)
    assert ((left >= 0) & (left <= 1)).all()
    found = expected_parts(parts, rng.random(4) < 0.5, left, plain.sum(axis=1))
    np.testing.assert_allclose(found.sum(axis=0), plain.sum(axis=1), atol=1e-7)


JUNE, MID_JUNE = date(2020, 6, 30), date(2020, 6, 15)


def nights() -> dict[str, ForecastProblem]:
    """A district with a factor; one under way in June with a deferral; one with a lumpy line."""
    lumpy = seasonal("u1@2004", "levy", date(2012, 1, 1), JUNE)
    lumpy = changed(lumpy, lambda _u, _c, day, amount: amount if day.month in (3, 11) else 0)
    wide = district(units=UNITS_FOR_FACTOR + 1, lines=("vat",))
    return {
        "factor": problem(wide),
        "month under way, shocks": problem(wide, MID_JUNE, shocks=(deferral(),)),
        "lumpy and few": problem(pl.concat([district(), lumpy])),
        "the year is over": problem(district(to=date(2020, 12, 31)), date(2020, 12, 31)),
    }


@pytest.fixture(scope="module")
def answers() -> dict[str, YearEndForecast]:
    return {name: forecast_year_end(asked) for name, asked in nights().items()}


@pytest.mark.parametrize("night", ["factor", "month under way, shocks", "lumpy and few", "the year is over"])
def test_components_of_units_and_totals_add_up_to_the_mean(
    answers: dict[str, YearEndForecast], night: str
) -> None:
    answer = answers[night]
    assert set(answer.components["component"]) == {"collected", *EXPECTED, "shocks"}
    sums = answer.components.group_by("unit_key", "line_code", "basis").agg(pl.col("amount").sum())
    joined = answer.year_end.filter(scenario="base").join(sums, on=["unit_key", "line_code", "basis"])
    assert joined.height == sums.height == answer.year_end.filter(scenario="base").height
    assert (joined["amount"] == joined["mean_amount"]).all()


def told(answer: YearEndForecast, unit: str, line: str) -> dict[str, int]:
    mine = answer.components.filter(unit_key=unit, line_code=line, basis="territory")
    return dict(mine.select("component", "amount").iter_rows())


def test_a_modelled_unit_consists_of_level_and_season(answers: dict[str, YearEndForecast]) -> None:
    """Half a year of 1e8 a month, of which the season leaves 1.0 to 1.3."""
    found = told(answers["factor"], "u0@2004", "vat")
    assert found["level"] == pytest.approx(6e8, rel=0.1)
    assert abs(found["season"]) < 0.15 * found["level"]
    assert abs(found["common_factor"]) < 0.1 * found["level"]
    assert found["past_years"] == found["shocks"] == 0
    assert abs(found["spread"]) < 0.02 * found["level"]


def test_deferred_dues_are_the_shocks_part(answers: dict[str, YearEndForecast]) -> None:
    found = told(answers["month under way, shocks"], "u0@2004", "vat")
    assert found["shocks"] > 0.02 * found["level"]


def test_a_lumpy_line_repeats_past_years_and_totals_show_both(answers: dict[str, YearEndForecast]) -> None:
    lumpy, whole = (told(answers["lumpy and few"], "u1@2004", line) for line in ("levy", ALL))
    assert lumpy["past_years"] > 0
    assert lumpy["level"] == lumpy["season"] == lumpy["spread"] == 0
    assert whole["past_years"] == lumpy["past_years"]
    assert whole["level"] > 0


def test_when_the_year_is_over_all_is_collected(answers: dict[str, YearEndForecast]) -> None:
    over = answers["the year is over"].components
    assert (over.filter(pl.col("component") != "collected")["amount"] == 0).all()
    assert over.filter(pl.col("component") == "collected")["amount"].sum() > 0


def test_baselines_repeat_past_years() -> None:
    found = told(forecast_year_end(problem(district()), "pace"), "u1@2004", "vat")
    assert found["past_years"] > 0
    assert found["level"] == found["spread"] == 0


def test_the_structural_method_tells_level_and_season_apart_too() -> None:
    found = told(forecast_year_end(problem(district()), "structural"), "u1@2004", "vat")
    assert found["level"] == pytest.approx(12e8, rel=0.1)
    assert found["season"] != 0
    assert abs(found["spread"]) < 0.05 * found["level"]
