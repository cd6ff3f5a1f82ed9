"""Which rows of a readable table are asked for, and their shape: the same on both engines."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from datetime import date

import polars as pl
from sqlalchemy import Table

from warehouse.engines import WarehouseError
from warehouse.projections import grain, polars_schema
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS, PUBLICATION

_READABLE = {table.name: table for table in (*MARTS, *DIMENSIONS, PUBLICATION)}


def readable(name: str, *, nightly: bool = False) -> Table:
    """The declared table of a name.

    Raises:
        WarehouseError: there is none, or it is to be read by night and is not kept by night.
    """
    table = _READABLE.get(name)
    if table is None:
        raise WarehouseError(no_such_table(name))
    if nightly and "as_of" not in table.columns:
        raise WarehouseError(f"{name} is not kept by night; read it without one")
    return table


def no_such_table(name: str) -> str:
    """What is said to who asks for a table that there is not: those of nearest names, else all."""
    near = difflib.get_close_matches(name.rpartition(".")[2], list(_READABLE))
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(_READABLE)}"
    return f"the warehouse has no table '{name}'; {hint}"


def of_publication(name: str) -> Table:
    """The mart of a name whose rows each publication has for itself.

    Raises:
        WarehouseError: there is none, or it is not kept by publication.
    """
    table = readable(name)
    if "publication_id" not in table.columns or table is PUBLICATION:
        raise WarehouseError(f"{name} is not kept by publication; read it without one")
    return table


def in_declared_shape(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """What was read, as declared now and in the order of its grain: null in columns it was written without.

    Not ``conform``: a night of an older version may lack a column that is required by now.
    """
    schema = polars_schema(table)
    lacking = [pl.lit(None).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(lacking).select(schema.keys()).cast(pl.Schema(schema)).sort(grain(table))


def on_nights(nights: Collection[date], further: Collection[str] = ()) -> str:
    """Condition that a row is of one of ``nights`` and holds ``further``; false without nights."""
    days = ", ".join(f"DATE '{night}'" for night in sorted(nights))
    return " AND ".join([f"as_of IN ({days})", *further]) if days else "false"


def equal_to(table: Table, where: Mapping[str, str]) -> list[str]:
    """Conditions that columns of text hold these values.

    Raises:
        WarehouseError: the table has no such column.
    """
    return list(_equal_to(table, where))


def _equal_to(table: Table, where: Mapping[str, str]) -> Iterator[str]:
    for column, value in where.items():
        if column not in table.columns:
            raise WarehouseError(f"{table.name} has no column '{column}'")
        quoted = value.replace("'", "''")
        yield f"\"{column}\" = '{quoted}'"
