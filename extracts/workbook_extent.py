"""How far a workbook's sheets reach, told before a reader makes room for every cell between first and last.

A single cell at XFD1048576 makes seventeen thousand million cells of a sheet, in every library that lays a
sheet out whole. Only parts are looked at here, a piece at a time; reading cells is in ``extracts.workbooks``.
"""

import codecs
import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

from authorities.forms import ReadingLimits
from extracts.archives import beyond, refuse_bomb

_BINARY = re.compile(r"^(?!.*(?:sharedStrings|styles|theme\d*)\.bin$).*\.bin$", re.IGNORECASE)
"""A part that may be a binary sheet; of markup any may be one: its name is the writer's choice."""
_OPENDOCUMENT, _OFFICE = "content.xml", "[Content_Types].xml"
_PIECE = 256 * 1024
"""Bytes looked at together: they stay in the processor's own memory, which halves the time."""
_MARK_BYTES = 64
"""Bytes by which markup is told from other parts."""
_AHEAD = 32
"""Bytes behind each piece: more than a cell's tag takes up to the end of its place."""
_USUAL = b' r="'
"""What stands between a cell's name and its place, as nearly all writers have it."""
_LONGEST_PLACE = len("XFD1048576") + 1
_NEAR_ROWS, _NEAR_COLUMNS = 99_999, 26
"""What places of one letter and up to five digits stay within."""
_PLACE = re.compile("([A-Z]+)([0-9]+)", re.IGNORECASE)
_ROW_RECORD, _FIRST_CELL, _LAST_CELL = 0, 1, 11
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_Bytes = npt.NDArray[np.uint8]


def refuse_oversized(raw: bytes, shown: str, limits: ReadingLimits) -> None:
    """Refuse a workbook that unpacks to too much, or one of whose sheets reaches too far.

    Raises:
        ExtractError: naming the limit.
        zipfile.BadZipFile: it is no zip file after all.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        refuse_bomb(archive.infolist(), shown, limits)
        for name in archive.namelist():
            rows, columns = _extent(archive, name, limits.sheet_cells)
            if rows * columns > limits.sheet_cells:
                said = f"a sheet reaches over {rows:,} rows and {columns:,} columns"
                raise beyond(shown, said, "sheet_cells", limits)


def _extent(archive: zipfile.ZipFile, name: str, most: int) -> tuple[int, int]:
    """Rows and columns up to the last filled cell, or an upper bound of them that is within ``most``."""
    with archive.open(name) as file:
        is_markup = file.read(_MARK_BYTES).removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<"
    if not is_markup:
        with archive.open(name) as file:
            return _binary_extent(file) if _BINARY.search(name) else (0, 0)
    if name == _OPENDOCUMENT and _OFFICE not in archive.namelist():
        with archive.open(name) as file:
            return _opendocument_extent(file)
    with archive.open(name) as file:
        bound = _bound(file)
    if bound is not None and bound[0] * bound[1] <= most:
        return bound
    with archive.open(name) as file:  # cells that only have a format do not count: look again, closely
        return _filled_extent(file)


def _bound(file: IO[bytes]) -> tuple[int, int] | None:
    """Rows and columns that no cell's place is beyond; None where a cell does not begin with its place.

    Every cell is found, but none is parsed: only far ones are read at all.
    """
    rows, columns = _NEAR_ROWS, _NEAR_COLUMNS
    for letters in _windows(file):
        places = _cell_tags(letters) + len("<c" + _USUAL.decode())
        for back, usual in enumerate(reversed(_USUAL), start=1):
            if not (letters[places - back] == usual).all():
                return None
        if _has_places_astray(letters):
            return None
        far = places[_is_letter(letters[places + 1]) | _is_digit(letters[places + 6])]
        if far.size:
            last_row, last_column = _farthest(letters, far)
            rows, columns = max(rows, last_row), max(columns, last_column)
    return rows, columns


def _has_places_astray(letters: _Bytes) -> bool:
    """Whether an attribute ``r`` stands elsewhere than right behind the name of a cell or a row: such as a
    second one, of which some readers take the last."""
    equals = np.flatnonzero(letters == ord("="))
    equals = equals[equals >= len("<x:row r=")]  # what lies before was seen at the end of the piece before
    before = [letters[equals - back] for back in range(7)]
    blank = [letter <= ord(" ") for letter in before[:4]]
    opens = [(letter == ord("<")) | (letter == ord(":")) for letter in before]
    spaced = blank[1] & (blank[2] | ((before[2] == ord("r")) & blank[3]))
    own = (before[1] == ord("r")) & blank[2]
    of_cell = (before[3] == ord("c")) & opens[4]
    of_row = (before[3] == ord("w")) & (before[4] == ord("o")) & (before[5] == ord("r")) & opens[6]
    return bool((spaced | (own & ~of_cell & ~of_row)).any())


def _windows(file: IO[bytes]) -> Iterator[_Bytes]:
    """Pieces, each with the ``_AHEAD`` bytes that follow it."""
    rest = b""
    while piece := file.read(_PIECE):
        whole = rest + piece
        yield np.frombuffer(whole, np.uint8)
        rest = whole[-_AHEAD:]
    yield np.frombuffer(rest + bytes(_AHEAD), np.uint8)


def _cell_tags(letters: _Bytes) -> npt.NDArray[np.intp]:
    """Where a tag's name ``c`` begins, less one: after its angle or the colon of its prefix."""
    size = max(0, letters.size - _AHEAD)
    before, name, after = (letters[start : start + size] for start in range(3))
    opens = (before == ord("<")) | (before == ord(":"))
    # All that may end a name is below the closing angle.
    return np.flatnonzero(opens & (name == ord("c")) & (after <= ord(">")))


