"""Raw rows: a delivery's rows as received, each with its place, kept once and never changed.

A raw frame has one text column a form column (wide tables ``amount:<value>``) plus row number and kind.
They lie as Parquet, one file a delivery and form version, so that a night reads only what is new. How a file
becomes such rows is in ``extracts.reading``, and for big texts in ``extracts.bulk``; of the latter, what all
rows have alike stands in the Parquet's metadata. Typing is in ``extracts.staging``.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import polars as pl

from authorities.forms import ExtractForm
from extracts.bulk import BULK_BYTES, Told, UnusualTextError, bulk_text
from extracts.landing import Delivery, file_stamp, unreadable
from extracts.problems import ExtractError
from extracts.reading import NO_NAMES, SheetReading, no_rows, read_sheets
from extracts.row_kinds import MARK, kind_by_mark
from extracts.storage import system_errors

_NOTES, _TOLD = "wardcast.notes", "wardcast.rows"
_ROOM = 16 * 1024
"""Bytes of a Parquet's metadata left for what is told of its rows when all of them are written."""
_PARQUET_END = 8
"""Bytes behind a Parquet's metadata: their length, and four that every such file ends with."""
HELD_BYTES = 4 * 1024**2
"""Kept raw rows of more than this, some hundred thousand, are not held in memory where a plan will do."""
_READER_VERSION = "7"
"""Raises with any change in how files are read, so that kept raw rows are read anew."""


@dataclass(frozen=True)
class RawDelivery:
    """A delivery's raw rows, or why there are none.

    Attributes:
        rows: raw rows of all its sheets; without rows where ``problem`` is set.
        problem: for a file that could not be read.
        notes: what was decided by evidence in reading it, one clause each.
        scan: a plan of the raw rows where they are too many to be held; ``rows`` has none then.
    """

    delivery: Delivery
    rows: pl.DataFrame
    problem: ExtractError | None = None
    notes: tuple[str, ...] = ()
    scan: pl.LazyFrame | None = None


@dataclass(frozen=True)
class KeptDelivery:
    """A delivery's raw rows once they are kept, or why there are none.

    Attributes:
        rows: raw rows of all its sheets; of a big text, a plan that reads them from where they are kept.
        problem: for a file that could not be read.
        notes: what was decided by evidence in reading it, one clause each.
    """

    rows: pl.DataFrame | pl.LazyFrame
    problem: ExtractError | None = None
    notes: tuple[str, ...] = ()


def kept_rows(store: Path, form: ExtractForm, sha256: str, unit_names: frozenset[str] = NO_NAMES) -> Path:
    """Where the raw rows of a file, as this form reads it, are kept."""
    return kept_by_digest(store, form, unit_names)(sha256)


def kept_by_digest(store: Path, form: ExtractForm, unit_names: frozenset[str]) -> Callable[[str], Path]:
    """``kept_rows`` of many files of one form, whose own digest is taken once."""
    folder, digest = store / form.form_code, _form_digest(form, unit_names)
    return cache(lambda sha256: folder / f"{sha256}-{digest}.parquet")


def read_delivery(delivery: Delivery, store: Path, unit_names: frozenset[str] = NO_NAMES) -> RawDelivery:
    """Raw rows of a claimed delivery, kept as by ``keep_delivery`` and all in memory."""
    kept = keep_delivery(delivery, store, unit_names)
    return RawDelivery(delivery, kept.rows.lazy().collect(), kept.problem, kept.notes)


def keep_delivery(
    delivery: Delivery, store: Path, unit_names: frozenset[str] = NO_NAMES, *, bulk_bytes: int = BULK_BYTES
) -> KeptDelivery:
    """Raw rows of a claimed delivery: from ``store`` if they lie there, else from the file, and kept.

    Args:
        delivery: a file that a form claims.
        store: folder of the kept raw rows.
        unit_names: folded names of units, which are no totals whatever they begin with.
        bulk_bytes: size from which on a text is read by pieces.

    Raises:
        OSError: the store cannot be written; a file that cannot be read is the delivery's own problem.
    """
    form = delivery.form
    if form is None:
        raise ValueError(f"{delivery.source_file} is claimed by no form")
    if delivery.problem:
        return KeptDelivery(no_rows(form), delivery.problem)
    kept = kept_rows(store, form, delivery.sha256, unit_names)
    if kept.is_file():
        try:
            return _kept_before(kept)
        except (pl.exceptions.PolarsError, OSError, ValueError, KeyError):
            kept.unlink()  # damaged by a crash of the machine: the file itself is read again
    if (by_pieces := _kept_by_pieces(delivery, form, unit_names, kept, bulk_bytes)) is not None:
        return by_pieces
    try:
        sheets = read_sheets(
            delivery.path, delivery.source_file, form, unit_names, limits=delivery.limits,
            member=delivery.member,
        )  # fmt: skip
        _refuse_changed(delivery)
    except ExtractError as problem:
        return KeptDelivery(no_rows(form), problem)
    except OSError as error:
        return KeptDelivery(no_rows(form), unreadable(delivery.source_file, error))
    rows, notes = pl.concat([sheet.rows for sheet in sheets]), _notes(sheets)
    _keep(rows, notes, kept)
    return KeptDelivery(rows, notes=notes)


