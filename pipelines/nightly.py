"""One night in one process: lock, sample where it is asked for, run, and what became of it.

The command calls this; Dagster's daemon runs the same job by itself. Heavy libraries are imported inside, so
that help and errors are quick.
"""

import datetime as dt
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.dagster_home import open_instance
from pipelines.home import NightRefusedError, home_lock, make_home
from pipelines.settings import Places

if TYPE_CHECKING:
    import dagster as dg

EVENTS_AT_A_TIME = "100"
"""Dagster's events go to SQLite in batches: one by one, their commits took a third of a small night."""

_FULL_BYTES = 4 * 1024**2
"""Free space below which a disk is taken to be full: some files are larger than what is left."""


@dataclass(frozen=True)
class NightOutcome:
    """What became of a night.

    Attributes:
        published: whether the night's marts were published.
        failures: one line a failed step; empty where the night went through, bulletin included.
        failed_checks: one line a check that failed and did not stop the night.
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
        LandingError: the landing folder is not there, or is empty.
        WarehouseError: the warehouse cannot be opened or written.
    """
    from extracts.landing import refuse_unusable
    from warehouse.engines import open_warehouse

    _refuse_outside(places, as_of, now)
    _refuse_mixing(places)
    if not places.uses_sample:
        refuse_unusable(places.authority, places.landing)
    make_home(places.home)
    _check_lake(places)
    open_warehouse(places.warehouse_url).check_writable()


def _check_lake(places: Places) -> None:
    if "://" not in places.lake:
        return  # below the home, which was checked
    from assets.frames import LakeError, check_lake, lake_at

    try:
        check_lake(lake_at(places.lake))
    except LakeError as error:
        raise NightRefusedError(str(error)) from error


def run_night(places: Places, as_of: dt.date, now: dt.datetime) -> NightOutcome:
    """Run the night ``as_of`` to its publication and bulletin.

    Raises:
        NightRefusedError: another night of the home is running, or the home cannot be written.
    """
    from assets.frames import lake_at
    from pipelines.upkeep import close_interrupted, prune_lake, prune_runs

    with home_lock(places.home):
        instance = open_instance(places.dagster_home)
        try:
            close_interrupted(instance, now)
            outcome = _execute(places, instance, as_of)
            _tell(places, outcome, now)
            prune_runs(instance, now)
            prune_lake(lake_at(places.lake), now)
            prune_lake(lake_at(str(places.home / "staged")), now)
        finally:
            instance.dispose()
    return outcome


def _execute(places: Places, instance: "dg.DagsterInstance", as_of: dt.date) -> NightOutcome:
    from pipelines.definitions import NIGHTLY, PUBLICATION, build_definitions
    from pipelines.outcome import failed_checks, failure_lines

    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENTS_AT_A_TIME)
    job = build_definitions(places).resolve_job_def(NIGHTLY)
    try:
        result = job.execute_in_process(
            instance=instance,
            partition_key=as_of.isoformat(),
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"steps": len(job.all_node_defs)}}}},
        )
    except Exception as error:
        # Where Dagster cannot even write its records, it tells of its database and not of the disk.
        if shutil.disk_usage(places.home).free > _FULL_BYTES:
            raise
        raise NightRefusedError(
            f"the disk that {places.home} lies on is full, and the night could not go on. Make room, and run "
            "the night again"
        ) from error
    failures = [] if result.success else failure_lines(instance, result.run_id)
    made = [event.asset_key for event in result.get_asset_materialization_events()]
    published = any(key is not None and key.path == [PUBLICATION] for key in made)
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


def _refuse_mixing(places: Places) -> None:
    """Simulated nights and real ones do not share a home: side by side nobody could tell them apart."""
    if places.sample.exists() and not places.uses_sample:
        raise NightRefusedError(
            f"{places.home} holds the simulated sample's nights. Give your own files a home of their own "
            f"with --home, and your authority a code other than '{places.authority.code}' in authority.yaml"
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
