"""A way through the year, the authority's or a unit's, as figures: what came, what may come, the estimate.

Shown twice, as a picture (``bulletins.charts``) and as the table beside it.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from authorities.model import ALL
from bulletins.night import BASE, TERRITORY, WITHOUT_SHOCKS, Night, Row
from bulletins.positions import months_elapsed

MONTHS = 12


@dataclass(frozen=True)
class PathPoint:
    """Cumulative collection at a place in the year (months since its start), in currency units."""

    place: float
    month: dt.date
    actual: Decimal | None
    low: Decimal
    median: Decimal
    high: Decimal


@dataclass(frozen=True)
class Fan:
    """What the chart shows, for the picture and for the table beside it."""

    start: dt.date
    points: tuple[PathPoint, ...]
    without_shocks: tuple[tuple[float, Decimal], ...]
    """Place and median of later month ends; empty where no shock makes a difference."""
    estimate: Decimal | None
    now: float

    @property
    def largest(self) -> Decimal:
        """Largest amount shown."""
        medians = [amount for _, amount in self.without_shocks]
        return max([point.high for point in self.points] + medians + [self.estimate or Decimal(0)])

    @property
    def smallest(self) -> Decimal:
        """Smallest amount shown: below nothing where more was paid back than came."""
        return min(min(point.low, point.actual or Decimal(0)) for point in self.points)

    @property
    def months(self) -> list[dt.date]:
        """First days of the fiscal year's months."""
        first = self.start.month - 1
        return [
            dt.date(self.start.year + (first + place) // MONTHS, (first + place) % MONTHS + 1, 1)
            for place in range(MONTHS)
        ]

    @property
    def collected(self) -> Decimal:
        """What came up to the night."""
        return self.came[-1].actual or Decimal(0) if self.came else Decimal(0)

    @property
    def came(self) -> list[PathPoint]:
        """Points whose collection is known."""
        return [point for point in self.points if point.actual is not None]

    @property
    def may_come(self) -> list[PathPoint]:
        """Month ends that still lie ahead."""
        return [point for point in self.points if point.place > self.now]


def fan_of(night: Night, estimate: Decimal | None, unit_key: str = ALL) -> Fan | None:
    """The path of a unit, or of the authority, through the year; None without a forecast."""
    start, now = night.authority.fiscal_year_start(night.fiscal_year), float(months_elapsed(night))
    points = [
        PathPoint(
            _place(row, start), row["month"], row["actual_amount"],
            row["p10_amount"], row["p50_amount"], row["p90_amount"],
        )
        for row in _path(night, unit_key, BASE)
    ]  # fmt: skip
    if not points:
        return None
    ahead = [
        (place, row["p50_amount"])
        for row in _path(night, unit_key, WITHOUT_SHOCKS)
        if (place := _place(row, start)) > now
    ]
    same = {(point.place, point.median) for point in points}.issuperset(ahead)
    return Fan(start, tuple(points), () if same else tuple(ahead), estimate, now)


def _place(row: Row, start: dt.date) -> float:
    """Where a month ends on an axis that begins with the fiscal year."""
    month: dt.date = row["month"]
    return float((month.year - start.year) * MONTHS + month.month - start.month + 1)


def _path(night: Night, unit_key: str, scenario: str) -> list[Row]:
    where = {"unit_key": unit_key, "line_code": ALL, "basis": TERRITORY, "scenario": scenario}
    rows = night.rows("mart_forecast_path", **where)
    return sorted(rows, key=lambda row: row["month"])
