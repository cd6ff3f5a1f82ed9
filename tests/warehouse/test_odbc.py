"""Reading by ODBC as Excel does: the real psqlODBC driver, with the connection string of docs/access.md."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.warehouse.postgres_server import Database, PostgresServer
from tests.warehouse.publication_scenario import NIGHT, UNITS, dimensions, facts, marts
from warehouse.engines import open_warehouse
from warehouse.postgres_roles import Roles, grant
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS

pyodbc = pytest.importorskip("pyodbc", reason="no ODBC driver manager on this machine", exc_type=ImportError)

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
WORDS = re.findall(r"^Driver=.*$", PAGE, re.MULTILINE)
DRIVER = "PostgreSQL Unicode"
LONG = "ệ" * 20_000


@pytest.fixture(scope="module")
def granted(postgres_server: PostgresServer) -> Iterator[tuple[Database, Roles]]:
    """A warehouse with a night and its roles."""
    if DRIVER not in pyodbc.drivers():
        pytest.skip(
            f"the ODBC driver '{DRIVER}' is not installed; on Debian: apt-get install odbc-postgresql"
        )
    database = postgres_server.new_database()
    names = grant(database.url(), ["00151"], database.prefix).roles
    night = marts()
    night["mart_warning"] = night["mart_warning"].with_columns(evidence=pl.lit(LONG))
    open_warehouse(database.url(names.owner)).publish(NIGHT, night, dimensions(), facts())
    yield database, names
    database.drop()


@pytest.fixture
def analyst(granted: tuple[Database, Roles]) -> Iterator[Any]:
    """A connection by the page's own words, but for host, database and user."""
    database, names = granted
    words = WORDS[0].replace("Server=host", f"Server={database.server.host}")
    words = words.replace("Database=wardcast", f"Database={database.name}")
    connection = pyodbc.connect(words.replace("Uid=wardcast_analyst", f"Uid={names.analyst}"))
    yield connection
    connection.close()


def test_figures_words_and_days_come_as_they_are(analyst: Any) -> None:
    rows = analyst.execute(
        "SELECT as_of, unit_key, collected_amount, is_below_half FROM latest.mart_unit_position"
    ).fetchall()
    assert {row[1] for row in rows} == set(UNITS)
    assert {(row[0], row[2]) for row in rows} == {(date(2020, 6, 30), Decimal("510000000000.25"))}
    message, evidence, flag = analyst.execute(
        "SELECT message_vi, evidence, 1 = 1 FROM latest.mart_warning"
    ).fetchone()
    assert message == "Phường Gia Thụy mới đạt 41%"
    assert evidence == LONG
    assert flag is True


def test_the_newest_nights_tables_are_listed(analyst: Any) -> None:
    listed = {row.table_name for row in analyst.cursor().tables(schema="latest")}
    assert listed == {table.name for table in (*MARTS, *DIMENSIONS)}


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM latest.mart_unit_position", "UPDATE store.mart_district_brief SET units_total = 0",
     "CREATE TABLE public.mine (n int)"],
)  # fmt: skip
@pytest.mark.parametrize("read_only", [True, False])
def test_nothing_can_be_written(granted: tuple[Database, Roles], statement: str, read_only: bool) -> None:
    """Neither through the page's connection nor through one that leaves out its ReadOnly."""
    database, names = granted
    words = f"Driver={{{DRIVER}}};Server={database.server.host};Database={database.name};Uid={names.analyst}"
    connection = pyodbc.connect(f"{words};ReadOnly={int(read_only)}")
    with pytest.raises(pyodbc.Error, match="readonly" if read_only else "permission denied|read-only"):
        connection.execute(statement)
    connection.close()


def test_the_page_gives_one_connection() -> None:
    assert len(WORDS) == 1
    assert f"{{{DRIVER}}}" in WORDS[0]
