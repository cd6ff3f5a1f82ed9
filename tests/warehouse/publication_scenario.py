"""A small night to publish: all tables, two units, one figure to recognise it by."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import Table

from warehouse.engines import PublicationFacts
from warehouse.projections import empty_frame, grain, polars_schema
from warehouse.tables.dimensions import DIM_ITEM, DIM_LINE, DIM_SUCCESSION, DIM_UNIT
from warehouse.tables.marts import MART_DISTRICT_BRIEF, MART_UNIT_POSITION, MART_WARNING, MARTS

NIGHT = date(2020, 6, 30)
EARLIER = date(2020, 6, 29)
PUBLISHED_AT = datetime(2020, 6, 30, 18, 30, tzinfo=UTC)
UNITS = ("ALL", "00151@2004", "00130@2004", "UNALLOCATED")


def facts(published_at: datetime = PUBLISHED_AT, run_id: str = "run-1") -> PublicationFacts:
    return PublicationFacts(run_id, "0.1.0", "c0ffee", published_at, 12, 1)


def dimensions() -> dict[str, pl.DataFrame]:
    names = {"ALL": "Quận Long Biên", "00151@2004": "Phúc Đồng", "00130@2004": "Gia Thụy", "UNALLOCATED": "—"}
    return {
        "dim_unit": _rows(DIM_UNIT, [{"unit_key": key, "unit_name": names[key]} for key in UNITS]),
        "dim_line": _rows(DIM_LINE, [{"line_code": code} for code in ("ALL", "vat", "UNALLOCATED")]),
        "dim_item": _rows(DIM_ITEM, [{"item_code": "1701", "line_code": "vat"}]),
        "dim_succession": _rows(DIM_SUCCESSION, []),
    }


def marts(night: date = NIGHT, collected: str = "510000000000.25") -> dict[str, pl.DataFrame]:
    """A night whose every collected amount is ``collected``."""
    brief = {"as_of": night, "collected_amount": Decimal(collected), "units_total": 2,
             "units_above_half_territory": 1}  # fmt: skip
    positions = [
        {"as_of": night, "unit_key": key, "basis": "territory", "estimate_version": "initial",
         "unit_name": key, "collected_amount": Decimal(collected)}
        for key in UNITS
    ]  # fmt: skip
    warning = {
        "as_of": night, "warning_id": "below_half:00130@2004:2020", "unit_key": "00130@2004",
        "rule_code": "below_half", "severity": "warning", "state": "open", "opened_on": night,
        "evidence": "{}", "owner": "finance", "message_vi": "Phường Gia Thụy mới đạt 41%",
        "message_en": "Gia Thụy has reached 41%",
    }  # fmt: skip
    frames = {table.name: empty_frame(table).drop("publication_id", strict=False) for table in MARTS}
    frames[MART_DISTRICT_BRIEF.name] = _rows(MART_DISTRICT_BRIEF, [brief])
    frames[MART_UNIT_POSITION.name] = _rows(MART_UNIT_POSITION, positions)
    frames[MART_WARNING.name] = _rows(MART_WARNING, [warning])
    return frames


def _rows(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows in declared shape; what they leave out is null, or plainest where null is not allowed."""
    blank = {
        name: None if table.columns[name].nullable else pl.Series([0]).cast(kind, strict=False)[0]
        for name, kind in polars_schema(table).items()
        if name != "publication_id"
    }
    kinds = {name: kind for name, kind in polars_schema(table).items() if name in blank}
    return pl.DataFrame([{**blank, **row} for row in rows], schema=kinds).sort(grain(table))
