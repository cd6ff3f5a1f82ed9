"""The marts as SQL over the Parquet files that lie beside every publication.

Two readers share these words: the views stored in a publication's DuckDB file, and the sealed database in
memory through which this code reads. The latter opens no DuckDB file at all, so that a client that holds or
damages one does not stand in its way, and it finds the Parquet files wherever the folder has moved to.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from duckdb_sqlalchemy import Dialect
from sqlalchemy import Column, Table

from warehouse.publication_folder import PublicationFolder
from warehouse.publication_register import Register
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS, PUBLICATION

LATEST = "latest"
READABLE = (*MARTS, *DIMENSIONS, PUBLICATION)
_DIALECT = Dialect()
# No extension is fetched, and a table name never means a Python variable of the caller.
_OFFLINE: Mapping[str, bool] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


def literal(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _nothing(column: Column[Any]) -> str:
    return f'CAST(NULL AS {column.type.compile(dialect=_DIALECT)}) AS "{column.name}"'


def select_declared(table: Table, sources: Iterable[str]) -> str:
    """``SELECT`` of the declared columns from relations that may be of another version.

    A column that a source lacks is null there; one that is no longer declared is left out.
    """
    nothing = f"SELECT {', '.join(_nothing(column) for column in table.columns)} WHERE false"
    parts = [nothing, *(f"SELECT * FROM {source}" for source in sources)]  # noqa: S608 - our own relations
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f"SELECT {columns} FROM ({' UNION ALL BY NAME '.join(parts)})"  # noqa: S608 - declared names


def parquet_source(files: Iterable[Path]) -> list[str]:
    """The relation that reads ``files``: one, or none where there is no file."""
    paths = ", ".join(literal(str(file)) for file in files)
    return [f"read_parquet([{paths}], union_by_name = true)"] if paths else []


def older_files(folder: PublicationFolder, table: Table, register: Register) -> list[Path]:
    """Parquet files of every night but the newest, as far as that night had the table.

    None for a table without ``as_of`` (dimensions): it says the newest night's state, not each night's.
    """
    if "as_of" not in table.columns:
        return []
    nights = list(register.current().values())[:-1]
    files = (folder.parquet(publication.publication_id, table.name) for publication in nights)
    return [file for file in files if file.exists()]


@contextmanager
def sealed_reader(
    folder: PublicationFolder, tables: Iterable[Table] = READABLE
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with views of ``tables``, which can reach no file but theirs.

    ``latest`` holds the newest night, ``main`` all nights, as in a publication's own file. A view over a
    year of nights takes some 15 ms to bind, so who knows what is read asks for that alone.
    """
    with duckdb.connect(":memory:", config=dict(_OFFLINE)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        allowed = _create_views(connection, folder, tables)
        paths = ", ".join(literal(str(file)) for file in allowed)
        connection.execute(f"SET allowed_paths = [{paths}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _create_views(
    connection: duckdb.DuckDBPyConnection, folder: PublicationFolder, tables: Iterable[Table]
) -> list[Path]:
    """Create all views; returns the files they read."""
    pointed = folder.pointed()
    newest = pointed.register.newest()
    read: list[Path] = []

    def view(name: str, table: Table, files: list[Path]) -> None:
        present = [file for file in files if file.exists()]
        connection.execute(f"CREATE VIEW {name} AS {select_declared(table, parquet_source(present))}")
        read.extend(present)

    connection.execute(f"CREATE SCHEMA {LATEST}")
    for table in tables:
        if table is PUBLICATION:
            last = pointed.publication_id
            view(f"main.{table.name}", table, [folder.parquet(last, table.name)] if last else [])
            continue
        own = [folder.parquet(newest.publication_id, table.name)] if newest else []
        view(f"{LATEST}.{table.name}", table, own)
        view(f"main.{table.name}", table, own + older_files(folder, table, pointed.register))
    return read
