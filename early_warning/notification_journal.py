"""What was sent, to which role, through which kind of channel, with what result: append-only, in the home.

Two lines a message: the intent, on disk before anything is sent, and the result. An intent without a result
is a process that died in between. Whether the message went out nobody knows, so it counts as sent that night
and is never sent again; its cases are told anew by the next night's message, which says why.
"""

import datetime as dt
import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from early_warning.channels import Channel
from early_warning.digest import Kind, Message, Told
from warehouse.append_only import append_entry

JOURNAL_FILE = Path("acts") / "notifications.jsonl"
LOCK_FILE = Path("acts") / "notifications.lock"
UNDER_WAY_MINUTES = 10
"""For so long a message without a result may be on its way still."""
SENDING_SCHEMA: dict[str, pl.DataType] = {
    "night": pl.Date(), "role": pl.String(), "channel": pl.String(), "kind": pl.String(),
    "result": pl.String(),
}  # fmt: skip
"""A frame of messages, in the order in which they were begun; without what they said and what went wrong."""
DIED = "the process ended between sending and recording; ask the channel for the message"


@dataclass(frozen=True)
class Sending:
    """One message as it stands in the journal. ``result`` is pending while it is under way, or for ever."""

    at: dt.datetime
    key: str
    kind: Kind
    night: dt.date
    role: str
    channel: str
    result: str
    detail: str
    told: tuple[tuple[str, str, bool], ...]
    """Rows of warning id, severity, whether the case was told as open."""

    @property
    def counts_as_told(self) -> bool:
        """Whether the role knows, as far as anybody can say."""
        return self.result in ("sent", "partial")

    @property
    def is_sure(self) -> bool:
        """Whether it went out to everybody."""
        return self.result == "sent"


@contextmanager
def journal_lock(home: Path) -> Iterator[None]:
    """One sender a home at a time; the lock goes with the process, however it ends."""
    (home / LOCK_FILE).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / LOCK_FILE).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_journal(home: Path) -> list[Sending]:
    """Every message of the journal, first to last, each with its result; a line cut by a crash is no line."""
    sendings: dict[int, dict[str, Any]] = {}
    latest: dict[str, int] = {}
    for number, line in enumerate(_lines(home / JOURNAL_FILE)):
        if line["event"] == "intent":
            sendings[number] = line | {"result": "pending", "detail": ""}
            latest[line["key"]] = number
        elif line["key"] in latest:
            sendings[latest[line["key"]]] |= {"result": line["result"], "detail": line["detail"]}
    return [_sending(one) for one in sendings.values()]


def sendings_frame(home: Path) -> pl.DataFrame:
    """Every message of the journal as ``SENDING_SCHEMA``."""
    rows = [{name: getattr(one, name) for name in SENDING_SCHEMA} for one in read_journal(home)]
    return pl.DataFrame(rows, schema=SENDING_SCHEMA)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # cut by a crash: an intent that was never acted on, or a result that was lost
            continue


def _sending(line: Mapping[str, Any]) -> Sending:
    return Sending(
        at=dt.datetime.fromisoformat(line["at"]),
        key=line["key"],
        kind=line["kind"],
        night=dt.date.fromisoformat(line["night"]),
        role=line["role"],
        channel=line["channel"],
        result=line["result"],
        detail=line["detail"],
        told=tuple((warning_id, severity, state == "open") for warning_id, severity, state in line["told"]),
    )


def record_intent(home: Path, channel: Channel, message: Message, now: dt.datetime) -> None:
    """Write that ``message`` is about to be sent, to disk, not to its cache."""
    append_entry(home / JOURNAL_FILE, {
        "event": "intent",
        "at": now.isoformat(),
        "key": message.key,
        "kind": message.kind,
        "night": message.night.isoformat(),
        "role": channel.role,
        "channel": channel.name,
        "told": message.due.told(),
    })  # fmt: skip


def record_result(home: Path, key: str, result: str, detail: str, now: dt.datetime) -> None:
    """Write what became of the message ``key``."""
    append_entry(
        home / JOURNAL_FILE,
        {"event": "result", "at": now.isoformat(), "key": key, "result": result, "detail": detail},
    )


def settle(home: Path, now: dt.datetime) -> list[Sending]:
    """Give every intent left without a result its result, unknown; the caller holds the journal's lock."""
    left = [
        replace(one, result="unknown", detail=DIED) for one in read_journal(home) if one.result == "pending"
    ]
    for one in left:
        record_result(home, one.key, one.result, one.detail, now)
    return left


def told_to(sendings: list[Sending], channel: Channel, night: dt.date) -> dict[str, Told]:
    """Warning id → what the channel's role was last told of it, as ``night`` has to see it.

    What may or may not have gone out counts for its own night, which is not to tell it twice; later nights
    tell it again.
    """
    told: dict[str, Told] = {}
    for one in sendings:
        if (one.role, one.channel) != (channel.role, channel.name) or one.night > night:
            continue
        if one.counts_as_told or (one.result in ("unknown", "pending") and one.night == night):
            told |= {
                warning_id: Told(one.night, severity, is_open, one.is_sure)
                for warning_id, severity, is_open in one.told
            }
    return told


def unsure_before(sendings: list[Sending], role: str, night: dt.date) -> list[tuple[dt.date, str]]:
    """Night and channel of messages to ``role`` that did not surely arrive, since its last one that did."""
    mine = [one for one in sendings if one.role == role and one.night < night]
    unsure: list[tuple[dt.date, str]] = []
    for one in mine:
        place = (one.night, one.channel)
        if one.is_sure:
            unsure = [other for other in unsure if other[1] != one.channel]
        elif place not in unsure:
            unsure.append(place)
    return unsure


def last_of_channels(sendings: list[Sending]) -> list[Sending]:
    """The last message through each channel."""
    return list({(one.role, one.channel): one for one in sendings}.values())


def troubled(sendings: list[Sending], now: dt.datetime) -> list[Sending]:
    """The last message through each channel, where it did not surely reach everybody it was for."""
    under_way = now - dt.timedelta(minutes=UNDER_WAY_MINUTES)
    return [
        one
        for one in last_of_channels(sendings)
        if not one.is_sure and not (one.result == "pending" and one.at > under_way)
    ]
