"""Staged rows: what a file said, typed and canonical, one table a dataset.

Every staged row keeps its provenance. A value that could not be read is null here and is refused by an
expectation; the received text itself stays in the raw rows, where it may hold taxpayers' names.
"""

from typing import Any

from sqlalchemy import BigInteger, Column

from warehouse.tables.declare import count, day, declare, flag, minor, text


def provenance() -> list[Column[Any]]:
    """The columns that say where a row came from; first in every staged and ledger table."""
    return [
        text("delivery_id", "Delivery of the row: form code and start of the file's SHA-256", grain=True),
        text("source_file", "Path of the file below the landing folder"),
        text("sheet", "Sheet in the file; empty where the file has none", grain=True),
        count("row_number", "Row in the sheet, counted from 1 as a person would see it", grain=True),
        text("source_column", "Header of the amount's column where a row of a wide table holds several",
             grain=True),
        day("recorded_at", "Day on which the office had the row: the ledger's second clock"),
        flag("recorded_at_assumed", "Whether that day is assumed (period end plus a lag) rather than known"),
        count("delivery_order", "Place of the delivery among all, by received day and then name"),
        day("scope_from", "First day of the period that the delivery states as a whole", nullable=True),
        day("scope_to", "Last day of that period", nullable=True),
        text("scope_unit", "Unit whose period the delivery states; ALL for the whole authority"),
        text("scope_part", "Which part of the period it states where that came in several files, as 1/2; "
             "null where it states the whole", nullable=True, example="1/2"),
        text("scope_doubt", "Why the delivery is not believed to be all of what it should replace; null "
             "where it is", nullable=True, values=("smaller_than_before", "does_not_add_up")),
    ]  # fmt: skip


def _place() -> list[Column[Any]]:
    return [
        text("unit_key", "Unit, resolved from code, name and date; null where nobody knows it",
             nullable=True, source="authority: units.csv"),
    ]  # fmt: skip


def _item() -> list[Column[Any]]:
    return [
        text("item_code", "Revenue item (tiểu mục) as received, leading zeros restored", nullable=True),
        text("line_code", "Revenue line of the item; null where the catalogue lacks it", nullable=True,
             source="authority: revenue_items.csv"),
    ]  # fmt: skip


def _money() -> list[Column[Any]]:
    return [minor("amount", "Money as stated; null where it is no number", nullable=True)]


PSEUDONYM = "taxpayer_key"
"""Column of staged tables that no later table has."""


def _taxpayer() -> Column[Any]:
    said = (
        "Pseudonym of the taxpayer (keyed hash of the number, else of the name); null where the row names "
        "nobody. Goes no further than staging"
    )
    info = {"unit": "hash", "grain": False, "source": "", "example": "-4403176519026834712", "values": ()}
    return Column(PSEUDONYM, BigInteger(), nullable=True, comment=said, info=info)


BROKEN_RULE = "broken_rule"
"""Column of staged tables that no later table has."""


def _verdict() -> Column[Any]:
    return text(BROKEN_RULE, "First rule that the row breaks by itself, whatever other deliveries say; null "
                "where it breaks none or was not judged yet", nullable=True)  # fmt: skip


def _decision() -> list[Column[Any]]:
    return [
        text("decision_no", "Number of the decision that set the estimate; null where the file names none",
             nullable=True, example="5120/QĐ-UBND"),
        day("decided_on", "Day of that decision", nullable=True),
        text("approved_by", "Who approved it", nullable=True, example="UBND quận"),
        day("effective_from", "Day from which the version holds; null: from the day it is known",
            nullable=True),
    ]  # fmt: skip


STG_RECEIPT = declare(
    "stg_receipt", "Revenue collected by the treasury: a document's line, or a cumulative figure",
    *provenance(), *_place(), *_item(),
    text("document_no", "Number of the treasury document; empty where figures come by period"),
    text("chapter", "Chapter (chương) of the payer's managing body; empty where not given"),
    day("posting_date", "Day of posting, or the end of the month of a cumulative figure", nullable=True),
    *_money(),
    flag("is_cumulative", "Whether the amount is fiscal year to date"),
    _taxpayer(),
    _verdict(),
    layer="staging",
)  # fmt: skip

