"""A real bad redelivery: keys twice, rows without a city, codes as floats. The ledger ends as before.

The files are not part of the repository; without them the checks are skipped.
"""

import datetime as dt
import shutil
import textwrap
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from authorities.loading import AUTHORITIES_FOLDER, load_authority
from expectations.suites import explanation_of
from expectations.validation import Validation, validate
from extracts.intake import stage_dataset, take_in
from warehouse.ledger import as_known, build_ledger

SHARED = Path(__file__).parents[3] / "shared" / "data" / "ukraine_cities"
HISTORY = SHARED / "incomes_total_fund_2021-01_2026-06.csv.gz"
BROKEN = SHARED / "as_found" / "incomes_2026-03-22_with_duplicates.parquet"
RECEIVED = dt.date(2026, 8, 15)
FORM = r"""
    form_code: portal_snapshot
    title: Snapshot of the portal's table
    sender: treasury
    dataset: receipt
    recognise: {file_name: '(^|/)\d{4}-\d{2}-\d{2}/incomes_[^/]*\.parquet$'}
    columns:
      - {field: period_end, header: [REP_PERIOD]}
      - {field: unit_name, header: [CITY]}
      - {field: unit_code, header: [COD_BUDGET]}
      - {field: item_code, header: [COD_INCO]}
      - {field: amount, header: [FAKT_AMT]}
    numbers: {decimal: '.'}
    date_order: ymd
    keep: {header: FUND_TYP, keep: '^T$'}
    cumulative: true
    period: {rule: row, length: month, of: unit}
    received: {rule: folder}
"""
FIGURE = ["unit_key", "item_code", "posting_date", "amount"]

pytestmark = pytest.mark.skipif(
    not BROKEN.is_file(), reason="the real data are not at hand: ../shared/data/ukraine_cities"
)


@dataclass(frozen=True)
class Taken:
    register: pl.DataFrame
    judged: Validation
    ledger: pl.DataFrame

    def figures(self, as_of: dt.date) -> pl.DataFrame:
        return as_known(self.ledger, as_of).select(FIGURE).sort(FIGURE)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Taken, Taken]:
    """What the office knew before the redelivery came, and after."""
    folder = tmp_path_factory.mktemp("redelivery")
    shutil.copytree(AUTHORITIES_FOLDER / "ukraine_cities", folder / "cities")
    (folder / "cities" / "forms" / "portal_snapshot.yaml").write_text(textwrap.dedent(FORM), encoding="utf-8")
    (folder / "landing" / str(RECEIVED)).mkdir(parents=True)
    shutil.copy(HISTORY, folder / "landing")
    before = take(folder)
    shutil.copy(BROKEN, folder / "landing" / str(RECEIVED))
    return before, take(folder)


def take(folder: Path) -> Taken:
    authority = load_authority(folder / "cities")
    register = take_in(authority, folder / "landing", folder / "store", RECEIVED)
    staged = stage_dataset(authority, "receipt", register, folder / "store")
    judged = validate("receipt", staged)
    return Taken(register, judged, build_ledger("receipt", judged.accepted, judged.unallocated, staged))


def test_the_ledger_ends_as_it_stood_to_the_kopiyka(nights: tuple[Taken, Taken]) -> None:
    before, after = nights

    assert before.figures(RECEIVED).height == 113_467
    assert after.figures(RECEIVED).equals(before.figures(RECEIVED))
    replaced = as_known(after.ledger, RECEIVED).filter(pl.col("source_file").str.contains("duplicates"))
    assert replaced.height > 100_000


def test_nights_before_it_came_are_not_touched(nights: tuple[Taken, Taken]) -> None:
    before, after = nights
    eve = RECEIVED - dt.timedelta(days=1)

    assert after.figures(eve).equals(before.figures(eve))


def test_the_quarantine_says_in_one_line_what_was_wrong(nights: tuple[Taken, Taken]) -> None:
    before, after = nights
    lines = after.judged.quarantine.group_by("dataset", "rule", "outcome", "source_file").len()

    assert before.judged.quarantine.is_empty()
    assert lines.rows() == [
        ("receipt", "figure_not_repeated", "held", f"{RECEIVED}/{BROKEN.name}", repeated_figures())
    ]
    assert "states the same figure" in explanation_of("receipt", "figure_not_repeated")


def repeated_figures() -> int:
    """Rows that repeat a place, month and code, by pandas: places by code alone, as a number of any shape."""
    table = pd.read_parquet(BROKEN)
    total = table[table["FUND_TYP"] == "T"]
    codes = pd.read_csv(SHARED / "as_found" / "city_codes.csv", dtype=str)
    place = {Decimal(code): city for code, city in zip(codes["value"], codes["city"], strict=True)}
    keys = pd.DataFrame(
        {"place": total["COD_BUDGET"].map(lambda code: place[Decimal(code)]), "month": total["REP_PERIOD"],
         "item": total["COD_INCO"]}
    )  # fmt: skip
    return int(keys.duplicated().sum())


def test_rows_of_other_funds_are_counted_and_left(nights: tuple[Taken, Taken]) -> None:
    _, after = nights
    row = after.register.filter(pl.col("form_code") == "portal_snapshot").row(0, named=True)

    assert (row["status"], row["rows_received"], row["rows_data"]) == ("read", 231_016, 114_956)
    assert row["rows_received"] == row["rows_data"] + row["rows_not_data"]
