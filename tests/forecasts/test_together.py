"""Office and model through the seam: absent nothing changes; present, both parts show and all adds up."""

from dataclasses import fields, replace
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from authorities.model import ALL
from forecasts.backtest import backtest
from forecasts.news import forecast_news, steps_between
from forecasts.seam import BASE_SCENARIO, OFFICE_SCHEMA, ForecastProblem, YearEndForecast, forecast_year_end
from tests.forecasts.problems import deferral, district, estimate, problem
from tests.forecasts.statements import office, statement, year_statements

JUNE = date(2020, 6, 30)
JUNE_1 = date(2020, 5, 31)
KEYS = ["unit_key", "line_code", "basis"]
TRUTH = district(to=date(2020, 12, 31))
KNOWN = TRUTH.filter(pl.col("day") <= JUNE)
RIGHT = year_statements(TRUTH, range(2014, 2021), lambda *_: 1.0)


def base(answer: YearEndForecast) -> pl.DataFrame:
    return answer.year_end.filter(pl.col("scenario") == BASE_SCENARIO)


def means(answer: YearEndForecast) -> dict[tuple[str, str], int]:
    rows = base(answer).filter(pl.col("basis") == "territory").select("unit_key", "line_code", "mean_amount")
    return {(unit, line): mean for unit, line, mean in rows.iter_rows()}


@pytest.fixture(scope="module")
def alone() -> YearEndForecast:
    return forecast_year_end(problem(KNOWN))


@pytest.fixture(scope="module")
def combined() -> YearEndForecast:
    return forecast_year_end(problem(KNOWN, office=RIGHT))


@pytest.mark.parametrize(
    "silent",
    [
        pl.DataFrame(schema=OFFICE_SCHEMA),
        RIGHT.filter(pl.col("period_end") < JUNE),
        RIGHT.with_columns(recorded_at=pl.lit(date(2020, 7, 1))),
    ],
    ids=["none at all", "only of years gone by", "not yet received"],
)
def test_where_the_office_says_nothing_the_answer_is_the_same_bytes(
    alone: YearEndForecast, silent: pl.DataFrame
) -> None:
    answer = forecast_year_end(problem(KNOWN, office=silent))
    for field in fields(YearEndForecast):
        assert getattr(alone, field.name).equals(getattr(answer, field.name), null_equal=True), field.name


def test_an_office_that_was_always_right_nearly_decides(
    alone: YearEndForecast, combined: YearEndForecast
) -> None:
    told = combined.opinions.filter(pl.col("unit_key") == "u1@2004", pl.col("line_code") == "vat")
    said, model, weight, mean = told.select(
        "office_amount", "model_mean_amount", "weight_pct", "combined_mean_amount"
    ).row(0)

    assert weight > 90
    assert model == means(alone)["u1@2004", "vat"]
    assert mean == means(combined)["u1@2004", "vat"]
    assert mean == pytest.approx(weight / 100 * said + (1 - weight / 100) * model, abs=2)
    width = {
        answer: base(one).filter(pl.col("unit_key") == "u1@2004", pl.col("basis") == "territory")
        .select((pl.col("p90_amount") - pl.col("p10_amount")).sum()).item()
        for answer, one in (("alone", alone), ("combined", combined))
    }  # fmt: skip
    assert width["combined"] < 0.7 * width["alone"]


def test_a_useless_office_is_hardly_heard(alone: YearEndForecast) -> None:
    wild = year_statements(TRUTH, range(2014, 2021), lambda unit, line, year: 0.4 if year % 2 else 2.0)
    answer = forecast_year_end(problem(KNOWN, office=wild))

    weights = answer.opinions["weight_pct"].drop_nulls()
    assert weights.len() == 6
    assert (weights < 1).all()
    before = means(alone)
    for key, mean in means(answer).items():
        assert mean == pytest.approx(before[key], rel=0.01)


