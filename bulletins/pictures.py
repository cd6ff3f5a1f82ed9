"""Pictures that put many units side by side: small multiples of their years, and the strip of lines by unit.

Figures and places only; they are drawn in the templates, since a hundred small pictures cost a charting
library more than the rest of the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from authorities.model import ALL, UNALLOCATED
from bulletins.fan import MONTHS, Fan, fan_of
from bulletins.night import INITIAL, TERRITORY, Night, Row
from bulletins.positions import PlaceRow

WIDTH, HEIGHT = 120, 62
"""Of a small picture, in its own units."""
_MOST_SHARE, _LEAST_SHARE = 1.5, 1.1
"""Small pictures reach up to the highest share of an estimate, between these two."""
_LINES_SHOWN = 9
_STEPS = (0.0, -5.0, -10.0, -20.0)
"""Percentage points behind the pace, or last year, from which a cell is one step darker."""
NOT_KNOWN = -1
_WHOLE = 100.0


@dataclass(frozen=True)
class Small:
    """A unit's year in a small picture: lines as SVG points, in a box of ``WIDTH`` × ``HEIGHT``."""

    row: PlaceRow
    came: str
    band: str
    median: str
    estimate_height: float | None


@dataclass(frozen=True)
class Cell:
    """A line of a unit: share of its estimate, and how dark it is (0: not behind; 4: far behind)."""

    share: float | None
    step: int


@dataclass(frozen=True)
class Strip:
    """Units by revenue line, the largest lines first."""

    lines: tuple[str, ...]
    rows: tuple[tuple[PlaceRow, tuple[Cell, ...]], ...]
    of_estimate: bool
    """Cells are shares of the estimate; else, where no line has one, of the same period of last year."""


def small_multiples(night: Night, rows: Sequence[PlaceRow]) -> tuple[Small, ...]:
    """The years of ``rows`` on one scale of shares, in their order; units without a forecast are left out.

    A unit without an estimate fills its own picture.
    """
    fans = [(row, fan) for row in rows if (fan := fan_of(night, row.estimate, row.key)) is not None]
    reach = [float(fan.largest / fan.estimate) for _, fan in fans if fan.estimate]
    top = min(max([_LEAST_SHARE, *reach]), _MOST_SHARE)
    return tuple(_small(row, fan, top) for row, fan in fans)


def _small(row: PlaceRow, fan: Fan, top: float) -> Small:
    whole = float(fan.estimate) if fan.estimate else max(float(fan.largest), 1.0) / top

    def at(place: float, amount: float) -> str:
        height = HEIGHT * (1 - min(max(amount / whole / top, 0.0), 1.0))
        return f"{place / MONTHS * WIDTH:.1f},{height:.1f}"

    came = [(0.0, 0.0)] + [(min(p.place, fan.now), float(p.actual or 0)) for p in fan.came]
    ahead = fan.may_come
    lows = [came[-1]] + [(p.place, float(p.low)) for p in ahead]
    highs = [came[-1]] + [(p.place, float(p.high)) for p in ahead]
    medians = [came[-1]] + [(p.place, float(p.median)) for p in ahead]
    return Small(
        row=row,
        came=" ".join(at(*point) for point in came),
        band=" ".join(at(*point) for point in [*lows, *reversed(highs)]) if ahead else "",
        median=" ".join(at(*point) for point in medians) if ahead else "",
        estimate_height=round(HEIGHT * (1 - 1 / top), 1) if fan.estimate else None,
    )


def strip(night: Night, rows: Sequence[PlaceRow], language: str) -> Strip | None:
    """How each unit's largest lines stand against their pace; None without figures by line."""
    found = night.rows("mart_line_position", basis=TERRITORY, estimate_version=INITIAL)
    weight = {
        row["line_code"]: max(row["estimate_amount"] or 0, row["collected_amount"] or 0)
        for row in found
        if row["unit_key"] == ALL and row["line_code"] not in (ALL, UNALLOCATED)
    }
    largest = sorted((code for code in weight if weight[code]), key=lambda code: (-weight[code], code))
    chosen = largest[:_LINES_SHOWN]
    of_estimate = any(row["share_of_estimate_pct"] is not None for row in found)
    cells = {(row["unit_key"], row["line_code"]): _cell(row, of_estimate=of_estimate) for row in found}
    if not chosen or not rows:
        return None
    lacking = Cell(None, NOT_KNOWN)
    table = tuple((row, tuple(cells.get((row.key, code), lacking) for code in chosen)) for row in rows)
    return Strip(tuple(night.line_name(code, language) for code in chosen), table, of_estimate)


def _cell(row: Row, *, of_estimate: bool) -> Cell:
    if of_estimate:
        share: float | None = row["share_of_estimate_pct"]
        return Cell(share, _step(share, row["pace_gap_pp"]))
    same: float | None = row["same_period_pct"]
    return Cell(same, _step(same, None if same is None else same - _WHOLE))


def _step(share: float | None, gap: float | None) -> int:
    """How far behind the pace, or last year, from 0 to 4."""
    if share is None or gap is None:
        return NOT_KNOWN
    return sum(gap < bar for bar in _STEPS)
