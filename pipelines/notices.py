"""Telling the office that something went wrong: one line a notice, kept in the home folder.

Both ways of running a night, the command and Dagster's daemon, tell through here. A notice names checks,
files and remedies, never a row's content.
"""

import datetime as dt
import fcntl
import json
from pathlib import Path

NOTICES_FILE = "notices.jsonl"


def tell(home: Path, *, night: str, kind: str, run_id: str, lines: list[str], now: dt.datetime) -> bool:
    """Append a notice (``kind``: run_failed or checks_failed) to the home's notices, once a run and kind.

    Returns whether it was told now: a sensor may look at a run again after the daemon was stopped.
    """
    home.mkdir(parents=True, exist_ok=True)
    notice = {"told_at": now.isoformat(), "night": night, "kind": kind, "run_id": run_id, "lines": lines}
    with (home / NOTICES_FILE).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        told = [json.loads(line) for line in file if line.endswith("}\n")]
        if any((one["run_id"], one["kind"]) == (run_id, kind) for one in told):
            return False
        file.write(json.dumps(notice, ensure_ascii=False) + "\n")
    return True
