"""What a publication holds, what supersedes what, what is kept, and what is refused."""

import shutil
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.warehouse.publication_scenario import EARLIER, NIGHT, PUBLISHED_AT, dimensions, facts, marts
from warehouse.engines import Publication, Warehouse, WarehouseError, open_warehouse, warehouse_url
from warehouse.projections import SchemaMismatchError, polars_schema
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MART_UNIT_POSITION, MART_WARNING, MARTS, PUBLICATION

BRIEF = "mart_district_brief"


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "nhà kho" / "wardcast.duckdb"


@pytest.fixture
def warehouse(link: Path) -> Warehouse:
    return open_warehouse(warehouse_url(link))


def collected(warehouse: Warehouse, relation: str = BRIEF) -> dict[date, Decimal]:
    return dict(warehouse.query(f"SELECT as_of, collected_amount FROM {relation}").rows())


def test_before_the_first_publication_there_is_nothing_and_it_is_said(warehouse: Warehouse) -> None:
    assert warehouse.latest_publication() is None
    assert warehouse.publications() == ()
    positions = warehouse.read_mart("mart_unit_position")
    assert positions.is_empty()
    assert positions.schema == polars_schema(MART_UNIT_POSITION)
    assert warehouse.previous_warnings(NIGHT).schema == polars_schema(MART_WARNING)
    with pytest.raises(WarehouseError, match="run wardcast nightly first"):
        warehouse.query("SELECT 1")


def test_a_night_comes_back_as_it_went_in(warehouse: Warehouse) -> None:
    given = marts()
    made = warehouse.publish(NIGHT, given, dimensions(), facts())
    assert made == Publication("2020-06-30.1", NIGHT, PUBLISHED_AT, "run-1", "0.1.0", "c0ffee", 6, 12, 1)
    assert warehouse.latest_publication() == made
    assert warehouse.read_mart("publication").rows(named=True)[0]["rows"] == 6
    for table in MARTS:
        read = warehouse.read_mart(table.name)
        assert read.schema == polars_schema(table)
        assert read.drop("publication_id", strict=False).equals(given[table.name]), table.name
        assert "as_of" not in read.columns or set(read["publication_id"]) <= {made.publication_id}
    for name, frame in dimensions().items():
        assert warehouse.read_mart(name).equals(frame)


