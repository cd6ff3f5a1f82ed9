"""Words to declare a table once: columns with type, unit, comment and source.

A declaration is a SQLAlchemy ``Table`` whose columns carry ``info``; ``warehouse.projections`` turns it
into DDL, polars schema, type-level expectations and dictionary. The tables themselves are in the modules
beside this one, by layer.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

__all__ = [
    "METADATA", "MONEY", "Table", "count", "day", "declare", "flag", "minor", "money", "number", "stamp",
    "text",
]  # fmt: skip

METADATA = MetaData()
MONEY = Numeric(20, 2)
REFERENCE = "reference"
"""Spread of a table of which every node of a cluster holds a copy."""


def _column(
    name: str, kind: TypeEngine[Any], comment: str, *, unit: str, grain: bool, nullable: bool,
    source: str, example: str, values: Sequence[str],
) -> Column[Any]:  # fmt: skip
    info = {"unit": unit, "grain": grain, "source": source, "example": example, "values": tuple(values)}
    return Column(name, kind, nullable=nullable, comment=comment, info=info)


def text(
    name: str, comment: str, *, grain: bool = False, nullable: bool = False, source: str = "",
    example: str = "", values: Sequence[str] = (),
) -> Column[Any]:  # fmt: skip
    """A text column; ``values`` lists the only ones allowed."""
    return _column(name, String(), comment, unit="", grain=grain, nullable=nullable, source=source,
                   example=example, values=values)  # fmt: skip


def day(
    name: str, comment: str, *, grain: bool = False, nullable: bool = False, source: str = ""
) -> Column[Any]:
    """A calendar day in the authority's time zone."""
    return _column(name, Date(), comment, unit="day", grain=grain, nullable=nullable, source=source,
                   example="2020-06-30", values=())  # fmt: skip


def stamp(name: str, comment: str, *, nullable: bool = False) -> Column[Any]:
    """An instant, stored in UTC."""
    return _column(name, DateTime(timezone=True), comment, unit="UTC", grain=False, nullable=nullable,
                   source="", example="2020-06-30T18:30:00Z", values=())  # fmt: skip


def money(name: str, comment: str, *, nullable: bool = False, source: str = "") -> Column[Any]:
    """An amount at the warehouse's edge: DECIMAL(20,2) in currency units."""
    return _column(name, MONEY, comment, unit="currency unit", grain=False, nullable=nullable, source=source,
                   example="1234567.00", values=())  # fmt: skip


def minor(name: str, comment: str, *, nullable: bool = False, source: str = "") -> Column[Any]:
    """An amount inside the pipeline: integer minor units (đồng, kopiyka)."""
    return _column(name, BigInteger(), comment, unit="minor unit", grain=False, nullable=nullable,
                   source=source, example="1234567", values=())  # fmt: skip


def number(
    name: str, comment: str, *, unit: str, nullable: bool = False, source: str = "", example: str = ""
) -> Column[Any]:
    """A double: a share in percent, percentage points, a probability, a ratio."""
    return _column(name, Double(), comment, unit=unit, grain=False, nullable=nullable, source=source,
                   example=example, values=())  # fmt: skip


def count(
    name: str, comment: str, *, grain: bool = False, nullable: bool = False, source: str = ""
) -> Column[Any]:
    """A whole number of things."""
    return _column(name, Integer(), comment, unit="count", grain=grain, nullable=nullable, source=source,
                   example="3", values=())  # fmt: skip


def flag(name: str, comment: str, *, nullable: bool = False) -> Column[Any]:
    """True or false."""
    return _column(name, Boolean(), comment, unit="", grain=False, nullable=nullable, source="",
                   example="false", values=())  # fmt: skip


def declare(
    name: str, comment: str, *columns: Column[Any], layer: str, key: bool = False, spread: str = ""
) -> Table:
    """A table of ``layer`` (dimension, staging, ledger, mart) with its comment.

    ``spread`` is how a cluster of databases holds it: by the values of a column, or ``reference``, a copy on
    every node. Unless told, marts kept by night go by unit, or by night where they have none; others are
    copied.

    The columns marked ``grain`` identify a row; with ``key`` they are also a primary key in the database
    (dimensions only: ten million rows take 3.1 s bare and 25.5 s with keys in DuckDB).
    """
    keys = [PrimaryKeyConstraint(*(c.name for c in columns if c.info["grain"]))] if key else []
    names = [column.name for column in columns]
    by_night = layer == "mart" and "as_of" in names
    usual = ("unit_key" if "unit_key" in names else "as_of") if by_night else REFERENCE
    info = {"layer": layer, "spread": spread or usual}
    return Table(name, METADATA, *columns, *keys, comment=comment, info=info)
