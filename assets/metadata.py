"""Metadata worth reading in Dagster's UI: columns from the one declaration, rows, money, small tables.

Never a row's content: counts, sums and codes only, as runs are read by more people than the marts.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from authorities.model import Authority
from warehouse.projections import column_rules, dictionary_entries
from warehouse.tables.declare import Table

FRAME = dg.PythonObjectDagsterType(pl.DataFrame, name="Frame")
"""Dagster's type of a frame, said aloud, as results that carry checks do not tell it."""
_SHOWN_ROWS = 20


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


def counted(frame: pl.DataFrame, authority: Authority | None = None, **more: Any) -> dict[str, Any]:
    """Rows, and the money of an ``amount`` column in currency units."""
    told: dict[str, Any] = {"dagster/row_count": frame.height, **more}
    if authority is not None and "amount" in frame.columns:
        total = int(frame["amount"].sum() or 0)
        told["amount"] = (
            f"{total / authority.settings.currency.minor_per_unit:,.2f} {authority.settings.currency.code}"
        )
    return told


def shown(frame: pl.DataFrame, limit: int = _SHOWN_ROWS) -> dg.MarkdownMetadataValue:
    """The first rows of a small frame of codes and figures as a Markdown table."""
    head = frame.head(limit)
    lines = [" | ".join(head.columns), " | ".join("---" for _ in head.columns)]
    lines += [" | ".join("" if cell is None else str(cell) for cell in row) for row in head.iter_rows()]
    if frame.height > limit:
        lines.append(f"… {frame.height - limit} more rows")
    return dg.MetadataValue.md("\n".join(lines))


def tags(layer: str) -> Mapping[str, str]:
    """Tags of the assets of a layer."""
    return {"layer": layer}
