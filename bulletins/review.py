"""The quarterly review as officials print it: estimate, collected, the period's own, what remains.

Figures only; ``bulletins.workbook`` and ``bulletins.typeset`` put them on sheets and pages.
"""

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from authorities.model import ALL, UNALLOCATED
from bulletins.night import BASE, INITIAL, RECURRENT, TERRITORY, Night, Row
from bulletins.numbers import whole_parts

_MONTHS_OF_QUARTER = 3
_COLUMNS = ("estimate", "collected", "in_period", "remaining")
Before = Mapping[tuple[str, str, str], Decimal]
"""Unit, line, basis → collected up to the end of the quarter before."""


@dataclass(frozen=True)
class ReviewRow:
    """One printed row; amounts in currency units, and in whole display units that add up to the total's."""

    key: str
    name: str
    estimate: Decimal | None
    collected: Decimal | None
    in_period: Decimal | None
    share: float | None
    same_period: float | None
    shown: Mapping[str, int | None]

    @property
    def remaining(self) -> Decimal | None:
        """Still to come; money without an estimate lessens what is to come of the whole."""
        return None if self.collected is None else (self.estimate or Decimal(0)) - self.collected


@dataclass(frozen=True)
class ReviewTable:
    """Rows in the officials' order, money placed with none of them, and the sum."""

    basis: str
    rows: tuple[ReviewRow, ...]
    unallocated: ReviewRow | None
    total: ReviewRow | None


@dataclass(frozen=True)
class UnitReview:
    """One unit's lines."""

    key: str
    name: str
    lines: ReviewTable


@dataclass(frozen=True)
class Review:
    """The pack: what ``in_period`` counts from, tables by basis, and each unit's lines."""

    period_start: dt.date
    quarter: int
    tables: tuple[ReviewTable, ...]
    units: tuple[UnitReview, ...]
    knows_period: bool
    """Whether what came in the quarter is known; it is not without monthly figures."""


def review(night: Night, language: str) -> Review:
    """The pack of the night's quarter; tables without rows where nothing was collected."""
    start, quarter = quarter_start(night)
    before = _collected_before(night, start)
    tables = [_units_table(night, basis, before) for basis in (TERRITORY, RECURRENT)]
    kept = tuple(table for table in tables if table.rows or table.basis == TERRITORY)
    units = tuple(
        UnitReview(row.key, row.name, _lines_table(night, row.key, language, before)) for row in kept[0].rows
    )
    return Review(start, quarter, kept, units, before is not None)


def quarter_start(night: Night) -> tuple[dt.date, int]:
    """First day of the fiscal quarter of the last known receipts, and its number, 1–4."""
    first = night.authority.fiscal_year_start(night.fiscal_year)
    day = night.data_until
    gone = (day.year - first.year) * 12 + day.month - first.month
    whole = gone // _MONTHS_OF_QUARTER * _MONTHS_OF_QUARTER
    month = first.month - 1 + whole
    return dt.date(first.year + month // 12, month % 12 + 1, 1), gone // _MONTHS_OF_QUARTER + 1


def quarter_ends(night: dt.date, fiscal_year_start_month: int) -> bool:
    """Whether a fiscal quarter ends with the night."""
    is_last_day = night.day == calendar.monthrange(night.year, night.month)[1]
    return is_last_day and (night.month - fiscal_year_start_month + 1) % _MONTHS_OF_QUARTER == 0


def _collected_before(night: Night, start: dt.date) -> Before | None:
    """What had come by the quarter's start: nothing in the first quarter; None where months are not told."""
    if start == night.authority.fiscal_year_start(night.fiscal_year):
        return defaultdict(Decimal)
    paths = night.marts.get("mart_forecast_path")
    if paths is None or paths.is_empty():
        return None
    last = (start - dt.timedelta(days=1)).replace(day=1)
    rows = paths.filter(pl.col("month") == last, pl.col("scenario") == BASE).select(
        "unit_key", "line_code", "basis", "actual_amount"
    )
    return {(unit, line, basis): came for unit, line, basis, came in rows.iter_rows() if came is not None}


def _units_table(night: Night, basis: str, before: Before | None) -> ReviewTable:
    order = {row["unit_key"]: row["sort_order"] for row in night.rows("dim_unit")}
    rows = night.rows("mart_unit_position", basis=basis, estimate_version=INITIAL)
    rows.sort(key=lambda row: (order.get(row["unit_key"], len(order)), row["unit_key"]))
    known = [
        _row(row, row["unit_key"], row["unit_name"], (row["unit_key"], ALL, basis), before) for row in rows
    ]
    return _table(basis, known, night.authority.settings.currency.display_scale)


def _lines_table(night: Night, unit_key: str, language: str, before: Before | None) -> ReviewTable:
    lines = night.lines
    rows = night.rows("mart_line_position", unit_key=unit_key, basis=TERRITORY, estimate_version=INITIAL)
    rows.sort(
        key=lambda row: (lines.get(row["line_code"], {}).get("sort_order", len(lines)), row["line_code"])
    )
    known = [
        _row(row, row["line_code"], str(lines.get(row["line_code"], {}).get(f"name_{language}")
             or row["line_code"]), (unit_key, row["line_code"], TERRITORY), before)
        for row in rows
        if row["line_code"] == ALL or row["collected_amount"] or row["estimate_amount"]
    ]  # fmt: skip
    return _table(TERRITORY, known, night.authority.settings.currency.display_scale)


def _at(before: Before | None, place: tuple[str, str, str]) -> Decimal | None:
    """What had come in one place; None where its months are not told."""
    if before is None:
        return None
    try:
        return before[place]
    except KeyError:
        return None


def _row(row: Row, key: str, name: str, place: tuple[str, str, str], before: Before | None) -> ReviewRow:
    collected = row["collected_amount"]
    earlier = Decimal(0) if not collected else _at(before, place)
    return ReviewRow(
        key=key,
        name=name,
        estimate=row["estimate_amount"],
        collected=collected,
        in_period=None if earlier is None or collected is None else collected - earlier,
        share=row["share_of_estimate_pct"],
        same_period=row["same_period_pct"],
        shown={},
    )


def _table(basis: str, rows: Sequence[ReviewRow], scale: int) -> ReviewTable:
    """The table with its amounts rounded so that each column adds up."""
    loose = next((row for row in rows if row.key == UNALLOCATED and (row.collected or row.estimate)), None)
    total = next((row for row in rows if row.key == ALL), None)
    parts = [row for row in rows if row.key not in (ALL, UNALLOCATED)] + ([loose] if loose else [])
    columns, totals = {}, {}
    for column in _COLUMNS:
        amounts = [getattr(row, column) for row in parts]
        columns[column], totals[column] = whole_parts(amounts, getattr(total, column, None), scale)
    shown = [
        _with_shown(row, {column: columns[column][place] for column in _COLUMNS})
        for place, row in enumerate(parts)
    ]
    rest = shown.pop() if loose else None
    return ReviewTable(basis, tuple(shown), rest, _with_shown(total, totals) if total else None)


def _with_shown(row: ReviewRow, shown: Mapping[str, int | None]) -> ReviewRow:
    return ReviewRow(
        row.key, row.name, row.estimate, row.collected, row.in_period, row.share, row.same_period, shown
    )
