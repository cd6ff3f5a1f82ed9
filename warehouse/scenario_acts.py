"""Which scenarios people asked a night to be seen under: human acts, an append-only file in the home.

One line of JSON an act, in ``acts/scenarios.jsonl``; never changed (``warehouse.append_only``), and outside
what a publication replaces. The whole scenario stands in it, as it was read when it was asked: a rerun of the
night needs no other file. Of several acts of one night and code the last holds.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authorities.scenarios import Scenario
from warehouse.append_only import append_entry, read_entries

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
    append_entry(
        home / ACTS_FILE,
        {**_signed(night, scenario.code, who, recorded_at), "act": _SUPPOSE, "scenario": said},
    )


def withdraw(home: Path, night: dt.date, code: str, who: str, recorded_at: dt.datetime) -> None:
    """Record that ``night`` is no longer to be seen under the scenario.

    Raises:
        OSError: the file cannot be written.
    """
    append_entry(home / ACTS_FILE, {**_signed(night, code, who, recorded_at), "act": _WITHDRAW})


def scenarios_asked(home: Path, night: dt.date) -> ScenariosAsked:
    """The scenarios that ``night`` is to be seen under, and what could not be read of the home's file."""
    asked: dict[str, Scenario] = {}
    broken = read_entries(home / ACTS_FILE, ACTS_FILE, lambda _, said: _enter(asked, said, night))
    return ScenariosAsked({code: asked[code] for code in sorted(asked)}, broken)


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
