"""The asset of one atomic publication of the night's marts."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg
import polars as pl

from assets.metadata import FRAME, columns_of, tags
from assets.office import Office, night_of
from assets.retries import retry_or_fail
from warehouse.arrivals import with_last_days
from warehouse.engines import PublicationFacts, WarehouseBusyError, WarehouseError
from warehouse.marts import dimensions
from warehouse.projections import polars_schema
from warehouse.tables.marts import MARTS, PUBLICATION

_MART_INPUTS = {table.name: dg.AssetIn(key=table.name) for table in MARTS}
_PUBLISH_RETRIES = 5
_PUBLISH_WAIT_SECONDS = 10
"""Another authority's night, or a person, publishing to the same warehouse."""


def publication_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """The publication."""
    return [_publication(nights)]


def _publication(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        name=PUBLICATION.name,
        partitions_def=nights,
        dagster_type=FRAME,
        group_name="publication",
        ins=_MART_INPUTS,
        metadata=columns_of(PUBLICATION),
        description="All marts of the night, published together or not at all",
        tags=tags("publication"),
    )
    def publication(
        context: dg.AssetExecutionContext,
        office: Office,
        extract_statement: pl.DataFrame,
        **marts: pl.DataFrame,
    ) -> dg.MaterializeResult:
        as_of, authority = night_of(context), office.authority
        told = with_last_days(authority, extract_statement, as_of, marts)
        passed, failed = check_counts(context)
        facts = PublicationFacts(
            run_id=context.run.run_id,
            code_version=office.code_version,
            config_sha256=authority.config_sha256,
            published_at=dt.datetime.now(dt.UTC),
            checks_passed=passed,
            checks_failed=failed,
        )
        try:
            made = office.warehouse().publish(as_of, told, dimensions(authority, as_of), facts)
        except WarehouseError as error:
            raise retry_or_fail(
                context,
                str(error),
                retries=_PUBLISH_RETRIES if isinstance(error, WarehouseBusyError) else 0,
                wait_seconds=_PUBLISH_WAIT_SECONDS,
            ) from error
        row = {name: getattr(made, name) for name in polars_schema(PUBLICATION)}
        return dg.MaterializeResult(
            value=pl.DataFrame([row], schema=polars_schema(PUBLICATION)),
            metadata={
                "publication_id": made.publication_id,
                "rows": made.rows,
                "checks_passed": passed,
                "checks_failed": failed,
            },
        )

    return publication


def check_counts(context: dg.AssetExecutionContext) -> tuple[int, int]:
    """How many checks of the run so far held, and how many failed without stopping it."""
    records = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    held = [
        record.event_log_entry.get_dagster_event().asset_check_evaluation_data.passed for record in records
    ]
    return sum(held), len(held) - sum(held)
