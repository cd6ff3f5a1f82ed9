"""Watched items: each unit's money of one item, held against last year as its lines are."""

from decimal import Decimal

import polars as pl

from authorities.model import ALL
from tests.warehouse.district import LINE_OF, A, B, day, delivery, district
from warehouse.item_positions import item_position
from warehouse.ledger import as_known, build_ledger, flows, unknown_cells
from warehouse.positions import Night, basis_receipts, positions
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.ledger import QUARANTINE
from warehouse.tables.staging import STG_ESTIMATE

NIGHT = day("06-30")
NOTHING = unknown_cells(empty_frame(QUARANTINE), "receipt")
COMPLETE = pl.DataFrame(
    {"unit_key": [A, B, ALL], "last_complete_day": [day("06-30"), day("06-15"), day("06-15")]}
)
RECEIPTS = delivery(
    1, "06-30", (A, "2101", "2019-01-01", 1), (B, "2101", "2019-01-01", 1), (A, "1701", "2019-06-30", 50),
    (A, "1701", "2019-07-01", 7), (B, "1701", "2019-06-20", 30), (B, "1701", "2019-06-01", 10),
    (A, "1701", "02-01", 80), (B, "1701", "06-20", 5), (A, "2101", "03-01", 999), (None, "1701", "04-01", 3),
)  # fmt: skip


def mart(*watched: str) -> pl.DataFrame:
    authority = district(watched_items=watched)
    rows = RECEIPTS.with_columns(pl.col("unit_key").fill_null("UNALLOCATED"))
    known = as_known(build_ledger("receipt", rows, rows.clear(), RECEIPTS), NIGHT)
    moved = flows(known, ["unit_key", "item_code", "line_code"], 1)
    estimates = pl.DataFrame(schema={
        **{name: polars_schema(STG_ESTIMATE)[name] for name in ("unit_key", "line_code", "fiscal_year")},
        "basis": pl.String, "estimate_version": pl.String, "amount": pl.Int64,
    })  # fmt: skip
    placed = positions(
        authority,
        Night(NIGHT, day("06-15"), 2020),
        basis_receipts(authority, moved, NIGHT),
        estimates,
        COMPLETE,
    )
    return item_position(authority, NIGHT, known, NOTHING, placed)


def test_each_unit_stands_against_last_year_up_to_its_own_day_and_all_is_their_sum() -> None:
    rows = {row["unit_key"]: row for row in mart("1701").iter_rows(named=True)}
    assert {key: row["collected_amount"] for key, row in rows.items()} == {
        A: 80, B: 5, ALL: 88, "UNALLOCATED": 3,
    }  # fmt: skip
    assert {key: row["same_period_amount"] for key, row in rows.items()} == {
        A: 50, B: 10, ALL: 60, "UNALLOCATED": 0,
    }  # fmt: skip
    assert rows[A]["same_period_pct"] == 160.0
    assert rows["UNALLOCATED"]["same_period_pct"] is None
    assert {row["line_code"] for row in rows.values()} == {LINE_OF["1701"]}
    assert rows[A]["collected_amount"] == Decimal("80.00")


def test_every_unit_has_a_row_for_each_item_even_without_money() -> None:
    rows = mart("1401", "1701")
    assert rows.filter(item_code="1401", unit_key=B)["collected_amount"].item() == 0
    assert set(rows["item_code"]) == {"1401", "1701"}
    assert mart().is_empty()
