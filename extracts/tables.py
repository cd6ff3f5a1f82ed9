"""Parquet files as sheets of text cells: names of the columns as the header, values as a form writes them.

What a database gave lies as such a file too (``extracts.database``). Codes that were stored as floats keep
all their digits; nothing is rounded.
"""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

import polars as pl

from authorities.forms import ReadingLimits
from extracts.archives import beyond
from extracts.problems import ExtractError

PARQUET = b"PAR1"
_INTEGER_FRACTION = r"\.0$"


def parquet_cells(
    source: Path | BinaryIO, shown: str, *, decimal: str, limits: ReadingLimits
) -> tuple[list[str], pl.DataFrame]:
    """Column names, and rows as text columns ``c0 …``; empty cells are null.

    Raises:
        ExtractError: damaged, beyond a limit, or with columns that hold no single values.
        OSError: the file cannot be read at all.
    """
    try:
        lazy = pl.scan_parquet(source)
        schema = lazy.collect_schema()
        rows = lazy.select(pl.len()).collect().item()
    except pl.exceptions.PolarsError as error:
        raise _damaged(shown) from error
    if rows * len(schema) > limits.table_cells:
        said = f"the table has {rows:,} rows and {len(schema):,} columns"
        raise beyond(shown, said, "table_cells", limits)
    nested = [name for name, kind in schema.items() if kind.is_nested() or kind in {pl.Binary, pl.Object}]
    if nested:
        raise ExtractError(
            shown, f"column '{nested[0]}' holds lists or bytes rather than values",
            "Ask for plain columns of text, numbers and dates",
        )  # fmt: skip
    texts = [
        _text(name, kind, decimal).alias(f"c{place}") for place, (name, kind) in enumerate(schema.items())
    ]
    try:
        frame = lazy.select(texts).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _damaged(shown) from error
    return list(schema), frame.with_columns(_spelled_out(frame, schema.values(), decimal))


def _damaged(shown: str) -> ExtractError:
    return ExtractError(shown, "the Parquet file is damaged or cut short", "Ask for it again")


def _text(name: str, kind: pl.DataType, decimal: str) -> pl.Expr:
    column = pl.col(name)
    if kind.is_float() or kind.is_decimal():
        return (
            column.cast(pl.String).str.replace(_INTEGER_FRACTION, "").str.replace(".", decimal, literal=True)
        )
    if isinstance(kind, pl.Datetime):
        return column.dt.date().cast(pl.String)
    text = column.cast(pl.String)
    return pl.when(text.str.strip_chars() != "").then(text)


def _spelled_out(frame: pl.DataFrame, kinds: Iterable[pl.DataType], decimal: str) -> list[pl.Series]:
    """Columns in which a float was written with an exponent (1e16), digit by digit."""
    mended = []
    for name, kind in zip(frame.columns, kinds, strict=True):
        if kind.is_float() and frame[name].str.contains("e").any():
            mended.append(
                frame[name].map_elements(lambda text: _plain(text, decimal), return_dtype=pl.String)
            )
    return mended


def _plain(text: str, decimal: str) -> str:
    if "e" not in text:
        return text
    return format(Decimal(text.replace(decimal, ".")), "f").replace(".", decimal)
