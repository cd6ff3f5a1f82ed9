"""From an opened file to raw rows: sheets, their headers, and each row's cells, kind, unit and date order.

What had to be decided by evidence (letters before Unicode, the order of dates) is said in notes. Where raw
rows are kept is in ``extracts.raw``; typing is in ``extracts.staging``.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

import polars as pl

from authorities.forms import USUAL_LIMITS, ExtractForm, FormColumn, ReadingLimits
from extracts.archives import Member
from extracts.dates import counted, how_written, order_of_dates, row_dates
from extracts.decimals import decimal_by_evidence, how_read
from extracts.encodings import UNICODE
from extracts.headers import Header, find_header
from extracts.opening import Manner, open_sheets
from extracts.problems import ExtractError
from extracts.row_kinds import data_rows, row_kinds
from extracts.sheets import Sheet
from extracts.text import fold, unit_of_amounts

NO_NAMES: frozenset[str] = frozenset()
DATES = ("posting_date", "period_end", "due_on", "stated_on", "decided_on", "effective_from")


@dataclass(frozen=True)
class SheetReading:
    """A sheet as a form reads it.

    Attributes:
        header: where its table begins, and which column means what.
        rows: its raw rows.
        notes: what was decided by evidence, one clause each.
    """

    header: Header
    rows: pl.DataFrame
    notes: tuple[str, ...]


def raw_name(column: FormColumn) -> str:
    """Raw column of a form column; an amount of a wide table is told apart by its value."""
    return f"{column.field}:{column.value}" if column.value else column.field


def raw_schema(form: ExtractForm) -> dict[str, pl.DataType]:
    """Columns of a form's raw rows."""
    texts = {raw_name(column): pl.String() for column in form.columns if column.field != "ignored"}
    above = {"decision_line": pl.String()} if form.decision_line else {}
    return {
        "sheet": pl.String(), "row_number": pl.Int32(), "row_kind": pl.String(), "scale": pl.String(),
        "date_order": pl.String(), "decimal": pl.String(), **above, **texts,
    }  # fmt: skip


def no_rows(form: ExtractForm) -> pl.DataFrame:
    """The shape of a form's raw rows."""
    return pl.DataFrame(schema=raw_schema(form))


def read_sheets(
    path: Path, shown: str, form: ExtractForm, unit_names: frozenset[str] = NO_NAMES, *,
    limits: ReadingLimits = USUAL_LIMITS, member: Member | None = None,
) -> list[SheetReading]:  # fmt: skip
    """Every sheet of ``path`` (or of its ``member``) that ``form`` recognises, read.

    Raises:
        ExtractError: naming file, sheet and row, and the remedy.
        OSError: the file cannot be read at all.
    """
    sheets = open_sheets(path, shown, Manner.of(form, limits), member)
    return [_read_sheet(sheet, shown, form, unit_names) for sheet in sheets]


def _read_sheet(sheet: Sheet, shown: str, form: ExtractForm, unit_names: frozenset[str]) -> SheetReading:
    header = find_header(form, sheet, shown)
    below = header.sheet.rows_below(header.end, header.width, shown)
    if below.is_empty():
        raise ExtractError(
            shown, "there are no rows below the header", "If nothing was collected, send a row that says 0",
            sheet=sheet.name, row=header.end,
        )  # fmt: skip
    frame = below.select(
        pl.lit(sheet.name).alias("sheet"),
        pl.col("row_number").cast(pl.Int32),
        row_kinds(below, header, form, unit_names).alias("row_kind"),
        pl.lit(scale_of(header, form)).alias("scale"),
        *(
            [pl.lit(decision_line_of(header, form), pl.String).alias("decision_line")]
            if form.decision_line
            else []
        ),
        *texts_of(header),
    )
    schema = raw_schema(form)
    absent = [pl.lit(None, pl.String()).alias(name) for name in schema if name not in frame.columns]
    dates = counted(_dates_of(frame))
    order = order_of_dates(dates, form.date_order)
    told = frame.with_columns(absent).with_columns(pl.lit(order).alias("date_order"))
    mark = _decimal(told, header.sheet, form)
    rows = told.with_columns(_decimals(told, form, mark)).select(list(schema))
    notes = (*_letters(header.sheet), *how_written(dates, order), *how_read(mark, form.numbers.decimal))
    return SheetReading(header, rows, notes)


def texts_of(header: Header) -> list[pl.Expr]:
    """The cells of a sheet's rows that have a meaning, by their raw names."""
    return [
        pl.col(f"c{place}").alias(raw_name(column))
        for column, place in header.places
        if column.field != "ignored"
    ]


def _decimal(rows: pl.DataFrame, sheet: Sheet, form: ExtractForm) -> str:
    """The form's decimal mark, or the one a text proves; other files hold numbers, written the form's way."""
    if sheet.file_format != "text" or form.numbers.spells:
        return form.numbers.decimal
    data = data_rows(rows, ["data"])
    amounts = [data[name] for name in data.columns if name.partition(":")[0] == "amount"]
    return decimal_by_evidence(amounts, form.numbers.decimal, scale=data["scale"][0] if data.height else "")


def _decimals(rows: pl.DataFrame, form: ExtractForm, mark: str) -> pl.Expr:
    """The decimal mark of each row: the sheet's, or that of the spell its date lies in."""
    decimal: pl.Expr = pl.lit(mark)
    days = row_dates(rows, form) if form.numbers.spells else None
    if days is not None:
        for spell in form.numbers.spells:
            within = days.is_between(spell.first, spell.last).fill_null(value=False)
            decimal = pl.when(within).then(pl.lit(spell.decimal)).otherwise(decimal)
    return decimal.alias("decimal")


def _dates_of(frame: pl.DataFrame) -> pl.Series:
    data = data_rows(frame)
    columns = [data[name] for name in DATES if name in data.columns]
    return pl.concat(columns).drop_nulls() if columns else pl.Series(dtype=pl.String)


def _letters(sheet: Sheet) -> list[str]:
    if not sheet.encoding or sheet.encoding in UNICODE:
        return []
    return [f"its letters are no Unicode and were read as {sheet.encoding}"]


def decision_line_of(header: Header, form: ExtractForm) -> str | None:
    """The line above the table that names the decision behind an estimate."""
    cells = (normalize("NFC", cell) for row in header.sheet.head[: header.end] for cell in row if cell)
    return next((cell for cell in cells if re.search(form.decision_line or "", cell)), None)


def scale_of(header: Header, form: ExtractForm) -> str:
    """Unit of the amounts: the sheet's own unit line wins over the form's word.

    The line may stand in one cell, or its words in one and the unit in the next that is filled.
    """
    if form.numbers.unit_line is None:
        return form.numbers.unit
    for row in header.sheet.head[: header.end]:
        cells = [fold(cell) for cell in row if cell]
        for cell, following in pairwise([*cells, ""]):
            for said in (cell, f"{cell} {following}"):
                found = re.search(form.numbers.unit_line, said)
                if found and (scale := unit_of_amounts(found.group(1))):
                    return scale
    return form.numbers.unit