def _farthest(letters: _Bytes, places: npt.NDArray[np.intp]) -> tuple[int, int]:
    """Last row and last column of the cells whose place begins there; too long ones are beyond everything."""
    rows = np.zeros(places.size, np.int64)
    columns = np.zeros(places.size, np.int64)
    inside = np.ones(places.size, np.bool_)
    for step in range(_LONGEST_PLACE + 1):
        letter = letters[places + step]
        is_letter, is_digit = _is_letter(letter), _is_digit(letter)
        inside &= is_letter | is_digit
        columns = np.where(inside & is_letter, columns * 26 + (letter & 31), columns)
        rows = np.where(inside & is_digit, rows * 10 + (letter & 15), rows)
    if inside.any():
        return 10**_LONGEST_PLACE, 10**_LONGEST_PLACE
    return int(rows.max()), int(columns.max())


def _is_letter(letters: _Bytes) -> npt.NDArray[np.bool_]:
    return (letters | 32) - np.uint8(ord("a")) < 26


def _is_digit(letters: _Bytes) -> npt.NDArray[np.bool_]:
    return letters - np.uint8(ord("0")) < 10


def _filled_extent(file: IO[bytes]) -> tuple[int, int]:
    """Rows and columns up to the last cell that holds something."""
    cells = _FilledCells()
    parser = ET.XMLParser(target=cells)  # noqa: S314 - expat stops expansion
    while piece := file.read(_PIECE):
        parser.feed(piece)
    parser.close()
    return cells.rows, cells.columns


class _FilledCells:
    """Follows a sheet's tags as readers do: a cell without a place stands to the right of the one before."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        """Of the filled cells so far."""
        self._next_row = self._next_column = 1
        self._open: tuple[int, int] | None = None
        """Row and column of the cell whose tag is open."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag begins; one within a cell fills it."""
        name, place = tag.rpartition("}")[2], attributes.get("r")
        if self._open:
            self.rows, self.columns = max(self.rows, self._open[0]), max(self.columns, self._open[1])
        if name == "row" and place:
            self._next_row = int(place)
        elif name == "c":
            self._open = _row_and_column(place) if place else (self._next_row, self._next_column)
            self._next_column = max(self._next_column, self._open[1]) + 1

    def end(self, tag: str) -> None:
        """A tag ends."""
        name = tag.rpartition("}")[2]
        if name == "c":
            self._open = None
        elif name == "row":
            self._next_row, self._next_column = self._next_row + 1, 1

    def doctype(self, *_told: str | None) -> None:
        """A sheet has none; one could give cells another place than readers see."""
        raise SyntaxError("a sheet with a document type")

    def close(self) -> None:
        """All was read."""


def _row_and_column(place: str) -> tuple[int, int]:
    """Of a place such as ``AB12``.

    Raises:
        ValueError: it is none.
    """
    found = _PLACE.fullmatch(place)
    if not found:
        raise ValueError("no cell's place")
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]), column


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
