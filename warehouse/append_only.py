"""Files of one JSON line an entry that nothing ever changes: human acts, and what was sent.

A writer that was killed leaves half a line: it is kept and told of; the next entry begins a line of its own.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any


def append_entry(path: Path, entry: Mapping[str, Any]) -> None:
    """Add a line and have it on disk before returning; writers take turns. Days and the like become text.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    line = json.dumps(entry, ensure_ascii=False, sort_keys=True, default=str) + "\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        starts_anew = end == 0 or os.pread(file.fileno(), 1, end - 1) == b"\n"
        file.write((line if starts_anew else "\n" + line).encode())
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_entries(path: Path, name: Path, take: Callable[[int, Any], None]) -> tuple[str, ...]:
    """Give each entry and its line's number, from 1 on, to ``take``, in order; no file is no entry.

    Args:
        name: what the file is called where it is told of.
        take: raises ValueError, TypeError or KeyError for an entry that it does not understand.

    Returns:
        A sentence for each line that could not be read.
    """
    broken = []
    for number, line in _numbered(path):
        try:
            take(number, json.loads(line))
        except (ValueError, TypeError, KeyError) as error:  # pydantic's and JSON's are ValueErrors
            kind = type(error).__name__
            broken.append(f"{name} line {number} cannot be read ({kind}); it is kept as it is")
    return tuple(broken)


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    if not path.is_file():
        return
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        lines = file.read().split(b"\n")
    yield from ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
