"""Reading one publication by its id on either engine: superseded ones too, until their retention is over."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import EARLIER, NIGHT, PUBLISHED_AT, dimensions, facts, marts
from warehouse.engines import (
    UnknownPublicationError,
    Warehouse,
    WarehouseError,
    open_warehouse,
    warehouse_url,
)
from warehouse.postgres_roles import Roles, grant
from warehouse.projections import polars_schema
from warehouse.tables.marts import MART_UNIT_POSITION, MARTS

BRIEF = "mart_district_brief"
Opened = Callable[[int], Warehouse]


@pytest.fixture(params=["duckdb", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """The warehouse, opened to keep what is superseded for so many days."""
    if request.param == "duckdb":
        return lambda days: open_warehouse(warehouse_url(tmp_path / "wardcast.duckdb"), kept_days=days)
    database: Database = request.getfixturevalue("database")
    return lambda days: open_warehouse(database.url(), kept_days=days)


def publish(warehouse: Warehouse, night: date, collected: str, after_days: int = 0) -> str:
    units = dimensions()["dim_unit"]
    coded = units.with_columns(unit_code=units["unit_key"].str.split("@").list.first())
    made = warehouse.publish(
        night, marts(night, collected), {**dimensions(), "dim_unit": coded},
        facts(PUBLISHED_AT + timedelta(days=after_days)),
    )  # fmt: skip
    return made.publication_id


def collected(warehouse: Warehouse, publication_id: str) -> list[Decimal]:
    return warehouse.read_publication(BRIEF, publication_id)["collected_amount"].to_list()


def test_every_publication_is_read_as_it_was_made(opened: Opened) -> None:
    warehouse = opened(35)
    ids = [publish(warehouse, *one) for one in ((EARLIER, "1.00"), (NIGHT, "2.00"), (NIGHT, "3.00"))]
    assert ids == ["2020-06-29.1", "2020-06-30.1", "2020-06-30.2"]
    assert [collected(warehouse, one) for one in ids] == [[Decimal(n)] for n in (1, 2, 3)]
    superseded = warehouse.read_publication("mart_unit_position", "2020-06-30.1")
    assert superseded.schema == polars_schema(MART_UNIT_POSITION)
    assert set(superseded["publication_id"]) == {"2020-06-30.1"}
    assert superseded.height == 4
    current = warehouse.read_publication("mart_unit_position", "2020-06-30.2")
    assert current.equals(warehouse.read_mart("mart_unit_position", NIGHT))


def test_every_mart_of_a_night_can_be_read(opened: Opened) -> None:
    warehouse = opened(35)
    made = publish(warehouse, NIGHT, "1.00")
    for table in MARTS:
        if "publication_id" in table.columns:
            read = warehouse.read_publication(table.name, made)
            assert read.equals(warehouse.read_mart(table.name, NIGHT)), table.name
            assert read.schema == polars_schema(table)


def test_what_is_not_there_is_told_with_what_is(opened: Opened) -> None:
    warehouse = opened(1)
    with pytest.raises(UnknownPublicationError, match=r"2020-06-30\.1 is not known .*there are: none yet"):
        warehouse.read_publication(BRIEF, "2020-06-30.1")
    for place, amount in enumerate(("1.00", "2.00", "3.00")):
        publish(warehouse, NIGHT, amount, after_days=2 * place)
    with pytest.raises(UnknownPublicationError, match="past its retention") as told:
        warehouse.read_publication(BRIEF, "2020-06-30.1")
    assert str(told.value).endswith("there are: 2020-06-30.2, 2020-06-30.3")
    with pytest.raises(UnknownPublicationError, match="'; DROP TABLE"):
        warehouse.read_publication(BRIEF, "2020-06-30.1'; DROP TABLE x --")
    assert collected(warehouse, "2020-06-30.2") == [Decimal(2)]


@pytest.mark.parametrize("name", ["dim_unit", "publication", "mart_forecast_accuracy", "mart_wanring"])
def test_only_marts_of_a_publication_are_read_by_it(opened: Opened, name: str) -> None:
    warehouse = opened(35)
    made = publish(warehouse, NIGHT, "1.00")
    with pytest.raises(WarehouseError, match=r"not kept by publication|has no table"):
        warehouse.read_publication(name, made)


def test_an_analyst_reads_superseded_publications_and_a_ward_its_own_rows(database: Database) -> None:
    owner = grant(database.url(), ["00151", "00130"], database.prefix).owner_url
    for amount in ("1.00", "2.00"):
        publish(open_warehouse(owner), NIGHT, amount)
    roles = Roles(database.prefix)
    analyst, ward = (
        open_warehouse(database.url(role)).read_publication("mart_unit_position", "2020-06-30.1")
        for role in (roles.analyst, roles.ward("00151"))
    )
    assert analyst.height == 4
    assert set(analyst["collected_amount"]) == {Decimal("1.00")}
    assert ward["unit_key"].to_list() == ["00151@2004"]


def test_a_column_that_a_publication_was_made_without_is_null(tmp_path: Path) -> None:
    warehouse = open_warehouse(warehouse_url(tmp_path / "wardcast.duckdb"))
    made = publish(warehouse, NIGHT, "1.00")
    file = tmp_path / "wardcast.publications" / made / f"{BRIEF}.parquet"
    older = pl.read_parquet(file).drop("units_total").with_columns(retired=pl.lit(1))
    file.chmod(0o600)
    older.write_parquet(file)
    read = warehouse.read_publication(BRIEF, made)
    assert read["units_total"].to_list() == [None]
    assert "retired" not in read.columns
