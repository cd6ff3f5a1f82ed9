"""Which files were ever read, so that one taken out of the landing folder still counts.

The ledger is made from the raw rows that are kept, plus what is new in the landing folder: an office may
archive old files. A file that was renamed or moved goes by its new name; one that was overwritten, by what
it holds now. The rows themselves are kept by ``extracts.raw``.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

_REGISTER = "files.csv"
_SCHEMA = {
    "source_file": pl.String, "sha256": pl.String, "file_bytes": pl.Int64, "unpacked_name": pl.String,
}  # fmt: skip


class KeptFile(NamedTuple):
    """A file whose rows are kept: its name, digest and size, and its name as if unpacked."""

    source_file: str
    sha256: str
    file_bytes: int
    unpacked_name: str = ""


def kept_files(store: Path) -> list[KeptFile]:
    """The files read by earlier nights whose raw rows lie in ``store``."""
    register = store / _REGISTER
    if not register.is_file():
        return []
    return [KeptFile(*row) for row in pl.read_csv(register, schema=_SCHEMA).fill_null("").iter_rows()]


def still_counting(kept: Iterable[KeptFile], present: Sequence[KeptFile]) -> list[KeptFile]:
    """Those of ``kept`` that are not in the landing folder any more and count all the same.

    A file whose bytes now lie under a name that was not known before was renamed, and counts under that.
    """
    kept = list(kept)
    names = {file.source_file for file in present}
    known = {file.source_file for file in kept}
    renamed = {file.sha256 for file in present if file.source_file not in known}
    return [file for file in kept if file.source_file not in names and file.sha256 not in renamed]


def remember(store: Path, files: Iterable[KeptFile]) -> None:
    """Keep the list of files read; written beside and renamed, for the owner's eyes only."""
    told = sorted(set(files), key=lambda file: (file.source_file, file.sha256, file.unpacked_name))
    if told == kept_files(store):
        return
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = store / f"{_REGISTER}.{os.getpid()}.half"
    half.touch(mode=0o600)
    pl.DataFrame(told, schema=_SCHEMA, orient="row").write_csv(half)
    half.replace(store / _REGISTER)


def forget(store: Path) -> None:
    """Start anew: what was read before does not count any more (a sample made again)."""
    (store / _REGISTER).unlink(missing_ok=True)
