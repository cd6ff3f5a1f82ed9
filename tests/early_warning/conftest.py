"""A small authority of three wards and one night's frames, as the marts have them."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from authorities.model import Authority, AuthorityFile, RevenueItem, RevenueLine, Unit
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.marts import (
    MART_EXTRACT_ARRIVAL,
    MART_UNIT_POSITION,
    MART_WARNING,
    MART_YEAR_END_FORECAST,
)

NIGHT = dt.date(2020, 6, 30)
RULES = [
    {
        "rule_code": "below_half", "kind": "share_below", "threshold": 50.0, "severity": "warning",
        "owner": "ward_chair", "title": {"vi": "Dưới 50%", "en": "Below 50%"},
        "message": {
            "vi": "Phường {unit_name} mới thu {share} dự toán (mốc {threshold}); còn phải thu {remaining}.",
            "en": "{unit_name} has collected {share} of its estimate (bar {threshold}); {remaining} remain.",
        },
    },
    {
        "rule_code": "likely_short", "kind": "shortfall_probability_above", "threshold": 0.8,
        "severity": "severe",
        "owner": "finance_office", "title": {"vi": "Nguy cơ hụt thu", "en": "Shortfall likely"},
        "message": {
            "vi": "{unit_name}: khả năng hụt thu {probability}, dự kiến hụt {shortfall}.",
            "en": "{unit_name}: {probability} likely to fall short, by {shortfall} on average.",
        },
    },
    {
        "rule_code": "late", "kind": "data_late", "threshold": 2, "severity": "info",
        "owner": "treasury", "title": {"vi": "Chậm số liệu", "en": "Late data"},
        "message": {
            "vi": "{unit_name}: chưa có {form}, hạn {expected_on}.",
            "en": "{unit_name}: {form} has not come, due {expected_on}.",
        },
    },
]  # fmt: skip


@pytest.fixture
def authority() -> Authority:
    settings = AuthorityFile.model_validate({
        "code": "river_district",
        "title": {"vi": "Quận Ven Sông", "en": "River District"},
        "unit_kind": {"vi": "phường", "en": "ward"},
        "currency": {"code": "VND", "minor_digits": 0, "display_scale": 1_000_000,
                     "display_unit": {"vi": "triệu đồng", "en": "million VND"}},
        "time_zone": "Asia/Ho_Chi_Minh",
        "first_night": "2019-01-01",
        "warning_rules": RULES,
    })  # fmt: skip
    units = tuple(
        Unit(code=code, name=name, valid_from=dt.date(2004, 1, 1))
        for code, name in (("00115", "Thượng Thanh"), ("00124", "Đức Giang"), ("00151", "Phúc Đồng"))
    )
    lines = (RevenueLine(line_code="vat", name_vi="Thuế GTGT", name_en="VAT"),)
    items = (RevenueItem(item_code="1701", line_code="vat"),)
    return Authority(
        folder=Path("river_district"), settings=settings, units=units, lines=lines, items=items, forms=(),
        config_sha256="0" * 64,
    )  # fmt: skip


def rows_of(table: Any, rows: list[dict[str, Any]], **common: Any) -> pl.DataFrame:
    """Rows of a mart, what a row leaves out null."""
    return pl.DataFrame(
        [common | row for row in rows], schema=polars_schema(table), orient="row"
    ) if rows else empty_frame(table)  # fmt: skip


@pytest.fixture
def positions() -> Callable[..., pl.DataFrame]:
    def build(
        shares: dict[str, float | None], *, gaps: dict[str, float] | None = None, as_of: dt.date = NIGHT
    ) -> pl.DataFrame:
        estimate = Decimal(80_000_000_000)
        rows = [
            {
                "unit_key": key, "unit_name": {"00115@2004": "Thượng Thanh", "00124@2004": "Đức Giang",
                                               "00151@2004": "Phúc Đồng"}.get(key, key),
                "estimate_amount": None if share is None else estimate,
                "collected_amount": Decimal(0) if share is None else estimate * Decimal(str(share)) / 100,
                "share_of_estimate_pct": share,
                "remaining_amount": None if share is None else estimate * (100 - Decimal(str(share))) / 100,
                "pace_gap_pp": (gaps or {}).get(key),
            }
            for key, share in shares.items()
        ]  # fmt: skip
        return rows_of(
            MART_UNIT_POSITION,
            rows,
            as_of=as_of,
            basis="territory",
            estimate_version="initial",
            publication_id="p",
        )

    return build


@pytest.fixture
def forecasts() -> Callable[..., pl.DataFrame]:
    def build(probabilities: dict[str, float | None], **changed: Any) -> pl.DataFrame:
        amounts = {
            f"p{q:02d}_amount": Decimal(70_000_000_000 + q * 100_000_000) for q in (5, 10, 25, 50, 75, 90, 95)
        }
        common = {
            "as_of": NIGHT, "line_code": "ALL", "basis": "territory", "scenario": "base",
            "estimate_version": "initial", "estimate_amount": Decimal(80_000_000_000),
            "collected_amount": Decimal(36_000_000_000), "mean_amount": Decimal(75_000_000_000),
            "expected_shortfall_amount": Decimal(5_250_500_000), "method": "structural", "fit_status": "full",
            "publication_id": "p", **amounts, **changed,
        }  # fmt: skip
        rows = [{"unit_key": key, "shortfall_probability": value} for key, value in probabilities.items()]
        return rows_of(MART_YEAR_END_FORECAST, rows, **common)

    return build


@pytest.fixture
def arrivals() -> Callable[..., pl.DataFrame]:
    def build(*rows: tuple[str, str, dt.date, str]) -> pl.DataFrame:
        return rows_of(
            MART_EXTRACT_ARRIVAL,
            [
                {"form_code": form, "unit_key": unit, "expected_at": due, "status": status}
                for form, unit, due, status in rows
            ],
            as_of=NIGHT, publication_id="p", missing_periods=1,
        )  # fmt: skip

    return build


@pytest.fixture
def no_warnings() -> pl.DataFrame:
    return empty_frame(MART_WARNING)
