"""A district of two wards that a test can hold in its head, and deliveries of receipts written by hand."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from authorities.forms import ExtractForm
from authorities.model import (
    ALL,
    Authority,
    AuthorityFile,
    RecurrentLine,
    RevenueItem,
    RevenueLine,
    SharingRule,
    Unit,
)
from warehouse.projections import polars_schema
from warehouse.tables.staging import STG_ESTIMATE, STG_RECEIPT, STG_SPENDING

A, B = "001@2004", "002@2004"
LONG_AGO = dt.date(2004, 1, 1)
WARDS = (
    Unit(code="001", name="An Hòa", valid_from=LONG_AGO),
    Unit(code="002", name="Bình Minh", valid_from=LONG_AGO),
)
LINE_OF = {"1701": "vat", "2101": "fees", "1401": "land"}
LINES = tuple(RevenueLine(line_code=line, name_vi=line, name_en=line) for line in ("vat", "fees", "land"))
ITEMS = tuple(RevenueItem(item_code=item, line_code=line) for item, line in LINE_OF.items())


def day(text: str) -> dt.date:
    """A day of 2020 as ``06-30``, or any day as ``2019-06-30``."""
    return dt.date.fromisoformat(text if len(text) > 5 else f"2020-{text}")


def share(
    line: str, percent: str, unit: str = "*", since: dt.date = LONG_AGO, until: dt.date | None = None
) -> SharingRule:
    return SharingRule(
        line_code=line,
        unit_code=unit,
        share_pct=Decimal(percent),
        valid_from=since,
        valid_to=until,
        assumed=True,
        source="",
    )


SHARING = (share("vat", "33.33"), share("fees", "100"), share("land", "50"))


def counting(*lines: str) -> tuple[RecurrentLine, ...]:
    return tuple(
        RecurrentLine(line_code=line, counts=True, valid_from=LONG_AGO, assumed=False, source="")
        for line in lines
    )


def district(
    *,
    units: tuple[Unit, ...] = WARDS,
    sharing: tuple[SharingRule, ...] = SHARING,
    forms: tuple[ExtractForm, ...] = (),
    **settings: Any,
) -> Authority:
    """An authority of three lines, of which VAT and fees count for recurrent spending."""
    words = {"vi": "Quận", "en": "District"}
    given = {
        "code": "test",
        "title": words,
        "unit_kind": words,
        "time_zone": "Asia/Ho_Chi_Minh",
        "currency": {"code": "VND", "minor_digits": 0, "display_unit": words},
        "first_night": LONG_AGO,
    }
    return Authority(
        folder=Path(),
        settings=AuthorityFile.model_validate(given | settings),
        units=units,
        lines=LINES,
        items=ITEMS,
        sharing_rules=sharing,
        recurrent_lines=counting("vat", "fees"),
        forms=forms,
        config_sha256="",
    )


def delivery(
    order: int,
    recorded: str,
    *entries: tuple[str | None, str, str, int],
    scope: str | tuple[str, str] | None = None,
    of_unit: bool = False,
    cumulative: bool = False,
    name: str | None = None,
    chapter: str = "",
) -> pl.DataFrame:
    """Staged receipts of one file.

    Args:
        order: place among all deliveries.
        recorded: day on which it came.
        entries: unit, item, day and amount of each row; the unit None where nobody knows it.
        scope: day or first and last day that it states; None where each row states its own day.
        of_unit: each row states the period of its unit alone.
    """
    bounds = (scope, scope) if isinstance(scope, str) else scope
    rows = [
        {
            "delivery_id": f"d{order}",
            "source_file": f"{recorded}/{name or f'file{order}.csv'}",
            "sheet": "",
            "row_number": number,
            "source_column": "",
            "recorded_at": day(recorded),
            "recorded_at_assumed": False,
            "delivery_order": order,
            "scope_from": day(bounds[0] if bounds else posted),
            "scope_to": day(bounds[1] if bounds else posted),
            "scope_unit": (unit or "UNALLOCATED") if of_unit else ALL,
            "unit_key": unit,
            "item_code": item,
            "line_code": LINE_OF.get(item),
            "document_no": "",
            "chapter": chapter,
            "posting_date": day(posted),
            "amount": amount,
            "is_cumulative": cumulative,
        }
        for number, (unit, item, posted, amount) in enumerate(entries, start=1)
    ]
    return pl.DataFrame(rows, schema=polars_schema(STG_RECEIPT))


def estimates(
    order: int,
    recorded: str,
    version: str,
    *entries: tuple[str, str, int],
    scope: tuple[str, str] | None = None,
    of_unit: bool = False,
) -> pl.DataFrame:
    """Staged estimates of 2020: unit, line, amount."""
    first, last = scope or ("01-01", "12-31")
    rows = [
        {
            "delivery_id": f"e{order}",
            "source_file": f"{recorded}/estimate{order}.xlsx",
            "sheet": "Thu",
            "row_number": number,
            "source_column": line,
            "recorded_at": day(recorded),
            "recorded_at_assumed": False,
            "delivery_order": order,
            "scope_from": day(first),
            "scope_to": day(last),
            "scope_unit": unit if of_unit else ALL,
            "unit_key": unit,
            "item_code": "",
            "line_code": line,
            "fiscal_year": 2020,
            "estimate_version": version,
            "amount": amount,
        }
        for number, (unit, line, amount) in enumerate(entries, start=1)
    ]
    return pl.DataFrame(rows, schema=polars_schema(STG_ESTIMATE))


def spent(*entries: tuple[str, str, str, int], cumulative: bool = True) -> pl.DataFrame:
    """Ledger rows of spending that stand: unit, kind, day, amount."""
    rows = [
        {
            "delivery_id": "s",
            "source_file": "s.xlsx",
            "sheet": "",
            "row_number": number,
            "source_column": kind,
            "recorded_at": day(posted),
            "recorded_at_assumed": False,
            "delivery_order": 1,
            "scope_from": day(posted),
            "scope_to": day(posted),
            "scope_unit": unit,
            "unit_key": unit,
            "spending_kind": kind,
            "posting_date": day(posted),
            "amount": amount,
            "is_cumulative": cumulative,
        }
        for number, (unit, kind, posted, amount) in enumerate(entries, start=1)
    ]
    return pl.DataFrame(rows, schema=polars_schema(STG_SPENDING))
