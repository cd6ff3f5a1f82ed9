"""What totals need: correlations of past errors found again, noise that carries them, and ranges by level."""

import numpy as np
import pytest
from scipy import stats

from forecasts.calibration import calibrate
from forecasts.futures import AcrossLines, own_noise
from forecasts.noise import CENTRAL_80, FREEDOM, Noise, freedom_of, tail_ratio
from forecasts.panel import build_panel
from forecasts.seam import forecast_year_end
from forecasts.sharing import PastErrors, Sharing, sharing_of
from tests.forecasts.problems import district, problem
from tests.forecasts.test_calibration import line

UNITS = tuple(f"u{i}" for i in range(30))


def past(
    lines: int, years: int, between: float = 0.0, within: float = 0.0, seed: int = 1
) -> list[PastErrors]:
    """Errors of made-up lines that share `between` of each year and `within` of each unit's year."""
    rng = np.random.default_rng(seed)
    year, unit = rng.standard_normal(years), rng.standard_normal((years, len(UNITS)))
    return [
        PastErrors(
            np.sqrt(between) * year + np.sqrt(1 - between) * rng.standard_normal(years),
            np.sqrt(within) * unit + np.sqrt(1 - within) * rng.standard_normal((years, len(UNITS))),
            np.full((years, len(UNITS)), float(place + 1)),
        )
        for place in range(lines)
    ]


def shared(errors: list[PastErrors], monthly: float = 0.0) -> Sharing:
    return sharing_of(errors, [UNITS] * len(errors), monthly)


@pytest.mark.parametrize("planted", [0.0, 0.3, 0.6])
def test_what_lines_and_units_share_is_found_again(planted: float) -> None:
    found = shared(past(20, 60, between=planted, within=planted))
    assert found.lines == pytest.approx(planted, abs=0.15)
    assert found.unit == pytest.approx(planted, abs=0.08)


def test_few_years_count_for_little_and_none_for_nothing() -> None:
    assert shared([]) == Sharing()
    assert shared([PastErrors.nothing(len(UNITS))] * 3, monthly=0.4) == Sharing(lines=0.4)
    one, four = (shared(past(10, years, between=1.0, within=1.0)) for years in (1, 4))
    assert 0 < one.lines < four.lines <= 0.8
    assert 0 < one.unit < four.unit <= 0.8


def test_units_are_matched_by_name_and_gaps_do_no_harm() -> None:
    errors = past(6, 12, within=0.7)
    rows = np.arange(len(UNITS))[::-1]
    errors[0] = errors[0].take(rows)
    names = [UNITS[::-1], *([UNITS] * 5)]
    errors[1].own[:, :5] = np.nan
    assert sharing_of(errors, names).unit > 0.4
    assert sharing_of(errors, [UNITS] * 6).unit < sharing_of(errors, names).unit


def test_errors_of_some_units_find_their_place_among_all() -> None:
    two = PastErrors(np.ones(3), np.full((3, 2), 2.0), np.full((3, 2), 5.0)).spread_over(np.array([1, 3]), 4)
    assert np.isnan(two.own[:, [0, 2]]).all()
    assert (two.own[:, [1, 3]] == 2).all()
    assert (two.at_stake[:, [1, 3]] == 5).all()


def test_own_noise_of_a_units_lines_correlates_by_the_part_they_share() -> None:
    noise, part = Noise(3, 2, 40_000), 0.3
    panel = build_panel(problem(district(units=2)))
    lines = [panel.take(panel.rows_of_line(code)) for code in ("fees", "vat")]
    across = AcrossLines(noise, part)
    drawn = [own_noise(one, noise, np.ones(2, dtype=bool), np.full(2, FREEDOM), across) for one in lines]
    same, other = (np.corrcoef(drawn[0][0, 0], drawn[1][unit, 0])[0, 1] for unit in (0, 1))
    assert same == pytest.approx(part, abs=0.04)
    assert other == pytest.approx(0, abs=0.04)
    both = drawn[0][0, 0] + drawn[1][0, 0]
    assert both.var() == pytest.approx(2 * (1 + part), rel=0.06)


def test_degrees_of_freedom_move_the_95_percent_range_and_leave_the_80_percent_one() -> None:
    widths = []
    for freedom in (3.0, 5.0, 20.0):
        drawn = np.abs(Noise(1, 1, 200_000).unit("vat", "u0", freedom))
        assert np.quantile(drawn, 0.8) == pytest.approx(CENTRAL_80, rel=0.02)
        assert np.quantile(drawn, 0.95) == pytest.approx(CENTRAL_80 * tail_ratio(freedom), rel=0.03)
        widths.append(np.quantile(drawn, 0.95))
    assert widths == sorted(widths, reverse=True)


def test_the_table_of_students_t_is_right_and_goes_both_ways() -> None:
    for freedom in (2.5, 3.0, 5.0, 8.0, 40.0):
        exact = stats.t.ppf(0.975, freedom) / stats.t.ppf(0.9, freedom)
        assert tail_ratio(freedom) == pytest.approx(exact, rel=1e-3)
        assert freedom_of(tail_ratio(freedom)) == pytest.approx(freedom, rel=1e-6)
    assert (freedom_of(9.0), freedom_of(1.0)) == (2.5, 40.0)


def strayed(kind: str) -> np.ndarray:
    """A line whose past years ended off their forecasts: together, each alone, or a few of them far off."""
    logs, rng = line(units=20, common=0.02), np.random.default_rng(4)
    for year in range(1, 5):
        end = logs.shape[1] - 12 * year
        off = {
            "together": np.full(20, 0.3 * (-1) ** year),
            "alone": 0.3 * rng.standard_normal(20),
            "few": np.where(np.arange(20) % 7 == year, 1.0, 0.0),
            "none": np.zeros(20),
        }[kind]
        logs[:, end : end + 6] += off[:, None]
    return logs


def test_each_kind_of_error_widens_its_own_part_of_the_ranges() -> None:
    usual, together, alone, few = (
        calibrate(strayed(kind), 6) for kind in ("none", "together", "alone", "few")
    )
    assert together.shared > 1.2 * usual.shared
    assert alone.own > 1.2 * usual.own
    assert few.freedom < min(usual.freedom, alone.freedom)
    assert few.own < alone.own


def test_errors_of_past_years_are_kept_by_unit_newest_first() -> None:
    found = calibrate(strayed("together"), 6).past
    assert found.line.shape == (4,)
    assert found.own.shape == found.at_stake.shape == (4, 20)
    assert (np.sign(found.line) == [-1, 1, -1, 1]).all()
    assert (found.at_stake > 0).all()


def test_totals_add_up_exactly_and_are_surer_than_their_parts() -> None:
    asked = problem(district(units=10, lines=("vat", "fees", "land")))
    rows = forecast_year_end(asked).year_end.filter(scenario="base", basis="territory")
    leaves = rows.filter((rows["unit_key"] != "ALL") & (rows["line_code"] != "ALL"))
    totals = rows.filter((rows["unit_key"] != "ALL") & (rows["line_code"] == "ALL"))
    whole = rows.filter(unit_key="ALL", line_code="ALL")
    assert leaves["mean_amount"].sum() == totals["mean_amount"].sum() == whole["mean_amount"].item()
    width = (leaves["p90_amount"] - leaves["p10_amount"]).sum()
    assert (totals["p90_amount"] - totals["p10_amount"]).sum() < width
