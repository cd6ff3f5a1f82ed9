"""The asset of what passed from unit to unit: collections across changes of units."""

from collections.abc import Sequence

import dagster as dg
import polars as pl

from assets.declared import table_asset
from assets.metadata import counted
from assets.office import Office, night_of
from warehouse import marts
from warehouse.bases import by_basis
from warehouse.ledger import as_known, flows
from warehouse.succession import changed, history
from warehouse.tables.marts import MART_UNIT_HISTORY


def succession_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """Collections as recorded, on the units of the night, and on the units before."""

    @table_asset(nights, MART_UNIT_HISTORY)
    def unit_history(
        context: dg.AssetExecutionContext, office: Office, core_receipt: pl.LazyFrame
    ) -> dg.MaterializeResult:
        authority, as_of = office.authority, night_of(context)
        rows = core_receipt if changed(authority, as_of) else core_receipt.clear()
        month = authority.settings.fiscal_year_start_month
        moved = flows(as_known(rows, as_of), ["unit_key", "item_code", "line_code"], month)
        based = by_basis(
            authority,
            moved.filter(pl.col("posting_date") <= as_of),
            "posting_date",
            ["unit_key", "line_code", "posting_date"],
        )
        dated = history(authority, based, as_of).with_columns(pl.lit(as_of).alias("as_of"))
        mart = marts.at_the_edge(dated, MART_UNIT_HISTORY, authority)
        return dg.MaterializeResult(value=mart, metadata=counted(mart))

    return [unit_history]
