"""Who may do what, found out by logging in as each."""

from collections.abc import Iterator
from decimal import Decimal

import polars as pl
import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from pipelines.command import app
from tests.warehouse.postgres_server import Database, PostgresServer
from tests.warehouse.publication_scenario import EARLIER, NIGHT, UNITS, dimensions, facts, marts
from warehouse.engines import WarehouseError, open_warehouse
from warehouse.postgres_roles import Roles, grant
from warehouse.postgres_tables import READABLE, base, views
from warehouse.tables.marts import MARTS

CODES = ("00151", "00130")
OWN = "00151@2004"
UNIT_MARTS = [table.name for table in MARTS if "unit_key" in table.columns]
OF_NO_UNIT = [table for table in MARTS if "unit_key" not in table.columns]


def with_codes() -> dict[str, pl.DataFrame]:
    known = dimensions()
    codes = known["dim_unit"]["unit_key"].str.split("@").list.first()
    return {**known, "dim_unit": known["dim_unit"].with_columns(unit_code=codes)}


def publish_two_nights(database: Database, user: str) -> None:
    warehouse = open_warehouse(database.url(user))
    for night in (EARLIER, NIGHT):
        warehouse.publish(night, marts(night), with_codes(), facts())


def refused(database: Database, user: str, statement: str) -> str:
    """SQLSTATE with which ``statement`` is refused to ``user``, who has lifted what it can lift itself."""
    with database.login(user) as connection:
        connection.execute("SET default_transaction_read_only = off; SET row_security = off")
        with pytest.raises(psycopg.Error) as error:
            connection.execute(sql.SQL(statement))
    return error.value.sqlstate or str(error.value)


@pytest.fixture(scope="module")
def roles(postgres_server: PostgresServer) -> Iterator[tuple[Database, Roles]]:
    """A warehouse with its roles, to which the owner has published two nights."""
    database = postgres_server.new_database()
    granted = grant(database.url(), CODES, database.prefix)
    publish_two_nights(database, granted.roles.owner)
    yield database, granted.roles
    database.drop()


def test_a_grant_makes_the_roles_once_and_again_changes_nothing(roles: tuple[Database, Roles]) -> None:
    database, names = roles
    rights = (
        "SELECT relname::text, relacl::text, pg_get_userbyid(relowner)::text, relrowsecurity FROM pg_class "
        "WHERE relnamespace::regnamespace::text IN ('public', 'store', 'latest') ORDER BY 1, oid"
    )
    before = database.rows(rights), database.rows("SELECT * FROM pg_policies ORDER BY 2, 3")
    again = grant(database.url(), CODES, database.prefix)
    assert again.made == ()
    assert again.wards == (names.ward("00130"), names.ward("00151"))
    after = database.rows(rights), database.rows("SELECT * FROM pg_policies ORDER BY 2, 3")
    assert [set(map(str, part)) for part in before] == [set(map(str, part)) for part in after]
    more = grant(database.url(), [*CODES, "00999"], database.prefix)
    assert more.made == (names.ward("00999"),)
    assert database.rows("SELECT count(*) FROM dim_unit", names.ward("00999")) == [(4,)]
    assert database.rows("SELECT count(*) FROM mart_unit_position", names.ward("00999")) == [(0,)]
    assert grant(database.url(names.owner), CODES, database.prefix).made == ()
    with pytest.raises(WarehouseError, match=f"user {names.owner} may not do this; an administrator"):
        grant(database.url(names.owner), ["00777"], database.prefix)
    passwords = database.rows(
        f"SELECT count(*) FROM pg_authid WHERE rolname LIKE '{database.prefix}\\_%' "
        "AND rolpassword IS NOT NULL"
    )
    assert passwords == [(0,)]


def test_the_owner_publishes_and_is_nothing_more(roles: tuple[Database, Roles]) -> None:
    database, names = roles
    assert database.rows(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles "
        f"WHERE rolname = '{names.owner}'"
    ) == [(False, False, False, False)]
    owners = database.rows(
        "SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'S') "
        "AND relnamespace::regnamespace::text IN ('public', 'store', 'latest')"
    )
    assert owners == [(names.owner,)]
    assert refused(database, names.owner, "CREATE SCHEMA more") == "42501"
    open_warehouse(database.url(names.owner)).check_writable()


