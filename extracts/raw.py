"""Raw rows: a delivery's rows as received, each with its place, kept once and never changed.

A raw frame has one text column a form column (wide tables ``amount:<value>``) plus row number and kind.
They lie as Parquet, one file a delivery and form version, so that a night reads only what is new. What a row
is, is told in ``extracts.row_kinds``; typing is in ``extracts.staging``.
"""

import hashlib
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from authorities.forms import USUAL_LIMITS, ExtractForm, FormColumn, ReadingLimits
from extracts.archives import Member
from extracts.headers import Header, find_header
from extracts.landing import Delivery, file_stamp, unreadable
from extracts.opening import Manner, open_sheets
from extracts.problems import ExtractError
from extracts.row_kinds import row_kinds
from extracts.sheets import Sheet
from extracts.text import fold, unit_of_amounts

_NO_NAMES: frozenset[str] = frozenset()
_READER_VERSION = "3"
"""Raises with any change in how files are read, so that kept raw rows are read anew."""


@dataclass(frozen=True)
class RawDelivery:
    """A delivery's raw rows, or why there are none.

    Attributes:
        rows: raw rows of all its sheets; without rows where ``problem`` is set.
        problem: for a file that could not be read.
    """

    delivery: Delivery
    rows: pl.DataFrame
    problem: ExtractError | None = None


def raw_name(column: FormColumn) -> str:
    """Raw column of a form column; an amount of a wide table is told apart by its value."""
    return f"{column.field}:{column.value}" if column.value else column.field


def kept_rows(store: Path, form: ExtractForm, sha256: str, unit_names: frozenset[str] = _NO_NAMES) -> Path:
    """Where the raw rows of a file, as this form reads it, are kept."""
    return store / form.form_code / f"{sha256}-{_form_digest(form, unit_names)}.parquet"


def read_delivery(delivery: Delivery, store: Path, unit_names: frozenset[str] = _NO_NAMES) -> RawDelivery:
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
        return RawDelivery(delivery, _no_rows(form), delivery.problem)
    kept = kept_rows(store, form, delivery.sha256, unit_names)
    if kept.is_file():
        try:
            return RawDelivery(delivery, read_kept(kept))
        except (pl.exceptions.PolarsError, OSError):
            kept.unlink()  # damaged by a crash of the machine: the file itself is read again
    try:
        rows = read_rows(
            delivery.path, delivery.source_file, form, unit_names, limits=delivery.limits,
            member=delivery.member,
        )  # fmt: skip
        _refuse_changed(delivery)
    except ExtractError as problem:
        return RawDelivery(delivery, _no_rows(form), problem)
    except OSError as error:
        return RawDelivery(delivery, _no_rows(form), unreadable(delivery.source_file, error))
    _keep(rows, kept)
    return RawDelivery(delivery, rows)


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


def _keep(rows: pl.DataFrame, path: Path) -> None:
    """Write beside and rename, so that a killed night leaves no half file; for the owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.touch(mode=0o600)
    # A column of empty texts takes polars longer to write than all the amounts; nulls take nothing.
    unnamed = pl.when(pl.col("sheet") != "").then(pl.col("sheet"))
    rows.with_columns(unnamed).write_parquet(half, compression="lz4", statistics=False)
    half.chmod(0o400)
    half.replace(path)


def _raw_schema(form: ExtractForm) -> dict[str, pl.DataType]:
    texts = {raw_name(column): pl.String() for column in form.columns if column.field != "ignored"}
    return {
        "sheet": pl.String(), "row_number": pl.Int32(), "row_kind": pl.String(), "scale": pl.String(),
        **texts,
    }  # fmt: skip


def _no_rows(form: ExtractForm) -> pl.DataFrame:
    return pl.DataFrame(schema=_raw_schema(form))


def read_rows(
    path: Path, shown: str, form: ExtractForm, unit_names: frozenset[str] = _NO_NAMES, *,
    limits: ReadingLimits = USUAL_LIMITS, member: Member | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Raw rows of every sheet of ``path`` (or of its ``member``) that ``form`` recognises.

    Raises:
        ExtractError: naming file, sheet and row, and the remedy.
        OSError: the file cannot be read at all.
    """
    sheets = open_sheets(path, shown, Manner.of(form, limits), member)
    return pl.concat([_sheet_rows(sheet, shown, form, unit_names) for sheet in sheets])


def _sheet_rows(sheet: Sheet, shown: str, form: ExtractForm, unit_names: frozenset[str]) -> pl.DataFrame:
    header = find_header(form, sheet, shown)
    below = header.sheet.rows_below(header.end, header.width, shown)
    if below.is_empty():
        raise ExtractError(
            shown, "there are no rows below the header", "If nothing was collected, send a row that says 0",
            sheet=sheet.name, row=header.end,
        )  # fmt: skip
    texts = [
        pl.col(f"c{place}").alias(raw_name(column))
        for column, place in header.places
        if column.field != "ignored"
    ]
    frame = below.select(
        pl.lit(sheet.name).alias("sheet"),
        pl.col("row_number").cast(pl.Int32),
        row_kinds(below, header, form, unit_names).alias("row_kind"),
        pl.lit(_scale(header, form)).alias("scale"),
        *texts,
    )
    schema = _raw_schema(form)
    absent = [pl.lit(None, pl.String()).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(absent).select(list(schema))


def _scale(header: Header, form: ExtractForm) -> str:
    """Unit of the amounts: the sheet's own unit line wins over the form's word."""
    if form.numbers.unit_line is None:
        return form.numbers.unit
    for row in header.sheet.head[: header.end]:
        for cell in row:
            found = re.search(form.numbers.unit_line, fold(cell))
            if found and (scale := unit_of_amounts(found.group(1))):
                return scale
    return form.numbers.unit
