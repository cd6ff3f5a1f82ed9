"""From a figure of a mart back to the rows of files it is made of, to the minor unit.

Pure functions on ledger rows of one night: each row's part of the figure, with file, sheet and row. Parts of
a basis are those of ``warehouse.bases``; land that passed is carried as in ``warehouse.succession``, and what
rounding leaves between rows and their sum stands with the largest of them. Which figure consists of what is
told in ``warehouse.tracing_figures``; the command is ``pipelines.trace``.
"""

import datetime as dt

import polars as pl

from authorities.model import ESTIMATE_VERSIONS, Authority
from warehouse.bases import by_basis
from warehouse.ledger import flows, standing_estimates
from warehouse.positions import basis_estimates, basis_receipts
from warehouse.succession import on_units_of

PROVENANCE = ["source_file", "sheet", "first_row", "last_row"]
_RECEIPT_KEY = ["unit_key", "item_code", "line_code"]


def traced_flows(
    known: pl.DataFrame, key: list[str], start_month: int, unknown: pl.DataFrame | None
) -> pl.DataFrame:
    """Money by day as in ``warehouse.ledger.flows``, each amount with the rows that state it.

    What a cumulative figure adds is traced to the rows that state the figure; one that a report no longer
    states, to the report.
    """
    listed, stated = known.filter(~pl.col("is_cumulative")), known.filter(pl.col("is_cumulative"))
    rows = pl.col("row_number")
    single = listed.select(
        *key,
        "posting_date",
        "amount",
        "source_file",
        "sheet",
        rows.alias("first_row"),
        rows.alias("last_row"),
    )
    if stated.is_empty():
        return single
    added = flows(known, key, start_month, unknown).slice(listed.height)
    largest = stated.sort(
        "amount", "source_file", "sheet", "row_number", descending=[True, False, False, False]
    )
    told = [
        pl.col("source_file").first(), pl.col("sheet").first(),
        rows.min().alias("first_row"), rows.max().alias("last_row"),
    ]  # fmt: skip
    figures = largest.group_by(*key, "posting_date").agg(told)
    reports = largest.group_by("unit_key", "posting_date").agg(told)
    traced = added.join(figures, on=[*key, "posting_date"], how="left").join(
        reports, on=["unit_key", "posting_date"], how="left", suffix="_report"
    )
    gone = pl.col("source_file").is_null()
    whole = [
        pl.when(gone).then(pl.col(f"{name}_report")).otherwise(pl.col(name)).alias(name)
        for name in PROVENANCE
    ]
    return pl.concat([single, traced.with_columns(whole).select(single.columns)])


def traced_receipts(
    authority: Authority, known: pl.DataFrame, unknown: pl.DataFrame, as_of: dt.date
) -> pl.DataFrame:
    """Receipts of the night by unit, line, basis, day and place in the files (minor units)."""
    month = authority.settings.fiscal_year_start_month
    rows = traced_flows(known, _RECEIPT_KEY, month, unknown).filter(pl.col("posting_date") <= as_of)
    by = ["unit_key", "line_code", "posting_date"]
    parts = by_basis(authority, rows, "posting_date", [*by, *PROVENANCE])
    carried = on_units_of(authority, parts, as_of, "posting_date")
    exact = basis_receipts(authority, rows.select(*_RECEIPT_KEY, "posting_date", "amount"), as_of)
    return _fitted(carried, exact, [*by, "basis"])


def traced_estimates(authority: Authority, known: pl.DataFrame, as_of: dt.date, version: str) -> pl.DataFrame:
    """Estimates by unit, line, basis, fiscal year and place in the files, in a version (minor units).

    Args:
        known: ledger rows as known and in effect on the night.
        version: a unit that does not have it stands with the version before.
    """
    standing = _standing_rows(known)
    start = pl.date(pl.col("fiscal_year"), authority.settings.fiscal_year_start_month, 1)
    by = ["unit_key", "line_code", "fiscal_year", "estimate_version"]
    parts = by_basis(
        authority, standing.with_columns(start.alias("_start")), "_start", [*by, "_start", *PROVENANCE]
    )
    carried = on_units_of(authority, parts, as_of, "_start").drop("_start")
    exact = basis_estimates(authority, standing_estimates(known, ["unit_key", "line_code"]), as_of)
    return _of_version(_fitted(carried, exact, [*by, "basis"]), version)


def traced_spending(
    authority: Authority, known: pl.DataFrame, unknown: pl.DataFrame, as_of: dt.date
) -> pl.DataFrame:
    """Spending of the night by unit, kind, day and place in the files (minor units)."""
    month = authority.settings.fiscal_year_start_month
    rows = traced_flows(known, ["unit_key", "spending_kind"], month, unknown)
    rows = rows.filter(pl.col("posting_date") <= as_of)
    by = ["unit_key", "spending_kind", "posting_date"]
    carried = on_units_of(authority, rows, as_of, "posting_date")
    exact = on_units_of(authority, rows.group_by(by).agg(pl.col("amount").sum()), as_of, "posting_date")
    return _fitted(carried, exact, by)


def traced_spending_estimates(known: pl.DataFrame) -> pl.DataFrame:
    """Initial spending estimates by unit, kind, fiscal year and place in the files (minor units)."""
    return _standing_rows(known).filter(pl.col("estimate_version") == "initial")


def _standing_rows(known: pl.DataFrame) -> pl.DataFrame:
    """The rows behind ``standing_estimates``, with their places."""
    last = pl.col("scope_to").max().over("unit_key", "fiscal_year", "estimate_version")
    rows = pl.col("row_number")
    return known.filter(pl.col("scope_to") == last).with_columns(
        rows.alias("first_row"), rows.alias("last_row")
    )


def _of_version(rows: pl.DataFrame, version: str) -> pl.DataFrame:
    order: dict[str, int] = {name: place for place, name in enumerate(ESTIMATE_VERSIONS)}
    placed = rows.with_columns(
        pl.col("estimate_version").replace_strict(order, return_dtype=pl.Int32).alias("_place")
    ).filter(pl.col("_place") <= order[version])
    latest = pl.col("_place").max().over("unit_key", "fiscal_year")
    return placed.filter(pl.col("_place") == latest).drop("_place")


def _fitted(parts: pl.DataFrame, exact: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """``parts`` that add up to ``exact``: what rounding leaves stands with the largest row of each key."""
    sums = parts.group_by(by).agg(pl.col("amount").sum().alias("_parts"))
    off = sums.join(exact.select(*by, pl.col("amount").alias("_exact")), on=by).filter(
        pl.col("_parts") != pl.col("_exact")
    )
    if off.is_empty():
        return parts
    rest = off.select(*by, (pl.col("_exact") - pl.col("_parts")).alias("_rest"))
    order = pl.col("amount").abs().rank("ordinal", descending=True).over(by)
    fitted = parts.join(rest, on=by, how="left", maintain_order="left").with_columns(
        pl.when(order == 1)
        .then(pl.col("amount") + pl.col("_rest").fill_null(0))
        .otherwise("amount")
        .alias("amount")
    )
    return fitted.drop("_rest")
