"""What a reader may ask of the forecasts: how good past ones were, and what moved tonight's.

Figures only; how they are said is in ``templates``.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from authorities.model import ALL, UNALLOCATED
from bulletins.night import BASE, TERRITORY, Night, Row
from bulletins.numbers import whole_parts
from bulletins.steps import in_order

SPREADSHEET = ("pace", "naive", "growth")
"""Methods of a spreadsheet, which the forecast stands beside."""
_OURS = ("combined", "bank", "structural")
"""Methods of the bulletin, the one that is published first."""
_ERROR, _COVERAGE = "wape_pct", "coverage80_pct"
SOURCES = ("published", "backtest")
CAUSES = (
    "new_receipts", "restatement", "passing_days", "office_estimate", "estimate", "configuration",
    "new_fiscal_year", "other",
)  # fmt: skip
_FEW = 3
"""Months of origin shown: a quarter's end each where there are more."""


@dataclass(frozen=True)
class Record:
    """Errors of year-ends over several years, in percent of what came (units' totals).

    rows: months elapsed, and the error of each of ``methods``, None where it was not scored. coverage: months
    elapsed, and how many percent of year-ends lay in the 80% range of the first method.
    """

    source: str
    first_year: int
    last_year: int
    methods: tuple[str, ...]
    rows: tuple[tuple[int, tuple[float | None, ...]], ...]
    coverage: tuple[tuple[int, float], ...]

    @property
    def largest_error(self) -> float:
        """Where the longest bar of the table ends."""
        errors = [error for _, row in self.rows for error in row if error is not None]
        return max([*errors, 1.0])

    @property
    def verdicts(self) -> tuple["Verdict", ...]:
        """For each month of origin, the first method beside a spreadsheet's best; none without both."""
        found = []
        for months, errors in self.rows:
            known = [
                (error, name)
                for name, error in zip(self.methods, errors, strict=True)
                if error is not None and name in SPREADSHEET
            ]
            if known and errors[0] is not None and self.methods[0] not in SPREADSHEET:
                found.append(Verdict(months, errors[0], min(known)[1], min(known)[0]))
        return tuple(found)


@dataclass(frozen=True)
class Verdict:
    """The forecast's error after some months, and the best that a spreadsheet would have done."""

    months: int
    error: float
    rival: str
    rival_error: float

    @property
    def is_better(self) -> bool:
        """Whether the forecast erred less than the best spreadsheet."""
        return self.error < self.rival_error

    @property
    def ratio(self) -> float | None:
        """The rival's error in multiples of the forecast's; None where that was none."""
        return self.rival_error / self.error if self.error else None


@dataclass(frozen=True)
class MovedRow:
    """What moved a unit's year-end since the night before, in whole display units, by cause."""

    key: str
    name: str
    amounts: tuple[int, ...]

    @property
    def whole(self) -> int:
        """All causes together."""
        return sum(self.amounts)


@dataclass(frozen=True)
class Moved:
    """What moved the year-ends since ``since``; the largest movers first, the authority apart."""

    since: dt.date
    causes: tuple[str, ...]
    rows: tuple[MovedRow, ...]
    total: MovedRow | None


def records(night: Night) -> tuple[Record, ...]:
    """What was published and scored, and the backtest; none while no past year has been scored.

    A method that was not scored in every year has a record of its own years, beside the others in just these:
    errors of different years say nothing of who errs less.
    """
    rows = night.rows("mart_forecast_accuracy", line_code=ALL, basis=TERRITORY)
    by_source = {source: [row for row in rows if row["source"] == source] for source in SOURCES}
    return tuple(
        _record(source, found, years)
        for source, found in by_source.items()
        for years in sorted({*_years_of(found).values()}, key=lambda span: (-len(span), sorted(span)))
    )


def _years_of(rows: Sequence[Row]) -> dict[str, frozenset[int]]:
    """Method → years in which it was scored."""
    years: dict[str, set[int]] = {}
    for row in rows:
        years.setdefault(row["method"], set()).add(row["fiscal_year"])
    return {method: frozenset(span) for method, span in years.items()}


def _record(source: str, every: Sequence[Row], years: frozenset[int]) -> Record:
    spans = _years_of(every)
    rows = [row for row in every if row["fiscal_year"] in years and spans[row["method"]] >= years]
    scored = {row["method"] for row in rows}
    methods = (*in_order(scored.difference(SPREADSHEET), _OURS), *(n for n in SPREADSHEET if n in scored))
    months = sorted({row["months_elapsed"] for row in rows})
    shown = [month for month in months if month % _FEW == 0] if len(months) > _FEW else months
    shown = shown or months
    table = tuple((month, tuple(_mean(rows, method, month, _ERROR) for method in methods)) for month in shown)
    held = [(month, _mean(rows, methods[0], month, _COVERAGE)) for month in shown]
    coverage = tuple((month, share) for month, share in held if share is not None)
    return Record(source, min(years), max(years), methods, table, coverage)


def _mean(rows: Sequence[Row], method: str, month: int, column: str) -> float | None:
    """Mean over years, each weighing as many units as it has."""
    found = [
        (row[column], row["n"])
        for row in rows
        if row["method"] == method and row["months_elapsed"] == month and row[column] is not None
    ]
    weight = sum(n for _, n in found)
    return sum(error * n for error, n in found) / weight if weight else None


def method(night: Night) -> str:
    """What tonight's year-ends of the units are made by, most of them; empty without forecasts."""
    rows = night.rows("mart_year_end_forecast", line_code=ALL, basis=TERRITORY, scenario=BASE)
    made_by = Counter(row["method"] for row in rows if row["unit_key"] not in (ALL, UNALLOCATED))
    return max(made_by, key=lambda name: (made_by[name], name)) if made_by else ""


def moved_since(night: Night) -> dt.date | None:
    """The published night that tonight's forecasts are compared with; None where none moved."""
    rows = night.rows("mart_forecast_news", line_code=ALL, basis=TERRITORY)
    return rows[0]["previous_as_of"] if rows else None


def moved(night: Night) -> Moved | None:
    """What moved the units' year-ends on the territory since the night published before; None without."""
    rows = night.rows("mart_forecast_news", line_code=ALL, basis=TERRITORY)
    if not rows:
        return None
    causes = tuple(cause for cause in CAUSES if any(row["cause"] == cause for row in rows))
    amounts = {(row["unit_key"], row["cause"]): row["amount"] for row in rows}
    units = sorted({row["unit_key"] for row in rows} - {ALL})
    scale = night.authority.settings.currency.display_scale
    columns, totals = [], []
    for cause in causes:
        parts = [amounts.get((unit, cause), Decimal(0)) for unit in units]
        shown, total = whole_parts(parts, amounts.get((ALL, cause), Decimal(0)), scale)
        columns.append([part or 0 for part in shown])
        totals.append(total or 0)
    names = night.unit_names
    table = [
        MovedRow(unit, str(names.get(unit) or unit), tuple(column[place] for column in columns))
        for place, unit in enumerate(units)
    ]
    table.sort(key=lambda row: (-abs(row.whole), row.name))
    whole = MovedRow(ALL, "", tuple(totals)) if any((ALL, cause) in amounts for cause in causes) else None
    return Moved(rows[0]["previous_as_of"], causes, tuple(table), whole)
