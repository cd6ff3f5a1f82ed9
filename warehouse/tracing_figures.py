"""Which money column of which mart consists of what: the figures that ``wardcast trace`` can follow.

Each is a function from the night's ledgers and the mart's row to rows of files with their parts of the figure
(minor units). What is computed rather than added up says what it is computed from.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from authorities.model import ALL, UNALLOCATED, Authority
from warehouse.ledger import as_known, fiscal_year, in_effect, unknown_cells
from warehouse.positions import same_day
from warehouse.tracing import (
    PROVENANCE,
    traced_estimates,
    traced_flows,
    traced_receipts,
    traced_spending,
    traced_spending_estimates,
)

Row = Mapping[str, Any]


class NotTraceableError(Exception):
    """The column is no sum of rows; the message says what it is computed from."""


@dataclass(frozen=True)
class NightBooks:
    """What a night knew: ledgers by name (``core_receipt`` …), and its unit positions.

    Attributes:
        ledger: gives a ledger by its name, superseded rows included.
        unit_positions: ``mart_unit_position`` of the night, for the day up to which each unit is compared.
    """

    authority: Authority
    as_of: dt.date
    ledger: Callable[[str], pl.DataFrame]
    unit_positions: pl.DataFrame

    @property
    def start_month(self) -> int:
        """First month of the fiscal year."""
        return self.authority.settings.fiscal_year_start_month

    @property
    def year(self) -> int:
        """The night's fiscal year."""
        return self.authority.fiscal_year(self.as_of)

    def known(self, name: str, night: dt.date | None = None) -> pl.DataFrame:
        """A ledger as known on the night, or on an earlier one."""
        return as_known(self.ledger(name), night or self.as_of)

    def unknown(self, dataset: str, night: dt.date | None = None) -> pl.DataFrame:
        """Figures that nobody could read."""
        return unknown_cells(self.known("core_quarantine", night), dataset)

    @cached_property
    def receipts(self) -> pl.DataFrame:
        """All traced receipts of the night."""
        return traced_receipts(
            self.authority, self.known("core_receipt"), self.unknown("receipt"), self.as_of
        )


def _of_key(rows: pl.DataFrame, row: Row, *columns: str) -> pl.DataFrame:
    """Rows of the figure's unit, line, kind; ALL means no restriction."""
    wanted = [pl.col(name) == row[name] for name in columns if row.get(name, ALL) != ALL]
    return rows.filter(wanted) if wanted else rows


def _in_year(books: NightBooks, rows: pl.DataFrame, year: int) -> pl.DataFrame:
    return rows.filter(fiscal_year(pl.col("posting_date"), books.start_month) == year)


def _collected(books: NightBooks, row: Row) -> pl.DataFrame:
    rows = books.receipts.filter(pl.col("basis") == row.get("basis", "territory"))
    return _of_key(_in_year(books, rows, books.year), row, "unit_key", "line_code")


def _same_period(books: NightBooks, row: Row) -> pl.DataFrame:
    rows = books.receipts.filter(pl.col("basis") == row.get("basis", "territory"))
    before = _of_key(_in_year(books, rows, books.year - 1), row, "unit_key", "line_code")
    return _to_same_day(books, before)


def _to_same_day(books: NightBooks, rows: pl.DataFrame) -> pl.DataFrame:
    """Last year's rows up to the same day as each unit's last complete day."""
    told = books.unit_positions.select("unit_key", "last_complete_day").unique()
    whole = told.filter(pl.col("unit_key") == ALL)["last_complete_day"].to_list()
    otherwise = whole[0] if whole and whole[0] is not None else books.as_of
    reached = told["last_complete_day"].fill_null(otherwise)
    ends = pl.Series("_end", [same_day(day, -1) for day in reached], dtype=pl.Date)
    cut = rows.join(told.with_columns(ends).select("unit_key", "_end"), on="unit_key", how="left")
    return cut.filter(pl.col("posting_date") <= pl.col("_end").fill_null(same_day(otherwise, -1))).drop(
        "_end"
    )


def _estimate(books: NightBooks, row: Row) -> pl.DataFrame:
    known = in_effect(books.known("core_estimate"), books.as_of)
    current = known.filter(pl.col("fiscal_year") == books.year)
    rows = traced_estimates(books.authority, current, books.as_of, row.get("estimate_version", "initial"))
    return _of_key(
        rows.filter(pl.col("basis") == row.get("basis", "territory")), row, "unit_key", "line_code"
    )


