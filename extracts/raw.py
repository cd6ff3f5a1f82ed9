"""Raw rows: a delivery's rows as received, each with its place, kept once and never changed.

A raw frame has one text column a form column (wide tables ``amount:<value>``) plus row number and kind.
They lie as Parquet, one file a delivery and form version, so that a night reads only what is new. Typing is in
``extracts.staging``.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from authorities.forms import ExtractForm, FormColumn
from extracts.headers import Header, find_header
from extracts.landing import Delivery
from extracts.problems import ExtractError
from extracts.sheets import Sheet, open_sheets
from extracts.text import fold, folded, unit_of_amounts

ROW_KINDS = ("data", "total", "section", "other_fund")
_READER_VERSION = "1"
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


def kept_rows(store: Path, form: ExtractForm, sha256: str) -> Path:
    """Where the raw rows of a file, as this form reads it, are kept."""
    return store / form.form_code / f"{sha256}-{_form_digest(form)}.parquet"


def read_delivery(delivery: Delivery, store: Path) -> RawDelivery:
    """Raw rows of a claimed delivery: from ``store`` if they lie there, else from the file, and kept."""
    form = delivery.form
    if form is None:
        raise ValueError(f"{delivery.source_file} is claimed by no form")
    if delivery.problem:
        return RawDelivery(delivery, _no_rows(form), delivery.problem)
    kept = kept_rows(store, form, delivery.sha256)
    if kept.is_file():
        return RawDelivery(delivery, pl.read_parquet(kept))
    try:
        rows = read_rows(delivery.path, delivery.source_file, form)
    except ExtractError as problem:
        return RawDelivery(delivery, _no_rows(form), problem)
    _keep(rows, kept)
    return RawDelivery(delivery, rows)


def _form_digest(form: ExtractForm) -> str:
    return hashlib.sha256((_READER_VERSION + form.model_dump_json()).encode()).hexdigest()[:12]


def _keep(rows: pl.DataFrame, path: Path) -> None:
    """Write beside and rename, so that a killed night leaves no half file; for the owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    rows.write_parquet(half, compression="lz4")
    half.chmod(0o400)
    half.replace(path)


def _raw_schema(form: ExtractForm) -> dict[str, pl.DataType]:
    texts = {raw_name(column): pl.String() for column in form.columns if column.field != "ignored"}
    return {
        "sheet": pl.String(), "row_number": pl.Int32(), "row_kind": pl.String(), "scale": pl.String(), **texts,
    }  # fmt: skip


def _no_rows(form: ExtractForm) -> pl.DataFrame:
    return pl.DataFrame(schema=_raw_schema(form))


def read_rows(path: Path, shown: str, form: ExtractForm) -> pl.DataFrame:
    """Raw rows of every sheet of ``path`` that ``form`` recognises.

    Raises:
        ExtractError: naming file, sheet and row, and the remedy.
    """
    sheets = open_sheets(path, shown, decimal=form.numbers.decimal)
    wanted = form.recognise.sheet_name
    chosen = [sheet for sheet in sheets if wanted is None or re.search(wanted, sheet.name)]
    if not chosen:
        names = ", ".join(f"'{sheet.name}'" for sheet in sheets)
        raise ExtractError(
            shown, f"no sheet fits '{wanted}' of form '{form.form_code}' (there are {names})",
            "Name the sheet as the form expects",
        )  # fmt: skip
    return pl.concat([_sheet_rows(sheet, shown, form) for sheet in chosen])


def _sheet_rows(sheet: Sheet, shown: str, form: ExtractForm) -> pl.DataFrame:
    header = find_header(form, sheet, shown)
    below = sheet.rows_below(header.end, header.width)
    if below.is_empty():
        raise ExtractError(
            shown, "there are no rows below the header", "If nothing was collected, send a row that says 0",
            sheet=sheet.name, row=header.end,
        )  # fmt: skip
    kind = _row_kind(below, header, form)
    texts = [
        pl.col(f"c{place}").alias(raw_name(column))
        for column, place in header.places
        if column.field != "ignored"
    ]
    frame = below.select(
        pl.lit(sheet.name).alias("sheet"),
        pl.col("row_number").cast(pl.Int32),
        kind.alias("row_kind"),
        pl.lit(_scale(sheet, header, form)).alias("scale"),
        *texts,
    )
    schema = _raw_schema(form)
    absent = [pl.lit(None, pl.String()).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(absent).select(list(schema))


def _scale(sheet: Sheet, header: Header, form: ExtractForm) -> str:
    """Unit of the amounts: the sheet's own unit line wins over the form's word."""
    if form.numbers.unit_line is None:
        return form.numbers.unit
    for row in sheet.head[: header.end]:
        for cell in row:
            found = re.search(form.numbers.unit_line, fold(cell))
            if found and (scale := unit_of_amounts(found.group(1))):
                return scale
    return form.numbers.unit


def _row_kind(below: pl.DataFrame, header: Header, form: ExtractForm) -> pl.Expr:
    """What each row is: only rows that lack a key or carry few texts can be totals or headings."""
    keys = [
        f"c{place}" for column, place in header.places if not column.field.startswith(("amount", "taxpayer"))
    ]
    cells = [name for name in below.columns if name.startswith("c")]
    first_text = folded(pl.coalesce(pl.col(cells)))
    named = [folded(pl.col(f"c{place}")) for column, place in header.places if column.field == "unit_name"]
    suspect = pl.any_horizontal(pl.col(keys).is_null())
    kind = pl.when(suspect & _any_matches([first_text, *named], form.totals)).then(pl.lit("total"))
    kind_of_named = kind.when(_any_matches(named, form.totals)).then(pl.lit("total")) if named else kind
    if form.sections is not None:
        kind_of_named = kind_of_named.when(suspect & _any_matches([first_text, *named], form.sections)).then(
            pl.lit("section")
        )
    if form.keep is not None and header.keep_place is not None:
        kept = pl.col(f"c{header.keep_place}").str.contains(form.keep.keep)
        kind_of_named = kind_of_named.when(~kept.fill_null(value=False)).then(pl.lit("other_fund"))
    return kind_of_named.otherwise(pl.lit("data"))


def _any_matches(texts: list[pl.Expr], pattern: str) -> pl.Expr:
    return pl.any_horizontal([text.str.contains(pattern).fill_null(value=False) for text in texts])
