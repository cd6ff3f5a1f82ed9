"""What people decide about warnings: acknowledge, explain, close. An append-only file in the home.

One line of JSON an act, in ``acts/warnings.jsonl``; never changed (``warehouse.append_only``), and outside
what a publication replaces. What an act does to a case is in ``early_warning.cases``.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

from warehouse.append_only import append_entry, read_entries

ActKind = Literal["acknowledge", "explain", "close"]
ACTS_FILE = Path("acts") / "warnings.jsonl"
ACT_SCHEMA: dict[str, pl.DataType] = {
    "seq": pl.Int64(), "act": pl.String(), "warning_id": pl.String(), "known_on": pl.Date(),
    "who": pl.String(), "why": pl.String(), "until": pl.Date(), "recorded_at": pl.String(),
}  # fmt: skip
"""A frame of acts; ``seq`` is the line in the file, ``known_on`` the first night that knows the act."""


@dataclass(frozen=True)
class Act:
    """One decision.

    Attributes:
        known_on: night from which it counts; nights before know nothing of it.
        until: for explain, the day after which the explanation holds no more.
        recorded_at: instant of recording, ISO in UTC; for people, no figure depends on it.
    """

    act: ActKind
    warning_id: str
    known_on: dt.date
    who: str
    why: str
    recorded_at: str
    until: dt.date | None = None


@dataclass(frozen=True)
class ActsRead:
    """Acts in the order of the file, and the lines that could not be read, with their numbers."""

    acts: pl.DataFrame
    broken: tuple[str, ...] = ()


def append_act(home: Path, act: Act) -> None:
    """Add ``act`` to the home's file and have it on disk before returning; writers take turns.

    Raises:
        OSError: the file cannot be written.
    """
    append_entry(home / ACTS_FILE, asdict(act))


def read_acts(home: Path) -> ActsRead:
    """Every act of the home, and what could not be read of its file."""
    rows: list[dict[str, object]] = []
    broken = read_entries(home / ACTS_FILE, ACTS_FILE, lambda seq, said: rows.append(_row(seq, said)))
    return ActsRead(pl.DataFrame(rows, schema=ACT_SCHEMA, orient="row"), broken)


def _row(seq: int, said: Any) -> dict[str, object]:
    if said["act"] not in get_args(ActKind):
        raise ValueError(said["act"])
    until = said.get("until")
    return {
        "seq": seq,
        "act": said["act"],
        "warning_id": str(said["warning_id"]),
        "known_on": dt.date.fromisoformat(said["known_on"]),
        "who": str(said["who"]),
        "why": str(said["why"]),
        "until": dt.date.fromisoformat(until) if until else None,
        "recorded_at": str(said.get("recorded_at", "")),
    }


def acts_by(acts: pl.DataFrame, night: dt.date | None = None) -> dict[str, list[dict[str, Any]]]:
    """Warning id → its acts in order, as far as ``night`` knows them (None: all)."""
    chosen = acts if night is None else acts.filter(pl.col("known_on") <= night)
    told: dict[str, list[dict[str, Any]]] = {}
    for row in chosen.sort("known_on", "seq").iter_rows(named=True):
        told.setdefault(row["warning_id"], []).append(row)
    return told


def unknown_ids(acts: pl.DataFrame, known: Iterable[str]) -> list[str]:
    """Ids that acts name and no case has."""
    return sorted(set(acts["warning_id"]) - set(known))