def test_the_file_has_declared_types_comments_and_the_dimensions_keys(
    warehouse: Warehouse, link: Path
) -> None:
    warehouse.publish(NIGHT, marts(), dimensions(), facts())
    warehouse.publish(EARLIER, marts(EARLIER), dimensions(), facts())
    with duckdb.connect(str(link), read_only=True) as connection:
        columns = connection.execute(
            "SELECT schema_name, table_name, column_name, comment, data_type FROM duckdb_columns()"
        ).fetchall()
        tables = connection.execute(
            "SELECT schema_name, table_name, comment FROM duckdb_tables() UNION ALL "
            "SELECT schema_name, view_name, comment FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        keys = connection.execute(
            "SELECT table_name FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    own = (*MARTS, *DIMENSIONS)
    expected = {(schema, table.name, table.comment) for schema in ("latest", "main") for table in own}
    assert set(tables) == expected | {("main", PUBLICATION.name, PUBLICATION.comment)}
    said = {(schema, table, name): comment for schema, table, name, comment, _ in columns}
    for schema in ("latest", "main"):
        for table in own:
            for column in table.columns:
                assert said[schema, table.name, column.name] == column.comment
    types = {(schema, table, name): kind for schema, table, name, _, kind in columns}
    for schema in ("latest", "main"):
        assert types[schema, BRIEF, "collected_amount"] == "DECIMAL(20,2)"
        assert types[schema, BRIEF, "as_of"] == "DATE"
    assert types["main", "publication", "published_at"] == "TIMESTAMP WITH TIME ZONE"
    assert {name for (name,) in keys} == {table.name for table in DIMENSIONS}


def test_no_path_stands_in_the_file_while_there_is_one_night(warehouse: Warehouse, link: Path) -> None:
    warehouse.publish(NIGHT, marts(), dimensions(), facts())
    with duckdb.connect(str(link), read_only=True) as connection:
        views = connection.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall()
    assert not any(str(link.parent) in words for (words,) in views)


@pytest.mark.parametrize(("small_below", "block_size"), [(500_000, 16_384), (6, 262_144)])
def test_a_large_night_is_laid_out_in_large_blocks(
    warehouse: Warehouse, link: Path, monkeypatch: pytest.MonkeyPatch, small_below: int, block_size: int
) -> None:
    monkeypatch.setattr("warehouse.publication_file.SMALL_NIGHT_ROWS", small_below)
    warehouse.publish(NIGHT, marts(), dimensions(), facts())
    with duckdb.connect(str(link), read_only=True) as connection:
        sizes = connection.execute("SELECT block_size FROM pragma_database_size()").fetchall()
    assert sizes == [(block_size,)]


def test_a_rerun_supersedes_its_night_and_is_listed_beside_it(warehouse: Warehouse, link: Path) -> None:
    warehouse.publish(NIGHT, marts(NIGHT, "1.00"), dimensions(), facts())
    second = warehouse.publish(NIGHT, marts(NIGHT, "2.00"), dimensions(), facts(run_id="run-2"))
    assert collected(warehouse) == {NIGHT: Decimal("2.00")}
    assert [one.publication_id for one in warehouse.publications()] == ["2020-06-30.1", "2020-06-30.2"]
    assert warehouse.latest_publication() == second
    superseded = link.parent / "wardcast.publications" / "2020-06-30.1.duckdb"
    with duckdb.connect(str(superseded), read_only=True) as connection:
        assert connection.execute(f"SELECT collected_amount FROM {BRIEF}").fetchall() == [(Decimal("1.00"),)]


def test_an_older_night_joins_the_history_and_leaves_latest_alone(warehouse: Warehouse, link: Path) -> None:
    warehouse.publish(NIGHT, marts(NIGHT, "2.00"), dimensions(), facts())
    warehouse.publish(EARLIER, marts(EARLIER, "1.00"), dimensions(), facts())
    assert collected(warehouse, f"latest.{BRIEF}") == {NIGHT: Decimal("2.00")}
    assert collected(warehouse) == {EARLIER: Decimal("1.00"), NIGHT: Decimal("2.00")}
    assert link.resolve().name == "2020-06-29.1.duckdb"
    with duckdb.connect(str(link), read_only=True) as connection:
        assert connection.execute(f"SELECT as_of FROM latest.{BRIEF}").fetchall() == [(NIGHT,)]
        assert connection.execute(f"SELECT count(*) FROM {BRIEF}").fetchall() == [(2,)]
    warehouse.publish(EARLIER, marts(EARLIER, "1.50"), dimensions(), facts())
    assert collected(warehouse) == {EARLIER: Decimal("1.50"), NIGHT: Decimal("2.00")}


def test_one_night_can_be_read_and_warnings_of_the_night_before(warehouse: Warehouse) -> None:
    for night in (EARLIER, NIGHT):
        warehouse.publish(night, marts(night), dimensions(), facts())
    assert warehouse.read_mart(BRIEF, EARLIER)["as_of"].to_list() == [EARLIER]
    assert warehouse.read_mart(BRIEF, date(2019, 1, 1)).is_empty()
    assert warehouse.previous_warnings(NIGHT)["as_of"].to_list() == [EARLIER]
    assert warehouse.previous_warnings(NIGHT + timedelta(days=9))["as_of"].to_list() == [NIGHT]
    assert warehouse.previous_warnings(EARLIER).is_empty()


def test_a_superseded_publication_goes_after_its_days_and_a_current_one_never(link: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link), kept_days=35)
    folder = link.parent / "wardcast.publications"
    warehouse.publish(EARLIER, marts(EARLIER), dimensions(), facts(PUBLISHED_AT))
    for days in (0, 1):
        warehouse.publish(NIGHT, marts(), dimensions(), facts(PUBLISHED_AT + timedelta(days=days)))

    def publish_later(days: int) -> None:
        night = NIGHT + timedelta(days=days)
        warehouse.publish(night, marts(night), dimensions(), facts(PUBLISHED_AT + timedelta(days=days)))

    publish_later(35)
    assert (folder / "2020-06-30.1.duckdb").exists()
    publish_later(36)
    assert not (folder / "2020-06-30.1.duckdb").exists()
    assert not (folder / "2020-06-30.1").exists()
    assert (folder / "2020-06-30.2.duckdb").exists()
    assert (folder / "2020-06-29.1.duckdb").exists()
    assert "2020-06-30.1" in [one.publication_id for one in warehouse.publications()]
    assert len(collected(warehouse)) == 4
    warehouse.publish(NIGHT, marts(), dimensions(), facts(PUBLISHED_AT + timedelta(days=37)))
    assert warehouse.publications()[-1].publication_id == "2020-06-30.3"


