"""The ledger's second clock: receipts and estimates on the three bases, as they were known on a night.

One way for the night itself and for whoever makes a past night again (backtest, scorecard).
"""

import datetime as dt

import polars as pl

from authorities.model import Authority
from warehouse.ledger import AnyFrame, as_known, flows, in_effect, standing_estimates, unknown_cells
from warehouse.positions import basis_estimates, basis_receipts


def known_receipts(
    authority: Authority,
    receipts: AnyFrame,
    quarantine: pl.DataFrame,
    as_of: dt.date,
    until: dt.date | None = None,
) -> pl.DataFrame:
    """Receipts by unit, line, basis and day (minor units), up to a day and on its units.

    Args:
        receipts, quarantine: ``core_receipt``, which may be a plan, and ``core_quarantine``, superseded rows
            included.
        until: that day, which lies before ``as_of``; the night itself unless told.
    """
    day = until or as_of
    month = authority.settings.fiscal_year_start_month
    unknown = unknown_cells(as_known(quarantine, as_of), "receipt")
    moved = flows(as_known(receipts.lazy(), as_of), ["unit_key", "item_code", "line_code"], month, unknown)
    return basis_receipts(authority, moved.filter(pl.col("posting_date") <= day), day)


def known_estimates(
    authority: Authority, estimates: pl.DataFrame, as_of: dt.date, until: dt.date | None = None
) -> pl.DataFrame:
    """Estimates by unit, line, basis, fiscal year and version (minor units), as in effect on a day.

    Args:
        estimates: ``core_estimate``, superseded rows included.
        until: that day; the night itself unless told.
    """
    day = until or as_of
    known = in_effect(as_known(estimates, as_of), day)
    return basis_estimates(authority, standing_estimates(known, ["unit_key", "line_code"]), day)
