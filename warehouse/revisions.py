"""What a night knows otherwise than an earlier night knew it, of days that were over by then, and which file
did it: ``mart_restatement``.

Pure functions on the bitemporal ledger, asked as of both nights. Money is on the territory, by the unit that
stood when it came, in minor units. What the forecast's news counts as restated is in ``restatement``.
"""

import datetime as dt
from collections.abc import Iterable

import polars as pl

from authorities.model import Authority
from warehouse.ledger import AnyFrame, as_known, flows, unknown_cells
from warehouse.marts import STAMPED
from warehouse.office_calendar import locked_on
from warehouse.projections import polars_schema
from warehouse.tables.marts import MART_RESTATEMENT

_SERIES = ["unit_key", "item_code", "line_code"]
_CELL = ["unit_key", "line_code", "month"]


def compared_nights(published: Iterable[dt.date], as_of: dt.date, year_start: dt.date) -> list[dt.date]:
    """Earlier nights to compare with: the last published, and the last of each earlier month of the year."""
    earlier = sorted({night for night in published if night < as_of})
    by_month = {(night.year, night.month): night for night in earlier if night >= year_start}
    return sorted({*earlier[-1:], *by_month.values()})


def restatements(
    authority: Authority,
    ledger: AnyFrame,
    quarantine: pl.DataFrame,
    nights: Iterable[dt.date],
    as_of: dt.date,
) -> pl.DataFrame:
    """``mart_restatement`` without publication, amounts in minor units.

    The differences of a fiscal year add up to the change of what is collected in it, less what came for days
    after the earlier night.

    Args:
        ledger: the receipts' ledger, rows superseded included; or a plan for it.
        quarantine: ``core_quarantine``.
        nights: earlier nights.
    """
    start_month = authority.settings.fiscal_year_start_month
    parts = [_since(ledger.lazy(), quarantine, night, as_of, start_month) for night in nights]
    schema = {
        name: pl.Int64() if name.endswith("_amount") else kind
        for name, kind in polars_schema(MART_RESTATEMENT).items()
        if name not in STAMPED
    }
    told = pl.concat(parts).pipe(_with_locks, authority) if parts else pl.DataFrame(schema=schema)
    return told.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _with_locks(told: pl.DataFrame, authority: Authority) -> pl.DataFrame:
    """Marks what was learned after a month's books were closed."""
    locks = {month: locked_on(authority, month) for month in told["month"].unique()}
    table = {"month": list(locks), "_locked": list(locks.values())}
    closed = pl.DataFrame(table, schema={"month": pl.Date, "_locked": pl.Date})
    return told.join(closed, on="month", how="left", maintain_order="left").with_columns(
        (pl.col("learned_on") > pl.col("_locked")).alias("is_after_lock")
    )


def _since(
    ledger: pl.LazyFrame, quarantine: pl.DataFrame, previous: dt.date, as_of: dt.date, start_month: int
) -> pl.DataFrame:
    touched = _touched(ledger, previous, as_of)
    series = ["unit_key", "line_code"]
    own = ledger.filter(pl.col("posting_date") <= previous).join(
        touched.select(series).unique().lazy(), on=series, how="semi"
    )
    before, now = (
        _by_month(own, quarantine, night, previous, start_month, name)
        for night, name in ((previous, "previous_amount"), (as_of, "current_amount"))
    )
    cells = before.join(now, on=_CELL, how="full", coalesce=True).with_columns(
        pl.col("previous_amount", "current_amount").fill_null(0)
    )
    off = cells.with_columns(
        (pl.col("current_amount") - pl.col("previous_amount")).alias("difference_amount")
    )
    return (
        off.filter(pl.col("difference_amount") != 0)
        .join(_files(touched, _CELL), on=_CELL, how="left")
        .join(_files(touched, _CELL[:2]), on=_CELL[:2], how="left", suffix="_of_any_month")
        .with_columns(
            pl.lit(previous).alias("previous_as_of"),
            pl.lit(as_of).alias("as_of"),
            pl.coalesce("source_file", "source_file_of_any_month"),
            pl.coalesce("learned_on", "learned_on_of_any_month"),
        )
    )


def _touched(ledger: pl.LazyFrame, previous: dt.date, as_of: dt.date) -> pl.DataFrame:
    """What of days that were over came or went between the nights: cells, each with the file that did it.

    ``moved`` is the money of their rows, whatever its sign; ``_learned`` the last day on which it did so.
    """
    between = [
        (pl.col(clock) > previous) & (pl.col(clock) <= as_of) for clock in ("recorded_at", "superseded_at")
    ]
    rows = ledger.filter(pl.col("posting_date") <= previous, between[0] | between[1].fill_null(value=False))
    came = pl.col("recorded_at") > previous
    told = rows.with_columns(
        pl.when(came).then(pl.col("source_file")).otherwise(pl.col("superseded_by")).alias("file"),
        pl.when(came).then(pl.col("recorded_at")).otherwise(pl.col("superseded_at")).alias("_learned"),
        pl.col("posting_date").dt.month_start().alias("month"),
    )
    cells = told.group_by(*_CELL, "file").agg(
        pl.col("amount").abs().sum().alias("moved"), pl.col("_learned").max()
    )
    return cells.collect(engine="streaming")


def _by_month(
    ledger: pl.LazyFrame,
    quarantine: pl.DataFrame,
    night: dt.date,
    until: dt.date,
    start_month: int,
    name: str,
) -> pl.DataFrame:
    unknown = unknown_cells(as_known(quarantine, night), "receipt")
    moved = flows(as_known(ledger, night), _SERIES, start_month, unknown)
    dated = moved.filter(pl.col("posting_date") <= until).with_columns(
        pl.col("posting_date").dt.month_start().alias("month")
    )
    return dated.group_by(_CELL).agg(pl.col("amount").sum().alias(name)).collect(engine="streaming")


def _files(touched: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    sums = (
        touched.group_by(*by, "file").agg(pl.col("moved").sum(), pl.col("_learned").max()).drop_nulls("file")
    )
    ordered = sums.sort("moved", "file", descending=[True, False])
    return ordered.group_by(by, maintain_order=True).agg(
        pl.col("file").str.join("; ").alias("source_file"), pl.col("_learned").max().alias("learned_on")
    )
