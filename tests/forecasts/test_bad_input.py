"""Poor data and wrong data, each with its outcome: a rung and its reason, or a refusal that says why."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from authorities.model import ALL, BASES
from forecasts.seam import HISTORY_SCHEMA, ForecastProblem, YearEndForecast, forecast_year_end
from tests.forecasts.problems import SEASON, district, problem, rows, seasonal

JUNE = date(2020, 6, 30)
KEY = {"unit_key": "u0@2004", "line_code": "vat"}


def steady(to: date = JUNE) -> pl.DataFrame:
    """One ward's receipts by month from 2015."""
    return seasonal(*KEY.values(), date(2015, 1, 1), to)


def answer(history: pl.DataFrame, **other: object) -> YearEndForecast:
    return forecast_year_end(problem(history, draws=400, **other))


def year_end(forecast: YearEndForecast, **keys: str) -> dict[str, int]:
    where = KEY | keys
    return forecast.year_end.filter(basis="territory", scenario="base", **where).row(0, named=True)


def standing(forecast: YearEndForecast, **keys: str) -> tuple[str, str]:
    row = forecast.status.filter(**(KEY | keys)).row(0, named=True)
    return row["rung"], row["reason"]


def amounts(change: pl.Expr) -> pl.DataFrame:
    return steady().with_columns(amount=change.cast(pl.Int64))


AMOUNT, MONTH, YEAR = pl.col("amount"), pl.col("day").dt.month(), pl.col("day").dt.year()


def test_a_constant_series_goes_on() -> None:
    forecast = answer(amounts(pl.lit(1_000_000)))
    assert standing(forecast)[0] == "full"
    found = year_end(forecast)
    assert found["p05_amount"] == pytest.approx(12_000_000, rel=0.01)
    assert found["p95_amount"] == pytest.approx(12_000_000, rel=0.01)


def test_one_observation_is_carried_on_with_a_wide_range() -> None:
    forecast = answer(steady().tail(1))
    assert standing(forecast)[0] == "pace"
    found = year_end(forecast)
    seen = steady()["amount"][-1]
    assert found["collected_amount"] == seen
    assert (
        seen <= found["p05_amount"] < found["p50_amount"] < 3 * found["p50_amount"] < found["p95_amount"] * 3
    )
    assert found["p95_amount"] - found["p05_amount"] > 3 * seen


def test_zeros_forecast_nothing_and_say_so() -> None:
    forecast = answer(amounts(pl.lit(0)))
    assert standing(forecast) == ("none", "no receipts in any complete month")
    assert year_end(forecast)["p95_amount"] == 0


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (float("nan"), "history: column 'amount' is not a finite number in row 3"),
        (float("inf"), "history: column 'amount' is not a finite number in row 3"),
        (float("-inf"), "history: column 'amount' is not a finite number in row 3"),
        (0.5, "history: column 'amount' is not in whole minor units in row 3"),
        (None, "history: column 'amount' is empty in row 3"),
    ],
)
@pytest.mark.parametrize("method", ["bank", "pace"])
def test_an_amount_that_is_no_amount_is_refused_by_its_row(
    broken: float | None, words: str, method: str
) -> None:
    history = steady().with_columns(amount=AMOUNT.cast(pl.Float64)).with_row_index("place")
    history = history.with_columns(amount=pl.when(pl.col("place") == 2).then(broken).otherwise("amount"))
    with pytest.raises(ValueError, match=words) as refusal:
        forecast_year_end(problem(history.drop("place")), method)  # type: ignore[arg-type]
    assert all(word in str(refusal.value) for word in ("u0@2004", "vat", "2015-03-20", "correct the rows"))


