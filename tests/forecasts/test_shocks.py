"""Shocks: terms by month, conservation, recovery of a planted effect, and what may be known when."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import authorities
from authorities.model import ALL
from authorities.shocks import PolicyShock, ShockRegister
from forecasts import months, shocks
from forecasts.beliefs import Belief, declared_belief, strengths
from forecasts.seam import YearEndForecast, forecast_year_end
from tests.forecasts.problems import changed, deferral, district, estimate, loss, problem

FIRST = months.ordinal(date(2019, 1, 1))
UNITS = ("u0@2004", "u1@2004")


def line_of(*declared: PolicyShock, length: int = 24) -> shocks.LineShocks:
    return shocks.line_shocks(declared, "vat", UNITS, FIRST, length)


def mean(forecast: YearEndForecast, unit: str = ALL, line: str = "vat", scenario: str = "base") -> int:
    rows = forecast.year_end.filter(unit_key=unit, line_code=line, basis="territory", scenario=scenario)
    return int(rows["mean_amount"].item())


def put_off(history: pl.DataFrame, fraction: float, truth: bool = False) -> pl.DataFrame:
    """Move a fraction of April to June 2020's VAT five months on (or, short of the truth, out of sight)."""
    due = {date(2020, m, 20): date(2020, m + 5, 20) for m in (4, 5, 6)}
    amounts = {(u, d): a for u, c, d, a in history.iter_rows() if c == "vat"}

    def change(unit: str, line: str, day: date, amount: int) -> float:
        if line != "vat":
            return amount
        back = sum(amounts[unit, d] * fraction for d, t in due.items() if t == day)
        return amount * (1 - fraction) if day in due else amount + back * truth

    return changed(history, change)


def test_a_term_touches_the_months_it_names() -> None:
    term = shocks.ShockTerm(deferral())
    assert term.in_sample(FIRST, 24).nonzero()[0].tolist() == [15, 16, 17]
    assert term.out_of_sample(3, FIRST + 15).tolist() == [1, 1, 1]
    assert str(term) == "deferral grace"


def test_a_term_knows_parts_of_months() -> None:
    cut = shocks.ShockTerm(loss("cut", since=date(2020, 6, 28), until=date(2020, 7, 31)))
    assert cut.in_sample(months.ordinal(date(2020, 5, 1)), 4) == pytest.approx([0, 0.1, 1, 0])
    assert shocks.ShockTerm(loss("shut", form="closure", until=None)).out_of_sample(
        2, FIRST + 20
    ).tolist() == [1, 1]


@given(
    fraction=st.floats(0.0, 0.9),
    other=st.floats(0.0, 0.9),
    past=st.integers(0, 24),
    base=st.lists(st.floats(0, 1e12), min_size=24, max_size=24),
)
def test_timing_conserves_the_total(fraction: float, other: float, past: int, base: list[float]) -> None:
    legs = (("2020-04", "2020-12"), ("2020-05", "2020-12"), ("2020-06", "2020-07"))
    pair = (
        deferral(value=fraction, low=0, high=0.95),
        deferral("more", value=other, low=0, high=0.95, legs=legs),
    )
    line, whole = line_of(*pair), np.array([base, base])
    full = shocks.applied(line, whole[:, :0], whole[:, :, None], line.declared(), 0).receipts[:, :, 0]
    assert full.sum() == pytest.approx(whole.sum(), rel=1e-9, abs=1e-3)
    seen = full[:, :past]
    later = shocks.applied(line, seen, whole[:, past:, None], line.declared(), 0).receipts[:, :, 0]
    assert later == pytest.approx(full[:, past:], rel=1e-6, abs=1e-3)
    assert shocks.cleaned(line, seen, line.declared()) == pytest.approx(whole[:, :past], rel=1e-6, abs=1e-3)


def test_what_is_put_off_past_the_years_end_is_missing_from_this_year_and_found_in_the_next() -> None:
    line = line_of(deferral(legs=(("2019-11", "2020-02"),), value=0.4))
    base = np.full((2, 24, 1), 100.0)
    receipts = shocks.applied(line, np.zeros((2, 0)), base, line.declared(), 0).receipts
    assert receipts[0, :12].sum() == pytest.approx(1160)
    assert receipts[0, 12:].sum() == pytest.approx(1240)


def test_a_closure_leaves_nothing_and_takes_nothing_from_others() -> None:
    line = line_of(loss("shut", form="closure", since=date(2020, 7, 1), until=None, units=("u1",)))
    base = np.full((2, 24, 1), 100.0)
    result = shocks.applied(line, base[:, :15, 0], base[:, 15:], line.declared(), 12)
    assert result.receipts[0].sum() == 900
    assert result.receipts[1].sum() == 300
    assert result.lost[0, :, 0].tolist() == [0, 600]


