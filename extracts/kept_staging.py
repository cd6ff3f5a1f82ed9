"""Staged rows that are kept from night to night, so that a night stages only what is new.

A segment is a Parquet file with the staged rows of one or many deliveries, one after the other. Each is known
by a digest of all that staging reads: the raw rows, the form, what the file's name says, the parts of the
configuration, and the code itself. What is kept under another digest is not looked at. Place among all
deliveries and doubts about a resend depend on other files, so they are not kept. All history is never in
memory: what comes out is a plan over the segments. How rows are staged is in ``extracts.staging``.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from authorities.forms import Dataset
from authorities.model import Authority
from extracts.code_version import code_digest
from extracts.raw import RawDelivery
from extracts.storage import system_errors
from warehouse.projections import polars_schema
from warehouse.tables.staging import STAGED

NOT_KEPT = ("delivery_id", "source_file", "delivery_order", "scope_doubt")
"""Staged columns that depend on other deliveries, or are the same in all rows of one."""
_OFTEN_EMPTY = ("sheet", "source_column")
"""Columns of mostly empty texts, which take polars longer to write than all the amounts; kept as null."""
_MEMBERS = "wardcast.members"
_MEMBER = "member"
"""Column of a segment that numbers its deliveries, from 0."""
_BATCH_ROWS = 2_000_000
"""Raw rows that are staged together; a delivery of more is staged whole."""
_MOST_SEGMENTS = 6
"""More are merged, small ones first, so that a row is written again only a few times in its life."""


@dataclass(frozen=True)
class Awaited:
    """A delivery whose staged rows are wanted.

    Attributes:
        digest: of all that staging it reads.
        delivery_id, source_file: by which its rows name it.
        order: its place among all deliveries.
        rows: how many rows of data its file has.
        raw: reads its raw rows; called only where nothing is kept.
    """

    digest: str
    delivery_id: str
    source_file: str
    order: int
    rows: int
    raw: Callable[[], RawDelivery]


_Member = tuple[str, int]
"""Digest of a delivery, and its staged rows."""


@dataclass(frozen=True)
class _Segment:
    path: Path
    members: tuple[_Member, ...]
    """Digest and rows of each delivery, in the order of the rows."""

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.members)


@dataclass(frozen=True)
class _Slice:
    """Where the rows of one delivery lie: its segment, its number there, and its rows among the segment's."""

    path: Path
    number: int
    offset: int
    rows: int


@dataclass(frozen=True)
class _Run:
    """Deliveries that lie one behind the other in a segment as they did in arriving."""

    slices: list[_Slice]
    digests: list[str]

    def scan(self) -> pl.LazyFrame:
        """Their rows as kept, members numbered as in the segment."""
        first = self.slices[0]
        return pl.scan_parquet(first.path, glob=False).slice(
            first.offset, sum(one.rows for one in self.slices)
        )

    def told(self, name: str, kind: pl.DataType, of: Callable[[str], object]) -> pl.Expr:
        """For each row what ``of`` says of its delivery, by the digest."""
        values = pl.Series(name, [of(digest) for digest in self.digests], dtype=kind)
        if len(values) == 1:
            return pl.lit(values[0], kind).alias(name)
        first = self.slices[0].number
        return (
            pl.col(_MEMBER)
            .map_batches(
                lambda numbers: values.gather(numbers - first), return_dtype=kind, is_elementwise=True
            )
            .alias(name)
        )


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
) -> pl.LazyFrame:
    """Staged rows of the deliveries ``awaited``, in order of arrival; what is new is kept in ``folder``.

    Args:
        stage: stages raw rows, in order of arrival.

    Returns:
        The dataset's staged table, no delivery doubted: a plan over the segments, which hold all history.

    Raises:
        OSError: the folder cannot be written.
    """
    awaited = sorted(awaited, key=lambda one: one.order)
    if len({one.digest for one in awaited}) < len(awaited):
        raise ValueError("two deliveries under one digest: their rows could not be told apart")
    kept = _segments(folder, dataset)
    known = {digest for segment in kept for digest, _ in segment.members}
    new = {one.digest: one for one in awaited if one.digest not in known}
    for batch in _batches(list(new.values())):
        kept.append(_keep(folder, *_staged_anew(batch, stage)))
    kept = _merged(folder, kept, [one.digest for one in awaited])
    return _composed(dataset, awaited, kept)


def _batches(new: Sequence[Awaited]) -> Iterator[list[Awaited]]:
    """Deliveries to stage together: few at a time where they are large, so that memory is bounded."""
    batch: list[Awaited] = []
    rows = 0
    for one in new:
        if batch and rows + one.rows > _BATCH_ROWS:
            yield batch
            batch, rows = [], 0
        batch.append(one)
        rows += one.rows
    if batch:
        yield batch


