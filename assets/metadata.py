"""Metadata worth reading in Dagster's UI: columns from the one declaration, rows, money, small tables.

Never a row's content: counts, sums and codes only, as runs are read by more people than the marts.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import dagster as dg
import polars as pl

from authorities.model import Authority
from warehouse.projections import column_rules, dictionary_entries
from warehouse.tables.declare import Table

FRAME = dg.PythonObjectDagsterType((pl.DataFrame, pl.LazyFrame), name="Frame")
"""Dagster's type of a frame, said aloud, as results that carry checks do not tell it."""
PLAN = dg.PythonObjectDagsterType(pl.LazyFrame, name="Plan")
"""Of an input that is not held in memory; where a step names its inputs, ``pl.LazyFrame`` says the same."""
_SHOWN_ROWS = 20
_KINDS = {
    "raw": ("file", "parquet"),
    "quality": ("great_expectations", "polars"),
    "forecast": ("statsmodels", "polars"),
    "publication": ("duckdb",),
    "message": ("email",),
    "page": ("html",),
}
"""Kinds by layer; the layers not named are polars alone."""


def columns_of(table: Table) -> dict[str, dg.TableSchema]:
    """The Columns tab of a declared table."""
    comments = {entry.column: entry for entry in dictionary_entries([table])}
    columns = [
        dg.TableColumn(
            name=rule.column,
            type=str(comments[rule.column].type),
            description=". ".join(
                part for part in (comments[rule.column].comment, comments[rule.column].unit) if part
            ),
            constraints=dg.TableColumnConstraints(nullable=rule.nullable),
        )
        for rule in column_rules(table)
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def counted(frame: pl.DataFrame, authority: Authority | None = None, /, **more: Any) -> dict[str, Any]:
    """Rows, and the money of an ``amount`` column (minor units) in currency units, which Dagster plots."""
    told: dict[str, Any] = {"dagster/partition_row_count": frame.height, **more}
    if authority is not None and "amount" in frame.columns:
        told |= money(authority, amount=int(frame["amount"].sum() or 0))
    return told


def counted_plan(plan: pl.LazyFrame, authority: Authority, /, *more: pl.Expr) -> dict[str, Any]:
    """The same of a plan with an ``amount``, told by one pass over its rows; ``more`` are sums beside it."""
    amount = pl.col("amount").cast(pl.Int128).sum().alias("_amount")
    sums = plan.select(pl.len().alias("_rows"), amount, *more)
    told = sums.collect(engine="streaming").row(0, named=True)
    rows, whole = told.pop("_rows"), int(told.pop("_amount") or 0)
    return {"dagster/partition_row_count": rows, **told, **money(authority, amount=whole)}


def money(authority: Authority, **minor: int) -> dict[str, float]:
    """Amounts in minor units as figures in currency units, their names ending in the currency's code."""
    currency = authority.settings.currency
    code = currency.code.lower()
    return {f"{name}_{code}": amount / currency.minor_per_unit for name, amount in minor.items()}


def shown(frame: pl.DataFrame, limit: int = _SHOWN_ROWS) -> dg.MarkdownMetadataValue:
    """The first rows of a small frame of codes and figures as a Markdown table."""
    head = frame.head(limit)
    aligned = ["--:" if dtype.is_numeric() else "---" for dtype in head.dtypes]
    rows = [head.columns, aligned, *([_cell(value) for value in row] for row in head.iter_rows())]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if frame.height > limit:
        lines += ["", f"… {frame.height - limit} more rows"]
    return dg.MetadataValue.md("\n".join(lines))


def shown_upright(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """A frame of one row as a Markdown table of two columns, figure and value."""
    lines = [f"| {name} | {_cell(value)} |" for name, value in frame.row(0, named=True).items()]
    return dg.MetadataValue.md("\n".join(["| figure | value |", "| --- | --: |", *lines]))


def bar(column: str, full: float = 100.0, width: int = 20) -> pl.Expr:
    """A column of figures as bars of text, ``width`` blocks for ``full``, to be read at a glance."""
    blocks = (pl.col(column) / full * width).round().clip(0, 2 * width).fill_null(0).cast(pl.UInt32)
    return pl.lit("█").repeat_by(blocks).list.join("").alias(f"{column}_bar")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, Decimal):
        return f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _plain(str(value))


def _plain(text: str) -> str:
    """Text that stays in its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def tags(layer: str) -> Mapping[str, str]:
    """Tags of the assets of a layer, with what Dagster shows as their kinds."""
    return {"layer": layer, **{f"dagster/kind/{kind}": "" for kind in _KINDS.get(layer, ("polars",))}}
