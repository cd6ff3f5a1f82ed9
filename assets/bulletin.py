"""The asset of the bulletin: the night's site, made from the publication as the warehouse gives it back."""

import datetime as dt
from collections.abc import Mapping, Sequence

import dagster as dg
import polars as pl

from assets.bulletin_folder import write_site
from assets.ledger import VALIDATED
from assets.metadata import tags
from assets.office import Office, night_of
from authorities.forms import DATASETS
from authorities.model import ALL
from bulletins.night import BASE, TERRITORY, FailedCheck, Night
from bulletins.site import render_site
from expectations.suites import explanation_of, suite_of
from warehouse.engines import Warehouse
from warehouse.marts import dimensions
from warehouse.published import published_nights
from warehouse.tables.marts import MART_DISTRICT_BRIEF, MART_YEAR_END_FORECAST, MARTS, PUBLICATION

OVERVIEW_FILE = "index.html"
_MOST_MONTHS = 60
"""Months back for which earlier forecasts are shown, one night each."""


def bulletin_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """The bulletin."""
    return [_bulletin(nights)]


def _bulletin(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        name="bulletin",
        partitions_def=nights,
        group_name="publication",
        deps=[PUBLICATION.name],
        ins={f"{VALIDATED}{dataset}": dg.AssetIn() for dataset in DATASETS},
        description="The site that leaders read: self-contained pages in every language, and the papers",
        tags=tags("page"),
    )
    def bulletin(
        context: dg.AssetExecutionContext, office: Office, **found: pl.DataFrame
    ) -> dg.MaterializeResult:
        as_of, warehouse = night_of(context), office.warehouse()
        night = Night(
            office.authority,
            {
                table.name: warehouse.read_mart(table.name, as_of if "as_of" in table.columns else None)
                for table in MARTS
            },
            dimensions(office.authority, as_of),
            warehouse.read_mart(PUBLICATION.name, as_of).sort("published_at").row(-1, named=True),
            history=earlier_nights(warehouse, as_of),
            explain=explanation_of,
            is_counted=is_counted,
            failed_checks=failed_checks(context),
            validations=pl.concat(found[f"{VALIDATED}{dataset}"] for dataset in DATASETS),
        )
        files = render_site(night)
        is_newest = all(one.as_of <= as_of for one in warehouse.publications())
        path = write_site(office.bulletin_folder, as_of, files, is_newest=is_newest)
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.path(str(path / OVERVIEW_FILE)),
                "files": len(files),
                "bytes": sum(map(len, files.values())),
            }
        )

    return bulletin


def earlier_nights(warehouse: Warehouse, as_of: dt.date) -> Mapping[str, pl.DataFrame]:
    """What the last night of each earlier month published, of the marts that pages tell the history of."""
    by_month = {(night.year, night.month): night for night in published_nights(warehouse, as_of)}
    chosen = [by_month[month] for month in sorted(by_month)][-_MOST_MONTHS:]
    where = {"line_code": ALL, "basis": TERRITORY, "scenario": BASE}
    return {
        MART_YEAR_END_FORECAST.name: warehouse.read_nights(MART_YEAR_END_FORECAST.name, chosen, **where),
        MART_DISTRICT_BRIEF.name: warehouse.read_nights(MART_DISTRICT_BRIEF.name, chosen),
    }


def is_counted(dataset: str, rule: str) -> bool:
    """Whether rows that break a rule count all the same, as unallocated money."""
    return any(one.rule == rule and one.outcome == "unallocated" for one in suite_of(dataset))


def failed_checks(context: dg.AssetExecutionContext) -> list[FailedCheck] | None:
    """The checks of the run so far that did not hold, by asset and name; None for a run without any."""
    records = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    if not records:
        # The site alone is made again: what the night's own run found is not here to tell.
        return None
    found = [record.event_log_entry.get_dagster_event().asset_check_evaluation_data for record in records]
    return sorted(
        (
            FailedCheck(one.asset_key.to_user_string(), one.check_name, one.description or "")
            for one in found
            if not one.passed
        ),
        key=lambda check: (check.subject, check.name),
    )