def _remaining(books: NightBooks, row: Row) -> pl.DataFrame:
    return _less(_estimate(books, row), _collected(books, row))


def _less(these: pl.DataFrame, those: pl.DataFrame) -> pl.DataFrame:
    kept = [*PROVENANCE, "amount"]
    return pl.concat([these.select(kept), those.select(kept).with_columns(-pl.col("amount"))])


def _spent(books: NightBooks, row: Row) -> pl.DataFrame:
    rows = traced_spending(
        books.authority, books.known("core_spending"), books.unknown("spending"), books.as_of
    )
    return _of_key(_in_year(books, rows, books.year), row, "unit_key", "spending_kind")


def _spending_estimate(books: NightBooks, row: Row) -> pl.DataFrame:
    known = in_effect(books.known("core_spending_estimate"), books.as_of)
    rows = traced_spending_estimates(known.filter(pl.col("fiscal_year") == books.year))
    return _of_key(rows, row, "unit_key", "spending_kind")


def _single(rows: pl.DataFrame) -> pl.DataFrame:
    place = pl.col("row_number")
    return rows.select("source_file", "sheet", place.alias("first_row"), place.alias("last_row"), "amount")


def _quarantined(books: NightBooks, row: Row) -> pl.DataFrame:
    rows = books.known("core_quarantine").filter(pl.col("amount").is_not_null())
    return _single(_of_key(rows, row, "dataset", "rule", "source_file"))


def _of_treasury(books: NightBooks, row: Row) -> pl.DataFrame:
    rows = books.known("core_receipt").filter(~pl.col("is_cumulative"))
    return _of_payment(rows, row, row["unit_key"], row["item_code"], row["treasury_day"])


def _of_tax_office(books: NightBooks, row: Row) -> pl.DataFrame:
    rows = books.known("core_tax_collection")
    return _of_payment(rows, row, row["tax_unit_key"], row["tax_item_code"], row["tax_day"])


def _of_payment(
    rows: pl.DataFrame, row: Row, unit: str, item: str | None, day: dt.date | None
) -> pl.DataFrame:
    """Rows of a break's document, or of its unit, item and day."""
    here = rows.filter(pl.col("unit_key") == unit)
    if item not in {None, UNALLOCATED}:
        here = here.filter(pl.col("item_code") == item)
    if row["document_no"]:
        return _single(here.filter(pl.col("document_no") == row["document_no"]))
    return _single(here.filter(pl.col("posting_date") == day))


def _difference(books: NightBooks, row: Row) -> pl.DataFrame:
    return _less(_of_treasury(books, row), _of_tax_office(books, row))


def _restated(night: str) -> Callable[[NightBooks, Row], pl.DataFrame]:
    """The month's receipts as known on the row's night, of days up to the earlier one."""

    def rows_of(books: NightBooks, row: Row) -> pl.DataFrame:
        known, unknown = books.known("core_receipt", row[night]), books.unknown("receipt", row[night])
        moved = traced_flows(known, ["unit_key", "item_code", "line_code"], books.start_month, unknown)
        month = pl.col("posting_date").dt.month_start() == row["month"]
        own = moved.filter(month, pl.col("posting_date") <= row["previous_as_of"])
        return _of_key(own, row, "unit_key", "line_code")

    return rows_of


def _restatement(books: NightBooks, row: Row) -> pl.DataFrame:
    return _less(_restated("as_of")(books, row), _restated("previous_as_of")(books, row))


Figure = Callable[[NightBooks, Row], pl.DataFrame]
_POSITION: dict[str, Figure] = {
    "collected_amount": _collected, "estimate_amount": _estimate, "same_period_amount": _same_period,
    "remaining_amount": _remaining,
}  # fmt: skip
FIGURES: dict[str, dict[str, Figure]] = {
    "mart_district_brief": {
        "collected_amount": _collected, "estimate_amount": _estimate, "same_period_amount": _same_period,
        "spent_amount": _spent, "spending_estimate_amount": _spending_estimate,
    },
    "mart_unit_position": _POSITION,
    "mart_line_position": _POSITION,
    "mart_year_end_forecast": {"collected_amount": _collected, "estimate_amount": _estimate},
    "mart_spending_position": {"spent_amount": _spent, "estimate_amount": _spending_estimate},
    "mart_quarantine": {"amount": _quarantined},
    "mart_reconciliation_break": {
        "treasury_amount": _of_treasury, "tax_amount": _of_tax_office, "difference_amount": _difference,
    },
    "mart_restatement": {
        "previous_amount": _restated("previous_as_of"), "current_amount": _restated("as_of"),
        "difference_amount": _restatement,
    },
}  # fmt: skip
"""What each traceable column is made of."""

