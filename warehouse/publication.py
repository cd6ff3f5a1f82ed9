"""Publishing to DuckDB: one immutable file a publication, and a link replaced atomically.

A publication is whole before the link names it, so a reader sees one publication or the other and never
part of one, and a run killed at any step leaves the last one as it was. The steps are here; layout and
locking are in ``warehouse.publication_folder``, the file's content in ``warehouse.publication_file``.
"""

import errno
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from warehouse.chosen_rows import in_declared_shape, of_publication
from warehouse.engines import (
    Publication,
    PublicationFacts,
    StepListener,
    UnknownPublicationError,
    WarehouseError,
)
from warehouse.mart_store import MartStore, nothing_published, stamped
from warehouse.parquet_views import sealed_reader
from warehouse.projections import empty_frame
from warehouse.publication_file import build_file
from warehouse.publication_folder import PublicationFolder, PublishingLock
from warehouse.publication_register import Register
from warehouse.query import read_one_statement
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS, PUBLICATION

LOG = logging.getLogger(__name__)
DUCKDB_ROW_GROUP = 122_880
"""Rows of a Parquet row group: those of DuckDB's own, or its threads leave parts of groups behind, which its
checkpoint then writes once more (10 million rows: 6 s, and a file nearly twice as large)."""
# DuckDB and polars hand on what the system said, not its number.
_FULL = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]


