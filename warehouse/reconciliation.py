"""Treasury against tax office: what agrees, what does not, of which kind, how old, and what is left over.

Pure functions on ledger rows of one night (integer minor units). Where both offices give document numbers,
documents are compared; else sums by unit, item and day. Every payment of the days that both offices have
stated ends in one kind, so that what each office has adds up over the kinds (``summary``).
"""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from authorities.model import ALL, UNALLOCATED, Authority
from warehouse.ledger import AnyFrame
from warehouse.reconciliation_cells import compare_cells

BREAK_KINDS = (
    "timing", "wrong_ward", "wrong_code", "missing_in_treasury", "missing_in_tax", "amount", "adjustment",
)  # fmt: skip
MATCHED, NOT_COMPARED = "matched", "not_compared"
_PLACE = ["unit_key", "item_code", "posting_date"]
_ROW = ["document_no", *_PLACE, "amount"]
_STAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (MATCHED, ("document_no", "unit_key", "item_code", "posting_date", "amount")),
    ("cancelled", ()),
    ("amount", ("document_no", "unit_key", "item_code", "posting_date")),
    ("wrong_ward", ("document_no", "item_code", "posting_date", "amount")),
    ("wrong_code", ("document_no", "unit_key", "posting_date", "amount")),
    ("timing", ("document_no", "unit_key", "item_code", "amount")),
    ("several", ("document_no",)),
)
"""What two lines of one document must have in common, stage by stage; what then differs is the kind."""


@dataclass(frozen=True)
class Coverage:
    """The days that each office has stated by the night, and those the treasury is still to state."""

    tax_days: pl.Series
    treasury_days: pl.Series
    awaited_days: pl.Series


@dataclass(frozen=True)
class Reconciled:
    """Every pair, lone row and cell with its kind; ``treasury_``/``tax_`` columns null where one lacks.

    ``first_day`` and ``last_day`` are the first and the last day that the tax office has stated: what lies
    between is compared. None where it has stated none.
    """

    lines: pl.DataFrame
    first_day: dt.date | None = None
    last_day: dt.date | None = None


def coverage(receipts: AnyFrame, tax: pl.DataFrame, is_working: pl.Series) -> Coverage:
    """Days stated by each office.

    Args:
        receipts, tax: ledger rows of the night, superseded ones not among them.
        is_working: days between the first and the last one stated on which offices were open.
    """
    # A list that came before its month's end speaks of the days until then.
    until = pl.min_horizontal("scope_to", "recorded_at")
    spans = (
        tax.select("scope_from", until.alias("until"))
        .unique()
        .filter(pl.col("scope_from") <= pl.col("until"))
    )
    tax_days = spans.select(pl.date_ranges("scope_from", "until").alias("day")).explode("day")["day"].unique()
    spans = receipts.lazy().select("scope_from", "scope_to").unique().collect(engine="streaming")
    days = spans.select(pl.date_ranges("scope_from", "scope_to").alias("day")).explode("day")["day"].unique()
    awaited = is_working.filter(~is_working.is_in(days.implode()))
    return Coverage(tax_days.sort(), days.sort(), awaited)


def reconcile(authority: Authority, receipts: AnyFrame, tax: pl.DataFrame, covered: Coverage) -> Reconciled:
    """Every payment that either office states for the days covered, with the kind it falls under.

    A treasury line whose item nobody knows may be none of the tax office's: alone, it is not compared.

    Args:
        receipts, tax: ledger rows as known on the night, receipts from listings only.
    """
    rules = authority.settings.reconciliation
    tolerance = int(rules.amount_tolerance * authority.settings.currency.minor_per_unit)
    around = dt.timedelta(days=rules.timing_tolerance_days)
    first, last = covered.tax_days.min(), covered.tax_days.max()
    if not isinstance(first, dt.date) or not isinstance(last, dt.date):
        return Reconciled(_lines([]))
    near = pl.col("posting_date").is_between(first - around, last + around)
    ours = receipts.lazy().filter(near).select(*_ROW, "line_code").collect(engine="streaming")
    excluded = list(rules.excluded_lines)
    found: list[pl.DataFrame] = []
    left, right = _numbered(ours), _numbered(tax)
    numbered = pl.col("document_no") != ""
    for kind, keys in _STAGES:
        if kind == "cancelled":
            for side, rows in (("treasury", left), ("tax", right)):
                found.append(
                    _cancelled(rows.filter(numbered), side, ["document_no", "unit_key", "item_code"])
                )
            left, right = (_without(rows, part) for rows, part in zip((left, right), found[-2:], strict=True))
            continue
        pairs = _pairs(left.filter(numbered), right.filter(numbered), list(keys))
        managed = ~(pl.col("t_line_code").is_in(excluded) & pl.col("x_line_code").is_in(excluded))
        found.append(_with_kind(pairs.filter(managed), kind, tolerance, rules.timing_tolerance_days))
        left, right = _without(left, pairs), _without(right, pairs, "tax")
    comparable = left.filter(
        pl.col("posting_date").is_in(covered.tax_days.implode()),
        ~pl.col("line_code").is_in(excluded),
    )
    right = right.filter(~pl.col("line_code").is_in(excluded))
    agreed, left, right = compare_cells(comparable, right, tolerance, rules.timing_tolerance_days)
    found += [agreed, *_alone(left, right, covered)]
    return Reconciled(_lines(found), first, last)


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in one order, so that of several equal ones the same are always paired."""
    return rows.select(*_ROW, "line_code").sort(_ROW).with_row_index("row")


def _pairs(left: pl.DataFrame, right: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Rows of both sides that share ``keys``, the first with the first and so on."""
    turn = pl.int_range(pl.len()).over(keys, order_by="row").alias("_turn")
    ours, theirs = (
        rows.with_columns(turn).select(
            *keys, "_turn", *(pl.col(name).alias(f"{side}_{name}") for name in rows.columns)
        )
        for side, rows in (("t", left), ("x", right))
    )
    return ours.join(theirs, on=[*keys, "_turn"]).drop(*keys, "_turn")


