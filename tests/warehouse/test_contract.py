"""The public contract, held against what a published night is in the databases themselves: every mart and
column that people rely on, its type, its comment and its key, alike on both engines."""

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import NIGHT, dimensions, facts, marts
from warehouse.engines import open_warehouse, warehouse_url
from warehouse.projections import grain
from warehouse.tables.marts import MARTS, PUBLICATION

POSITION = """unit_name estimate_amount collected_amount share_of_estimate_pct same_period_amount
    same_period_pct remaining_amount pace_pct pace_gap_pp last_complete_day rank is_below_half
    comparability"""

# The public contract: grain, then the columns beyond it. Queries of people rely on these names.
CONTRACT: dict[str, tuple[str, str]] = {
    "mart_district_brief": (
        "as_of",
        """collected_amount estimate_amount share_of_estimate_pct same_period_amount same_period_pct
        spent_amount spending_estimate_amount spending_share_pct spending_same_period_pct units_total
        units_above_half_territory units_above_half_recurrent leaders_recurrent""",
    ),
    "mart_unit_position": ("as_of unit_key basis estimate_version", POSITION),
    "mart_line_position": ("as_of unit_key line_code basis estimate_version", POSITION),
    "mart_item_position": (
        "as_of unit_key item_code",
        """line_code unit_name collected_amount same_period_amount same_period_pct last_complete_day""",
    ),
    "mart_unit_history": (
        "as_of view unit_key line_code basis month",
        "amount low_amount high_amount is_assumed",
    ),
    "mart_year_end_forecast": (
        "as_of unit_key line_code basis scenario",
        """estimate_version estimate_amount collected_amount mean_amount p05_amount p10_amount p25_amount
        p50_amount p75_amount p90_amount p95_amount pace_forecast_amount shortfall_probability
        expected_shortfall_amount half_year_below_probability method fit_status""",
    ),
    "mart_forecast_path": (
        "as_of unit_key line_code basis scenario month",
        "actual_amount p10_amount p50_amount p90_amount",
    ),
    "mart_forecast_component": ("as_of unit_key line_code basis component", "amount"),
    "mart_forecast_news": ("as_of previous_as_of unit_key line_code basis cause", "amount"),
    "mart_office_estimate": (
        "as_of unit_key line_code basis",
        "office_amount stated_on model_mean_amount weight_pct combined_mean_amount",
    ),
    "mart_shock_effect": (
        "as_of unit_key line_code shock_code",
        "timing_amount loss_amount low_amount high_amount expected_back_by",
    ),
    "mart_scenario_effect": (
        "as_of unit_key line_code scenario shock_code",
        "timing_amount next_year_amount loss_amount low_amount high_amount expected_back_by",
    ),
    "mart_spending_position": (
        "as_of unit_key spending_kind",
        "estimate_amount spent_amount share_pct same_period_pct",
    ),
    "mart_recurrent_balance": (
        "as_of unit_key",
        """recurrent_p10_amount recurrent_p50_amount recurrent_p90_amount recurrent_spending_estimate_amount
        cover_ratio gap_probability""",
    ),
    "mart_reconciliation_break": (
        "as_of break_id",
        """unit_key item_code document_no treasury_amount tax_amount difference_amount break_kind age_days""",
    ),
    "mart_reconciliation_summary": (
        "as_of unit_key break_kind",
        "rows amount treasury_amount tax_amount residual_amount",
    ),
    "mart_estimate_version": (
        "as_of estimate_kind unit_key fiscal_year estimate_version",
        "estimate_amount change_amount decision_no decided_on approved_by received_on source_file",
    ),
    "mart_quarantine": (
        "as_of dataset rule source_file",
        "rows amount first_row_number explanation",
    ),
    "mart_restatement": (
        "as_of previous_as_of unit_key line_code month",
        "previous_amount current_amount difference_amount source_file",
    ),
    "mart_extract_arrival": ("as_of form_code unit_key", "expected_at received_at status last_complete_day"),
    "mart_warning": (
        "as_of warning_id",
        "unit_key rule_code severity state opened_on evidence owner message_vi message_en",
    ),
    "mart_warning_cause": ("as_of warning_id line_code cause_kind", "amount expected_back_by"),
    "mart_warning_watch": (
        "as_of warning_id",
        "rule_code unit_key level level_since value enter_threshold exit_threshold case_id",
    ),
    "mart_forecast_accuracy": (
        "method source basis line_code months_elapsed fiscal_year",
        """n wape_pct mape_pct mase crps brier coverage80_pct coverage95_pct wape_pct_low wape_pct_high
        mape_pct_low mape_pct_high mase_low mase_high crps_low crps_high brier_low brier_high""",
    ),
    "mart_warning_scorecard": (
        "rule_code fiscal_year",
        """hits misses false_alarms correct_rejections precision precision_low precision_high recall
        recall_low recall_high median_lead_days median_lead_days_low median_lead_days_high
        false_alarms_per_unit_year
        usefulness usefulness_low usefulness_high""",
    ),
    "publication": (
        "publication_id",
        "as_of published_at run_id code_version config_sha256 rows checks_passed checks_failed",
    ),
}

