"""What ``wardcast doctor`` looks at: installation, configuration, landing folder, warehouse, records.

Each finding is a value; the command prints them. Nothing is changed.
"""

import datetime as dt
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from extracts.landing import Delivery, LandingError, scan_landing
from pipelines.home import unwritable
from pipelines.settings import Places
from warehouse.engines import WarehouseError, open_warehouse

if TYPE_CHECKING:
    import dagster as dg

LEAST_FREE_BYTES = 500 * 1024**2
RUN_HOURS = 24
"""A night that takes longer hangs."""
_LIBRARIES = ("dagster", "polars", "great-expectations", "statsmodels", "sqlalchemy", "duckdb")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, and what was seen or what to mend."""

    subject: str
    is_well: bool
    text: str


def _well(subject: str, text: str) -> Finding:
    return Finding(subject, is_well=True, text=text)


def _mend(subject: str, text: str) -> Finding:
    return Finding(subject, is_well=False, text=text)


def examine(places: Places, now: dt.datetime) -> list[Finding]:
    """Everything that a night needs, looked at one after the other."""
    return [
        *_installation(),
        _configuration(places),
        *_landing(places),
        _home(places),
        _warehouse(places, now),
        *_runs(places, now),
        *_notification(places, now),
    ]


def _installation() -> Iterator[Finding]:
    yield Finding("python", sys.version_info >= (3, 11), sys.version.split()[0])
    try:
        seen = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
        yield _well("libraries", seen)
    except PackageNotFoundError as error:
        yield _mend("libraries", f"{error.name} is not installed; run: make install")


def _configuration(places: Places) -> Finding:
    one = places.authority
    return _well(
        "authority",
        f"{one.settings.title.en}: {len(one.units)} units, {len(one.items)} revenue items, "
        f"{len(one.forms)} forms, {len(one.shocks)} policy shocks",
    )


def _landing(places: Places) -> Iterator[Finding]:
    if places.uses_sample and not places.landing.is_dir():
        yield _well("landing folder", "embedded sample; written by the first wardcast nightly")
        return
    try:
        deliveries = scan_landing(places.authority, places.landing)
    except LandingError as error:
        yield _mend("landing folder", str(error))
        return
    yield _claims(deliveries)


def _claims(deliveries: list[Delivery]) -> Finding:
    claimed = {one.source_file: one.form.form_code for one in deliveries if one.form is not None}
    unclaimed = [one.source_file for one in deliveries if one.form is None]
    text = f"{len(claimed)} files claimed by {len(set(claimed.values()))} forms"
    if unclaimed:
        text += f"; {len(unclaimed)} claimed by none and left alone: {', '.join(unclaimed[:5])}"
    if claimed:
        return _well("landing folder", text)
    return _mend(
        "landing folder", f"{text}. No extract can be read: check file names against the authority's forms/"
    )


def _home(places: Places) -> Finding:
    existing = next(folder for folder in (places.home, *places.home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    text = f"{places.home}: {free / 1024**3:.1f} GB free"
    if (path := unwritable(places)) is not None:
        return _mend("home folder", f"{path} cannot be written; see to its rights, or give another --home")
    return (
        _well("home folder", text) if free >= LEAST_FREE_BYTES else _mend("home folder", f"{text}; make room")
    )


def _warehouse(places: Places, now: dt.datetime) -> Finding:
    try:
        warehouse = open_warehouse(places.warehouse_url)
        warehouse.check_writable()
        latest = warehouse.latest_publication()
    except WarehouseError as error:
        return _mend("warehouse", str(error))
    if latest is None:
        return _well("warehouse", "nothing published yet; run: wardcast nightly")
    age = now - latest.published_at
    return _well(
        "warehouse",
        f"publication {latest.publication_id}, {age.total_seconds() / 3600:.0f} hours old, "
        f"{latest.rows} rows, {latest.checks_failed} checks failed",
    )


def _runs(places: Places, now: dt.datetime) -> list[Finding]:
    if not (places.dagster_home / "dagster.yaml").is_file() or unwritable(places) is not None:
        return []
    from pipelines.dagster_home import open_instance

    instance = open_instance(places.dagster_home)
    try:
        return last_run(instance, now, RUN_HOURS)
    finally:
        instance.dispose()


def last_run(instance: "dg.DagsterInstance", now: dt.datetime, hours: float) -> list[Finding]:
    """Whether the last night that was begun went through, or has been under way for more than ``hours``."""
    import dagster as dg

    from pipelines.definitions import NIGHTLY

    records = instance.get_run_records(dg.RunsFilter(job_name=NIGHTLY), limit=1)
    if not records:
        return []
    run = records[0].dagster_run
    night = run.tags.get("dagster/partition", "unknown")
    age = now - records[0].create_timestamp.replace(tzinfo=dt.UTC)
    text = f"run {run.run_id[:8]} of the night of {night}: {run.status.value.lower()}"
    if run.status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
        return [Finding("last run", is_well=False, text=f"{text}; the home's notices.jsonl says why")]
    if not run.is_finished and age > dt.timedelta(hours=hours):
        return [Finding("last run", is_well=False, text=f"{text} for {age.total_seconds() / 3600:.0f} hours")]
    return [Finding("last run", is_well=True, text=text)]


def _notification(places: Places, now: dt.datetime) -> Iterator[Finding]:
    from early_warning.channels import variable_of
    from pipelines.notify import last_sendings, mistaken_channels, usable_channels

    if not places.channels:
        yield _well("channels", f"none, so nobody is told; set {variable_of('role')}")
    elif usable := usable_channels(places):
        yield _well("channels", ", ".join(map(str, usable)))
    for line in mistaken_channels(places):
        yield _mend("channels", line)
    for line, is_well in last_sendings(places, now):
        yield (
            _well("notified", line)
            if is_well
            else _mend("notified", f"{line}. Mend the channel and run: wardcast notify")
        )
