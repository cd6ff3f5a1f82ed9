"""Recurrent revenue against recurrent spending, with and without transfers, and how they may be drawn."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from authorities.loading import load_authority
from authorities.model import Authority
from authorities.warning_rules import TransferDrawdown
from warehouse.projections import empty_frame, polars_schema
from warehouse.recurrent_balance import recurrent_balance
from warehouse.tables.marts import (
    MART_LINE_POSITION,
    MART_RECURRENT_BALANCE,
    MART_SPENDING_POSITION,
    MART_YEAR_END_FORECAST,
)

NIGHT = dt.date(2020, 6, 30)
WARD = "00115@2004"
LEVELS = {"p05": 90, "p10": 92, "p25": 96, "p50": 100, "p75": 104, "p90": 108, "p95": 110}


@pytest.fixture(scope="module")
def authority() -> Authority:
    from authorities.loading import DEFAULT_AUTHORITY

    return load_authority(DEFAULT_AUTHORITY)


def frame(table, rows, **common) -> pl.DataFrame:
    common = {"as_of": NIGHT, "publication_id": "", **common}
    return pl.DataFrame([common | row for row in rows], schema=polars_schema(table), orient="row")


def forecast(**changed) -> pl.DataFrame:
    row = {"unit_key": WARD, "line_code": "ALL", "basis": "recurrent", "scenario": "base"} | changed
    return frame(
        MART_YEAR_END_FORECAST,
        [row | {f"{name}_amount": Decimal(amount) for name, amount in LEVELS.items()}],
    )


def spending(amount: int | None, kind: str = "recurrent") -> pl.DataFrame:
    row = {"unit_key": WARD, "spending_kind": kind, "spent_amount": Decimal(0)}
    return frame(
        MART_SPENDING_POSITION, [row | {"estimate_amount": None if amount is None else Decimal(amount)}]
    )


def transfers(amount: int | None) -> pl.DataFrame:
    row = {"unit_key": WARD, "line_code": "transfer", "basis": "entitled", "estimate_version": "initial",
           "estimate_amount": None if amount is None else Decimal(amount)}  # fmt: skip
    return frame(MART_LINE_POSITION, [row])


def balance_of(authority, spent=None, transfer=None, ends=None):
    spent = spending(100) if spent is None else spent
    transfer = transfers(None) if transfer is None else transfer
    made = recurrent_balance(authority, NIGHT, forecast() if ends is None else ends, spent, transfer)
    return made.filter(pl.col("unit_key") == WARD).row(0, named=True)


@pytest.mark.parametrize(
    ("planned", "probability"),
    [(100, 0.5), (92, 0.10), (102, 0.625), (110, 0.95), (116, 1.0), (130, 1.0), (84, 0.0), (10, 0.0)],
)
def test_the_probability_of_a_gap_follows_the_quantiles(authority, planned, probability):
    row = balance_of(authority, spending(planned))
    assert row["gap_probability"] == pytest.approx(probability)
    assert row["cover_ratio"] == pytest.approx(100 / planned)
    assert row["balance_status"] == "transfers_unknown"


def test_transfers_count_where_an_estimate_names_them(authority):
    row = balance_of(authority, spending(300), transfers(200))
    assert (row["gap_probability"], row["cover_ratio"]) == (pytest.approx(0.5), pytest.approx(1.0))
    assert row["balance_status"] == "complete"
    assert (row["transfer_estimate_amount"], row["transfer_drawable_amount"]) == (200, 110)


@pytest.mark.parametrize(
    ("month", "percent"),
    [
        (1, 12),
        (2, 24),
        (3, 30),
        (4, 30 + Decimal(100) / 12),
        (6, 55),
        (11, 30 + Decimal(800) / 12),
        (12, 100),
    ],
)
def test_a_transfer_is_drawn_by_the_circulars_rule(month, percent):
    """Thông tư 344/2016/TT-BTC, điều 12 khoản 4 điểm d."""
    rule = TransferDrawdown(line_code="transfer")
    assert rule.drawable_pct(month) == pytest.approx(percent)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"spent": spending(None)}, "no_spending_estimate"),
        ({"spent": spending(100, "development")}, "no_spending_estimate"),
        ({"ends": forecast(basis="territory")}, "no_forecast"),
    ],
)
def test_what_lacks_is_said_and_left_empty(authority, parts, status):
    row = balance_of(authority, **parts)
    assert row["balance_status"] == status
    assert (row["gap_probability"], row["cover_ratio"]) == (None, None)


def test_every_ward_in_force_and_the_authority_have_a_row(authority):
    made = recurrent_balance(authority, NIGHT, forecast(), spending(100), transfers(None))
    assert set(made["unit_key"]) == {unit.unit_key for unit in authority.units_on(NIGHT)} | {"ALL"}
    assert dict(made.schema) == polars_schema(MART_RECURRENT_BALANCE)


def test_without_a_recurrent_basis_there_are_no_rows(authority):
    settings = authority.settings.model_copy(update={"has_recurrent_basis": False})
    without = authority.model_copy(update={"settings": settings})
    made = recurrent_balance(without, NIGHT, forecast(), spending(100), empty_frame(MART_LINE_POSITION))
    assert made.is_empty()
