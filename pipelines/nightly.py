"""One night in one process: lock, sample where it is asked for, run, and what became of it.

The command calls this; Dagster's daemon runs the same job by itself. Heavy libraries are imported inside, so
that help and errors are quick.
"""

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import Places

if TYPE_CHECKING:
    import dagster as dg

DAGSTER_YAML = """\
# Written by wardcast. Runs of one authority wait for one another; nothing is sent anywhere.
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - key: wardcast/authority
        limit: 1
retention:
  schedule:
    purge_after_days: 35
  sensor:
    purge_after_days: {skipped: 7, failure: 35, success: 35}
"""
EVENTS_AT_A_TIME = "100"
"""Dagster's events go to SQLite in batches: one by one, their commits took a third of a small night."""
RUNS_KEPT_DAYS = 35
"""Events of older runs are pruned after a night; the publications have their own rule."""


class NightRefusedError(Exception):
    """The night cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class NightOutcome:
    """What became of a night.

    Attributes:
        published: whether the night's marts were published.
        failures: one line a failed step; empty where the night went through, bulletin included.
        failed_checks: one line a check that failed, whether it stopped the night or not.
    """

    as_of: dt.date
    run_id: str
    published: bool
    failures: list[str]
    failed_checks: list[str]


def check_before(places: Places, as_of: dt.date, now: dt.datetime) -> None:
    """Refuse at once what would fail later: a night that cannot be run, a warehouse that cannot be written.

    Raises:
        NightRefusedError: the night lies outside the authority's.
        WarehouseError: the warehouse cannot be opened or written.
    """
    from warehouse.engines import open_warehouse

    _refuse_outside(places, as_of, now)
    _make_home(places.home)
    open_warehouse(places.warehouse_url).check_writable()


def run_night(places: Places, as_of: dt.date, now: dt.datetime) -> NightOutcome:
    """Run the night ``as_of`` to its publication and bulletin.

    Raises:
        NightRefusedError: another night of the home is running, or the home cannot be written.
    """
    with _home_lock(places.home):
        instance = open_instance(places.dagster_home)
        try:
            _close_interrupted(instance)
            outcome = _execute(places, instance, as_of)
            _tell(places, outcome, now)
            prune_runs(instance, now)
        finally:
            instance.dispose()
    return outcome


def _execute(places: Places, instance: "dg.DagsterInstance", as_of: dt.date) -> NightOutcome:
    from pipelines.definitions import NIGHTLY, PUBLICATION, build_definitions
    from pipelines.outcome import failed_checks, failure_lines

    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENTS_AT_A_TIME)
    job = build_definitions(places).resolve_job_def(NIGHTLY)
    result = job.execute_in_process(
        instance=instance,
        partition_key=as_of.isoformat(),
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {}}}},
    )
    failures = [] if result.success else failure_lines(instance, result.run_id)
    published = any(
        event.asset_key.path == [PUBLICATION] for event in result.get_asset_materialization_events()
    )
    return NightOutcome(as_of, result.run_id, published, failures, failed_checks(instance, result.run_id))


def _tell(places: Places, outcome: NightOutcome, now: dt.datetime) -> None:
    from pipelines.notices import tell

    night = outcome.as_of.isoformat()
    if outcome.failures:
        lines = outcome.failures + outcome.failed_checks
        tell(places.home, night=night, kind="run_failed", run_id=outcome.run_id, lines=lines, now=now)
    elif outcome.failed_checks:
        tell(
            places.home,
            night=night,
            kind="checks_failed",
            run_id=outcome.run_id,
            lines=outcome.failed_checks,
            now=now,
        )


def _refuse_outside(places: Places, as_of: dt.date, now: dt.datetime) -> None:
    from zoneinfo import ZoneInfo

    settings = places.authority.settings
    today = now.astimezone(ZoneInfo(settings.time_zone)).date()
    if not settings.first_night <= as_of < today:
        raise NightRefusedError(
            f"night {as_of} lies outside what can be run: from {settings.first_night} (first_night of the "
            f"authority) to {today - dt.timedelta(days=1)} (yesterday). Give another --as-of"
        )


def _make_home(home: Path) -> None:
    """The home is for its owner alone: raw rows with taxpayers' names lie in it."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / "night.lock").touch(mode=0o600)
    except OSError as error:
        raise NightRefusedError(
            f"home folder {home} cannot be written ({error.strerror}). Give another with --home"
        ) from error


@contextmanager
def _home_lock(home: Path) -> Iterator[None]:
    """One night of a home at a time; the lock goes with the process, however it ends."""
    _make_home(home)
    with (home / "night.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise NightRefusedError(
                f"another night is running in {home} (process {file.read().strip() or 'unknown'}). "
                "Wait for it to end"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def open_instance(folder: Path) -> "dg.DagsterInstance":
    """Dagster's own records of an authority, in its home; made on first use, telemetry off."""
    import dagster as dg

    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "dagster.yaml"
    if not settings.is_file() or settings.read_text() != DAGSTER_YAML:
        settings.write_text(DAGSTER_YAML)
    return dg.DagsterInstance.from_config(str(folder))


def _close_interrupted(instance: "dg.DagsterInstance") -> None:
    """Runs that a killed process left under way: as we hold the lock, they cannot be."""
    import dagster as dg

    under_way = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]
    for run in instance.get_runs(dg.RunsFilter(statuses=under_way, job_name="nightly")):
        instance.report_run_failed(run, "The process running this night was killed")


def prune_runs(instance: "dg.DagsterInstance", now: dt.datetime) -> int:
    """Delete the events of runs older than ``RUNS_KEPT_DAYS``; returns how many runs went."""
    import dagster as dg

    old = instance.get_runs(dg.RunsFilter(created_before=now - dt.timedelta(days=RUNS_KEPT_DAYS)))
    for run in old:
        instance.delete_run(run.run_id)
    return len(old)
