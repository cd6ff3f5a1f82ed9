"""What offices said periods would come to (ước thực hiện), as the engine asks for it: every statement by key,
with the days on which it was learnt and withdrawn.

Never added to what was collected. Which statement holds and what it weighs is the engine's to say
(``forecasts.office``).
"""

import datetime as dt

import polars as pl

from authorities.model import ALL, Authority
from warehouse.succession import on_units_of

_KEY = ["unit_key", "line_code", "basis"]
_DAYS = ["period_start", "period_end", "stated_on", "recorded_at", "superseded_at"]


def office_statements(authority: Authority, ledger: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Statements known on the night, those withdrawn by then among them, as past errors are learnt from all.

    What was said of units that are no more stands with those who carry on their land.

    Args:
        ledger: ``core_office_estimate``.

    Returns:
        unit_key, line_code, basis (ALL where an office speaks of units or lines together), period_start,
        period_end, stated_on, recorded_at, superseded_at (null while it stands), amount (minor units).
    """
    held = pl.col("superseded_at") > as_of
    known = ledger.filter(pl.col("recorded_at") <= as_of).with_columns(
        superseded_at=pl.when(~held).then("superseded_at")
    )
    rows = known.group_by(*_KEY, *_DAYS).agg(pl.col("amount").sum()).sort(*_KEY, *_DAYS)
    of_units = rows.filter(pl.col("unit_key") != ALL)
    whole = rows.filter(pl.col("unit_key") == ALL)
    return pl.concat([whole, on_units_of(authority, of_units, as_of, "period_start")])
