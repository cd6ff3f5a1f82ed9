"""Versions of estimates with their decisions, and shares of any of them, a mid-year reset among them."""

import polars as pl
import pytest

from authorities.model import ALL
from tests.warehouse.district import A, B, day, delivery, district, estimates
from warehouse.estimate_versions import estimate_versions
from warehouse.ledger import as_known, build_ledger, flows, in_effect, standing_estimates
from warehouse.marts import at_the_edge
from warehouse.positions import Night, basis_estimates, basis_receipts, positions
from warehouse.tables.marts import MART_ESTIMATE_VERSION


def decided(frame: pl.DataFrame, number: str, on: str, since: str | None = None) -> pl.DataFrame:
    return frame.with_columns(
        decision_no=pl.lit(number), decided_on=pl.lit(day(on)), approved_by=pl.lit("UBND quận"),
        effective_from=pl.lit(day(since) if since else None, pl.Date),
    )  # fmt: skip


STATED = pl.concat(
    [
        decided(estimates(1, "01-02", "initial", (A, "vat", 100), (B, "vat", 50)), "1/QĐ", "01-01"),
        decided(estimates(2, "05-20", "supplemented", (A, "vat", 130)), "7/QĐ", "05-19"),
        decided(estimates(3, "06-20", "adjusted", (A, "vat", 60), (B, "vat", 40)), "9/QĐ", "06-18", "07-01"),
    ]
)
LEDGER = build_ledger("estimate", STATED, STATED.clear(), STATED)
RECEIPTS = delivery(9, "06-15", (A, "1701", "06-15", 30), (B, "1701", "06-15", 20))


def known(night: str) -> pl.DataFrame:
    return in_effect(as_known(LEDGER, day(night)), day(night))


def mart(night: str) -> pl.DataFrame:
    return estimate_versions(day(night), known(night), LEDGER.clear()).sort("unit_key", "estimate_version")


def of(rows: pl.DataFrame, unit: str) -> list[tuple[str, int, int | None, bool]]:
    own = rows.filter(pl.col("unit_key") == unit)
    return own.select("estimate_version", "estimate_amount", "change_amount", "is_latest").rows()


def test_each_version_has_its_decision_and_its_change() -> None:
    rows = mart("06-30")

    assert of(rows, A) == [("initial", 100, None, False), ("supplemented", 130, 30, True)]
    assert of(rows, B) == [("initial", 50, None, True)]
    told = rows.filter(pl.col("unit_key") == A).select(
        "decision_no", "decided_on", "approved_by", "received_on"
    )
    assert told.rows()[1] == ("7/QĐ", day("05-19"), "UBND quận", day("05-20"))
    at_the_edge(rows, MART_ESTIMATE_VERSION, district())


def test_the_authority_s_version_counts_units_without_it_by_the_one_before() -> None:
    assert of(mart("06-30"), ALL) == [("initial", 150, None, False), ("supplemented", 180, 30, True)]


def test_a_reset_holds_from_its_day_and_not_from_when_it_was_known() -> None:
    assert of(mart("07-01"), ALL) == [
        ("adjusted", 100, -80, True), ("initial", 150, None, False), ("supplemented", 180, 30, False)
    ]  # fmt: skip


def test_units_that_differ_leave_the_authority_s_decision_empty() -> None:
    other = decided(estimates(4, "01-02", "initial", (B, "vat", 50)), "2/QĐ", "01-01")
    stated = pl.concat([STATED.filter(pl.col("unit_key") == A).head(1), other])

    rows = estimate_versions(
        day("06-30"), build_ledger("estimate", stated, stated.clear(), stated), LEDGER.clear()
    )

    told = dict(rows.select("unit_key", "decision_no").rows())
    assert told == {A: "1/QĐ", B: "2/QĐ", ALL: None}


@pytest.mark.parametrize(
    ("night", "shares"),
    [
        ("06-30", {"initial": 30.0, "supplemented": 30 / 130 * 100}),
        ("07-01", {"initial": 30.0, "supplemented": 30 / 130 * 100, "adjusted": 50.0}),
    ],
)
def test_shares_are_of_every_version_that_holds(night: str, shares: dict[str, float]) -> None:
    authority, as_of = district(), day(night)
    moved = flows(as_known(build_ledger("receipt", RECEIPTS, RECEIPTS.clear(), RECEIPTS), as_of),
                  ["unit_key", "item_code", "line_code"], 1)  # fmt: skip
    plans = basis_estimates(authority, standing_estimates(known(night), ["unit_key", "line_code"]), as_of)
    complete = pl.DataFrame({"unit_key": [A, B, ALL], "last_complete_day": [as_of] * 3})
    night_of = Night(as_of, as_of, as_of.year)

    rows = positions(authority, night_of, basis_receipts(authority, moved, as_of), plans, complete)

    mine = rows.filter(pl.col("unit_key") == A, pl.col("line_code") == ALL, pl.col("basis") == "territory")
    told = dict(mine.select("estimate_version", "share_of_estimate_pct").rows())
    assert told == pytest.approx(shares)
    whole = rows.filter(pl.col("unit_key") == ALL, pl.col("line_code") == ALL, pl.col("basis") == "territory")
    assert dict(whole.select("estimate_version", "estimate_amount").rows())["supplemented"] == 180
