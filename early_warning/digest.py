"""What a role is told of one night: which cases are due, and the message in words.

Pure: from the night's warnings and what the role was told before to a message. Sending it is in
``early_warning.sending``; what has been told is remembered in ``early_warning.notification_journal``.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import polars as pl

from authorities.model import Authority
from authorities.warning_rules import QuietHours
from early_warning.channels import role_key

Kind = Literal["digest", "instant"]
SEVERITIES = ("info", "warning", "severe")
UNANSWERED = ("open", "reopened")
"""States in which a case is told again; somebody who acknowledged one knows of it."""
RENOTIFY_DAYS = 7
"""For a case whose rule is no longer in the authority's folder."""


@dataclass(frozen=True)
class Rhythm:
    """How often a rule's open cases are told again, and when not."""

    renotify_days: int = RENOTIFY_DAYS
    quiet_hours: QuietHours | None = None


@dataclass(frozen=True)
class Case:
    """A row of ``mart_warning``, as far as it is told."""

    warning_id: str
    rule_code: str
    severity: str
    state: str
    opened_on: dt.date
    owner: str
    message_vi: str
    message_en: str
    suppressed_since: dt.date | None = None
    """Since when its data is too old to say more; such a case is not told again."""
    last_complete_day: dt.date | None = None
    """Last day whose receipts its figures know; None where nothing has arrived, or nobody says."""

    @property
    def is_open(self) -> bool:
        """Whether it still stands, whoever knows of it."""
        return self.state != "closed"

    @property
    def rank(self) -> int:
        """Its severity's place among the severities."""
        return SEVERITIES.index(self.severity)


@dataclass(frozen=True)
class Told:
    """What a role was last told of a case, through one channel; sure: the message surely arrived."""

    night: dt.date
    severity: str
    is_open: bool
    is_sure: bool = True


@dataclass(frozen=True)
class Due:
    """Cases that a role is to be told of, each in one list.

    Attributes:
        fresh: never told, open again, or severer than what was told.
        reminded: open, unanswered, and told as long ago as the rule's rhythm says.
        ended: ids told as open that stand no more, with the closed case where the night still has it.
        others: the rest that stands; by itself no reason to write.
        already: stands too, and was told by another message of the same night: counted, not named again.
    """

    fresh: tuple[Case, ...] = ()
    reminded: tuple[Case, ...] = ()
    ended: tuple[tuple[str, Case | None], ...] = ()
    others: tuple[Case, ...] = ()
    already: tuple[Case, ...] = ()

    @property
    def standing(self) -> tuple[Case, ...]:
        """Every open case that the message names."""
        return (*self.fresh, *self.reminded, *self.others)

    def told(self) -> list[list[str]]:
        """What the role knows once this has been sent: rows of warning id, severity, open or closed."""
        standing = [[case.warning_id, case.severity, "open"] for case in self.standing]
        return standing + [[warning_id, "info", "closed"] for warning_id, _ in self.ended]


@dataclass(frozen=True)
class Message:
    """One message for one role; ``key`` is the same whenever the same is to be said to the same.

    Attributes:
        due: which cases it tells of.
        subject: Vietnamese, one line.
        text: Vietnamese, English below.
        html: the same as a page.
    """

    key: str
    kind: Kind
    night: dt.date
    role: str
    due: Due
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def cases_of(warnings: pl.DataFrame) -> tuple[Case, ...]:
    """The rows of one night's ``mart_warning``, the severest first, then the oldest."""
    names = [name for name in Case.__dataclass_fields__ if name in warnings.columns]
    cases = (Case(**row) for row in warnings.select(names).iter_rows(named=True))
    return tuple(sorted(cases, key=lambda case: (-case.rank, case.opened_on, case.warning_id)))


def rhythms_of(authority: Authority) -> dict[str, Rhythm]:
    """Rule code → its rhythm."""
    return {
        rule.rule_code: Rhythm(rule.renotify_days, rule.quiet_hours)
        for rule in authority.settings.warning_rules
    }


