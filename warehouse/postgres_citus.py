"""A PostgreSQL warehouse spread over a cluster by Citus: which tables go how, as their declaration says.

The tables themselves are in ``warehouse.postgres_tables``; nothing else differs. A database is spread where
it has the extension when its tables are made: ``CREATE EXTENSION citus`` is the whole configuration.
"""

from collections.abc import Iterator

from sqlalchemy import Table

from warehouse.postgres_connection import Session, literal
from warehouse.postgres_tables import CURRENT, SETTING, base
from warehouse.tables.declare import REFERENCE


def is_citus(session: Session) -> bool:
    """Whether the database has the extension."""
    return bool(session.rows("SELECT 1 FROM pg_extension WHERE extname = 'citus'"))


def spread_frame_statements() -> Iterator[str]:
    """Copies everywhere of what the layout keeps for itself, as the views join it."""
    for name in (CURRENT, SETTING):
        yield f"SELECT create_reference_table({literal(name)})"


def spread_statements(table: Table) -> Iterator[str]:
    """Spread a table that has just been made and is empty; its partitions follow as they are attached.

    Tables that go by unit lie together, so that a ward's rows are joined on one node.
    """
    spread = table.info["spread"]
    if spread == REFERENCE:
        yield f"SELECT create_reference_table({literal(base(table))})"
    else:
        yield f"SELECT create_distributed_table({literal(base(table))}, {literal(spread)})"
