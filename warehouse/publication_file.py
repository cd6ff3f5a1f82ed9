"""Building one publication's DuckDB file: declared tables, bulk load, views of the history, comments.

The file is built once and never changed. When it is built and how it becomes the latest is in
``warehouse.publication``; the views' words are in ``warehouse.parquet_views``.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, Table, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from warehouse.engines import StepListener
from warehouse.parquet_views import LATEST, literal, older_files, parquet_source, select_declared
from warehouse.publication_folder import PublicationFolder
from warehouse.publication_register import Register
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS, PUBLICATION

# A small night's tables fill few blocks: 0.7 MB a night instead of 3.4 MB. A large one's would take 105 MB
# instead of 72 (2.3 million rows), and a seventh more time.
_SMALL_BLOCKS = {"default_block_size": 16384}
# Looking whether texts fit it costs an eighth of a load; keys and names end as dictionaries all the same.
_SETTINGS = {"disabled_compression_methods": "fsst"}
SMALL_NIGHT_ROWS = 500_000


def build_file(
    folder: PublicationFolder, publication_id: str, register: Register, at_step: StepListener
) -> None:
    """Build the file of ``publication_id``, whose Parquet and ``register`` (itself included) stand.

    Schema ``latest`` gets the newest night's tables, which need not be this publication's; ``main`` gets
    views of the same names over all nights, and the register.
    """
    newest = register.newest()
    source_id = newest.publication_id if newest else publication_id
    rows = newest.rows if newest else 0
    target = folder.building(publication_id)
    # NullPool: a pooled connection would keep the file open, and its log beside it, after the build.
    engine = create_engine(
        URL.create("duckdb", database=str(target)),
        poolclass=NullPool,
        pool_reset_on_return=None,
        connect_args={"config": _SETTINGS | (_SMALL_BLOCKS if rows < SMALL_NIGHT_ROWS else {})},
    )
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {LATEST}")
            for table in (*DIMENSIONS, *MARTS):
                at_step(f"load {table.name}")
                _load(connection, table, folder.parquet(source_id, table.name), schema=LATEST)
                _create_view(connection, table, older_files(folder, table, register))
            _load(connection, PUBLICATION, folder.parquet(publication_id, PUBLICATION.name), schema=None)
        _move_log_into(engine)
    finally:
        engine.dispose()


def _move_log_into(engine: Engine) -> None:
    """Checkpoint now: on closing, DuckDB would keep quiet about a disk too full to do it."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("CHECKPOINT")
    finally:
        connection.close()


def _load(connection: Connection, table: Table, file: Path, *, schema: str | None) -> None:
    """Create a declared table with its comments and fill it from Parquet in one statement."""
    placed = connection.execution_options(schema_translate_map={None: schema})
    placed.execute(CreateTable(table))
    name = f"{schema or 'main'}.{table.name}"
    _comment(connection, table, f"TABLE {name}", name)
    source = select_declared(table, parquet_source([file] if file.exists() else []))
    connection.exec_driver_sql(f"INSERT INTO {name} {source}")


def _create_view(connection: Connection, table: Table, older: list[Path]) -> None:
    """The table of all nights. It names no path while there is only one night."""
    own = f"{LATEST}.{table.name}"
    words = select_declared(table, [own, *parquet_source(older)]) if older else f"SELECT * FROM {own}"  # noqa: S608 - declared names
    name = f"main.{table.name}"
    connection.exec_driver_sql(f"CREATE VIEW {name} AS {words}")
    _comment(connection, table, f"VIEW {name}", name)


def _comment(connection: Connection, table: Table, relation: str, name: str) -> None:
    """The declaration's words on a relation and its columns, all at once: singly they take a third of a small
    night's time."""
    words = [f"COMMENT ON {relation} IS {literal(table.comment or '')}"]
    words += [
        f'COMMENT ON COLUMN {name}."{column.name}" IS {literal(column.comment or "")}'
        for column in table.columns
    ]
    connection.exec_driver_sql("; ".join(words))
