"""What watches: new files in the landing folder, failed runs, failed checks, and what upkeep there is.

A failed non-blocking check leaves a run successful, so runs alone are not enough to watch.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from assets.frames import lake_at
from pipelines.home import NightRefusedError, home_lock
from pipelines.notices import tell
from pipelines.outcome import failed_checks, failure_lines
from pipelines.settings import Places
from pipelines.upkeep import close_interrupted, interrupted, prune_lake, prune_runs

if TYPE_CHECKING:  # Dagster gives what define_asset_job returns no public name
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

LANDING_INTERVAL_SECONDS = 60
WATCH_INTERVAL_SECONDS = 60
UPKEEP_INTERVAL_SECONDS = 300


def watching_sensors(job: "UnresolvedAssetJobDefinition", places: Places) -> Sequence[dg.SensorDefinition]:
    """The landing sensor, the two that tell of failures, and the upkeep."""
    return [
        _landing_sensor(job, places),
        _failure_sensor(places),
        _checks_sensor(places),
        _upkeep_sensor(places),
    ]


def landing_state(landing: Path) -> str:
    """Digest of which files lie in the landing folder, by path, size and time of change."""
    digest = hashlib.sha256()
    for path in sorted(landing.rglob("*")):
        if path.is_file():
            facts = path.stat()
            digest.update(f"{path.relative_to(landing)}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _landing_sensor(job: "UnresolvedAssetJobDefinition", places: Places) -> dg.SensorDefinition:
    """Runs the last complete night again once the folder has changed and then kept still for one look.

    The cursor holds ``seen|run``: the state at the last look and the state last run for. A state must be met
    twice before it is run for, so that a file still being copied is not read half. What lies there at the
    first look is the schedule's affair.
    """

    @dg.sensor(
        job=job,
        name="landing_folder",
        minimum_interval_seconds=LANDING_INTERVAL_SECONDS,
        description=f"New or changed extracts in {places.landing}",
    )
    def landing_folder(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        if not places.landing.is_dir():  # a share that is away is no change of what lies on it
            yield dg.SkipReason(f"{places.landing} does not exist")
            return
        state = landing_state(places.landing)
        seen, _, run_for = (context.cursor or f"{state}|{state}").partition("|")
        if state == run_for:
            context.update_cursor(f"{state}|{run_for}")
            yield dg.SkipReason("nothing new in the landing folder")
        elif state != seen:
            context.update_cursor(f"{state}|{run_for}")
            yield dg.SkipReason("the landing folder is changing; looking again before reading it")
        else:
            context.update_cursor(f"{state}|{state}")
            yield dg.RunRequest(partition_key=places.default_night(dt.datetime.now(dt.UTC)).isoformat())

    return landing_folder


def _failure_sensor(places: Places) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="tell_of_failed_run",
        minimum_interval_seconds=WATCH_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells of failed runs in the notices of {places.home}",
    )
    def tell_of_failed_run(context: dg.RunFailureSensorContext) -> None:
        lines = failure_lines(context.instance, context.dagster_run.run_id)
        lines += failed_checks(context.instance, context.dagster_run.run_id)
        _tell(places, context.dagster_run, "run_failed", lines)

    return tell_of_failed_run


def _checks_sensor(places: Places) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name="tell_of_failed_checks",
        run_status=dg.DagsterRunStatus.SUCCESS,
        minimum_interval_seconds=WATCH_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells of checks that failed without stopping the run, in the notices of {places.home}",
    )
    def tell_of_failed_checks(context: dg.RunStatusSensorContext) -> None:
        lines = failed_checks(context.instance, context.dagster_run.run_id)
        if lines:
            _tell(places, context.dagster_run, "checks_failed", lines)

    return tell_of_failed_checks


def _tell(places: Places, run: dg.DagsterRun, kind: str, lines: list[str]) -> None:
    night = run.tags.get("dagster/partition", "")
    tell(places.home, night=night, kind=kind, run_id=run.run_id, lines=lines, now=dt.datetime.now(dt.UTC))


def _upkeep_sensor(places: Places) -> dg.SensorDefinition:
    """Prunes and closes without a run of its own, which a dead run would keep waiting in the queue.

    The cursor holds the runs that looked dead at the last look. A run must look dead twice, as one that ends
    lets go of the lock a moment before its end is recorded.
    """

    @dg.sensor(
        name="upkeep",
        minimum_interval_seconds=UPKEEP_INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Closes runs whose process was killed; prunes old runs and old frames of the lake",
    )
    def upkeep(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        now = dt.datetime.now(dt.UTC)
        closed = 0
        suspects = {run.run_id for run in interrupted(context.instance, now)}
        if suspects:
            try:
                with home_lock(places.home):
                    closed = close_interrupted(
                        context.instance, now, only=set((context.cursor or "").split(","))
                    )
            except NightRefusedError:  # a night is running: it is no suspect
                suspects = set()
        context.update_cursor(",".join(sorted(suspects)))
        runs = prune_runs(context.instance, now)
        frames = sum(prune_lake(lake_at(kept), now) for kept in (places.lake, str(places.home / "staged")))
        return dg.SkipReason(f"{closed} killed runs closed; {runs} old runs and {frames} old frames pruned")

    return upkeep
