"""One night as the bulletin gets it: authority, marts by name, dimensions, publication, and what lies beside.

Gives every section its rows, empty where a mart lacks. What the sections make of them is in
``bulletins.positions`` and ``bulletins.findings``.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import polars as pl

from authorities.model import ALL, Authority
from warehouse.projections import empty_frame, grain
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS

TERRITORY, RECURRENT = "territory", "recurrent"
INITIAL = "initial"
BASE, WITHOUT_SHOCKS = "base", "without_shocks"

_STALE_DAYS = 10
"""For an authority whose rules bear any delay."""

Row = dict[str, Any]
Explain = Callable[[str, str, Literal["vi", "en"]], str]
"""Dataset, rule, language → what the rule means, what became of the money, and what to do."""
IsCounted = Callable[[str, str], bool]
"""Dataset, rule → whether the rows it names are counted all the same, as unallocated money."""
_TABLES = {table.name: table for table in (*MARTS, *DIMENSIONS)}


@dataclass(frozen=True)
class FailedCheck:
    """A check of the night that did not hold, and did not stop it."""

    subject: str
    name: str
    said: str


@dataclass(frozen=True)
class Night:
    """What a bulletin is made from.

    Frames by table name, in currency units and percent, with or without ``publication_id``.

    Attributes:
        publication: a row of that table.
        history: rows of marts as earlier nights published them.
        explain: words the rules of refused rows by language; without it ``mart_quarantine`` has the word.
        is_counted: tells the rules whose rows count as unallocated; without it all are held back.
        failed_checks: those of the night; None where nobody told.
        validations: what each expectation found, a row each with the columns that ``bulletins.validations``
            reads; None where nobody told.
    """

    authority: Authority
    marts: Mapping[str, pl.DataFrame]
    dimensions: Mapping[str, pl.DataFrame]
    publication: Mapping[str, Any]
    history: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    explain: Explain | None = None
    is_counted: IsCounted | None = None
    failed_checks: Sequence[FailedCheck] | None = None
    validations: pl.DataFrame | None = None

    @property
    def as_of(self) -> dt.date:
        """The night."""
        day: dt.date | str = self.publication["as_of"]
        return dt.date.fromisoformat(day) if isinstance(day, str) else day

    @cached_property
    def data_until(self) -> dt.date:
        """Last day of which receipts are known, within the fiscal year; the night where nobody says."""
        rows = self.rows("mart_unit_position", unit_key=ALL, basis=TERRITORY, estimate_version=INITIAL)
        known = [row["last_complete_day"] for row in rows if row.get("last_complete_day")]
        first = self.authority.fiscal_year_start(self.fiscal_year)
        return max(first, min(self.as_of, *known)) if known else self.as_of

    @property
    def days_behind(self) -> int:
        """Days from the last known receipts to the night, where that is more than warnings bear; else 0."""
        bearable = [rule.stale_after_days for rule in self.authority.settings.warning_rules]
        behind = (self.as_of - self.data_until).days
        return behind if behind > min((days for days in bearable if days), default=_STALE_DAYS) else 0

    @property
    def fiscal_year(self) -> int:
        """Fiscal year of the night."""
        return self.authority.fiscal_year(self.as_of)

    @cached_property
    def past(self) -> "Night":
        """What earlier nights published, to be asked in the same way."""
        return Night(self.authority, self.history, self.dimensions, self.publication)

    def rows(self, name: str, **where: str) -> list[Row]:
        """Rows of a mart or dimension that hold ``where``, by its grain; none where it lacks."""
        if name not in _TABLES:
            return []
        kept = self._part(name, where).filter(*(pl.col(column) == value for column, value in where.items()))
        order = [column for column in grain(_TABLES[name]) if column in kept.columns]
        return [{key: _finite(value) for key, value in row.items()} for row in kept.sort(order).to_dicts()]

    def _part(self, name: str, where: Mapping[str, str]) -> pl.DataFrame:
        """The part of a table in which rows are looked for: split by unit once, as every unit has a page."""
        frame = self._tables.get(name)
        if frame is None or frame.is_empty():
            return empty_frame(_TABLES[name])
        if "unit_key" not in where:
            return frame
        if name not in self._by_unit:
            parts = frame.partition_by("unit_key", as_dict=True)
            self._by_unit[name] = {str(key): part for (key,), part in parts.items()}
        return self._by_unit[name].get(where["unit_key"], frame.clear())

    @cached_property
    def _tables(self) -> dict[str, pl.DataFrame]:
        return {**self.marts, **self.dimensions}

    @cached_property
    def _by_unit(self) -> dict[str, dict[str, pl.DataFrame]]:
        return {}

    @cached_property
    def lines(self) -> dict[str, Row]:
        """Line → its row of dim_line."""
        return {row["line_code"]: row for row in self.rows("dim_line")}

    def line_name(self, line_code: str, language: str) -> str:
        """What a line is called in the language; its code where it has no name."""
        return str(self.lines.get(line_code, {}).get(f"name_{language}") or line_code)

    @cached_property
    def unit_names(self) -> dict[str, str]:
        """Unit key → name."""
        return {row["unit_key"]: row["unit_name"] for row in self.rows("dim_unit")}


def _finite(value: Any) -> Any:
    """None for what is no number, so that no page ever says NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
