"""The office's own estimate over the whole road: real workbooks, the ledger, the engine, the marts.

With the statements and without them, only what forecasts say is another thing.
"""

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
import pytest

from authorities.loading import AUTHORITIES_FOLDER, DEFAULT_AUTHORITY, load_authority
from authorities.model import ALL, Authority
from expectations.validation import validate
from extracts.intake import stage_dataset, take_in
from extracts.simulator.simulate import simulate
from tests.pipelines.conftest import NIGHT, Wardcast, read
from warehouse.ledger import as_known, build_ledger
from warehouse.office_estimates import office_statements
from warehouse.tables.marts import MARTS

STATEMENTS = "Uoc thuc hien*"
FORECAST = {
    "mart_year_end_forecast",
    "mart_forecast_path",
    "mart_forecast_component",
    "mart_office_estimate",
    "mart_recurrent_balance",
    "mart_warning",
    "mart_warning_cause",
    "mart_warning_watch",
}
"""What may differ where the office speaks; warnings, as some are of a likely shortfall."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of seven years: the office has spoken since 2016, the model has two years before that."""
    folder = tmp_path_factory.mktemp("seven_years")
    simulate(load_authority(DEFAULT_AUTHORITY), folder, years=7)
    return folder


@pytest.fixture(scope="module")
def ledger(history: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """``core_office_estimate`` of the sample's night."""
    return ledger_of(load_authority(DEFAULT_AUTHORITY), history / "landing", tmp_path_factory.mktemp("raw"))


def ledger_of(authority: Authority, landing: Path, store: Path, night: str = NIGHT) -> pl.DataFrame:
    register = take_in(authority, landing, store, dt.date.fromisoformat(night))
    staged = stage_dataset(authority, "office_estimate", register, store)
    verdict = validate("office_estimate", staged)
    assert verdict.success
    return build_ledger("office_estimate", verdict.accepted, verdict.unallocated, staged)


def published(wardcast: Wardcast, landing: Path, home: Path, night: str = NIGHT) -> dict[str, pl.DataFrame]:
    told = wardcast("nightly", "--landing", landing, "--home", home, "--as-of", night)
    assert told.exit_code == 0, told.output
    return {table.name: read(home, table.name).drop("publication_id", strict=False) for table in MARTS}


@pytest.fixture(scope="module")
def nights(
    history: Path, wardcast: Wardcast, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """The marts of the sample's night with the office's statements, and of the same night without them."""
    folder = tmp_path_factory.mktemp("nights")
    silent = folder / "landing"
    shutil.copytree(history / "landing", silent)
    said = list(silent.rglob(STATEMENTS))
    assert len(said) == 4 * 4 + 2
    for path in said:
        path.unlink()
    spoken = published(wardcast, history / "landing", folder / "spoken")
    return spoken, published(wardcast, silent, folder / "silent")


def test_nothing_but_forecasts_changes_where_the_office_speaks(
    nights: tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]],
) -> None:
    spoken, silent = nights
    same = [name for name in spoken if spoken[name].equals(silent[name], null_equal=True)]

    assert set(spoken) - set(same) == FORECAST
    assert silent["mart_office_estimate"].is_empty()
    assert set(silent["mart_year_end_forecast"]["method"]) == {"bank"}
    assert "office" not in set(silent["mart_forecast_component"]["component"])


