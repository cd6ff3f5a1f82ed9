"""What loading lets a message name is what each kind of rule has, no more and no less."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from authorities.warning_rules import FIGURES_OF, GROUP_FIGURES, WarningRule
from early_warning.grouping import candidates
from early_warning.messages import common_figures
from early_warning.notification_journal import SENDING_SCHEMA
from early_warning.rules import findings_of
from tests.early_warning.conftest import rows_of
from tests.early_warning.nights import a_night, only, run
from tests.early_warning.test_cases import _position, _small
from tests.early_warning.test_causes import RULES, authority_with, marts
from tests.early_warning.test_grouping import EXTENSION, FIVE_PCT, NIGHT, A, B, decreed, one_night
from warehouse.tables.marts import (
    MART_EXTRACT_ARRIVAL,
    MART_QUARANTINE,
    MART_RECONCILIATION_SUMMARY,
    MART_YEAR_END_FORECAST,
)

__all__ = ["decreed"]
COMMON = {"as_of": NIGHT, "publication_id": "p"}
SUMMARY = {
    "unit_key": A, "rows": 1, "amount": Decimal(1), "treasury_amount": Decimal(100),
    "tax_amount": Decimal(90), "residual_amount": Decimal(10),
}  # fmt: skip
DATA = {
    "data_late": {"extract_arrival": rows_of(MART_EXTRACT_ARRIVAL, [
        {"form_code": "f", "unit_key": A, "expected_at": dt.date(2020, 6, 1), "status": "missing",
         "missing_periods": 1}], **COMMON)},
    "reconciliation_residual_above": {"reconciliation_summary": rows_of(MART_RECONCILIATION_SUMMARY, [
        SUMMARY | {"break_kind": "amount"},
        SUMMARY | {"break_kind": "not_compared", "residual_amount": Decimal(10**6)}], **COMMON)},
    "forecast_failed": {"unit_position": _position(50.0, NIGHT)},
    "validation_failed": {"quarantine": rows_of(MART_QUARANTINE, [
        {"dataset": "receipt", "rule": "amount_is_a_number", "source_file": "a.csv", "rows": 3,
         "amount": Decimal(-70), "first_row_number": 4, "explanation": ""}], **COMMON),
        "unit_position": _position(50.0, NIGHT).with_columns(unit_key=pl.lit("ALL"))},
    "channel_failed": {"sendings": pl.DataFrame(
        [(dt.date(2020, 6, 29), "chair", "mailto 1", "digest", "failed")],
        schema=SENDING_SCHEMA, orient="row")},
}  # fmt: skip


def figures_on(night):
    (candidate,) = candidates(night, findings_of(night), ())
    return set(common_figures(night, candidate)) | set(candidate.finding.figures)


@pytest.mark.parametrize("kind", RULES)
def test_rules_about_money(kind):
    as_of = dt.date(2020, 5, 31) if kind == "half_year_probability_above" else NIGHT
    lines = [(1000, 300, 900, 50.0), (500, 250, 255, 50.0), (200, 60, 61, 45.0)]
    basis = RULES[kind].get("basis", "territory")
    night = a_night(authority_with(kind), as_of, **marts(lines, 1, 1, (0, 0, 0), (7, 4, 1), as_of, basis))
    assert figures_on(night) == FIGURES_OF[kind]


def authority_for(kind, **more):
    words = {"vi": "{unit_name} {threshold}", "en": "{unit_name}"}
    return _small(WarningRule.model_validate({
        "rule_code": "rule", "kind": kind, "severity": "warning", "owner": "chair", "title": words,
        "message": words, **more,
    }))  # fmt: skip


@pytest.mark.parametrize("kind", DATA)
def test_rules_about_data(kind):
    night = a_night(authority_for(kind), NIGHT, **DATA[kind])
    assert figures_on(night) == FIGURES_OF[kind]
    assert set(RULES) | set(DATA) == set(FIGURES_OF)


def test_books_that_differ_leave_out_what_could_not_be_compared():
    night = a_night(
        authority_for("reconciliation_residual_above"), NIGHT, **DATA["reconciliation_residual_above"]
    )
    (found,) = run([night])
    assert found.warnings["value"].item() == 10.0
    tolerant = a_night(authority_for("reconciliation_residual_above", threshold=10.0), NIGHT,
                       **DATA["reconciliation_residual_above"])  # fmt: skip
    assert run([tolerant])[0].warnings.is_empty()


def test_money_in_refused_rows_counts_whichever_way_it_goes():
    (found,) = run(
        [a_night(authority_for("validation_failed", threshold=10.0), NIGHT, **DATA["validation_failed"])]
    )
    assert found.warnings.select("warning_id", "value").row(0) == ("rule:ALL:receipt:2020", 14.0)


@pytest.mark.parametrize(("status", "cases"), [("none", 1), ("pace", 0), ("full", 0)])
def test_a_forecast_failed_where_no_method_stands(status, cases):
    made = rows_of(MART_YEAR_END_FORECAST, [{"unit_key": A, "fit_status": status}], **COMMON, line_code="ALL",
                   scenario="base", basis="territory")  # fmt: skip
    night = a_night(
        authority_for("forecast_failed"), NIGHT, unit_position=_position(50.0, NIGHT), year_end_forecast=made
    )
    assert run([night])[0].warnings.height == cases


def test_cases_for_many(decreed, positions):
    chosen = only(decreed, "below_half", extension=EXTENSION)
    night = one_night(chosen, positions, {A: 47.0, B: 48.0}, {A: FIVE_PCT, B: FIVE_PCT})
    group = candidates(night, findings_of(night), ())[0]
    # The gap is known once the causes are.
    assert set(common_figures(night, group)) | set(group.finding.figures) | {"gap"} == GROUP_FIGURES