def test_many_bad_rows_are_counted_and_the_first_are_shown() -> None:
    history = steady().with_columns(amount=pl.lit(None, dtype=pl.Int64))
    with pytest.raises(ValueError, match=r"row 1 .*; row 2 .*; row 3 .* and 63 more"):
        answer(history)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda p: replace(p, history=p.history.with_columns(day=pl.lit("June"))), "history: cannot be read"),
        (lambda p: replace(p, shares=p.shares.with_columns(share=float("nan"))), "shares: column 'share'"),
        (lambda p: replace(p, history=p.history.with_columns(unit_key=None)), "column 'unit_key' is empty"),
    ],
)
def test_other_columns_are_refused_too(
    broken: Callable[[ForecastProblem], ForecastProblem], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        forecast_year_end(broken(problem(steady())))


def test_amounts_given_as_whole_floats_are_the_same_amounts() -> None:
    floats = steady().with_columns(amount=AMOUNT.cast(pl.Float64))
    assert answer(floats).year_end.equals(answer(steady()).year_end)


def test_rows_of_the_same_unit_line_and_day_add_up() -> None:
    halves = pl.concat([amounts(AMOUNT // 2), amounts(AMOUNT - AMOUNT // 2)])
    assert answer(halves).year_end.equals(answer(steady()).year_end)
    twice = year_end(answer(pl.concat([steady(), steady()])))
    assert twice["collected_amount"] == 2 * year_end(answer(steady()))["collected_amount"]


def test_a_gap_of_months_is_bridged() -> None:
    gap = steady().filter(~((YEAR == 2018) & MONTH.is_between(3, 5)))
    forecast = answer(gap)
    assert standing(forecast) == ("full", "")
    assert year_end(forecast)["p50_amount"] == pytest.approx(
        year_end(answer(steady()))["p50_amount"], rel=0.05
    )


def test_who_paused_and_began_again_lately_is_taken_for_lumpy() -> None:
    paused = steady().filter((YEAR < 2019) | (pl.col("day") >= date(2020, 4, 1)))
    forecast = answer(paused)
    assert standing(forecast) == ("pace", "began again less than 12 months ago")
    found = year_end(forecast)
    assert 0 < found["p05_amount"] < found["p50_amount"] < found["p95_amount"]


def test_refunds_larger_than_receipts_may_bring_the_year_below_nothing() -> None:
    often = answer(amounts(pl.when(MONTH.is_in([4, 8, 10, 12])).then(-5 * AMOUNT).otherwise(AMOUNT)))
    assert standing(often) == ("pace", "zero, negative or intermittent receipts")
    found = year_end(often)
    assert found["p50_amount"] < 0
    assert found["p05_amount"] > -12 * 6 * steady()["amount"].max()


def test_one_payment_a_year_is_expected_in_its_month() -> None:
    yearly = steady().filter(MONTH == 10)
    forecast = answer(yearly)
    assert standing(forecast) == ("pace", "zero, negative or intermittent receipts")
    paid = yearly["amount"].mean()
    assert year_end(forecast)["p50_amount"] == pytest.approx(paid, rel=0.2)
    path = forecast.path.filter(basis="territory", scenario="base", **KEY).sort("month")["p50_amount"]
    assert path[8] == 0
    assert path[9] == path[11] > 0


def test_a_closed_series_expects_nothing() -> None:
    closed = steady().filter(YEAR < 2017)
    forecast = answer(closed)
    assert standing(forecast) == ("none", "no receipts in the last three years")
    assert year_end(forecast)["p95_amount"] == 0


def test_a_series_of_a_few_months_in_an_irregular_line_keeps_to_itself() -> None:
    others = [
        seasonal(f"u{u}@2004", "vat", date(2015, 1, 1), JUNE, seed=u).filter(MONTH.is_in([1, 5, 7]))
        for u in range(1, 9)
    ]
    young = steady().filter(pl.col("day") >= date(2020, 3, 1))
    rung, reason = standing(answer(pl.concat([*others, young])))
    assert rung == "pace"
    assert reason


def test_one_ward_and_none() -> None:
    alone = answer(steady())
    assert year_end(alone)["mean_amount"] == year_end(alone, unit_key=ALL, line_code=ALL)["mean_amount"]
    nobody = answer(pl.DataFrame(schema=HISTORY_SCHEMA))
    assert nobody.status.is_empty()
    totals = nobody.year_end.filter(unit_key=ALL, line_code=ALL, scenario="base")
    assert totals["basis"].sort().to_list() == sorted(BASES)
    assert (totals["p95_amount"] == 0).all()


def thousandfold(first: date) -> pl.DataFrame:
    """A district whose files gave đồng until a month, and thousands of đồng from then on."""
    changed = pl.when(pl.col("day") >= first).then(AMOUNT // 1000).otherwise(AMOUNT)
    return district().with_columns(amount=changed)


def test_a_change_of_unit_years_ago_is_named_and_what_lies_before_it_left_out() -> None:
    forecast = answer(thousandfold(date(2017, 5, 1)))
    reasons = forecast.status["reason"].unique().to_list()
    assert len(reasons) == 1
    assert "months before 2017-05 are left out" in reasons[0]
    assert "a thousandth of" in reasons[0]
    usual = year_end(answer(district()))["p50_amount"]
    assert year_end(forecast)["p50_amount"] == pytest.approx(usual / 1000, rel=0.1)


@pytest.mark.parametrize("method", ["bank", "structural", "pace"])
def test_a_change_of_unit_within_the_year_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match=r"history: from 2020-03 on most amounts are a thousandth of"):
        forecast_year_end(problem(thousandfold(date(2020, 3, 1))), method)  # type: ignore[arg-type]


def test_growth_of_one_series_a_thousandfold_is_no_change_of_unit() -> None:
    history = district()
    grown = (pl.col("unit_key") == "u1@2004") & (pl.col("line_code") == "fees") & (YEAR >= 2018)
    forecast = answer(history.with_columns(amount=pl.when(grown).then(AMOUNT * 1000).otherwise(AMOUNT)))
    assert forecast.status["reason"].to_list() == [""] * forecast.status.height


@pytest.mark.parametrize("months", range(1, 13))
def test_lumpy_series_are_finite_at_every_month_of_the_year(months: int) -> None:
    rng = np.random.default_rng(months)
    days = [date(2012 + m // 12, m % 12 + 1, 20) for m in range(96 + months)]
    paid = rng.random(len(days)) < 0.3
    lumps = dict(
        zip(days, 1e9 * paid * SEASON[np.arange(len(days)) % 12] * rng.normal(1, 2, len(days)), strict=True)
    )
    forecast = answer(rows(*KEY.values(), lumps), as_of=date(2020, months, 28), last_complete_day=days[-1])
    found = year_end(forecast)
    order = [found[f"p{level}_amount"] for level in ("05", "10", "25", "50", "75", "90", "95")]
    assert order == sorted(order)
    assert abs(found["p95_amount"]) < 1e12
