"""The register of publications: which is current for a night, which comes next, which may go.

Pure bookkeeping over the rows of the table ``publication``. Where they lie is in
``warehouse.publication_folder``.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import polars as pl

from warehouse.engines import Publication, WarehouseError
from warehouse.projections import empty_frame, polars_schema
from warehouse.tables.marts import PUBLICATION

STANDS_IN_DAYS = 15
"""Days after a month's end within which a night may stand for it (``assets.accuracy``)."""


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

    def without(self, ids: Iterable[str]) -> "Register":
        """The register as if the publications of ``ids`` had never been."""
        left_out = set(ids)
        kept = (one for one in self.publications if one.publication_id not in left_out)
        return Register(tuple(kept))

    def refuse_newer(self, code_version: str) -> None:
        """Refuse to add to what a newer version of the code has published.

        Raises:
            WarehouseError: naming that publication and its version.
        """
        newer = [one for one in self.publications if _release(one.code_version) > _release(code_version)]
        if newer:
            one = newer[-1]
            raise WarehouseError(
                f"publication {one.publication_id} was made by wardcast {one.code_version}, newer than this "
                f"{code_version}, which must not write here; upgrade wardcast"
            )

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

    def outlived(self, nights_kept_days: int | None, margin_days: int = 0) -> list[str]:
        """Ids of the current publications of nights that lie further back than the authority keeps nights.

        Counted from the newest night. A month's end stays for ever: its last night, and where that is not
        the month's last day also the first night up to ``STANDS_IN_DAYS`` later, which stands for it in the
        record of forecasts. So does what was published last. None where nights are kept for ever.
        """
        nights = list(self.current())
        if nights_kept_days is None or not nights:
            return []
        before = nights[-1] - timedelta(days=nights_kept_days + margin_days)
        spared = _month_ends(nights)
        last = self.publications[-1].publication_id
        return [
            publication.publication_id
            for night, publication in self.current().items()
            if night < before and night not in spared and publication.publication_id != last
        ]


def _release(version: str) -> list[int]:
    """The numbers of a version, those before any letter."""
    return [int(number) for number in re.split("[^0-9.]", version)[0].split(".") if number]


def _month_ends(nights: list[date]) -> set[date]:
    """Of ``nights``, in order, those that stand for the end of a month."""
    spared = {night for night, after in pairwise(nights) if _month(night) != _month(after)}
    for night, after in pairwise(nights):
        first = after.replace(day=1)
        is_end = night == first - timedelta(days=1)
        if night < first and not is_end and after < first + timedelta(days=STANDS_IN_DAYS):
            spared.add(after)
    return spared


def _month(night: date) -> tuple[int, int]:
    return night.year, night.month
