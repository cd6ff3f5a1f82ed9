"""Where the tax office's list of a month differs from the treasury's documents, one planted kind at a time.

Kinds are named as ``mart_reconciliation_break`` names them. The treasury's side is never touched here; its
own planted faults make differences of their own.
"""

import datetime as dt

import numpy as np
import polars as pl

from extracts.simulator.frame import Frame
from extracts.simulator.manifest import TaxDifference

_CHANCES = {
    "missing_in_tax": 0.004, "amount": 0.002, "timing": 0.003, "wrong_ward": 0.002, "wrong_code": 0.002,
    "adjustment": 0.001, "missing_in_treasury": 0.0015, "adjustment_alone": 0.001,
}  # fmt: skip
_MISTYPED_BY = 90_000
_STRAY_BY = 1_003_000
_DAYS_MOVED = 5


def differing(
    frame: Frame, path: str, first: dt.date, documents: pl.DataFrame
) -> tuple[pl.DataFrame, list[TaxDifference]]:
    """The office's version of a month's documents, and each way in which it differs from the treasury's."""
    rng = frame.stream("tax", str(first))
    draw, moved = rng.random(len(documents)), rng.integers(1, _DAYS_MOVED + 1, len(documents))
    bounds = np.cumsum(list(_CHANCES.values()))
    place = np.searchsorted(bounds, draw, side="right")
    names = pl.Series([*_CHANCES, ""])
    marked = documents.with_columns(
        kind=pl.when(pl.col("fault").is_null()).then(names.gather(pl.Series(place))).otherwise(pl.lit("")),
        moved=pl.Series(moved),
        truth=pl.col("amount"),
    )
    listed = pl.concat(
        [
            _changed(frame, marked.filter(pl.col("kind") != "missing_in_tax")),
            _adjusted(frame, marked.filter(pl.col("kind") == "adjustment")),
            _strays(marked.filter(pl.col("kind").is_in(["missing_in_treasury", "adjustment_alone"]))),
        ]
    )
    told = [
        TaxDifference(kind, path, document, truth, said)
        for kind, document, truth, said in _said(marked, listed).iter_rows()
    ]
    columns = documents.columns
    return listed.sort("day", "document_no", "amount", "unit", maintain_order=True).select(columns), told


def _changed(frame: Frame, rows: pl.DataFrame) -> pl.DataFrame:
    """Documents that both offices have, some with another amount, day, unit or item."""
    later = pl.col("day") + pl.duration(days="moved")
    earlier = pl.col("day") - pl.duration(days="moved")
    within = later.dt.month() == pl.col("day").dt.month()
    other = _other_items(frame)
    return rows.with_columns(
        amount=pl.when(pl.col("kind") == "amount").then(pl.col("amount") + _MISTYPED_BY).otherwise("amount"),
        day=pl.when(pl.col("kind") == "timing").then(pl.when(within).then(later).otherwise(earlier))
        .otherwise("day"),
        unit=pl.when(pl.col("kind") == "wrong_ward").then(_next_unit(frame)).otherwise("unit"),
        item_code=pl.when(pl.col("kind") == "wrong_code")
        .then(pl.col("item_code").replace_strict(other, return_dtype=pl.String)).otherwise("item_code"),
    )  # fmt: skip


def _next_unit(frame: Frame) -> pl.Expr:
    return ((pl.col("unit") + 1) % len(frame.units)).cast(pl.Int32)


def _other_items(frame: Frame) -> dict[str, str]:
    """For each item another one that the tax office manages too."""
    own = set(frame.settings.unit_collected_lines)
    codes = [item.code for line in frame.lines if line.line_code not in own for item in line.items]
    following = dict(zip(codes, [*codes[1:], codes[0]], strict=True))
    return {item.code: following.get(item.code, codes[0]) for line in frame.lines for item in line.items}


def _adjusted(frame: Frame, rows: pl.DataFrame) -> pl.DataFrame:
    """A line in the wrong unit and its reversal, beside the right one."""
    wrong = rows.with_columns(unit=_next_unit(frame))
    return pl.concat([wrong, wrong.with_columns(amount=-pl.col("amount"))])


def _strays(rows: pl.DataFrame) -> pl.DataFrame:
    """Documents of the tax office's own: payments the treasury lacks, and reversals of nothing it knows."""
    alone = pl.col("kind") == "adjustment_alone"
    return rows.with_columns(
        document_no=pl.when(alone).then(pl.lit("DC")).otherwise(pl.lit("T")) + pl.col("document_no"),
        amount=pl.when(alone).then(-pl.col("amount") // 2).otherwise(pl.col("amount") + _STRAY_BY),
        truth=pl.lit(0, pl.Int64),
    )


def _said(marked: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """Kind, document, treasury's and tax office's amount of every difference."""
    strays = ["missing_in_treasury", "adjustment_alone"]
    own = listed.filter(pl.col("kind").is_in(strays) & (pl.col("truth") == 0))
    both = marked.filter(~pl.col("kind").is_in(["", *strays])).select("kind", "document_no", "truth")
    sums = listed.group_by("document_no").agg(pl.col("amount").sum().alias("said"))
    told = pl.concat([both, own.select("kind", "document_no", "truth")])
    kind = pl.col("kind").replace("adjustment_alone", "adjustment").alias("kind")
    joined = told.join(sums, on="document_no", how="left").sort("document_no")
    return joined.select(kind, "document_no", "truth", pl.col("said").fill_null(0))
