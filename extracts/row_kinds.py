"""What each row below a header is: data, or a total, a heading, another fund's row, recognised as no data.

What is not recognised is data: it is refused later with a rule's name rather than passed over here.
"""

import re
from collections.abc import Collection

import polars as pl

from authorities.forms import ExtractForm
from extracts.headers import Header
from extracts.sheets import RAGGED
from extracts.text import fold, folded

ROW_KINDS = ("data", "ragged", "total", "section", "other_fund")
"""``ragged`` is data with more cells than the header, of which no amount can be trusted."""
DATA_KINDS = ("data", "ragged")
MARK = "mark"
"""Column of a row's kind as a place in ``ROW_KINDS``, and ``_FOOTER`` more for what no row alone tells."""
_FOOTER = 8
"""Marks a row without any amount, which is no data where a total stands anywhere above it."""
_DATA, _RAGGED, _TOTAL, _SECTION, _OTHER_FUND = range(len(ROW_KINDS))
_WORDED = {"unit_name", "line_code"}
"""Keys in words, as a total's are."""
FIRST_ROWS = 2
"""Rows below a header in which its columns may be numbered."""
_COLUMN_NUMBER = re.compile(r"\(?([a-z]|\d{1,2})\)?(\s*=.*)?")
"""A cell of the row of column numbers under a header: ``A``, ``(1)``, ``3=1+2``."""


def data_rows(rows: pl.DataFrame, kinds: Collection[str] = DATA_KINDS) -> pl.DataFrame:
    """Rows of those ``row_kind``; where they lie together, as in most listings, they are not copied."""
    chosen = rows["row_kind"].is_in(list(kinds))
    if not chosen.any():
        return rows.clear()
    first, count = chosen.arg_max() or 0, int(chosen.sum())
    together = rows.slice(first, count)
    return together if chosen.slice(first, count).all() else rows.filter(chosen)


def row_kinds(
    below: pl.DataFrame, header: Header, form: ExtractForm, unit_names: frozenset[str]
) -> pl.Series:
    """Kind of each row of ``below``."""
    marks = row_marks(below, header, form, unit_names)
    rows = below.select("row_number", marks)
    last = rows.select(last_total()).item()
    return rows.select(kind_by_mark(last, numbering_rows(below))).to_series()


def row_marks(
    below: pl.DataFrame, header: Header, form: ExtractForm, unit_names: frozenset[str]
) -> pl.Series:
    """``MARK`` of each row of ``below``: what it tells by itself, whatever stands above it.

    Only rows that lack a key, or that repeat the header, are looked at closely. Where names are the only
    keys, all are; a name in ``unit_names`` (folded) is a unit even where it begins as a total does.
    """
    keys = [
        f"c{place}" for column, place in header.places if not column.field.startswith(("amount", "taxpayer"))
    ]
    named = [f"c{place}" for column, place in header.places if column.field == "unit_name"]
    money = {f"c{place}": header.title(place) for column, place in header.places if column.field == "amount"}
    is_title = pl.all_horizontal([pl.col(cell) == title for cell, title in money.items()])
    worded = {column.field for column, place in header.places if f"c{place}" in keys} <= _WORDED
    # Most pieces of most listings lack nothing, which costs nothing to see.
    lacking = [pl.lit(value=True)] if worded else [pl.col(k).is_null() for k in keys if below[k].null_count()]
    kinds = _all(_DATA, below.height)
    if form.keep is not None:
        kept = below[f"c{header.keep_place}"].str.strip_chars().str.contains(form.keep.keep)
        kinds = kinds.zip_with(kept.fill_null(value=False), _all(_OTHER_FUND, below.height))
    if below[RAGGED].any():
        kinds = kinds.zip_with(~below[RAGGED], _all(_RAGGED, below.height))
    is_odd = pl.any_horizontal(*lacking, is_title.fill_null(value=False))
    odd = below.select(is_odd).to_series().arg_true()
    if odd.len():
        rows = below[odd].with_columns(kinds.gather(odd).alias(MARK))
        kinds = kinds.scatter(odd, _looked_at(rows, list(money), named, form, unit_names, is_title))
    return kinds.alias(MARK)


