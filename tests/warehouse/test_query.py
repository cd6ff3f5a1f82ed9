"""Queries read the marts and nothing else; results come out as table, CSV and JSON without loss."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.publication_scenario import EARLIER, NIGHT, dimensions, facts, marts
from warehouse.engines import WarehouseError, open_warehouse, warehouse_url
from warehouse.query import format_result, run_query


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = warehouse_url(tmp_path_factory.mktemp("home") / "wardcast.duckdb")
    warehouse = open_warehouse(url)
    for night in (EARLIER, NIGHT):
        warehouse.publish(night, marts(night), dimensions(), facts())
    return url


def test_plain_names_give_all_nights_and_latest_the_newest(url: str) -> None:
    count = "SELECT count(*) FROM {}mart_unit_position"
    assert run_query(url, count.format("")).item() == 8
    assert run_query(url, count.format("latest.")).item() == 4


def test_marts_join_with_dimensions_and_keep_exact_decimals(url: str) -> None:
    frame = run_query(
        url,
        "SELECT u.unit_name, sum(m.collected_amount) AS total FROM mart_unit_position AS m "
        "JOIN dim_unit AS u USING (unit_key) WHERE unit_key = '00151@2004' GROUP BY ALL;",
    )
    assert frame.rows() == [("Phúc Đồng", Decimal("1020000000000.50"))]


@pytest.mark.parametrize(
    "sql",
    [
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a",
        "FROM publication",
        "DESCRIBE mart_warning",
        "SHOW TABLES",
        "SUMMARIZE mart_unit_position",
        "PIVOT (SELECT unit_key, as_of, collected_amount FROM mart_unit_position) "
        "ON unit_key USING sum(collected_amount)",
    ],
)
def test_whatever_reads_is_let_through(url: str, sql: str) -> None:
    assert run_query(url, sql).height > 0


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("INSERT INTO publication SELECT * FROM publication", "only read here: INSERT is refused"),
        ("UPDATE latest.mart_warning SET owner = 'me'", "only read here: UPDATE"),
        ("DELETE FROM publication", "only read here: DELETE"),
        ("DROP VIEW mart_warning", "only read here: DROP"),
        ("CREATE TABLE mine AS SELECT 1", "only read here: CREATE"),
        ("CREATE TYPE kind AS ENUM ('a')", "only read here: CREATE"),
        ("CREATE TABLE mine AS SELECT 1; SELECT 2", "this holds 2 statements"),
        ("COPY publication TO 'out.csv'", "only read here: COPY"),
        ("EXPLAIN ANALYZE COPY publication TO 'out.csv'", "only read here: EXPLAIN"),
        ("ATTACH 'other.duckdb'", "only read here: ATTACH"),
        ("SET enable_external_access = true", "only read here: SET"),
        ("INSTALL httpfs", "only read here: LOAD"),
        ("SELECT 1; SELECT 2", "this holds 2 statements"),
        ("", "this holds 0 statements"),
        ("SELEC 1", "cannot be understood"),
        (
            "SELECT * FROM mart_unit_positions",
            "no table 'mart_unit_positions'; did you mean mart_unit_position",
        ),
        ("SELECT INTERVAL 1 DAY AS i", "CAST"),
    ],
)
def test_whatever_else_is_refused_and_says_why(url: str, sql: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=f"(?s){message}"):
        run_query(url, sql)


def test_no_file_outside_the_marts_can_be_reached(url: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("name\nNguyễn Văn A\n")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "secret.parquet")
    folder = Path(url.removeprefix("duckdb:///")).parent
    for relation in (
        f"'{secret}'", f"read_csv('{secret}')", f"read_text('{secret}')", f"glob('{tmp_path}/*')",
        f"'{tmp_path}/secret.parquet'", f"'{folder}/wardcast.duckdb'", "'http://localhost/a.csv'",
    ):  # fmt: skip
        with pytest.raises(WarehouseError, match="query failed"):
            run_query(url, f"SELECT * FROM {relation}")


def test_a_table_name_never_means_a_python_variable(url: str) -> None:
    frame = pl.DataFrame({"a": [1]})
    with pytest.raises(WarehouseError, match="no table 'frame'"):
        run_query(url, "SELECT * FROM frame")
    assert frame.height == 1


AWKWARD = pl.DataFrame(
    {
        "name": ["Phúc Đồng", 'say "no"', "two\nlines", "a,b", "", None],
        "amount": [Decimal("123456789012345678.90"), Decimal("-1.50"), Decimal(0), None, None, None],
        "share": [51.25, float("nan"), 1e20, None, None, None],
        "day": [date(2020, 6, 30), None, None, None, None, None],
        "at": [datetime(2020, 6, 30, 18, 30, tzinfo=UTC), None, None, None, None, None],
        "open": [True, False, None, None, None, None],
        "items": [["1701", "x"], None, None, None, None, None],
    },
    schema_overrides={"amount": pl.Decimal(20, 2)},
)


def test_csv_is_read_back_as_it_was() -> None:
    text = format_result(AWKWARD, "csv")
    header, *rows = list(csv.reader(io.StringIO(text)))
    assert header == AWKWARD.columns
    assert [row[0] for row in rows] == ["Phúc Đồng", 'say "no"', "two\nlines", "a,b", "", ""]
    assert rows[0][1:] == [
        "123456789012345678.90", "51.25", "2020-06-30", "2020-06-30T18:30:00Z", "true", '["1701", "x"]',
    ]  # fmt: skip
    assert text.splitlines()[-2:] == ['"",,,,,,', ",,,,,,"]


def test_csv_of_a_lone_null_is_still_a_row() -> None:
    assert format_result(pl.DataFrame({"a": [None, "x"]}), "csv") == 'a\n""\nx\n'


def test_json_keeps_every_digit_of_a_decimal() -> None:
    rows = json.loads(format_result(AWKWARD, "json"), parse_float=Decimal)
    assert len(rows) == AWKWARD.height
    assert rows[0] == {
        "name": "Phúc Đồng", "amount": Decimal("123456789012345678.90"), "share": Decimal("51.25"),
        "day": "2020-06-30", "at": "2020-06-30T18:30:00Z", "open": True, "items": ["1701", "x"],
    }  # fmt: skip
    assert rows[1]["share"] is None
    assert rows[2]["name"] == "two\nlines"
    assert json.loads(format_result(AWKWARD.clear(), "json")) == []


def test_a_table_lines_up_with_vietnamese_in_it() -> None:
    # Composed and decomposed letters look alike on a terminal and must take the same place.
    decomposed = "Phu\u0301c \u0110o\u0302\u0300ng"
    frame = pl.DataFrame({"unit": ["Phúc Đồng", decomposed, "Gia Thụy"], "pct": [51.0, 49.999, None]})
    lines = format_result(frame, "table").splitlines()
    assert lines == [
        "unit          pct",
        "─────────  ──────",
        "Phúc Đồng      51",
        f"{decomposed}  49.999",
        "Gia Thụy",
        "(3 rows)",
    ]


def test_a_big_table_is_bounded_and_says_so() -> None:
    frame = pl.DataFrame({"n": range(1000), "words": ["x" * 500] * 1000})
    lines = format_result(frame, "table").splitlines()
    assert len(lines) == 203
    assert lines[-1] == "(200 of 1000 rows; --format csv gives all)"
    assert max(map(len, lines)) < 80
    assert len(format_result(frame, "csv").splitlines()) == 1001


def test_what_would_speak_to_the_terminal_is_blanked() -> None:
    frame = pl.DataFrame({"a": ["red \x1b[31m\x07\nnext"]})
    assert "red  [31m  next" in format_result(frame, "table")


def test_a_table_wider_than_the_terminal_stands_a_column_a_line() -> None:
    frame = pl.DataFrame({"unit_name": ["Phúc Đồng", "Gia Thụy"], "collected_amount": [1, None]})
    wide = "unit_name  collected_amount"
    assert format_result(frame, "table", width=len(wide)).startswith(wide)
    assert format_result(frame, "table", width=len(wide) - 1).splitlines() == [
        "── row 1 ────────────────",
        "unit_name         Phúc Đồng",
        "collected_amount  1",
        "── row 2 ────────────────",
        "unit_name         Gia Thụy",
        "collected_amount",
        "(2 rows)",
    ]


def test_an_unknown_format_is_answered_with_those_there_are() -> None:
    with pytest.raises(WarehouseError, match="unknown format 'xml'; choose from table, csv, json"):
        format_result(AWKWARD, "xml")


def test_a_warehouse_not_yet_published_to_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="run wardcast nightly first"):
        run_query(warehouse_url(tmp_path / "wardcast.duckdb"), "SELECT 1")
