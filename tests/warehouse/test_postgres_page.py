"""What docs/postgresql.md tells people to write is run, as the role it names."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import NIGHT, UNITS, dimensions, facts, marts
from warehouse.engines import open_warehouse
from warehouse.postgres import QUERY_SECONDS
from warehouse.postgres_connection import OLDEST_SERVER
from warehouse.postgres_roles import Roles, grant

PAGE = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=["polars", "pandas"])
def test_the_pages_python_reads_the_marts_as_the_analyst(database: Database, snippet: str) -> None:
    names = grant(database.url(), ["00151"], database.prefix).roles
    open_warehouse(database.url(names.owner)).publish(NIGHT, marts(), dimensions(), facts())
    told = "postgresql+psycopg://wardcast_analyst@host/wardcast"
    assert told in snippet
    found: dict[str, Any] = {}
    exec(snippet.replace(told, database.url(names.analyst)), found)
    found["engine"].dispose()
    assert set(found["positions"]["unit_key"]) == set(UNITS)
    assert set(found["positions"]["collected_amount"]) == {Decimal("510000000000.25")}


def test_the_page_names_roles_and_limits_as_they_are() -> None:
    names = Roles()
    for name in (names.owner, names.analyst, names.ward("<code>")):
        assert f"`{name}`" in PAGE
    assert f"PostgreSQL {OLDEST_SERVER} or newer" in PAGE
    assert QUERY_SECONDS == 5 * 60
    assert "ended after five minutes" in PAGE