def test_both_parts_are_shown_and_add_up_to_the_published_mean(
    nights: tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]],
) -> None:
    spoken, silent = nights
    shown = spoken["mart_office_estimate"]
    keys = ["unit_key", "line_code", "basis"]
    ends = {
        name: marts["mart_year_end_forecast"].filter(scenario="base").select(*keys, "mean_amount", "method")
        for name, marts in (("combined", spoken), ("alone", silent))
    }
    beside = shown.join(ends["combined"], on=keys).join(ends["alone"], on=keys, suffix="_alone")

    assert beside.height == shown.height > 14 * 16
    assert (beside["combined_mean_amount"] == beside["mean_amount"]).all()
    assert (beside["model_mean_amount"] == beside["mean_amount_alone"]).all()
    assert set(shown["stated_on"]) == {dt.date(2020, 6, 19)}
    leaves = beside.filter(pl.col("unit_key") != ALL, pl.col("line_code") != ALL)
    assert (leaves["weight_pct"].is_between(50, 100)).all(), "this office errs less than the model"
    assert set(leaves["method"]) == {"combined"}
    assert beside.filter(unit_key=ALL)["weight_pct"].is_null().all()
    component = spoken["mart_forecast_component"]
    sums = component.group_by(keys).agg(pl.col("amount").sum())
    both = ends["combined"].join(sums, on=keys)
    assert both.height == ends["combined"].height
    assert (both["amount"] == both["mean_amount"]).all()


def test_workbooks_become_rows_by_unit_line_and_period(ledger: pl.DataFrame, history: Path) -> None:
    import openpyxl

    own = ledger.filter(
        pl.col("unit_key") == "00151@2004",
        pl.col("line_code") == "vat",
        pl.col("recorded_at") == dt.date(2020, 6, 19),
    )
    periods = dict(own.select("period_start", "period_end").iter_rows())
    assert periods == {
        dt.date(2020, 1, 1): dt.date(2020, 12, 31),
        dt.date(2020, 4, 1): dt.date(2020, 6, 30),
    }
    assert set(own["office"]) == {"finance_office"}
    assert set(own["basis"]) == {"territory"}
    assert (own["stated_on"] == own["recorded_at"]).all()
    path = history / "landing/tai_chinh/2020-06-19/Uoc thuc hien thu quy 2 nam 2020.xlsx"
    sheet = openpyxl.load_workbook(path)["Ca nam"]
    cells = next(row for row in sheet.iter_rows(values_only=True) if row[1] and "Phúc Đồng" in str(row[1]))
    assert own.filter(pl.col("period_start") == dt.date(2020, 1, 1))["amount"].item() == round(
        cells[3] * 10**6
    )
    assert "MÔ PHỎNG" in str(sheet["A2"].value)


def test_a_later_statement_of_the_year_supersedes_and_the_past_stays_known(ledger: pl.DataFrame) -> None:
    year = ledger.filter(
        pl.col("unit_key") == "00151@2004", pl.col("line_code") == "vat",
        pl.col("period_start") == dt.date(2020, 1, 1), pl.col("period_end") == dt.date(2020, 12, 31),
    )  # fmt: skip
    stands = {
        night: as_known(year, night)["recorded_at"].to_list()
        for night in (dt.date(2020, 3, 19), dt.date(2020, 5, 1), dt.date(2020, 6, 30))
    }

    assert list(stands.values()) == [[], [dt.date(2020, 3, 20)], [dt.date(2020, 6, 19)]]
    quarters = ledger.filter(pl.col("period_end") == dt.date(2020, 3, 31))
    assert quarters["superseded_at"].is_null().all(), "a quarter's statement is not withdrawn by the next's"


def test_the_engine_is_given_what_was_known_and_no_later_withdrawal(ledger: pl.DataFrame) -> None:
    authority = load_authority(DEFAULT_AUTHORITY)
    may = office_statements(authority, ledger, dt.date(2020, 5, 1))

    assert sorted(set(may["recorded_at"]))[-1] == dt.date(2020, 3, 20)
    assert may.filter(pl.col("superseded_at") > dt.date(2020, 5, 1)).is_empty()
    assert may.filter(pl.col("period_end") == dt.date(2020, 12, 31))["superseded_at"].is_null().all()


def test_an_authority_without_such_a_form_has_no_statements() -> None:
    cities = load_authority(AUTHORITIES_FOLDER / "ukraine_cities")

    assert "office_estimate" not in {form.dataset for form in cities.forms}
