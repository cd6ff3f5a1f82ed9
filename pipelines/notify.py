"""Telling the roles apart from a night, and what the records say of it: for the command, report and doctor.

The night itself tells them by the asset ``notification``; this is for after quiet hours, and after a channel
was mended.
"""

import datetime as dt
from collections.abc import Iterable

import polars as pl

from authorities.model import Authority
from early_warning.channels import Channel, role_key, unusable, variable_of
from early_warning.notification import LATE_DAYS, Notified, Waiting, notify, untold
from early_warning.notification_journal import Sending, last_of_channels, read_journal, troubled
from pipelines.settings import Places
from warehouse.engines import open_warehouse
from warehouse.tables.marts import MART_WARNING

_WORST = ("failed", "unknown", "partial", "pending", "sent")
"""Results of a message, the worst first."""


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
        places.home, places.authority, night, warnings, places.channels, now, places.default_night(now),
        places.bulletin_of(night),
    )  # fmt: skip


def _newest_night(places: Places) -> dt.date | None:
    published = open_warehouse(places.warehouse_url).publications()
    return max((one.as_of for one in published), default=None)


def left_untold(places: Places, now: dt.datetime, hours: float = 0) -> list[Waiting]:
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
    return untold(places.home, places.authority, night, warnings, places.channels, now)


def roles_of(authority: Authority) -> set[str]:
    """Every role that a warning may go to."""
    rules = authority.settings.warning_rules
    named = {rule.owner for rule in rules} | {rule.escalate_to for rule in rules if rule.escalate_to}
    return {role_key(role) for role in named | set(authority.settings.recipients)}


def mistaken_channels(places: Places) -> dict[str, list[Channel]]:
    """What to mend where a channel of the environment can never be used, and which channels it is about."""
    roles = roles_of(places.authority)
    mistakes: dict[str, list[Channel]] = {}
    for channel in places.channels:
        if channel.role not in roles:
            said = f"no rule has the role '{channel.role}'; known are {', '.join(sorted(roles))}"
            mistakes.setdefault(f"{variable_of(channel.role)}: {said}", []).append(channel)
    return mistakes | {line: [channel] for channel, line in unusable(places.channels).items()}


def usable_channels(places: Places) -> list[Channel]:
    """The channels of the environment that are not mistaken."""
    mistaken = {channel for channels in mistaken_channels(places).values() for channel in channels}
    return [channel for channel in places.channels if channel not in mistaken]


def shown_sending(one: Sending) -> str:
    """A message of the journal in one line: night, role, kind of channel, what became of it."""
    detail = f", {one.detail}" if one.detail else ""
    return f"{one.night} {one.role} by {one.channel}: {one.kind} {one.result}{detail}"


def last_sendings(places: Places, now: dt.datetime) -> list[tuple[str, bool]]:
    """The last message through each usable channel in one line, and whether it may have arrived.

    One that is still under way is well.
    """
    sendings = read_journal(places.home)
    in_use = {(channel.role, channel.name) for channel in usable_channels(places)}
    ill = troubled(sendings, now)
    return [
        (shown_sending(one), one not in ill)
        for one in last_of_channels(sendings)
        if (one.role, one.channel) in in_use
    ]


def notified_line(places: Places, night: dt.date, warnings: pl.DataFrame, now: dt.datetime) -> str:
    """What the night's report says of it, each channel once; ``warnings`` is its ``mart_warning``."""
    if not places.channels:
        return f"nobody: no channel is configured ({variable_of('role')})"
    waiting = left_untold(places, now) if night == _newest_night(places) else []
    held = {str(one.channel) for one in waiting if one.is_held}
    left = {str(one.channel) for one in waiting if not one.is_held}
    tried = _worst(one for one in read_journal(places.home) if one.night == night)
    results = {
        channel: filter(None, (tried.get(channel), "digest held by quiet hours" if channel in held else None))
        for channel in {**tried, **dict.fromkeys(sorted(held))}
    }
    said = [f"{channel} ({', '.join(own)})" for channel, own in results.items()]
    if left - tried.keys():
        said.append(f"not yet {', '.join(sorted(left - tried.keys()))}")
    if left:
        said.append("mend what failed and run  wardcast notify")
    if held:
        said.append("after quiet hours run  wardcast notify")
    owners = {role_key(one) for one in warnings.filter(pl.col("state") != "closed")["owner"].to_list()}
    lacking = sorted(owners - {channel.role for channel in places.channels})
    if lacking:
        said.append(f"no channel for {', '.join(lacking)}")
    return "; ".join(said) or "nobody, nothing new"


def _worst(sendings: Iterable[Sending]) -> dict[str, str]:
    """Channel → its kinds of messages with the worst result among the last try of each."""
    last = {(f"{one.role} by {one.channel}", one.kind): one for one in sendings}
    told: dict[str, str] = {}
    for channel in dict.fromkeys(channel for channel, _ in last):
        own = [one for (other, _), one in last.items() if other == channel]
        worst = min((one.result for one in own), key=_WORST.index)
        told[channel] = f"{' and '.join(one.kind for one in own if one.result == worst)} {worst}"
    return told
