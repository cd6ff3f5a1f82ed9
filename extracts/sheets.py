"""Sheets of text cells: what any file is once it is opened; and text files split into such cells.

A ``Sheet`` keeps every row in its place: row numbers are those that Excel shows, blank rows counted and a
line break inside a quoted cell not. Which file is opened how is in ``extracts.opening``; finding headers and
meaning in ``extracts.headers``.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from authorities.forms import OLD_ENCODINGS, USUAL_LIMITS, OldEncoding, ReadingLimits
from extracts.archives import beyond
from extracts.encodings import as_utf8, is_utf8
from extracts.problems import ExtractError

HEAD_ROWS = 60
"""Rows from the top in which a header is searched."""
RAGGED = "ragged"
"""Column of ``rows_below`` that marks rows with more cells than the header: something is out of place."""
_HEAD_BYTES = 256 * 1024
_LONGEST_CELL_LINES = 20
_DELIMITERS = ";,\t|"
_BLANKS_AFAR = ("\u0085", "\u3000")
"""The first and last of the blanks beyond ASCII, such as the space that does not break."""
OVER = "over"
"""Column of a text's rows for what stands behind the header's last column."""
_UNBALANCED = "a quotation mark opens or closes in the wrong place, so that cells and rows run together"
_MEND_QUOTES = "Ask for the file again, with quotation marks inside a cell written twice"


@dataclass(frozen=True)
class Sheet:
    """A sheet: its first rows for finding the header, and a way to the rows below it.

    Attributes:
        name: sheet name; empty for a text file.
        head: up to ``HEAD_ROWS`` first rows as text cells.
        encoding: what a text, or old letters in a workbook's cells, were read as; else empty.
        file_format: what kind of file it is from, for people.
        others: the same text split by less likely delimiters, likeliest first.
    """

    name: str
    head: list[list[str]]
    encoding: str = ""
    file_format: str = "text"
    others: "tuple[Sheet, ...]" = ()
    _cells: list[list[str]] | None = None
    _frame: pl.DataFrame | None = None
    """Rows as columns ``c0 …``; without the first where a file is a table with names of its own."""
    _names_rows: int = 0
    """Rows that the names of such a table take."""
    _text: bytes = b""
    _delimiter: str = ";"
    _line_ends: tuple[int, ...] = ()
    """Lines up to the end of each head row; a line break in a cell makes them more than the rows."""
    _old: Sequence[OldEncoding] = OLD_ENCODINGS
    _limits: ReadingLimits = USUAL_LIMITS

    @property
    def delimiter(self) -> str:
        """What parts the cells of a text; empty for other files."""
        return self._delimiter if self._cells is None and self._frame is None else ""

    def lines_above(self, header_end: int) -> int:
        """Lines of a text up to the end of its first ``header_end`` rows."""
        return self._line_ends[header_end - 1]

    def rows_below(self, header_end: int, width: int, shown: str) -> pl.DataFrame:
        """Rows after the first ``header_end``: text columns ``c0 … c{width-1}``, ``row_number``, ``ragged``.

        Empty cells are null; rows without any cell filled are left out. Beyond ``width``, the number of the
        header's cells, a workbook has notes in the margin; a text file, cells that were pushed to the right.

        Raises:
            ExtractError: quotation marks that make rows run together.
        """
        names = [f"c{position}" for position in range(width)]
        if self._frame is not None:
            rows = self._frame.slice(header_end - self._names_rows)
            absent = [pl.lit(None, pl.String).alias(name) for name in names if name not in rows.columns]
            frame = rows.with_columns(absent).select(*names, pl.lit(value=False).alias(RAGGED))
        elif self._cells is None:
            self._refuse_wide(width, shown)
            frame = self._rows_of_text(header_end, names, shown)
        else:
            frame = _frame_of_cells(self._cells[header_end:], names).with_columns(
                pl.lit(value=False).alias(RAGGED)
            )
        return filled_rows(frame.with_row_index("row_number", offset=header_end + 1), names)

    def _refuse_wide(self, width: int, shown: str) -> None:
        """A header of thousands of cells over millions of short rows would be mostly emptiness."""
        rows = lines_in(self._text)
        if rows * width > self._limits.table_cells:
            said = f"the table has {rows:,} rows and {width:,} columns"
            raise beyond(shown, said, "table_cells", self._limits)

    def _rows_of_text(self, header_end: int, names: list[str], shown: str) -> pl.DataFrame:
        skipped = self.lines_above(header_end)
        manner = _manner_of_cells(self._delimiter, skipped, names)
        schema: dict[str, pl.String] = manner["schema"]
        try:
            frame = pl.read_csv(self._text, **manner)
        except pl.exceptions.NoDataError:
            frame = pl.DataFrame(schema=schema)
        except pl.exceptions.PolarsError:  # its message would hold cells, so it goes no further
            if not is_utf8(self._text):
                text, _ = as_utf8(self._text, shown, old=self._old, thorough=True)
                return replace(self, _text=text)._rows_of_text(header_end, names, shown)
            frame = self._rows_one_by_one(header_end, schema, shown)
        if b'"' in self._text:
            self._refuse_swallowed_rows(frame, header_end, shown)
        filled = blanks_nulled(frame)
        ragged = filled[OVER].is_not_null()
        if self._delimiter == ",":
            ragged |= self._with_too_many_cells(skipped, len(names), filled.height)
        return filled.drop(OVER).with_columns(ragged.alias(RAGGED))

    def _rows_one_by_one(self, header_end: int, schema: dict[str, pl.String], shown: str) -> pl.DataFrame:
        """Rows where quotes are astray: read as a rule, or as plain letters where no cell needs them."""
        lines = _lines(self._text.decode("utf-8-sig"))[self.lines_above(header_end) :]
        rows: list[list[str]] = []
        try:
            rows.extend(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            rows = [line.removesuffix("\n").split(self._delimiter) for line in lines]
            if any(len(row) >= len(schema) for row in rows):
                odd = next((place for place, line in enumerate(lines) if line.count('"') % 2), 0)
                raise ExtractError(shown, _UNBALANCED, _MEND_QUOTES, row=header_end + 1 + odd) from error
        return _frame_of_cells([row[: len(schema)] for row in rows], list(schema))

    def _refuse_swallowed_rows(self, frame: pl.DataFrame, header_end: int, shown: str) -> None:
        """A cell with whole lines of delimiters in it began with a stray quotation mark."""
        found = swallowed_rows(frame, self._delimiter)
        if found.len():
            raise ExtractError(shown, _UNBALANCED, _MEND_QUOTES, row=header_end + 1 + int(found[0]))

    def _with_too_many_cells(self, skipped: int, width: int, height: int) -> pl.Series:
        """Rows of a comma-separated text whose lines have too many commas, as of an unquoted ``1,234``.

        Told only where no cell is quoted; where every row ends with a comma, that is the sender's habit.
        """
        none = pl.repeat(value=False, n=height, dtype=pl.Boolean, eager=True)
        if b'"' in self._text:
            return none
        lines = self._text.removesuffix(b"\n").split(b"\n")[skipped:]
        counts = pl.Series([line.count(b",") for line in lines], dtype=pl.Int32)
        if counts.len() != height or (counts >= width).mean() == 1:
            return none
        return counts >= width


def rows_of_text(path: Path, delimiter: str, skipped: int, names: Sequence[str], offset: int) -> pl.LazyFrame:
    """Rows of a text in UTF-8 behind its first ``skipped`` lines, read when asked for.

    Columns ``row_number`` (from ``offset``), ``names`` and ``OVER``; blanks are cells and rows as any other.
    """
    text = pl.scan_csv(path, **_manner_of_cells(delimiter, skipped, names), glob=False)
    return text.with_row_index("row_number", offset=offset)


def _manner_of_cells(delimiter: str, skipped: int, names: Sequence[str]) -> dict[str, Any]:
    """How polars is told to read a text's cells as they stand."""
    return {
        "separator": delimiter, "has_header": False, "skip_lines": skipped, "infer_schema": False,
        "schema": dict.fromkeys([*names, OVER], pl.String()),
        "extra_columns": "ignore", "missing_columns": "insert",
    }  # fmt: skip


