"""Big texts to raw rows that are never held whole: split, looked at and written a piece at a time.

Gives the same rows as ``extracts.reading``, to which every text is left that is not plain throughout: not
UTF-8, with quotation marks astray, of several sheets or manners. So nothing is refused here, and what is
wrong with a file is said there. Where the rows are kept is in ``extracts.raw``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from authorities.forms import ExtractForm, ReadingLimits
from extracts.dates import how_written, order_of_dates
from extracts.decimals import LOOKED_AT, decimal_by_evidence, how_read
from extracts.encodings import SAMPLE, UTF8
from extracts.headers import Header, find_header
from extracts.opening import READABLE, is_plain_text
from extracts.problems import ExtractError
from extracts.reading import DATES, decision_line_of, raw_schema, scale_of, texts_of
from extracts.row_kinds import (
    DATA_KINDS,
    FIRST_ROWS,
    MARK,
    is_kind,
    last_total,
    numbering_rows,
    row_marks,
)
from extracts.sheets import (
    OVER,
    RAGGED,
    blanks_nulled,
    filled_rows,
    lines_in,
    rows_of_text,
    swallowed_rows,
    text_sheet,
)

BULK_BYTES = 64 * 1024**2
"""Texts from here on are read by pieces; below, reading a text whole takes less time and not much memory."""
_PIECE = 4 * 1024**2
"""Bytes of a text that are looked through at a time."""
_TOLD = {"sheet", "row_kind", "scale", "date_order", "decimal", "decision_line"}
"""Raw columns that are not read of a row alone."""


class UnusualTextError(Exception):
    """A text that has to be read whole."""


@dataclass(frozen=True)
class Told:
    """What is told of a sheet's rows when all of them were seen.

    Attributes:
        alike: columns that are the same in each row, with what they hold.
        last_total: number of the last total's row.
        numbering: numbers of rows that number the columns.
        notes: what was decided by evidence, one clause each.
    """

    alike: dict[str, str | None]
    last_total: int | None
    numbering: list[int]
    notes: list[str]


@dataclass(frozen=True)
class BulkText:
    """A big text as a form reads it.

    Attributes:
        rows: ``row_number``, ``MARK`` and the form's texts, read when asked for; ``UnusualTextError`` or an
            error of polars where the text has to be read whole after all.
        numbering: numbers of rows that number the columns.
    """

    rows: pl.LazyFrame
    header: Header
    form: ExtractForm
    numbering: list[int]

    def told(self, rows: pl.LazyFrame) -> Told:
        """What is told of ``rows`` once they are written, each column looked at alone."""
        form, names = self.form, rows.collect_schema().names()
        last = rows.select(last_total()).collect().item()
        data = rows.filter(is_kind(DATA_KINDS, last, self.numbering))
        dates = _counted(data, [name for name in DATES if name in names])
        order = order_of_dates(dates, form.date_order)
        sound = rows.filter(is_kind(["data"], last, self.numbering))
        amounts = [_first_filled(sound, name) for name in names if name.partition(":")[0] == "amount"]
        has_data = not sound.select("row_number").head(1).collect().is_empty()
        scale = scale_of(self.header, form)
        mark = decimal_by_evidence(amounts, form.numbers.decimal, scale=scale if has_data else "")
        above = {"decision_line": decision_line_of(self.header, form)} if form.decision_line else {}
        alike = {"sheet": "", "scale": scale, "date_order": order, "decimal": mark, **above}
        notes = [*how_written(dates, order), *how_read(mark, form.numbers.decimal)]
        return Told(alike, last, self.numbering, notes)


def _counted(rows: pl.LazyFrame, names: list[str]) -> pl.DataFrame:
    """Each text of the columns ``names``, and how many ``times`` it stands there."""
    none = pl.DataFrame(schema={"text": pl.String, "times": pl.get_index_type()})
    texts = [rows.select(pl.col(name).alias("text")).drop_nulls() for name in names]
    counts = [text.group_by("text").agg(pl.len().alias("times")).collect() for text in texts]
    return pl.concat([none, *counts])


def _first_filled(rows: pl.LazyFrame, name: str) -> pl.Series:
    return rows.select(name).drop_nulls().head(LOOKED_AT).collect().to_series()


def bulk_text(
    path: Path, shown: str, form: ExtractForm, unit_names: frozenset[str], limits: ReadingLimits
) -> BulkText | None:
    """A text's rows; None for any other file, and where a text must be read whole.

    Args:
        path: the file.
        shown: its path below the landing folder.
        unit_names: folded names of units, which are no totals whatever they begin with.

    Raises:
        UnusualTextError, PolarsError: it must be read whole as well.
        OSError: the file cannot be read at all.
    """
    if not _may_be_plain(form, shown) or path.stat().st_size > limits.file_bytes:
        return None
    top = _top(path)
    look = _looked_at(path) if is_plain_text(top) else None
    header = _header(top, shown, form, limits) if look else None
    if look is None or header is None or look.line_ends * header.width > limits.table_cells:
        return None
    if not look.has_quotes and _some_too_long(path, header, look):
        return None
    clean = _clean_rows(path, header, look)
    first = clean.head(FIRST_ROWS).collect()
    if first.is_empty():
        return None
    marked = _by_pieces(
        clean, partial(_marked, header=header, form=form, unit_names=unit_names), {MARK: pl.UInt8()}
    )
    texts = {text.meta.output_name(): text for text in texts_of(header)}
    wanted = [name for name in raw_schema(form) if name not in {*_TOLD, "row_number"}]
    cells = [texts.get(name, pl.lit(None, pl.String).alias(name)) for name in wanted]
    rows = marked.select(pl.col("row_number").cast(pl.Int32), MARK, *cells)
    return BulkText(rows, header, form, numbering_rows(first))


def _may_be_plain(form: ExtractForm, shown: str) -> bool:
    """Whether the form reads texts, and all rows of one in one manner."""
    suffix = Path(shown).suffix.lower()
    return suffix in READABLE - {".gz"} and form.recognise.sheet_name is None and not form.numbers.spells


def _top(path: Path) -> bytes:
    """The lines by which a text's encoding and header are told; empty where there are no proper lines."""
    with path.open("rb") as file:
        top = file.read(SAMPLE)
        rest = file.readline(_PIECE)
    return top + rest if b"\n" in top and len(rest) < _PIECE else b""