_FORECAST = (
    "comes out of the forecast, not out of a sum: the night's receipts and past years (trace "
    "collected_amount of the same unit and line), the estimate (trace estimate_amount) and the declared "
    "policy shocks"
)
_DERIVED = {
    "mart_year_end_forecast": _FORECAST,
    "mart_forecast_path": _FORECAST,
    "mart_forecast_component": _FORECAST,
    "mart_forecast_news": _FORECAST,
    "mart_shock_effect": _FORECAST,
    "mart_scenario_effect": _FORECAST,
    "mart_recurrent_balance": _FORECAST,
    "mart_warning_cause": _FORECAST,
    "mart_reconciliation_summary": "is the sum of mart_reconciliation_break by unit and kind, and of the "
    "payments on which both offices agree; trace a break by its break_id",
    "mart_estimate_version": "is the version's estimate; trace estimate_amount of mart_unit_position with "
    "--estimate-version",
}


def trace_rows(books: NightBooks, mart: str, column: str, row: Row) -> pl.DataFrame:
    """Rows of files behind one figure: ``PROVENANCE`` and amount (minor units), which add up to it.

    Raises:
        NotTraceableError: saying what the column is computed from.
    """
    return figure_of(mart, column)(books, row).select(*PROVENANCE, "amount").filter(pl.col("amount") != 0)


def figure_of(mart: str, column: str) -> Figure:
    """What a column is made of.

    Raises:
        NotTraceableError: saying what it is computed from.
    """
    figure = FIGURES.get(mart, {}).get(column)
    if figure is None:
        raise NotTraceableError(f"{mart}.{column} {_reason(mart)}")
    return figure


def _reason(mart: str) -> str:
    known = FIGURES.get(mart, {})
    if mart in _DERIVED:
        return _DERIVED[mart] + (f". Of this mart itself {', '.join(known)} can be traced" if known else "")
    if known:
        return f"is no sum of rows. Of this mart {', '.join(known)} can be traced"
    return f"holds no money that comes from rows. Marts that can be traced: {', '.join(FIGURES)}"


def by_place(rows: pl.DataFrame, *, each_row: bool = False) -> pl.DataFrame:
    """Rows summed by file and sheet, with the row ranges they stand in; or each row for itself.

    Returns:
        source_file, sheet, row_ranges (such as ``5-9, 12``), rows, amount; sorted by file, sheet and row.
    """
    placed = rows.with_columns(pl.col("first_row").fill_null(0), pl.col("last_row").fill_null(0))
    order = ["source_file", "sheet", "first_row"]
    by_row = placed.group_by(*order, "last_row").agg(pl.col("amount").sum()).sort(order)
    starts = (pl.col("first_row") > pl.col("last_row").shift(1) + 1).fill_null(value=True)
    run = starts.cast(pl.Int32).cum_sum().over("source_file", "sheet")
    if each_row:
        run = pl.int_range(pl.len())
    runs = by_row.with_columns(run.alias("_run")).group_by("source_file", "sheet", "_run").agg(
        pl.col("first_row").min(), pl.col("last_row").max(), pl.col("amount").sum(), pl.len().alias("rows")
    ).sort(order)  # fmt: skip
    one = pl.col("first_row") == pl.col("last_row")
    text = (
        pl.when(one).then(pl.format("{}", "first_row")).otherwise(pl.format("{}-{}", "first_row", "last_row"))
    )
    ranges = runs.with_columns(text.alias("row_ranges"))
    if each_row:
        return ranges.select("source_file", "sheet", "row_ranges", "rows", "amount")
    return ranges.group_by("source_file", "sheet", maintain_order=True).agg(
        pl.col("row_ranges").str.join(", "), pl.col("rows").sum(), pl.col("amount").sum()
    )
