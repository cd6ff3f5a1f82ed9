"""Named scenarios beside the base: what they change, what they leave alone, and that timing loses nothing."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.model import ALL
from authorities.shocks import Assumption, DeferralLeg, PolicyShock
from forecasts.seam import SCENARIO_EFFECT_SCHEMA, YearEndForecast, forecast_year_end
from tests.forecasts.problems import deferral, district, loss, problem, rows

HISTORY = district(units=2)
GRACE = deferral()
LEGS_PAST_THE_YEAR = (("2020-04", "2020-09"), ("2020-05", "2020-10"), ("2020-06", "2021-02"))


def whole(forecast: YearEndForecast, scenario: str, unit: str = ALL, line: str = "vat") -> int:
    found = forecast.year_end.filter(unit_key=unit, line_code=line, basis="territory", scenario=scenario)
    return int(found["mean_amount"].item())


def effects(forecast: YearEndForecast, scenario: str, unit: str = ALL) -> dict[str, int]:
    """Amounts of the VAT's shocks in a scenario, added up."""
    found = forecast.scenario_effects.filter(unit_key=unit, line_code="vat", scenario=scenario)
    return {name: int(found[f"{name}_amount"].sum()) for name in ("timing", "loss", "next_year")}


def moved_to(*legs: tuple[str, str]) -> PolicyShock:
    return deferral(legs=legs)


def test_base_and_without_shocks_are_the_same_with_scenarios_beside_them() -> None:
    asked = problem(HISTORY, shocks=(GRACE, loss("fees", line="fees")))
    alone = forecast_year_end(asked)
    beside = forecast_year_end(replace(asked, scenarios={"cut": (loss("cut"),), "alike": asked.shocks}))
    for name in ("year_end", "path", "tails"):
        own, other = getattr(alone, name), getattr(beside, name)
        kept = other.filter(pl.col("scenario").is_in(["base", "without_shocks"]))
        assert kept.equals(own), name
    for name in ("status", "components", "shock_effects", "watch"):
        assert getattr(beside, name).equals(getattr(alone, name)), name
    assert set(beside.year_end["scenario"]) == {"base", "without_shocks", "cut", "alike"}
    alike, base = (beside.year_end.filter(scenario=name).drop("scenario") for name in ("alike", "base"))
    assert alike.equals(base)
    assert alone.scenario_effects.is_empty()
    assert beside.scenario_effects.schema == SCENARIO_EFFECT_SCHEMA


def test_a_scenario_is_the_forecast_of_who_declares_its_shocks() -> None:
    supposed = (GRACE, loss("cut", value=0.7))
    declared = forecast_year_end(problem(HISTORY, shocks=supposed)).year_end.filter(scenario="base")
    named = forecast_year_end(problem(HISTORY, shocks=(GRACE,), scenarios={"deeper": supposed}))
    assert named.year_end.filter(scenario="deeper").drop("scenario").equals(declared.drop("scenario"))
    assert whole(named, "deeper") < whole(named, "base")


def test_what_is_supposed_is_known_before_it_is_announced() -> None:
    late = loss("cut", value=0.5, announced=date(2020, 8, 1))
    forecast = forecast_year_end(problem(HISTORY, shocks=(late,), scenarios={"cut": (late,)}))
    assert whole(forecast, "base") == whole(forecast, "without_shocks")
    assert whole(forecast, "cut") < whole(forecast, "base")
    assert effects(forecast, "base")["loss"] == 0
    taken = whole(forecast, "base") - whole(forecast, "cut")
    assert effects(forecast, "cut")["loss"] == pytest.approx(taken, rel=0, abs=2)


def test_longer_grace_within_the_year_moves_months_and_not_the_year_end() -> None:
    later = moved_to(("2020-04", "2020-12"), ("2020-05", "2020-12"), ("2020-06", "2020-12"))
    forecast = forecast_year_end(problem(HISTORY, shocks=(GRACE,), scenarios={"later": (later,)}))
    assert whole(forecast, "later") == pytest.approx(whole(forecast, "base"), rel=0, abs=1)
    october = forecast.path.filter(unit_key=ALL, line_code="vat", basis="territory", month=date(2020, 10, 1))
    by_scenario = dict(zip(october["scenario"], october["p50_amount"], strict=True))
    assert by_scenario["later"] < by_scenario["base"]
    assert effects(forecast, "later")["next_year"] == 0


