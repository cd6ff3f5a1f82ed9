"""The same job, by configuration alone, on real data: 25 Ukrainian cities, cumulative receipts and plans."""

import csv
import gzip
import shutil
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.pipelines.conftest import Wardcast, read

DATA = Path(__file__).parents[3] / "shared" / "data" / "ukraine_cities"
NIGHT = "2022-06-30"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"real data is not beside the project ({DATA.name})"
)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, wardcast: Wardcast) -> Path:
    folder = tmp_path_factory.mktemp("cities")
    result = wardcast(
        "nightly",
        "--authority",
        "authorities/ukraine_cities",
        "--landing",
        DATA,
        "--as-of",
        NIGHT,
        "--home",
        folder,
    )
    assert result.exit_code == 0, result.output
    assert "as_found/incomes_2026-03-22_with_duplicates.parquet: no form claims this file" in result.output
    return folder


@pytest.fixture(scope="session")
def source() -> dict[str, tuple[Decimal, Decimal]]:
    """Receipts to date and plan of each city at the night's month end, added up here from the file."""
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    with gzip.open(DATA / "incomes_total_fund_2021-01_2026-06.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["period_end"] == NIGHT:
                sums[row["city"]][0] += Decimal(row["ytd_actual_uah"])
                sums[row["city"]][1] += Decimal(row["annual_plan_uah"])
    return {city: (collected, plan) for city, (collected, plan) in sums.items()}


def territory(home: Path) -> pl.DataFrame:
    return read(home, "mart_unit_position").filter(pl.col("basis") == "territory")


def test_positions_of_all_places_tie_to_the_source_to_the_kopiyka(
    home: Path, source: dict[str, tuple[Decimal, Decimal]]
) -> None:
    adjusted = territory(home).filter(pl.col("estimate_version") == "adjusted")
    assert adjusted.filter(pl.col("unit_key") == "ALL")["collected_amount"].item() == Decimal(
        "100448194199.87"
    )
    places = {"R_Rivne": "Rivne oblast", "R_Vinnytsia": "Vinnytsia oblast"}
    expected = {places.get(city, city): sums for city, sums in source.items()}
    units = adjusted.filter(~pl.col("unit_key").is_in(["ALL"]))
    found = {
        row["unit_name"]: (row["collected_amount"], row["estimate_amount"])
        for row in units.iter_rows(named=True)
    }
    assert len(found) == 25
    assert found == expected


def test_plans_have_an_initial_and_an_adjusted_version(home: Path) -> None:
    versions = territory(home).filter(pl.col("unit_key") == "ALL").sort("estimate_version")
    assert versions["estimate_version"].to_list() == ["adjusted", "initial"]
    assert versions["estimate_amount"][0] != versions["estimate_amount"][1]


def test_every_place_has_a_forecast_and_what_is_not_there_says_so(home: Path) -> None:
    forecast = read(home, "mart_year_end_forecast").filter(
        pl.col("line_code") == "ALL", pl.col("basis") == "territory", pl.col("scenario") == "base"
    )
    assert forecast.height == 26
    assert (forecast["p10_amount"] <= forecast["p90_amount"]).all()
    assert set(read(home, "mart_line_position")["basis"]) == {"territory", "entitled"}
    assert read(home, "mart_spending_position").height == 0
    brief = read(home, "mart_district_brief").row(0, named=True)
    assert brief["spent_amount"] is None
    assert brief["units_above_half_recurrent"] is None


def test_a_code_that_was_split_is_not_counted_twice(home: Path) -> None:
    """From May 2022 code 14040000 stands under two new codes: its old figure has gone, not stayed."""
    receipts = pl.read_parquet(home / "lake" / "night_receipts" / f"{NIGHT}.parquet")
    assert (receipts["amount"] < 0).any()


def test_all_three_funds_are_not_double_counted(tmp_path: Path, wardcast: Wardcast) -> None:
    """The portal's own shape carries the funds C, S and their total T."""
    landing = tmp_path / "landing"
    landing.mkdir()
    sample = DATA / "sample_api_style_Lviv_Kharkiv_2022_all_funds.csv"
    shutil.copy(sample, landing / "openbudget_incomes_2022.csv")
    home = tmp_path / "home"
    result = wardcast(
        "nightly",
        "--authority",
        "authorities/ukraine_cities",
        "--landing",
        landing,
        "--as-of",
        NIGHT,
        "--home",
        home,
    )
    assert result.exit_code == 0, result.output
    with sample.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    total = sum(
        (
            Decimal(row["FAKT_AMT"])
            for row in rows
            if row["FUND_TYP"] == "T" and row["REP_PERIOD"] == "06.2022"
        ),
        Decimal(0),
    )
    found = territory(home).filter(pl.col("unit_key") == "ALL", pl.col("estimate_version") == "initial")
    assert found["collected_amount"].item() == total
    register = pl.read_parquet(home / "lake" / "raw_delivery" / f"{NIGHT}.parquet")
    other_funds = sum(row["FUND_TYP"] != "T" for row in rows)
    assert register.filter(pl.col("form_code") == "api_incomes")["rows_not_data"].item() == other_funds
