"""Assets that stand for declared tables: named, described and given columns by the one declaration.

What makes the rows is in the modules by layer; what else a run tells of them is in ``assets.metadata``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from assets.metadata import FRAME, columns_of, tags
from warehouse.tables.declare import Table


def table_asset(
    nights: dg.PartitionsDefinition[str],
    table: Table,
    *,
    layer: str = "mart",
    group: str = "marts",
    ins: Mapping[str, dg.AssetIn] | None = None,
    deps: Sequence[str] = (),
    checks: Sequence[dg.AssetCheckSpec] = (),
) -> Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition]:
    """Declares the asset of one table, ``layer`` telling its tags and ``group`` where the UI shows it."""
    declared: Callable[[Callable[..., dg.MaterializeResult]], dg.AssetsDefinition] = dg.asset(
        name=table.name,
        partitions_def=nights,
        group_name=group,
        ins=ins,
        deps=deps,
        check_specs=checks,
        **_told(table, layer),
    )
    return declared


def table_out(table: Table, *, layer: str = "mart") -> dg.AssetOut:
    """The same for one of several tables that a step makes together."""
    return dg.AssetOut(**_told(table, layer))


def _told(table: Table, layer: str) -> dict[str, Any]:
    return {
        "dagster_type": FRAME,
        "metadata": columns_of(table),
        "description": table.comment,
        "tags": tags(layer),
    }