def due_for(
    role: str,
    cases: Sequence[Case],
    told: Mapping[str, Told],
    rhythms: Mapping[str, Rhythm],
    night: dt.date,
    *,
    only_fresh: bool = False,
) -> Due | None:
    """What ``role`` is to be told on ``night``; None where there is no reason to write.

    ``cases`` are those of all roles: a case that went to another role has not ended. ``only_fresh``: the
    night has been told already, so that only what has come since is a reason.
    """
    standing = [case for case in cases if role_key(case.owner) == role and case.is_open]
    fresh = [case for case in standing if _is_fresh(case, told.get(case.warning_id))]
    known = [case for case in standing if case not in fresh]
    reminded = [case for case in known if not only_fresh and _is_due_again(case, told, rhythms, night)]
    ended = [] if only_fresh else list(_ended(cases, told))
    if not (fresh or reminded or ended):
        return None
    rest = [case for case in known if case not in reminded]
    already = [case for case in rest if _was_told_on(night, told[case.warning_id])]
    others = [case for case in rest if case not in already]
    return Due(tuple(fresh), tuple(reminded), tuple(ended), tuple(others), tuple(already))


def _was_told_on(night: dt.date, told: Told) -> bool:
    return told.night == night and told.is_sure


def _is_fresh(case: Case, told: Told | None) -> bool:
    if told is None or not told.is_open or case.opened_on > told.night:
        return True
    return case.rank > SEVERITIES.index(told.severity)


def _is_due_again(
    case: Case, told: Mapping[str, Told], rhythms: Mapping[str, Rhythm], night: dt.date
) -> bool:
    days = rhythms.get(case.rule_code, Rhythm()).renotify_days
    is_waiting = case.state in UNANSWERED and case.suppressed_since is None
    return is_waiting and (night - told[case.warning_id].night).days >= days


def _ended(cases: Sequence[Case], told: Mapping[str, Told]) -> Iterable[tuple[str, Case | None]]:
    standing = {case.warning_id for case in cases if case.is_open}
    closed = {case.warning_id: case for case in cases if not case.is_open}
    for warning_id, last in sorted(told.items()):
        if last.is_open and warning_id not in standing:
            yield warning_id, closed.get(warning_id)


def split_instant(due: Due) -> tuple[Due | None, Due | None]:
    """The severe among the fresh, which are told at once, and what is left to the digest.

    What the first tells is counted by the second, and is no reason for it.
    """
    severe = tuple(case for case in due.fresh if case.severity == "severe")
    if not severe:
        return None, due
    mild = tuple(case for case in due.fresh if case not in severe)
    rest = replace(due, fresh=mild, already=(*severe, *due.already))
    return Due(fresh=severe), rest if mild or due.reminded or due.ended else None


def with_untold(digest: Due, instant: Due) -> Due:
    """``digest`` where ``instant`` did not surely arrive: what that told is listed here."""
    already = tuple(case for case in digest.already if case not in instant.fresh)
    return replace(digest, others=(*instant.fresh, *digest.others), already=already)


def is_quiet(due: Due, rhythms: Mapping[str, Rhythm], moment: dt.time) -> bool:
    """Whether a reason for the digest lies in its rule's quiet hours at ``moment``, local time.

    One case that must wait makes the digest wait: a role gets one digest a night.
    """
    closed = [case for _, case in due.ended if case is not None]
    hours = (
        rhythms.get(case.rule_code, Rhythm()).quiet_hours for case in (*due.fresh, *due.reminded, *closed)
    )
    return any(one.hold_at(moment) for one in hours if one is not None)


def message_key(authority: Authority, night: dt.date, role: str, channel: str, kind: Kind, due: Due) -> str:
    """Sixteen bytes in hex that stand for this news, to this role, through this channel, of this night.

    Figures in the messages do not count: a case whose share moved by a hair is no news.
    """
    reasons = [f"{case.warning_id}/{case.severity}" for case in (*due.fresh, *due.reminded)]
    parts = [authority.code, night.isoformat(), role, channel, kind, *sorted(reasons)]
    parts += [f"{warning_id}/ended" for warning_id, _ in due.ended]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def compose(
    authority: Authority,
    night: dt.date,
    role: str,
    channel: str,
    kind: Kind,
    due: Due,
    bulletin: str,
    unsure: Sequence[Any] = (),
) -> Message:
    """The message in words.

    Args:
        bulletin: path or URL of the night's bulletin.
        unsure: (night, channel) of messages that did not go through before.
    """
    from early_warning.digest_words import in_words

    subject, text, html = in_words(authority, night, role, kind, due, bulletin, unsure)
    key = message_key(authority, night, role, channel, kind, due)
    return Message(key, kind, night, role, due, subject, text, html)
