"""PostgreSQL and DuckDB hold the same; a publication is there whole or not at all."""

import itertools
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Column, Table

from tests.warehouse.postgres_server import Database, PostgresServer
from tests.warehouse.publication_scenario import (
    EARLIER,
    NIGHT,
    PUBLISHED_AT,
    UNITS,
    dimensions,
    facts,
    marts,
)
from warehouse.engines import Warehouse, WarehouseError, open_warehouse, warehouse_url
from warehouse.postgres_tables import LATEST, PUBLIC, READABLE, STORE, base, is_nightly, views
from warehouse.projections import SchemaMismatchError, grain, polars_schema
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MART_UNIT_POSITION, MART_WARNING, MARTS, PUBLICATION

ROOT = Path(__file__).parents[2]
BRIEF = "mart_district_brief"
NEW_YEAR = date(2021, 1, 1)

TEXTS = [
    "", " ", "Phúc Đồng", "Phu\u0301c \u0110o\u0302\u0300ng", 'say "no"', "it's", "back\\slash", "\\N",
    "\t|,;\r\n", "NULL", "ÿ", "𝄞 and 漢字", "z" * 3000,
]  # fmt: skip
DOUBLES = [0.0, -0.0, 51.25, -1e-300, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, float("nan"), float("inf"),
           float("-inf")]  # fmt: skip
LARGEST = "999999999999999999.99"
AMOUNTS = [Decimal(text) for text in ("0.00", "0.01", "-0.01", LARGEST, f"-{LARGEST}", "510000000000.25")]
DAYS = [date(1, 1, 1), date(1969, 12, 31), date(2000, 2, 29), date(9999, 12, 31)]
KNOWN = {"unit_key": UNITS, "line_code": ("ALL", "vat", "UNALLOCATED"), "item_code": ("1701",)}


def awkward(column: Column[Any], chance: random.Random) -> Any:
    """A value of the column's kind that has gone wrong somewhere before."""
    if column.nullable and chance.random() < 0.25:
        return None
    if column.name in KNOWN:
        return chance.choice(KNOWN[column.name])
    kind = polars_schema(column.table)[column.name]
    numbers = {pl.Float64: DOUBLES, pl.Date: DAYS, pl.Boolean: [True, False], pl.String: TEXTS}
    if isinstance(kind, pl.Decimal):
        return chance.choice(AMOUNTS)
    if kind in (pl.Int32, pl.Int64):
        return chance.choice([0, 1, -1, 2**31 - 1, -(2**31)])
    return chance.choice(numbers[type(kind)])


def awkward_marts(night: date, seed: int) -> dict[str, pl.DataFrame]:
    """Every mart with rows of awkward values, and one without any."""
    chance = random.Random(seed)
    frames = {}
    for place, table in enumerate(MARTS):
        rows = [] if place == seed % len(MARTS) else [_row(table, night, n, chance) for n in range(40)]
        schema = {name: kind for name, kind in polars_schema(table).items() if name != "publication_id"}
        frame = pl.DataFrame(rows, schema=schema)
        frames[table.name] = frame.unique(grain(table), keep="first", maintain_order=True)
    return frames


def _row(table: Table, night: date, number: int, chance: random.Random) -> dict[str, Any]:
    row = {
        column.name: awkward(column, chance) for column in table.columns if column.name != "publication_id"
    }
    free = [name for name in grain(table) if name not in {"as_of", *KNOWN} and isinstance(row[name], str)]
    row |= {name: f"{row[name]}{number}" for name in free[:1]}
    return row | ({"as_of": night} if "as_of" in row else {})


def published_to_both(
    duck: Warehouse, pg: Warehouse, night: date, seed: int, minutes: int
) -> dict[str, pl.DataFrame]:
    frames = awkward_marts(night, seed)
    said = facts(PUBLISHED_AT + timedelta(minutes=minutes), run_id=f"run-{seed}")
    known = dimensions()
    known["dim_unit"] = known["dim_unit"].with_columns(pl.col("unit_name") + f" as of turn {seed}")
    assert duck.publish(night, frames, known, said) == pg.publish(night, frames, known, said)
    return frames


def assert_same(one: pl.DataFrame, other: pl.DataFrame, what: str) -> None:
    assert one.schema == other.schema, what
    assert one.equals(other), what
    # equals() takes 0.0 and -0.0 for the same.
    doubles = pl.selectors.float()
    assert one.select(doubles).rows().__repr__() == other.select(doubles).rows().__repr__(), what


