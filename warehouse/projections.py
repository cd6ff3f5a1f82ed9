"""What a table's one declaration becomes: polars schema, casts, DDL, type-level expectations, dictionary.

The declarations themselves are in ``warehouse.tables``. Dagster's Columns tab and Great Expectations get
theirs from the neutral forms here, so that this floor knows neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Double, Integer, Numeric, String, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateTable


class SchemaMismatchError(ValueError):
    """A frame does not have the columns or types of its table's declaration."""


def polars_type(column: Column[Any]) -> pl.DataType:
    """Polars type of a declared column."""
    kind = column.type
    if isinstance(kind, Double):
        return pl.Float64()
    if isinstance(kind, Numeric):
        return pl.Decimal(kind.precision or 20, kind.scale or 0)
    if isinstance(kind, DateTime):
        return pl.Datetime("us", "UTC")
    simple: dict[type[Any], pl.DataType] = {
        BigInteger: pl.Int64(),
        Integer: pl.Int32(),
        Boolean: pl.Boolean(),
        Date: pl.Date(),
        String: pl.String(),
    }
    return simple[type(kind)]


def polars_schema(table: Table) -> dict[str, pl.DataType]:
    """Column name → polars type, in declared order."""
    return {column.name: polars_type(column) for column in table.columns}


def grain(table: Table) -> list[str]:
    """Names of the columns that identify a row."""
    return [column.name for column in table.columns if column.info["grain"]]


def empty_frame(table: Table) -> pl.DataFrame:
    """A frame of the table's schema without rows."""
    return pl.DataFrame(schema=polars_schema(table))


def conform(frame: pl.DataFrame, table: Table, *, is_sorted: bool = False) -> pl.DataFrame:
    """``frame`` with exactly the declared columns, types and order, sorted by the grain.

    Where ``is_sorted``, rows stay in the order that the caller gave them.

    Raises:
        SchemaMismatchError: naming columns that lack, columns too many, or nulls that may not be.
    """
    schema = polars_schema(table)
    lacking, excess = schema.keys() - set(frame.columns), set(frame.columns) - schema.keys()
    if lacking or excess:
        raise SchemaMismatchError(
            f"{table.name}: lacks columns {sorted(lacking)}, has too many {sorted(excess)}"
        )
    shaped = frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
    refuse_nulls(shaped.lazy(), table)
    return shaped if is_sorted else _sorted(shaped, grain(table))


def refuse_nulls(frame: pl.LazyFrame, table: Table) -> None:
    """Refuse nulls where the declaration allows none, told by one pass over the rows.

    Raises:
        SchemaMismatchError: naming the columns.
    """
    required = [column.name for column in table.columns if not column.nullable]
    counts = frame.select(pl.col(required).null_count()).collect(engine="streaming")
    nulls = {name: count for name, count in counts.rows(named=True)[0].items() if count}
    if nulls:
        raise SchemaMismatchError(f"{table.name}: null where the declaration allows none: {nulls}")


def _sorted(frame: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """``frame`` sorted; as it is where it lies in order already, which is told in half a sort's time."""
    follows = pl.lit(value=True)
    for name in reversed(by):
        before = pl.col(name).shift()
        follows = (pl.col(name) > before) | ((pl.col(name) == before) & follows)
    # A null follows nothing, and neither does the first row.
    in_order = frame.select(follows.slice(1).fill_null(value=False).all()).item() if by else True
    return frame if in_order else frame.sort(by)


def create_statement(table: Table, dialect: Dialect) -> str:
    """``CREATE TABLE`` in the words of a database."""
    return str(CreateTable(table).compile(dialect=dialect)).strip()


@dataclass(frozen=True)
class ColumnRule:
    """A type-level expectation of one column, for whoever checks frames."""

    column: str
    polars_type: pl.DataType
    nullable: bool
    values: tuple[str, ...]


def column_rules(table: Table) -> tuple[ColumnRule, ...]:
    """The type-level expectations that follow from the declaration."""
    return tuple(
        ColumnRule(column.name, polars_type(column), bool(column.nullable), column.info["values"])
        for column in table.columns
    )


@dataclass(frozen=True)
class DictionaryEntry:
    """One column in the data dictionary."""

    table: str
    table_comment: str
    layer: str
    column: str
    type: str
    unit: str
    nullable: bool
    grain: bool
    comment: str
    source: str
    example: str
    values: tuple[str, ...]


def dictionary_entries(tables: Iterable[Table]) -> tuple[DictionaryEntry, ...]:
    """Dictionary rows of ``tables``, in declared order."""
    return tuple(
        DictionaryEntry(
            table=table.name,
            table_comment=table.comment or "",
            layer=table.info["layer"],
            column=column.name,
            type=str(column.type),
            unit=column.info["unit"],
            nullable=bool(column.nullable),
            grain=column.info["grain"],
            comment=column.comment or "",
            source=column.info["source"],
            example=column.info["example"],
            values=column.info["values"],
        )
        for table in tables
        for column in table.columns
    )
