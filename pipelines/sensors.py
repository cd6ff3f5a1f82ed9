"""What watches: new files in the landing folder, failed runs, and runs that succeed with failed checks.

A failed non-blocking check leaves a run successful, so runs alone are not enough to watch.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.notices import tell
from pipelines.outcome import failed_checks, failure_lines
from pipelines.settings import Places

if TYPE_CHECKING:  # Dagster gives what define_asset_job returns no public name
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

LANDING_INTERVAL_SECONDS = 60
WATCH_INTERVAL_SECONDS = 60


def watching_sensors(job: "UnresolvedAssetJobDefinition", places: Places) -> Sequence[dg.SensorDefinition]:
    """The landing sensor and the two that tell of failures."""
    return [_landing_sensor(job, places), _failure_sensor(job, places), _checks_sensor(job, places)]


def landing_state(landing: Path) -> str:
    """Digest of which files lie in the landing folder, by path, size and time of change."""
    digest = hashlib.sha256()
    for path in sorted(landing.rglob("*")) if landing.is_dir() else []:
        if path.is_file():
            facts = path.stat()
            digest.update(f"{path.relative_to(landing)}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _landing_sensor(job: "UnresolvedAssetJobDefinition", places: Places) -> dg.SensorDefinition:
    """Runs the last complete night again once the folder has changed and then kept still for one look.

    The cursor holds ``seen|run``: the state at the last look and the state last run for. A state must be met
    twice before it is run for, so that a file still being copied is not read half.
    """

    @dg.sensor(
        job=job,
        name="landing_folder",
        minimum_interval_seconds=LANDING_INTERVAL_SECONDS,
        description="New or changed extracts in the landing folder",
    )
    def landing_folder(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        state = landing_state(places.landing)
        seen, _, run_for = (context.cursor or f"|{state}").partition("|")
        if state == run_for:
            context.update_cursor(f"{state}|{run_for}")
            yield dg.SkipReason("nothing new in the landing folder")
        elif state != seen:
            context.update_cursor(f"{state}|{run_for}")
            yield dg.SkipReason("the landing folder is changing; looking again before reading it")
        else:
            context.update_cursor(f"{state}|{state}")
            night = places.default_night(dt.datetime.now(dt.UTC)).isoformat()
            yield dg.RunRequest(run_key=f"{night}-{state[:16]}", partition_key=night)

    return landing_folder


def _failure_sensor(job: "UnresolvedAssetJobDefinition", places: Places) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="tell_of_failed_run",
        monitored_jobs=[job],
        minimum_interval_seconds=WATCH_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def tell_of_failed_run(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        tell(
            places.home,
            night=run.tags.get("dagster/partition", ""),
            kind="run_failed",
            run_id=run.run_id,
            lines=failure_lines(context.instance, run.run_id),
            now=dt.datetime.now(dt.UTC),
        )

    return tell_of_failed_run


def _checks_sensor(job: "UnresolvedAssetJobDefinition", places: Places) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name="tell_of_failed_checks",
        monitored_jobs=[job],
        run_status=dg.DagsterRunStatus.SUCCESS,
        minimum_interval_seconds=WATCH_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def tell_of_failed_checks(context: dg.RunStatusSensorContext) -> None:
        run = context.dagster_run
        lines = failed_checks(context.instance, run.run_id)
        if lines:
            tell(
                places.home,
                night=run.tags.get("dagster/partition", ""),
                kind="checks_failed",
                run_id=run.run_id,
                lines=lines,
                now=dt.datetime.now(dt.UTC),
            )

    return tell_of_failed_checks
