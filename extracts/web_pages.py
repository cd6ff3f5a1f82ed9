"""Web pages that were given the ending of a workbook: their tables as rows of text cells.

Many systems "export to Excel" by writing an HTML table. Rows stand as Excel shows such a page: tables below
one another, text between them in rows of its own, merged cells in their first column. What the bytes mean is
told here too, as a page names its encoding; finding headers is in ``extracts.headers``.
"""

import codecs
import re
from collections.abc import Sequence
from html import unescape

from authorities.forms import OLD_ENCODINGS, OldEncoding, ReadingLimits
from extracts.archives import beyond
from extracts.encodings import as_utf8, is_utf8
from extracts.problems import ExtractError

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_\-]+)", re.IGNORECASE)
_CHARSET_WITHIN = 4096
_PAGE = re.compile(
    rb"^\s*<(!doctype\s+html|html|head|body|meta|table|style|title|!--|div|center|p|form)\b", re.I
)
_TAG = re.compile(
    r"<(/?)([A-Za-z][A-Za-z0-9:]{0,30})\b((?:[^<>\"']|\"[^\"]{0,4000}\"|'[^']{0,4000}'){0,4000})>"
    r"|<[!?][^<>]{0,4000}>"
)
_ATTRIBUTE = re.compile(r"([A-Za-z][A-Za-z0-9:\-]{0,30})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_MOST_COLUMNS, _MOST_ROWS = 1000, 65534
"""Beyond these no browser lets a merged cell reach."""
_SILENT = {"script", "style", "title", "head"}
_BREAKS = {"br", "p", "div", "li"}
_LINE_ENDS = {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "br", "center"}


def is_web_page(raw: bytes) -> bool:
    """Whether the bytes begin as a page or a table of one does, a mark of UTF-8 or UTF-16 apart."""
    start = raw[:_CHARSET_WITHIN]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        start = start.decode("utf-16", errors="ignore").encode()
    bare = start.removeprefix(codecs.BOM_UTF8).lstrip()
    return bool(_PAGE.match(bare)) or (bare[:5] == b"<?xml" and b"<html" in bare.lower())


def page_cells(
    raw: bytes, shown: str, *, decimal: str, limits: ReadingLimits, old: Sequence[OldEncoding] = OLD_ENCODINGS
) -> tuple[list[list[str]], str]:
    """Text cells of a page's tables, row by row, and the encoding it was read as.

    Raises:
        ExtractError: too large, without a table, or in an encoding that cannot be told.
    """
    if len(raw) > limits.page_bytes:
        raise beyond(shown, f"the web page has {len(raw):,} bytes", "page_bytes", limits)
    text, encoding = _text(raw, shown, old)
    tables = _Tables(shown, decimal, limits)
    tables.feed(text)
    if not tables.saw_table:
        raise ExtractError(
            shown, "this is a web page without a table, whatever its ending",
            "Open it in Excel and save it as xlsx",
        )  # fmt: skip
    return tables.rows, encoding


def _text(raw: bytes, shown: str, old: Sequence[OldEncoding]) -> tuple[str, str]:
    """The page as UTF-8 where it is that, else by the encoding it names where that fits, else by evidence."""
    named = _CHARSET.search(raw[:_CHARSET_WITHIN])
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x00" in raw
    if named and not marked and not is_utf8(raw):
        try:
            codec = codecs.lookup(named[1].decode("ascii"))
            if codec.name not in {"iso8859-1", "cp1252", "ascii"}:  # what a tool writes that knows no better
                return codecs.decode(raw, codec.name), codec.name
        except (LookupError, UnicodeError, ValueError):
            pass
    text, encoding = as_utf8(raw, shown, old=old, thorough=True)
    return text.decode("utf-8").removeprefix("\ufeff"), encoding


class _Tables:
    """Gathers rows; a table within a cell gives rows of its own.

    Tags are found one after the other, and what opens and never closes is text: the parser of the standard
    library takes minutes over a megabyte of ``<!--``.
    """

    def __init__(self, shown: str, decimal: str, limits: ReadingLimits) -> None:
        self.rows: list[list[str]] = []
        self.saw_table = False
        self._shown, self._decimal, self._limits = shown, decimal, limits
        self._row: list[str] | None = None
        self._words: list[str] = []
        self._number = ""
        self._in_cell = False
        self._width = 1
        self._below: dict[int, int] = {}
        """Columns that a cell above reaches down into, and for how many rows still."""
        self._spans: dict[int, int] = {}
        self._depth = 0
        self._silent = 0
        self._widest = 1

    def feed(self, text: str) -> None:
        """Take in the whole page."""
        at, bare = 0, _without_comments(text)
        for found in _TAG.finditer(bare):
            self._data(bare[at : found.start()])
            at = found.end()
            closing, tag, attributes = found.groups()
            if tag and closing:
                self._end(tag.lower())
            elif tag:
                self._start(tag.lower(), attributes)
        self._data(bare[at:])
        self.end_row()

    def _start(self, tag: str, attributes: str) -> None:
        if tag == "table":
            self.end_row()
            self.saw_table, self._depth, self._below = True, self._depth + 1, {}
        elif tag == "tr":
            self.end_row()
            self._row = []
        elif tag in {"td", "th"}:
            self._begin_cell(_attributes(attributes))
        elif tag in _SILENT:
            self._silent += 1
        elif tag in _BREAKS and self._in_cell:
            self._words.append(" ")
        elif tag in _LINE_ENDS and not self._depth:
            self.end_row()

    def _end(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._end_cell()
        elif tag in {"tr", "table"} or (tag in _LINE_ENDS and not self._depth):
            self.end_row()
            self._depth -= tag == "table" and self._depth > 0
        elif tag in _SILENT:
            self._silent = max(0, self._silent - 1)

    def _data(self, text: str) -> None:
        if text and not self._silent and (self._in_cell or not self._depth):
            self._words.append(unescape(text) if "&" in text else text)

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._end_cell()
        row = self._row = [] if self._row is None else self._row
        self._pass_reached(row)
        self._in_cell, self._words = True, []
        self._number = attributes.get("x:num", "")
        self._width = _span(attributes.get("colspan"), _MOST_COLUMNS)
        deep = _span(attributes.get("rowspan"), _MOST_ROWS) - 1
        if deep > 0:
            self._spans |= {len(row) + place: deep for place in range(self._width)}

    def _pass_reached(self, row: list[str]) -> None:
        while len(row) in self._below:
            row.append("")

    def _end_cell(self) -> None:
        if self._in_cell and self._row is not None:
            said = self._number.replace(".", self._decimal) or " ".join("".join(self._words).split())
            self._row += [said, *[""] * (self._width - 1)]
            self._words = []
        self._in_cell = False

    def end_row(self) -> None:
        """Put the row away; outside a table, the text so far as a row of one cell."""
        self._end_cell()
        if self._row is None:
            said = " ".join("".join(self._words).split())
            row, self._words = ([said] if said else []), []
        else:
            row, self._row = self._row, None
            self._pass_reached(row)
            self._below = {column: left - 1 for column, left in self._below.items() if left > 1} | self._spans
            self._spans = {}
            if not row:
                return
        if row:
            self.rows.append(row)
            self._widest = max(self._widest, len(row))
            if len(self.rows) * self._widest > self._limits.sheet_cells:
                said = f"the table reaches over {len(self.rows):,} rows and {self._widest:,} columns"
                raise beyond(self._shown, said, "sheet_cells", self._limits)


def _attributes(text: str) -> dict[str, str]:
    return {name.lower(): unescape("".join(given)) for name, *given in _ATTRIBUTE.findall(text)}


def _without_comments(text: str) -> str:
    """The page without comments and conditional marks; of one that never ends, only its mark goes."""
    parts, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        parts.append(text[at:start])
        at = end + 3
    return "".join([*parts, text[at:]])


def _span(text: str | None, most: int) -> int:
    return min(max(int(text), 1), most) if text and text.strip().isdecimal() and len(text) < 9 else 1
