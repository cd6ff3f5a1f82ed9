"""What PostgreSQL or somebody in it may refuse: one clear message each, and the last publication stands."""

import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import EARLIER, NIGHT, dimensions, facts, marts
from warehouse.engines import Warehouse, WarehouseError, open_warehouse
from warehouse.postgres import PostgresWarehouse
from warehouse.tables.marts import MART_WARNING

PASSWORD = "s3cret/@:%'"
NOWHERE = "postgresql+psycopg://clerk:s3cret@127.0.0.1:1/wardcast"


@pytest.fixture
def pg(database: Database) -> Warehouse:
    warehouse = open_warehouse(database.url())
    warehouse.publish(EARLIER, marts(EARLIER, "7.00"), dimensions(), facts())
    return warehouse


def refusal(warehouse: Warehouse) -> str:
    """The message with which a publication is refused."""
    with pytest.raises(WarehouseError) as refused:
        warehouse.publish(NIGHT, marts(NIGHT, "9.00"), dimensions(), facts())
    return str(refused.value)


def assert_as_it_was(warehouse: Warehouse) -> None:
    assert [publication.publication_id for publication in warehouse.publications()] == ["2020-06-29.1"]
    assert warehouse.read_mart("mart_district_brief")["collected_amount"].to_list() == [Decimal("7.00")]
    assert warehouse.query("SELECT as_of FROM latest.mart_warning").item() == EARLIER


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (NOWHERE, "the server cannot be reached; see that it runs, and host and port"),
        ("postgresql+psycopg://clerk:s3cret@nowhere.invalid/wardcast", "the server cannot be reached"),
        ("postgresql+psycopg2://clerk:s3cret@localhost/wardcast", r"postgresql\+psycopg2' is not supported"),
        ("postgresql+psycopg://clerk:s3cret@localhost", "names no database; write it as postgresql"),
        ("postgresql+psycopg://clerk:s3cret@localhost:port/wardcast", "is no URL; write it as"),
    ],
)
def test_a_server_that_is_not_there_is_told_without_the_password(url: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message) as refused:
        open_warehouse(url).check_writable()
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_missing_database_and_an_unknown_user_are_named(database: Database) -> None:
    missing = open_warehouse(database.url().replace(database.name, "nothing_here"))
    with pytest.raises(WarehouseError, match="has no database 'nothing_here'; make it with CREATE DATABASE"):
        missing.publications()
    with pytest.raises(WarehouseError, match="login of user stranger was refused"):
        open_warehouse(database.url("stranger")).publications()


def test_a_password_is_taken_from_url_environment_or_pgpass_and_never_told(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"{database.prefix}_locked"
    quoted = PASSWORD.replace("'", "''")
    database.server.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{quoted}'")
    database.server.require_password(role)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))

    def answer(password: str | None) -> str:
        try:
            return str(open_warehouse(database.url(role, password)).publications())
        except WarehouseError as error:
            return str(error)

    assert answer(PASSWORD) == "()"
    for wrong in (None, f"not{PASSWORD}"):
        assert f"login of user {role} was refused; see the name, and the password in ~/.pgpass" in answer(
            wrong
        )
        assert PASSWORD not in answer(wrong)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert answer(None) == "()"
    monkeypatch.delenv("PGPASSWORD")
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (tmp_path / "pgpass").write_text(f"*:*:{database.name}:{role}:{escaped}\n")
    (tmp_path / "pgpass").chmod(0o600)
    assert answer(None) == "()"