def test_the_whole_home_can_move(link: Path, tmp_path: Path) -> None:
    warehouse = open_warehouse(warehouse_url(link))
    for night in (EARLIER, NIGHT):
        warehouse.publish(night, marts(night), dimensions(), facts())
    moved = tmp_path / "it's elsewhere"
    shutil.move(link.parent, moved)
    there = open_warehouse(warehouse_url(moved / "wardcast.duckdb"))
    assert set(collected(there)) == {EARLIER, NIGHT}
    with duckdb.connect(str(moved / "wardcast.duckdb"), read_only=True) as connection:
        assert connection.execute(f"SELECT as_of FROM latest.{BRIEF}").fetchall() == [(NIGHT,)]
    there.publish(NIGHT, marts(), dimensions(), facts())
    with duckdb.connect(str(moved / "wardcast.duckdb"), read_only=True) as connection:
        assert connection.execute(f"SELECT count(*) FROM {BRIEF}").fetchall() == [(2,)]


@pytest.mark.parametrize("name", ["100% of #1; 'kho' \"hai\"", "sub/../through", "linked"])
def test_the_home_may_have_an_awkward_name_or_be_reached_by_a_detour(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "sub", target_is_directory=True)
    link = tmp_path / name / "ward cast.duckdb"
    warehouse = open_warehouse(warehouse_url(link))
    for night in (EARLIER, NIGHT):
        warehouse.publish(night, marts(night), dimensions(), facts())
    assert set(collected(warehouse)) == {EARLIER, NIGHT}
    with duckdb.connect(str(link), read_only=True) as connection:
        assert connection.execute(f"SELECT count(*) FROM {BRIEF}").fetchall() == [(2,)]


def test_nights_of_an_older_version_are_read_with_nulls_for_what_they_lack(
    warehouse: Warehouse, link: Path
) -> None:
    warehouse.publish(EARLIER, marts(EARLIER), dimensions(), facts())
    old = link.parent / "wardcast.publications" / "2020-06-29.1"
    unit_position = old / "mart_unit_position.parquet"
    frame = pl.read_parquet(unit_position).drop("unit_name").with_columns(gone=pl.lit(1))
    unit_position.unlink()
    frame.write_parquet(unit_position)
    (old / "mart_quarantine.parquet").unlink()
    warehouse.publish(NIGHT, marts(), dimensions(), facts())
    names = warehouse.read_mart("mart_unit_position").group_by("as_of").agg(pl.col("unit_name").count())
    assert dict(names.rows()) == {EARLIER: 0, NIGHT: 4}
    assert warehouse.read_mart("mart_quarantine").is_empty()
    with duckdb.connect(str(link), read_only=True) as connection:
        assert connection.execute("SELECT count(*), count(unit_name) FROM mart_unit_position").fetchall() == [
            (8, 4)
        ]


def broken(mart: str, **changes: pl.Expr) -> dict[str, pl.DataFrame]:
    frames = marts()
    return {**frames, mart: frames[mart].with_columns(**changes)}


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (broken("mart_warning", unit_key=pl.lit("99999@2004")),
         "mart_warning: unit_key not in dim_unit: 99999@2004"),
        (broken("mart_unit_position", unit_key=pl.lit("ALL")),
         r"mart_unit_position: keys \(as_of, unit_key, basis, estimate_version\) that stand more than once: "
         "2020-06-30 / ALL / territory / initial"),
        (broken(BRIEF, as_of=pl.lit(EARLIER)), f"{BRIEF}: rows of another night: 2020-06-29"),
        ({name: frame for name, frame in marts().items() if name != "mart_warning"},
         "mart mart_warning is missing; pass it without rows"),
        ({**marts(), "mart_gossip": pl.DataFrame()}, "mart mart_gossip is not declared"),
    ],
)  # fmt: skip
def test_tables_that_do_not_agree_are_refused_by_table_and_key(
    warehouse: Warehouse, link: Path, frames: dict[str, pl.DataFrame], message: str
) -> None:
    with pytest.raises(WarehouseError, match=message):
        warehouse.publish(NIGHT, frames, dimensions(), facts())
    assert not link.parent.exists()


def test_a_line_or_item_outside_its_dimension_is_refused(warehouse: Warehouse) -> None:
    item = dimensions()["dim_item"].with_columns(line_code=pl.lit("nobody"))
    with pytest.raises(WarehouseError, match="dim_item: line_code not in dim_line: nobody"):
        warehouse.publish(NIGHT, marts(), {**dimensions(), "dim_item": item}, facts())


