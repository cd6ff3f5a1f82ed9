"""Extracts straight from a database: asked once a night, kept as a file that came then; real databases."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import create_engine, text

from extracts.intake import stage_dataset, take_in
from extracts.landing import LandingError
from tests.extracts.conftest import AS_OF, Office, build_authority
from tests.warehouse.conftest import database, postgres_server

__all__ = ["database", "postgres_server"]
FORM = """
form_code: treasury_view
title: Receipts as the treasury's own view has them
sender: treasury
dataset: receipt
database:
  url_variable: TREASURY_URL
  query: |
    SELECT day AS "Ngày", document AS "Số chứng từ", unit AS "Mã", item AS "Tiểu mục", payer AS "Người nộp",
           amount AS "Số tiền"
    FROM receipts WHERE day <= :night ORDER BY document
columns:
  - {field: posting_date, header: [Ngày]}
  - {field: document_no, header: [Số chứng từ]}
  - {field: unit_code, header: [Mã]}
  - {field: item_code, header: [Tiểu mục]}
  - {field: taxpayer_name, header: [Người nộp]}
  - {field: amount, header: [Số tiền]}
numbers: {decimal: '.'}
date_order: ymd
period: {rule: row, length: day}
received: {rule: folder}
"""
ROWS = [
    ("2020-06-29", "A1", 145, "0950", "Trần Văn Kín", "1234567.5"),
    ("2020-06-30", "A2", 118, "1701", None, "-2000"),
    ("2020-07-01", "A3", 145, "1701", None, "9"),
]


@pytest.fixture
def asked(tmp_path: Path) -> Office:
    """An office one of whose forms comes from a database."""
    build_authority(tmp_path / "small")
    (tmp_path / "small" / "forms" / "treasury_view.yaml").write_text(FORM, encoding="utf-8")
    office = Office(build_authority(tmp_path / "small"), tmp_path)
    office.landing.mkdir()
    return office


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with three receipts."""
    if request.param == "postgresql":
        return filled(request.getfixturevalue("database").url())
    return filled(f"{request.param}:///{tmp_path / 'treasury.db'}")


def filled(url: str) -> str:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE receipts (day DATE, document TEXT, unit INTEGER, item TEXT, payer TEXT, "
                "amount NUMERIC(20, 2))"
            )
        )
        for row in ROWS:
            names = dict(zip(("day", "document", "unit", "item", "payer", "amount"), row, strict=True))
            connection.execute(
                text("INSERT INTO receipts VALUES (:day, :document, :unit, :item, :payer, :amount)"), names
            )
    engine.dispose()
    return url


def night(office: Office, url: str | None, as_of: dt.date = AS_OF) -> pl.DataFrame:
    return take_in(office.authority, office.landing, office.store, as_of, {"TREASURY_URL": url}.get)


def test_rows_of_a_query_are_staged_as_those_of_a_file_received_that_night(asked: Office, url: str) -> None:
    register = night(asked, url)
    staged = stage_dataset(asked.authority, "receipt", register, asked.store)

    row = register.row(0, named=True)
    assert (row["source_file"], row["status"]) == ("database/2020-06-30/treasury_view.parquet", "read")
    assert (row["received_on"], row["received_assumed"]) == (AS_OF, False)
    assert staged.select("row_number", "unit_key", "item_code", "document_no", "amount").rows() == [
        (2, "00145@2004", "0950", "A1", 1_234_568),
        (3, "00118@2004", "1701", "A2", -2000),
    ]
    assert staged["posting_date"].to_list() == [dt.date(2020, 6, 29), AS_OF]
    assert set(staged["recorded_at"]) == {AS_OF}


def test_a_night_is_asked_once_and_stands_when_the_database_has_changed(
    asked: Office, tmp_path: Path
) -> None:
    url = filled(f"sqlite:///{tmp_path / 'treasury.db'}")
    first = night(asked, url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE receipts SET amount = 1"))
    engine.dispose()

    assert night(asked, url).equals(first)
    later = night(asked, url, AS_OF + dt.timedelta(days=1))
    assert sorted(later["amount_received"]) == [3, 1_234_568 - 2000]
    again = night(asked, None)
    assert dict(zip(again["source_file"], again["status"], strict=True)) == {
        "database/2020-06-30/treasury_view.parquet": "read",
        "database/2020-07-01/treasury_view.parquet": "not_yet_received",
    }


def test_what_a_database_gave_is_for_the_owner_alone(asked: Office, tmp_path: Path) -> None:
    night(asked, filled(f"sqlite:///{tmp_path / 'treasury.db'}"))

    [kept] = (asked.store / "database").rglob("*.parquet")
    assert kept.stat().st_mode & 0o777 == 0o400
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert not list(asked.store.rglob("*.half"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "the environment variable TREASURY_URL is not set"),
        ("no url", "TREASURY_URL is no usable SQLAlchemy URL"),
        ("nodb://user:geheim@host/x", "TREASURY_URL is no usable SQLAlchemy URL"),
        ("postgresql+psycopg://user:geheim@127.0.0.1:1/x", "the database named by TREASURY_URL refuses"),
        ("sqlite:///{folder}/other.db", "refuses: no such table: receipts"),
    ],
)
def test_a_database_that_cannot_be_asked_refuses_the_night_without_its_password(
    asked: Office, tmp_path: Path, url: str | None, said: str
) -> None:
    with pytest.raises(LandingError) as refused:
        night(asked, url.format(folder=tmp_path) if url else None)

    assert said in str(refused.value)
    assert "geheim" not in str(refused.value)
    assert not list(asked.store.rglob("*.parquet"))


def test_a_query_that_gives_too_much_is_stopped_on_the_way(asked: Office, tmp_path: Path) -> None:
    settings = asked.authority.settings
    limits = settings.limits.model_copy(update={"table_cells": 10})
    narrow = asked.authority.model_copy(update={"settings": settings.model_copy(update={"limits": limits})})

    with pytest.raises(LandingError, match=r"more than the limit 'table_cells' of 10 allows"):
        night(Office(narrow, asked.folder), filled(f"sqlite:///{tmp_path / 'treasury.db'}"))
    assert not [path for path in asked.store.rglob("*") if path.is_file()]
