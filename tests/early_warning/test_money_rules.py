"""Pace, the half-year's forecast and lines that collapse: what each rule is for, and what excuses a unit."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from authorities.warning_rules import WarningRule
from tests.early_warning.conftest import rows_of
from tests.early_warning.nights import a_night, run, states
from tests.early_warning.test_grouping import FIVE_PCT, NIGHT, A, B, decreed, effects
from warehouse.tables.marts import MART_LINE_POSITION

__all__ = ["decreed"]
MAY = dt.date(2020, 5, 31)


def with_rule(authority, **rule):
    words = {"vi": "{unit_name}", "en": "{unit_name}"}
    made = WarningRule.model_validate(
        {"rule_code": "rule", "severity": "warning", "owner": "chair", "title": words, "message": words}
        | rule
    )
    return authority.model_copy(
        update={"settings": authority.settings.model_copy(update={"warning_rules": (made,)})}
    )


@pytest.mark.parametrize(("moved", "warned"), [(0, True), (FIVE_PCT // 5, True), (FIVE_PCT, False)])
def test_a_ward_is_behind_its_pace_with_what_is_deferred_added_back(decreed, positions, moved, warned):
    chosen = with_rule(decreed, kind="behind_pace", threshold=3.0)
    frame = positions({A: 40.0, B: 40.0}, gaps={A: -4.5, B: 1.0})
    (found,) = run([a_night(chosen, NIGHT, unit_position=frame, shock_effect=effects({A: moved}))])
    assert states(found) == ({f"rule:{A}:2020": "open"} if warned else {})


def test_a_ward_without_past_years_has_no_pace_to_trail(authority, positions):
    chosen = with_rule(authority, kind="behind_pace", threshold=3.0)
    assert run([a_night(chosen, NIGHT, unit_position=positions({A: 10.0}))])[0].warnings.is_empty()


def test_the_half_year_s_forecast_warns_before_and_hands_over_at_mid_year(authority, positions, forecasts):
    chosen = with_rule(authority, kind="half_year_probability_above", threshold=0.7)
    nights = [
        a_night(chosen, day, unit_position=positions({A: 30.0}, as_of=day),
                year_end_forecast=forecasts({A: 0.1}, as_of=day, half_year_below_probability=probability))
        for day, probability in ((MAY, 0.9), (NIGHT - dt.timedelta(days=1), 0.99), (NIGHT, 1.0))
    ]  # fmt: skip
    assert [states(one) for one in run(nights)] == [
        {f"rule:{A}:2020": "open"}, {f"rule:{A}:2020": "open"}, {f"rule:{A}:2020": "closed"},
    ]  # fmt: skip


def line(collected, same):
    row = {"unit_key": A, "unit_name": "A", "line_code": "vat", "estimate_amount": Decimal(10**10),
           "collected_amount": Decimal(collected), "same_period_amount": Decimal(same),
           "same_period_pct": 100 * collected / same}  # fmt: skip
    return rows_of(
        MART_LINE_POSITION,
        [row],
        as_of=NIGHT,
        basis="territory",
        estimate_version="initial",
        publication_id="p",
    )


@pytest.mark.parametrize(
    ("collected", "same", "moved", "warned"),
    [
        (2 * 10**9, 6 * 10**9, 0, True),
        (4 * 10**9, 6 * 10**9, 0, False),
        (2 * 10**9, 6 * 10**9, 2 * 10**9, False),
        (10**8, 6 * 10**8, 0, False),
    ],
    ids=["a third is left", "two thirds are", "the rest is deferred", "too small to matter"],
)
def test_a_line_collapses(decreed, positions, collected, same, moved, warned):
    """The ward's estimate is 80 billion: a loss of 1% is 800 million."""
    chosen = with_rule(decreed, kind="line_collapsed", threshold=50.0)
    night = a_night(chosen, NIGHT, unit_position=positions({A: 60.0}), line_position=line(collected, same),
                    shock_effect=effects({A: moved}))  # fmt: skip
    (found,) = run([night])
    assert states(found) == ({f"rule:{A}:vat:2020": "open"} if warned else {})
    if warned:
        assert found.causes.select(pl.col("amount").sum()).item() == same - collected
