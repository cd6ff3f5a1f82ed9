"""Where each declared table lies in PostgreSQL, and the statements that make it.

::

    store.mart_x       every kept publication's rows, partitioned by the year of ``as_of``
    store.publication  the register; store.current_publication names each night's current one
    public.dim_x       the newest night's dimensions, with their keys
    public.mart_x      view: the current publication of every night   (what a plain name means)
    latest.x           view: the newest night alone

A partition a year: nights of one district are a few thousand rows, so a partition a night would be thousands
of tables to plan over and to lock within a year; within a year the block-range index on ``as_of`` finds a
night, as each publication's rows lie together. Text is compared byte by byte (collation ``C``), as DuckDB
does. Views are read with the reader's own rights (``security_invoker``), so that row-level security holds.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import Column, String, Table
from sqlalchemy.dialects import postgresql

from warehouse.postgres_connection import identifier, literal
from warehouse.projections import grain
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS, PUBLICATION

STORE, PUBLIC, LATEST = "store", "public", "latest"
SETTING = f"{STORE}.setting"
CURRENT = f"{STORE}.current_publication"
READABLE = (*MARTS, *DIMENSIONS, PUBLICATION)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_OWN_COLUMNS = {"number": "bigint", "is_pruned": "boolean"}
"""What the register needs besides its declaration: the order of publications, and whether rows are gone."""


def is_nightly(table: Table) -> bool:
    """Whether rows are kept by night; otherwise the table says the newest night's state."""
    return "as_of" in table.columns and table.name != PUBLICATION.name


def base_schema(table: Table) -> str:
    """Schema of the table that holds the rows."""
    return STORE if is_nightly(table) or table is PUBLICATION else PUBLIC


def base(table: Table) -> str:
    """The table that holds the rows, as ``schema.name``."""
    return f"{base_schema(table)}.{table.name}"


def views(table: Table) -> tuple[str, ...]:
    """Views over the table, as ``schema.name``."""
    if table is PUBLICATION:
        return (f"{PUBLIC}.{table.name}",)
    latest = f"{LATEST}.{table.name}"
    return (f"{PUBLIC}.{table.name}", latest) if is_nightly(table) else (latest,)


def column_type(column: Column[Any]) -> str:
    """Type as ``format_type()`` says it."""
    if isinstance(column.type, String):
        return "text"
    return column.type.compile(dialect=_DIALECT).lower().replace(", ", ",")


def column_types(table: Table) -> dict[str, str]:
    """Declared columns with their types."""
    return {column.name: column_type(column) for column in table.columns}


def base_columns(table: Table, declared: dict[str, str]) -> dict[str, str]:
    """All columns that the base table of a declaration has."""
    return {**declared, **_OWN_COLUMNS} if table is PUBLICATION else declared


def selected(columns: Iterable[str], alias: str = "") -> str:
    """Columns as a list for SELECT."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + identifier(name) for name in columns)


def create_frame_statements() -> Iterator[str]:
    """The schemas and what the layout keeps for itself."""
    yield f"CREATE SCHEMA IF NOT EXISTS {STORE}"
    yield f"CREATE SCHEMA IF NOT EXISTS {LATEST}"
    yield f"CREATE TABLE {SETTING} (name text PRIMARY KEY, value text NOT NULL)"
    yield f'CREATE TABLE {CURRENT} (as_of date PRIMARY KEY, publication_id text COLLATE "C" NOT NULL)'
    yield f"COMMENT ON TABLE {CURRENT} IS 'The publication that counts for each night'"


def create_statements(table: Table) -> Iterator[str]:
    """The base table, without views, comments and rights."""
    columns = [_column(column) for column in table.columns]
    ending = ""
    if table is PUBLICATION:
        columns += ["number bigint GENERATED ALWAYS AS IDENTITY", "is_pruned boolean NOT NULL DEFAULT false"]
        columns.append(_key(table))
    elif table.primary_key.columns:
        columns.append(_key(table))
    if is_nightly(table):
        ending = " PARTITION BY RANGE (as_of)"
    yield f"CREATE TABLE {base(table)} ({', '.join(columns)}){ending}"
    if is_nightly(table):
        yield f"CREATE INDEX ON {base(table)} USING brin (as_of) WITH (autosummarize = on)"
    if is_guarded(table):
        yield f"ALTER TABLE {base(table)} ENABLE ROW LEVEL SECURITY"


def is_guarded(table: Table) -> bool:
    """Whether row-level security decides what is seen of it: without a policy, its owner alone sees it."""
    return table in MARTS


def _column(column: Column[Any], *, may_be_null: bool = False) -> str:
    collation = ' COLLATE "C"' if isinstance(column.type, String) else ""
    null = "" if column.nullable or may_be_null else " NOT NULL"
    return f"{identifier(column.name)} {column_type(column)}{collation}{null}"


def _key(table: Table) -> str:
    return f"PRIMARY KEY ({selected(grain(table))})"


def add_column_statement(column: Column[Any]) -> str:
    """A column that the declaration has gained; nights before it are null there."""
    return f"ALTER TABLE {base(column.table)} ADD COLUMN {_column(column, may_be_null=True)}"


def view_statements(table: Table) -> Iterator[str]:
    """The views over the table, made anew."""
    for view in views(table):
        yield f"DROP VIEW IF EXISTS {view}"
        yield f"CREATE VIEW {view} WITH (security_invoker = true) AS {_view_query(table, view)}"


def _view_query(table: Table, view: str) -> str:
    columns = selected(table.columns.keys(), "held")
    query = f"SELECT {columns} FROM {base(table)} AS held"  # noqa: S608 - declared names
    if not is_nightly(table):
        return query
    if view.startswith(f"{LATEST}."):
        newest = f"FROM {CURRENT} ORDER BY as_of DESC LIMIT 1"
        return (
            f"{query} WHERE held.as_of = (SELECT as_of {newest}) "
            f"AND held.publication_id = (SELECT publication_id {newest})"
        )
    return f"{query} JOIN {CURRENT} AS chosen USING (as_of, publication_id)"


def comment_statements(table: Table) -> Iterator[str]:
    """The declaration's words on the table, its views and all their columns."""
    yield f"COMMENT ON TABLE {base(table)} IS {literal(table.comment or '')}"
    for view in views(table):
        yield f"COMMENT ON VIEW {view} IS {literal(table.comment or '')}"
    for relation in (base(table), *views(table)):
        for column in table.columns:
            name = f"{relation}.{identifier(column.name)}"
            yield f"COMMENT ON COLUMN {name} IS {literal(column.comment or '')}"


def partition(table: Table, night: date) -> str:
    """Name, in the store, of the partition that holds ``night``."""
    return f"{table.name}_{night.year}"


def partition_statements(table: Table, night: date) -> Iterator[str]:
    """Make the partition and attach it, which unlike creating it in place lets readers go on."""
    name, year = f"{STORE}.{partition(table, night)}", night.year
    yield f"CREATE TABLE {name} (LIKE {base(table)} INCLUDING STORAGE)"
    yield (
        f"ALTER TABLE {base(table)} ATTACH PARTITION {name} "
        f"FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
    )
