"""`wardcast warehouse upgrade`: an older warehouse comes up to date in place; a newer one is refused."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from typer.testing import CliRunner

from pipelines.command import app
from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import EARLIER, NIGHT, dimensions, facts, marts
from warehouse.engines import PublicationFacts, open_warehouse, warehouse_url
from warehouse.postgres_tables import READABLE, base_schema
from warehouse.tables.dimensions import DIMENSIONS

BRIEF = "mart_district_brief"


def wardcast(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["warehouse", "upgrade", *map(str, words)])
    return result.exit_code, result.output


def differences(database: Database) -> list[Any]:
    """What Alembic would change to make the database's tables those of the declaration."""
    declared = sa.MetaData()
    for table in READABLE:
        placed = table.to_metadata(declared, schema=base_schema(table))
        if table.name == "publication":
            placed.append_column(sa.Column("number", sa.BigInteger, nullable=False))
            placed.append_column(sa.Column("is_pruned", sa.Boolean, nullable=False))
    ours = {table.name for table in READABLE}

    def is_ours(thing: Any, name: str | None, kind: str, reflected: bool, counterpart: Any) -> bool:
        del thing, reflected, counterpart
        return kind != "index" and (kind != "table" or name in ours)

    def is_other(context: Any, column: Any, declared: Any, found_type: Any, told_type: Any) -> bool | None:
        """Text is text: the declaration leaves the collation to the engine."""
        del context, column, declared
        return False if isinstance(found_type, sa.String) and isinstance(told_type, sa.String) else None

    engine = sa.create_engine(database.url())
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True, "include_object": is_ours, "compare_type": is_other,
                "target_metadata": declared,
            },
        )  # fmt: skip
        found: list[Any] = compare_metadata(context, declared)
    engine.dispose()
    return found


def without(database: Database, columns: Iterable[tuple[str, str]], tables: Iterable[str] = ()) -> None:
    """Make the warehouse one of an older version, which had neither."""
    for table, column in columns:
        database.execute(
            f"ALTER TABLE store.{table} DROP COLUMN {column} CASCADE",
            f"UPDATE store.setting SET value = (value::jsonb #- '{{{table},{column}}}'::text[])::text "
            "WHERE name = 'declaration'",
        )
        rest = ", ".join(c.name for t in READABLE if t.name == table for c in t.columns if c.name != column)
        for view in (f"public.{table}", f"latest.{table}"):
            database.execute(f"CREATE VIEW {view} AS SELECT {rest} FROM store.{table}")
    for table in tables:
        database.execute(
            f"DROP TABLE store.{table} CASCADE",
            f"UPDATE store.setting SET value = (value::jsonb - '{table}')::text WHERE name = 'declaration'",
        )


def test_an_older_database_is_upgraded_to_what_is_declared_and_keeps_its_rows(database: Database) -> None:
    warehouse = open_warehouse(database.url())
    warehouse.publish(EARLIER, marts(EARLIER), dimensions(), facts())
    before = warehouse.read_mart(BRIEF)
    without(database, [("mart_warning", "owner")], ["mart_item_position", "mart_quarantine"])
    assert differences(database)
    code, said = wardcast("--warehouse", database.url())
    assert code == 0, said
    assert "mart_warning: columns owner" in said
    assert "mart_item_position: new table" in said
    # A column that older nights lack stays nullable.
    left = [change for change in differences(database) if change[0][0] != "modify_nullable"]
    assert left == []
    assert warehouse.read_mart(BRIEF).equals(before)
    assert warehouse.read_mart("mart_warning")["owner"].to_list() == [None]
    assert wardcast("--warehouse", database.url()) == (0, "Nothing to do: the warehouse is up to date.\n")
    warehouse.publish(NIGHT, marts(NIGHT), dimensions(), facts())
    assert warehouse.read_mart(BRIEF).height == 2


def test_a_new_database_is_what_is_declared(database: Database) -> None:
    code, said = wardcast("--warehouse", database.url())
    assert (code, said.splitlines()[0]) == (0, f"schema made: {len(READABLE)} tables")
    assert differences(database) == []
    keys = database.rows(
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'p' "
        "AND connamespace = 'public'::regnamespace"
    )
    assert {name for (name,) in keys} == {table.name for table in DIMENSIONS}


def test_a_newer_or_edited_or_unreachable_database_is_refused_and_left(database: Database) -> None:
    warehouse = open_warehouse(database.url())
    warehouse.publish(EARLIER, marts(EARLIER), dimensions(), facts())
    database.execute("ALTER TABLE store.mart_warning ADD COLUMN mood text")
    code, said = wardcast("--warehouse", database.url())
    assert code == 1
    assert "changed by hand: store.mart_warning has a column mood of somebody else's" in said
    database.execute(
        "UPDATE store.setting SET value = jsonb_set(value::jsonb, '{mart_warning,mood}', '\"text\"')::text "
        "WHERE name = 'declaration'"
    )
    code, said = wardcast("--warehouse", database.url())
    assert code == 1
    assert "made by a newer version of wardcast" in said
    assert warehouse.read_mart(BRIEF).height == 1
    code, said = wardcast("--warehouse", "postgresql+psycopg://clerk@127.0.0.1:1/wardcast")
    assert code == 1
    assert "cannot be reached" in said


def test_files_of_publications_need_no_upgrade_and_a_newer_one_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "wardcast.duckdb"
    warehouse = open_warehouse(warehouse_url(link))
    said = facts()
    newer = PublicationFacts(
        said.run_id, "10.0.0rc1", said.config_sha256, said.published_at, said.checks_passed, 0
    )
    warehouse.publish(EARLIER, marts(EARLIER), dimensions(), said)
    place = ("--home", tmp_path)
    assert wardcast(*place) == (0, "Nothing to do: the warehouse is up to date.\n")
    warehouse.publish(NIGHT, marts(NIGHT), dimensions(), newer)
    code, told = wardcast(*place)
    assert code == 1
    assert "publication 2020-06-30.1 was made by wardcast 10.0.0rc1, newer than this" in told
    assert warehouse.upgrade("10.0.0") == []