def test_what_moves_past_the_years_end_is_shown_as_moved_and_not_lost() -> None:
    past = moved_to(*LEGS_PAST_THE_YEAR)
    forecast = forecast_year_end(problem(HISTORY, shocks=(GRACE,), scenarios={"past": (past,)}))
    for unit in (ALL, "u0@2004", "u1@2004"):
        gone = whole(forecast, "base", unit) - whole(forecast, "past", unit)
        told = effects(forecast, "past", unit)
        assert gone > 0
        assert told["next_year"] == pytest.approx(gone, rel=0, abs=2)
        assert (told["loss"], effects(forecast, "base", unit)["next_year"]) == (0, 0)


@settings(max_examples=12, deadline=None)
@given(
    due=st.lists(st.integers(4, 11), min_size=1, max_size=4, unique=True),
    delays=st.lists(st.integers(0, 10), min_size=4, max_size=4),
    value=st.floats(0.05, 0.6),
)
def test_timing_conserves_the_year_with_what_moves_beyond_it(
    due: list[int], delays: list[int], value: float
) -> None:
    """The same dues put off within the year, and for longer: year-end + moved to next year stay the same."""
    back = {month: max(month + 1, 7) for month in due}
    near = [(f"2020-{month:02}", f"2020-{to:02}") for month, to in back.items()]
    later = [to + delay for to, delay in zip(back.values(), delays, strict=False)]
    far = [
        (f"2020-{month:02}", f"{2020 + (to - 1) // 12}-{(to - 1) % 12 + 1:02}")
        for month, to in zip(due, later, strict=True)
    ]
    strength = Assumption(value=value, low=value / 2, high=value * 1.5)
    inside, beyond = (
        deferral(legs=tuple(legs)).model_copy(update={"fraction": strength}) for legs in (near, far)
    )
    asked = problem(HISTORY, draws=100, shocks=(inside,), scenarios={"beyond": (beyond,)})
    forecast = forecast_year_end(asked)
    told = effects(forecast, "beyond")
    assert whole(forecast, "beyond") + told["next_year"] == pytest.approx(
        whole(forecast, "base"), rel=0, abs=4
    )
    assert (told["next_year"] > 0) == any(to > 12 for to in later)
    assert told["loss"] == 0
    assert told["timing"] == pytest.approx(effects(forecast, "base")["timing"], rel=0, abs=4)


def test_the_names_of_the_two_scenarios_are_taken() -> None:
    with pytest.raises(ValueError, match="'base'; give yours another name"):
        forecast_year_end(problem(HISTORY, scenarios={"base": ()}))


def test_methods_that_know_no_shocks_give_every_scenario_the_same() -> None:
    forecast = forecast_year_end(problem(HISTORY, scenarios={"cut": (loss("cut"),)}), "pace")
    cut, base = (forecast.year_end.filter(scenario=name).drop("scenario") for name in ("cut", "base"))
    assert cut.equals(base)
    assert forecast.scenario_effects.is_empty()


def test_dues_of_a_month_under_way_are_conserved_too() -> None:
    """A night in July, whose dues are put off within the year or past it, with a part of July in."""
    july = {"u0@2004": 4e7, "u1@2004": 9e7}
    begun = [rows(unit, "vat", {date(2020, 7, 10): amount}) for unit, amount in july.items()]
    spring = GRACE.legs[:2]
    inside, past = (
        GRACE.model_copy(
            update={"legs": (*spring, DeferralLeg(due_month=date(2020, 7, 1), deferred_to=back))}
        )
        for back in (date(2020, 11, 1), date(2021, 2, 1))
    )
    asked = problem(
        pl.concat([HISTORY, *begun]), as_of=date(2020, 7, 15), shocks=(inside,), scenarios={"past": (past,)}
    )
    forecast = forecast_year_end(asked)
    gone = whole(forecast, "base") - whole(forecast, "past")
    assert gone > 0
    assert effects(forecast, "past")["next_year"] == pytest.approx(gone, rel=0, abs=4)
