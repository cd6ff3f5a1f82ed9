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
_WORDED = {"unit_name", "line_code"}
"""Keys in words, as a total's are."""
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
    """Kind of each row of ``below``.

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
    lacking = pl.lit(value=True) if worded else pl.any_horizontal(pl.col(keys).is_null())
    marked = below.select((lacking | is_title.fill_null(value=False)).alias("odd"), RAGGED)
    kinds = pl.repeat(0, below.height, dtype=pl.UInt8, eager=True)
    if form.keep is not None:
        kept = below[f"c{header.keep_place}"].str.strip_chars().str.contains(form.keep.keep)
        kinds = kinds.zip_with(kept.fill_null(value=False), _all(ROW_KINDS.index("other_fund"), below.height))
    kinds = kinds.zip_with(~marked[RAGGED], _all(ROW_KINDS.index("ragged"), below.height))
    odd = marked["odd"].arg_true()
    close = _looked_at(below[odd], list(money), named, form, unit_names, is_title)
    told = close.is_not_null()
    kinds = kinds.scatter(odd.filter(told), close.drop_nulls())
    numbers = [place for place, row in enumerate(below.head(2).iter_rows()) if _is_numbering(row[1:])]
    kinds = kinds.scatter(numbers, ROW_KINDS.index("section")) if numbers else kinds
    return pl.Series(ROW_KINDS).gather(kinds)


def _all(kind: int, height: int) -> pl.Series:
    return pl.repeat(kind, height, dtype=pl.UInt8, eager=True)


def _looked_at(
    rows: pl.DataFrame, money: list[str], named: list[str], form: ExtractForm, names: frozenset[str],
    is_title: pl.Expr,
) -> pl.Series:  # fmt: skip
    """Total or section, as a place in ``ROW_KINDS``; null for what is neither."""
    cells = [name for name in rows.columns if re.fullmatch(r"c\d+", name)]
    texts = [folded(pl.coalesce(pl.col(cells))), *(folded(pl.col(cell)) for cell in named)]
    is_unit = pl.any_horizontal([text.is_in(list(names)) for text in texts[1:]] or [pl.lit(value=False)])
    total = _any_matches(texts, form.totals) & ~is_unit.fill_null(value=False)
    heading = is_title | (_any_matches(texts, form.sections) if form.sections else pl.lit(value=False))
    last_total = pl.col("row_number").filter(total).max()
    # Below the last total stand the place, the date and the names of those who sign.
    footer = (pl.col("row_number") > last_total) & pl.all_horizontal(pl.col(money).is_null())
    kind = (
        pl.when(total)
        .then(ROW_KINDS.index("total"))
        .when(heading | footer)
        .then(ROW_KINDS.index("section"))
    )  # fmt: skip
    return rows.select(kind.cast(pl.UInt8).alias("kind"))["kind"]


def _any_matches(texts: list[pl.Expr], pattern: str) -> pl.Expr:
    return pl.any_horizontal([text.str.contains(pattern).fill_null(value=False) for text in texts])


def _is_numbering(cells: tuple[object, ...]) -> bool:
    filled = [fold(cell) for cell in cells if isinstance(cell, str)]
    numbers = [found.group(1) for cell in filled if (found := _COLUMN_NUMBER.fullmatch(cell))]
    counted = [int(number) for number in numbers if number.isdigit()]
    in_order = counted == list(range(counted[0], counted[0] + len(counted))) if counted else False
    return len(filled) >= 3 and len(numbers) == len(filled) and in_order