def test_with_few_past_statements_both_are_shown_and_the_model_stands(alone: YearEndForecast) -> None:
    young = RIGHT.filter(pl.col("period_start") >= date(2018, 1, 1))
    answer = forecast_year_end(problem(KNOWN, office=young))

    assert (
        answer.opinions.filter(pl.col("line_code") == "vat", pl.col("unit_key") != ALL)[
            "weight_pct"
        ].to_list()
        == [0.0] * 3
    )
    assert_frame_equal(answer.year_end, alone.year_end)
    assert_frame_equal(answer.components, alone.components)


def test_sums_hold_to_the_dong_and_components_add_up(combined: YearEndForecast) -> None:
    territory = means(combined)
    leaves = {key: mean for key, mean in territory.items() if ALL not in key}
    assert territory[ALL, ALL] == sum(leaves.values())
    assert territory[ALL, "vat"] == sum(mean for (_, line), mean in leaves.items() if line == "vat")

    sums = combined.components.group_by(KEYS).agg(pl.col("amount").sum())
    both = base(combined).join(sums, on=KEYS)
    assert both.height == base(combined).height
    assert (both["amount"] == both["mean_amount"]).all()
    assert set(combined.components["component"]) > {"collected", "office"}
    assert set(base(combined)["method"]) == {"combined"}


def test_a_district_figure_alone_moves_every_leaf_and_its_sum_is_the_weighted_mean(
    alone: YearEndForecast,
) -> None:
    """One figure a year for all of it, from 2012 on so that there are eight past ones in 2022."""
    truth = district(to=date(2022, 12, 31))
    said = year_statements(truth, range(2014, 2023), lambda *_: 1.03, by=())
    day = date(2022, 6, 30)
    known = truth.filter(pl.col("day") <= day)
    answer = forecast_year_end(problem(known, day, office=said))
    told = answer.opinions.row(0, named=True)

    assert answer.opinions.select(KEYS).rows() == [(ALL, ALL, "territory")]
    assert told["past_statements"] == 8
    assert 0 < told["weight_pct"] < 30, "it was off by three percent, the model by less than one"
    wanted = told["office_amount"] * told["weight_pct"] / 100
    wanted += told["model_mean_amount"] * (1 - told["weight_pct"] / 100)
    assert told["combined_mean_amount"] == pytest.approx(wanted, abs=10)
    before = means(forecast_year_end(problem(known, day)))
    after = means(answer)
    leaves = [key for key in after if ALL not in key]
    assert all(after[key] > before[key] for key in leaves)
    assert after[ALL, ALL] == sum(after[key] for key in leaves)


def test_without_shocks_differs_from_the_base_by_the_shocks_alone() -> None:
    """The office's difference is in both scenarios: what is between them stays the measures' effect."""
    asked = problem(KNOWN, shocks=(deferral(low=0.3, high=0.3),))
    both = [forecast_year_end(one) for one in (asked, replace(asked, office=RIGHT))]
    effect = []
    for answer in both:
        ends = answer.year_end.filter(
            pl.col("unit_key") == ALL, pl.col("line_code") == "vat", pl.col("basis") == "territory"
        )
        effect.append(dict(ends.select("scenario", "mean_amount").iter_rows()))

    alone, together = (one["base"] - one["without_shocks"] for one in effect)
    assert alone != 0
    assert together == pytest.approx(alone, rel=0.02)


def test_a_quarter_said_moves_the_year_too() -> None:
    def quarter(year: int) -> tuple[object, ...]:
        months = TRUTH.filter(
            pl.col("unit_key") == "u0@2004", pl.col("line_code") == "vat",
            pl.col("day").is_between(date(year, 7, 1), date(year, 9, 30)),
        )  # fmt: skip
        span = (date(year, 7, 1), date(year, 9, 30), date(year, 6, 21))
        return statement("u0@2004", "vat", float(months["amount"].sum()), *span)

    answer = forecast_year_end(problem(KNOWN, office=office(*(quarter(year) for year in range(2012, 2021)))))
    told = answer.opinions.filter(pl.col("line_code") == "vat").row(0, named=True)

    assert told["unit_key"] == "u0@2004"
    assert told["past_statements"] == 6
    assert told["weight_pct"] == 0, "six are fewer than eight"
    actual = TRUTH.filter(pl.col("day") >= date(2020, 1, 1), pl.col("unit_key") == "u0@2004")
    came = actual.filter(pl.col("line_code") == "vat")["amount"].sum()
    assert told["office_amount"] == pytest.approx(came, rel=0.06)