def _kept_before(path: Path) -> KeptDelivery:
    """Rows that an earlier night kept.

    Raises:
        PolarsError, OSError, ValueError, KeyError: they are damaged.
    """
    notes = _kept_notes(path)
    if MARK not in pl.read_parquet_schema(path):
        return KeptDelivery(read_kept(path), notes=notes)
    pl.scan_parquet(path, glob=False).null_count().collect()  # all of it is looked at, and nothing held
    return KeptDelivery(scan_kept(path), notes=notes)


def _kept_by_pieces(
    delivery: Delivery, form: ExtractForm, unit_names: frozenset[str], kept: Path, least: int
) -> KeptDelivery | None:
    """Rows of a text of ``least`` bytes or more, kept a piece at a time; None where a file is read whole.

    Whatever goes wrong, reading it whole says it.
    """
    if delivery.member is not None or delivery.file_bytes < least:
        return None
    try:
        text = bulk_text(delivery.path, delivery.source_file, form, unit_names, delivery.limits)
        if text is None:
            return None
        with _half_of(kept) as half:
            text.rows.sink_parquet(
                half, compression="lz4", statistics=False, metadata={_TOLD: " " * _ROOM}, engine="streaming"
            )
            told = text.told(pl.scan_parquet(half, glob=False))
            _fill_room(half, told)
            _refuse_changed(delivery)
    except (UnusualTextError, ExtractError, pl.exceptions.PolarsError, OSError):
        return None
    return KeptDelivery(scan_kept(kept), notes=tuple(told.notes))


def _fill_room(path: Path, told: Told) -> None:
    """Write what is told of a Parquet's rows into the room that its metadata has for it.

    Raises:
        UnusualTextError: it does not fit.
    """
    text = json.dumps(asdict(told)).encode()
    if len(text) > _ROOM:
        raise UnusualTextError
    with path.open("r+b") as file:
        end = file.seek(-_PARQUET_END, os.SEEK_END)
        start = file.seek(end - int.from_bytes(file.read(4), "little"))
        room = file.read(end - start).index(b" " * _ROOM)
        file.seek(start + room)
        file.write(text)


def _notes(sheets: list[SheetReading]) -> tuple[str, ...]:
    """Each note once, with its sheet where only some have it."""
    told = [(note, sheet.header.sheet.name) for sheet in sheets for note in sheet.notes]
    notes = dict.fromkeys(note for note, _ in told)
    named = {note: [name for said, name in told if said == note and name] for note in notes}
    some = {note: names for note, names in named.items() if names and len(names) < len(sheets)}
    return tuple(f"sheet '{', '.join(some[note])}': {note}" if note in some else note for note in notes)


def _kept_notes(path: Path) -> tuple[str, ...]:
    metadata = pl.read_parquet_metadata(path)
    told = json.loads(metadata[_TOLD])["notes"] if _TOLD in metadata else None
    return tuple(json.loads(metadata.get(_NOTES, "[]")) if told is None else told)


def _refuse_changed(delivery: Delivery) -> None:
    """Rows of other bytes than those that were hashed must not be kept under their digest."""
    if delivery.stamp is not None and file_stamp(delivery.path) != delivery.stamp:
        raise ExtractError(
            delivery.source_file, "the file changed while it was being read",
            "Copy it under another name and rename it when it is whole; run again",
        )  # fmt: skip


def _form_digest(form: ExtractForm, unit_names: frozenset[str]) -> str:
    mistakable = sorted(name for name in unit_names if re.search(form.totals, name))
    told = _READER_VERSION + form.model_dump_json() + "".join(mistakable)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def read_kept(path: Path, *, without: Collection[str] = ()) -> pl.DataFrame:
    """Kept raw rows, some columns left out."""
    return scan_kept(path).select(pl.exclude(without)).collect()


def scan_kept(path: Path) -> pl.LazyFrame:
    """Kept raw rows, read when asked for."""
    rows = pl.scan_parquet(path, glob=False)
    if MARK not in rows.collect_schema():
        return rows.with_columns(pl.col("sheet").fill_null(""))
    told = Told(**json.loads(pl.read_parquet_metadata(path)[_TOLD]))
    sheet, *others = (pl.lit(value, pl.String).alias(name) for name, value in told.alike.items())
    kind = kind_by_mark(told.last_total, told.numbering)
    return rows.select(sheet, "row_number", kind, *others, pl.exclude("row_number", MARK))


def _keep(rows: pl.DataFrame, notes: tuple[str, ...], path: Path) -> None:
    # A column of empty texts takes polars longer to write than all the amounts; nulls take nothing.
    unnamed = pl.when(pl.col("sheet") != "").then(pl.col("sheet"))
    with _half_of(path) as half:
        rows.with_columns(unnamed).write_parquet(
            half, compression="lz4", statistics=False, metadata={_NOTES: json.dumps(notes)}
        )


def sweep(store: Path) -> None:
    """Remove what killed processes were keeping: taxpayers' names may be in it, where no erasure looks."""
    for half in store.glob("*/*.half"):
        if not _is_running(half.name.split(".")[-2]):
            half.unlink(missing_ok=True)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True  # another user's
    return True


@contextmanager
def _half_of(path: Path) -> Iterator[Path]:
    """Written beside and renamed, for the owner's eyes only; what a killed night leaves goes by ``sweep``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.touch(mode=0o600)
    try:
        with system_errors():
            yield half
        half.chmod(0o400)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
