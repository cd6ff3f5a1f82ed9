"""Telling the roles of one night: one digest a role and channel, at once what is severe, nothing twice.

Joins what is due (``early_warning.digest``), what was told before (``notification_journal`` beside it) and
how it is sent (``early_warning.sending``). Which night, which clock and which channels come from above.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from authorities.model import Authority
from early_warning.channels import Channel, role_key, variable_of
from early_warning.digest import (
    Case,
    Due,
    Kind,
    Message,
    Rhythm,
    cases_of,
    compose,
    due_for,
    is_quiet,
    rhythms_of,
    split_instant,
    with_untold,
)
from early_warning.notification_journal import (
    Sending,
    journal_lock,
    read_journal,
    record_intent,
    record_result,
    settle,
    told_to,
    unsure_before,
)
from early_warning.sending import Outcome, Patience, send

LATE_DAYS = 7
"""A night so many days older than the one that is due is history run again, and nobody is told of it."""


@dataclass(frozen=True)
class Notified:
    """What came of telling one night.

    Attributes:
        sent: one line a message that went out.
        failed: one line a message that did not, or may not have.
        held: one line a digest that waits for the end of quiet hours.
        unreached: roles with open cases for which the environment names no channel.
        remark: why nothing was to be sent at all; empty otherwise.
    """

    sent: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    unreached: tuple[str, ...] = ()
    remark: str = ""

    def lines(self) -> list[str]:
        """The same, one line each, for a report."""
        no_channel = [f"{role}: no channel; set {variable_of(role)}" for role in self.unreached]
        return [*filter(None, [self.remark]), *self.sent, *self.failed, *self.held, *no_channel]


@dataclass(frozen=True)
class Waiting:
    """A channel through which a night has something left to tell; held: by nothing but quiet hours."""

    channel: Channel
    is_held: bool


@dataclass(frozen=True)
class _Night:
    """What every message of the night is made from."""

    home: Path
    authority: Authority
    night: dt.date
    cases: tuple[Case, ...]
    rhythms: dict[str, Rhythm]
    now: dt.datetime
    bulletin: str
    patience: Patience


def notify(
    home: Path,
    authority: Authority,
    night: dt.date,
    warnings: pl.DataFrame,
    channels: Sequence[Channel],
    now: dt.datetime,
    due_night: dt.date,
    bulletin: str,
    patience: Patience | None = None,
) -> Notified:
    """Tell each role what it is to be told of ``night``, whose ``mart_warning`` is ``warnings``.

    ``due_night`` is the night that is due by the clock; an older one than ``LATE_DAYS`` before it, or than
    one that was told already, is told to nobody. Asked again, it sends what has come since, or what failed.
    ``bulletin`` is where the night's lies: a path or URL.
    """
    if not channels:
        return Notified(remark=f"nobody is told: no channel is configured ({variable_of('role')})")
    with journal_lock(home):
        left = tuple(
            f"{one.role} by {one.channel}: {one.kind} of {one.night} unknown, {one.detail}"
            for one in settle(home, now)
        )
        last = max((one.night for one in read_journal(home)), default=night)
        if night < last or (due_night - night).days > LATE_DAYS:
            return Notified(failed=left, remark=f"nobody is told: {night} is a past night run again")
        cases = cases_of(warnings)
        made = _Night(
            home, authority, night, cases, rhythms_of(authority), now, bulletin, patience or Patience()
        )
        told = [_tell(made, channel) for channel in channels]
    owners = {role_key(case.owner) for case in cases if case.is_open}
    return Notified(
        sent=tuple(line for one in told for line in one.sent),
        failed=left + tuple(line for one in told for line in one.failed),
        held=tuple(line for one in told for line in one.held),
        unreached=tuple(sorted(owners - {channel.role for channel in channels})),
    )


def untold(
    home: Path,
    authority: Authority,
    night: dt.date,
    warnings: pl.DataFrame,
    channels: Sequence[Channel],
    now: dt.datetime,
) -> list[Waiting]:
    """Channels through which ``night`` has something left to tell at ``now``; nothing is sent."""
    cases, rhythms, sendings = cases_of(warnings), rhythms_of(authority), read_journal(home)
    dues = {channel: _due(cases, rhythms, night, channel, sendings) for channel in channels}
    return [
        Waiting(channel, is_held=split_instant(due)[0] is None and _is_held(authority, due, rhythms, now))
        for channel, due in dues.items()
        if due is not None
    ]


def _is_held(authority: Authority, digest: Due, rhythms: dict[str, Rhythm], now: dt.datetime) -> bool:
    return is_quiet(digest, rhythms, now.astimezone(ZoneInfo(authority.settings.time_zone)).time())


def _due(
    cases: tuple[Case, ...],
    rhythms: dict[str, Rhythm],
    night: dt.date,
    channel: Channel,
    sendings: list[Sending],
) -> Due | None:
    told = told_to(sendings, channel, night)
    had_digest = any(_is_digest_of(one, night, channel) for one in sendings)
    return due_for(channel.role, cases, told, rhythms, night, only_fresh=had_digest)


def _tell(night: _Night, channel: Channel) -> Notified:
    sendings = read_journal(night.home)
    due = _due(night.cases, night.rhythms, night.night, channel, sendings)
    if due is None:
        return Notified()
    instant, digest = split_instant(due)
    outcomes = [] if instant is None else [_send(night, channel, "instant", instant, sendings)]
    if instant is not None and digest is not None and not outcomes[0][0]:
        digest = with_untold(digest, instant)
    held: tuple[str, ...] = ()
    if digest is not None:
        if _is_held(night.authority, digest, night.rhythms, night.now):
            held = (f"{channel}: digest held for quiet hours; then run  wardcast notify",)
        else:
            outcomes.append(_send(night, channel, "digest", digest, sendings))
    well = tuple(line for is_well, line in outcomes if is_well)
    return Notified(well, tuple(line for is_well, line in outcomes if not is_well), held)


def _is_digest_of(one: Sending, night: dt.date, channel: Channel) -> bool:
    """Whether ``one`` is a digest through ``channel`` that this night had, or may have had."""
    same = (one.night, one.role, one.channel, one.kind) == (night, channel.role, channel.name, "digest")
    return same and one.result != "failed"


def _send(night: _Night, channel: Channel, kind: Kind, due: Due, sendings: list[Sending]) -> tuple[bool, str]:
    """Send one message between its intent and its result, both on disk."""
    unsure = unsure_before(sendings, channel.role, night.night)
    message: Message = compose(
        night.authority, night.night, channel.role, channel.name, kind, due, night.bulletin, unsure
    )
    if any(one.key == message.key and one.result != "failed" for one in sendings):
        return True, f"{channel}: {kind} sent before"
    record_intent(night.home, channel, message, night.now)
    outcome: Outcome = send(channel, message, night.patience)
    record_result(night.home, message.key, outcome.result, outcome.detail, night.now)
    said = f"{channel}: {kind} {outcome.result}" + (f", {outcome.detail}" if outcome.detail else "")
    return outcome.result == "sent", said
