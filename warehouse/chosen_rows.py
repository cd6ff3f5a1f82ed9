"""Which rows of a readable table are asked for, as SQL that both engines take."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from sqlalchemy import Table

from warehouse.engines import WarehouseError
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
        raise WarehouseError(f"the warehouse has no table '{name}'; it has {', '.join(_READABLE)}")
    if nightly and "as_of" not in table.columns:
        raise WarehouseError(f"{name} is not kept by night; read it without one")
    return table


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
