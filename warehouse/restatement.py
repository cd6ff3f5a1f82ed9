"""What was stated anew between two nights: the ledger's own answer, from its second clock.

A pure function on ledger rows. A later delivery of the same period supersedes, and so restates; money of a
period that nobody had stated before is new, however late it came.
"""

import datetime as dt

import polars as pl

from authorities.model import ALL
from warehouse.ledger import AnyFrame, as_known

_PERIOD = ["scope_from", "scope_to"]


def restated_since(ledger: AnyFrame, previous: dt.date, as_of: dt.date) -> pl.LazyFrame | None:
    """Ledger rows as known on the night ``previous``, but for what was stated anew by ``as_of``.

    A delivery of the authority restates its whole period, one of a unit that unit's part of it; a unit's
    first report of a period that others had to restate is new.

    Args:
        ledger: rows of a dataset's ledger, those superseded included; or a plan for them.

    Returns:
        A plan for the rows, or None where nothing was stated anew.
    """
    own_period = [*_PERIOD, "unit_key"]
    before = as_known(ledger.lazy(), previous)
    replaced = before.filter(pl.col("superseded_at") <= as_of).select(own_period).unique()
    found = replaced.collect(engine="streaming")
    if found.is_empty():
        return None
    periods = found.lazy()
    since = as_known(ledger.lazy(), as_of).filter(pl.col("recorded_at") > previous)
    whole = since.filter(pl.col("scope_unit") == ALL).join(periods, on=_PERIOD, how="semi")
    own = since.filter(pl.col("scope_unit") != ALL).join(periods, on=own_period, how="semi")
    standing = before.filter(pl.col("superseded_at").is_null() | (pl.col("superseded_at") > as_of))
    return pl.concat([standing, whole, own])
