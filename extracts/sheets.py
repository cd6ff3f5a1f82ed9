"""Files opened as sheets of text cells, whatever their format and encoding.

A ``Sheet`` keeps every row in its place, so that row numbers are those a person sees. Finding headers and
meaning is in ``extracts.headers``; numbers from workbooks are written the way the form writes numbers, so
that one reading serves both.
"""

import csv
import datetime as dt
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import polars as pl

from extracts.problems import ExtractError

WORKBOOKS = {".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"}
TEXT_FILES = {".csv", ".txt", ".tsv"}
HEAD_ROWS = 60
"""Rows from the top in which a header is searched."""
_HEAD_BYTES = 256 * 1024
_DELIMITERS = ";,\t|"
_ENCODINGS = ("utf-8-sig", "cp1258")


@dataclass(frozen=True)
class Sheet:
    """A sheet: its first rows for finding the header, and a way to the rows below it.

    Attributes:
        name: sheet name; empty for a text file.
        head: up to ``HEAD_ROWS`` first rows as text cells.
    """

    name: str
    head: list[list[str]]
    _cells: list[list[str]] | None = None
    _text: bytes | None = None
    _delimiter: str = ";"

    def rows_below(self, header_end: int, width: int) -> pl.DataFrame:
        """Rows after the first ``header_end``, as text columns ``c0 … c{width-1}`` and ``row_number``.

        Empty cells are null; rows without any cell filled are left out.
        """
        names = [f"c{position}" for position in range(width)]
        frame = (
            self._rows_of_text(header_end, names)
            if self._cells is None
            else _frame_of_cells(self._cells[header_end:], names)
        )
        numbered = frame.with_row_index("row_number", offset=header_end + 1)
        return numbered.filter(pl.any_horizontal(pl.col(names).is_not_null()))

    def _rows_of_text(self, header_end: int, names: list[str]) -> pl.DataFrame:
        try:
            frame = pl.read_csv(
                io.BytesIO(self._text or b""),
                separator=self._delimiter,
                has_header=False,
                skip_lines=header_end,
                infer_schema=False,
                schema=dict.fromkeys(names, pl.String()),
                truncate_ragged_lines=True,
            )
        except pl.exceptions.NoDataError:
            frame = pl.DataFrame(schema=dict.fromkeys(names, pl.String()))
        return frame.with_columns(pl.when(pl.col(names).str.strip_chars() != "").then(pl.col(names)))


def open_sheets(path: Path, shown: str, *, decimal: str) -> list[Sheet]:
    """The sheets of a file.

    Args:
        path: the file.
        shown: its path below the landing folder, for messages.
        decimal: the form's decimal separator, in which numeric cells are written.

    Raises:
        ExtractError: empty, truncated, in an unknown format, or in an encoding that cannot be told.
    """
    if path.stat().st_size == 0:
        raise ExtractError(shown, "the file is empty", "Ask the sender to send it again")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        return [_text_sheet(_gunzip(path, shown), shown)]
    if suffixes and suffixes[-1] in TEXT_FILES:
        return [_text_sheet(path.read_bytes(), shown)]
    if suffixes and suffixes[-1] in WORKBOOKS:
        return list(_workbook_sheets(path, shown, decimal))
    raise ExtractError(shown, f"files ending in '{path.suffix}' are not read", "Send it as xlsx or csv")


def _gunzip(path: Path, shown: str) -> bytes:
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise ExtractError(shown, "the gzip file is damaged or cut short", "Ask for it again") from error


def _text_sheet(raw: bytes, shown: str) -> Sheet:
    text = _as_utf8(raw, shown)
    lines = text[:_HEAD_BYTES].decode("utf-8", errors="ignore").splitlines()[:HEAD_ROWS]
    delimiter = max(_DELIMITERS, key=lambda mark: sum(line.count(mark) for line in lines))
    head = [[cell.strip() for cell in row] for row in _csv_rows(lines, delimiter)]
    return Sheet("", head, _text=text, _delimiter=delimiter)


def _csv_rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    """One parsed row a physical line, so that rows stay where a person sees them."""
    for line in lines:
        yield next(csv.reader([line], delimiter=delimiter), [])


def _as_utf8(raw: bytes, shown: str) -> bytes:
    """Bytes in UTF-8 without a byte-order mark, from UTF-8, UTF-16 or cp1258."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16").encode()
    if b"\x00" in raw[:4096]:
        raise ExtractError(
            shown, "this is a binary file, not text", "Check the file's ending and send it again"
        )
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return _from_cp1258(raw, shown)
    return raw.removeprefix(b"\xef\xbb\xbf")


def _from_cp1258(raw: bytes, shown: str) -> bytes:
    try:
        text = raw.decode("cp1258")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise ExtractError(
            shown, "the text is neither UTF-8, UTF-16 nor Windows-1258", "Save it as CSV UTF-8", row=row
        ) from error
    return text.encode()


def _workbook_sheets(path: Path, shown: str, decimal: str) -> Iterator[Sheet]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(str(path))
        for name in workbook.sheet_names:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            cells = [[_cell_text(cell, decimal) for cell in row] for row in rows]
            yield Sheet(name, cells[:HEAD_ROWS], _cells=cells)
    except (CalamineError, OSError, ValueError) as error:
        raise ExtractError(
            shown,
            "the workbook is damaged or cut short",
            "Open it in Excel, save it again, or ask for it again",
        ) from error


def _cell_text(cell: object, decimal: str) -> str:
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, int | float):
        exact = Decimal(repr(cell))
        plain = format(exact.to_integral_value() if exact == exact.to_integral_value() else exact, "f")
        return plain.replace(".", decimal)
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()[:10]
    return str(cell).strip()


def _frame_of_cells(rows: list[list[str]], names: list[str]) -> pl.DataFrame:
    columns = {
        name: [row[position] or None if position < len(row) else None for row in rows]
        for position, name in enumerate(names)
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String()))
