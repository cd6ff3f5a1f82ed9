"""Every table is declared once; what is projected from the declaration must agree, in a real database too."""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from warehouse.projections import (
    SchemaMismatchError,
    column_rules,
    conform,
    create_statement,
    dictionary_entries,
    empty_frame,
    grain,
    polars_schema,
)
from warehouse.tables.declare import METADATA
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.ledger import CORE_DELIVERY, LEDGER, QUARANTINE
from warehouse.tables.marts import MARTS, PUBLICATION
from warehouse.tables.staging import BROKEN_RULE, PSEUDONYM, STAGED, provenance

TABLES = (*DIMENSIONS, *STAGED.values(), *LEDGER.values(), CORE_DELIVERY, QUARANTINE, *MARTS, PUBLICATION)

each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)

_SAMPLE: dict[type[pl.DataType], Any] = {
    pl.String: "Thuỵ Đ", pl.Date: dt.date(2020, 6, 30), pl.Int64: 123456789012345678, pl.Int32: 7,
    pl.Float64: 136.7, pl.Boolean: True, pl.Decimal: Decimal("123456789012345678.90"),
    pl.Datetime: dt.datetime(2020, 6, 30, 18, 30, tzinfo=dt.UTC),
}  # fmt: skip


@pytest.fixture
def database() -> Iterator[sa.Connection]:
    """An empty DuckDB in memory, reached as the warehouse reaches its own."""
    engine = sa.create_engine("duckdb:///:memory:")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET TimeZone = 'UTC'")
        yield connection
    engine.dispose()


def sample(table: sa.Table) -> pl.DataFrame:
    """Two rows of a table: one full, one with null wherever the declaration allows it."""
    full = {name: _SAMPLE[type(kind)] for name, kind in polars_schema(table).items()}
    sparse = {name: None if table.c[name].nullable else value for name, value in full.items()}
    return pl.DataFrame([full, sparse], schema=polars_schema(table), orient="row")


def test_no_declared_table_is_left_out() -> None:
    assert {table.name for table in TABLES} == set(METADATA.tables)


@each_table
def test_database_keeps_names_types_order_and_values(table: sa.Table, database: sa.Connection) -> None:
    database.exec_driver_sql(create_statement(table, database.dialect))
    raw = database.connection.driver_connection
    frame = sample(table)
    if table.primary_key.columns:
        frame = frame.head(1)
    raw.register("incoming", frame.to_arrow())
    raw.execute(f"INSERT INTO {table.name} SELECT * FROM incoming")
    back = pl.from_arrow(raw.execute(f"SELECT * FROM {table.name}").to_arrow_table())
    assert isinstance(back, pl.DataFrame)
    assert dict(back.schema) == polars_schema(table)
    assert back.equals(frame)


@each_table
def test_database_allows_null_just_where_declared(table: sa.Table, database: sa.Connection) -> None:
    database.exec_driver_sql(create_statement(table, database.dialect))
    rows = database.exec_driver_sql(
        f"SELECT column_name, is_nullable FROM duckdb_columns() WHERE table_name = '{table.name}'"
    )
    in_database = dict(tuple(row) for row in rows)
    declared = {rule.column: rule.nullable for rule in column_rules(table)}
    assert in_database == declared
    assert not any(table.c[name].nullable for name in grain(table))


@each_table
def test_a_frame_of_the_schema_conforms_and_one_with_a_forbidden_null_does_not(table: sa.Table) -> None:
    frame = sample(table)
    assert dict(conform(frame, table).schema) == polars_schema(table)
    assert dict(empty_frame(table).schema) == polars_schema(table)
    required = [rule.column for rule in column_rules(table) if not rule.nullable]
    for name in required:
        broken = frame.with_columns(pl.lit(None, frame.schema[name]).alias(name))
        with pytest.raises(SchemaMismatchError, match=f"{table.name}: null .*'{name}': 2"):
            conform(broken, table)


@each_table
def test_rules_and_dictionary_tell_the_same_as_the_schema(table: sa.Table) -> None:
    rules, entries = column_rules(table), dictionary_entries([table])
    schema = polars_schema(table)
    assert [rule.column for rule in rules] == [entry.column for entry in entries] == list(schema)
    assert [rule.polars_type for rule in rules] == list(schema.values())
    assert [(rule.nullable, rule.values) for rule in rules] == [(e.nullable, e.values) for e in entries]
    assert [entry.column for entry in entries if entry.grain] == grain(table)
    assert {(entry.table, entry.layer) for entry in entries} == {(table.name, table.info["layer"])}


@each_table
def test_every_column_explains_itself(table: sa.Table) -> None:
    assert table.comment
    for entry in dictionary_entries([table]):
        assert entry.comment.strip(), f"{entry.table}.{entry.column} has no comment"
        assert not entry.comment.endswith("."), f"{entry.table}.{entry.column}: comments are no sentences"
        if entry.values:
            assert all(isinstance(value, str) and value for value in entry.values)


@each_table
def test_quantities_carry_their_unit_in_info_and_name(table: sa.Table) -> None:
    units = {"_pct": "%", "_pp": "percentage points", "_probability": "probability 0–1"}
    at_edge = table.info["layer"] == "mart"
    for entry in dictionary_entries([table]):
        kind = polars_schema(table)[entry.column]
        if entry.column == "amount" or entry.column.endswith("_amount") or entry.column.startswith("amount_"):
            assert entry.unit == ("currency unit" if at_edge else "minor unit"), entry
            assert kind == (pl.Decimal(20, 2) if at_edge else pl.Int64()), entry
        for suffix, unit in units.items():
            if entry.column.endswith(suffix):
                assert (entry.unit, kind) == (unit, pl.Float64()), entry
        if kind.is_numeric():
            assert entry.unit, f"{entry.table}.{entry.column} has no unit"


@pytest.mark.parametrize("dataset", list(STAGED))
def test_ledger_is_the_staged_table_with_a_second_clock_s_end(dataset: str) -> None:
    staged, ledger = polars_schema(STAGED[dataset]), polars_schema(LEDGER[dataset])
    for own in (PSEUDONYM, BROKEN_RULE):
        staged.pop(own, None)
    assert ledger == {**staged, "superseded_at": pl.Date(), "superseded_by": pl.String()}
    origin = [column.name for column in provenance()]
    assert list(staged)[: len(origin)] == origin
    assert not LEDGER[dataset].c["amount"].nullable, "money that counts is a number"


def test_only_dimensions_have_keys_in_the_database() -> None:
    assert {t.name for t in TABLES if t.primary_key.columns} == {t.name for t in DIMENSIONS}


def test_names_are_plain() -> None:
    for table in TABLES:
        for name in (table.name, *table.columns.keys()):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