def assert_both_hold_the_same(duck: Warehouse, pg: Warehouse) -> None:
    assert duck.publications() == pg.publications()
    assert duck.latest_publication() == pg.latest_publication()
    nights = sorted({publication.as_of for publication in duck.publications()})
    for place, table in enumerate(READABLE):
        assert_same(duck.read_mart(table.name), pg.read_mart(table.name), table.name)
        keys = ", ".join(f'"{name}"' for name in grain(table))
        schema = "" if table is PUBLICATION or place % 2 else "latest."
        sql = f"SELECT * FROM {schema}{table.name} ORDER BY {keys}"
        assert_same(duck.query(sql), pg.query(sql), sql)
        if "as_of" in table.columns:
            night = nights[place % len(nights)]
            assert_same(duck.read_mart(table.name, night), pg.read_mart(table.name, night), table.name)
    for night in (*nights, min(nights) - timedelta(days=1), max(nights) + timedelta(days=1)):
        assert_same(duck.previous_warnings(night), pg.previous_warnings(night), str(night))


@pytest.fixture
def pg(database: Database) -> Warehouse:
    return open_warehouse(database.url())


def test_both_engines_hold_the_same_through_nights_reruns_and_backfill(tmp_path: Path, pg: Warehouse) -> None:
    duck = open_warehouse(warehouse_url(tmp_path / "wardcast.duckdb"))
    nights = [NIGHT, NEW_YEAR, NIGHT, EARLIER, NEW_YEAR]
    for turn, night in enumerate(nights):
        frames = published_to_both(duck, pg, night, turn, turn)
        for name, frame in frames.items():
            assert "as_of" not in frame.columns or frame.height == pg.read_mart(name, night).height
        if turn in (2, 4):
            assert_both_hold_the_same(duck, pg)
    ids = [publication.publication_id for publication in pg.publications()]
    assert ids == ["2020-06-30.1", "2021-01-01.1", "2020-06-30.2", "2020-06-29.1", "2021-01-01.2"]
    assert set(pg.query("SELECT as_of FROM latest.mart_unit_position")["as_of"]) == {NEW_YEAR}


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[tuple[Warehouse, Warehouse]]:
    """Both engines after the same two nights."""
    database = postgres_server.new_database()
    duck = open_warehouse(warehouse_url(tmp_path_factory.mktemp("home") / "wardcast.duckdb"))
    pg = open_warehouse(database.url())
    for warehouse, night in itertools.product((duck, pg), (EARLIER, NIGHT)):
        warehouse.publish(night, marts(night), dimensions(), facts())
    yield duck, pg
    database.drop()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT unit_key, sum(collected_amount) AS total, count(*) AS n FROM mart_unit_position "
        "GROUP BY unit_key ORDER BY unit_key",
        "SELECT u.unit_name, p.collected_amount FROM latest.mart_unit_position AS p "
        "JOIN dim_unit AS u USING (unit_key) ORDER BY u.unit_name DESC",
        "WITH w AS (SELECT * FROM mart_warning) SELECT as_of, max(message_vi) AS said FROM w "
        "GROUP BY as_of ORDER BY as_of;",
        "SELECT publication_id, published_at, CAST(published_at AS date) AS day FROM publication ORDER BY 1",
        "SELECT 1 AS a, 2 AS a, NULL AS b -- a note",
        "VALUES (1, 'x')",
    ],
)
def test_queries_give_the_same(both: tuple[Warehouse, Warehouse], sql: str) -> None:
    duck, pg = both
    assert duck.query(sql).rows() == pg.query(sql).rows()


def test_before_the_first_publication_there_is_nothing_and_it_is_said(pg: Warehouse) -> None:
    pg.check_writable()
    assert pg.latest_publication() is None
    assert pg.read_mart("mart_unit_position").schema == polars_schema(MART_UNIT_POSITION)
    assert pg.previous_warnings(NIGHT).schema == polars_schema(MART_WARNING)
    with pytest.raises(WarehouseError, match="run wardcast nightly first"):
        pg.query("SELECT 1")


