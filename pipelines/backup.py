"""A home as one file, and back: raw rows, human acts, lake, embedded warehouse, bulletins, Dagster's records.

The archive ends with a manifest of every file's SHA-256 and mode, so that half an archive is known for one. A
home is restored beside its place and moved there whole. A PostgreSQL warehouse lies elsewhere and has tools
of its own for this (``pg_dump``).
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.home import LOCK_FILE, home_lock

MANIFEST = "MANIFEST.json"
_LEFT_OUT = {LOCK_FILE, "publishing.lock"}
_UNFINISHED = (".building", ".partial")
_COMPRESSION = 1
"""Most of a home is Parquet and DuckDB, compressed already."""


class BackupError(Exception):
    """The backup or restore cannot be done; the message says why and what to do."""


def back_up(home: Path, archive: Path) -> int:
    """Write ``home`` to ``archive`` (a .tar.gz), readable by its owner alone; returns the number of files.

    Holds the home meanwhile, so that no night writes to it.

    Raises:
        BackupError: there is nothing to back up, the archive exists or would lie in the home, or the disk is
            full.
        NightRefusedError: a night is running.
    """
    if not home.is_dir():
        raise BackupError(f"there is no home at {home}; name one with --home")
    if archive.absolute().is_relative_to(home.absolute()):
        raise BackupError(f"{archive} lies in the home it would hold; name a place outside of {home}")
    if archive.exists():
        raise BackupError(f"{archive} exists already and is left alone; name another file")
    half = archive.with_name(f".{archive.name}.{os.getpid()}")
    with home_lock(home), _told(archive), _removed(half):
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            count = _write(home, raw)
            os.fsync(raw.fileno())
        half.rename(archive)
    return count


def _write(home: Path, raw: io.BufferedWriter) -> int:
    manifest: dict[str, list[str | int]] = {}
    with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=_COMPRESSION) as tar:
        for path in sorted(home.rglob("*")):
            if path.name in _LEFT_OUT or path.name.endswith(_UNFINISHED):
                continue
            name = path.relative_to(home).as_posix()
            tar.add(path, name, recursive=False)
            if path.is_file() and not path.is_symlink():
                manifest[name] = [_sha256(path), path.stat().st_mode & 0o777]
        written = json.dumps(manifest, ensure_ascii=False).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(written)
        tar.addfile(entry, io.BytesIO(written))
    return len(manifest)


def restore(archive: Path, home: Path) -> int:
    """Bring back the home in ``archive`` as ``home``, which must be new or empty; returns the count of files.

    Every file is checked against the manifest before any of it takes its place.

    Raises:
        BackupError: the archive is not whole or not one of ours, the home holds things, or the disk is full.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise BackupError(f"{home} holds things already; move it away, or restore into another --home")
    if not archive.is_file():
        raise BackupError(f"there is no archive at {archive}")
    half = home.with_name(f".{home.name}.restoring.{os.getpid()}")
    with _told(home), _removed(half):
        half.mkdir(parents=True, mode=0o700)
        try:
            with tarfile.open(archive, "r:gz") as tar:
                tar.extractall(half, filter="data")
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise BackupError(f"{archive} cannot be read to its end ({error}); use another backup") from error
        count = _checked(half, archive)
        if home.exists():
            home.rmdir()
        half.rename(home)
    return count


def _checked(folder: Path, archive: Path) -> int:
    """Compare what was taken out with the manifest, and give files the rights they had."""
    listed = folder / MANIFEST
    if not listed.is_file():
        raise BackupError(
            f"{archive} has no manifest: half an archive, or not one of ours; use another backup"
        )
    manifest = json.loads(listed.read_bytes())
    listed.unlink()
    for name, (digest, mode) in manifest.items():
        path = folder / name
        if not path.is_file() or _sha256(path) != digest:
            raise BackupError(
                f"{archive}: {name} is missing or is not what was backed up; use another backup"
            )
        path.chmod(mode)
    return len(manifest)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(f"{place} cannot be written: {error.strerror or error}") from error


@contextmanager
def _removed(half: Path) -> Iterator[None]:
    """Whatever is still half made goes."""
    try:
        yield
    finally:
        shutil.rmtree(half, ignore_errors=True) if half.is_dir() else half.unlink(missing_ok=True)
