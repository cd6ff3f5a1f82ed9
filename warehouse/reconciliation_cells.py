"""Treasury against tax office where an office gives no document numbers: by unit, item and day.

What is left over of the comparison by document joins in as soon as one side has figures without documents.
Differences of equal size and opposite sign explain one another: a payment on two days, under two wards or
under two codes. Documents are compared in ``warehouse.reconciliation``.
"""

from collections.abc import Sequence

import polars as pl

_PLACE = ["unit_key", "item_code", "posting_date"]
_ROW = ["document_no", *_PLACE, "amount"]
_EXPLAINED_BY: tuple[tuple[str, list[str]], ...] = (
    ("timing", ["unit_key", "item_code"]),
    ("wrong_ward", ["item_code", "posting_date"]),
    ("wrong_code", ["unit_key", "posting_date"]),
)


def compare_cells(
    left: pl.DataFrame, right: pl.DataFrame, tolerance: int, days: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Findings by cell, and what of both sides stays to be compared by document alone.

    Equal figures of one unit, item and day under two document numbers are one payment with a mistyped number.

    Args:
        left, right: rows without a counterpart of the same number.
        tolerance: minor units by which two sums may differ.
        days: days by which a payment may be booked apart.

    Returns:
        Findings (``t_``/``x_`` columns and kind), and the rows of either side not among them.
    """
    pairs = _same_figures(left, right)
    left = left.filter(~pl.col("row").is_in(pairs["t_row"].implode()))
    right = right.filter(~pl.col("row").is_in(pairs["x_row"].implode()))
    found = [pairs.drop("t_row", "x_row")]
    undocumented = [(rows["document_no"] == "").any() for rows in (left, right)]
    if any(undocumented):
        cells = _cells(left, right)
        agree = (pl.col("t_amount").fill_null(0) - pl.col("x_amount").fill_null(0)).abs() <= tolerance
        found.append(_shaped(cells.filter(agree)).with_columns(pl.lit("matched").alias("kind")))
        found += _explained(cells.filter(~agree), days)
        left, right = left.clear(), right.clear()
    return (
        pl.concat(
            [part for part in found if part.height] or [pairs.clear().drop("t_row", "x_row")],
            how="diagonal_relaxed",
        ),
        left,
        right,
    )


def _same_figures(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    keys = [*_PLACE, "amount"]
    turn = pl.int_range(pl.len()).over(keys, order_by="row").alias("_turn")
    ours = left.with_columns(turn).rename({"row": "t_row", "document_no": "t_document_no"})
    theirs = right.with_columns(turn).rename({"row": "x_row", "document_no": "x_document_no"})
    joined = ours.join(theirs.drop("line_code"), on=[*keys, "_turn"])
    sides = [pl.col(key).alias(f"{side}_{key}") for side in ("t", "x") for key in keys]
    return joined.select(
        "t_row", "x_row", "t_document_no", "x_document_no", *sides, pl.lit("matched").alias("kind")
    )


def _cells(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    ours = left.group_by(_PLACE).agg(pl.col("amount").sum().alias("t_amount"))
    theirs = right.group_by(_PLACE).agg(pl.col("amount").sum().alias("x_amount"))
    return ours.join(theirs, on=_PLACE, how="full", coalesce=True)


def _shaped(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells as findings: the side that states nothing has no place either."""
    told = [
        pl.when(pl.col(f"{side}_amount").is_not_null()).then(value).alias(f"{side}_{name}")
        for side in ("t", "x")
        for name, value in (("document_no", pl.lit("")), *((name, pl.col(name)) for name in _PLACE))
    ]
    return cells.select(*told, "t_amount", "x_amount")


def _explained(cells: pl.DataFrame, days: int) -> list[pl.DataFrame]:
    """Pairs of differing cells that explain one another, then the cells that nothing explains."""
    difference = pl.col("t_amount").fill_null(0) - pl.col("x_amount").fill_null(0)
    rest = cells.with_columns(difference.alias("_apart"), difference.abs().alias("_size")).sort(_PLACE)
    rest = rest.with_row_index("_cell")
    found = []
    for kind, keys in _EXPLAINED_BY:
        by = [*keys, "_size"]
        turn = pl.int_range(pl.len()).over(by, order_by="_cell").alias("_turn")
        more = rest.filter(pl.col("_apart") > 0).with_columns(turn)
        less = rest.filter(pl.col("_apart") < 0).with_columns(turn)
        pairs = more.join(less, on=[*by, "_turn"], suffix="_less")
        if kind == "timing":
            gap = (pl.col("posting_date") - pl.col("posting_date_less")).dt.total_days().abs()
            pairs = pairs.filter(gap <= days)
        found += [_as_break(pairs, kind, keys), _in_common(pairs, "x_amount", ""),
                  _in_common(pairs, "t_amount_less", "_less", keys)]  # fmt: skip
        gone = pl.concat([pairs["_cell"], pairs["_cell_less"]])
        rest = rest.filter(~pl.col("_cell").is_in(gone.implode()))
    alone = (
        pl.when(pl.col("t_amount").is_null()).then(pl.lit("missing_in_treasury"))
        .when(pl.col("x_amount").is_null()).then(pl.lit("missing_in_tax"))
        .otherwise(pl.lit("amount"))
    )  # fmt: skip
    found.append(_shaped(rest).with_columns(rest.select(alone.alias("kind"))["kind"]))
    return found


def _as_break(pairs: pl.DataFrame, kind: str, shared: list[str]) -> pl.DataFrame:
    """One finding of a pair: where the treasury has the money, and where the tax office has it."""
    less = {name: name if name in shared else f"{name}_less" for name in _PLACE}
    return pairs.select(
        pl.lit("").alias("t_document_no"), *(pl.col(name).alias(f"t_{name}") for name in _PLACE),
        pl.lit("").alias("x_document_no"), *(pl.col(less[name]).alias(f"x_{name}") for name in _PLACE),
        pl.col("_size").alias("t_amount"), pl.col("_size").alias("x_amount"), pl.lit(kind).alias("kind"),
    )  # fmt: skip


def _in_common(pairs: pl.DataFrame, amount: str, suffix: str, shared: Sequence[str] = _PLACE) -> pl.DataFrame:
    """What both offices have in a cell beside the difference: it agrees."""
    places = {name: name if name in shared else f"{name}{suffix}" for name in _PLACE}
    return pairs.filter(pl.col(amount).fill_null(0) != 0).select(
        *(pl.lit("").alias(f"{side}_document_no") for side in ("t", "x")),
        *(pl.col(places[name]).alias(f"{side}_{name}") for side in ("t", "x") for name in _PLACE),
        *(pl.col(amount).alias(f"{side}_amount") for side in ("t", "x")),
        pl.lit("matched").alias("kind"),
    )
