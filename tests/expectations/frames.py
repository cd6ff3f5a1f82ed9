"""Staged rows as a reader would write them down: only what matters to the case, the rest sensible."""

import datetime as dt
from typing import Any

import polars as pl

from warehouse.projections import polars_schema
from warehouse.tables.staging import STAGED

JUNE = dt.date(2020, 6, 30)
_USUAL: dict[str, Any] = {
    "delivery_id": "form@1a2b", "source_file": "2020/06/file.csv", "sheet": "", "source_column": "",
    "recorded_at": dt.date(2020, 7, 1), "recorded_at_assumed": False, "delivery_order": 1,
    "scope_unit": "ALL", "scope_from": dt.date(2020, 6, 1), "scope_to": JUNE,
    "unit_key": "00151@2004", "item_code": "1701", "line_code": "vat", "document_no": "", "chapter": "757",
    "posting_date": JUNE, "period_end": JUNE, "due_on": None, "amount": 1_000, "is_cumulative": False,
    "spending_kind": "recurrent", "fiscal_year": 2020, "estimate_version": "initial",
    "basis": "territory", "office": "finance_office", "period_start": dt.date(2020, 4, 1),
    "stated_on": dt.date(2020, 6, 19), "scope_part": None, "scope_doubt": None, "decision_no": None,
    "decided_on": None, "approved_by": None, "effective_from": None, "taxpayer_key": None,
    "broken_rule": None,
}  # fmt: skip


def staged(dataset: str, *rows: dict[str, Any]) -> pl.DataFrame:
    """A staged frame of ``dataset``; rows are numbered from 2, below a header, unless they say otherwise."""
    schema = polars_schema(STAGED[dataset])
    filled = [{**_USUAL, "row_number": number, **row} for number, row in enumerate(rows, start=2)]
    return pl.DataFrame([{name: row[name] for name in schema} for row in filled], schema=schema)
