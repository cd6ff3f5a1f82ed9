"""Names to places: which unit × line a row of a frame belongs to, for millions of rows at a time.

Frames are gone through in slices, so that what is held beside them stays small.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from authorities.model import ALL
from forecasts.arrays import Integers

_ROWS_AT_ONCE = 2**20


@dataclass(frozen=True, slots=True)
class Places:
    """The leaves of some frames, sorted by line, then unit: n of them, by lines × units places (−1: none)."""

    units: pl.Series
    lines: pl.Series
    table: Integers

    @classmethod
    def of(cls, frames: Sequence[pl.DataFrame]) -> "Places":
        """Every unit × line that occurs in frames with unit_key and line_code, totals apart."""
        units, lines = (_names(frames, column) for column in ("unit_key", "line_code"))
        seen = np.zeros(len(units) * len(lines), dtype=bool)
        for frame in frames:
            for part in frame.iter_slices(_ROWS_AT_ONCE):
                codes = _codes(part, units, lines)
                seen[codes[codes >= 0]] = True
        table = np.where(seen, np.cumsum(seen) - 1, -1)
        return cls(units, lines, table)

    def keys(self) -> pl.DataFrame:
        """row, unit_key and line_code of every leaf, in order."""
        line, unit = np.divmod(np.flatnonzero(self.table >= 0), max(len(self.units), 1))
        names = {
            "unit_key": self.units.gather(unit.astype(np.uint32)),
            "line_code": self.lines.gather(line.astype(np.uint32)),
        }
        return pl.DataFrame(names).with_row_index("row")

    def placed(self, frame: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, Integers]]:
        """A frame in slices, each with its rows' places among the leaves; rows of totals and strangers are
        left out."""
        for part in frame.iter_slices(_ROWS_AT_ONCE):
            codes = _codes(part, self.units, self.lines)
            places = np.where(codes >= 0, self.table[codes], -1) if len(self.table) else codes
            known = places >= 0
            yield (part, places) if known.all() else (part.filter(pl.Series(known)), places[known])


def _names(frames: Sequence[pl.DataFrame], column: str) -> pl.Series:
    every = pl.concat([pl.Series([], dtype=pl.String), *(frame[column].unique() for frame in frames)])
    return every.filter(every != ALL).unique().sort()


def _codes(part: pl.DataFrame, units: pl.Series, lines: pl.Series) -> Integers:
    """Line × number of units + unit of each row; −1 where either is unknown."""
    unit, line = (
        part[column].cast(pl.Enum(names), strict=False).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        for column, names in (("unit_key", units), ("line_code", lines))
    )
    return np.where((unit >= 0) & (line >= 0), line * len(units) + unit, -1)
