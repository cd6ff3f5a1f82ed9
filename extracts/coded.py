"""Columns whose values come again and again: each different value once, and each row's place among them.

What has to be told of a value (a date, a unit, a pseudonym) is then told once and not for each of millions of
rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

_LEAST_TIMES = 4
"""How often a value must come on average, or a column is better read whole."""
_LOOKED_AT = 1_000
"""Rows from the top that tell whether equal values lie together, as days do in most listings."""


@dataclass(frozen=True)
class Coded:
    """A column without loss.

    Attributes:
        values: the different values, null among them where a row has none.
        places: of each row, where its value stands among them (UInt32).
    """

    values: pl.Series
    places: pl.Series

    def told(self, of_values: pl.Series) -> pl.Series:
        """For each row what ``of_values`` tells of its value."""
        return of_values.gather(self.places)


def coded(column: pl.Series) -> Coded:
    """The different values of a column, and each row's place among them."""
    if only_value(column):
        return Coded(column.head(1), pl.repeat(0, column.len(), dtype=pl.UInt32, eager=True))
    if (runs := _runs(column)) is not None:
        heads = coded(runs.struct.field("value"))
        lengths = runs.struct.field("len").to_numpy()
        return Coded(heads.values, pl.Series(np.repeat(heads.places.to_numpy(), lengths)))
    if column.dtype == pl.String:
        return _by_category(column)
    seen = column.unique(maintain_order=True)
    place = pl.int_range(seen.len(), dtype=pl.UInt32, eager=True)
    return Coded(seen, column.replace_strict(seen, place, return_dtype=pl.UInt32))


def _runs(column: pl.Series) -> pl.Series | None:
    """Runs of equal values (their ``len`` and ``value``); None where most are short."""
    top = column.head(_LOOKED_AT)
    if top.is_empty() or top.rle().len() * _LEAST_TIMES > top.len():
        return None
    runs = column.rle()
    return runs if runs.len() * _LEAST_TIMES <= column.len() else None


def _by_category(texts: pl.Series) -> Coded:
    """Texts through categories of their own, which takes half as long as looking each up among the others."""
    categories = texts.cast(pl.Categorical(pl.Categories.random()))
    seen = categories.unique().drop_nulls()
    numbers = seen.to_physical()
    most = numbers.len() and int(numbers.max()) + 1  # type: ignore[arg-type]
    values = pl.repeat(None, most + 1, dtype=pl.String, eager=True).scatter(numbers, seen.cast(pl.String))
    places = categories.to_physical()
    if not texts.null_count():
        return Coded(values.head(most), places)
    return Coded(values, places.fill_null(most))


def by_value(texts: pl.Series, reading: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """``reading`` of a column whose values come again and again: each is read once.

    Columns of mostly different values are read whole.
    """
    if only_value(texts):
        return _read(texts.head(1), reading).new_from_index(0, texts.len()).rename(texts.name)
    column = coded(texts)
    if column.values.len() * _LEAST_TIMES >= texts.len():
        return _read(texts, reading).rename(texts.name)
    return column.told(_read(column.values, reading)).rename(texts.name)


def _read(texts: pl.Series, reading: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    return texts.to_frame("text").select(reading(pl.col("text"))).to_series()


def only_value(column: pl.Series) -> bool:
    """Whether all rows hold one and the same value, none null: a quick look that saves a slow one."""
    return column.len() > 0 and column.null_count() == 0 and bool((column == column[0]).all())