def test_a_transient_shock_is_masked_and_changes_no_future() -> None:
    line = line_of(loss("storm", form="transient", since=date(2020, 3, 1), until=date(2020, 4, 30)))
    base = np.full((2, 24), 100.0)
    assert np.isnan(shocks.cleaned(line, base, line.declared())).sum(axis=1).tolist() == [2, 2]
    assert (shocks.applied(line, base[:, :15], base[:, 15:, None], line.declared(), 0).receipts == 100).all()


def test_refunds_are_not_put_off() -> None:
    line = line_of(deferral())
    observed = np.full((2, 16), -50.0)
    assert (shocks.applied(line, observed, np.zeros((2, 8, 1)), line.declared(), 0).receipts == 0).all()


def test_nothing_before_the_announcement_knows_of_a_shock() -> None:
    history = put_off(district(), 0.3)
    early = deferral(announced=date(2020, 6, 30))
    late = deferral(announced=date(2020, 7, 1))
    none = forecast_year_end(problem(history))
    assert forecast_year_end(problem(history, shocks=(late,))).year_end.equals(none.year_end)
    assert not forecast_year_end(problem(history, shocks=(early,))).year_end.equals(none.year_end)


def test_the_scenario_without_shocks_is_the_forecast_that_never_heard_of_them() -> None:
    history = put_off(district(), 0.3)
    none = forecast_year_end(problem(history)).year_end.filter(scenario="base").drop("scenario", "fit_status")
    without = forecast_year_end(problem(history, shocks=(deferral(),))).year_end.filter(
        scenario="without_shocks"
    )
    assert without.drop("scenario", "fit_status").equals(none)


def test_a_planted_deferral_is_recovered_within_its_range() -> None:
    whole = district(units=8, to=date(2020, 12, 31))
    history = put_off(whole.filter(pl.col("day") <= date(2020, 6, 30)), 0.35)
    forecast = forecast_year_end(problem(history, shocks=(deferral(value=0.2, low=0.1, high=0.5),)))
    truth = whole.filter(pl.col("day").dt.year() == 2020, line_code="vat")["amount"].sum()
    spring = whole.filter(pl.col("day").is_between(date(2020, 4, 1), date(2020, 6, 30)), line_code="vat")
    effect = forecast.shock_effects.filter(unit_key=ALL).row(0, named=True)
    assert effect["low_amount"] < 0.35 * spring["amount"].sum() < effect["high_amount"]
    assert (effect["loss_amount"], effect["expected_back_by"]) == (0, date(2020, 11, 30))
    with_shock, without = mean(forecast), mean(forecast, scenario="without_shocks")
    assert abs(with_shock / truth - 1) < 0.03
    assert abs(with_shock - truth) < 0.25 * abs(without - truth)


def test_a_deferral_still_to_come_changes_the_path_and_not_the_year_end() -> None:
    history = district()
    coming = deferral(legs=(("2020-07", "2020-11"),), announced=date(2020, 6, 1))
    forecast = forecast_year_end(problem(history, shocks=(coming,)))
    assert mean(forecast) == pytest.approx(mean(forecast, scenario="without_shocks"), rel=1e-9)
    path = forecast.path.filter(unit_key=ALL, line_code="vat", basis="territory", month=date(2020, 7, 1))
    july = {row["scenario"]: row["p50_amount"] for row in path.iter_rows(named=True)}
    assert july["base"] < july["without_shocks"]


def test_a_loss_takes_what_it_says_from_the_months_to_come() -> None:
    forecast = forecast_year_end(problem(district(), shocks=(loss("cut", value=0.8),)))
    collected = forecast.year_end.filter(unit_key=ALL, line_code="vat", basis="territory")[
        "collected_amount"
    ][0]
    rest = mean(forecast, scenario="without_shocks") - collected
    assert mean(forecast) - collected == pytest.approx(0.8 * rest, rel=1e-6)
    effect = forecast.shock_effects.filter(unit_key=ALL).row(0, named=True)
    assert effect["loss_amount"] == pytest.approx(0.2 * rest, rel=1e-6)


def test_several_shocks_at_once_and_an_estimate_beside_them() -> None:
    history = put_off(district(), 0.3)
    many = (deferral(), loss("cut"), loss("shut", form="closure", units=("u2",)), loss("fees", line="fees"))
    asked = problem(history, shocks=many, estimates=estimate(ALL, ALL, 10**10))
    forecast = forecast_year_end(asked)
    assert set(forecast.shock_effects["shock_code"]) == {"grace", "cut", "shut", "fees"}
    closed = forecast.year_end.filter(unit_key="u2@2004", line_code="vat", basis="territory", scenario="base")
    late = forecast.shock_effects.filter(unit_key="u2@2004", shock_code="grace")["timing_amount"].item()
    assert closed["mean_amount"].item() == pytest.approx(closed["collected_amount"].item() + late, rel=1e-6)