def test_a_table_kept_locked_is_named_with_who_keeps_it(
    database: Database, pg: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.postgres_connection.LOCK_SECONDS", 1)
    with database.login() as held:
        held.execute("BEGIN")
        held.execute("LOCK TABLE store.mart_warning IN SHARE MODE")
        said = refusal(pg)
        assert "at step 'load mart_warning' somebody kept a table locked" in said
        assert f"store.mart_warning_2020 by user postgres, process {held.info.backend_pid}" in said
        assert said.endswith("The last publication is as it was")
        assert_as_it_was(pg)
    pg.publish(NIGHT, marts(), dimensions(), facts())


@pytest.fixture
def small_disk(database: Database, tmp_path: Path) -> Iterator[Database]:
    """The database, with new tables on a file system of two megabytes."""
    disk = Path(database.server.folder).parent / f"small-{database.name}"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        disk.rmdir()
        pytest.skip("a file system of two megabytes cannot be mounted by this user")
    try:
        owner = database.server.system_user
        if owner:
            subprocess.run(["chown", owner, str(disk)], check=True)
        space = f"small_{database.name}"
        database.server.execute(f"CREATE TABLESPACE {space} LOCATION '{disk}'")
        database.server.execute(f"ALTER DATABASE {database.name} SET default_tablespace = {space}")
        yield database
        database.drop()
        database.server.execute(f"DROP TABLESPACE {space}")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_and_leaves_the_last_publication(small_disk: Database) -> None:
    warehouse = open_warehouse(small_disk.url())
    warehouse.publish(EARLIER, marts(EARLIER, "7.00"), dimensions(), facts())
    large, known = marts(NIGHT, "9.00"), dimensions()
    words = pl.Series([f"{n:x}" * 40 for n in range(10**6, 10**6 + 20_000)])
    one = large["mart_quarantine"].clear(1).with_columns(
        pl.lit(NIGHT).alias("as_of"), pl.lit("receipt").alias("dataset"), pl.lit("r").alias("rule"),
        pl.lit(1).alias("rows"), pl.lit(0).alias("amount"), pl.lit(1).alias("first_row_number"),
        pl.lit("-").alias("explanation"),
    )  # fmt: skip
    large["mart_quarantine"] = one.drop("source_file").join(
        words.alias("source_file").to_frame(), how="cross"
    )
    with pytest.raises(WarehouseError, match="the server's disk is full; free space there"):
        warehouse.publish(NIGHT, large, known, facts())
    assert_as_it_was(warehouse)
    warehouse.publish(NIGHT, marts(), known, facts())
    assert len(warehouse.publications()) == 2


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (["ALTER TABLE store.mart_warning DROP COLUMN owner CASCADE"],
         "store.mart_warning lacks the column owner"),
        (["ALTER TABLE store.mart_quarantine ADD COLUMN note text"],
         "store.mart_quarantine has a column note of somebody else's"),
        (["ALTER TABLE public.dim_unit DROP COLUMN sort_order CASCADE",
          "ALTER TABLE public.dim_unit ADD COLUMN sort_order text"],
         "public.dim_unit.sort_order is text instead of integer"),
        (["DROP TABLE store.mart_shock_effect CASCADE"], "store.mart_shock_effect is gone"),
        (["DROP VIEW latest.mart_warning", "CREATE VIEW latest.mart_warning AS SELECT 1 AS a"],
         "latest.mart_warning lacks the column as_of"),
        (["UPDATE store.setting SET value = '99' WHERE name = 'layout'"],
         "newer version of wardcast.*layout 99"),
        (["ALTER TABLE store.mart_warning ADD COLUMN mood text",
          "UPDATE store.setting SET value = jsonb_set(value::jsonb, '{mart_warning,mood}', '\"text\"')::text "
          "WHERE name = 'declaration'"],
         r"newer version of wardcast.*mart_warning\.mood; upgrade wardcast"),
    ],
)  # fmt: skip
def test_a_schema_that_is_not_ours_any_more_is_refused_by_name(
    database: Database, pg: Warehouse, edits: list[str], message: str
) -> None:
    database.execute(*edits)
    with pytest.raises(WarehouseError, match=message):
        pg.check_writable()
    with pytest.raises(WarehouseError, match=message):
        pg.publish(NIGHT, marts(), dimensions(), facts())
    assert [publication.publication_id for publication in pg.publications()] == ["2020-06-29.1"]


def test_a_database_with_tables_of_our_names_is_left_alone(database: Database) -> None:
    database.execute("CREATE TABLE public.dim_unit AS SELECT 42 AS answer")
    warehouse = open_warehouse(database.url())
    message = r"no warehouse of ours: public\.dim_unit stands there already"
    with pytest.raises(WarehouseError, match=message):
        warehouse.check_writable()
    with pytest.raises(WarehouseError, match=message):
        warehouse.publish(NIGHT, marts(), dimensions(), facts())
    assert database.rows("SELECT answer FROM public.dim_unit") == [(42,)]
    assert database.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'store'") == [(0,)]


def test_an_older_schema_is_upgraded_in_place_and_nothing_is_lost(database: Database, pg: Warehouse) -> None:
    kept = [column.name for column in MART_WARNING.columns if column.name != "owner"]
    older = f"SELECT {', '.join(kept)} FROM store.mart_warning"
    database.execute(
        "ALTER TABLE store.mart_warning DROP COLUMN owner CASCADE",
        f"CREATE VIEW public.mart_warning AS {older}",
        f"CREATE VIEW latest.mart_warning AS {older}",
        "DROP TABLE store.mart_quarantine CASCADE",
        "UPDATE store.setting SET value = ((value::jsonb #- '{mart_warning,owner}'::text[]) "
        "- 'mart_quarantine'::text)::text WHERE name = 'declaration'",
    )
    pg.check_writable()
    assert pg.read_mart("mart_warning")["owner"].to_list() == [None]
    assert pg.read_mart("mart_quarantine").is_empty()
    pg.publish(NIGHT, marts(), dimensions(), facts())
    owners = dict(pg.query("SELECT as_of, owner FROM mart_warning").rows())
    assert owners == {EARLIER: None, NIGHT: "finance"}
    assert pg.query("SELECT count(*) FROM mart_quarantine").item() == 0
    assert pg.read_mart("mart_warning")["message_vi"].null_count() == 0
    pg.check_writable()


