"""When the night runs by itself: 01:30 in the authority's time zone, for the day that has ended."""

from typing import TYPE_CHECKING

import dagster as dg

from pipelines.settings import Places

if TYPE_CHECKING:  # Dagster gives what define_asset_job returns no public name
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

HOUR, MINUTE = 1, 30


def nightly_schedule(job: "UnresolvedAssetJobDefinition", places: Places) -> dg.ScheduleDefinition:
    """The schedule of ``job``; its partition is yesterday, the last day that is complete."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name="nightly_at_half_past_one",
        hour_of_day=HOUR,
        minute_of_hour=MINUTE,
        tags={"wardcast/authority": places.authority.code},
        description=f"01:30 {places.authority.settings.time_zone}: the night of the day that has ended",
    )  # type: ignore[return-value]
