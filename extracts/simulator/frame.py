"""The ground a simulation stands on: units, lines, months, working days, and its streams of random numbers.

Streams are named, so that one part drawing more leaves the others as they were. What is drawn from them is in
the modules beside this one.
"""

import calendar
import datetime as dt
import zlib
from dataclasses import dataclass
from functools import cached_property

import holidays
import numpy as np
import numpy.typing as npt

from authorities.model import Authority, Unit
from extracts.simulator.settings import LineProfile, SimulationFile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
WORKING_DAYS_AT_MOST = 23


@dataclass(frozen=True)
class Frame:
    """Who, what and when: everything a simulation is a function of.

    Attributes:
        first_year, last_year: fiscal years simulated, both whole.
        as_of: last day that lands; what comes later is withheld.
    """

    authority: Authority
    settings: SimulationFile
    units: tuple[Unit, ...]
    first_year: int
    last_year: int
    as_of: dt.date
    seed: int

    def stream(self, *names: str | int) -> np.random.Generator:
        """A generator of its own for a part of the simulation, from the seed and the part's name."""
        return np.random.default_rng([self.seed, *(zlib.crc32(str(name).encode()) for name in names)])

    @property
    def lines(self) -> tuple[LineProfile, ...]:
        """Profiles of the lines, in the order of the settings."""
        return self.settings.lines

    @property
    def years(self) -> range:
        """Fiscal years, in order."""
        return range(self.first_year, self.last_year + 1)

    @cached_property
    def months(self) -> tuple[dt.date, ...]:
        """First days of the months, in order."""
        return tuple(dt.date(year, month, 1) for year in self.years for month in range(1, 13))

    @cached_property
    def sizes(self) -> Floats:
        """Size of each unit beside an average one."""
        named = self.settings.unit_sizes
        drawn = self.stream("sizes").lognormal(-0.06, 0.35, len(self.units))
        return np.array(
            [
                named.get(unit.code, size if not named else 1.0)
                for unit, size in zip(self.units, drawn, strict=True)
            ]
        )

    @cached_property
    def working_days(self) -> tuple[tuple[dt.date, ...], ...]:
        """Working days of each month: neither weekends nor the country's public holidays."""
        country = self.authority.settings.holidays_country
        free = holidays.country_holidays(country, years=list(self.years)) if country else {}
        return tuple(
            tuple(
                day
                for number in range(1, calendar.monthrange(month.year, month.month)[1] + 1)
                if (day := month.replace(day=number)).weekday() < 5 and day not in free
            )
            for month in self.months
        )

    def month_index(self, month: str) -> int | None:
        """Place of ``YYYY-MM`` among the months; None where it is not simulated."""
        place = (int(month[:4]) - self.first_year) * 12 + int(month[5:]) - 1
        return place if 0 <= place < len(self.months) else None

    def line_index(self, line_code: str) -> int:
        """Place of a line among the simulated ones."""
        return [profile.line_code for profile in self.lines].index(line_code)


def share_pct(authority: Authority, line_code: str, unit_code: str, day: dt.date) -> float:
    """Percentage of a line that a unit keeps on ``day``: its own rule goes first; 0 without any."""
    rules = [
        rule for rule in authority.sharing_rules
        if rule.line_code == line_code and rule.unit_code in ("*", unit_code) and rule.holds_on(day)
    ]  # fmt: skip
    rules.sort(key=lambda rule: rule.unit_code == "*")
    return float(rules[0].share_pct) if rules else 0.0


def counts_as_recurrent(authority: Authority, line_code: str, day: dt.date) -> bool:
    """Whether a line counts as revenue for recurrent spending on ``day``."""
    return any(
        mark.counts
        for mark in authority.recurrent_lines
        if mark.line_code == line_code and mark.holds_on(day)
    )
