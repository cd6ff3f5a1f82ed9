"""The seam: one shape for every method, coherent sums, seeds, estimates, and what poor data give."""

import itertools
import subprocess
import sys
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from authorities.model import ALL, BASES
from forecasts.seam import (
    COMPONENT_SCHEMA,
    PATH_SCHEMA,
    STATUS_SCHEMA,
    YEAR_END_SCHEMA,
    ForecastProblem,
    YearEndForecast,
    forecast_year_end,
)
from tests.forecasts.problems import district, estimate, problem, rows, seasonal

METHODS = ("bank", "structural", "pace", "naive")
JUNE = date(2020, 6, 30)


def pick(
    frame: pl.DataFrame, unit: str, line: str, basis: str = "territory", scenario: str = "base"
) -> pl.DataFrame:
    return frame.filter(unit_key=unit, line_code=line, basis=basis, scenario=scenario)


def one(forecast: YearEndForecast, unit: str, line: str, **where: str) -> dict[str, object]:
    return pick(forecast.year_end, unit, line, **where).row(0, named=True)


def assert_sound(forecast: YearEndForecast) -> None:
    """No nulls but those that say 'no estimate' or 'not yet', ordered quantiles, probabilities in 0..1."""
    frame = forecast.year_end
    assert frame.schema == YEAR_END_SCHEMA
    assert forecast.path.schema == PATH_SCHEMA
    assert forecast.status.schema == STATUS_SCHEMA
    sure = [name for name in frame.columns if name.startswith(("mean", "p", "collected"))]
    assert not frame.select(sure).null_count().sum_horizontal().item()
    quantiles = [f"p{level}_amount" for level in ("05", "10", "25", "50", "75", "90", "95")]
    for low, high in itertools.pairwise(quantiles):
        assert (frame[low] <= frame[high]).all()
    for name in ("shortfall_probability", "half_year_below_probability"):
        assert frame[name].drop_nulls().is_between(0, 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_answers_in_one_shape(method: str) -> None:
    forecast = forecast_year_end(problem(district()), method)
    assert_sound(forecast)
    keys = forecast.year_end.select("unit_key", "line_code", "basis", "scenario")
    assert keys.is_duplicated().sum() == 0
    assert keys.height == (3 + 1) * (2 + 1) * len(BASES) * 2
    assert forecast.path.height == keys.height * 12
    assert set(forecast.year_end["method"]) == {method}


@pytest.mark.parametrize("method", METHODS)
def test_means_and_collections_add_up_to_the_minor_unit(method: str) -> None:
    frame = forecast_year_end(problem(district()), method).year_end.filter(scenario="base")
    for basis in BASES:
        part = frame.filter(basis=basis)
        leaves = part.filter(pl.col("unit_key") != ALL, pl.col("line_code") != ALL)
        total = part.filter(unit_key=ALL, line_code=ALL).row(0, named=True)
        for column in ("mean_amount", "collected_amount"):
            assert leaves[column].sum() == total[column]
            assert part.filter(pl.col("unit_key") != ALL, line_code=ALL)[column].sum() == total[column]


def test_draws_of_wards_add_up_to_the_districts_draws() -> None:
    single = forecast_year_end(problem(district(), draws=1))
    leaves = single.year_end.filter(pl.col("unit_key") != ALL, pl.col("line_code") != ALL, scenario="base")
    for basis in BASES:
        total = one(single, ALL, ALL, basis=basis)
        assert leaves.filter(basis=basis)["p50_amount"].sum() == total["p50_amount"]


def test_components_add_up_to_the_mean() -> None:
    forecast = forecast_year_end(problem(district()))
    assert forecast.components.schema == COMPONENT_SCHEMA
    sums = forecast.components.group_by("unit_key", "line_code", "basis").agg(pl.col("amount").sum())
    joined = forecast.year_end.filter(scenario="base").join(sums, on=["unit_key", "line_code", "basis"])
    assert joined.height == sums.height
    assert (joined["amount"] == joined["mean_amount"]).all()


def test_same_seed_same_answer_and_another_seed_another() -> None:
    asked = problem(district())
    first, again, other = (forecast_year_end(replace(asked, seed=seed)) for seed in (1, 1, 2))
    assert first.year_end.equals(again.year_end)
    assert first.path.equals(again.path)
    assert not first.year_end.equals(other.year_end)


def test_another_line_changes_no_draw_of_the_first() -> None:
    alone = forecast_year_end(problem(district(lines=("vat",))), "naive")
    beside = forecast_year_end(problem(district(lines=("fees", "vat"))), "naive")
    assert pick(alone.year_end, "u1@2004", "vat").equals(pick(beside.year_end, "u1@2004", "vat"))


def test_a_steady_series_is_forecast_near_its_truth_with_a_range_that_holds_it() -> None:
    truth = district(to=date(2020, 12, 31))
    whole = truth.filter(pl.col("day").dt.year() == 2020)["amount"].sum()
    total = one(forecast_year_end(problem(truth)), ALL, ALL)
    assert abs(total["mean_amount"] / whole - 1) < 0.03
    assert total["p05_amount"] < whole < total["p95_amount"]


def test_shared_movements_widen_the_districts_range() -> None:
    def history(shared: float) -> pl.DataFrame:
        parts = [seasonal(f"u{u}@2004", "vat", date(2012, 1, 1), JUNE, noise=0.02) for u in range(8)]
        common = seasonal("c", "vat", date(2012, 1, 1), JUNE, level=1.0e6, noise=shared)["amount"] / 1e6
        flat = seasonal("c", "vat", date(2012, 1, 1), JUNE, level=1.0e6, noise=0.0)["amount"] / 1e6
        ratio = common / flat
        return pl.concat([part.with_columns((pl.col("amount") * ratio).cast(pl.Int64)) for part in parts])

    def width(shared: float) -> float:
        row = one(forecast_year_end(problem(history(shared))), ALL, "vat")
        return (row["p90_amount"] - row["p10_amount"]) / row["mean_amount"]

    assert width(0.1) > 2.5 * width(0.0)


def test_estimates_give_probabilities_and_their_absence_gives_nulls() -> None:
    history = district()
    year = history.filter(pl.col("day").dt.year() == 2019, unit_key="u0@2004", line_code="vat")[
        "amount"
    ].sum()
    given = pl.concat([estimate("u0@2004", "vat", year * 2), estimate(ALL, ALL, 1)])
    forecast = forecast_year_end(problem(history, estimates=given))
    short, sure, none = (one(forecast, *key) for key in (("u0@2004", "vat"), (ALL, ALL), ("u1@2004", "vat")))
    assert short["shortfall_probability"] == 1.0
    assert short["half_year_below_probability"] == 1.0
    assert short["expected_shortfall_amount"] == pytest.approx(2 * year - short["mean_amount"], abs=2)
    assert (sure["shortfall_probability"], sure["half_year_below_probability"]) == (0.0, 0.0)
    assert (none["estimate_amount"], none["estimate_version"], none["shortfall_probability"]) == (
        None,
        None,
        None,
    )


def test_exactly_half_is_not_above_half() -> None:
    history = district(units=1, lines=("vat",))
    half = history.filter(pl.col("day").dt.year() == 2020)["amount"].sum()
    row = one(forecast_year_end(problem(history, estimates=estimate(ALL, ALL, 2 * half))), ALL, ALL)
    assert row["half_year_below_probability"] == 1.0
    row = one(forecast_year_end(problem(history, estimates=estimate(ALL, ALL, 2 * half - 1))), ALL, ALL)
    assert row["half_year_below_probability"] == 0.0


def test_other_versions_of_the_estimate_are_left_alone() -> None:
    given = pl.concat([estimate(ALL, ALL, 5), estimate(ALL, ALL, 9, version="supplemented")])
    asked = problem(district(), estimates=given)
    assert one(forecast_year_end(asked, "pace"), ALL, ALL)["estimate_amount"] == 5
    later = one(forecast_year_end(replace(asked, estimate_version="supplemented"), "pace"), ALL, ALL)
    assert (later["estimate_amount"], later["estimate_version"]) == (9, "supplemented")


def test_exact_collections_replace_derived_ones() -> None:
    history = district(units=1, lines=("vat",))
    months = history.filter(pl.col("day").dt.year() == 2020).select(
        "unit_key",
        "line_code",
        basis=pl.lit("entitled"),
        month=pl.col("day").dt.month_start(),
        amount=pl.lit(11),
    )
    forecast = forecast_year_end(problem(history, collected=months))
    assert one(forecast, ALL, ALL, basis="entitled")["collected_amount"] == 66
    assert one(forecast, ALL, ALL, basis="recurrent")["collected_amount"] == 0


def test_money_placed_nowhere_is_carried_and_not_forecast() -> None:
    lost = rows("UNALLOCATED", "UNALLOCATED", {date(2020, 3, 2): 123, date(2019, 12, 2): 999})
    forecast = forecast_year_end(problem(pl.concat([district(), lost])))
    row = one(forecast, "UNALLOCATED", "UNALLOCATED")
    assert row["collected_amount"] == row["mean_amount"] == row["p05_amount"] == row["p95_amount"] == 123
    assert row["fit_status"] == "none"


def test_path_ends_at_the_year_end_and_starts_with_what_was_collected() -> None:
    forecast = forecast_year_end(problem(district()))
    path, total = pick(forecast.path, ALL, ALL), one(forecast, ALL, ALL)
    assert (
        path["actual_amount"][5]
        == total["collected_amount"]
        == path["p10_amount"][5]
        == path["p90_amount"][5]
    )
    assert path["actual_amount"][6:].null_count() == 6
    assert path.row(11)[-3:] == (total["p10_amount"], total["p50_amount"], total["p90_amount"])
    assert path["p50_amount"].is_sorted()


def test_a_year_that_is_over_has_no_range() -> None:
    history = district(to=date(2020, 12, 31))
    forecast = forecast_year_end(problem(history, as_of=date(2020, 12, 31)))
    row = one(forecast, ALL, ALL)
    assert row["p05_amount"] == row["p95_amount"] == row["collected_amount"] == row["pace_forecast_amount"]


def test_a_fiscal_year_may_start_in_july() -> None:
    forecast = forecast_year_end(problem(district(), fiscal_year_start_month=7))
    path = pick(forecast.path, ALL, ALL)
    assert (path["month"][0], path["month"][11]) == (date(2019, 7, 1), date(2020, 6, 1))
    row = one(forecast, ALL, ALL)
    assert row["p05_amount"] == row["p95_amount"]


def test_the_last_complete_day_may_lag_behind_a_new_year() -> None:
    history = district(to=date(2019, 11, 30))
    forecast = forecast_year_end(
        problem(history, as_of=date(2020, 1, 3), last_complete_day=date(2019, 11, 30))
    )
    assert_sound(forecast)
    row = one(forecast, ALL, ALL)
    last_year = history.filter(pl.col("day").dt.year() == 2018)["amount"].sum()
    assert row["collected_amount"] == 0
    assert row["mean_amount"] == pytest.approx(last_year, rel=0.05)


def test_inside_a_month_what_has_come_counts_and_the_rest_is_expected() -> None:
    whole = district(to=date(2020, 7, 31))
    before = one(forecast_year_end(problem(whole.filter(pl.col("day") <= JUNE))), ALL, ALL)
    after = one(forecast_year_end(problem(whole, as_of=date(2020, 7, 31))), ALL, ALL)
    inside = one(forecast_year_end(problem(whole, as_of=date(2020, 7, 25))), ALL, ALL)
    early = one(forecast_year_end(problem(whole, as_of=date(2020, 7, 10))), ALL, ALL)
    assert inside["collected_amount"] == after["collected_amount"]
    assert early["mean_amount"] == pytest.approx(before["mean_amount"], rel=0.005)
    assert inside["mean_amount"] == pytest.approx(after["mean_amount"], rel=0.02)
    assert inside["p90_amount"] - inside["p10_amount"] <= early["p90_amount"] - early["p10_amount"]


def test_receipts_after_the_last_complete_day_are_not_counted_twice() -> None:
    history = pl.concat([district(), rows("u0@2004", "vat", {date(2020, 7, 2): 5_000_000})])
    plain = one(forecast_year_end(problem(district())), "u0@2004", "vat")
    later = one(
        forecast_year_end(problem(history, as_of=date(2020, 7, 2), last_complete_day=JUNE)), "u0@2004", "vat"
    )
    assert later["collected_amount"] == plain["collected_amount"] + 5_000_000
    assert later["mean_amount"] == pytest.approx(plain["mean_amount"], rel=1e-6)


def degenerate() -> dict[str, pl.DataFrame]:
    start, every = date(2015, 1, 1), pl.col("day")
    steady = seasonal("u0@2004", "vat", start, JUNE)
    constant = steady.with_columns(amount=pl.lit(100, dtype=pl.Int64))
    return {
        "nothing": steady.clear(),
        "one observation": steady.tail(1),
        "first month of the year only": steady.filter(every.dt.year() == 2020).head(1),
        "all zeros": steady.with_columns(amount=pl.lit(0, dtype=pl.Int64)),
        "constant": constant,
        "ones": steady.with_columns(amount=pl.lit(1, dtype=pl.Int64)),
        "one month a year": steady.filter(every.dt.month() == 10),
        "refunds larger than receipts": steady.with_columns(
            amount=pl.when(every.dt.month() == 3).then(-20 * pl.col("amount")).otherwise("amount")
        ),
        "all negative": steady.with_columns(amount=-pl.col("amount")),
        "a gap of a year": steady.filter(every.dt.year() != 2018),
        "a currency change by a thousand": steady.with_columns(
            amount=pl.when(every.dt.year() < 2018).then(pl.col("amount") * 1000).otherwise("amount")
        ),
        "duplicated months": pl.concat([steady, steady]),
        "closed years ago": steady.filter(every.dt.year() < 2017),
        "young": steady.filter(every >= date(2019, 3, 1)),
        "huge": steady.with_columns(amount=pl.col("amount") * 1_000_000),
    }


@pytest.mark.parametrize("case", degenerate())
@pytest.mark.parametrize("method", METHODS)
def test_poor_data_step_down_and_never_fail(case: str, method: str) -> None:
    asked = problem(degenerate()[case], draws=50, estimates=estimate("u0@2004", "vat", 10**9))
    forecast = forecast_year_end(asked, method)
    assert_sound(forecast)
    assert forecast.year_end.filter(unit_key=ALL, line_code=ALL).height == 2 * len(BASES)
    assert forecast.status["reason"].is_not_null().all()


def test_no_wards_and_no_lines_is_an_empty_district() -> None:
    forecast = forecast_year_end(problem(pl.DataFrame(schema=district().schema)))
    assert one(forecast, ALL, ALL)["mean_amount"] == 0


def test_a_young_ward_follows_its_line() -> None:
    young = seasonal("u9@2019", "vat", date(2019, 7, 1), date(2020, 12, 31), level=2e8)
    history = pl.concat([district(), young])
    forecast = forecast_year_end(problem(history))
    rung = forecast.status.filter(unit_key="u9@2019", line_code="vat").row(0, named=True)
    assert (rung["rung"], rung["months_of_history"]) == ("line_factor", 12)
    whole = young.filter(pl.col("day").dt.year() == 2020)["amount"].sum()
    assert one(forecast, "u9@2019", "vat")["mean_amount"] == pytest.approx(whole, rel=0.05)


def test_a_convergence_is_recorded() -> None:
    status = forecast_year_end(problem(district())).status
    assert set(status["rung"]) == {"full"}
    assert status["converged"].is_not_null().all()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda p: replace(p, history=p.history.drop("day")), "history: column 'day' is missing"),
        (lambda p: replace(p, estimates=p.estimates.drop("basis")), "estimates: column 'basis' is missing"),
        (lambda p: replace(p, shares=p.shares.with_columns(share=30.0)), "must lie in 0..1"),
        (lambda p: replace(p, draws=0), "draws must be at least 1"),
    ],
)
def test_a_wrong_question_is_refused_with_its_reason(broken: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        forecast_year_end(broken(problem(district())))  # type: ignore[operator]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="there are bank"):
        forecast_year_end(problem(district()), "crystal ball")  # type: ignore[arg-type]


def test_importing_the_seam_does_not_import_statsmodels() -> None:
    check = "import sys, forecasts.seam, forecasts.yearend; sys.exit('statsmodels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_a_problem_is_a_value() -> None:
    asked: ForecastProblem = problem(district())
    with pytest.raises(AttributeError):
        asked.seed = 3  # type: ignore[misc]
