"""What earlier nights found out about files that are as they were: their digests, and counts of their rows.

A file whose size, inode and times are those of the night before is not hashed again, and raw rows that were
counted are not counted again. Only a help: without it, or where anything differs, both are done anew. Which
files count is in ``extracts.kept_files``; rows themselves are in ``extracts.raw``.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from extracts.code_version import code_digest

Counts = tuple[int, int, int, int, int | None]
"""Rows received, data and not data; money of the data rows, and of the file's own totals, if it has any."""
_NAME = "known.json"
_STILL_NS = 3 * 10**9
"""A file changed so shortly before may change again within one tick of its file system's clock."""


@dataclass
class Remembered:
    """What is known of files, and what this night adds.

    Attributes:
        version: of code and configuration; counts of another are not read.
        digests: by path below the landing folder, its stamp and SHA-256.
        counts: by name of the kept raw rows, their stamp, counts and notes.
    """

    version: str
    began_ns: int = 0
    digests: dict[str, tuple[list[int], str]] = field(default_factory=dict)
    counts: dict[str, tuple[list[int], Counts, tuple[str, ...]]] = field(default_factory=dict)
    _earlier: "Remembered | None" = None

    def sha256(self, name: str, path: Path) -> str:
        """SHA-256 of the file ``path``, known by its ``name``.

        Raises:
            OSError: it cannot be read.
        """
        stamp = _stamp(path)
        known = self._earlier.digests.get(name) if self._earlier else None
        digest = known[1] if known and known[0] == stamp else _sha256(path)
        if max(stamp[1:3]) + _STILL_NS <= self.began_ns or (known and known[0] == stamp):
            self.digests[name] = (stamp, digest)
        return digest

    def counts_of(self, raw: Path) -> tuple[Counts, tuple[str, ...]] | None:
        """Counts and notes of kept raw rows; None where they must be looked at."""
        known = self._earlier.counts.get(_key(raw)) if self._earlier else None
        if known is None or not raw.is_file() or _stamp(raw) != known[0]:
            return None
        self.counts[_key(raw)] = known
        return known[1], known[2]

    def counted(self, raw: Path, counts: Counts, notes: tuple[str, ...]) -> None:
        """Remember what was counted."""
        self.counts[_key(raw)] = (_stamp(raw), counts, notes)

    def keep(self, store: Path) -> None:
        """Written beside and renamed; what a night in the past did not ask for stays."""
        earlier = self._earlier
        digests = {**(earlier.digests if earlier else {}), **self.digests}
        counts = {**(earlier.counts if earlier else {}), **self.counts}
        if earlier and (digests, counts) == (earlier.digests, earlier.counts):
            return
        told = {"version": self.version, "digests": digests, "counts": counts}
        half = store / f"{_NAME}.{os.getpid()}.half"
        half.touch(mode=0o600)
        half.write_text(json.dumps(told), encoding="utf-8")
        half.replace(store / _NAME)


def remembered(store: Path, version: str) -> Remembered:
    """What nights before found, as far as the same code and configuration (``version``) found it."""
    version = f"{code_digest()} {version}"
    began = _clock_of(store)
    try:
        told = json.loads((store / _NAME).read_text(encoding="utf-8"))
        digests = {name: (list(stamp), str(digest)) for name, (stamp, digest) in told["digests"].items()}
        counts = {
            name: (list(stamp), tuple(counts), tuple(notes))
            for name, (stamp, counts, notes) in told["counts"].items()
        }
        earlier = Remembered(told["version"], 0, digests, counts if told["version"] == version else {})
    except (OSError, ValueError, KeyError, TypeError):
        return Remembered(version, began)
    return Remembered(version, began, _earlier=earlier)


def _clock_of(store: Path) -> int:
    """The time by the clock that stamps files, in ns."""
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = store / f"{_NAME}.{os.getpid()}.half"
    mark.touch(mode=0o600)
    now = mark.stat().st_mtime_ns
    mark.unlink()
    return now


def _stamp(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]


def _key(raw: Path) -> str:
    return f"{raw.parent.name}/{raw.name}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