# Kind of a column by its name, the first that fits; all else is text.
KINDS = [
    (r"(\w+_)?amount", "money"),
    (r".*_(pct|pp|probability|ratio)(_low|_high)?|coverage\d+_pct|(\w+_threshold|value)", "double"),
    (
        r"(mase|crps|brier|precision|recall|usefulness|median_lead_days)(_low|_high)?|.*_per_unit_year",
        "double",
    ),
    (r"as_of|previous_as_of|month|\w+_(on|day|by|since)|(expected|received)_at", "date"),
    (r"published_at", "instant"),
    (r"is_\w+", "boolean"),
    (r"rows|rank|n|units_\w+|age_days|first_row_number|fiscal_year|months_elapsed|checks_\w+", "integer"),
    (r"hits|misses|false_alarms|correct_rejections", "integer"),
]
TYPES = {
    "money": {"DECIMAL(20,2)", "numeric(20,2)"},
    "double": {"DOUBLE", "double precision"},
    "date": {"DATE", "date"},
    "instant": {"TIMESTAMP WITH TIME ZONE", "timestamp with time zone"},
    "boolean": {"BOOLEAN", "boolean"},
    "integer": {"INTEGER", "integer"},
    "text": {"VARCHAR", "text"},
}
BY_NAME_ONLY = {"approved_by", "state_by"}
"""Texts that end as a day does."""
NOT_BY_NIGHT = {"mart_forecast_accuracy", "mart_warning_scorecard", "publication"}

_DUCKDB = """SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns()
    WHERE schema_name IN ('main', 'latest')"""
_POSTGRESQL = """SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
    col_description(c.oid, a.attnum) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'latest') AND a.attnum > 0 AND c.relkind IN ('r', 'v')"""


@pytest.fixture(params=["duckdb", "postgresql"])
def columns(request: pytest.FixtureRequest, tmp_path: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """(``latest.table`` or ``table``, column) → type and comment, of a night published to the engine."""
    rows: Callable[[], list[tuple[str, str, str, str, str]]]
    if request.param == "duckdb":
        link = tmp_path / "wardcast.duckdb"
        url = warehouse_url(link)

        def rows() -> list[tuple[str, str, str, str, str]]:
            with duckdb.connect(str(link), read_only=True) as connection:
                return connection.execute(_DUCKDB).fetchall()
    else:
        database: Database = request.getfixturevalue("database")
        url = database.url()

        def rows() -> list[tuple[str, str, str, str, str]]:
            return database.rows(_POSTGRESQL)

    open_warehouse(url).publish(NIGHT, marts(), dimensions(), facts())
    return {
        (f"latest.{table}" if schema == "latest" else table, column): (kind, comment)
        for schema, table, column, kind, comment in rows()
    }


def kind_of(column: str) -> str:
    if column in BY_NAME_ONLY:
        return "text"
    return next((kind for words, kind in KINDS if re.fullmatch(words, column)), "text")


def test_every_engine_holds_the_contract(columns: dict[tuple[str, str], tuple[str, str]]) -> None:
    for table, (keys, beyond) in CONTRACT.items():
        by_night = [] if table in NOT_BY_NIGHT else ["as_of", "publication_id"]
        views = [table] if table == "publication" else [table, f"latest.{table}"]
        for view in views:
            for column in [*keys.split(), *beyond.split(), *by_night]:
                assert (view, column) in columns, f"{view} lacks {column}"
                kind, comment = columns[view, column]
                assert kind in TYPES[kind_of(column)], f"{view}.{column} is {kind}"
                assert comment, f"{view}.{column} says nothing of itself"


def test_the_contract_knows_every_mart_and_its_key() -> None:
    assert {table.name for table in (*MARTS, PUBLICATION)} == set(CONTRACT)
    assert {table.name: grain(table) for table in (*MARTS, PUBLICATION)} == {
        name: keys.split() for name, (keys, _) in CONTRACT.items()
    }
