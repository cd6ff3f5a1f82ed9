"""What the warehouse may refuse, as the command tells it: clear words, exit code 1, nothing half-published.

Each cause and its words are tested on the engines in ``tests/warehouse``; here it is the clerk's command.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.pipelines.conftest import NIGHT, Wardcast, read
from tests.pipelines.small_district import daily, history, monthly, small_authority
from tests.warehouse.conftest import database, postgres_server  # noqa: F401 - fixtures
from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import EARLIER, dimensions, facts, marts
from warehouse.engines import open_warehouse, warehouse_url

SECRET = "s3cret-of-the-clerk"


Place = tuple[str | Path, ...]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Authority, landing folder and home of a small district, as options."""
    landing = tmp_path / "landing"
    history(landing, 2019, monthly(2019, range(1, 13)))
    daily(landing, "2020-06-26", monthly(2020, range(1, 6), 1.2))
    authority = small_authority(tmp_path / "authority")
    return "--authority", authority, "--landing", landing, "--home", tmp_path / "home"


def nightly(wardcast: Wardcast, place: Place, url: str) -> tuple[int, str]:
    result = wardcast("nightly", *place, "--as-of", NIGHT, "--warehouse", url)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql+psycopg://clerk@127.0.0.1:1/wardcast", "cannot be reached; see that it runs"),
        ("postgresql+psycopg://clerk@nowhere.invalid/wardcast", "cannot be reached"),
        ("mysql://clerk@host/wardcast", "warehouse engine 'mysql' is not supported"),
    ],
)
def test_an_unreachable_warehouse_is_told_before_the_night_begins(
    url: str, message: str, wardcast: Wardcast, place: Place, tmp_path: Path
) -> None:
    code, said = nightly(wardcast, place, url)
    assert code == 1
    assert message in said
    assert not (tmp_path / "home" / "lake").exists()


def test_a_refused_login_is_told_without_the_password(
    wardcast: Wardcast, place: Place, monkeypatch: pytest.MonkeyPatch,
    database: Database,  # noqa: F811
) -> None:  # fmt: skip
    role = f"{database.prefix}_clerk"
    database.server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'another'")
    database.server.require_password(role)
    monkeypatch.setenv("WARDCAST_WAREHOUSE", database.url(role, SECRET))
    result = wardcast("nightly", *place, "--as-of", NIGHT)
    assert result.exit_code == 1
    assert f"login of user {role} was refused" in result.output
    assert SECRET not in result.output


def calm() -> dict[str, pl.DataFrame]:
    """An earlier night's marts, without warnings of wards that this district does not have."""
    frames = marts(EARLIER)
    return {**frames, "mart_warning": frames["mart_warning"].clear()}


@pytest.fixture
def published(database: Database) -> Database:  # noqa: F811
    open_warehouse(database.url()).publish(EARLIER, calm(), dimensions(), facts())
    return database


def stands(database: Database) -> bool:  # noqa: F811
    """Whether the only publication is the one that was there before."""
    made = open_warehouse(database.url()).publications()
    return [one.publication_id for one in made] == ["2020-06-29.1"]


def test_a_schema_that_somebody_edited_is_named_before_the_night_begins(
    published: Database, wardcast: Wardcast, place: Place
) -> None:
    published.execute("ALTER TABLE store.mart_quarantine ADD COLUMN note text")
    code, said = nightly(wardcast, place, published.url())
    assert code == 1
    assert "changed by hand: store.mart_quarantine has a column note of somebody else's" in said
    assert stands(published)


def test_a_table_that_somebody_locked_is_named_with_who_and_the_night_not_published(
    published: Database, wardcast: Wardcast, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.postgres_connection.LOCK_SECONDS", 1)
    with published.login() as held:
        held.execute("BEGIN")
        held.execute("LOCK TABLE store.mart_warning IN SHARE MODE")
        code, said = nightly(wardcast, place, published.url())
        assert code == 1
        assert "at step 'load mart_warning' somebody kept a table locked" in said
        assert f"process {held.info.backend_pid}" in said
        assert "the last publication stands" in said
    assert stands(published)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM store.mart_warning",
        "WITH gone AS (DELETE FROM store.mart_warning RETURNING 1) SELECT * FROM gone",
        "CREATE TABLE mine AS SELECT 1",
        "SELECT 1; DROP TABLE store.mart_warning",
    ],
)
def test_a_query_that_writes_is_refused_and_changes_nothing(
    sql: str, published: Database, published_home: Path, wardcast: Wardcast
) -> None:
    before = published.rows("SELECT count(*) FROM store.mart_warning")
    for place in (("--warehouse", published.url()), ("--home", published_home)):
        result = wardcast("query", sql, *place)
        assert result.exit_code == 1, result.output
        assert "wardcast: " in result.output
    assert published.rows("SELECT count(*) FROM store.mart_warning") == before
    assert read(published_home, "publication").height == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of eight megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a file system of eight megabytes cannot be mounted by this user")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_the_last_publication_stands(
    small_disk: Path, place: Place, wardcast: Wardcast
) -> None:
    link = small_disk / "wardcast.duckdb"
    warehouse = open_warehouse(warehouse_url(link))
    warehouse.publish(EARLIER, calm(), dimensions(), facts())
    filling = small_disk / "somebody_elses.bin"
    filling.write_bytes(b"0" * (shutil.disk_usage(small_disk).free - 200_000))
    code, said = nightly(wardcast, place, warehouse_url(link))
    assert code == 1
    assert "the disk is full; free space or choose another place with --warehouse" in said
    assert "the last publication stands" in said
    assert [one.publication_id for one in warehouse.publications()] == ["2020-06-29.1"]
    filling.unlink()
    code, said = nightly(wardcast, place, warehouse_url(link))
    assert code == 0, said
    assert len(warehouse.publications()) == 2