def test_a_frame_of_another_shape_is_refused_before_anything_is_written(
    warehouse: Warehouse, link: Path
) -> None:
    frames = marts()
    frames[BRIEF] = frames[BRIEF].drop("units_total")
    with pytest.raises(SchemaMismatchError, match=r"lacks columns.*units_total"):
        warehouse.publish(NIGHT, frames, dimensions(), facts())
    assert not link.parent.exists()


def test_a_publication_time_without_zone_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="time zone"):
        warehouse.publish(NIGHT, marts(), dimensions(), facts(datetime(2020, 6, 30, 18, 30)))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://localhost/wardcast", "engine 'mysql' is not supported; use duckdb:////full/path"),
        ("/var/lib/wardcast.duckdb", "is no URL; write it as duckdb:////full/path"),
        ("duckdb:///:memory:", "names no file"),
        ("duckdb://", "names no file"),
        ("duckdb:////tmp/a*b/wardcast.duckdb", "choose another folder"),
    ],
)
def test_a_url_no_engine_takes_is_refused_with_what_would_do(url: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message):
        open_warehouse(url)


def test_a_place_below_a_file_is_refused_before_and_at_publication(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    warehouse = open_warehouse(warehouse_url(tmp_path / "file" / "wardcast.duckdb"))
    with pytest.raises(WarehouseError, match="cannot be written; choose another place"):
        warehouse.check_writable()
    with pytest.raises(WarehouseError, match="cannot be written; choose another place"):
        warehouse.publish(NIGHT, marts(), dimensions(), facts())


def test_somebody_elses_database_is_left_alone(link: Path) -> None:
    link.parent.mkdir()
    with duckdb.connect(str(link)) as connection:
        connection.execute("CREATE TABLE theirs AS SELECT 42 AS answer")
    warehouse = open_warehouse(warehouse_url(link))
    for attempt in (
        warehouse.check_writable,
        lambda: warehouse.publish(NIGHT, marts(), dimensions(), facts()),
    ):
        with pytest.raises(WarehouseError, match="is no warehouse of ours"):
            attempt()
    with duckdb.connect(str(link), read_only=True) as connection:
        assert connection.execute("SELECT answer FROM theirs").fetchall() == [(42,)]


def test_a_lost_link_or_lost_files_are_named_with_the_remedy(warehouse: Warehouse, link: Path) -> None:
    warehouse.publish(NIGHT, marts(), dimensions(), facts())
    target = link.readlink()
    link.unlink()
    with pytest.raises(WarehouseError, match=r"ln -s wardcast\.publications/2020-06-30\.1\.duckdb"):
        warehouse.publish(NIGHT, marts(), dimensions(), facts())
    link.symlink_to(target)
    shutil.rmtree(link.parent / "wardcast.publications" / "2020-06-30.1")
    with pytest.raises(WarehouseError, match="its files are gone"):
        warehouse.latest_publication()


def test_a_publication_put_back_by_hand_is_taken_up_without_losing_the_others(
    warehouse: Warehouse, link: Path
) -> None:
    for amount in ("1.00", "2.00"):
        warehouse.publish(NIGHT, marts(NIGHT, amount), dimensions(), facts())
    link.unlink()
    link.symlink_to(Path("wardcast.publications") / "2020-06-30.1.duckdb")
    assert collected(warehouse) == {NIGHT: Decimal("1.00")}
    third = warehouse.publish(NIGHT, marts(NIGHT, "3.00"), dimensions(), facts())
    assert third.publication_id == "2020-06-30.3"
    assert (link.parent / "wardcast.publications" / "2020-06-30.2.duckdb").exists()


def test_retention_of_no_days_is_refused(link: Path) -> None:
    with pytest.raises(WarehouseError, match="1 or more"):
        open_warehouse(warehouse_url(link), kept_days=0)


def test_an_unknown_table_is_answered_with_those_there_are(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="no table 'mart_x'; it has mart_district_brief"):
        warehouse.read_mart("mart_x")
    with pytest.raises(WarehouseError, match="not kept by night"):
        warehouse.read_mart("dim_unit", NIGHT)


def test_parquet_of_the_newest_night_has_a_stable_path(warehouse: Warehouse, link: Path) -> None:
    for night, amount in ((NIGHT, "1.00"), (NIGHT, "2.00"), (EARLIER, "3.00")):
        warehouse.publish(night, marts(night, amount), dimensions(), facts())

    frame = pl.read_parquet(link.with_name("wardcast.latest") / f"{MART_UNIT_POSITION.name}.parquet")

    assert frame["as_of"].unique().to_list() == [NIGHT]
    assert frame["publication_id"].unique().to_list() == ["2020-06-30.2"]
