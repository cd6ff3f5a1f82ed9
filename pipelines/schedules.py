"""What runs by itself, in the authority's time zone: the night at 01:30, for the day that has ended, and
backtest and scorecard once a month, when the night is over.
"""

from typing import TYPE_CHECKING

import dagster as dg

from pipelines.settings import Places

if TYPE_CHECKING:  # Dagster gives what define_asset_job returns no public name
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

HOUR, MINUTE = 1, 30
DAY_OF_MONTH, BACKTEST_HOUR, SCORECARD_HOUR = 2, 3, 4


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


def backtest_schedule(job: "UnresolvedAssetJobDefinition", places: Places) -> dg.ScheduleDefinition:
    """The monthly schedule of the backtest's ``job``."""
    return _monthly("monthly_backtest", job, places, BACKTEST_HOUR)


def scorecard_schedule(job: "UnresolvedAssetJobDefinition", places: Places) -> dg.ScheduleDefinition:
    """The monthly schedule of the scorecard's ``job``, after the backtest."""
    return _monthly("monthly_scorecard", job, places, SCORECARD_HOUR)


def _monthly(
    name: str, job: "UnresolvedAssetJobDefinition", places: Places, hour: int
) -> dg.ScheduleDefinition:
    """A schedule once a month, by what was known on the day that has ended.

    A year that has closed is scored by the month after; off until someone switches it on.
    """
    time_zone = places.authority.settings.time_zone

    @dg.schedule(
        job=job,
        name=name,
        cron_schedule=f"{MINUTE} {hour} {DAY_OF_MONTH} * *",
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"The {DAY_OF_MONTH}nd of each month at {hour:02}:{MINUTE:02} {time_zone}",
    )
    def once_a_month(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(partition_key=places.default_night(context.scheduled_execution_time).isoformat())

    return once_a_month
