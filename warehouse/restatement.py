"""What was stated anew between two nights: the ledger's own answer, from its second clock.

A pure function on ledger rows. A later delivery of the same period supersedes, and so restates; money of a
period that nobody had stated before is new, however late it came.
"""

import datetime as dt

import polars as pl

from authorities.model import ALL
from warehouse.ledger import as_known

_PERIOD = ["scope_from", "scope_to"]


def restated_since(ledger: pl.DataFrame, previous: dt.date, as_of: dt.date) -> pl.DataFrame | None:
    """Ledger rows as known on the night ``previous``, but for what was stated anew by ``as_of``.

    A delivery of the authority restates its whole period, one of a unit that unit's part of it; a unit's
    first report of a period that others had to restate is new.

    Args:
        ledger: rows of a dataset's ledger, those superseded included.

    Returns:
        The rows, or None where nothing was stated anew.
    """
    before = as_known(ledger, previous)
    replaced = before.filter(pl.col("superseded_at") <= as_of)
    if replaced.is_empty():
        return None
    since = as_known(ledger, as_of).filter(pl.col("recorded_at") > previous)
    whole = since.filter(pl.col("scope_unit") == ALL).join(replaced, on=_PERIOD, how="semi")
    own = since.filter(pl.col("scope_unit") != ALL).join(replaced, on=[*_PERIOD, "unit_key"], how="semi")
    standing = before.filter(pl.col("superseded_at").is_null() | (pl.col("superseded_at") > as_of))
    return pl.concat([standing, whole, own])
