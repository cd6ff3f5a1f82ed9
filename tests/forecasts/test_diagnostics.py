"""Diagnostics of one series: what is studied on each rung, and coverage that can be worked out by hand."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from forecasts.diagnostics import Diagnosis, UnknownSeriesError, coverage, diagnose, of_line, pit
from forecasts.factors import FACTOR_GRID, RESIDUAL_GRID, UNITS_FOR_FACTOR
from tests.forecasts.problems import changed, deferral, district, problem, seasonal

NAMES = ("p025", "p05", "p10", "p25", "p50", "p75", "p90", "p95", "p975")
LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)


def came(*values: float) -> pl.DataFrame:
    """Forecasts whose quantiles are their levels times 100, and what came."""
    quantiles = {
        f"{name}_amount": [100 * level] * len(values) for name, level in zip(NAMES, LEVELS, strict=True)
    }
    return pl.DataFrame({**quantiles, "actual_amount": list(values)})


def test_coverage_counts_what_lay_inside() -> None:
    """Of 5, 10, 50 and 96 percent: one in the half, two in 80%, three in 90%, four in 95%."""
    found = coverage(came(5, 10, 50, 96))
    assert found["nominal_pct"].to_list() == [50, 80, 90, 95]
    assert found["actual_pct"].to_list() == [25, 50, 75, 100]
    assert (found["low_pct"] < found["actual_pct"]).all()
    assert (found["high_pct"] >= found["actual_pct"]).all()
    assert found["n"].to_list() == [4] * 4


def test_a_pit_is_where_in_its_distribution_each_year_lay() -> None:
    found = pit(came(1, 5, 55, 99))
    assert found["part"].to_list() == [0.5, 0, 0, 0, 0, 0.25, 0, 0, 0, 0.25]
    even = pit(came(*np.linspace(0.5, 99.5, 200)))
    assert even["part"].to_numpy() == pytest.approx(np.full(10, 0.1), abs=0.011)


def test_nothing_to_score_gives_empty_frames() -> None:
    nothing = came().cast(pl.Float64)
    assert coverage(nothing).is_empty()
    assert pit(nothing).is_empty()


def recent(units: int = 3) -> pl.DataFrame:
    """A district since 2016: two years are over with two before them."""
    return district(units, lines=("vat",)).filter(pl.col("day") >= date(2016, 1, 1))


@pytest.fixture(scope="module")
def beside_factor() -> Diagnosis:
    return diagnose(problem(recent(UNITS_FOR_FACTOR), shocks=(deferral(),), draws=100), "u1@2004", "vat")


def test_a_unit_beside_a_factor_is_studied_with_its_line(beside_factor: Diagnosis) -> None:
    line, own = beside_factor.studies
    assert (line.title, own.title) == ("The line's common factor", "The unit over its line's factor")
    assert (line.weights.height, own.weights.height) == (len(FACTOR_GRID), len(RESIDUAL_GRID))
    for one in (line, own):
        assert one.agreement["difference"].max() < 1e-9  # type: ignore[operator]
        assert one.series["month"].max() == date(2020, 6, 1)
    assert beside_factor.rung.name == "full"


def test_receipts_show_what_is_usual_where_a_shock_was_undone(beside_factor: Diagnosis) -> None:
    shocked = beside_factor.receipts.filter(pl.col("received") != pl.col("usual"))
    assert shocked["month"].to_list() == [date(2020, month, 1) for month in (4, 5, 6)]
    assert (shocked["usual"] > shocked["received"]).all()


def test_past_years_are_forecast_again_at_three_origins_each(beside_factor: Diagnosis) -> None:
    past = beside_factor.past
    assert past.select("fiscal_year", "months_elapsed").rows() == [
        (year, elapsed) for year in (2018, 2019) for elapsed in (3, 6, 9)
    ]
    assert (past["p025_amount"] <= past["p975_amount"]).all()
    assert past["actual_amount"].to_numpy() == pytest.approx(past["p50_amount"].to_numpy(), rel=0.1)
    assert beside_factor.coverage["n"].to_list() == [6 * UNITS_FOR_FACTOR] * 4


def test_a_unit_alone_is_studied_alone() -> None:
    found = diagnose(problem(recent(2), draws=50), "u0@2004", "vat")
    assert [one.title for one in found.studies] == ["The series"]


def test_a_young_unit_is_studied_by_its_line() -> None:
    young = seasonal("new@2020", "vat", date(2020, 1, 1), date(2020, 6, 30))
    found = diagnose(problem(pl.concat([recent(), young]), draws=50), "new@2020", "vat")
    assert found.rung.name == "line_factor"
    assert [one.title for one in found.studies] == ["The line, which this unit follows"]


def test_a_lumpy_series_is_not_modelled_and_still_scored() -> None:
    lumpy = changed(
        seasonal("u0@2004", "levy", date(2012, 1, 1), date(2020, 6, 30)),
        lambda _u, _c, day, amount: amount if day.month == 11 else 0,
    )
    found = diagnose(problem(lumpy, draws=50), "u0@2004", "levy")
    assert found.rung.name == "pace"
    assert found.studies == ()
    assert found.past.height == 12


def test_too_short_a_past_cannot_be_scored() -> None:
    short = seasonal("u0@2004", "vat", date(2019, 1, 1), date(2020, 6, 30))
    found = diagnose(problem(short, draws=50), "u0@2004", "vat")
    assert found.past.is_empty()
    assert found.coverage.is_empty()


@pytest.mark.parametrize(("unit", "line"), [("u9@2004", "vat"), ("u0@2004", "beer")])
def test_a_series_that_is_not_there_is_refused(unit: str, line: str) -> None:
    with pytest.raises(UnknownSeriesError, match=line):
        diagnose(problem(district()), unit, line)


def test_one_line_is_cut_out_of_a_problem() -> None:
    only = of_line(problem(district()), "vat")
    assert set(only.history["line_code"]) == set(only.shares["line_code"]) == {"vat"}
