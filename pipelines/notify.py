"""Telling the roles apart from a night, and what the records say of it: for the command, report and doctor.

The night itself tells them by the asset ``notification``; this is for after quiet hours, and after a channel
was mended.
"""

import datetime as dt

import polars as pl

from authorities.model import Authority
from early_warning.channels import Channel, role_key, unusable, variable_of
from early_warning.notification import LATE_DAYS, Notified, notify, untold
from early_warning.notification_journal import Sending, read_journal, troubled
from pipelines.settings import Places
from warehouse.engines import open_warehouse
from warehouse.tables.marts import MART_WARNING

SHOWN = 10
"""Messages that the doctor lists, the last ones."""


def notify_now(places: Places, now: dt.datetime) -> Notified:
    """Tell what is due of the newest published night.

    Raises:
        WarehouseError: the warehouse cannot be read.
    """
    night = _newest_night(places)
    if night is None:
        return Notified(remark="nobody is told: nothing is published yet; run  wardcast nightly")
    warnings = open_warehouse(places.warehouse_url).read_mart(MART_WARNING.name, night)
    return notify(
        places.home, places.authority, night, warnings, places.channels, now, places.default_night(now)
    )


def _newest_night(places: Places) -> dt.date | None:
    published = open_warehouse(places.warehouse_url).publications()
    return max((one.as_of for one in published), default=None)


def left_untold(places: Places, now: dt.datetime, hours: float = 0) -> list[Channel]:
    """Channels that were not told what the newest night has for them, though it is ``hours`` old.

    Raises:
        WarehouseError: the warehouse cannot be read.
    """
    warehouse = open_warehouse(places.warehouse_url)
    night = _newest_night(places)
    if not places.channels or night is None or (places.default_night(now) - night).days > LATE_DAYS:
        return []
    published_at = max(one.published_at for one in warehouse.publications() if one.as_of == night)
    if now - published_at < dt.timedelta(hours=hours):
        return []
    warnings = warehouse.read_mart(MART_WARNING.name, night)
    return untold(places.home, places.authority, night, warnings, places.channels)


def roles_of(authority: Authority) -> set[str]:
    """Every role that a warning may go to."""
    rules = authority.settings.warning_rules
    named = {rule.owner for rule in rules} | {rule.escalate_to for rule in rules if rule.escalate_to}
    return {role_key(role) for role in named | set(authority.settings.recipients)}


def mistaken_channels(places: Places) -> list[str]:
    """One line for each channel of the environment that can never be used, and what to mend."""
    roles = roles_of(places.authority)
    unknown = sorted({channel.role for channel in places.channels} - roles)
    strangers = [
        f"{variable_of(role)}: no rule has the role '{role}'; known are {', '.join(sorted(roles))}"
        for role in unknown
    ]
    return strangers + unusable(places.channels)


def shown_sending(one: Sending) -> str:
    """A message of the journal in one line: night, role, kind of channel, what became of it."""
    detail = f", {one.detail}" if one.detail else ""
    return f"{one.night} {one.role} by {one.channel}: {one.kind} {one.result}{detail}"


def last_sendings(places: Places) -> list[str]:
    """The last messages that were sent or tried."""
    return [shown_sending(one) for one in read_journal(places.home)[-SHOWN:]]


def troubled_channels(places: Places, now: dt.datetime) -> list[str]:
    """One line a channel whose last message may not have arrived; one taken out of use troubles nobody."""
    in_use = {(channel.role, channel.name) for channel in places.channels}
    return [
        shown_sending(one)
        for one in troubled(read_journal(places.home), now)
        if (one.role, one.channel) in in_use
    ]


def notified_line(places: Places, night: dt.date, warnings: pl.DataFrame, now: dt.datetime) -> str:
    """What the night's report says of it, in a few words; ``warnings`` is its ``mart_warning``."""
    if not places.channels:
        return f"nobody: no channel is configured ({variable_of('role')})"
    told = [one for one in read_journal(places.home) if one.night == night]
    said = [f"{one.role} by {one.channel} ({one.kind} {one.result})" for one in told]
    waiting = left_untold(places, now) if night == _newest_night(places) else []
    if waiting:
        said.append(f"not yet {', '.join(map(str, waiting))}: run  wardcast notify")
    owners = {role_key(one) for one in warnings.filter(pl.col("state") != "closed")["owner"].to_list()}
    lacking = sorted(owners - {channel.role for channel in places.channels})
    if lacking:
        said.append(f"no channel for {', '.join(lacking)}")
    return "; ".join(said) or "nobody, nothing new"
