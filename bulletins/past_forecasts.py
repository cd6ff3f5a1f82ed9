"""What earlier nights said of a unit's year, beside what came where that year is over.

From the publications themselves: nothing is forecast again here. Errors over all units are in
``bulletins.forecast_record``.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from authorities.model import ALL
from bulletins.night import BASE, TERRITORY, Night, Row


@dataclass(frozen=True)
class PastForecast:
    """A year-end as a night published it; ``came`` is what the year brought, None while nobody can say."""

    night: dt.date
    fiscal_year: int
    low: Decimal
    median: Decimal
    high: Decimal
    estimate: Decimal | None
    came: Decimal | None

    @property
    def error(self) -> float | None:
        """Median less what came, in percent of it."""
        return float((self.median - self.came) / self.came * 100) if self.came else None

    @property
    def held(self) -> bool | None:
        """Whether what came lies in the published range."""
        return None if self.came is None else self.low <= self.came <= self.high


def past_forecasts(night: Night, unit_key: str) -> tuple[PastForecast, ...]:
    """What earlier nights said, the newest first; of this year and of those that are over."""
    where = {"unit_key": unit_key, "line_code": ALL, "basis": TERRITORY, "scenario": BASE}
    rows = [row for row in night.past.rows("mart_year_end_forecast", **where) if row["as_of"] < night.as_of]
    rows.sort(key=lambda row: row["as_of"], reverse=True)
    came = {
        night.authority.fiscal_year(row["as_of"]): row["collected_amount"]
        for row in rows
        if _ends_a_year(night, row["as_of"])
    }
    return tuple(_past(night, row, came) for row in rows if not _ends_a_year(night, row["as_of"]))


def _past(night: Night, row: Row, came: dict[int, Decimal]) -> PastForecast:
    year = night.authority.fiscal_year(row["as_of"])
    return PastForecast(
        row["as_of"], year, row["p10_amount"], row["p50_amount"], row["p90_amount"], row["estimate_amount"],
        came.get(year),
    )  # fmt: skip


def _ends_a_year(night: Night, day: dt.date) -> bool:
    following = day + dt.timedelta(days=1)
    return night.authority.fiscal_year(following) != night.authority.fiscal_year(day)
