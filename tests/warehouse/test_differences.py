"""What moved between publications: causes that add up, whatever is known; the same on both engines."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Table

from authorities.loading import DEFAULT_AUTHORITY
from pipelines.diff import compare
from pipelines.settings import Places, Settings
from tests.warehouse.district import A, B, day, delivery, district
from tests.warehouse.postgres_server import Database
from tests.warehouse.publication_scenario import EARLIER, NIGHT, dimensions, facts, marts
from warehouse.differences import (
    NO_PARTS,
    Link,
    Pair,
    attributed,
    forecast_moves,
    position_moves,
    warning_moves,
    without_little,
)
from warehouse.engines import Publication, open_warehouse, warehouse_url
from warehouse.ledger import build_ledger
from warehouse.projections import empty_frame, polars_schema
from warehouse.receipt_causes import receipt_causes, restatement_alone
from warehouse.tables.ledger import QUARANTINE
from warehouse.tables.marts import (
    MART_FORECAST_NEWS,
    MART_LINE_POSITION,
    MART_RESTATEMENT,
    MART_WARNING,
    MART_YEAR_END_FORECAST,
)

FIRST = Publication("2020-06-29.1", EARLIER, datetime(2020, 6, 29, tzinfo=UTC), "r", "1.0", "aa", 1, 0, 0)
SECOND = replace(FIRST, publication_id="2020-06-30.1", as_of=NIGHT)
PAIR = Pair(FIRST, SECOND)
KEY = {"unit_key": A, "line_code": "ALL", "basis": "territory"}


def rows(table: Table, *given: dict[str, Any]) -> pl.DataFrame:
    """Rows in a mart's shape; what they leave out is null, or plainest where null is not allowed."""
    schema = {name: kind for name, kind in polars_schema(table).items() if name != "publication_id"}
    blank = {
        name: None if table.columns[name].nullable else pl.Series([0]).cast(kind, strict=False)[0]
        for name, kind in schema.items()
    }
    return pl.DataFrame([{**blank, **row} for row in given], schema=schema)


def change(before: int | None, after: int | None) -> pl.DataFrame:
    return pl.DataFrame(
        [{**KEY, "before": before, "after": after, "change": (after or 0) - (before or 0)}],
        schema_overrides={"before": pl.Int64, "after": pl.Int64},
    )


def parts(**amounts: int) -> pl.DataFrame:
    return pl.DataFrame([{**KEY, "cause": cause, "amount": amount} for cause, amount in amounts.items()])


def by_cause(moves: pl.DataFrame) -> dict[str, int]:
    return dict(moves.select("cause", "cause_amount").rows())


@pytest.mark.parametrize(
    ("code", "configuration", "cause"),
    [("1.0", "aa", "late_files"), ("1.1", "aa", "model"), ("1.0", "bb", "configuration"),
     ("1.1", "bb", "model_and_configuration")],
)  # fmt: skip
def test_what_is_left_is_told_by_what_is_not_the_same(code: str, configuration: str, cause: str) -> None:
    pair = Pair(FIRST, replace(SECOND, code_version=code, config_sha256=configuration))
    moved = attributed("position", "collected_amount", change(100, 130), parts(new_receipts=25), pair.rest())
    assert by_cause(moved) == {"new_receipts": 25, cause: 5}
    assert moved["change_amount"].to_list() == [30, 30]


def test_causes_that_cancel_are_shown_and_nothing_is_no_cause() -> None:
    offset = attributed("position", "m", change(7, 7), parts(new_receipts=5, restatement=-5), "late_files")
    assert by_cause(offset) == {"new_receipts": 5, "restatement": -5}
    assert without_little(offset, 0.1).height == 2
    assert attributed("position", "m", change(7, 7), NO_PARTS, "late_files").is_empty()
    appeared = attributed("position", "m", change(None, 7), parts(new_receipts=7), "late_files")
    assert appeared.select("before_amount", "after_amount").row(0) == (None, 7)


def test_little_moves_are_left_out() -> None:
    little = attributed("position", "m", change(1_000_000, 1_000_900), parts(new_receipts=900), "x")
    assert without_little(little, 0.1).is_empty()
    assert without_little(little, 0.05).height == 1


def position(basis: str, collected: int, estimate: int | None, version: str = "initial") -> dict[str, Any]:
    return {**KEY, "basis": basis, "estimate_version": version, "collected_amount": collected,
            "estimate_amount": estimate}  # fmt: skip


def moved_positions(
    before: list[Any], after: list[Any], pair: Pair, *, same_year: bool = True
) -> pl.DataFrame:
    return position_moves(pl.DataFrame(before), pl.DataFrame(after), NO_PARTS, pair, same_year=same_year)


