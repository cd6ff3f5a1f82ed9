"""Nights go by the authority's rule on both engines: month-ends never, others after so many days."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import PUBLISHED_AT, dimensions, facts, marts
from tests.warehouse.test_publication_register import registered
from warehouse.engines import Warehouse, open_warehouse, warehouse_url

KEPT = 31
BRIEF = "mart_district_brief"
NIGHTS = [
    date(2020, 3, 30), date(2020, 3, 31), date(2020, 4, 29), date(2020, 5, 3), date(2020, 5, 4),
    date(2020, 5, 30), date(2020, 5, 31),
]  # fmt: skip


def outlived(*nights: date, kept: int | None = KEPT, margin: int = 0) -> list[str]:
    register = registered([(night, 1) for night in nights])
    return [one.rpartition(".")[0] for one in register.outlived(kept, margin)]


def test_month_ends_stay_and_what_stands_for_one() -> None:
    later = [*NIGHTS, date(2020, 7, 2)]
    assert outlived(*later) == ["2020-03-30", "2020-05-04", "2020-05-30"]
    assert outlived(*later, margin=35) == ["2020-03-30"]
    assert outlived(*later, kept=None) == []


def test_days_count_from_the_newest_night_and_the_last_made_stays() -> None:
    assert outlived(date(2020, 3, 1), date(2020, 3, 2), date(2020, 4, 2)) == ["2020-03-01"]
    assert outlived(date(2020, 3, 2), date(2020, 3, 3), date(2020, 4, 2)) == []
    assert outlived(date(2020, 3, 2), date(2020, 4, 30), date(2020, 3, 1)) == []


@pytest.fixture(params=["duckdb", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Warehouse]:
    """Either engine, opened with a rule."""
    if request.param == "duckdb":
        url = warehouse_url(tmp_path / "wardcast.duckdb")
    else:
        database: Database = request.getfixturevalue("database")
        url = database.url()
    return lambda **rule: open_warehouse(url, **rule)


def publish(warehouse: Warehouse, night: date, days: int) -> None:
    warehouse.publish(night, marts(night), dimensions(), facts(PUBLISHED_AT + timedelta(days=days)))


def test_both_engines_keep_month_ends_alone_of_old_nights(opened: Callable[..., Warehouse]) -> None:
    warehouse = opened(kept_days=1, nights_kept_days=KEPT)
    for night in (*NIGHTS, date(2020, 7, 2)):
        publish(warehouse, night, (night - NIGHTS[0]).days)
    read = warehouse.read_mart(BRIEF)["as_of"].to_list()
    assert read == sorted({*NIGHTS, date(2020, 7, 2)} - {NIGHTS[0], date(2020, 5, 4), date(2020, 5, 30)})
    assert warehouse.query(f"SELECT DISTINCT as_of FROM {BRIEF} ORDER BY as_of")["as_of"].to_list() == read
    assert warehouse.read_mart(BRIEF, NIGHTS[0]).is_empty()
    assert len(warehouse.publications()) == len(NIGHTS) + 1


def test_without_a_rule_every_night_stays(opened: Callable[..., Warehouse]) -> None:
    warehouse = opened(kept_days=1)
    for night in (*NIGHTS[:3], date(2021, 7, 2)):
        publish(warehouse, night, 0)
    assert warehouse.read_mart(BRIEF).height == 4


def test_the_file_that_readers_hold_names_no_night_that_has_gone(tmp_path: Path) -> None:
    link = tmp_path / "wardcast.duckdb"
    warehouse = open_warehouse(warehouse_url(link), kept_days=35, nights_kept_days=KEPT)
    for night in NIGHTS[:3]:
        publish(warehouse, night, 0)
    with duckdb.connect(link, read_only=True) as held:
        for night in (*NIGHTS[3:], date(2020, 6, 1)):
            publish(warehouse, night, 0)
        assert held.execute(f"SELECT count(*) FROM {BRIEF}").fetchall() == [(3,)]
    publish(warehouse, date(2020, 7, 2), 0)
    assert not (tmp_path / "wardcast.publications" / "2020-03-30.1.duckdb").exists()
    with duckdb.connect(link, read_only=True) as fresh:
        assert (NIGHTS[0],) not in fresh.execute(f"SELECT as_of FROM {BRIEF}").fetchall()
