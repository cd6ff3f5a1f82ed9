"""Cases follow from what is published: the same on DuckDB and PostgreSQL, and after a replay."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from assets.warnings import published_before
from authorities.loading import DEFAULT_AUTHORITY, load_authority
from early_warning.night import Night
from early_warning.rules import Before, Found, find_warnings
from tests.early_warning.conftest import rows_of
from tests.early_warning.nights import a_night, acts, only
from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import PUBLISHED_AT, facts
from warehouse.engines import Warehouse, open_warehouse, warehouse_url
from warehouse.marts import dimensions
from warehouse.projections import empty_frame
from warehouse.tables.marts import (
    MART_UNIT_POSITION,
    MART_WARNING,
    MART_WARNING_CAUSE,
    MART_WARNING_WATCH,
    MARTS,
)

DAYS = [dt.date(2020, 6, 30) + dt.timedelta(days=n) for n in range(4)]
SHARES = {"00115@2004": (45.0, 45.0, 53.0, 44.0), "00124@2004": (49.0, 51.0, 53.0, 54.0)}
ACTS = acts(
    {"act": "acknowledge", "warning_id": "below_half:00115@2004:2020", "known_on": DAYS[1]},
    {"act": "close", "warning_id": "below_half:00124@2004:2020", "known_on": DAYS[1]},
)


def night_of(place: int) -> Night:
    rows = [
        {
            "unit_key": unit, "unit_name": unit, "estimate_amount": Decimal(1_000_000),
            "collected_amount": Decimal(int(shares[place] * 10_000)), "share_of_estimate_pct": shares[place],
        }
        for unit, shares in SHARES.items()
    ]  # fmt: skip
    positions = rows_of(
        MART_UNIT_POSITION, rows, as_of=DAYS[place], basis="territory", estimate_version="initial",
        publication_id="",
    )  # fmt: skip
    return a_night(
        only(load_authority(DEFAULT_AUTHORITY), "below_half"), DAYS[place], unit_position=positions
    )


def publish(warehouse: Warehouse, night: Night, found: Found, minutes: int) -> None:
    frames = {table.name: empty_frame(table) for table in MARTS}
    frames |= {
        MART_WARNING.name: found.warnings, MART_WARNING_WATCH.name: found.watch,
        MART_WARNING_CAUSE.name: found.causes,
    }  # fmt: skip
    told = {name: frame.drop("publication_id", strict=False) for name, frame in frames.items()}
    said = facts(PUBLISHED_AT + dt.timedelta(minutes=minutes), run_id=f"run-{minutes}")
    warehouse.publish(night.as_of, told, dimensions(night.authority, night.as_of), said)


def follow(warehouse: Warehouse, minutes: int = 0) -> list[Found]:
    """Every night found and published after what the warehouse holds."""
    told = []
    for place in range(len(DAYS)):
        night = night_of(place)
        found = find_warnings(night, published_before(warehouse, night), ACTS)
        publish(warehouse, night, found, minutes + place)
        told.append(found)
    return told


def assert_alike(one: list[Found], other: list[Found]) -> None:
    for left, right in zip(one, other, strict=True):
        for name in ("warnings", "watch", "causes"):
            assert_frame_equal(getattr(left, name), getattr(right, name))


def test_both_engines_and_a_replay_tell_the_same_story(tmp_path: Path, database: Database) -> None:
    duck = open_warehouse(warehouse_url(tmp_path / "wardcast.duckdb"))
    first = follow(duck)
    states = [dict(one.warnings.select("unit_key", "state").iter_rows()) for one in first]
    assert states == [
        {"00115@2004": "open", "00124@2004": "open"},
        {"00115@2004": "acknowledged", "00124@2004": "closed"},
        {"00115@2004": "closed", "00124@2004": "closed"},
        {"00115@2004": "reopened", "00124@2004": "closed"},
    ]
    assert_alike(first, follow(open_warehouse(database.url())))
    assert_alike(first, follow(duck, minutes=10))


def test_nights_of_an_empty_warehouse_follow_nothing(tmp_path: Path) -> None:
    before = published_before(open_warehouse(warehouse_url(tmp_path / "wardcast.duckdb")), night_of(0))
    assert isinstance(before, Before)
    assert before.as_of is None
    assert before.warnings.is_empty()
    assert dict(before.watch.schema)["level_since"] == pl.Date