def _without(rows: pl.DataFrame, pairs: pl.DataFrame, side: str = "treasury") -> pl.DataFrame:
    """``rows`` less those in ``pairs``, or less the members of cancelled groups."""
    if "members" in pairs.columns:
        gone = pairs["members"].explode()
    else:
        gone = pairs["t_row" if side == "treasury" else "x_row"]
    return rows.filter(~pl.col("row").is_in(gone.implode()))


def _with_kind(pairs: pl.DataFrame, kind: str, tolerance: int, days: int) -> pl.DataFrame:
    """The kind of each pair; where several things differ, the gravest goes first."""
    off = (pl.col("t_amount") - pl.col("x_amount")).abs() > tolerance
    if kind == "several":
        told = (
            pl.when(off).then(pl.lit("amount"))
            .when(pl.col("t_unit_key") != pl.col("x_unit_key")).then(pl.lit("wrong_ward"))
            .when(pl.col("t_item_code") != pl.col("x_item_code")).then(pl.lit("wrong_code"))
            .otherwise(pl.lit("timing"))
        )  # fmt: skip
    elif kind == "amount":
        told = pl.when(off).then(pl.lit("amount")).otherwise(pl.lit(MATCHED))
    else:
        told = pl.lit(kind)
    apart = (pl.col("t_posting_date") - pl.col("x_posting_date")).dt.total_days().abs() > days
    late = pl.when((told == "timing") & apart).then(pl.lit("adjustment")).otherwise(told)
    return pairs.with_columns(late.alias("kind"))


def _cancelled(rows: pl.DataFrame, side: str, keys: list[str]) -> pl.DataFrame:
    """Lines of one office that take one another back: of one document, unit and item, zero in sum."""
    groups = rows.group_by(keys).agg(
        pl.col("amount").sum().alias("net"), pl.len().alias("lines"), pl.col("posting_date").min(),
        pl.col("row").alias("members"), pl.col("amount").filter(pl.col("amount") > 0).sum().alias("gross"),
    )  # fmt: skip
    whole = groups.filter((pl.col("net") == 0) & (pl.col("lines") > 1))
    letter = "t" if side == "treasury" else "x"
    return whole.select(
        *(pl.col(name).alias(f"{letter}_{name}") for name in ("document_no", *_PLACE)),
        pl.col("net").alias(f"{letter}_amount"), "gross", "members", pl.lit("adjustment").alias("kind"),
    )  # fmt: skip


def _alone(left: pl.DataFrame, right: pl.DataFrame, covered: Coverage) -> list[pl.DataFrame]:
    """What one office has and the other lacks; reversals in one office's books are adjustments."""
    negative = pl.col("amount") < 0
    unknown = pl.col("line_code") == UNALLOCATED
    ours = pl.when(unknown).then(pl.lit(NOT_COMPARED)).when(negative).then(pl.lit("adjustment"))
    awaited = pl.col("posting_date").is_in(covered.awaited_days.implode())
    theirs = pl.when(awaited).then(pl.lit(NOT_COMPARED)).when(negative).then(pl.lit("adjustment"))
    return [
        left.select(*(pl.col(name).alias(f"t_{name}") for name in _ROW),
                    ours.otherwise(pl.lit("missing_in_tax")).alias("kind")),
        right.select(*(pl.col(name).alias(f"x_{name}") for name in _ROW),
                     theirs.otherwise(pl.lit("missing_in_treasury")).alias("kind")),
    ]  # fmt: skip


_LINE_SCHEMA: dict[str, pl.DataType] = {
    **{f"{side}_{name}": kind for side in ("t", "x") for name, kind in (
        ("document_no", pl.String()), ("unit_key", pl.String()), ("item_code", pl.String()),
        ("posting_date", pl.Date()), ("amount", pl.Int64()))},
    "gross": pl.Int64(), "kind": pl.String(),
}  # fmt: skip


