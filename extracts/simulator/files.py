"""Files as offices send them: CSV with title lines and odd encodings, workbooks with merged headers.

Same content, same bytes: no clock is read, and workbooks carry a fixed date. What stands in the tables comes
from ``tables`` and its neighbours.
"""

import codecs
import datetime as dt
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

Cell = str | int | float | None
_FIXED_DATE = dt.datetime(2020, 1, 1)  # noqa: DTZ001 - workbooks hold dates without a zone
TOTAL = "Tổng cộng"


@dataclass(frozen=True)
class Layout:
    """What stands above a table: title lines (the last names the unit of amounts), and the sheet's name."""

    titles: tuple[str, ...]
    sheet: str = "Sheet1"

    @property
    def first_row(self) -> int:
        """Row of the first data line below a one-line header, counted from 1."""
        return len(self.titles) + 2


def csv_text(layout: Layout, header: Sequence[str], body: pl.DataFrame, *totals: str) -> str:
    """A listing: titles, header, ``body``, and a totals row with ``totals`` in the last columns."""
    lines = [*layout.titles, ";".join(header)]
    rows = body.write_csv(include_header=False, separator=";", line_terminator="\r\n")
    last = TOTAL + ";" * (len(header) - len(totals)) + ";".join(totals)
    return "\r\n".join(lines) + "\r\n" + rows + last + "\r\n"


def write_text(path: Path, text: str, encoding: str = "utf-8-sig") -> None:
    """Write ``text``; ``nfd`` decomposes it, ``utf-16`` carries a byte-order mark, ``cp1258`` is Windows'."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if encoding == "nfd":
        raw = codecs.BOM_UTF8 + unicodedata.normalize("NFD", text).encode()
    elif encoding == "utf-16":
        raw = codecs.BOM_UTF16_LE + text.encode("utf-16-le")
    elif encoding == "cp1258":
        raw = b"".join(_windows_vietnamese(letter) for letter in unicodedata.normalize("NFC", text))
    else:
        raw = text.encode(encoding)
    path.write_bytes(raw)


def _windows_vietnamese(letter: str) -> bytes:
    """A letter in Windows-1258, which holds base letters and tone marks apart."""
    try:
        return letter.encode("cp1258")
    except UnicodeEncodeError:
        apart = unicodedata.normalize("NFD", letter)
        base, marks = apart[0], apart[1:]
        shaped = [mark for mark in marks if mark in "\u0302\u0306\u031b"]
        tones = [mark for mark in marks if mark not in shaped]
        return (unicodedata.normalize("NFC", base + "".join(shaped)) + "".join(tones)).encode("cp1258")


class Workbook:
    """A workbook with the same bytes for the same content."""

    def __init__(self, path: Path) -> None:
        import xlsxwriter

        path.parent.mkdir(parents=True, exist_ok=True)
        self._book = xlsxwriter.Workbook(str(path))
        self._book.set_properties({"created": _FIXED_DATE})
        self._bold = self._book.add_format({"bold": True})
        self._head = self._book.add_format({"bold": True, "border": 1, "align": "center", "text_wrap": True})

    def __enter__(self) -> "Workbook":
        """The workbook itself; it is written on leaving."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Write the file."""
        self._book.close()

    def sheet(self, layout: Layout, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """A sheet: titles, one header line, rows."""
        sheet = self._titled(layout)
        at = len(layout.titles)
        for place, word in enumerate(header):
            sheet.write_string(at, place, word, self._head)
        self._rows(sheet, at + 1, rows)

    def grouped_sheet(
        self, layout: Layout, groups: Sequence[tuple[str, Sequence[str]]], rows: Sequence[Sequence[Cell]]
    ) -> None:
        """A sheet with a header of two lines: groups merged over their columns, lone ones downwards."""
        sheet = self._titled(layout)
        at, place = len(layout.titles), 0
        for group, words in groups:
            if not words:
                sheet.merge_range(at, place, at + 1, place, group, self._head)
                place += 1
                continue
            if len(words) > 1:
                sheet.merge_range(at, place, at, place + len(words) - 1, group, self._head)
            else:
                sheet.write_string(at, place, group, self._head)
            for word in words:
                sheet.write_string(at + 1, place, word, self._head)
                place += 1
        self._rows(sheet, at + 2, rows)

    def _titled(self, layout: Layout) -> Any:
        sheet = self._book.add_worksheet(layout.sheet)
        for row, title in enumerate(layout.titles):
            sheet.write_string(row, 0, title, self._bold)
        return sheet

    def _rows(self, sheet: Any, first: int, rows: Sequence[Sequence[Cell]]) -> None:
        for row, cells in enumerate(rows, first):
            for place, cell in enumerate(cells):
                if isinstance(cell, str):
                    sheet.write_string(row, place, cell)
                elif cell is not None:
                    sheet.write_number(row, place, cell)
