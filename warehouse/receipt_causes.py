"""What changed of the receipts between two nights: what came, and what was stated anew, by the ledger.

Pure functions. The ledger's second clock tells them apart: a later delivery of a period that had been stated
restates it; money of a period that nobody had stated before is new. Without a ledger ``mart_restatement``
stands in, which knows the territory alone.
"""

import datetime as dt
from itertools import pairwise

import polars as pl

from authorities.model import Authority
from warehouse.differences import KEYS, NO_PARTS, PARTS_SCHEMA
from warehouse.ledger import AnyFrame, as_known, flows, unknown_cells
from warehouse.positions import basis_receipts, with_totals
from warehouse.restatement import restated_since

_SERIES = ["unit_key", "item_code", "line_code"]


def receipt_causes(
    authority: Authority, ledger: AnyFrame, quarantine: pl.DataFrame, previous: dt.date, as_of: dt.date
) -> pl.DataFrame:
    """Causes of the change of what is collected this fiscal year (``differences.PARTS_SCHEMA``, minor units).

    On the units of ``as_of``; totals over units and lines are sums. Nothing where both nights are one.

    Args:
        ledger, quarantine: ``core_receipt`` and ``core_quarantine`` of the later night or one after it.
        previous, as_of: the nights, of one fiscal year.
    """
    if previous == as_of:
        return NO_PARTS
    anew = restated_since(ledger, previous, as_of)
    known = as_known(ledger.lazy(), previous)
    steps = [
        ("before", known, previous),
        ("restatement", known if anew is None else anew, previous if anew is None else as_of),
        ("new_receipts", as_known(ledger.lazy(), as_of), as_of),
    ]
    sums = {
        name: _collected(authority, rows, as_known(quarantine, clock), as_of) for name, rows, clock in steps
    }
    names = list(sums)
    parts = [_change(sums[old], sums[new], new) for old, new in pairwise(names)]
    return pl.concat(parts).filter(pl.col("amount") != 0)


def restatement_alone(restatements: pl.DataFrame, change: pl.DataFrame) -> pl.DataFrame:
    """The same from ``mart_restatement`` (minor units) where the ledger is gone, on the territory.

    What was stated for days that were over is restated, what is left of the change is new. On other bases
    nothing is told.

    Args:
        restatements: rows of the later publication that compare with the earlier night, of one fiscal year.
        change: ``KEYS`` and change of what is collected.
    """
    own = restatements.group_by("unit_key", "line_code").agg(
        pl.col("difference_amount").sum().alias("amount")
    )
    restated = with_totals(own.with_columns(basis=pl.lit("territory")), ["basis"], ["amount"])
    on_territory = change.filter(pl.col("basis") == "territory")
    both = on_territory.join(restated, on=KEYS, how="left").with_columns(pl.col("amount").fill_null(0))
    told = [
        both.select(*KEYS, cause=pl.lit("restatement"), amount="amount"),
        both.select(*KEYS, cause=pl.lit("new_receipts"), amount=pl.col("change") - pl.col("amount")),
    ]
    return pl.concat(told).filter(pl.col("amount") != 0)


def _collected(
    authority: Authority, known: pl.LazyFrame, quarantine: pl.DataFrame, as_of: dt.date
) -> pl.DataFrame:
    start = authority.fiscal_year_start(authority.fiscal_year(as_of))
    unknown = unknown_cells(quarantine, "receipt")
    moved = flows(known, _SERIES, authority.settings.fiscal_year_start_month, unknown)
    dated = moved.filter(pl.col("posting_date") <= as_of)
    rows = basis_receipts(authority, dated, as_of).filter(pl.col("posting_date") >= start)
    return with_totals(rows, ["basis"], ["amount"])


def _change(before: pl.DataFrame, after: pl.DataFrame, cause: str) -> pl.DataFrame:
    both = before.join(after, on=KEYS, how="full", coalesce=True, suffix="_now")
    change = pl.col("amount_now").fill_null(0) - pl.col("amount").fill_null(0)
    return both.select(*KEYS, cause=pl.lit(cause), amount=change).cast(PARTS_SCHEMA)