def test_strengths_stay_inside_their_range() -> None:
    line = line_of(deferral(value=0.3, low=0.25, high=0.4), loss("cut", value=0.8))
    wide = {"deferral": Belief(1.0, 5.0), "rate_change": Belief(1.0, 5.0)}
    noise = {form: np.linspace(-3, 3, 7) for form in wide}
    drawn = strengths(line, wide, noise).values
    assert (drawn[0].min(), drawn[0].max()) == (0.25, 0.4)
    assert set(drawn[1]) == {0.8}


def test_a_belief_moves_towards_sure_data_and_stays_without_any() -> None:
    belief = declared_belief(line_of(deferral(value=0.3, low=0.1, high=0.5)), "deferral")
    assert belief.mean == 1
    assert 0.3 < belief.sd < 0.8
    sure = belief.updated(1.5, 1e-6)
    assert 1.3 < sure.mean < 1.5
    assert sure.sd > belief.confounded / 2
    assert replace(belief, confounded=0.0).updated(1.5, 1e-6).mean == pytest.approx(1.5, abs=1e-6)
    assert belief.updated(1.5, float("nan")) == belief


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "loss"}, "write kind: timing"),
        ({"legs": ()}, "needs legs"),
        ({"effective_from": date(2020, 1, 1)}, "dated by its legs"),
        ({"fraction": {"value": 0.5, "low": 0.6, "high": 0.7}}, "low ≤ value ≤ high"),
        ({"fraction": {"value": 0.5, "low": 0.4, "high": 1.0}}, "below 1"),
        ({"legs": [{"due_month": "2020-04", "deferred_to": "2020-04"}]}, "must be a later month"),
        ({"line_codes": ()}, "line_codes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_declaration_says_what_would_be_right(change: dict[str, object], words: str) -> None:
    given = deferral().model_dump() | change
    with pytest.raises(ValidationError, match=words):
        PolicyShock.model_validate(given)


def test_the_register_of_2020_knows_its_dates() -> None:
    path = Path(authorities.__file__).parent / "long_bien" / "shocks.yaml"
    register = ShockRegister.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    by_code = {shock.code: shock for shock in register.shocks}
    vat = by_code["nd41_2020_vat"]
    assert [(leg.due_month.month, leg.deferred_to.month) for leg in vat.legs] == [
        (4, 9),
        (5, 10),
        (6, 11),
        (7, 12),
    ]
    assert {shock.code for shock in register.shocks if shock.known_on(date(2020, 6, 18))} == {
        code for code in by_code if code.startswith("nd41_2020")
    }
    assert by_code["nd70_2020_registration_fee"].effective_from == date(2020, 6, 28)
    assert by_code["nq116_2020_cit"].effective_from == date(2020, 8, 3)
    assert all(shock.assumed for shock in register.shocks)


def test_codes_of_a_register_are_unique() -> None:
    with pytest.raises(ValidationError, match="more than once: grace"):
        ShockRegister(shocks=(deferral(), deferral()))


def test_units_put_off_different_parts_about_their_lines() -> None:
    line = line_of(deferral(value=0.4, low=0.2, high=0.6))
    beliefs = {"deferral": declared_belief(line, "deferral")}
    rng = np.random.default_rng(1)
    common, apart = rng.standard_normal(4000), rng.standard_normal((len(UNITS), 4000))
    together = strengths(line, beliefs, {"deferral": common}).values
    each = strengths(line, beliefs, {"deferral": common}, {"deferral": apart}).values
    assert each.shape == (1, len(UNITS), 4000)
    assert np.median(each, axis=2) == pytest.approx(np.median(together), abs=0.02)
    assert (each.std(axis=2) > 1.02 * together.std()).all()
    assert ((each >= 0) & (each < 1)).all()
    assert 0.2 < np.corrcoef(each[0])[0, 1] < 0.99


def test_what_units_put_off_apart_is_conserved_too() -> None:
    line = line_of(deferral(value=0.4, low=0.2, high=0.6), length=24)
    beliefs = {"deferral": declared_belief(line, "deferral")}
    rng = np.random.default_rng(2)
    apart = {"deferral": rng.standard_normal((len(UNITS), 50))}
    strength = strengths(line, beliefs, {"deferral": rng.standard_normal(50)}, apart)
    base = rng.uniform(50, 150, (len(UNITS), 12, 50))
    past = np.full((len(UNITS), 12), 100.0)
    shocked = shocks.applied(line, past, base, strength, 12)
    assert shocked.receipts.sum(axis=1) == pytest.approx(base.sum(axis=1))
    assert (shocked.receipts[:, 3:6] < base[:, 3:6]).all()
    put_off = shocked.receipts[:, 3] / base[:, 3]
    assert (np.abs(put_off[0] - put_off[1]) > 1e-3).any()