def test_an_estimate_moves_when_it_is_stated_and_its_part_when_shares_are_configured() -> None:
    before = [position("territory", 5, 100), position("entitled", 2, 30)]
    stated = moved_positions(before, [position("territory", 5, 120), position("entitled", 2, 36)], PAIR)
    assert stated.select("basis", "cause", "cause_amount").rows() == [
        ("entitled", "estimate", 6), ("territory", "estimate", 20),
    ]  # fmt: skip
    configured = Pair(FIRST, replace(SECOND, config_sha256="bb"))
    shared = moved_positions(before, [position("territory", 5, 100), position("entitled", 2, 40)], configured)
    assert by_cause(shared) == {"configuration": 10}
    after = [*before, position("territory", 5, 110, "supplemented")]
    (row,) = moved_positions(before, after, PAIR).iter_rows(named=True)
    assert (row["measure"], row["before_amount"]) == ("estimate_amount (supplemented)", None)
    assert (row["after_amount"], row["cause"]) == (110, "estimate")


def test_a_new_fiscal_year_starts_from_nothing() -> None:
    before, after = [position("territory", 90, 100)], [position("territory", 4, 120)]
    moves = moved_positions(before, after, PAIR, same_year=False)
    assert moves.select("measure", "change_amount", "cause", "cause_amount").rows() == [
        ("collected_amount", -86, "new_fiscal_year", -90),
        ("collected_amount", -86, "receipts", 4),
        ("estimate_amount", 20, "new_fiscal_year", 20),
    ]


def ends(amount: int) -> pl.DataFrame:
    return pl.DataFrame([{**KEY, "mean_amount": amount}])


def news(previous: date, **amounts: int) -> pl.DataFrame:
    return parts(**amounts).with_columns(previous_as_of=pl.lit(previous))


def test_the_news_of_the_nights_between_is_added_up_while_each_follows_the_one_before() -> None:
    middle = replace(FIRST, as_of=date(2020, 6, 29), publication_id="2020-06-29.1")
    start = replace(FIRST, as_of=date(2020, 6, 28), publication_id="2020-06-28.1")
    pair = Pair(start, SECOND)
    links = [
        Link(Pair(start, middle), news(start.as_of, new_receipts=10, other=1)),
        Link(Pair(middle, SECOND), news(middle.as_of, new_receipts=5, restatement=2)),
    ]
    told = forecast_moves(ends(100), ends(118), links, pair)
    assert by_cause(told) == {"new_receipts": 15, "restatement": 2, "late_files": 1}
    recoded = Pair(start, replace(SECOND, code_version="1.1"))
    moved = forecast_moves(
        ends(100), ends(120), [links[0], Link(Pair(middle, recoded.later), links[1].news)], recoded
    )
    assert by_cause(moved) == {"new_receipts": 15, "restatement": 2, "late_files": 1, "model": 2}


def test_a_broken_chain_of_news_tells_nothing_apart() -> None:
    gap = [Link(PAIR, news(date(2020, 6, 1), new_receipts=10))]
    for links in (gap, [], [Link(PAIR, gap[0].news.clear())]):
        assert by_cause(forecast_moves(ends(100), ends(118), links, PAIR)) == {"receipts": 18}
    configured = Pair(FIRST, replace(SECOND, config_sha256="bb"))
    assert by_cause(forecast_moves(ends(100), ends(118), gap, configured)) == {
        "receipts_and_configuration": 18
    }


def case(state: str, by: str | None = "rule", severity: str = "warning", unit: str = A) -> pl.DataFrame:
    given = {"as_of": NIGHT, "warning_id": f"below_half:{unit}", "unit_key": unit, "state": state}
    return rows(MART_WARNING, {**given, "severity": severity, "state_by": by})


def test_warnings_that_came_went_or_changed_with_what_moved_their_unit_most() -> None:
    nothing = rows(MART_WARNING)
    figures = attributed("position", "m", change(100, 130), parts(new_receipts=40, restatement=-10), "x")
    told = [
        warning_moves(before, after, figures, PAIR).select("before_state", "after_state", "cause").row(0)
        for before, after in (
            (nothing, case("open")),
            (case("open"), nothing),
            (case("open"), case("closed")),
            (case("open"), case("open", severity="severe")),
            (case("open"), case("acknowledged", by="lan")),
            (nothing, case("open", unit=B)),
        )
    ]
    assert told == [
        ("none", "open (warning)", "new_receipts"),
        ("open (warning)", "none", "new_receipts"),
        ("open (warning)", "closed (warning)", "new_receipts"),
        ("open (warning)", "open (severe)", "new_receipts"),
        ("open (warning)", "acknowledged (warning)", "people"),
        ("none", "open (warning)", "passing_days"),
    ]
    assert warning_moves(case("open"), case("open"), figures, PAIR).is_empty()
    rerun = Pair(SECOND, replace(SECOND, publication_id="again"))
    unmoved = warning_moves(case("open"), case("closed"), figures.clear(), rerun)
    assert unmoved["cause"].to_list() == ["preceding_night"], "it follows another night's cases"


def collected(told: pl.DataFrame, unit: str = "ALL", basis: str = "territory") -> dict[str, int]:
    own = told.filter(unit_key=unit, line_code="ALL", basis=basis)
    return dict(own.select("cause", "amount").rows())


