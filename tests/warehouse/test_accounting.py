"""Every row of every file is somewhere, and one that is nowhere, or twice, is told."""

import polars as pl

from tests.warehouse.district import A, B, day, delivery, estimates
from warehouse.accounting import account_of_files
from warehouse.ledger import build_ledger
from warehouse.projections import polars_schema
from warehouse.tables.ledger import CORE_DELIVERY, QUARANTINE

NIGHT = day("06-30")
FIRST = delivery(1, "06-15", (A, "1701", "06-15", 5), (B, "1701", "06-15", 7), scope="06-15")
SECOND = delivery(2, "06-17", (A, "1701", "06-15", 6), scope="06-15")


def register(dataset: str, *files: tuple[pl.DataFrame, int, int]) -> pl.DataFrame:
    """``core_delivery`` of files: staged rows, rows received, rows that are no data."""
    rows = [
        {
            "delivery_id": staged["delivery_id"][0], "source_file": staged["source_file"][0],
            "dataset": dataset, "status": "read", "delivery_order": staged["delivery_order"][0],
            "rows_received": received, "rows_not_data": not_data,
        }
        for staged, received, not_data in files
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=polars_schema(CORE_DELIVERY))


def held(staged: pl.DataFrame) -> pl.DataFrame:
    told = staged.with_columns(dataset=pl.lit("x"), rule=pl.lit("amount_is_a_number"), outcome=pl.lit("held"))
    schema = polars_schema(QUARANTINE)
    return told.select(pl.col(name) if name in told.columns else pl.lit(None).alias(name) for name in schema)


def told(account: pl.DataFrame) -> list[tuple[int, ...]]:
    states = ("rows_accepted", "rows_quarantined", "rows_superseded", "rows_not_data", "rows_unaccounted")
    return account.select(states).rows()


def test_accepted_superseded_quarantined_and_totals_are_all_there() -> None:
    bad = delivery(2, "06-17", (A, "1701", "06-15", 6), (B, "1701", "06-15", 7), scope="06-15")
    good, refused = bad.head(1), bad.tail(1)
    stated = pl.concat([FIRST, bad])
    ledger = build_ledger("receipt", pl.concat([FIRST, good]), FIRST.clear(), stated)
    files = register("receipt", (FIRST, 3, 1), (bad, 3, 1))

    account = account_of_files("receipt", files, ledger, held(refused), NIGHT)

    assert told(account) == [(0, 0, 2, 1, 0), (1, 1, 0, 1, 0)]


def test_a_row_that_was_lost_or_invented_is_told_with_its_file() -> None:
    ledger = build_ledger("receipt", FIRST, FIRST.clear(), FIRST)

    for received, off in ((3, 1), (1, -1)):
        account = account_of_files(
            "receipt", register("receipt", (FIRST, received, 0)), ledger, held(FIRST.clear()), NIGHT
        )
        assert account.select("source_file", "rows_unaccounted").rows() == [("06-15/file1.csv", off)]


def test_a_wide_row_counts_once_whatever_became_of_its_cells() -> None:
    row = estimates(1, "01-02", "initial", (A, "vat", 1), (A, "fees", 2), (A, "land", 3)).with_columns(
        row_number=pl.lit(7, pl.Int32)
    )
    ledger = build_ledger("estimate", row.head(2), row.clear(), row)

    account = account_of_files(
        "estimate", register("estimate", (row, 1, 0)), ledger, held(row.tail(1)), NIGHT
    )

    assert told(account) == [(0, 1, 0, 0, 0)]


def test_a_file_of_nothing_but_a_total_is_accounted_for() -> None:
    files = register("receipt", (SECOND, 1, 1))

    account = account_of_files(
        "receipt", files, build_ledger("receipt", *[FIRST.clear()] * 3), held(FIRST.clear()), NIGHT
    )

    assert told(account) == [(0, 0, 0, 1, 0)]
