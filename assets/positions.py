"""Assets of what people query first: positions, brief, spending, quarantine and arrivals."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.declared import table_asset
from assets.metadata import FRAME, PLAN, bar, counted, money, shown, shown_upright, tags
from assets.office import Office, night_of
from authorities.forms import DATASETS
from authorities.model import ALL, Authority
from expectations.suites import explanation_of
from warehouse import arrivals, item_positions, marts
from warehouse.known import known_estimates, known_receipts
from warehouse.ledger import as_known, in_effect, standing_estimates, unknown_cells
from warehouse.office_estimates import office_statements
from warehouse.positions import Night, positions
from warehouse.tables import marts as declared

STATED = {f"stg_{dataset}": dg.AssetIn(key=f"stg_{dataset}", dagster_type=PLAN) for dataset in DATASETS}
Frame = dg.MaterializeResult


def position_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """Figures on the three bases, then the marts made from them."""
    return [
        _night_receipts(nights),
        _night_estimates(nights),
        _night_office_estimates(nights),
        _extract_statement(nights),
        _positions(nights),
        _unit_position(nights),
        _line_position(nights),
        _item_position(nights),
        _spending_position(nights),
        _district_brief(nights),
        _quarantine(nights),
        _extract_arrival(nights),
    ]


def night_dates(authority: Authority, as_of: dt.date, complete: pl.DataFrame) -> Night:
    """The night with the last day that all units' receipts reach; the night itself where nothing is known."""
    reached = complete.filter(pl.col("unit_key") == ALL)["last_complete_day"].to_list()
    return Night(as_of, reached[0] if reached and reached[0] else as_of, authority.fiscal_year(as_of))