STG_SPENDING = declare(
    "stg_spending", "Spending of a unit by kind",
    *provenance(), *_place(),
    text("spending_kind", "Kind of spending: recurrent, development, contingency", nullable=True),
    day("posting_date", "Last day of the month of the figure", nullable=True),
    *_money(),
    flag("is_cumulative", "Whether the amount is fiscal year to date"),
    _verdict(),
    layer="staging",
)  # fmt: skip

STG_ESTIMATE = declare(
    "stg_estimate", "Annual revenue estimate (dự toán) of a unit by line, in its versions",
    *provenance(), *_place(), *_item(),
    count("fiscal_year", "Fiscal year the estimate is for", nullable=True),
    text("estimate_version", "initial, supplemented or adjusted"),
    *_decision(),
    *_money(),
    _verdict(),
    layer="staging",
)  # fmt: skip

STG_SPENDING_ESTIMATE = declare(
    "stg_spending_estimate", "Annual spending estimate of a unit by kind, in its versions",
    *provenance(), *_place(),
    text("spending_kind", "Kind of spending: recurrent, development, contingency", nullable=True),
    count("fiscal_year", "Fiscal year the estimate is for", nullable=True),
    text("estimate_version", "initial, supplemented or adjusted"),
    *_decision(),
    *_money(),
    _verdict(),
    layer="staging",
)  # fmt: skip

STG_TAX_COLLECTION = declare(
    "stg_tax_collection", "Collections as the tax office lists them, taxpayers by pseudonym",
    *provenance(), *_place(), *_item(),
    text("document_no", "Number of the payment document"),
    text("chapter", "Chapter (chương) of the payer's managing body; empty where not given"),
    day("posting_date", "Day of payment", nullable=True),
    *_money(),
    _taxpayer(),
    _verdict(),
    layer="staging",
)  # fmt: skip

STG_TAX_ARREARS = declare(
    "stg_tax_arrears", "Arrears at a month's end as the tax office lists them, taxpayers by pseudonym",
    *provenance(), *_place(), *_item(),
    day("period_end", "Last day of the month the list is for", nullable=True),
    day("due_on", "Day on which the debt fell due", nullable=True),
    *_money(),
    _taxpayer(),
    _verdict(),
    layer="staging",
)  # fmt: skip

STG_OFFICE_ESTIMATE = declare(
    "stg_office_estimate",
    "What an office says a month, quarter or year will come to (ước thực hiện); never counted as collected",
    *provenance(),
    text("unit_key", "Unit; ALL where the office speaks of the authority as a whole; null where nobody knows "
         "it", nullable=True, source="authority: units.csv"),
    text("line_code", "Revenue line; ALL where the office speaks of all lines together", nullable=True,
         source="authority: revenue_lines.csv"),
    text("basis", "Part of the money meant: territory, entitled or recurrent",
         values=("territory", "entitled", "recurrent")),
    text("office", "Who says it", values=("treasury", "tax_office", "finance_office", "unit")),
    day("period_start", "First day of the period spoken of", nullable=True),
    day("period_end", "Last day of the period spoken of", nullable=True),
    day("stated_on", "Day on which it was said: as the file has it, else the day it was received",
        nullable=True),
    *_money(),
    _verdict(),
    layer="staging",
)  # fmt: skip

STAGED = {
    "receipt": STG_RECEIPT,
    "spending": STG_SPENDING,
    "estimate": STG_ESTIMATE,
    "spending_estimate": STG_SPENDING_ESTIMATE,
    "tax_collection": STG_TAX_COLLECTION,
    "tax_arrears": STG_TAX_ARREARS,
    "office_estimate": STG_OFFICE_ESTIMATE,
}
"""Staged table of each dataset."""
