"""Staged rows that are kept from night to night, so that a night stages only what is new.

A segment is a Parquet file with the staged rows of one or many deliveries, one after the other. Each is known
by a digest of all that staging reads: the raw rows, the form, what the file's name says, the parts of the
configuration, and the code itself. What is kept under another digest is not looked at. Place among all
deliveries and doubts about a resend depend on other files, so they are not kept. How rows are staged is in
``extracts.staging``.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from authorities.forms import Dataset
from authorities.model import Authority
from extracts.code_version import code_digest
from extracts.raw import RawDelivery
from warehouse.projections import empty_frame
from warehouse.tables.staging import STAGED

NOT_KEPT = ("delivery_id", "source_file", "delivery_order", "scope_doubt")
"""Staged columns that depend on other deliveries, or are the same in all rows of one."""
_OFTEN_EMPTY = ("sheet", "source_column")
"""Columns of mostly empty texts, which take polars longer to write than all the amounts; kept as null."""
_MEMBERS = "wardcast.members"
_MOST_SEGMENTS = 6
"""More are merged, small ones first, so that a row is written again only a few times in its life."""


@dataclass(frozen=True)
class Awaited:
    """A delivery whose staged rows are wanted.

    Attributes:
        digest: of all that staging it reads.
        delivery_id, source_file: by which its rows name it.
        order: its place among all deliveries.
        raw: reads its raw rows; called only where nothing is kept.
    """

    digest: str
    delivery_id: str
    source_file: str
    order: int
    raw: Callable[[], RawDelivery]


@dataclass(frozen=True)
class _Segment:
    path: Path
    members: tuple[tuple[str, int], ...]
    """Digest and rows of each delivery, in the order of the rows."""

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.members)


@dataclass(frozen=True)
class _Slice:
    frame: pl.DataFrame
    offset: int
    rows: int


def configuration_digest(authority: Authority) -> str:
    """Digest of the code and of what staging reads of the configuration besides the form."""
    settings = authority.settings
    told = [
        code_digest(), *(unit.model_dump_json() for unit in authority.units),
        *(item.model_dump_json() for item in authority.items),
        *(line.model_dump_json() for line in authority.lines),
        settings.completeness.model_dump_json(), settings.currency.model_dump_json(),
        json.dumps([*settings.unit_prefixes, settings.fiscal_year_start_month]),
    ]  # fmt: skip
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def delivery_digest(configuration: str, raw: Path, told: Iterable[object]) -> str:
    """Digest of a delivery: ``raw`` is named by its bytes and form; ``told`` is what its name says."""
    words = [configuration, raw.parent.name, raw.name, *map(str, told)]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:32]


def staged_rows(
    dataset: Dataset,
    awaited: Sequence[Awaited],
    folder: Path,
    stage: Callable[[list[RawDelivery]], pl.DataFrame],
) -> pl.DataFrame:
    """Staged rows of the deliveries ``awaited``, in order of arrival; what is new is kept in ``folder``.

    Args:
        stage: stages raw rows, in order of arrival.

    Returns:
        The dataset's staged table, no delivery doubted.

    Raises:
        OSError: the folder cannot be written.
    """
    awaited = sorted(awaited, key=lambda one: one.order)
    kept = _segments(folder)
    known = {digest for segment in kept for digest, _ in segment.members}
    new = {one.digest: one for one in awaited if one.digest not in known}
    wanted = {one.digest for one in awaited}
    fresh: dict[str, _Slice] = {}
    if new:
        frame, members = _staged_anew(list(new.values()), stage)
        added = _keep(folder, frame, members)
        fresh = _parts(added, frame)
        kept = _merged(folder, [*kept, added], wanted)
    slices = _slices(kept, dataset, wanted, fresh)
    if slices is None:  # damaged: what is gone is staged again
        return staged_rows(dataset, awaited, folder, stage)
    return _composed(dataset, awaited, slices)


def _staged_anew(
    new: list[Awaited], stage: Callable[[list[RawDelivery]], pl.DataFrame]
) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    frame = stage([one.raw() for one in new])
    runs = frame.select(pl.col("delivery_order").rle()).unnest("delivery_order")
    rows = dict(zip(runs["value"].to_list(), runs["len"].to_list(), strict=True))
    kept = frame.drop(NOT_KEPT).with_columns(
        pl.when(pl.col(name) != "").then(pl.col(name)) for name in _OFTEN_EMPTY
    )
    return kept, [(one.digest, rows.get(one.order, 0)) for one in new]


def _keep(folder: Path, frame: pl.DataFrame, members: Iterable[tuple[str, int]]) -> _Segment:
    """Write beside and rename, named by its own bytes, so that half a file or a damaged one is never read."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = folder / "segment.half"  # a night has its home alone: one that was killed left this for us
    half.touch(mode=0o600)
    members = tuple(members)
    frame.write_parquet(half, compression="lz4", statistics=False, metadata={_MEMBERS: json.dumps(members)})
    path = folder / f"{_sha256(half)[:40]}.parquet"
    half.replace(path)
    return _Segment(path, members)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _segments(folder: Path) -> list[_Segment]:
    """What is kept, largest first; what was damaged is removed."""
    found = []
    for path in sorted(folder.glob("*.parquet")):
        if _sha256(path)[:40] != path.stem:
            path.unlink()
            continue
        members = json.loads(pl.read_parquet_metadata(path)[_MEMBERS])
        found.append(_Segment(path, tuple((digest, rows) for digest, rows in members)))
    return sorted(found, key=lambda segment: (-segment.rows, segment.path.name))