def test_the_analyst_reads_every_mart_and_changes_nothing(roles: tuple[Database, Roles]) -> None:
    database, names = roles
    for table in READABLE:
        for relation in (base(table), *views(table)):
            assert database.rows(f"SELECT * FROM {relation}", names.analyst) == database.rows(
                f"SELECT * FROM {relation}"
            )
    for statement in (
        "DELETE FROM dim_unit", "UPDATE store.mart_warning SET owner = 'me'", "TRUNCATE store.mart_warning",
        "INSERT INTO store.setting VALUES ('a', 'b')", "SELECT * FROM store.setting",
        "CREATE TABLE mine (a int)",
        "CREATE TABLE latest.mine (a int)", "CREATE TEMPORARY TABLE mine (a int)",
        "SELECT * FROM store.mart_unit_position_2020", f"SET ROLE {names.owner}",
    ):  # fmt: skip
        assert refused(database, names.analyst, statement) == "42501", statement
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), database.login(names.analyst) as connection:
        connection.execute("DELETE FROM dim_unit")
    reader = open_warehouse(database.url(names.analyst))
    assert reader.read_mart("mart_unit_position").height == 8
    assert reader.query("SELECT count(*) FROM latest.mart_unit_position").item() == 4
    for attempt in (
        reader.check_writable,
        lambda: reader.publish(NIGHT, marts(), with_codes(), facts()),
    ):
        with pytest.raises(WarehouseError, match=r"wardcast warehouse grant"):
            attempt()


@pytest.mark.parametrize("schema", ["", "latest.", "store."])
def test_a_ward_sees_its_own_rows_and_nobody_elses(roles: tuple[Database, Roles], schema: str) -> None:
    database, names = roles
    ward = names.ward("00151")
    for name in UNIT_MARTS:
        seen = {key for (key,) in database.rows(f"SELECT unit_key FROM {schema}{name}", ward)}
        held = {key for (key,) in database.rows(f"SELECT unit_key FROM {schema}{name}")}
        assert seen == held & {OWN}, name
    rows = database.rows(f"SELECT count(*) FROM {schema}mart_unit_position", ward)
    assert rows == [(1 if schema == "latest." else 2,)]


def test_a_ward_sees_nothing_that_is_of_no_unit(roles: tuple[Database, Roles]) -> None:
    database, names = roles
    for table in OF_NO_UNIT:
        for relation in (base(table), *views(table)):
            assert refused(database, names.ward("00151"), f"SELECT * FROM {relation}") == "42501", relation


def test_a_ward_may_read_the_dimensions_and_cannot_step_out(roles: tuple[Database, Roles]) -> None:
    database, names = roles
    ward = names.ward("00151")
    assert {key for (key,) in database.rows("SELECT unit_key FROM dim_unit", ward)} == set(UNITS)
    assert len(database.rows("SELECT * FROM publication", ward)) == 2
    for statement in (
        f"SET ROLE {names.ward('00130')}", f"SET ROLE {names.analyst}", "DELETE FROM dim_unit",
        "SELECT * FROM mart_unit_position",  # as row-level security is off, all or nothing
        "SELECT * FROM store.setting", "ALTER TABLE store.mart_warning DISABLE ROW LEVEL SECURITY",
        "CREATE FUNCTION leak(text) RETURNS bool AS 'SELECT true' LANGUAGE sql COST 0.0001",
        f"CREATE POLICY mine ON store.mart_warning TO {ward} USING (true)",
    ):  # fmt: skip
        assert refused(database, ward, statement) == "42501", statement


def test_a_persons_own_login_gets_the_rights_of_its_role(roles: tuple[Database, Roles]) -> None:
    database, names = roles
    clerk = f"{database.prefix}_nguyen"
    database.execute(f"CREATE ROLE {clerk} LOGIN")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        database.rows("SELECT 1", clerk)
    with pytest.raises(WarehouseError, match=f"login of user {clerk} was refused"):
        open_warehouse(database.url(clerk)).publications()
    database.execute(f"GRANT {names.ward('00130')} TO {clerk}")
    assert database.rows("SELECT unit_key FROM latest.mart_warning", clerk) == [("00130@2004",)]
    database.execute(f"GRANT {names.analyst} TO {clerk}")
    assert len(database.rows("SELECT unit_key FROM latest.mart_unit_position", clerk)) == 4


def test_before_a_grant_nobody_but_the_publisher_sees_anything(database: Database) -> None:
    stranger = f"{database.prefix}_stranger"
    database.execute(f"CREATE ROLE {stranger} LOGIN")
    publish_two_nights(database, "postgres")
    for table in READABLE:
        for relation in (base(table), *views(table)):
            assert refused(database, stranger, f"SELECT * FROM {relation}") == "42501"