def test_the_ledger_tells_what_came_from_what_was_stated_anew() -> None:
    """The 5th is sent again with 50 more for A; the 11th is new; the 4th came late, and is new as well."""
    staged = pl.concat(
        [
            delivery(1, "06-05", (A, "1701", "06-05", 100), (B, "2101", "06-05", 200), scope="06-05"),
            delivery(2, "06-11", (A, "1701", "06-05", 150), (B, "2101", "06-05", 200), scope="06-05"),
            delivery(3, "06-11", (A, "1701", "06-11", 7), scope="06-11"),
            delivery(4, "06-11", (B, "1701", "06-04", 3), scope="06-04"),
        ]
    )
    ledger = build_ledger("receipt", staged, staged.clear(), staged)
    nights = (day("06-10"), day("06-11"))
    told = receipt_causes(district(), ledger, empty_frame(QUARANTINE), *nights)
    assert collected(told) == {"restatement": 50, "new_receipts": 10}
    assert collected(told, A) == {"restatement": 50, "new_receipts": 7}
    assert collected(told, B) == {"new_receipts": 3}
    assert collected(told, A, "entitled") == {"restatement": 17, "new_receipts": 2}, "a third of it, rounded"
    assert receipt_causes(district(), ledger, empty_frame(QUARANTINE), nights[1], nights[1]).is_empty()


def test_the_mart_of_restatements_stands_in_for_the_ledger_on_the_territory() -> None:
    restated = pl.DataFrame({"unit_key": [A], "line_code": ["vat"], "difference_amount": [50]})
    keys = [(A, "vat"), (A, "ALL"), ("ALL", "ALL")]
    moved = pl.DataFrame(
        [
            {"unit_key": u, "line_code": c, "basis": basis, "change": 60}
            for u, c in keys
            for basis in ("territory", "entitled")
        ]
    )
    told = restatement_alone(restated, moved)
    assert collected(told) == collected(told, A) == {"restatement": 50, "new_receipts": 10}
    assert set(told["basis"]) == {"territory"}


@pytest.fixture(params=["duckdb", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    """Two nights of two wards in a warehouse, and a home without a lake."""
    if request.param == "duckdb":
        url = warehouse_url(tmp_path / "wardcast.duckdb")
    else:
        database: Database = request.getfixturevalue("database")
        url = database.url()
    warehouse = open_warehouse(url)
    for night, amount, sha in ((EARLIER, "100.00", "aa"), (NIGHT, "160.00", "aa"), (NIGHT, "161.00", "bb")):
        warehouse.publish(
            night, whole_night(night, amount), dimensions(), replace(facts(), config_sha256=sha)
        )
    return Places(Settings(authority=DEFAULT_AUTHORITY, home=tmp_path / "home", warehouse=url))


def whole_night(night: date, amount: str) -> dict[str, pl.DataFrame]:
    keys = {"as_of": night, "unit_key": "ALL", "line_code": "ALL", "basis": "territory"}
    position = {**keys, "estimate_version": "initial", "collected_amount": Decimal(amount),
                "estimate_amount": Decimal(400 if night == EARLIER else 500)}  # fmt: skip
    end = {**keys, "scenario": "base", "mean_amount": 3 * Decimal(amount)}
    since = {"as_of": NIGHT, "previous_as_of": EARLIER}
    told = [
        {**keys, **since, "cause": "new_receipts", "amount": Decimal(150)},
        {**keys, **since, "cause": "restatement", "amount": Decimal(30)},
    ]
    restated = {**since, "unit_key": "00151@2004", "line_code": "vat", "month": date(2020, 6, 1),
                "difference_amount": Decimal(20)}  # fmt: skip
    is_later = night == NIGHT
    return marts(night) | {
        MART_LINE_POSITION.name: rows(MART_LINE_POSITION, position),
        MART_YEAR_END_FORECAST.name: rows(MART_YEAR_END_FORECAST, end),
        MART_FORECAST_NEWS.name: rows(MART_FORECAST_NEWS, *(told if is_later else [])),
        MART_RESTATEMENT.name: rows(MART_RESTATEMENT, *([restated] if is_later else [])),
    }


def figures(places: Places, first: str, second: str) -> dict[str, dict[str, int]]:
    moves = compare(places, first, second).moves.filter(pl.col("what") != "warning")
    told: dict[str, dict[str, int]] = {}
    for row in moves.iter_rows(named=True):
        told.setdefault(row["measure"], {})[row["cause"]] = row["cause_amount"]
    return told


def test_two_nights_and_a_rerun_on_either_engine(places: Places) -> None:
    assert figures(places, "2020-06-29", "2020-06-30.1") == {
        "collected_amount": {"restatement": 20, "new_receipts": 40},
        "estimate_amount": {"estimate": 100},
        "mean_amount": {"new_receipts": 150, "restatement": 30},
    }
    rerun = {"collected_amount": {"configuration": 1}, "mean_amount": {"configuration": 3}}
    assert figures(places, "2020-06-30.1", "2020-06-30") == rerun
    across = figures(places, "2020-06-29", "2020-06-30")
    assert across["mean_amount"] == {"new_receipts": 150, "restatement": 30, "configuration": 3}
