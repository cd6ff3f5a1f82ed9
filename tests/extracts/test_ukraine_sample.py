"""Real receipts of two cities as a portal sends them, all three funds in one file, tied to the kopiyka.

The file is not part of the repository; without it the checks are skipped.
"""

import csv
import datetime as dt
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from authorities.loading import AUTHORITIES_FOLDER, load_authority
from expectations.validation import validate
from extracts.intake import stage_dataset, take_in
from warehouse.ledger import build_ledger

SHARED = Path(__file__).parents[3] / "shared" / "data" / "ukraine_cities"
SOURCE = SHARED / "sample_api_style_Lviv_Kharkiv_2022_all_funds.csv"
AS_OF = dt.date(2023, 1, 31)

pytestmark = pytest.mark.skipif(
    not SOURCE.is_file(), reason="the real data are not at hand: ../shared/data/ukraine_cities"
)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The register, and staged receipts and plans."""
    folder = tmp_path_factory.mktemp("ukraine")
    (folder / "landing").mkdir()
    (folder / "landing" / "openbudget_incomes_2022.csv").write_bytes(SOURCE.read_bytes())
    authority = load_authority(AUTHORITIES_FOLDER / "ukraine_cities")
    register = take_in(authority, folder / "landing", folder / "store", AS_OF)
    receipts, plans = (
        stage_dataset(authority, "receipt", register, folder / "store"),
        stage_dataset(authority, "estimate", register, folder / "store"),
    )
    return register, receipts, plans


def independent(column: str, fund: str | None = "T") -> dict[tuple[str, str], int]:
    """(budget code, month) → kopiykas of a fund (all where None), by csv and decimal alone."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    with SOURCE.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            if fund in {None, row["FUND_TYP"]}:
                sums[row["COD_BUDGET"], row["REP_PERIOD"]] += int(Decimal(row[column] or 0) * 100)
    return dict(sums)


def by_code_and_month(staged: pl.DataFrame) -> dict[tuple[str, str], int]:
    dated = staged.with_columns(
        pl.col("unit_key").str.head(11).alias("code"), pl.col("scope_to").dt.strftime("%m.%Y").alias("month")
    )
    summed = dated.group_by("code", "month").agg(pl.col("amount").sum())
    return {(code, month): amount for code, month, amount in summed.iter_rows()}


def test_only_the_total_fund_is_kept_and_the_others_are_counted(
    taken: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
) -> None:
    register, receipts, _ = taken
    with SOURCE.open(encoding="utf-8-sig", newline="") as file:
        funds = [row["FUND_TYP"] for row in csv.DictReader(file, delimiter=";")]

    row = register.row(by_predicate=pl.col("dataset") == "receipt", named=True)
    assert (row["rows_received"], row["rows_data"]) == (len(funds), funds.count("T"))
    assert row["rows_not_data"] == funds.count("C") + funds.count("S") > 0
    assert receipts.height == funds.count("T")


@pytest.mark.parametrize(("dataset", "column"), [("receipt", "FAKT_AMT"), ("estimate", "ZAT_AMT")])
def test_sums_tie_to_the_kopiyka_by_city_and_month(
    taken: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame], dataset: str, column: str
) -> None:
    register, receipts, plans = taken
    staged = receipts if dataset == "receipt" else plans
    source = independent(column)

    assert by_code_and_month(staged) == source
    stated = register.row(by_predicate=pl.col("dataset") == dataset, named=True)["amount_received"]
    assert stated == sum(source.values())
    assert sum(source.values()) != sum(independent(column, None).values())


def test_the_ledger_holds_the_same_money(taken: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]) -> None:
    _, receipts, _ = taken
    checked = validate("receipt", receipts)

    ledger = build_ledger("receipt", checked.accepted, checked.unallocated, receipts)

    assert checked.quarantine.is_empty()
    assert int(ledger["amount"].sum()) == sum(independent("FAKT_AMT").values())


def test_a_file_without_the_fund_column_is_refused_rather_than_counted_thrice(tmp_path: Path) -> None:
    text = SOURCE.read_text(encoding="utf-8-sig").replace("FUND_TYP", "KIND", 1)
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "openbudget_incomes_2022.csv").write_text(text, encoding="utf-8")
    authority = load_authority(AUTHORITIES_FOLDER / "ukraine_cities")

    register = take_in(authority, tmp_path / "landing", tmp_path / "store", AS_OF)

    assert register["status"].unique().to_list() == ["unreadable"]
    assert all("the header lacks 'FUND_TYP'" in problem for problem in register["problem"])
