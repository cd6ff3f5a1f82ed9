"""When the night runs by itself: 01:30 in the authority's time zone, for the day that has ended."""

from typing import TYPE_CHECKING

import dagster as dg

from pipelines.settings import Places

if TYPE_CHECKING:  # Dagster gives what define_asset_job returns no public name
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

HOUR, MINUTE = 1, 30


def nightly_schedule(job: "UnresolvedAssetJobDefinition", places: Places) -> dg.ScheduleDefinition:
    """The schedule of ``job``; its partition is yesterday, the last day that is complete.

    The embedded sample has one night worth running, and the schedule runs that one. It is off until someone
    switches it on: an office may start the night by other means, such as cron and the command.
    """
    time_zone = places.authority.settings.time_zone

    @dg.schedule(
        job=job,
        name="nightly_at_half_past_one",
        cron_schedule=f"{MINUTE} {HOUR} * * *",
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"{HOUR:02}:{MINUTE:02} {time_zone}: the night of "
        + ("the embedded sample" if places.uses_sample else "the day that has ended"),
    )
    def nightly_at_half_past_one(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(partition_key=places.default_night(context.scheduled_execution_time).isoformat())

    return nightly_at_half_past_one
