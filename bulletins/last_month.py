"""What came of a unit's money since the end of last month, line by line, and how its outlook stood then.

From the way through the year that the night itself publishes, so that it is there on a first night too; only
the forecast of then needs a night that was published in that month.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from authorities.model import ALL, UNALLOCATED
from bulletins.night import BASE, TERRITORY, Night
from bulletins.past_forecasts import PastForecast
from bulletins.steps import Waterfall, waterfall

REST = "REST"
"""Lines that are not shown by themselves."""
_LINES_SHOWN = 6


@dataclass(frozen=True)
class SinceLastMonth:
    """What a unit collected since ``since``, the last day of the month before.

    Attributes:
        before, now: collected in the fiscal year by then and by the night, in currency units.
        lines: what came by line, the largest first; None where nothing moved.
        outlook: what the last night published in that month said of the year; None without one.
    """

    since: dt.date
    before: Decimal
    now: Decimal
    estimate: Decimal | None
    lines: Waterfall | None
    outlook: PastForecast | None

    @property
    def shares(self) -> tuple[float, float] | None:
        """Percent of the estimate by then and by the night; None without an estimate."""
        if not self.estimate or self.estimate < 0:
            return None
        return float(self.before / self.estimate * 100), float(self.now / self.estimate * 100)


def since_last_month(
    night: Night, unit_key: str, estimate: Decimal | None, past: tuple[PastForecast, ...], language: str
) -> SinceLastMonth | None:
    """What came since last month's end; None where the night has no way through the year for the unit.

    Args:
        past: what earlier nights said of the unit's years, the newest first.
        language: of the lines' names.
    """
    month = night.data_until.replace(day=1)
    since = month - dt.timedelta(days=1)
    reached: dict[str, list[Decimal]] = {}
    rows = night.rows("mart_forecast_path", unit_key=unit_key, basis=TERRITORY, scenario=BASE)
    for row in rows:
        amounts = reached.setdefault(row["line_code"], [Decimal(0), Decimal(0)])
        for place, asked in enumerate((since.replace(day=1), month)):
            if row["month"] == asked and row["actual_amount"] is not None:
                amounts[place] = row["actual_amount"]
    if ALL not in reached:
        return None
    before, now = reached.pop(ALL)
    came = {code: later - earlier for code, (earlier, later) in reached.items()}
    return SinceLastMonth(
        since=since,
        before=before,
        now=now,
        estimate=estimate,
        lines=_lines(night, came, now - before, language),
        outlook=next((one for one in past if (one.night.year, one.night.month) == (since.year, since.month)
                      and one.fiscal_year == night.fiscal_year), None),
    )  # fmt: skip


def _lines(night: Night, came: dict[str, Decimal], whole: Decimal, language: str) -> Waterfall | None:
    """The largest lines, then the others together, then what no line has."""
    named = sorted((code for code in came if code != UNALLOCATED), key=lambda code: (-abs(came[code]), code))
    shown, others = named[:_LINES_SHOWN], named[_LINES_SHOWN:]
    if len(others) == 1:
        shown, others = named, []
    parts = [(night.line_name(code, language), came[code]) for code in shown]
    parts.append((REST, sum((came[code] for code in others), Decimal(0))))
    parts.append((UNALLOCATED, whole - sum((came[code] for code in named), Decimal(0))))
    scale = night.authority.settings.currency.display_scale
    return waterfall(parts, scale) if named else None
