"""Workbooks opened as sheets of text cells, whatever ending their name has.

Numbers are written the way the form writes numbers, so that one reading serves workbooks and text files. Text
files, and what both have in common, are in ``extracts.sheets``.
"""

import datetime as dt
import gc
import io
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import polars as pl

from authorities.forms import ReadingLimits
from extracts.archives import ZIP
from extracts.problems import ExtractError
from extracts.vietnamese import TCVN3, VNI, from_tcvn3, from_vni, syllable_share
from extracts.workbook_extent import refuse_oversized

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

OLE = b"\xd0\xcf\x11\xe0"
_UNICODE_SHARE, _OLD_SHARE = 0.5, 0.8
"""Shares of accented words that are Vietnamese: below the first cells are in doubt, above the second sure."""
_SAMPLE_ROWS = 500
_TOP_ROWS = 60
"""Rows in which titles and header stand, of all kinds of values."""
_BLOCK_ROWS = 2000
"""Rows of which the cells are made and used together, while the processor still has them at hand."""
_EXACT = 10**15
"""Below, a whole number in a cell has no digits that its sheet does not show."""


def is_workbook(raw: bytes) -> bool:
    """Whether the bytes begin as a workbook does (xlsx, xlsb and ods are zip files; xls is OLE)."""
    return raw.startswith((ZIP, OLE))


def workbook_cells(
    raw: bytes, shown: str, *, decimal: str, wanted: str | None, limits: ReadingLimits
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Name and text cells of every sheet whose name fits ``wanted``: columns ``c0 …`` from the sheet's first
    row on, empty cells null.

    Raises:
        ExtractError: beyond a limit, damaged, protected by a password, or without a sheet that fits.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        if raw.startswith(ZIP):
            refuse_oversized(raw, shown, limits)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = {name: unicodedata.normalize("NFC", name).strip() for name in workbook.sheet_names}
        chosen = [name for name, bare in names.items() if wanted is None or re.search(wanted, bare)]
        if not chosen:
            raise no_sheet_fits(shown, wanted or "", names.values())
        for name in chosen:
            with _collecting_nothing():
                cells = _text_columns(workbook.get_sheet_by_name(name), decimal)
            yield names[name], cells
    except PasswordError as error:
        raise ExtractError(
            shown, "the workbook is protected by a password", "Ask for it without one"
        ) from error
    except (CalamineError, BadZipFile, SyntaxError, zlib.error, EOFError, OSError, ValueError) as error:
        raise ExtractError(
            shown,
            "the workbook is damaged or cut short",
            "Open it in Excel, save it again, or ask for it again",
        ) from error


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Millions of cells hold no cycles; looking for some takes Python longer than making the cells."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def no_sheet_fits(shown: str, wanted: str, names: Iterable[str]) -> ExtractError:
    """The error for a file none of whose sheets the form names."""
    there = ", ".join(f"'{name}'" for name in names)
    problem = f"no sheet fits '{wanted}' of the form (there are {there or 'no sheets'})"
    return ExtractError(shown, problem, "Name the sheet as the form expects")


def _text_columns(sheet: "CalamineSheet", decimal: str) -> pl.DataFrame:
    """Cells as texts; below the titles block by block, as a column mostly holds one kind of value there."""
    rows = sheet.iter_rows()
    columns = [_as_texts(cells, decimal) for cells in zip(*islice(rows, _TOP_ROWS), strict=True)]
    while block := list(islice(rows, _BLOCK_ROWS)):
        for column, cells in zip(columns, zip(*block, strict=True), strict=True):
            column.append(_below(cells, decimal))
    first = sheet.start[1] if sheet.start else 0  # rows begin at the first column with a cell
    empty = [pl.lit(None, pl.String).alias(f"c{place}") for place in range(first)]
    frame = pl.DataFrame({f"c{place}": column for place, column in enumerate(columns, start=first)})
    bare = frame.rechunk().select(pl.all().str.strip_chars())  # both in one would strip every cell twice
    return bare.select(*empty, pl.when(pl.all() != "").then(pl.all()))


def _below(cells: tuple[Any, ...], decimal: str) -> pl.Series:
    kinds = set(map(type, cells))
    if kinds == {str}:
        return pl.Series(cells, dtype=pl.String)
    if kinds == {float}:
        numbers = np.array(cells)
        if (np.abs(numbers) < _EXACT).all() and (numbers == np.floor(numbers)).all():
            return pl.Series(numbers.astype(np.int64)).cast(pl.String)
    return _as_texts(cells, decimal)


def _as_texts(cells: tuple[Any, ...], decimal: str) -> pl.Series:
    texts = [cell.strip() if type(cell) is str else _cell_text(cell, decimal) for cell in cells]
    return pl.Series(texts, dtype=pl.String)


def in_unicode(cells: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Cells whose letters only a TCVN3 or VNI font makes Vietnamese, as Unicode; and what they were, if so.

    Such a workbook holds ``Sè tiÒn`` for ``Số tiền``. It is told by the words, of all its cells together.
    """
    sampled = [cells.head(_TOP_ROWS), cells.gather_every(max(1, cells.height // _SAMPLE_ROWS))]
    words = {
        cell for part in sampled for column in part for cell in column.drop_nulls() if not cell.isascii()
    }
    share = syllable_share(" ".join(words))
    if share is None or share >= _UNICODE_SHARE:
        return cells, ""
    for name, reading in ((TCVN3, from_tcvn3), (VNI, from_vni)):
        read = {cell: _read_as(cell, reading) for cell in words}
        if (syllable_share(" ".join(read.values())) or 0) >= _OLD_SHARE:
            texts = [[cell and _read_as(cell, reading) for cell in column] for column in cells]
            return pl.DataFrame(dict(zip(cells.columns, texts, strict=True)), schema=cells.schema), name
    return cells, ""


def _read_as(cell: str, reading: Callable[[bytes], str | None]) -> str:
    if cell.isascii():
        return cell
    try:
        return reading(cell.encode("latin-1")) or cell
    except UnicodeEncodeError:
        return cell


def _cell_text(cell: object, decimal: str) -> str:
    if type(cell) is float and -_EXACT < cell < _EXACT and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, int | float):
        exact = Decimal(repr(cell))
        if not exact.is_finite():
            return str(cell)
        plain = format(exact.to_integral_value() if exact == exact.to_integral_value() else exact, "f")
        return plain.replace(".", decimal)
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()[:10]
    return str(cell).strip()
