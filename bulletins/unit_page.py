"""What the page of one unit tells: its bases, lines, year, warnings, what moved its forecast, and past ones.

Figures only, the same for every language but for names; how they are said is in ``templates``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from authorities.model import ALL, UNALLOCATED
from bulletins.cases import Warning  # noqa: A004 - see there
from bulletins.fan import Fan, fan_of
from bulletins.findings import SpendingRow, unit_spending
from bulletins.forecast_record import CAUSES
from bulletins.last_month import SinceLastMonth, since_last_month
from bulletins.night import TERRITORY, Night
from bulletins.past_forecasts import PastForecast, past_forecasts
from bulletins.positions import PlaceRow, Table, WithoutLines, bases, lines_table, without_lines
from bulletins.steps import Waterfall, in_order, waterfall

LINES_SHOWN = 30
_LINES_MOVED = 8


@dataclass(frozen=True)
class MovedLine:
    """What moved the forecast of one line, in currency units."""

    name: str
    amount: Decimal


@dataclass(frozen=True)
class UnitMoved:
    """What moved a unit's year-end since the last published night: causes, and the lines that moved most."""

    causes: Waterfall
    lines: tuple[MovedLine, ...]


@dataclass(frozen=True)
class UnitStory:
    """Everything that a unit's page shows."""

    row: PlaceRow
    bases: tuple[PlaceRow, ...]
    lines: Table
    fan: Fan | None
    warnings: tuple[Warning, ...]
    causes: Mapping[str, Waterfall]
    without: WithoutLines | None
    month: SinceLastMonth | None
    moved: UnitMoved | None
    spending: tuple[SpendingRow, ...]
    past: tuple[PastForecast, ...]

    @property
    def has_history(self) -> bool:
        """Whether earlier years are there to compare with."""
        return self.row.pace is not None or self.row.same_period is not None


def unit_story(
    night: Night, row: PlaceRow, language: str, warnings: tuple[Warning, ...], causes: Mapping[str, Waterfall]
) -> UnitStory:
    """The story of the unit in ``row`` with its ``warnings``; ``causes`` are those of all warnings."""
    past = past_forecasts(night, row.key)
    return UnitStory(
        row=row,
        bases=bases(night, row),
        lines=lines_table(night, language, row, LINES_SHOWN),
        fan=fan_of(night, row.estimate, row.key),
        warnings=warnings,
        causes={one.warning_id: causes[one.warning_id] for one in warnings if one.warning_id in causes},
        without=without_lines(night, language, row.key),
        month=since_last_month(night, row.key, row.estimate, past, language),
        moved=_moved(night, row.key, language),
        spending=unit_spending(night, row.key),
        past=past,
    )


def _moved(night: Night, unit_key: str, language: str) -> UnitMoved | None:
    rows = night.rows("mart_forecast_news", unit_key=unit_key, basis=TERRITORY)
    by_cause = {row["cause"]: row["amount"] for row in rows if row["line_code"] == ALL}
    scale = night.authority.settings.currency.display_scale
    causes = waterfall([(cause, by_cause[cause]) for cause in in_order(by_cause, CAUSES)], scale)
    if causes is None:
        return None
    by_line: dict[str, Decimal] = {}
    for row in rows:
        if row["line_code"] not in (ALL, UNALLOCATED):
            by_line[row["line_code"]] = by_line.get(row["line_code"], Decimal(0)) + row["amount"]
    most = sorted(by_line, key=lambda code: (-abs(by_line[code]), code))[:_LINES_MOVED]
    return UnitMoved(
        causes,
        tuple(MovedLine(night.line_name(code, language), by_line[code]) for code in most if by_line[code]),
    )