def _staged_anew(
    new: list[Awaited], stage: Callable[[list[RawDelivery]], pl.DataFrame]
) -> tuple[pl.LazyFrame, list[_Member]]:
    """Rows of new deliveries as they are kept, and how many each has."""
    frame = stage([one.raw() for one in new])
    runs = frame.select(pl.col("delivery_order").rle()).unnest("delivery_order")
    rows = dict(zip(runs["value"].to_list(), runs["len"].to_list(), strict=True))
    members = [(one.digest, rows.get(one.order, 0)) for one in new]
    numbers = np.repeat(np.arange(len(new), dtype=np.uint32), [count for _, count in members])
    kept = frame.drop(NOT_KEPT).with_columns(
        *(pl.when(pl.col(name) != "").then(pl.col(name)) for name in _OFTEN_EMPTY),
        pl.Series(_MEMBER, numbers),
    )
    return kept.lazy(), members


def _keep(folder: Path, rows: pl.LazyFrame, members: Iterable[_Member]) -> _Segment:
    """Write beside and rename, named by its own bytes, so that half a file or a damaged one is never read."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = folder / "segment.half"  # a night has its home alone: one that was killed left this for us
    half.touch(mode=0o600)
    members = tuple(members)
    with system_errors():
        rows.sink_parquet(half, compression="lz4", statistics=False, metadata={_MEMBERS: json.dumps(members)})
    path = folder / f"{_sha256(half)[:40]}.parquet"
    half.replace(path)
    return _Segment(path, members)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _segments(folder: Path, dataset: Dataset) -> list[_Segment]:
    """What is kept, largest first; what is damaged, or not shaped as this code shapes it, is removed."""
    found = []
    for path in sorted(folder.glob("*.parquet")):
        if _sha256(path)[:40] != path.stem or dict(pl.read_parquet_schema(path)) != _schema(dataset):
            path.unlink()
            continue
        members = json.loads(pl.read_parquet_metadata(path)[_MEMBERS])
        found.append(_Segment(path, tuple((digest, rows) for digest, rows in members)))
    return sorted(found, key=lambda segment: (-segment.rows, segment.path.name))


def _schema(dataset: Dataset) -> dict[str, pl.DataType]:
    declared = polars_schema(STAGED[dataset])
    own: dict[str, pl.DataType] = {name: kind for name, kind in declared.items() if name not in NOT_KEPT}
    return own | {_MEMBER: pl.UInt32()}


def _merged(folder: Path, segments: list[_Segment], wanted: Sequence[str]) -> list[_Segment]:
    """``segments``, the smaller ones made one where there are too many; what is not wanted is left out."""
    ordered = sorted(segments, key=lambda segment: (-segment.rows, segment.path.name))
    if len(ordered) <= _MOST_SEGMENTS:
        return ordered
    cut = len(ordered) - 2
    while cut > 0 and ordered[cut - 1].rows <= 2 * sum(segment.rows for segment in ordered[cut:]):
        cut -= 1
    slices = _slices(ordered[cut:])
    members = [digest for digest in dict.fromkeys(wanted) if digest in slices]
    number = {digest: place for place, digest in enumerate(members)}
    rows = [
        run.scan().with_columns(run.told(_MEMBER, pl.UInt32(), number.__getitem__))
        for run in _runs(members, slices)
    ]
    told = [(digest, slices[digest].rows) for digest in members]
    merged = [_keep(folder, pl.concat(rows), told)] if rows else []
    for segment in ordered[cut:]:
        if segment.path not in {one.path for one in merged}:
            segment.path.unlink()
    return [*ordered[:cut], *merged]


def _slices(segments: Sequence[_Segment]) -> dict[str, _Slice]:
    """Where the rows of each delivery lie, by its digest."""
    found: dict[str, _Slice] = {}
    for segment in segments:
        offset = 0
        for number, (digest, rows) in enumerate(segment.members):
            found.setdefault(digest, _Slice(segment.path, number, offset, rows))
            offset += rows
    return found


def _runs(digests: Sequence[str], slices: dict[str, _Slice]) -> list[_Run]:
    """Deliveries in order, neighbours in a segment together."""
    runs: list[_Run] = []
    for digest in digests:
        own = slices[digest]
        last = runs[-1].slices[-1] if runs else None
        if last is None or (own.path, own.number) != (last.path, last.number + 1):
            runs.append(_Run([], []))
        runs[-1].slices.append(own)
        runs[-1].digests.append(digest)
    return runs


def _composed(dataset: Dataset, awaited: Sequence[Awaited], segments: Sequence[_Segment]) -> pl.LazyFrame:
    """The rows of all deliveries in order of arrival, each named by its delivery."""
    schema = polars_schema(STAGED[dataset])
    by_digest = {one.digest: one for one in awaited}
    runs = _runs([one.digest for one in awaited], _slices(segments))
    for path in {run.slices[0].path for run in runs}:
        os.utime(path)  # when it was last of use tells what may go
    parts = [
        run.scan()
        .with_columns(
            run.told("delivery_id", pl.String(), lambda digest: by_digest[digest].delivery_id),
            run.told("source_file", pl.String(), lambda digest: by_digest[digest].source_file),
            run.told("delivery_order", pl.Int32(), lambda digest: by_digest[digest].order),
            pl.lit(None, pl.String).alias("scope_doubt"),
            pl.col(_OFTEN_EMPTY).fill_null(""),
        )
        .select(list(schema))
        for run in runs
    ]
    return pl.concat(parts) if parts else pl.LazyFrame(schema=schema)
