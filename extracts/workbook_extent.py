"""How far a workbook's sheets reach, told before a reader makes room for every cell between first and last.

A single cell at XFD1048576 makes seventeen thousand million cells of a sheet, in every library that lays a
sheet out whole. Only parts are looked at here, a piece at a time; reading cells is in ``extracts.workbooks``.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree as ET

import polars as pl

from authorities.forms import ReadingLimits
from extracts.archives import beyond, refuse_bomb

_SHEET = re.compile(r"^(?!.*(?:sharedStrings|styles|theme\d*)\.(?:xml|bin)$).*\.(?:xml|bin)$", re.IGNORECASE)
"""A part that may be a sheet: its place in the archive is the writer's choice."""
_PIECE = 4 * 1024**2
_FAR = r"""\sr\s{0,9}=\s{0,9}["'](?:[A-Z]{2,3}[0-9]+|[A-Z][0-9]{6,})["']"""
"""A cell far to the right or far below; searched by polars, in less than half the time of ``re``."""
_FILLED = re.compile(
    rb"<(?:\w+:)?c\s(?:[^>]{0,200}\s)?r\s{0,9}=\s{0,9}[\"']([A-Z]{1,3})([0-9]+)[\"'][^>]{0,500}(?<!/)>"
)
_PLACE = re.compile("([A-Z]+)([0-9]+)")
_NEAR_ROWS, _NEAR_COLUMNS = 99_999, 26
"""What cells that ``_FAR`` does not find stay within."""
_ROW_RECORD, _FIRST_CELL, _LAST_CELL = 0, 1, 11
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


def refuse_oversized(raw: bytes, shown: str, limits: ReadingLimits) -> None:
    """Refuse a workbook that unpacks to too much, or one of whose sheets reaches too far.

    Raises:
        ExtractError: naming the limit.
        zipfile.BadZipFile: it is no zip file after all.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        refuse_bomb(archive.infolist(), shown, limits)
        for name in archive.namelist():
            if _SHEET.search(name):
                rows, columns = _extent(archive, name, limits.sheet_cells)
                if rows * columns > limits.sheet_cells:
                    said = f"a sheet reaches over {rows:,} rows and {columns:,} columns"
                    raise beyond(shown, said, "sheet_cells", limits)


def _extent(archive: zipfile.ZipFile, name: str, most: int) -> tuple[int, int]:
    """Rows and columns up to the last filled cell, or an upper bound of them that is within ``most``."""
    if name == "content.xml":
        with archive.open(name) as file:
            return _opendocument_extent(file)
    if name.lower().endswith(".bin"):
        with archive.open(name) as file:
            return _binary_extent(file)
    with archive.open(name) as file:
        rows, columns = _bound(file)
    if rows * columns <= most:
        return rows, columns
    with archive.open(name) as file:  # cells that only have a format do not count: look again, closely
        return _filled_extent(file)


def _bound(file: IO[bytes]) -> tuple[int, int]:
    rows, columns = _NEAR_ROWS, _NEAR_COLUMNS
    for piece in _pieces(file):
        for far in pl.Series([piece.decode("latin-1")]).str.extract_all(_FAR)[0]:
            letters, row = _PLACE.findall(far.partition("r")[2])[0]
            rows, columns = max(rows, int(row)), max(columns, _column(letters.encode()))
    return rows, columns


def _filled_extent(file: IO[bytes]) -> tuple[int, int]:
    rows, columns = 0, 0
    for piece in _pieces(file):
        for letters, row in _FILLED.findall(piece):
            rows, columns = max(rows, int(row)), max(columns, _column(letters))
    return rows, columns


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Pieces that end before a tag, so that none cuts a cell's tag in two."""
    rest = b""
    while piece := file.read(_PIECE):
        whole = rest + piece
        end = whole.rfind(b"<")
        rest = whole[end:] if end > 0 else whole
        yield whole[:end] if end > 0 else b""
    yield rest


def _binary_extent(file: IO[bytes]) -> tuple[int, int]:
    """Rows and columns of an xlsb sheet: its records of rows and of cells."""
    rows = columns = 0
    while head := file.read(1):
        kind, size = _varint(head, file, 2), _varint(file.read(1), file, 4)
        data = file.read(size)
        if kind == _ROW_RECORD and size >= 4:
            rows = max(rows, int.from_bytes(data[:4], "little") + 1)
        elif _FIRST_CELL < kind <= _LAST_CELL and size >= 4:
            columns = max(columns, int.from_bytes(data[:4], "little") + 1)
    return rows, columns


def _varint(head: bytes, file: IO[bytes], most: int) -> int:
    number, shift, byte = 0, 0, head[0] if head else 0
    while True:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80 or shift >= 7 * most:
            return number
        more = file.read(1)
        byte = more[0] if more else 0


def _opendocument_extent(file: IO[bytes]) -> tuple[int, int]:
    """Rows and columns of the largest table of an ods file up to its last filled cell, repeats counted."""
    best = (0, 0)
    rows = last_row = columns = cells = filled = 0
    for event, element in ET.iterparse(file, events=("start", "end")):  # noqa: S314 - expat stops expansion
        if event == "start" and element.tag == _TABLE + "table":
            rows = last_row = columns = 0
        elif event == "start" and element.tag == _TABLE + "table-row":
            cells = filled = 0
        elif event == "end" and element.tag in {_TABLE + "table-cell", _TABLE + "covered-table-cell"}:
            cells += int(element.get(_TABLE + "number-columns-repeated", 1))
            filled = cells if len(element) or element.get(_OFFICE_TYPE) else filled
            element.clear()
        elif event == "end" and element.tag == _TABLE + "table-row":
            rows += int(element.get(_TABLE + "number-rows-repeated", 1))
            last_row, columns = (rows, max(columns, filled)) if filled else (last_row, columns)
            best = max(best, (last_row, columns), key=lambda extent: extent[0] * extent[1])
            element.clear()
    return best


_OFFICE_TYPE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type"
