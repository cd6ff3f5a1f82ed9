"""The ledger: accepted rows with two clocks, when it happened and when we learned it.

A ledger row is the staged row that was accepted (or counted as unallocated) plus ``superseded_at``. Rows
are never changed: a resent or corrected delivery closes the earlier row's ``superseded_at``. The register
of deliveries and the quarantine lie here too, as they answer for every row that was received.
"""

from typing import Any

from sqlalchemy import Column, Table

from warehouse.tables.declare import count, day, declare, flag, minor, text
from warehouse.tables.staging import BROKEN_RULE, PSEUDONYM, STAGED

_NULLABLE_IN_LEDGER = {
    "scope_from", "scope_to", "scope_part", "scope_doubt", "due_on", "decision_no", "decided_on",
    "approved_by", "effective_from", "superseded_at",
}  # fmt: skip


def _settled(column: Column[Any]) -> Column[Any]:
    """A staged column as the ledger holds it: what was refused when null is never null here."""
    nullable = column.name in _NULLABLE_IN_LEDGER
    return Column(column.name, column.type, nullable=nullable, comment=column.comment, info=dict(column.info))


def _ledger_table(dataset: str, staged: Table) -> Table:
    return declare(
        f"core_{dataset}",
        f"Ledger: {(staged.comment or '').removesuffix(', taxpayers by pseudonym')}",
        *(_settled(column) for column in staged.columns if column.name not in {PSEUDONYM, BROKEN_RULE}),
        day("superseded_at", "Day from which a later delivery holds instead; null while it stands",
            nullable=True),
        text("superseded_by", "File of that later delivery", nullable=True),
        layer="ledger",
    )  # fmt: skip


LEDGER = {dataset: _ledger_table(dataset, staged) for dataset, staged in STAGED.items()}
"""Ledger table of each dataset."""

CORE_DELIVERY = declare(
    "core_delivery", "Register of every file seen in the landing folder, claimed by a form or not",
    text("delivery_id", "Form code and start of the file's SHA-256; the path where no form claims it",
         grain=True),
    text("source_file", "Path of the file below the landing folder", grain=True),
    text("sha256", "SHA-256 of the file's bytes"),
    count("file_bytes", "Size of the file in bytes"),
    text("form_code", "Form that claims the file; empty where none does"),
    text("dataset", "Dataset the form feeds; empty where no form claims the file"),
    text("status", "What became of the file",
         values=("read", "repeated", "unclaimed", "unreadable", "not_yet_received")),
    text("problem", "For an unreadable or unclaimed file: what is wrong and what to do; else empty"),
    text("notes", "For a file that was read: what was decided by evidence, such as its letters or the order "
         "of its dates; else empty"),
    text("unit_key", "Unit the file speaks for; ALL for the whole authority", nullable=True),
    day("received_on", "Day on which the office had the file", nullable=True),
    flag("received_assumed", "Whether that day is assumed rather than known"),
    day("scope_from", "First day of the period the file states", nullable=True),
    day("scope_to", "Last day of that period", nullable=True),
    count("delivery_order", "Place among all deliveries, by received day and then name"),
    count("rows_received", "Rows below the header, blank ones apart"),
    count("rows_data", "Rows staged as data"),
    count("rows_not_data", "Rows recognised as totals, sections or another fund"),
    minor("amount_received", "Sum of the amounts that could be read"),
    minor("amount_total_row", "The file's own total, where it has one", nullable=True),
    layer="ledger",
)  # fmt: skip

QUARANTINE = declare(
    "core_quarantine", "Rows refused by an expectation, each with the first rule it broke; never its content",
    text("dataset", "Dataset of the row", grain=True),
    text("delivery_id", "Delivery the row came in", grain=True),
    text("source_file", "Path of the file below the landing folder"),
    text("sheet", "Sheet in the file", grain=True),
    count("row_number", "Row in the sheet, counted from 1", grain=True),
    text("source_column", "Header of the amount's column in a wide table", grain=True),
    text("rule", "The rule that the row broke"),
    text("outcome", "unallocated: counted in the authority's total; held: not counted until it is mended",
         values=("unallocated", "held")),
    text("unit_key", "Unit of the row where it is known", nullable=True),
    text("item_code", "Revenue item of the row where it has one", nullable=True),
    text("line_code", "Revenue line of the row where it is known", nullable=True),
    text("spending_kind", "Kind of spending of the row where it is known", nullable=True),
    day("posting_date", "Date of the row where it could be read", nullable=True),
    minor("amount", "Money the row carries; null where it is no number", nullable=True),
    day("recorded_at", "Day on which the office had the row"),
    day("superseded_at", "Day from which a later delivery holds instead; null while it stands",
        nullable=True),
    text("superseded_by", "File of that later delivery", nullable=True),
    layer="ledger",
)  # fmt: skip