class DuckDBWarehouse(MartStore):
    """The embedded warehouse behind the link ``link``."""

    def __init__(
        self, link: Path, *, kept_days: int, nights_kept_days: int | None = None,
        at_step: StepListener | None = None,
    ) -> None:  # fmt: skip
        super().__init__(kept_days=kept_days, nights_kept_days=nights_kept_days, at_step=at_step)
        self._folder = PublicationFolder(link)

    def check_writable(self) -> None:
        """Raise now what a publication would raise later for want of a folder or rights."""
        with _clear_errors(self._folder.link):
            self._folder.folder.mkdir(parents=True, exist_ok=True)
            self._folder.pointed()
            trial = self._folder.folder / f"trial-{os.getpid()}"
            trial.touch()
            trial.unlink()

    def upgrade(self, code_version: str) -> list[str]:
        """Nothing is ever to do: a publication is an immutable file with the columns of its time, and readers
        are given nulls for what it lacks.

        Raises:
            WarehouseError: a newer version of the code has published here, or files are gone.
        """
        with _clear_reading(self._folder.link):
            self._folder.pointed().register.refuse_newer(code_version)
        return []

    def publish(
        self,
        night: date,
        marts: Mapping[str, pl.DataFrame],
        dimensions: Mapping[str, pl.DataFrame],
        facts: PublicationFacts,
    ) -> Publication:
        """Publish all marts of ``night`` together, or none.

        ``marts`` and ``dimensions`` are every declared one by name, in declared shape, the marts without
        ``publication_id``. A night published before is superseded; a night older than the newest joins the
        history and leaves ``latest`` as it is.

        Raises:
            WarehouseError: where keys do not hold, another publishes, or the place cannot be written.
            SchemaMismatchError: where a frame lacks its declared shape.
        """
        frames = self._checked(night, marts, dimensions, facts)
        with _clear_errors(self._folder.link):
            self._begin("lock")
            with self._folder.publishing(
                f"run {facts.run_id} of night {night}, process {os.getpid()}"
            ) as lock:
                return self._publish_alone(night, frames, facts, lock)

    def _publish_alone(
        self, night: date, frames: Mapping[str, pl.DataFrame], facts: PublicationFacts, lock: PublishingLock
    ) -> Publication:
        register = self._folder.pointed().register
        register.refuse_newer(facts.code_version)
        publication_id = register.next_id(night, self._folder.ids_on_disk())
        lock.begin(publication_id)
        try:
            published = self._build(night, publication_id, frames, facts, register)
            self._begin("point")
            newest = Register((*register.publications, published)).newest() or published
            self._folder.point_to(publication_id, newest.publication_id)
        except BaseException:
            self._forget(publication_id, lock)
            raise
        self._begin("prune")
        self._prune(facts)
        self._begin("unlock")
        lock.finish()
        return published

    def _build(
        self, night: date, publication_id: str, frames: Mapping[str, pl.DataFrame], facts: PublicationFacts,
        register: Register,
    ) -> Publication:  # fmt: skip
        rows = sum(frames[table.name].height for table in MARTS)
        published = Publication(publication_id=publication_id, as_of=night, rows=rows, **asdict(facts))
        grown = Register((*register.publications, published))
        self._folder.parquet(publication_id, "").parent.mkdir()
        for table in (*DIMENSIONS, *MARTS):
            self._write(publication_id, table, stamped(table, frames[table.name], publication_id))
        self._write(publication_id, PUBLICATION, grown.frame())
        build_file(
            self._folder, publication_id, grown.without(grown.outlived(self._nights_kept_days)), self._begin
        )
        self._begin("seal")
        self._folder.seal(publication_id)
        return published

    def _write(self, publication_id: str, table: Table, frame: pl.DataFrame) -> None:
        self._begin(f"write {table.name}")
        file = self._folder.parquet(publication_id, table.name)
        frame.write_parquet(file, row_group_size=DUCKDB_ROW_GROUP)

    def _forget(self, publication_id: str, lock: PublishingLock) -> None:
        """After an error: remove what was built, unless the link names it already."""
        if not self._folder.pointed().register.knows(publication_id):
            self._folder.remove(publication_id)
        lock.finish()

    def _prune(self, facts: PublicationFacts) -> None:
        register = self._folder.pointed().register
        # Views of the publications before name nights' files as long as those are readable themselves.
        outlived = register.outlived(self._nights_kept_days, margin_days=self._kept_days)
        for publication_id in [*register.expired(self._kept_days, facts.published_at), *outlived]:
            try:
                self._folder.remove(publication_id)
            except OSError as error:  # the publication stands; what is left is tried again next night
                LOG.warning("publication %s is past its retention but could not be removed: %s",
                            publication_id, error)  # fmt: skip

    def read_publication(self, name: str, publication_id: str) -> pl.DataFrame:
        """A mart as one publication has it, superseded or not, in declared shape and sorted by its grain.

        Raises:
            UnknownPublicationError: there is none of this id, or it is past its retention.
            WarehouseError: for an unknown name, a dimension or the register.
        """
        table = of_publication(name)
        with _clear_reading(self._folder.link):
            made = [one.publication_id for one in self._folder.pointed().register.publications]
            held = [one for one in made if self._folder.parquet(one, PUBLICATION.name).exists()]
            if publication_id not in held:
                known = publication_id in made
                raise UnknownPublicationError(publication_id, str(self._folder.link), held, known=known)
            file = self._folder.parquet(publication_id, table.name)
            frame = pl.read_parquet(file) if file.exists() else empty_frame(table)
        return in_declared_shape(frame, table)

    def _read(self, table: Table, condition: str) -> pl.DataFrame:
        with _clear_reading(self._folder.link), sealed_reader(self._folder, [table]) as connection:
            frame = connection.execute(f"SELECT * FROM main.{table.name} WHERE {condition}").pl()  # noqa: S608 - declared names
        return in_declared_shape(frame, table)

    def publications(self) -> tuple[Publication, ...]:
        """All publications ever made, first to last; those past retention are listed too."""
        with _clear_reading(self._folder.link):
            return self._folder.pointed().register.publications

    def query(self, sql: str) -> pl.DataFrame:
        """Result of one reading statement. Plain table names give all nights, ``latest.x`` the newest."""
        if self.latest_publication() is None:
            raise nothing_published(self._folder.link)
        with _clear_reading(self._folder.link), sealed_reader(self._folder) as connection:
            return read_one_statement(connection, sql)


@contextmanager
def _clear_errors(link: Path) -> Iterator[None]:
    """Tell a clerk what a failed write means."""
    try:
        yield
    except (OSError, duckdb.Error, SQLAlchemyError, pl.exceptions.PolarsError) as error:
        cause = str(error.orig if isinstance(error, DBAPIError) else error)
        if any(words in cause for words in _FULL):
            what = "the disk is full; free space or choose another place with --warehouse"
        elif isinstance(error, OSError):
            what = "it cannot be written; choose another place with --warehouse, or mend its rights"
        else:
            what = "the publication could not be built"
        raise WarehouseError(
            f"warehouse {link}: {what} ({cause}). The last publication is as it was"
        ) from error


@contextmanager
def _clear_reading(link: Path) -> Iterator[None]:
    """Tell a clerk what a failed read means."""
    try:
        yield
    except (OSError, duckdb.Error, pl.exceptions.PolarsError) as error:
        raise WarehouseError(
            f"warehouse {link} could not be read ({error}); see whether its folder of publications is whole"
        ) from error
