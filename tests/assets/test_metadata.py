"""Metadata as Dagster's UI shows it: figures that can be plotted, tables that can be read, a picture."""

import base64
import datetime as dt
import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assets.metadata import bar, counted, money, shown, shown_upright
from assets.pictures import fan_picture
from authorities.loading import load_authority
from authorities.model import Authority

NIGHT = dt.date(2020, 6, 30)


@pytest.fixture(scope="module")
def district() -> Authority:
    return load_authority(Path("authorities/long_bien"))


def test_money_is_a_number_in_currency_units_named_by_its_currency(district: Authority) -> None:
    cities = load_authority(Path("authorities/ukraine_cities"))
    assert money(district, amount=1234) == {"amount_vnd": 1234.0}
    assert money(cities, amount=1234) == {"amount_uah": 12.34}
    frame = pl.DataFrame({"amount": [1, None, 2]}, schema={"amount": pl.Int64})
    assert counted(frame, district, late=1) == {
        "dagster/partition_row_count": 3,
        "late": 1,
        "amount_vnd": 3.0,
    }


def test_a_small_frame_is_a_table_with_figures_to_the_right() -> None:
    frame = pl.DataFrame(
        {"unit": ["Bồ | Đề", None, "x"], "amount": [Decimal("1234567.00"), Decimal("0.5"), None]}
    )
    assert shown(frame, 2).md_str.splitlines() == [
        "| unit | amount |",
        "| --- | --: |",
        "| Bồ \\| Đề | 1,234,567 |",
        "|  | 0.50 |",
        "",
        "… 1 more rows",
    ]
    assert "| unit | Bồ \\| Đề |" in shown_upright(frame.head(1)).md_str


def test_bars_are_as_long_as_their_figures() -> None:
    frame = pl.DataFrame({"share": [0.0, 50.0, 100.0, 1000.0, None, -3.0]})
    assert frame.select(bar("share"))["share_bar"].str.len_chars().to_list() == [0, 10, 20, 40, 0, 0]


def marts() -> dict[str, pl.DataFrame]:
    whole = {"as_of": NIGHT, "unit_key": "ALL", "line_code": "ALL", "basis": "territory", "scenario": "base"}
    path = [
        whole
        | {
            "month": dt.date(2020, month, 1),
            "actual_amount": Decimal(month * 10**11) if month <= 6 else None,
            "p10_amount": Decimal(month * 9 * 10**10),
            "p50_amount": Decimal(month * 10**11),
            "p90_amount": Decimal(month * 11 * 10**10),
        }
        for month in range(1, 13)
    ]
    year_end = whole | {"estimate_amount": Decimal(2 * 10**12), "estimate_version": "initial"}
    return {"mart_forecast_path": pl.DataFrame(path), "mart_year_end_forecast": pl.DataFrame([year_end])}


def test_the_fan_is_a_small_picture_inside_the_event(district: Authority) -> None:
    told = fan_picture(district, NIGHT, marts())["fan"].md_str
    assert "billion VND" in told
    encoded = told.split("data:image/svg+xml;base64,")[1].rstrip(")")
    drawn = ET.fromstring(base64.b64decode(encoded))
    words = " ".join(element.text or "" for element in drawn.iter())
    assert "Estimate 2,000" in words
    assert "Actual 600" in words
    assert len(told) < 60_000


def test_without_a_forecast_there_is_no_picture(district: Authority) -> None:
    assert fan_picture(district, NIGHT, {}) == {}
