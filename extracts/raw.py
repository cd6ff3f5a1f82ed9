"""Raw rows: a delivery's rows as received, each with its place, kept once and never changed.

A raw frame has one text column a form column (wide tables ``amount:<value>``) plus row number and kind.
They lie as Parquet, one file a delivery and form version, so that a night reads only what is new. How a file
becomes such rows is in ``extracts.reading``; typing is in ``extracts.staging``.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from authorities.forms import ExtractForm
from extracts.landing import Delivery, file_stamp, unreadable
from extracts.problems import ExtractError
from extracts.reading import NO_NAMES, SheetReading, no_rows, read_sheets

_NOTES = "wardcast.notes"
_READER_VERSION = "6"
"""Raises with any change in how files are read, so that kept raw rows are read anew."""


@dataclass(frozen=True)
class RawDelivery:
    """A delivery's raw rows, or why there are none.

    Attributes:
        rows: raw rows of all its sheets; without rows where ``problem`` is set.
        problem: for a file that could not be read.
        notes: what was decided by evidence in reading it, one clause each.
    """

    delivery: Delivery
    rows: pl.DataFrame
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
    """Raw rows of a claimed delivery: from ``store`` if they lie there, else from the file, and kept.

    Args:
        delivery: a file that a form claims.
        store: folder of the kept raw rows.
        unit_names: folded names of units, which are no totals whatever they begin with.

    Raises:
        OSError: the store cannot be written; a file that cannot be read is the delivery's own problem.
    """
    form = delivery.form
    if form is None:
        raise ValueError(f"{delivery.source_file} is claimed by no form")
    if delivery.problem:
        return RawDelivery(delivery, no_rows(form), delivery.problem)
    kept = kept_rows(store, form, delivery.sha256, unit_names)
    if kept.is_file():
        try:
            return RawDelivery(delivery, read_kept(kept), notes=_kept_notes(kept))
        except (pl.exceptions.PolarsError, OSError):
            kept.unlink()  # damaged by a crash of the machine: the file itself is read again
    try:
        sheets = read_sheets(
            delivery.path, delivery.source_file, form, unit_names, limits=delivery.limits,
            member=delivery.member,
        )  # fmt: skip
        _refuse_changed(delivery)
    except ExtractError as problem:
        return RawDelivery(delivery, no_rows(form), problem)
    except OSError as error:
        return RawDelivery(delivery, no_rows(form), unreadable(delivery.source_file, error))
    rows, notes = pl.concat([sheet.rows for sheet in sheets]), _notes(sheets)
    _keep(rows, notes, kept)
    return RawDelivery(delivery, rows, notes=notes)


def _notes(sheets: list[SheetReading]) -> tuple[str, ...]:
    """Each note once, with its sheet where only some have it."""
    told = [(note, sheet.header.sheet.name) for sheet in sheets for note in sheet.notes]
    notes = dict.fromkeys(note for note, _ in told)
    named = {note: [name for said, name in told if said == note and name] for note in notes}
    some = {note: names for note, names in named.items() if names and len(names) < len(sheets)}
    return tuple(f"sheet '{', '.join(some[note])}': {note}" if note in some else note for note in notes)


def _kept_notes(path: Path) -> tuple[str, ...]:
    return tuple(json.loads(pl.read_parquet_metadata(path).get(_NOTES, "[]")))


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
    return (
        pl.scan_parquet(path)
        .select(pl.exclude(without))
        .collect()
        .with_columns(pl.col("sheet").fill_null(""))
    )


def _keep(rows: pl.DataFrame, notes: tuple[str, ...], path: Path) -> None:
    """Write beside and rename, so that a killed night leaves no half file; for the owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.touch(mode=0o600)
    # A column of empty texts takes polars longer to write than all the amounts; nulls take nothing.
    unnamed = pl.when(pl.col("sheet") != "").then(pl.col("sheet"))
    rows.with_columns(unnamed).write_parquet(
        half, compression="lz4", statistics=False,
        metadata={_NOTES: json.dumps(notes)},
    )  # fmt: skip
    half.chmod(0o400)
    half.replace(path)