def test_arithmetic_methods_know_no_office() -> None:
    def pace(asked: ForecastProblem) -> YearEndForecast:
        return forecast_year_end(asked, "pace")

    assert_frame_equal(pace(problem(KNOWN, office=RIGHT)).year_end, pace(problem(KNOWN)).year_end)


def test_the_office_is_scored_beside_the_model_and_together_with_it_once_it_has_weight() -> None:
    """Five percent off by turns; from 2018 on there are enough statements for the two to go together."""
    truth = district(to=date(2019, 12, 31))
    said = year_statements(
        truth, range(2015, 2020), lambda unit, line, year: 1.05 if (year + len(line)) % 2 else 1 / 1.05
    )
    asked = problem(truth, date(2019, 12, 31), office=said)
    year = int(truth.filter(pl.col("day") >= date(2019, 1, 1))["amount"].sum())
    plans = {2019: estimate("u0@2004", ALL, year)}
    table = backtest(asked, (2014, 2017, 2019), (6,), estimates=plans).filter(basis="territory")
    methods = {year: set(part["method"]) for (year,), part in table.group_by("fiscal_year")}

    assert methods[2014] == {"bank", "pace", "naive", "growth"}
    assert methods[2017] == {"bank", "pace", "naive", "growth", "office"}
    assert methods[2019] == {"bank", "pace", "naive", "growth", "office", "combined"}
    vat = table.filter(fiscal_year=2019, line_code="vat").rows_by_key("method", named=True, unique=True)
    assert vat["office"]["wape_pct"] == pytest.approx(5, abs=0.3)
    assert vat["office"]["n"] == vat["bank"]["n"] == 3
    assert vat["combined"]["wape_pct"] < vat["office"]["wape_pct"]
    whole = table.filter(fiscal_year=2019, line_code=ALL).rows_by_key("method", named=True, unique=True)
    assert whole["office"]["n"] == 3, "what is said of every line adds up to a unit's total"
    assert whole["office"]["brier"] == pytest.approx(0, abs=0.01), "the estimate is thrice what came"


def test_the_bank_is_scored_alone_whatever_the_office_says() -> None:
    truth = district(to=date(2019, 12, 31))
    asked = problem(truth, date(2019, 12, 31))
    said = replace(asked, office=year_statements(truth, range(2014, 2020), lambda *_: 1.0))
    alone = backtest(asked, (2019,), (6,))
    beside = backtest(said, (2019,), (6,))

    assert_frame_equal(beside.filter(~pl.col("method").is_in(["office", "combined"])), alone)
    assert set(alone["method"]) == {"bank", "pace", "naive", "growth"}


def test_what_an_office_has_said_since_is_a_cause_of_its_own() -> None:
    """The same receipts on two nights, and a statement received between them."""
    before, after = date(2020, 6, 18), date(2020, 6, 30)
    earlier, tonight = (
        problem(KNOWN.filter(pl.col("day") < date(2020, 6, 1)), day, office=RIGHT, last_complete_day=JUNE_1)
        for day in (before, after)
    )
    steps, rest = steps_between(earlier, None, tonight, same_configuration=True, as_published=True)
    ends = [base(forecast_year_end(one)).select(*KEYS, amount="mean_amount") for one in (earlier, tonight)]
    news = forecast_news(ends[0], ends[1], steps, rest)
    whole = dict(news.filter(unit_key=ALL, line_code=ALL, basis="territory").select("cause", "amount").rows())

    assert [cause for cause, _ in steps] == ["office_estimate"]
    assert abs(whole["office_estimate"]) > 10 * abs(whole.get("passing_days", 0))
    quiet = problem(KNOWN, date(2020, 6, 29), office=RIGHT)
    assert steps_between(quiet, None, tonight, same_configuration=True, as_published=True)[0] == []
