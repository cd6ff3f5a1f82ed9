"""Twenty-five years of a real file as published, tied to the centavo: Latin-1, month names, mixed decimals.

The file is not part of the repository; without it the checks are skipped.
"""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from authorities.loading import AUTHORITIES_FOLDER, load_authority
from expectations.validation import Validation, validate
from extracts.intake import stage_dataset, take_in

SHARED = Path(__file__).parents[3] / "shared" / "data" / "brazil_federal"
SOURCE = SHARED / "arrecadacao-estado.csv"
COMMA_GROUPS_THOUSANDS = {2001, 2002}
MONTHS = {
    "janeiro": 1, "fevereiro": 2, "março": 3, "abril": 4, "maio": 5, "junho": 6, "julho": 7, "agosto": 8,
    "setembro": 9, "outubro": 10, "novembro": 11, "dezembro": 12,
}  # fmt: skip

pytestmark = pytest.mark.skipif(
    not SOURCE.is_file(), reason="the real data are not at hand: ../shared/data/brazil_federal"
)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame, Validation]:
    """The register, the staged rows, and what became of them."""
    store = tmp_path_factory.mktemp("brazil")
    authority = load_authority(AUTHORITIES_FOLDER / "brazil_federal")
    register = take_in(authority, SHARED, store, dt.date(2025, 1, 31))
    staged = stage_dataset(authority, "receipt", register, store)
    return register, staged, validate("receipt", staged)


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    """Every filled cell of the file with its year, month, state, column, and centavos where readable."""
    table = pd.read_csv(SOURCE, sep=";", encoding="iso-8859-1", dtype=str).dropna(how="all")
    long = table.melt(["Ano", "Mês", "UF"], var_name="column", value_name="text").dropna(subset="text")
    long["year"], long["month"] = long["Ano"].astype(int), long["Mês"].str.lower().map(MONTHS)
    long["centavos"] = [centavos(text, year) for text, year in zip(long["text"], long["year"], strict=True)]
    return long


def centavos(text: str, year: int) -> int | None:
    """A number's centavos, half away from zero; None where its thousands are no threes."""
    if year in COMMA_GROUPS_THOUSANDS:
        groups = text.removeprefix("-").split(",")
        if any(len(group) != 3 for group in groups[1:]):
            return None
        plain = text.replace(",", "")
    else:
        plain = text.replace(".", "").replace(",", ".")
    return int((Decimal(plain) * 100).to_integral_value(ROUND_HALF_UP))


def test_every_row_and_cell_is_accounted_for(
    taken: tuple[pl.DataFrame, pl.DataFrame, Validation], cells: pd.DataFrame
) -> None:
    register, staged, judged = taken
    row = register.filter(pl.col("status") == "read").row(0, named=True)

    assert (row["rows_received"], row["rows_data"], row["rows_not_data"]) == (8100, 8100, 0)
    assert row["notes"] == "its letters are no Unicode and were read as Windows-1252"
    assert staged.height == len(cells)
    assert judged.accepted.height + judged.quarantine.height == staged.height
    assert judged.unallocated.is_empty()


def test_numbers_that_lost_their_zeros_are_held_and_no_others(
    taken: tuple[pl.DataFrame, pl.DataFrame, Validation], cells: pd.DataFrame
) -> None:
    _, _, judged = taken
    unreadable = cells[cells["centavos"].isna()]

    assert 0 < len(unreadable) < len(cells) / 500
    assert set(judged.quarantine["rule"]) == {"amount_is_a_number"}
    assert judged.quarantine.height == len(unreadable)


def test_all_money_ties_to_the_centavo_by_state_and_month(
    taken: tuple[pl.DataFrame, pl.DataFrame, Validation], cells: pd.DataFrame
) -> None:
    register, _, judged = taken
    readable = cells.dropna(subset="centavos")
    expected = readable.groupby(["UF", "year", "month"])["centavos"].sum().astype("int64")
    found = judged.accepted.group_by(
        pl.col("unit_key").str.head(2).alias("UF"),
        pl.col("posting_date").dt.year().alias("year"),
        pl.col("posting_date").dt.month().alias("month"),
    ).agg(pl.col("amount").sum())

    assert len(expected) == 27 * 300
    assert {(uf, year, month): amount for uf, year, month, amount in found.iter_rows()} == expected.to_dict()
    assert register.filter(pl.col("status") == "read")["amount_received"].item() == expected.sum()


def test_lines_open_and_close(taken: tuple[pl.DataFrame, pl.DataFrame, Validation]) -> None:
    _, _, judged = taken
    years = judged.accepted.group_by("line_code").agg(
        pl.col("posting_date").dt.year().min().alias("first"),
        pl.col("posting_date").dt.year().max().alias("last"),
    )
    spans = {line: (first, last) for line, first, last in years.iter_rows()}

    assert len(spans) == 42
    assert (spans["cofins"], spans["cofins_other"]) == ((2000, 2003), (2004, 2024))
    assert (spans["pension_own"], spans["pension"]) == ((2005, 2017), (2017, 2024))
