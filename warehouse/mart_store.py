"""What every engine does alike: what may be asked of it, and what is held against a publication beforehand.

An engine says how rows are chosen and how publications are listed (``_read``, ``publications``); the words of
the protocol (``warehouse.engines.Warehouse``) that follow from these two stand here once.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from datetime import date

import polars as pl
from sqlalchemy import Table

from warehouse.chosen_rows import equal_to, on_nights, readable
from warehouse.engines import Publication, PublicationFacts, StepListener, WarehouseError
from warehouse.keys import check_keys, check_whole
from warehouse.projections import conform
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MART_WARNING, MARTS


class MartStore(ABC):
    """The marts of one engine: the reading half of the protocol, and the rules of retention.

    ``kept_days``, ``nights_kept_days`` and ``at_step`` are those of ``warehouse.engines.open_warehouse``.
    """

    def __init__(self, *, kept_days: int, nights_kept_days: int | None, at_step: StepListener | None) -> None:
        if kept_days < 1:
            raise WarehouseError("publications_kept_days must be 1 or more: readers may hold the one before")
        self._kept_days = kept_days
        self._nights_kept_days = nights_kept_days
        self._listener = at_step

    @abstractmethod
    def publications(self) -> tuple[Publication, ...]:
        """All publications ever made, first to last; those past retention are listed too."""

    @abstractmethod
    def _read(self, table: Table, condition: str) -> pl.DataFrame:
        """Rows of the published nights for which an SQL condition holds, in declared shape and order."""

    def read_mart(self, name: str, as_of: date | None = None) -> pl.DataFrame:
        """A mart, dimension or ``publication`` in declared shape, sorted by its grain.

        Without ``as_of`` a mart's every night, with it one night; no rows where that night is not
        published. Dimensions are the newest night's.

        Raises:
            WarehouseError: for an unknown name, or ``as_of`` with a dimension.
        """
        if as_of is None:
            return self._read(readable(name), "true")
        return self._read(readable(name, nightly=True), on_nights([as_of]))

    def read_nights(self, name: str, nights: Collection[date], **where: str) -> pl.DataFrame:
        """Several nights of a mart as they are published now, rows whose columns hold ``where``; no rows of
        nights that are not published.

        Raises:
            WarehouseError: for an unknown name or column, or a dimension.
        """
        table = readable(name, nightly=True)
        return self._read(table, on_nights(nights, equal_to(table, where)))

    def latest_publication(self) -> Publication | None:
        """The publication made last, whichever its night; None before the first."""
        made = self.publications()
        return made[-1] if made else None

    def previous_warnings(self, before: date) -> pl.DataFrame:
        """``mart_warning`` of the last published night before ``before``; no rows where there is none."""
        earlier = [publication.as_of for publication in self.publications() if publication.as_of < before]
        return self.read_mart(MART_WARNING.name, max(earlier, default=date.min))

    def _begin(self, step: str) -> None:
        """Tell the listener that a step of the publication begins."""
        if self._listener is not None:
            self._listener(step)

    def _checked(
        self,
        night: date,
        marts: Mapping[str, pl.DataFrame],
        dimensions: Mapping[str, pl.DataFrame],
        facts: PublicationFacts,
    ) -> dict[str, pl.DataFrame]:
        """All tables of a publication in declared shape, dimensions first, held against their keys before
        anything is written. The marts' ``publication_id`` is empty: it is known once the place is held."""
        if facts.published_at.tzinfo is None:
            raise WarehouseError("published_at needs a time zone")
        self._begin("check")
        check_whole(night, marts, dimensions)
        given = {**dimensions, **marts}
        tables = (*DIMENSIONS, *MARTS)
        frames = {table.name: conform(stamped(table, given[table.name], ""), table) for table in tables}
        check_keys(night, frames)
        return frames


def stamped(table: Table, frame: pl.DataFrame, publication_id: str) -> pl.DataFrame:
    """A mart's frame with the publication it belongs to, where its rows say so."""
    if table not in MARTS or "publication_id" not in table.columns:
        return frame
    return frame.with_columns(publication_id=pl.lit(publication_id))


def nothing_published(place: object) -> WarehouseError:
    """What a query of an empty warehouse is answered."""
    return WarehouseError(f"nothing has been published to {place} yet; run wardcast nightly first")
