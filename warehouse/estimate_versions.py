"""Versions of the annual estimates with the decisions behind them: ``mart_estimate_version``.

A pure function on ledger rows of estimates. Which version a share is of is the positions' grain; that a
version holds from a later day than it is known is ``warehouse.ledger.in_effect``'s matter.
"""

import datetime as dt

import polars as pl

from authorities.model import ALL, ESTIMATE_VERSIONS

_DECISION = ["decision_no", "decided_on", "approved_by", "effective_from", "source_file"]
_YEAR = ["estimate_kind", "fiscal_year"]


def estimate_versions(as_of: dt.date, revenue: pl.DataFrame, spending: pl.DataFrame) -> pl.DataFrame:
    """The mart without publication, amounts in minor units.

    ALL is the sum over the units, of which those without the version keep the one before.

    Args:
        revenue, spending: ledger rows of estimates as known and in effect on the night.
    """
    stated = pl.concat([_by_unit(revenue, "revenue"), _by_unit(spending, "spending")])
    order = pl.DataFrame({"estimate_version": list(ESTIMATE_VERSIONS)}).with_row_index("_place")
    present = stated.select(*_YEAR, "estimate_version").unique().join(order, on="estimate_version")
    units = stated.select(*_YEAR, "unit_key").unique()
    mine = [*_YEAR, "unit_key"]
    grid = units.join(present, on=_YEAR).join(stated, on=[*mine, "estimate_version"], how="left")
    filled = grid.with_columns(
        pl.col("amount").is_not_null().alias("_stated"),
        pl.col("amount").forward_fill().over(mine, order_by="_place"),
    )
    whole = filled.group_by(*_YEAR, "estimate_version", "_place").agg(
        pl.col("amount").sum(),
        pl.col("received_on").max(),
        *(_agreed(name) for name in _DECISION),
    )
    total = whole.with_columns(pl.lit(ALL).alias("unit_key"), pl.lit(value=True).alias("_stated"))
    rows = pl.concat([filled, total], how="diagonal")
    before = pl.col("amount").shift(1).over(mine, order_by="_place")
    last = pl.col("_place").filter("_stated").max().over(mine)
    return rows.with_columns((pl.col("amount") - before).alias("change_amount")).select(
        pl.lit(as_of).alias("as_of"), *mine, "estimate_version", pl.col("amount").alias("estimate_amount"),
        "change_amount", *_DECISION, "received_on", (pl.col("_place") == last).alias("is_latest"), "_stated",
    ).filter("_stated").drop("_stated")  # fmt: skip


def _by_unit(known: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Each unit's standing estimate of each year and version, and the decision its rows agree on."""
    keys = ["unit_key", "fiscal_year", "estimate_version"]
    latest = known.filter(pl.col("scope_to") == pl.col("scope_to").max().over(keys))
    return latest.group_by(keys).agg(
        pl.col("amount").sum(), pl.col("recorded_at").max().alias("received_on"),
        *(_agreed(name) for name in _DECISION),
    ).with_columns(pl.lit(kind).alias("estimate_kind"))  # fmt: skip


def _agreed(name: str) -> pl.Expr:
    """The one value of a column; null where there are several."""
    said = pl.col(name).drop_nulls()
    return pl.when(said.n_unique() == 1).then(said.first()).alias(name)
