"""Where publications lie: immutable files of their own names, and one link to the latest.

::

    wardcast.duckdb                          → the link that readers open
    wardcast.publications/2020-06-30.1.duckdb  a publication, read-only for ever
    wardcast.publications/2020-06-30.1/*.parquet  its tables, read by the later ones' history
    wardcast.latest                            → the Parquet of the newest night, a stable path to each mart
    wardcast.publications/publishing.lock      held by the one publisher; names what it builds

DuckDB looks for ``<file>.wal`` beside the file a link resolves to, so what a client leaves behind in one
publication never touches the next. What goes into the files is in ``warehouse.publication_file``.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from warehouse.engines import WarehouseBusyError, WarehouseError
from warehouse.publication_register import Register
from warehouse.tables.marts import PUBLICATION

READ_ONLY = 0o444
_SUFFIX = ".duckdb"


@dataclass(frozen=True)
class Pointed:
    """What the link names: the latest publication (None before the first) and its register."""

    publication_id: str | None
    register: Register


class PublicationFolder:
    """The link and the folder of publications beside it."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.latest = link.with_name(link.stem + ".latest")
        self.folder = link.with_name(link.stem + ".publications")
        self._lock = self.folder / "publishing.lock"

    def database(self, publication_id: str) -> Path:
        """The publication's DuckDB file."""
        return self.folder / f"{publication_id}{_SUFFIX}"

    def building(self, publication_id: str) -> Path:
        """That file while it is being built."""
        return self.folder / f"{publication_id}{_SUFFIX}.building"

    def parquet(self, publication_id: str, table: str) -> Path:
        """One of its tables as Parquet."""
        return self.folder / publication_id / f"{table}.parquet"

    def ids_on_disk(self) -> set[str]:
        """Ids of the complete publications in the folder, known to the register or not."""
        return {path.name.removesuffix(_SUFFIX) for path in self.folder.glob(f"*{_SUFFIX}")}

    def pointed(self) -> Pointed:
        """The latest publication and its register.

        Raises:
            WarehouseError: where link and folder are not what a publication leaves.
        """
        if not self.link.is_symlink():
            self._refuse_what_is_not_ours()
            return Pointed(None, Register())
        target = self.link.readlink()
        publication_id = target.name.removesuffix(_SUFFIX)
        if target.parent.name != self.folder.name:
            raise WarehouseError(
                f"{self.link} links to {target}, which is no publication; give another warehouse"
            )
        register = self.parquet(publication_id, PUBLICATION.name)
        if not register.exists() or not self.database(publication_id).exists():
            raise WarehouseError(
                f"{self.link} names publication {publication_id}, but its files are gone from {self.folder}: "
                "bring the folder back from a backup, or remove the link and publish anew"
            )
        return Pointed(publication_id, Register.from_frame(pl.read_parquet(register)))

    def _refuse_what_is_not_ours(self) -> None:
        if self.link.exists():
            raise WarehouseError(
                f"{self.link} exists and is no warehouse of ours (not a link to a publication); move it "
                "away or give another --warehouse"
            )
        orphans = sorted(self.ids_on_disk() - {self._unfinished()})
        if orphans:
            raise WarehouseError(
                f"the link {self.link} is gone though {len(orphans)} publications lie in {self.folder}: "
                f"restore it with  ln -s {self.folder.name}/{orphans[-1]}{_SUFFIX} {self.link}  "
                "or move that folder away"
            )

    def _unfinished(self) -> str | None:
        """The publication being built, or left half-built by a killed publisher."""
        return _record(self._lock.read_bytes()).get("publication_id") if self._lock.exists() else None

    @contextmanager
    def publishing(self, by: str) -> Iterator["PublishingLock"]:
        """Hold the folder as its only publisher; what a killed one left is cleared first.

        ``by`` tells others who holds it. Raises ``WarehouseError`` at once when another holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            lock = PublishingLock(descriptor, by)
            lock.take(self.link)
            self._clear_unfinished(lock)
            yield lock
        finally:
            os.close(descriptor)

    def _clear_unfinished(self, lock: "PublishingLock") -> None:
        unfinished = self._unfinished()
        if unfinished and not (self.link.is_symlink() and self.pointed().register.knows(unfinished)):
            self.remove(unfinished)
        self._spare_link.unlink(missing_ok=True)
        lock.finish()

    @property
    def _spare_link(self) -> Path:
        return self.folder / "latest.link"

    def point_to(self, publication_id: str, newest_id: str) -> None:
        """Make the link name ``publication_id``, atomically and durably; then ``latest`` the newest night's.

        ``latest`` is a convenience for those who read Parquet: it follows a moment later.
        """
        self._set(self.link, Path(self.folder.name) / self.database(publication_id).name)
        self._set(self.latest, Path(self.folder.name) / newest_id)
        sync(self.link.parent)

    def _set(self, link: Path, target: Path) -> None:
        spare = self._spare_link
        spare.unlink(missing_ok=True)
        spare.symlink_to(target)
        spare.replace(link)

    def seal(self, publication_id: str) -> None:
        """Give a built file its final name, read-only and safe on disk with its Parquet."""
        building = self.building(publication_id)
        for path in [building, *self.parquet(publication_id, "*").parent.glob("*.parquet")]:
            path.chmod(READ_ONLY)
            sync(path)
        sync(self.folder / publication_id)
        building.rename(self.database(publication_id))
        sync(self.folder)

    def remove(self, publication_id: str) -> None:
        """Remove every file of a publication, finished or not, and what a client left beside it."""
        shutil.rmtree(self.folder / publication_id, ignore_errors=True)
        for path in self.folder.glob(f"{publication_id}.*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


class PublishingLock:
    """An open lock file: held while its descriptor is, and naming what its holder builds."""

    def __init__(self, descriptor: int, by: str) -> None:
        self._descriptor = descriptor
        self._by = by

    def take(self, link: Path) -> None:
        """Take the lock, or raise ``WarehouseError`` with who holds it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = _record(os.pread(self._descriptor, 4096, 0)).get("by", "another run")
            raise WarehouseBusyError(
                f"{link} is being published to by {holder}; run again when it has ended"
            ) from error

    def begin(self, publication_id: str) -> None:
        """Record what is going to be built, before a file of it exists."""
        self._write(json.dumps({"by": self._by, "publication_id": publication_id}))

    def finish(self) -> None:
        """Record that nothing is being built."""
        self._write(json.dumps({"by": self._by}))

    def _write(self, record: str) -> None:
        # Written over and then cut, so that a disk too full for a new block still takes it.
        data = record.encode()
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))
        os.fsync(self._descriptor)


def _record(written: bytes) -> dict[str, str]:
    """What a lock file holds: ``by`` and, while something is being built, ``publication_id``."""
    try:
        # Only the first object: a kill between writing over and cutting leaves an older one's tail.
        record: dict[str, str] = json.JSONDecoder().raw_decode(written.decode())[0]
    except ValueError:  # empty, or torn before anything was built
        return {}
    return record


def sync(path: Path) -> None:
    """Force a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
