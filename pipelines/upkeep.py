"""What keeps a home from filling up and its records true: old runs and frames pruned, dead runs closed.

The command does this after each night, the daemon by the sensor in ``pipelines.sensors``. Raw rows and human
acts are never pruned; publications have their own rule, in the warehouse.
"""

import datetime as dt
import shutil
from pathlib import Path

import dagster as dg
from upath import UPath

from pipelines.home import DAEMON_PATIENCE_SECONDS, HOLDS_TAG

RUNS_KEPT_DAYS = 35
"""Events of older runs go, and frames between steps that no run has written for as long."""
_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_UNDER_WAY = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]


def prune_runs(instance: dg.DagsterInstance, now: dt.datetime) -> int:
    """Delete runs that ended and are older than ``RUNS_KEPT_DAYS``, with their files; returns their count."""
    before = now - dt.timedelta(days=RUNS_KEPT_DAYS)
    old = instance.get_runs(dg.RunsFilter(statuses=_FINISHED, created_before=before))
    for run in old:
        instance.delete_run(run.run_id)
        _delete_files(Path(instance.root_directory), run.run_id)
    return len(old)


def _delete_files(folder: Path, run_id: str) -> None:
    """What Dagster leaves of a deleted run in its default storage: an emptied database, captured output."""
    for path in (folder / "history" / "runs").glob(f"{run_id}.db*"):
        path.unlink(missing_ok=True)
    shutil.rmtree(folder / "storage" / run_id, ignore_errors=True)


def prune_lake(lake: UPath | Path, now: dt.datetime) -> int:
    """Delete frames that were written longer ago than runs are kept; returns how many went.

    Frames between steps, or staged rows that are kept from night to night: those are as if written whenever a
    night reads them, and can always be made again.
    """
    before = (now - dt.timedelta(days=RUNS_KEPT_DAYS)).timestamp()
    old = [path for path in lake.glob("*/*.parquet*") if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def interrupted(instance: dg.DagsterInstance, now: dt.datetime) -> list[dg.DagsterRun]:
    """Runs that seem under way though they held the home's lock, or can no longer be waiting for it.

    To whoever holds that lock now they are dead: the process running them was killed. The command runs
    nothing before it holds the lock; the daemon's runs are tagged as they get it.
    """
    waiting_since = now - dt.timedelta(seconds=2 * DAEMON_PATIENCE_SECONDS)
    return [
        record.dagster_run
        for record in instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY))
        if record.dagster_run.remote_job_origin is None
        or HOLDS_TAG in record.dagster_run.tags
        or record.update_timestamp.replace(tzinfo=dt.UTC) < waiting_since
    ]


def close_interrupted(instance: dg.DagsterInstance, now: dt.datetime, only: set[str] | None = None) -> int:
    """Record interrupted runs as failed, all or those of ``only``; the caller holds the home's lock."""
    dead = [run for run in interrupted(instance, now) if only is None or run.run_id in only]
    for run in dead:
        instance.report_run_failed(run, "The process running this night was killed. Run the night again")
    return len(dead)
