"""What ``wardcast doctor`` looks at: installation, configuration, landing folder, warehouse, records.

Each finding is a value; the command prints them. Nothing is changed.
"""

import datetime as dt
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from extracts.landing import Delivery, LandingError, scan_landing
from pipelines.settings import Places
from warehouse.engines import WarehouseError, open_warehouse

LEAST_FREE_BYTES = 500 * 1024**2
_LIBRARIES = ("dagster", "polars", "great-expectations", "statsmodels", "sqlalchemy", "duckdb")


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is well, and what was seen or what to mend."""

    subject: str
    is_well: bool
    text: str


def examine(places: Places, now: dt.datetime) -> list[Finding]:
    """Everything that a night needs, looked at one after the other."""
    return [
        *_installation(), _configuration(places), *_landing(places), _home(places), _warehouse(places, now),
    ]  # fmt: skip


def _installation() -> Iterator[Finding]:
    yield Finding("python", sys.version_info >= (3, 11), sys.version.split()[0])
    try:
        seen = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
        yield Finding("libraries", True, seen)  # noqa: FBT003
    except PackageNotFoundError as error:
        yield Finding("libraries", False, f"{error.name} is not installed; run: make install")  # noqa: FBT003


def _configuration(places: Places) -> Finding:
    one = places.authority
    return Finding(
        "authority", True,  # noqa: FBT003
        f"{one.settings.title.en}: {len(one.units)} units, {len(one.items)} revenue items, {len(one.forms)} forms, "
        f"{len(one.shocks)} policy shocks",
    )  # fmt: skip


def _landing(places: Places) -> Iterator[Finding]:
    if places.uses_sample and not places.landing.is_dir():
        yield Finding("landing folder", True, "embedded sample; written by the first wardcast nightly")  # noqa: FBT003
        return
    try:
        deliveries = scan_landing(places.authority, places.landing)
    except LandingError as error:
        yield Finding("landing folder", False, str(error))  # noqa: FBT003
        return
    yield Finding("landing folder", *_claims(deliveries))


def _claims(deliveries: list[Delivery]) -> tuple[bool, str]:
    claimed = [one for one in deliveries if one.form is not None]
    unclaimed = [one.source_file for one in deliveries if one.form is None]
    text = f"{len({one.source_file for one in claimed})} files claimed by {len({one.form.form_code for one in claimed if one.form})} forms"
    if unclaimed:
        text += f"; {len(unclaimed)} claimed by none and left alone: {', '.join(unclaimed[:5])}"
    if not claimed:
        text += ". No extract can be read: check file names against the authority's forms/"
    return bool(claimed), text


def _home(places: Places) -> Finding:
    existing = next(folder for folder in (places.home, *places.home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    text = f"{places.home}: {free / 1024**3:.1f} GB free"
    return Finding("home folder", free >= LEAST_FREE_BYTES, text if free >= LEAST_FREE_BYTES else f"{text}; make room")


def _warehouse(places: Places, now: dt.datetime) -> Finding:
    try:
        warehouse = open_warehouse(places.warehouse_url)
        warehouse.check_writable()
        latest = warehouse.latest_publication()
    except WarehouseError as error:
        return Finding("warehouse", False, str(error))  # noqa: FBT003
    if latest is None:
        return Finding("warehouse", True, "nothing published yet; run: wardcast nightly")  # noqa: FBT003
    age = now - latest.published_at
    return Finding(
        "warehouse", True,  # noqa: FBT003
        f"publication {latest.publication_id}, {age.total_seconds() / 3600:.0f} hours old, {latest.rows} rows, "
        f"{latest.checks_failed} checks failed",
    )  # fmt: skip
