"""Telling the office that something went wrong: one line a notice, kept in the home folder.

Both ways of running a night, the command and Dagster's daemon, tell through here. A notice names checks,
files and remedies, never a row's content.
"""

import datetime as dt
import json
from pathlib import Path

NOTICES_FILE = "notices.jsonl"


def tell(home: Path, *, night: str, kind: str, run_id: str, lines: list[str], now: dt.datetime) -> None:
    """Append a notice (``kind``: run_failed or checks_failed) to the home's notices."""
    home.mkdir(parents=True, exist_ok=True)
    notice = {"told_at": now.isoformat(), "night": night, "kind": kind, "run_id": run_id, "lines": lines}
    with (home / NOTICES_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(notice, ensure_ascii=False) + "\n")