def test_the_database_has_declared_types_comments_keys_and_a_partition_a_year(
    database: Database, pg: Warehouse
) -> None:
    for night in (NEW_YEAR, NIGHT, EARLIER):
        pg.publish(night, marts(night), dimensions(), facts())
    comments = {
        (relation, column): said
        for relation, column, said in database.rows(
            "SELECT objoid::regclass::text, attname, description FROM pg_description "
            "LEFT JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid AND objsubid > 0 "
            "WHERE classoid = 'pg_class'::regclass"
        )
    }
    for table in READABLE:
        for relation in (base(table), *views(table)):
            shown = relation.removeprefix("public.")
            assert comments[shown, None] == table.comment
            for column in table.columns:
                assert comments[shown, column.name] == column.comment
    # Only a database with a language of its own would sort otherwise, and the packaged server has none.
    sorting = database.rows(
        "SELECT DISTINCT collation_name::text FROM information_schema.columns "
        "WHERE data_type = 'text' AND table_schema IN ('store', 'public', 'latest') "
        "AND table_name <> 'setting'"
    )
    assert sorting == [("C",)]
    keys = database.rows("SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'p'")
    assert {table.name for table in DIMENSIONS} < {name for (name,) in keys}
    partitions = database.rows(
        "SELECT inhrelid::regclass::text FROM pg_inherits "
        "WHERE inhparent IN (SELECT partrelid FROM pg_partitioned_table)"
    )
    nightly = [table.name for table in MARTS if is_nightly(table)]
    expected = {f"{STORE}.{name}_{year}" for name in nightly for year in (2020, 2021)}
    assert expected <= {name for (name,) in partitions}
    kinds = dict(
        database.rows(
            "SELECT table_schema, string_agg(DISTINCT table_type, ',') FROM information_schema.tables "
            "WHERE table_schema IN ('store', 'public', 'latest') GROUP BY 1"
        )
    )
    assert kinds == {STORE: "BASE TABLE", PUBLIC: "BASE TABLE,VIEW", LATEST: "VIEW"}


def test_latest_reads_one_partition(database: Database, pg: Warehouse) -> None:
    for night in (NEW_YEAR, NIGHT):
        pg.publish(night, marts(night), dimensions(), facts())
    plan = "\n".join(
        line
        for (line,) in database.rows("EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM latest.mart_unit_position")
    )
    read = [
        line for line in plan.splitlines() if "mart_unit_position_" in line and "never executed" not in line
    ]
    assert len(read) == 1
    assert "mart_unit_position_2021" in read[0]


def test_a_superseded_publication_goes_after_its_days_and_a_current_one_never(database: Database) -> None:
    pg = open_warehouse(database.url(), kept_days=35)
    pg.publish(EARLIER, marts(EARLIER), dimensions(), facts())
    for days in (0, 1):
        pg.publish(NIGHT, marts(), dimensions(), facts(PUBLISHED_AT + timedelta(days=days)))
    held = "SELECT DISTINCT publication_id FROM store.mart_unit_position ORDER BY 1"
    for days, kept in ((35, True), (36, False), (37, False)):
        night = NIGHT + timedelta(days=days)
        pg.publish(night, marts(night), dimensions(), facts(PUBLISHED_AT + timedelta(days=days)))
        ids = [name for (name,) in database.rows(held)]
        assert ("2020-06-30.1" in ids) is kept
        assert {"2020-06-29.1", "2020-06-30.2"} < set(ids)
    assert "2020-06-30.1" in [publication.publication_id for publication in pg.publications()]
    assert pg.publish(NIGHT, marts(), dimensions(), facts()).publication_id == "2020-06-30.3"


