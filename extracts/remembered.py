"""What earlier nights found out about files that are as they were: digests, what names say, counts of rows.

A file whose size, inode and times are those of the night before is not hashed again, a name that forms were
asked about is not shown to them again, and raw rows that were counted are not counted again. Only a help:
without it, or where anything differs, all is done anew. Which files count is in ``extracts.kept_files``; rows
themselves are in ``extracts.raw``.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extracts.code_version import code_digest
from extracts.landing import Claim, Known, file_sha256

Counts = tuple[int, int, int, int, int | None]
"""Rows received, data and not data; money of the data rows, and of the file's own totals, if it has any."""
_NAME = "known.json"
_STILL_NS = 3 * 10**9
"""A file changed so shortly before may change again within one tick of its file system's clock."""


@dataclass
class Remembered(Known):
    """What is known of files, and what this night adds.

    Attributes:
        version: of code and currency; counts of another are not read.
        forms: digest of code and forms; what another set of forms made of names is not read.
        digests: by path below the landing folder, its stamp and SHA-256.
        names: by name, what the forms that claim it make of it.
        counts: by name of the kept raw rows, their stamp, counts and notes.
    """

    version: str
    forms: str = ""
    began_ns: int = 0
    digests: dict[str, list[Any]] = field(default_factory=dict)
    names: dict[str, Sequence[Claim]] = field(default_factory=dict)
    counts: dict[str, list[Any]] = field(default_factory=dict)
    _earlier: "Remembered | None" = None

    def sha256(self, name: str, path: Path, facts: os.stat_result) -> str:
        """SHA-256 of the file ``path``, known by its ``name``.

        Raises:
            OSError: it cannot be read.
        """
        stamp = stamp_of(facts)
        known = self._earlier.digests.get(name) if self._earlier else None
        if known and known[0] == stamp:
            self.digests[name] = known
            return str(known[1])
        digest = file_sha256(path)
        if max(stamp[1:3]) + _STILL_NS <= self.began_ns:
            self.digests[name] = [stamp, digest]
        return digest

    def claims(self, name: str) -> Sequence[Claim] | None:
        """What the forms made of a name; None where they have to be asked."""
        known = self._earlier.names.get(name) if self._earlier else None
        if known is not None:
            self.names[name] = known
        return known

    def claimed(self, name: str, claims: Sequence[Claim]) -> None:
        """Remember what they made of it."""
        self.names[name] = [list(claim) for claim in claims]  # as JSON has them

    def knows(self, raw: Path) -> bool:
        """Whether raw rows were counted before, if they are still as they were."""
        return self._earlier is not None and _key(raw) in self._earlier.counts

    def counts_of(self, raw: Path) -> tuple[Counts, Sequence[str]] | None:
        """Counts and notes of kept raw rows; None where they must be looked at."""
        key = _key(raw)
        known = self._earlier.counts.get(key) if self._earlier else None
        if known is None:
            return None
        try:
            if stamp_of(raw.stat()) != known[0]:
                return None
        except OSError:
            return None
        self.counts[key] = known
        received, data, other, money, total = known[1]
        return (received, data, other, money, total), known[2]

    def counted(self, raw: Path, counts: Counts, notes: Sequence[str]) -> None:
        """Remember what was counted."""
        self.counts[_key(raw)] = [stamp_of(raw.stat()), list(counts), list(notes)]

    def keep(self, store: Path) -> None:
        """Written beside and renamed; what a night in the past did not ask for stays."""
        earlier = self._earlier or Remembered("")
        digests = earlier.digests | self.digests
        names, counts = earlier.names | self.names, earlier.counts | self.counts
        if self._earlier and (digests, names, counts) == (earlier.digests, earlier.names, earlier.counts):
            return
        told = {
            "version": self.version, "forms": self.forms, "digests": digests, "names": names,
            "counts": counts,
        }  # fmt: skip
        _write(store, told)


def remembered(store: Path, currency: str, forms: str = "") -> Remembered:
    """What nights before found, as far as the same code and configuration found it.

    Args:
        currency, forms: told of the configuration by which rows are counted, and names read.
    """
    version, forms = f"{code_digest()} {currency}", _digest_of(code_digest() + forms)
    began = _clock_of(store)
    try:
        told = json.loads((store / _NAME).read_text(encoding="utf-8"))
        earlier = Remembered(
            told["version"], told["forms"], 0, _checked(told["digests"]),
            _checked(told["names"]) if told["forms"] == forms else {},
            _checked(told["counts"]) if told["version"] == version else {},
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return Remembered(version, forms, began)
    return Remembered(version, forms, began, _earlier=earlier)


def still_counted(store: Path, changed: Mapping[Path, Sequence[int]]) -> None:
    """What was counted of kept raw rows holds on, where only the taxpayers' names went from them.

    Args:
        changed: raw files written anew, each with the stamp that it had before; where that is not the one
            under which its rows were counted, they are counted again.
    """
    try:
        told = json.loads((store / _NAME).read_text(encoding="utf-8"))
        counts = _checked(told["counts"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    for path, before in changed.items():
        known = counts.get(_key(path))
        if known and known[0] == list(before):
            known[0] = stamp_of(path.stat())
    _write(store, told)


def _write(store: Path, told: Mapping[str, Any]) -> None:
    half = store / f"{_NAME}.{os.getpid()}.half"
    half.touch(mode=0o600)
    half.write_text(json.dumps(told), encoding="utf-8")
    half.replace(store / _NAME)


def _checked(told: dict[str, Any]) -> dict[str, Any]:
    """What was remembered by name; a damaged file has something else there.

    Raises:
        TypeError: it is no such thing.
    """
    if not isinstance(told, dict) or not all(isinstance(entry, list) for entry in told.values()):
        raise TypeError("not what was written")
    return told


def _digest_of(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()


def _clock_of(store: Path) -> int:
    """The time by the clock that stamps files, in ns."""
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = store / f"{_NAME}.{os.getpid()}.half"
    mark.touch(mode=0o600)
    now = mark.stat().st_mtime_ns
    mark.unlink()
    return now


def stamp_of(facts: os.stat_result) -> list[int]:
    """What tells that a file is still as it was: size, times, inode."""
    return [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]


def _key(raw: Path) -> str:
    return "/".join(raw.parts[-2:])  # parent and name would each make a path anew, thousands of times
