"""What past nights said, asked of either engine: the current publication of each night, in minor units."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from forecasts.track_record import nights_to_score, track_record, year_ends
from tests.warehouse.district import district
from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import UNITS, dimensions, facts, marts
from warehouse.engines import Warehouse, WarehouseError, open_warehouse, warehouse_url
from warehouse.projections import polars_schema
from warehouse.published import last_published, published_nights, published_year_ends
from warehouse.tables.marts import MART_YEAR_END_FORECAST

JUNE, SEPTEMBER, JANUARY = date(2019, 6, 30), date(2019, 9, 30), date(2020, 1, 5)
VND = district()
HRYVNIA = district(currency={"code": "UAH", "minor_digits": 2, "display_unit": {"vi": "₴", "en": "₴"}})


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "duckdb":
        return open_warehouse(warehouse_url(tmp_path / "wardcast.duckdb"))
    database: Database = request.getfixturevalue("database")
    return open_warehouse(database.url())


def publish(warehouse: Warehouse, night: date, median: str) -> None:
    """A night on which every year-end is ``median``, and a tenth of it without the shocks."""
    schema = {
        name: kind for name, kind in polars_schema(MART_YEAR_END_FORECAST).items() if name != "publication_id"
    }
    blank = {
        name: None
        if MART_YEAR_END_FORECAST.columns[name].nullable
        else pl.Series([0]).cast(kind, strict=False)[0]
        for name, kind in schema.items()
    }
    amounts = {name: Decimal(median) for name, kind in schema.items() if isinstance(kind, pl.Decimal)}
    row = {
        "as_of": night,
        "line_code": "vat",
        "basis": "territory",
        "method": "bank",
        "estimate_version": "initial",
    }
    rows = [
        {**blank, **row, "unit_key": unit, "scenario": scenario, **{k: v / part for k, v in amounts.items()}}
        for unit in UNITS[:3]
        for scenario, part in (("base", 1), ("without_shocks", 10))
    ]
    forecast = pl.DataFrame(rows, schema=schema)
    warehouse.publish(night, marts(night) | {MART_YEAR_END_FORECAST.name: forecast}, dimensions(), facts())


def test_before_the_first_night_there_is_none(warehouse: Warehouse) -> None:
    assert last_published(warehouse, VND, JANUARY) is None
    assert published_nights(warehouse, JANUARY) == []
    assert published_year_ends(warehouse, VND, [JUNE]).is_empty()


def test_a_superseded_publication_is_no_history(warehouse: Warehouse) -> None:
    publish(warehouse, SEPTEMBER, "3.00")
    for median in ("1.00", "2.50"):
        publish(warehouse, JUNE, median)
    last = last_published(warehouse, HRYVNIA, SEPTEMBER)
    assert last is not None
    assert last.publication.publication_id == "2019-06-30.2"
    assert last.year_ends["p50_amount"].to_list() == [250] * 3
    assert set(last.year_ends["scenario"]) == {"base"}
    assert published_nights(warehouse, JANUARY) == [JUNE, SEPTEMBER]
    both = published_year_ends(warehouse, HRYVNIA, [SEPTEMBER, JUNE, date(2019, 7, 31)])
    assert both.group_by("as_of").agg(pl.col("mean_amount").first()).sort("as_of").rows() == [
        (JUNE, 250), (SEPTEMBER, 300),
    ]  # fmt: skip


def test_the_track_record_is_the_same_from_either_engine(warehouse: Warehouse) -> None:
    """Three wards each said to end at 120, two of which ended at 100 and 150: WAPE 50 ÷ 250."""
    publish(warehouse, JUNE, "999.00")
    publish(warehouse, JUNE, "120.00")
    receipts = pl.DataFrame(
        {
            "unit_key": list(UNITS[1:3]), "line_code": ["vat"] * 2, "basis": ["territory"] * 2,
            "posting_date": [date(2019, 3, 1)] * 2, "amount": [100, 150],
        }
    )  # fmt: skip
    chosen = nights_to_score(published_nights(warehouse, JANUARY), 1, JANUARY)
    said = published_year_ends(warehouse, VND, chosen["as_of"].to_list())
    table = track_record(said, year_ends(receipts, 1), chosen, seed=1)
    assert table.select("method", "n", "wape_pct").rows() == [("bank", 2, 20.0), ("pace", 2, 20.0)]


def test_only_nightly_tables_and_columns_that_there_are_can_be_asked_for(warehouse: Warehouse) -> None:
    publish(warehouse, JUNE, "1.00")
    with pytest.raises(WarehouseError, match="not kept by night"):
        warehouse.read_nights("dim_unit", [JUNE])
    with pytest.raises(WarehouseError, match="no column 'colour'"):
        warehouse.read_nights("mart_year_end_forecast", [JUNE], colour="red")
    assert warehouse.read_nights("mart_year_end_forecast", []).is_empty()
    assert warehouse.read_nights("mart_year_end_forecast", [JUNE], scenario="it's none").is_empty()