def test_what_does_not_hold_together_is_refused_before_the_server_is_asked() -> None:
    nowhere = open_warehouse("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    frames = marts()
    with pytest.raises(SchemaMismatchError, match=r"lacks columns.*units_total"):
        nowhere.publish(NIGHT, {**frames, BRIEF: frames[BRIEF].drop("units_total")}, dimensions(), facts())
    stranger = frames["mart_warning"].with_columns(unit_key=pl.lit("99999@2004"))
    with pytest.raises(WarehouseError, match="unit_key not in dim_unit: 99999@2004"):
        nowhere.publish(NIGHT, {**frames, "mart_warning": stranger}, dimensions(), facts())
    with pytest.raises(WarehouseError, match="time zone"):
        nowhere.publish(NIGHT, frames, dimensions(), facts(datetime(2020, 6, 30, 18, 30)))  # noqa: DTZ001


def publisher(database: Database, mode: str, argument: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.warehouse.publisher", database.url(), str(NIGHT), mode, argument]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_a_killed_publisher_leaves_the_last_publication_and_the_next_run_succeeds(
    database: Database, pg: Warehouse
) -> None:
    later = ["load dim_unit", "load mart_warning", "register", "commit", "statistics"]
    # Side by side, each in a database of its own: what takes long is starting them.
    for first_publication, steps in ((False, later), (True, ["schema", "commit"])):
        places = [database.server.new_database() for _ in steps]
        for place in places if not first_publication else ():
            open_warehouse(place.url()).publish(NIGHT, marts(NIGHT, "7.00"), dimensions(), facts())
        children = [publisher(place, "kill", step) for place, step in zip(places, steps, strict=True)]
        for child, place, step in zip(children, places, steps, strict=True):
            _, said = child.communicate(timeout=60)
            assert child.returncode == -signal.SIGKILL, said
            old = set() if first_publication else {Decimal("7.00")}
            survived = {Decimal("1.00")} if step == "statistics" else old
            warehouse = open_warehouse(place.url())
            before = warehouse.publications()
            assert len(before) == len(survived) + (step == "statistics" and not first_publication)
            for mart in (BRIEF, "mart_unit_position"):
                assert set(warehouse.read_mart(mart)["collected_amount"]) == survived, step
            made = warehouse.publish(NIGHT, marts(NIGHT, "9.00"), dimensions(), facts())
            assert made.publication_id == f"2020-06-30.{len(before) + 1}"
            assert set(warehouse.read_mart(BRIEF)["collected_amount"]) == {Decimal("9.00")}
            place.drop()


def test_of_two_publishers_one_wins_and_the_other_says_who(database: Database, pg: Warehouse) -> None:
    with publisher(database, "hold", "load mart_warning") as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "holding\n"
        with pytest.raises(
            WarehouseError,
            match=rf"is being published to by wardcast run child of night 2020-06-30, process {child.pid}",
        ):
            pg.publish(NIGHT, marts(NIGHT, "5.00"), dimensions(), facts())
        assert pg.publications() == ()
        child.communicate("go on\n", timeout=60)
    assert child.returncode == 0
    assert set(pg.read_mart(BRIEF)["collected_amount"]) == {Decimal("1.00")}
    pg.publish(NIGHT, marts(NIGHT, "5.00"), dimensions(), facts())
    assert len(pg.publications()) == 2


def test_readers_in_a_loop_see_whole_publications(database: Database, pg: Warehouse) -> None:
    whole = (
        "SELECT as_of, array_agg(DISTINCT publication_id), array_agg(DISTINCT collected_amount), count(*) "
        "FROM ("
        " SELECT as_of, publication_id, collected_amount FROM {0}mart_district_brief UNION ALL"
        " SELECT as_of, publication_id, collected_amount FROM {0}mart_unit_position) GROUP BY as_of"
    )
    for night in (EARLIER, NIGHT):
        pg.publish(night, marts(night, "0.01"), dimensions(), facts())
    ended, torn, seen = threading.Event(), [], set()

    def read() -> None:
        with database.login() as connection:
            while not ended.is_set():
                for schema, nights in (("", 2), ("latest.", 1)):
                    rows = connection.execute(whole.format(schema)).fetchall()
                    seen.update(ids[0] for _, ids, _, _ in rows)
                    good = len(rows) == nights and all(
                        (len(ids), len(amounts), n) == (1, 1, 5) for _, ids, amounts, n in rows
                    )
                    torn.extend([] if good else rows)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        night = (NIGHT, EARLIER)[turn % 2]
        pg.publish(night, marts(night, f"{turn + 1}.00"), dimensions(), facts())
    ended.set()
    reader.join()
    assert torn == []
    assert len(seen) > 4


def test_a_reader_of_several_statements_keeps_one_publication_in_a_repeatable_read(
    database: Database, pg: Warehouse
) -> None:
    pg.publish(NIGHT, marts(NIGHT, "1.00"), dimensions(), facts())
    amount = f"SELECT collected_amount FROM latest.{BRIEF}"
    with database.login() as held:
        held.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert held.execute(amount).fetchall() == [(Decimal("1.00"),)]
        pg.publish(NIGHT, marts(NIGHT, "2.00"), dimensions(), facts())
        assert held.execute(amount).fetchall() == [(Decimal("1.00"),)]
        assert held.execute("SELECT count(*) FROM dim_unit").fetchall() == [(len(UNITS),)]
        assert pg.query(amount).item() == Decimal("2.00")
        # A year's first night makes partitions, for which it must not have to wait for readers.
        pg.publish(NEW_YEAR, marts(NEW_YEAR, "3.00"), dimensions(), facts())
        assert held.execute(amount).fetchall() == [(Decimal("1.00"),)]


def test_a_publication_of_many_rows_arrives_whole(pg: Warehouse) -> None:
    units = pl.DataFrame({"unit_key": [f"{n:05d}@2004" for n in range(20_000)]})
    frames, known = marts(), dimensions()
    one = frames["mart_unit_position"].head(1).drop("unit_key")
    frames["mart_unit_position"] = units.join(one, how="cross").select(frames["mart_unit_position"].columns)
    more = units.join(known["dim_unit"].head(1).drop("unit_key"), how="cross").select(
        known["dim_unit"].columns
    )
    known["dim_unit"] = pl.concat([known["dim_unit"], more]).unique("unit_key")
    made = pg.publish(NIGHT, frames, known, facts(datetime(2020, 7, 1, tzinfo=UTC)))
    assert made.rows == 20_002
    total = pg.query("SELECT count(*), sum(collected_amount) FROM latest.mart_unit_position").row(0)
    assert total == (20_000, 20_000 * Decimal("510000000000.25"))