def test_a_grant_after_publications_hands_them_over_and_new_tables_get_their_rights(
    database: Database,
) -> None:
    publish_two_nights(database, "postgres")
    names = grant(database.url(), CODES, database.prefix).roles
    # As an older version would have left it: without a mart that this one has.
    database.execute(
        "DROP TABLE store.mart_spending_position CASCADE",
        "UPDATE store.setting SET value = (value::jsonb - 'mart_spending_position')::text "
        "WHERE name = 'declaration'",
    )
    publish_two_nights(database, names.owner)
    for user in (names.analyst, names.ward("00151")):
        assert database.rows("SELECT * FROM latest.mart_spending_position", user) == []
        assert database.rows("SELECT DISTINCT collected_amount FROM mart_unit_position", user) == [
            (Decimal("510000000000.25"),)
        ]


def test_what_an_administrator_publishes_is_the_owners_all_the_same(database: Database) -> None:
    names = grant(database.url(), CODES, database.prefix).roles
    publish_two_nights(database, "postgres")
    publish_two_nights(database, names.owner)
    assert len(open_warehouse(database.url(names.analyst)).publications()) == 4


def test_a_grant_by_somebody_who_cannot_close_the_database_is_refused(database: Database) -> None:
    helper = f"{database.prefix}_helper"
    database.execute(
        f"CREATE ROLE {helper} LOGIN CREATEROLE", f"GRANT CREATE ON DATABASE {database.name} TO {helper}",
        f"GRANT ALL ON SCHEMA public TO {helper} WITH GRANT OPTION",
    )  # fmt: skip
    with pytest.raises(WarehouseError, match="run this as the database's owner or a superuser"):
        grant(database.url(helper), CODES, database.prefix)
    assert database.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'store'") == [(0,)]


def test_an_administrator_need_not_be_a_superuser(database: Database) -> None:
    administrator = f"{database.prefix}_dba"
    database.server.execute(
        f"CREATE ROLE {administrator} LOGIN CREATEROLE",
        f"ALTER DATABASE {database.name} OWNER TO {administrator}",
    )
    names = grant(database.url(administrator), CODES, database.prefix).roles
    publish_two_nights(database, names.owner)
    assert grant(database.url(administrator), CODES, database.prefix).made == ()
    assert database.rows("SELECT unit_key FROM latest.mart_unit_position", names.ward("00151")) == [(OWN,)]


def test_a_role_that_would_see_every_ward_stops_the_grant(database: Database) -> None:
    database.execute(f"CREATE ROLE {database.prefix}_ward_00130 LOGIN BYPASSRLS")
    with pytest.raises(WarehouseError, match="bypasses row-level security, and would see every ward"):
        grant(database.url(), CODES, database.prefix)
    assert database.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'store'") == [(0,)]
    known = database.rows(f"SELECT count(*) FROM pg_roles WHERE rolname LIKE '{database.prefix}\\_%'")
    assert known == [(1,)]


def test_the_command_makes_a_role_for_each_unit_of_the_authority(database: Database) -> None:
    arguments = ["warehouse", "grant", "--warehouse", database.url(), "--prefix", database.prefix]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    names = Roles(database.prefix)
    wards = database.rows(f"SELECT rolname::text FROM pg_roles WHERE rolname LIKE '{names.wards}\\_%'")
    assert len(wards) == 14
    assert (names.ward("00151"),) in wards
    assert f"made now: {names.owner}, {names.analyst}, {names.wards}, {names.wards}_00115" in first.output
    assert "made now: none, all stood" in CliRunner().invoke(app, arguments).output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--warehouse", "postgresql+psycopg://me:s3cret@127.0.0.1:1/x"], 2, "seen by every user"),
        (["--warehouse", "postgresql+psycopg://me@127.0.0.1:1/x"], 1, "the server cannot be reached"),
        (["--warehouse", "duckdb:////tmp/a.duckdb"], 2, "roles are PostgreSQL's"),
        (["--warehouse", "postgresql+psycopg://me@h/x", "--prefix", "Wa rd"], 2, "small letters"),
        ([], 2, "give --warehouse postgresql"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], code: int, message: str) -> None:
    said = CliRunner().invoke(app, ["warehouse", "grant", *arguments], env={"WARDCAST_WAREHOUSE": None})
    assert said.exit_code == code
    assert message in " ".join(said.output.replace("│", " ").split())
    assert "s3cret" not in said.output
