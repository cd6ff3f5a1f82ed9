"""The asset that holds recurrent revenue against recurrent spending."""

from collections.abc import Sequence

import dagster as dg
import polars as pl

from assets.declared import table_asset
from assets.metadata import counted, shown
from assets.office import Office, night_of
from warehouse.recurrent_balance import recurrent_balance
from warehouse.tables import marts as declared


def balance_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """``mart_recurrent_balance``."""

    @table_asset(nights, declared.MART_RECURRENT_BALANCE)
    def balance(
        context: dg.AssetExecutionContext,
        office: Office,
        mart_year_end_forecast: pl.DataFrame,
        mart_spending_position: pl.DataFrame,
        mart_line_position: pl.DataFrame,
    ) -> dg.MaterializeResult:
        mart = recurrent_balance(
            office.authority, night_of(context), mart_year_end_forecast, mart_spending_position,
            mart_line_position,
        )  # fmt: skip
        table = mart.select("unit_key", "cover_ratio", "gap_probability", "balance_status")
        return dg.MaterializeResult(value=mart, metadata=counted(mart, cover=shown(table, 40)))

    return [balance]