@dataclass(frozen=True)
class _Look:
    """A text's line ends, its lines whether or not the last one ends, and whether it has quotation marks."""

    line_ends: int
    lines: int
    has_quotes: bool


def _looked_at(path: Path) -> _Look | None:
    """A look through all bytes of a text; None where there are NULs in it."""
    piece, ends, has_quotes, last = bytearray(_PIECE), 0, False, -1
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(piece):
            if piece.find(0, 0, size) >= 0:
                return None
            ends += lines_in(memoryview(piece)[:size])
            has_quotes = has_quotes or piece.find(b'"', 0, size) >= 0
            last = piece[size - 1]
    return _Look(ends, ends + (last != ord("\n")), has_quotes)


def _header(top: bytes, shown: str, form: ExtractForm, limits: ReadingLimits) -> Header | None:
    """The form's header in the beginning of a text; None where that is not UTF-8 or has no such header."""
    try:
        sheet = text_sheet(top, shown, form.encodings, limits)
        return find_header(form, sheet, shown) if sheet.encoding == UTF8 else None
    except ExtractError:
        return None


def _some_too_long(path: Path, header: Header, look: _Look) -> bool:
    """Whether some lines, and not all, of a comma-separated text have more commas than the header."""
    sheet = header.sheet
    if sheet.delimiter != ",":
        return False
    skipped = sheet.lines_above(header.end)
    lines = pl.scan_lines(path, glob=False).slice(skipped).select(
        (pl.first().str.count_matches(",", literal=True) >= header.width).sum()
    )  # fmt: skip
    return 0 < int(lines.collect().item()) < look.lines - skipped


def _clean_rows(path: Path, header: Header, look: _Look) -> pl.LazyFrame:
    """Rows below the header: ``row_number``, cells ``c0 …`` with null for blanks, ``RAGGED``; none empty."""
    sheet, names = header.sheet, [f"c{place}" for place in range(header.width)]
    rows = rows_of_text(path, sheet.delimiter, sheet.lines_above(header.end), names, header.end + 1)
    parted = sheet.delimiter if look.has_quotes else None
    return _by_pieces(rows, partial(_clean, names=names, parted=parted), {RAGGED: pl.Boolean()}, OVER)


def _clean(rows: pl.DataFrame, names: list[str], parted: str | None) -> pl.DataFrame:
    if parted and swallowed_rows(rows, parted).len():
        raise UnusualTextError
    filled = blanks_nulled(rows)
    ragged = filled[OVER].is_not_null().alias(RAGGED)
    return filled_rows(filled.drop(OVER).with_columns(ragged), names)


def _marked(
    below: pl.DataFrame, header: Header, form: ExtractForm, unit_names: frozenset[str]
) -> pl.DataFrame:
    return below.with_columns(row_marks(below, header, form, unit_names))


def _by_pieces(
    rows: pl.LazyFrame, change: Callable[[pl.DataFrame], pl.DataFrame], adds: dict[str, pl.DataType],
    drops: str = "",
) -> pl.LazyFrame:  # fmt: skip
    """What ``change`` makes of each piece of ``rows``, which passes through it whole."""
    schema = {name: kind for name, kind in rows.collect_schema().items() if name != drops}
    return rows.map_batches(
        change, streamable=True, schema=pl.Schema({**schema, **adds}),
        predicate_pushdown=False, projection_pushdown=False, slice_pushdown=False,
    )  # fmt: skip
