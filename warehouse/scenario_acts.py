"""Which scenarios people asked a night to be seen under: human acts, an append-only file in the home.

One line of JSON an act, in ``acts/scenarios.jsonl``; never changed, and outside what a publication replaces.
The whole scenario stands in it, as it was read when it was asked, so that a rerun of the night needs no other
file. Of several acts of one night and code the last holds. A writer that was killed leaves half a line: it is
kept, told, and the next act begins on a line of its own.
"""

import datetime as dt
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from authorities.scenarios import Scenario

ACTS_FILE = Path("acts") / "scenarios.jsonl"
_SUPPOSE, _WITHDRAW = "suppose", "withdraw"


@dataclass(frozen=True)
class ScenariosAsked:
    """Scenarios of a night by code, in the order of their codes; lines that could not be read."""

    scenarios: Mapping[str, Scenario]
    broken: tuple[str, ...] = ()


def suppose(home: Path, night: dt.date, scenario: Scenario, who: str, recorded_at: dt.datetime) -> None:
    """Record that ``night`` is to be seen under ``scenario`` from now on.

    Raises:
        OSError: the file cannot be written.
    """
    said = scenario.model_dump(mode="json", exclude_none=True)
    _append(home, {**_signed(night, scenario.code, who, recorded_at), "act": _SUPPOSE, "scenario": said})


def withdraw(home: Path, night: dt.date, code: str, who: str, recorded_at: dt.datetime) -> None:
    """Record that ``night`` is no longer to be seen under the scenario.

    Raises:
        OSError: the file cannot be written.
    """
    _append(home, {**_signed(night, code, who, recorded_at), "act": _WITHDRAW})


def scenarios_asked(home: Path, night: dt.date) -> ScenariosAsked:
    """The scenarios that ``night`` is to be seen under, and what could not be read of the home's file."""
    path = home / ACTS_FILE
    if not path.is_file():
        return ScenariosAsked({})
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        lines = file.read().split(b"\n")
    asked: dict[str, Scenario] = {}
    broken: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            _enter(asked, json.loads(line), night)
        except (ValueError, TypeError, KeyError, ValidationError) as error:
            broken.append(
                f"{ACTS_FILE} line {number} cannot be read ({type(error).__name__}); it is kept as it is"
            )
    return ScenariosAsked({code: asked[code] for code in sorted(asked)}, tuple(broken))


def _enter(asked: dict[str, Scenario], said: Any, night: dt.date) -> None:
    if said["act"] not in (_SUPPOSE, _WITHDRAW):
        raise ValueError(said["act"])
    if dt.date.fromisoformat(said["night"]) != night:
        return
    if said["act"] == _WITHDRAW:
        asked.pop(str(said["code"]), None)
        return
    scenario = Scenario.model_validate(said["scenario"])
    asked[scenario.code] = scenario


def _signed(night: dt.date, code: str, who: str, recorded_at: dt.datetime) -> dict[str, Any]:
    return {
        "night": night.isoformat(), "code": code, "who": who,
        "recorded_at": recorded_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def _append(home: Path, act: Mapping[str, Any]) -> None:
    """Add a line and have it on disk before returning; writers take turns."""
    path = home / ACTS_FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    line = json.dumps(act, ensure_ascii=False, sort_keys=True) + "\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        starts_anew = end == 0 or os.pread(file.fileno(), 1, end - 1) == b"\n"
        file.write((line if starts_anew else "\n" + line).encode())
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