def _merged(folder: Path, segments: list[_Segment], wanted: set[str]) -> list[_Segment]:
    """``segments``, the smaller ones made one where there are too many; what is not wanted is left out."""
    ordered = sorted(segments, key=lambda segment: (-segment.rows, segment.path.name))
    if len(ordered) <= _MOST_SEGMENTS:
        return ordered
    cut = len(ordered) - 2
    while cut > 0 and ordered[cut - 1].rows <= 2 * sum(segment.rows for segment in ordered[cut:]):
        cut -= 1
    parts: list[pl.DataFrame] = []
    members: list[tuple[str, int]] = []
    for segment in ordered[cut:]:
        frame = pl.read_parquet(segment.path)
        for (digest, rows), end in zip(segment.members, _ends(segment), strict=True):
            if digest in wanted and digest not in {known for known, _ in members}:
                parts.append(frame.slice(end - rows, rows))
                members.append((digest, rows))
    merged = [_keep(folder, pl.concat(parts).rechunk(), members)] if parts else []
    for segment in ordered[cut:]:
        if segment.path not in {one.path for one in merged}:
            segment.path.unlink()
    return [*ordered[:cut], *merged]


def _ends(segment: _Segment) -> list[int]:
    ends, end = [], 0
    for _, rows in segment.members:
        end += rows
        ends.append(end)
    return ends


def _parts(segment: _Segment, frame: pl.DataFrame) -> dict[str, _Slice]:
    return {
        digest: _Slice(frame, end - rows, rows)
        for (digest, rows), end in zip(segment.members, _ends(segment), strict=True)
    }


def _slices(
    segments: list[_Segment], dataset: Dataset, wanted: set[str], fresh: dict[str, _Slice]
) -> dict[str, _Slice] | None:
    """Where the rows of each delivery lie, those just staged in ``fresh``.

    None where a segment is not what it should be, and was removed.
    """
    schema = {
        name: kind for name, kind in empty_frame(STAGED[dataset]).schema.items() if name not in NOT_KEPT
    }
    found = dict(fresh)
    for segment in segments:
        if not any(digest in wanted and digest not in found for digest, _ in segment.members):
            continue
        frame = pl.read_parquet(segment.path)
        os.utime(segment.path)  # when it was last of use tells what may go
        if dict(frame.schema) != schema or frame.height != segment.rows:
            segment.path.unlink()
            return None
        found = _parts(segment, frame) | found
    return found


def _composed(dataset: Dataset, awaited: Sequence[Awaited], slices: dict[str, _Slice]) -> pl.DataFrame:
    """One frame in order of arrival; neighbours in a segment stay together, so that most is not copied."""
    places = [slices[one.digest] for one in awaited]
    apart = [
        before.frame is not after.frame or before.offset + before.rows != after.offset
        for before, after in pairwise(places)
    ]
    starts = [0, *(place for place, is_apart in enumerate(apart, start=1) if is_apart)] if places else []
    parts = [
        places[first].frame.slice(places[first].offset, sum(place.rows for place in places[first:last]))
        for first, last in pairwise([*starts, len(places)])
    ]
    if not parts:
        return empty_frame(STAGED[dataset])
    each = np.repeat(np.arange(len(awaited)), [place.rows for place in places])
    whole = (
        pl.concat(parts)
        .rechunk()
        .with_columns(
            pl.Series("delivery_id", [one.delivery_id for one in awaited]).gather(each),
            pl.Series("source_file", [one.source_file for one in awaited]).gather(each),
            pl.Series("delivery_order", [one.order for one in awaited], dtype=pl.Int32).gather(each),
            pl.lit(None, pl.String).alias("scope_doubt"),
            pl.col(_OFTEN_EMPTY).fill_null(""),
        )
    )
    return whole.select(empty_frame(STAGED[dataset]).columns)
