"""One night as the bulletin gets it: the authority, the marts by name, the dimensions, the publication.

Gives every section its rows, empty where a mart lacks. What the sections make of them is in
``bulletins.positions`` and ``bulletins.findings``.
"""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from authorities.model import Authority
from warehouse.projections import empty_frame, grain
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS

TERRITORY, RECURRENT = "territory", "recurrent"
INITIAL = "initial"
BASE, WITHOUT_SHOCKS = "base", "without_shocks"

Row = dict[str, Any]
_TABLES = {table.name: table for table in (*MARTS, *DIMENSIONS)}


@dataclass(frozen=True)
class Night:
    """What a bulletin is made from."""

    authority: Authority
    marts: Mapping[str, pl.DataFrame]
    dimensions: Mapping[str, pl.DataFrame]
    publication: Mapping[str, Any]

    @property
    def as_of(self) -> dt.date:
        """The night."""
        day: dt.date | str = self.publication["as_of"]
        return dt.date.fromisoformat(day) if isinstance(day, str) else day

    @property
    def fiscal_year(self) -> int:
        """Fiscal year of the night."""
        return self.authority.fiscal_year(self.as_of)

    def rows(self, name: str, **where: str) -> list[Row]:
        """Rows of a mart or dimension that hold ``where``, by its grain; none where it lacks."""
        frame = {**self.marts, **self.dimensions}.get(name)
        if frame is None or frame.is_empty():
            frame = empty_frame(_TABLES[name])
        kept = frame.filter(*(pl.col(column) == value for column, value in where.items()))
        kept = kept.sort([column for column in grain(_TABLES[name]) if column in kept.columns])
        return [{key: _finite(value) for key, value in row.items()} for row in kept.to_dicts()]

    def unit_names(self) -> dict[str, str]:
        """Unit key → name."""
        return {row["unit_key"]: row["unit_name"] for row in self.rows("dim_unit")}


def _finite(value: Any) -> Any:
    """None for what is no number, so that no page ever says NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
