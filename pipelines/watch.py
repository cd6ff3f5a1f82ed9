"""The watch on the watch: whether the night, the daemon and the sender did run, asked from outside of them.

What ``wardcast doctor --since HOURS`` looks at, each as a finding; no record is changed. When all is well a
sign of life goes to a file or URL that an outside monitor watches: if this check stops, the monitor sees it.
"""

import datetime as dt
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from early_warning.notification_journal import read_journal
from pipelines.doctor import Finding, last_run
from pipelines.home import unwritable
from pipelines.notify import last_sendings, left_untold, mistaken_channels, usable_channels
from pipelines.settings import Places
from warehouse.engines import WarehouseError, open_warehouse

if TYPE_CHECKING:
    import dagster as dg

DAEMON_SILENT_MINUTES = 30
"""Dagster's daemon gives a sign of life every half minute and waits this long itself before it complains."""
SENDER_HOURS = 12
"""Quiet hours may hold a digest for so long."""
PING_SECONDS = 15


def watch(places: Places, now: dt.datetime, hours: float) -> list[Finding]:
    """Whether a night was published within ``hours``, the last run went well, daemon and sender are there."""
    findings = [_night(places, now, hours), *_sender(places, now, hours)]
    if (places.dagster_home / "dagster.yaml").is_file():
        findings += _dagster(places, now, hours)
    return findings


def keep_watch(places: Places, now: dt.datetime, hours: float) -> list[Finding]:
    """``watch``, and the sign of life where all of it is well."""
    findings = watch(places, now, hours)
    return findings + sign_of_life(places) if all(finding.is_well for finding in findings) else findings


def _night(places: Places, now: dt.datetime, hours: float) -> Finding:
    """A past night run again does not stand for the one that is due."""
    since = now - dt.timedelta(hours=hours)
    due = places.default_night(since)
    try:
        published = open_warehouse(places.warehouse_url).publications()
    except WarehouseError as error:
        return Finding("night", is_well=False, text=str(error))
    fresh = [one for one in published if one.published_at >= since and one.as_of >= due]
    if fresh:
        one = fresh[-1]
        text = f"night of {one.as_of} published as {one.publication_id}, {_ago(now, one.published_at)}"
        return Finding("night", is_well=True, text=text)
    said = f"no night of {due} or later was published in the last {hours:g} hours"
    last = "nothing was ever published"
    if published:
        last = f"the last was {published[-1].publication_id}, {_ago(now, published[-1].published_at)}"
    return Finding("night", is_well=False, text=f"{said}; {last}. Run: wardcast nightly")


def _ago(now: dt.datetime, then: dt.datetime) -> str:
    return f"{(now - then).total_seconds() / 3600:.0f} hours ago"


def _sender(places: Places, now: dt.datetime, hours: float) -> list[Finding]:
    if not places.channels and not read_journal(places.home):
        return [Finding("sender", is_well=True, text="no channel is configured; nobody is told")]
    usable = usable_channels(places)
    try:
        untold = [
            f"{one.channel}: the newest night's warnings were not sent"
            for one in left_untold(places, now, min(hours, SENDER_HOURS))
            if one.channel in usable
        ]
    except WarehouseError as error:
        untold = [str(error)]
    troubled = [line for line, is_well in last_sendings(places, now) if not is_well]
    wrong = [*mistaken_channels(places), *troubled, *untold]
    if not wrong:
        return [Finding("sender", is_well=True, text=f"{len(places.channels)} channels, nothing left over")]
    return [
        Finding("sender", is_well=False, text=f"{line}. Mend it and run: wardcast notify") for line in wrong
    ]


def _dagster(places: Places, now: dt.datetime, hours: float) -> list[Finding]:
    from pipelines.dagster_home import open_instance

    if (path := unwritable(places)) is not None:
        return [Finding("home folder", is_well=False, text=f"{path} cannot be written; see to its rights")]
    instance = open_instance(places.dagster_home)
    try:
        return [*last_run(instance, now, hours), *_daemon(instance, now)]
    finally:
        instance.dispose()


def _daemon(instance: "dg.DagsterInstance", now: dt.datetime) -> list[Finding]:
    """The daemon matters where somebody switched a schedule or sensor on, or it runs already."""
    relied_on = [
        state.instigator_name for state in instance.all_instigator_state() if state.status.value == "RUNNING"
    ]
    beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    if not beats and not relied_on:
        return []
    silent = (now.timestamp() - max(beats)) / 60 if beats else None
    if silent is not None and silent <= DAEMON_SILENT_MINUTES:
        return [Finding("daemon", is_well=True, text=f"gave a sign of life {silent:.0f} minutes ago")]
    said = (
        "never gave a sign of life"
        if silent is None
        else f"gave its last sign of life {silent:.0f} minutes ago"
    )
    if not relied_on:
        return [Finding("daemon", is_well=True, text=f"{said}; no schedule or sensor is switched on")]
    return [
        Finding(
            "daemon",
            is_well=False,
            text=f"Dagster's daemon {said}; on it rely {', '.join(sorted(relied_on))}. Start it, or switch "
            "them off where nights are run by other means",
        )
    ]


def sign_of_life(places: Places) -> list[Finding]:
    """Touch the heartbeat file and ask for the heartbeat URL, where the environment names them.

    The URL may hold a secret and is not said, in an error neither.
    """
    findings = []
    if places.heartbeat_file is not None and places.heartbeat_file.name:
        findings.append(_touched(places.heartbeat_file))
    if places.heartbeat_url is not None and places.heartbeat_url.get_secret_value():
        findings.append(_pinged(places.heartbeat_url.get_secret_value()))
    return findings


def _touched(file: Path) -> Finding:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.utime(file)
    except OSError as error:
        return Finding("heartbeat file", is_well=False, text=f"{file} cannot be touched ({error.strerror})")
    return Finding("heartbeat file", is_well=True, text=f"{file} touched")


def _pinged(url: str) -> Finding:
    if not url.startswith(("https://", "http://")):
        text = "WARDCAST_HEARTBEAT_URL begins neither with https:// nor with http://"
        return Finding("heartbeat URL", is_well=False, text=text)
    try:
        with urllib.request.urlopen(url, timeout=PING_SECONDS) as answer:  # noqa: S310 - checked above
            return Finding("heartbeat URL", is_well=True, text=f"answered {answer.status}")
    except urllib.error.HTTPError as error:
        return Finding("heartbeat URL", is_well=False, text=f"answered {error.code}")
    except (OSError, ValueError) as error:
        reason = getattr(getattr(error, "reason", error), "strerror", None) or type(error).__name__
        return Finding("heartbeat URL", is_well=False, text=f"not reached ({reason})")