def test_a_connection_that_breaks_is_told_and_nothing_is_half_published(
    database: Database, pg: Warehouse
) -> None:
    def end_publisher(step: str) -> None:
        if step == "register":
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'wardcast run%'"
            )

    breaking = PostgresWarehouse(database.url(), kept_days=35, at_step=end_publisher)
    assert "the connection to the server was lost; run again when it is back" in refusal(breaking)
    assert_as_it_was(pg)


def test_a_lost_view_is_made_again(database: Database, pg: Warehouse) -> None:
    database.execute("DROP VIEW public.mart_warning", "DROP VIEW latest.mart_unit_position")
    pg.publish(NIGHT, marts(), dimensions(), facts())
    assert pg.query("SELECT count(*) FROM mart_warning").item() == 2
    assert pg.query("SELECT count(*) FROM latest.mart_unit_position").item() == 4


@pytest.fixture(scope="module")
def filled(postgres_server: object) -> Iterator[Database]:
    database: Database = postgres_server.new_database()  # type: ignore[attr-defined]
    open_warehouse(database.url()).publish(NIGHT, marts(), dimensions(), facts())
    yield database
    database.drop()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "INSERT INTO store.publication SELECT * FROM store.publication",
            "only read here: INSERT is refused",
        ),
        ("/* harmless */ -- really\n update latest.mart_warning set owner = 'me'", "only read here: UPDATE"),
        ("DELETE FROM dim_unit", "only read here: DELETE"),
        ("DROP VIEW mart_warning", "only read here: DROP"),
        ("CREATE TABLE mine AS SELECT 1", "only read here: CREATE"),
        ("COPY dim_unit TO PROGRAM 'cat > stolen.csv'", "only read here: COPY"),
        ("COMMIT", "only read here: COMMIT"),
        ("SET TRANSACTION READ WRITE", "only read here: SET"),
        ("EXPLAIN ANALYZE DELETE FROM dim_unit", "only read here: EXPLAIN"),
        (
            "WITH gone AS (DELETE FROM dim_unit RETURNING *) SELECT * FROM gone",
            "only read here: a query that writes",
        ),
        ("SELECT 1 INTO mine", "refused|cannot be understood"),
        ("SELECT * FROM dim_unit FOR UPDATE", "only read here"),
        ("SELECT setval('store.publication_number_seq', 1)", r"only read here: setval\(\)"),
        ("SELECT 1; SELECT 2", "this holds several statements"),
        ("SELECT 1; COMMIT; DROP SCHEMA store CASCADE", "this holds several statements"),
        ("", "this holds 0 statements"),
        (" -- nothing\n;", "this holds 0 statements"),
        ("SELEC 1", "cannot be understood"),
        (
            "SELECT * FROM mart_unit_positions",
            "no table 'mart_unit_positions'; did you mean mart_unit_position",
        ),
        ("SELECT unit FROM dim_unit", "failed: column .unit. does not exist"),
        ("SELECT INTERVAL '1 day' AS i", r"column 'i' .* CAST\(… AS text\)"),
        ("SELECT 'NaN'::numeric AS n", r"column 'n' .* CAST\(… AS double precision\)"),
        ("SELECT 1 / 0", "failed: division by zero"),
    ],
)
def test_a_query_that_does_not_just_read_is_refused_and_says_why(
    filled: Database, sql: str, message: str
) -> None:
    with pytest.raises(WarehouseError, match=message):
        open_warehouse(filled.url()).query(sql)
    assert filled.rows("SELECT count(*), max(unit_name) FROM dim_unit") == [(4, "—")]
    assert filled.rows("SELECT number FROM store.publication") == [(1,)]


def test_a_query_that_takes_too_long_is_ended(filled: Database) -> None:
    warehouse = PostgresWarehouse(filled.url(), kept_days=35, query_seconds=1)
    with pytest.raises(WarehouseError, match=r"took longer than it may \(1 seconds.* and was ended"):
        warehouse.query("SELECT pg_sleep(30)")
    filled.execute(f"ALTER DATABASE {filled.name} SET statement_timeout = '200ms'")
    with pytest.raises(WarehouseError, match="and was ended"):
        open_warehouse(filled.url()).query("SELECT pg_sleep(30)")
    filled.execute(f"ALTER DATABASE {filled.name} RESET statement_timeout")


def test_unknown_tables_are_answered_with_those_there_are(filled: Database) -> None:
    warehouse = open_warehouse(filled.url())
    with pytest.raises(WarehouseError, match="no table 'mart_gossip'; it has mart_district_brief"):
        warehouse.read_mart("mart_gossip")
    with pytest.raises(WarehouseError, match="dim_unit is not kept by night"):
        warehouse.read_mart("dim_unit", NIGHT)