def _night_receipts(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(partitions_def=nights, dagster_type=FRAME, group_name="positions", tags=tags("positions"))
    def night_receipts(
        context: dg.AssetExecutionContext,
        office: Office,
        core_receipt: pl.LazyFrame,
        core_quarantine: pl.DataFrame,
    ) -> Frame:
        """Receipts as known on the night, by unit, line, basis and day (minor units)."""
        rows = known_receipts(office.authority, core_receipt, core_quarantine, night_of(context))
        newest = rows["posting_date"].max()
        return dg.MaterializeResult(value=rows, metadata=counted(rows, last_posting_date=str(newest)))

    return night_receipts


def _night_estimates(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(partitions_def=nights, dagster_type=FRAME, group_name="positions", tags=tags("positions"))
    def night_estimates(
        context: dg.AssetExecutionContext, office: Office, core_estimate: pl.DataFrame
    ) -> Frame:
        """Estimates as known on the night, by unit, line, basis, fiscal year and version (minor units)."""
        rows = known_estimates(office.authority, core_estimate, night_of(context))
        return dg.MaterializeResult(value=rows, metadata=counted(rows))

    return night_estimates


def _night_office_estimates(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(partitions_def=nights, dagster_type=FRAME, group_name="positions", tags=tags("positions"))
    def night_office_estimates(
        context: dg.AssetExecutionContext, office: Office, core_office_estimate: pl.DataFrame
    ) -> Frame:
        """What offices said periods would come to, as known on the night; counted nowhere (minor units)."""
        rows = office_statements(office.authority, core_office_estimate, night_of(context))
        return dg.MaterializeResult(value=rows, metadata=counted(rows))

    return night_office_estimates


def _extract_statement(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=nights, dagster_type=FRAME, group_name="positions", ins=STATED, tags=tags("positions")
    )
    def extract_statement(raw_delivery: pl.DataFrame, **staged: Any) -> Frame:
        """Which period of which unit was stated by which form, and when."""
        rows = arrivals.statements(raw_delivery, [staged[name] for name in sorted(staged)])
        return dg.MaterializeResult(value=rows, metadata=counted(rows))

    return extract_statement


def _positions(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    check = dg.AssetCheckSpec(
        "units_have_estimates",
        asset="night_positions",
        description="Every unit in force has an initial annual estimate",
    )

    @dg.asset(
        partitions_def=nights,
        dagster_type=FRAME,
        group_name="positions",
        check_specs=[check],
        tags=tags("positions"),
    )
    def night_positions(
        context: dg.AssetExecutionContext,
        office: Office,
        night_receipts: pl.DataFrame,
        night_estimates: pl.DataFrame,
        extract_statement: pl.DataFrame,
    ) -> Frame:
        """Every unit and line against estimate, last year and pace, on every basis (minor units)."""
        as_of = night_of(context)
        complete = arrivals.complete_days(office.authority, extract_statement, "receipt", as_of)
        night = night_dates(office.authority, as_of, complete)
        rows = positions(office.authority, night, night_receipts, night_estimates, complete)
        return dg.MaterializeResult(
            value=rows,
            metadata=counted(rows),
            check_results=[_estimates_check(office.authority, as_of, rows)],
        )

    return night_positions


def _estimates_check(authority: Authority, as_of: dt.date, rows: pl.DataFrame) -> dg.AssetCheckResult:
    units = [unit.unit_key for unit in authority.units_on(as_of)]
    lacking = (
        rows.filter(
            pl.col("unit_key").is_in(units),
            pl.col("line_code") == ALL,
            pl.col("basis") == "territory",
            pl.col("estimate_version") == "initial",
            pl.col("estimate_amount").is_null(),
        )["unit_name"]
        .sort()
        .to_list()
    )
    return dg.AssetCheckResult(
        passed=not lacking,
        check_name="units_have_estimates",
        asset_key="night_positions",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"units_without_estimate": len(lacking)},
        description=None
        if not lacking
        else (
            f"No initial estimate of {authority.fiscal_year(as_of)} for {', '.join(lacking)}: their shares "
            "are left empty and the total compares with the others' estimates alone. Put the estimate "
            "workbook into the landing folder"
        ),
    )


def _unit_position(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @table_asset(nights, declared.MART_UNIT_POSITION)
    def unit_position(office: Office, night_positions: pl.DataFrame) -> Frame:
        mart = marts.unit_position(office.authority, night_positions)
        initial = mart.filter(pl.col("estimate_version") == "initial", pl.col("basis") == "territory")
        table = initial.sort("rank", nulls_last=True).select(
            "unit_name",
            "collected_amount",
            "share_of_estimate_pct",
            bar("share_of_estimate_pct").alias("reached"),
            "same_period_pct",
            "pace_pct",
        )
        return dg.MaterializeResult(value=mart, metadata=counted(mart, units=shown(table, 40)))

    return unit_position


def _line_position(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @table_asset(nights, declared.MART_LINE_POSITION)
    def line_position(office: Office, night_positions: pl.DataFrame) -> Frame:
        mart = marts.line_position(office.authority, night_positions)
        return dg.MaterializeResult(value=mart, metadata=counted(mart))

    return line_position


def _item_position(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @table_asset(nights, declared.MART_ITEM_POSITION)
    def item_position(
        context: dg.AssetExecutionContext,
        office: Office,
        core_receipt: pl.LazyFrame,
        core_quarantine: pl.DataFrame,
        night_positions: pl.DataFrame,
    ) -> Frame:
        as_of = night_of(context)
        unknown = unknown_cells(as_known(core_quarantine, as_of), "receipt")
        known = as_known(core_receipt, as_of)
        mart = item_positions.item_position(office.authority, as_of, known, unknown, night_positions)
        return dg.MaterializeResult(value=mart, metadata=counted(mart))

    return item_position


def _spending_position(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @table_asset(nights, declared.MART_SPENDING_POSITION)
    def spending_position(
        context: dg.AssetExecutionContext,
        office: Office,
        core_spending: pl.DataFrame,
        core_spending_estimate: pl.DataFrame,
        core_quarantine: pl.DataFrame,
    ) -> Frame:
        as_of = night_of(context)
        known = in_effect(as_known(core_spending_estimate, as_of), as_of)
        estimates = standing_estimates(known, ["unit_key", "spending_kind"])
        unknown = unknown_cells(as_known(core_quarantine, as_of), "spending")
        mart = marts.spending_position(
            office.authority, as_of, as_known(core_spending, as_of), estimates, unknown
        )
        return dg.MaterializeResult(value=mart, metadata=counted(mart))

    return spending_position


def _district_brief(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @table_asset(nights, declared.MART_DISTRICT_BRIEF)
    def district_brief(
        context: dg.AssetExecutionContext,
        office: Office,
        mart_unit_position: pl.DataFrame,
        mart_spending_position: pl.DataFrame,
    ) -> Frame:
        mart = marts.district_brief(
            office.authority, night_of(context), mart_unit_position, mart_spending_position
        )
        figures = mart.drop("publication_id").row(0, named=True)
        plotted = {
            name: round(float(value), 2)
            for name in ("collected_amount", "share_of_estimate_pct", "same_period_pct", "spending_share_pct")
            if (value := figures[name]) is not None
        }
        return dg.MaterializeResult(
            value=mart, metadata=counted(mart, brief=shown_upright(mart.drop("publication_id")), **plotted)
        )

    return district_brief


def _quarantine(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @table_asset(nights, declared.MART_QUARANTINE)
    def quarantine(context: dg.AssetExecutionContext, office: Office, core_quarantine: pl.DataFrame) -> Frame:
        mart = marts.quarantine_mart(office.authority, night_of(context), core_quarantine, explanation_of)
        return dg.MaterializeResult(
            value=mart,
            metadata=counted(
                mart,
                quarantined_rows=int(mart["rows"].sum()),
                rules=shown(mart.drop("as_of", "publication_id"), 40),
                **money(office.authority, quarantined_amount=int(core_quarantine["amount"].sum() or 0)),
            ),
        )

    return quarantine


def _extract_arrival(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @table_asset(nights, declared.MART_EXTRACT_ARRIVAL)
    def extract_arrival(
        context: dg.AssetExecutionContext, office: Office, extract_statement: pl.DataFrame
    ) -> Frame:
        rows = arrivals.extract_arrivals(office.authority, extract_statement, night_of(context))
        mart = marts.at_the_edge(rows, declared.MART_EXTRACT_ARRIVAL, office.authority)
        late = mart.filter(pl.col("status") != "on_time")
        table = late.select("form_code", "unit_key", "expected_at", "received_at", "status")
        return dg.MaterializeResult(
            value=mart, metadata=counted(mart, not_on_time=late.height, late_or_missing=shown(table))
        )

    return extract_arrival
