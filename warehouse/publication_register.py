"""The register of publications: which is current for a night, which comes next, which may go.

Pure bookkeeping over the rows of the table ``publication``. Where they lie is in
``warehouse.publication_folder``.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

import polars as pl

from warehouse.engines import Publication
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.marts import PUBLICATION


def place_in_night(publication_id: str) -> int:
    """Place of a publication among its night's: 2 for ``2020-06-30.2``."""
    return int(publication_id.rpartition(".")[2])


@dataclass(frozen=True)
class Register:
    """All publications, in the order in which they were made. A night's current one is its last."""

    publications: tuple[Publication, ...] = ()

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> "Register":
        """The register in a frame of the table ``publication``."""
        return cls(tuple(Publication(**row) for row in frame.iter_rows(named=True)))

    def frame(self) -> pl.DataFrame:
        """The register as the table ``publication``."""
        rows = [asdict(publication) for publication in self.publications]
        return pl.DataFrame(rows, schema=polars_schema(PUBLICATION)) if rows else empty_frame(PUBLICATION)

    def current(self) -> dict[date, Publication]:
        """Night → its current publication, by night."""
        last = {publication.as_of: publication for publication in self.publications}
        return {night: last[night] for night in sorted(last)}

    def newest(self) -> Publication | None:
        """The current publication of the newest night."""
        return next(reversed(self.current().values()), None)

    def knows(self, publication_id: str) -> bool:
        """Whether the publication was completed."""
        return any(publication.publication_id == publication_id for publication in self.publications)

    def next_id(self, night: date, taken: Iterable[str] = ()) -> str:
        """An id for ``night`` that neither the register nor ``taken`` (ids found on disk) holds."""
        ids = {publication.publication_id for publication in self.publications} | set(taken)
        places = [place_in_night(one) for one in ids if one.startswith(f"{night}.")]
        return f"{night}.{max(places, default=0) + 1}"

    def expired(self, kept_days: int, now: datetime) -> list[str]:
        """Ids superseded at least ``kept_days`` before ``now``; never a night's current one."""
        ids: list[str] = []
        successor: dict[date, Publication] = {}
        for publication in reversed(self.publications):
            later = successor.get(publication.as_of)
            if later is not None and later.published_at + timedelta(days=kept_days) <= now:
                ids.append(publication.publication_id)
            successor[publication.as_of] = publication
        return ids[::-1]
