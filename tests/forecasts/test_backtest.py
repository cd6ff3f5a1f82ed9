"""Backtests and scores: known values, nothing seen early, one shape."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from authorities.model import ALL
from forecasts import scores
from forecasts.backtest import ACCURACY_SCHEMA, backtest, forecasts_made
from tests.forecasts.problems import deferral, district, estimate, problem

LEVELS = np.array([0.1, 0.5, 0.9])


def outcome(
    point: list[float], actual: list[float], spread: float = 10.0, shortfall: float = 0.5
) -> scores.Outcome:
    middle = np.array(point)
    return scores.Outcome(
        middle,
        np.array(actual),
        LEVELS,
        middle[:, None] + spread * np.array([-1, 0, 1]),
        np.full(len(point), 5.0),
        np.array(actual) + 1,
        np.full(len(point), shortfall),
    )


def test_errors_are_what_their_names_say() -> None:
    one = outcome([110.0, 90.0], [100.0, 100.0])
    assert scores.wape_pct(one) == pytest.approx(10)
    assert scores.mape_pct(one) == pytest.approx(10)
    assert scores.mase(one) == pytest.approx(2)
    assert scores.brier(one) == pytest.approx(0.25)
    assert scores.coverage_pct(one, 0.1, 0.9) == 100
    assert scores.coverage_pct(outcome([111.0, 90.0], [100.0, 100.0]), 0.1, 0.9) == 50


def test_crps_of_a_sure_forecast_is_its_absolute_error_and_ranges_are_weighed() -> None:
    assert scores.crps_pct(outcome([110.0], [100.0], spread=0)) == pytest.approx(10)
    assert scores.crps_pct(outcome([100.0], [100.0], spread=20)) > scores.crps_pct(
        outcome([100.0], [100.0], spread=2)
    )


def test_nothing_to_score_is_not_a_number_and_not_a_failure() -> None:
    empty = outcome([0.0], [0.0])
    assert np.isnan(scores.wape_pct(empty))
    assert np.isnan(scores.interval(empty, scores.wape_pct, 1)).all()


def test_intervals_hold_the_score_and_close_with_more_units() -> None:
    rng = np.random.default_rng(0)
    few, many = (outcome((100 + rng.normal(0, 5, n)).tolist(), [100.0] * n) for n in (5, 500))
    (low, high), (near, far) = (scores.interval(one, scores.mape_pct, 1) for one in (few, many))
    assert low < scores.mape_pct(few) < high
    assert far - near < high - low


def test_every_method_is_scored_beside_the_others() -> None:
    history = district(to=date(2019, 12, 31))
    asked = problem(history, as_of=date(2019, 12, 31), draws=100)
    year = history.filter(pl.col("day").dt.year() == 2019)["amount"].sum()
    plans = {2019: estimate("u0@2004", ALL, year)}
    table = backtest(asked, (2018, 2019), (6,), ("bank", "pace", "naive", "growth"), plans)
    assert table.schema == ACCURACY_SCHEMA
    assert table.height == 4 * 3 * 3 * 2
    assert set(table["source"]) == {"backtest"}
    scored = table.filter(fiscal_year=2019, line_code=ALL, basis="territory").sort("method")
    assert scored["method"].to_list() == ["bank", "growth", "naive", "pace"]
    assert scored["n"].to_list() == [3] * 4
    assert (scored["wape_pct"] < 5).all()
    assert (scored["wape_pct_low"] <= scored["wape_pct_high"]).all()
    assert scored["brier"].is_not_null().all()
    assert table.filter(fiscal_year=2018)["brier"].is_null().all()


def test_a_year_that_is_not_over_and_a_past_too_short_are_left_out() -> None:
    asked = problem(district(to=date(2020, 6, 30)), draws=20)
    assert backtest(asked, (2020, 2012, 2013), (6,), ("naive",)).is_empty()
    assert backtest(asked, (2019, 2014), (6,), ("naive",))["fiscal_year"].unique().sort().to_list() == [
        2014,
        2019,
    ]


def test_an_origin_sees_nothing_later_than_itself() -> None:
    history = district(to=date(2020, 12, 31))
    other = history.with_columns(
        amount=pl.when(pl.col("day") > date(2020, 6, 30)).then(1).otherwise("amount").cast(pl.Int64)
    )
    shock = (deferral(announced=date(2020, 7, 1)),)
    asked = [
        problem(one, as_of=date(2020, 12, 31), draws=50, shocks=known)
        for one, known in ((history, ()), (other, ()), (history, shock))
    ]
    made = [forecasts_made(one, (2020,), (6,), ("bank",)).drop("actual_amount") for one in asked]
    assert made[0].equals(made[1])
    assert made[0].equals(made[2])


def test_a_declared_deferral_is_scored_with_what_was_known_then() -> None:
    history = district(units=8, to=date(2020, 12, 31))
    amounts = {(u, d): a for u, c, d, a in history.iter_rows() if c == "vat"}

    def moved(row: dict[str, object]) -> int:
        unit, day, amount = row["unit_key"], row["day"], row["amount"]
        if row["line_code"] != "vat" or day.year != 2020:
            return amount
        back = amounts[unit, day.replace(month=day.month - 5)] * 0.3 if day.month in (9, 10, 11) else 0
        return round(amount * (0.7 if day.month in (4, 5, 6) else 1) + back)

    shifted = history.with_columns(
        amount=pl.struct("unit_key", "line_code", "day", "amount").map_elements(moved, return_dtype=pl.Int64)
    )
    asked = problem(shifted, as_of=date(2020, 12, 31), shocks=(deferral(),))
    table = backtest(asked, (2020,), (6,), ("bank", "pace")).filter(line_code="vat", basis="territory")
    error = dict(zip(table["method"], table["wape_pct"], strict=True))
    assert error["bank"] < 0.4 * error["pace"]