def last_total() -> pl.Expr:
    """Row number of the last total of marked rows; null where there is none."""
    return pl.col("row_number").filter(pl.col(MARK) == _TOTAL).max()


def numbering_rows(below: pl.DataFrame) -> list[int]:
    """Numbers of the rows right below a header that number its columns."""
    first = below.head(FIRST_ROWS)
    told = (_is_numbering(row) for row in first.select(pl.col(pl.String)).iter_rows())
    return [number for number, is_so in zip(first["row_number"], told, strict=True) if is_so]


def kind_by_mark(last: int | None, numbering: Collection[int]) -> pl.Expr:
    """``row_kind`` of marked rows of a sheet.

    Args:
        last: number of its last total (``last_total``).
        numbering: numbers of rows that number its columns (``numbering_rows``).
    """
    return _place_by_mark(last, numbering).cat.to(pl.Enum(ROW_KINDS)).cast(pl.String).alias("row_kind")


def is_kind(kinds: Collection[str], last: int | None, numbering: Collection[int]) -> pl.Expr:
    """Whether ``kind_by_mark`` is among ``kinds``, in a third of the time."""
    return _place_by_mark(last, numbering).is_in([ROW_KINDS.index(kind) for kind in kinds])


def _place_by_mark(last: int | None, numbering: Collection[int]) -> pl.Expr:
    mark = pl.col(MARK)
    # Below the last total stand the place, the date and the names of those who sign.
    footers = [(mark >= _FOOTER) & (pl.col("row_number") > last)] if last is not None else []
    no_data = [*footers, *(pl.col("row_number") == number for number in numbering)]
    kind = mark % _FOOTER
    if no_data:
        kind = pl.when(pl.any_horizontal(no_data)).then(pl.lit(_SECTION, pl.UInt8)).otherwise(kind)
    return kind


def _all(kind: int, height: int) -> pl.Series:
    return pl.repeat(kind, height, dtype=pl.UInt8, eager=True)


def _looked_at(
    rows: pl.DataFrame, money: list[str], named: list[str], form: ExtractForm, names: frozenset[str],
    is_title: pl.Expr,
) -> pl.Series:  # fmt: skip
    """The mark of rows that have one already, looked at closely."""
    cells = [name for name in rows.columns if re.fullmatch(r"c\d+", name)]
    texts = [folded(pl.coalesce(pl.col(cells))), *(folded(pl.col(cell)) for cell in named)]
    is_unit = pl.any_horizontal([text.is_in(list(names)) for text in texts[1:]] or [pl.lit(value=False)])
    total = _any_matches(texts, form.totals) & ~is_unit.fill_null(value=False)
    heading = is_title | (_any_matches(texts, form.sections) if form.sections else pl.lit(value=False))
    unpaid = pl.all_horizontal(pl.col(money).is_null())
    mark = (
        pl.when(total)
        .then(_TOTAL)
        .when(heading)
        .then(_SECTION)
        .when(unpaid)
        .then(pl.col(MARK) + _FOOTER)
        .otherwise(pl.col(MARK))
    )
    return rows.select(mark.cast(pl.UInt8).alias(MARK)).to_series()


def _any_matches(texts: list[pl.Expr], pattern: str) -> pl.Expr:
    return pl.any_horizontal([text.str.contains(pattern).fill_null(value=False) for text in texts])


def _is_numbering(cells: tuple[object, ...]) -> bool:
    filled = [fold(cell) for cell in cells if isinstance(cell, str)]
    numbers = [found.group(1) for cell in filled if (found := _COLUMN_NUMBER.fullmatch(cell))]
    counted = [int(number) for number in numbers if number.isdigit()]
    in_order = counted == list(range(counted[0], counted[0] + len(counted))) if counted else False
    return len(filled) >= 3 and len(numbers) == len(filled) and in_order