def _lines(found: list[pl.DataFrame]) -> pl.DataFrame:
    """All findings in one shape; ``gross`` is the money that a break is about."""
    shaped = [
        part.select(
            (pl.col(name) if name in part.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in _LINE_SCHEMA.items()
        )
        for part in found
        if part.height
    ]
    rows = pl.concat(shaped) if shaped else pl.DataFrame(schema=_LINE_SCHEMA)
    size = pl.max_horizontal(pl.col("t_amount").abs(), pl.col("x_amount").abs())
    apart = (pl.col("t_amount").fill_null(0) - pl.col("x_amount").fill_null(0)).abs()
    moved = pl.col("kind").is_in(["timing", "wrong_ward", "wrong_code", "adjustment"])
    return rows.with_columns(
        pl.coalesce("gross", pl.when(moved).then(size).otherwise(apart)).alias("gross"),
        pl.coalesce("t_unit_key", "x_unit_key").alias("unit_key"),
        pl.coalesce("t_item_code", "x_item_code").alias("item_code"),
        pl.coalesce("t_document_no", "x_document_no").alias("document_no"),
        pl.min_horizontal("t_posting_date", "x_posting_date").alias("since"),
    )


def breaks(authority: Authority, as_of: dt.date, reconciled: Reconciled) -> pl.DataFrame:
    """``mart_reconciliation_break`` without publication, amounts in minor units.

    ``break_id`` is the document's number, with a counter where one document breaks more than once, or unit,
    item and day; it stays the same from night to night.
    """
    broken = reconciled.lines.filter(pl.col("kind").is_in(BREAK_KINDS))
    cell = pl.concat_str("unit_key", "item_code", pl.col("since").dt.to_string(), separator="/")
    named = pl.when(pl.col("document_no") != "").then(pl.col("document_no")).otherwise(cell).alias("_name")
    counted = pl.format("{}.{}", "_name", pl.int_range(pl.len()).over("_name") + 1)
    ordered = broken.with_columns(named).sort("_name", "since", "unit_key", "item_code", "kind", "gross")
    turn = pl.int_range(pl.len()).over("_name")
    known = {item.item_code for item in authority.items}
    placed = pl.when(pl.col("item_code").is_in(list(known))).then(pl.col("item_code"))
    return ordered.select(
        pl.lit(as_of).alias("as_of"),
        pl.when(turn == 0).then(pl.col("_name")).otherwise(counted).alias("break_id"),
        "unit_key", placed.fill_null(UNALLOCATED).alias("item_code"), "document_no",
        pl.col("t_amount").alias("treasury_amount"), pl.col("x_amount").alias("tax_amount"),
        (pl.col("t_amount").fill_null(0) - pl.col("x_amount").fill_null(0)).alias("difference_amount"),
        pl.col("kind").alias("break_kind"),
        (pl.lit(as_of) - pl.col("since")).dt.total_days().cast(pl.Int32).alias("age_days"),
        pl.col("x_unit_key").alias("tax_unit_key"), pl.col("x_item_code").alias("tax_item_code"),
        pl.col("t_posting_date").alias("treasury_day"), pl.col("x_posting_date").alias("tax_day"),
    )  # fmt: skip


def summary(as_of: dt.date, reconciled: Reconciled) -> pl.DataFrame:
    """``mart_reconciliation_summary`` without publication: each unit's money by kind, and what is left over.

    What is explained nets out: a payment under two wards leaves a residual in each of them, of opposite sign,
    and none in the authority; one on two days leaves none at all.
    """
    sides = [
        reconciled.lines.filter(pl.col(f"{side}_unit_key").is_not_null()).select(
            pl.col(f"{side}_unit_key").alias("unit_key"), "kind",
            pl.col("t_amount" if side == "t" else "x_amount").alias("amount"), pl.lit(side).alias("side"),
        )
        for side in ("t", "x")
    ]  # fmt: skip
    own = reconciled.lines.select("unit_key", "kind", "gross")
    total = pl.lit(ALL).alias("unit_key")
    money, counted = pl.concat(sides), pl.concat([own, own.with_columns(total)])
    money = pl.concat([money, money.with_columns(total)])
    ours, theirs = (pl.col("amount").filter(pl.col("side") == side).sum() for side in ("t", "x"))
    by = ["unit_key", "kind"]
    sums = money.group_by(by).agg(ours.alias("treasury_amount"), theirs.alias("tax_amount"))
    rows = counted.group_by(by).agg(
        pl.len().cast(pl.Int32).alias("rows"), pl.col("gross").sum().alias("amount")
    )
    return sums.join(rows, on=by, how="left").select(
        pl.lit(as_of).alias("as_of"), "unit_key", pl.col("kind").alias("break_kind"),
        pl.col("rows").fill_null(0), pl.col("amount").fill_null(0), "treasury_amount", "tax_amount",
        (pl.col("treasury_amount") - pl.col("tax_amount")).alias("residual_amount"),
        pl.lit(reconciled.first_day, pl.Date).alias("compared_from"),
        pl.lit(reconciled.last_day, pl.Date).alias("compared_to"),
    )  # fmt: skip
