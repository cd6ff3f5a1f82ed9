"""Recurrent revenue against recurrent spending, with and without transfers, and how they may be drawn."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from authorities.loading import load_authority
from authorities.model import Authority, BalancingTransfer
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

    return load_authority(DEFAULT_AUTHORITY).model_copy(update={"balancing_transfers": ()})


def assigned(authority: Authority, amounts: dict[str, int], **changed) -> Authority:
    """The authority with balancing transfers by unit code, from 2017 to 2020."""
    held = {
        "valid_from": dt.date(2017, 1, 1),
        "valid_to": dt.date(2020, 12, 31),
        "assumed": True,
        "source": "x",
    }
    rows = [
        BalancingTransfer(unit_code=code, amount=amount, **held | changed) for code, amount in amounts.items()
    ]
    return authority.model_copy(update={"balancing_transfers": tuple(rows)})


def frame(table, rows, **common) -> pl.DataFrame:
    common = {"as_of": NIGHT, "publication_id": "", **common}
    return pl.DataFrame([common | row for row in rows], schema=polars_schema(table), orient="row")


def forecast(**changed) -> pl.DataFrame:
    row = {"unit_key": WARD, "line_code": "ALL", "basis": "recurrent", "scenario": "base",
           "collected_amount": Decimal(40)} | changed  # fmt: skip
    return frame(
        MART_YEAR_END_FORECAST,
        [row | {f"{name}_amount": Decimal(amount) for name, amount in LEVELS.items()}],
    )


def spending(amount: int | None, kind: str = "recurrent", spent: int = 0) -> pl.DataFrame:
    row = {"unit_key": WARD, "spending_kind": kind, "spent_amount": Decimal(spent)}
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


def test_what_the_authority_assigns_counts_where_no_estimate_names_a_transfer(authority):
    row = balance_of(assigned(authority, {"00115": 200}), spending(300))
    assert (row["transfer_estimate_amount"], row["transfer_drawable_amount"]) == (200, 110)
    assert (row["gap_probability"], row["cover_ratio"]) == (pytest.approx(0.5), pytest.approx(1.0))
    assert row["balance_status"] == "transfers_assumed"
    sourced = balance_of(assigned(authority, {"00115": 200}, assumed=False), spending(300))
    assert sourced["balance_status"] == "complete"


def test_an_estimate_goes_before_what_is_assigned(authority):
    row = balance_of(assigned(authority, {"00115": 999}), spending(300), transfers(200))
    assert (row["transfer_estimate_amount"], row["balance_status"]) == (200, "complete")


def test_a_unit_assigned_nothing_is_known_to_have_nothing(authority):
    row = balance_of(assigned(authority, {"00115": 0}), spending(100))
    assert (row["transfer_estimate_amount"], row["balance_status"]) == (0, "transfers_assumed")


def test_another_units_or_another_periods_transfer_is_not_counted(authority):
    for other in (
        assigned(authority, {"00118": 200}),
        assigned(authority, {"00115": 200}, valid_to=dt.date(2019, 12, 31)),
    ):
        assert balance_of(other, spending(300))["balance_status"] == "transfers_unknown"


@pytest.mark.parametrize(("lacking", "whole"), [(0, 14 * 7), (1, None)])
def test_the_authoritys_transfer_is_known_where_every_units_is(authority, lacking, whole):
    codes = [unit.code for unit in authority.units_on(NIGHT)][lacking:]
    made = recurrent_balance(
        assigned(authority, dict.fromkeys(codes, 7)), NIGHT, forecast(), spending(100), transfers(None)
    )
    assert made.filter(unit_key="ALL")["transfer_estimate_amount"].to_list() == [whole]


@pytest.mark.parametrize(("spent", "headroom"), [(100, 50), (150, 0), (160, -10)])
def test_headroom_counts_of_a_transfer_what_may_be_drawn_by_the_night(authority, spent, headroom):
    """40 have come and 55% of 200 may be drawn by June: 150 could be spent."""
    row = balance_of(assigned(authority, {"00115": 200}), spending(300, spent=spent))
    assert row["recurrent_headroom_amount"] == headroom


def test_without_a_transfer_known_there_is_no_headroom(authority):
    assert balance_of(authority, spending(300))["recurrent_headroom_amount"] is None


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
