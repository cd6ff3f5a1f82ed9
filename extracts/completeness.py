"""Whether a delivery is all of what it would replace: doubts about resends, and deliveries without any row.

A delivery states its period as a whole, so a truncated resend would withdraw what it lacks. One whose own
totals row agrees with its rows is believed whatever its size; one that has much fewer rows than what it would
replace, or disagrees with its own total where the earlier one agreed, is doubted: its rows are held, and what
stood before stays. What a delivery supersedes is ``warehouse.ledger``'s matter.
"""

import datetime as dt

import polars as pl

from authorities.forms import Dataset
from authorities.model import ALL, Authority
from extracts.named_periods import part_of
from warehouse.ledger import contested, statement_columns
from warehouse.projections import polars_schema
from warehouse.tables.staging import STAGED

SMALLER, NOT_ADDING_UP = "smaller_than_before", "does_not_add_up"


def with_doubts(
    authority: Authority, dataset: Dataset, staged: pl.LazyFrame, register: pl.DataFrame
) -> pl.LazyFrame:
    """``staged`` with ``scope_doubt`` where a delivery is not believed to be whole.

    Args:
        register: ``core_delivery``, for what files say of themselves by their totals rows.
    """
    scope = [name for name in statement_columns(dataset) if name not in {"delivery_order", "recorded_at"}]
    scope.remove("source_file")
    counted = _restated(staged, scope)
    if counted.is_empty():
        return staged
    believed = counted.join(_proven(authority, register), on="delivery_order", how="left")
    doubts = _doubts(believed, scope, authority.settings.completeness.resend_rows_min_pct)
    if doubts.is_empty():
        return staged
    keys = [*scope, "delivery_order"]
    marked = staged.drop("scope_doubt").join(
        doubts.lazy(), on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return marked.select(list(polars_schema(STAGED[dataset])))


def _restated(staged: pl.LazyFrame, scope: list[str]) -> pl.DataFrame:
    """Rows that each delivery has for each period that more than one of them states."""
    among = staged.filter(pl.col("delivery_order").is_in(contested(staged).implode()))
    counted = among.group_by(*scope, "delivery_order").agg(pl.len().alias("rows")).collect(engine="streaming")
    return counted.filter(pl.len().over(scope) > 1)


def _proven(authority: Authority, register: pl.DataFrame) -> pl.DataFrame:
    """For each delivery with a totals row, whether its rows add up to it."""
    completeness, currency = authority.settings.completeness, authority.settings.currency
    tolerance = int(completeness.total_tolerance * currency.minor_per_unit)
    difference = pl.col("amount_received") - pl.col("amount_total_row")
    return register.select("delivery_order", (difference.abs() <= tolerance).alias("adds_up"))


def _doubts(counted: pl.DataFrame, scope: list[str], least_pct: float) -> pl.DataFrame:
    """Scope, delivery and doubt. One doubted is passed over when the next is held against what stands."""
    standing, found = counted, []
    while True:
        before = [
            pl.col(name).shift(1).over(scope, order_by="delivery_order") for name in ("rows", "adds_up")
        ]
        told = standing.with_columns(before[0].alias("rows_before"), before[1].alias("added_up"))
        proven = pl.col("adds_up").fill_null(value=False)
        few = ~proven & (pl.col("rows") * 100 < pl.col("rows_before") * least_pct)
        off = ~pl.col("adds_up") & pl.col("added_up")
        doubt = pl.when(few).then(pl.lit(SMALLER)).when(off).then(pl.lit(NOT_ADDING_UP))
        new = told.with_columns(doubt.alias("scope_doubt")).filter(pl.col("scope_doubt").is_not_null())
        if new.is_empty():
            break
        found.append(new.select(*scope, "delivery_order", "scope_doubt"))
        standing = standing.join(new, on=[*scope, "delivery_order"], how="anti", nulls_equal=True)
    return (
        pl.concat(found)
        if found
        else counted.clear()
        .select(*scope, "delivery_order")
        .with_columns(pl.lit(None, pl.String).alias("scope_doubt"))
    )


def empty_statements(authority: Authority, dataset: Dataset, register: pl.DataFrame) -> pl.DataFrame:
    """Periods stated by deliveries of the whole authority that hold no row but a total of nothing.

    Such a file says that what was stated before is withdrawn. Without a total, or with one that is not zero,
    it is no statement but a truncated file, and supersedes nothing.

    Returns:
        The dataset's ``warehouse.ledger.statement_columns``.
    """
    schema = polars_schema(STAGED[dataset])
    columns = {name: schema[name] for name in statement_columns(dataset)}
    said = register.filter(
        pl.col("dataset") == dataset, pl.col("status") == "read", pl.col("rows_data") == 0,
        pl.col("unit_key") == ALL, pl.col("scope_to").is_not_null(), pl.col("amount_total_row") == 0,
    )  # fmt: skip
    rows = [_empty_statement(authority, row, set(columns)) for row in said.iter_rows(named=True)]
    return pl.DataFrame([row for row in rows if row], schema=columns)


def _empty_statement(
    authority: Authority, row: dict[str, object], wanted: set[str]
) -> dict[str, object] | None:
    form = next(form for form in authority.forms if form.form_code == row["form_code"])
    told = {
        "scope_from": row["scope_from"], "scope_to": row["scope_to"], "scope_unit": ALL,
        "scope_part": part_of(form, str(row["source_file"])), "delivery_order": row["delivery_order"],
        "recorded_at": row["received_on"], "source_file": row["source_file"],
        "estimate_version": form.estimate_version, "basis": form.basis, "office": form.sender,
    }  # fmt: skip
    return {name: told[name] for name in wanted} if isinstance(row["received_on"], dt.date) else None