def swallowed_rows(frame: pl.DataFrame, delimiter: str) -> pl.Series:
    """Places of rows of a text with a cell that holds a line break and the cells of half a row."""
    cells = pl.col(pl.String)
    most = max(1, (sum(kind == pl.String for kind in frame.dtypes) - 1) // 2)
    swallowed = pl.any_horizontal(
        cells.str.contains("\n", literal=True) & (cells.str.count_matches(delimiter, literal=True) >= most)
    )
    return frame.select(swallowed.fill_null(value=False).arg_true()).to_series()


def filled_rows(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Rows with any of the cells ``names`` filled."""
    if any(frame[name].null_count() == 0 for name in names):
        return frame
    filled = frame.select(pl.any_horizontal(pl.col(names).is_not_null())).to_series()
    return frame if filled.all() else frame.filter(filled)


def lines_in(text: bytes | memoryview) -> int:
    """Line ends, a piece at a time: numpy counts them in half the time of ``bytes.count``."""
    letters = np.frombuffer(text, np.uint8)
    pieces = range(0, letters.size, _HEAD_BYTES)
    return sum(int(np.count_nonzero(letters[at : at + _HEAD_BYTES] == ord("\n"))) for at in pieces)


def text_sheet(raw: bytes, shown: str, old: Sequence[OldEncoding], limits: ReadingLimits) -> Sheet:
    """A text file's sheet, split by the delimiter that gives most cells; ``others`` by the less likely ones.

    Raises:
        ExtractError: it is no text, or in an encoding that cannot be told.
    """
    text, encoding = as_utf8(raw, shown, old=old)
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    cut = len(text) > _HEAD_BYTES
    lines = _lines(text[:_HEAD_BYTES].decode("utf-8", errors="ignore").removeprefix("\ufeff"))
    lines = lines[:-1] if cut and len(lines) > 1 else lines
    splits = []
    for delimiter in _DELIMITERS:
        rows, ends = _head_rows(lines, delimiter)
        cells = sum(len(row) - 1 for row in rows if row)
        sheet = Sheet(
            "", rows, encoding, _text=text, _delimiter=delimiter, _line_ends=ends, _old=old, _limits=limits
        )
        splits.append((cells, sheet))
    splits.sort(key=lambda split: -split[0])
    best, *others = [sheet for cells, sheet in splits if cells] or [splits[0][1]]
    return replace(best, others=tuple(others))


def _lines(text: str) -> list[str]:
    """Lines as polars counts them: ended by LF only, each with its end."""
    lines = text.replace("\r\n", "\n").replace("\r", " ").split("\n")
    return [f"{line}\n" for line in (lines[:-1] if lines[-1] == "" else lines)]


def _head_rows(lines: list[str], delimiter: str) -> tuple[list[list[str]], tuple[int, ...]]:
    """The first rows, and how many lines there are up to the end of each."""
    rows: list[list[str]] = []
    ends: list[int] = []
    for row, end in _records(lines, delimiter):
        if end - (ends[-1] if ends else 0) > _LONGEST_CELL_LINES:  # a stray quotation mark in a title
            split = [[cell.strip() for cell in line.split(delimiter)] for line in lines[:HEAD_ROWS]]
            return split, tuple(range(1, len(split) + 1))
        rows.append([cell.strip() for cell in row])
        ends.append(end)
        if len(rows) == HEAD_ROWS:
            break
    return rows, tuple(ends)


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[list[str], int]]:
    reader = csv.reader(lines, delimiter=delimiter)
    for row in reader:
        yield row, reader.line_num


def blanks_nulled(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts with null for those of nothing but blanks; most columns have none, and stay as they are."""
    names = [
        column.name for column in frame.iter_columns() if column.dtype == pl.String and _has_blanks(column)
    ]
    return frame.with_columns(pl.when(pl.col(names).str.strip_chars() != "").then(pl.col(names)))


def _has_blanks(texts: pl.Series) -> bool:
    """Whether some may be nothing but blanks, which come before all else but for those beyond ASCII."""
    first, last = _BLANKS_AFAR
    return bool(
        (texts < "!").any() or ((texts >= first).any() and ((texts >= first) & (texts <= last)).any())
    )


def _frame_of_cells(rows: list[list[str]], names: list[str]) -> pl.DataFrame:
    columns = {
        name: [row[position] or None if position < len(row) else None for row in rows]
        for position, name in enumerate(names)
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String()))


def sheet_of_cells(name: str, rows: list[list[str]], file_format: str, encoding: str = "") -> Sheet:
    """A sheet of rows that are cells already."""
    return Sheet(name, rows[:HEAD_ROWS], encoding, file_format, _cells=rows)


def sheet_of_workbook(name: str, frame: pl.DataFrame, file_format: str, encoding: str = "") -> Sheet:
    """A workbook's sheet, of which all rows lie in ``frame``."""
    return Sheet(name, _text_rows(frame.head(HEAD_ROWS)), encoding, file_format, _frame=frame)


def _text_rows(frame: pl.DataFrame) -> list[list[str]]:
    return [["" if cell is None else cell for cell in row] for row in frame.iter_rows()]


def sheet_of_frame(names: list[str], frame: pl.DataFrame, file_format: str) -> Sheet:
    """A sheet of a table with names of its own, which are its first row."""
    first = _text_rows(frame.head(HEAD_ROWS - 1))
    return Sheet("", [names, *first], "", file_format, _frame=frame, _names_rows=1)
