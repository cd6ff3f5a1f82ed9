"""Figures of a page in one language and currency, and rounding that still adds up.

Everything a reader sees as a figure goes through ``Figures``; how a language writes a number is in
``authorities.written``. Which figures are shown is for the modules beside this one and the templates.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from authorities import written
from authorities.model import Currency
from authorities.written import NEARLY_CERTAIN, rounded

LACKS = "–"
"""Stands where a figure lacks."""
_LEAST_PERCENT = 0.01
_LARGER = {"vi": {"nghìn": "triệu", "triệu": "tỷ"}, "en": {"thousand": "million", "million": "billion"}}
_TOO_LONG = 10_000
"""Display units from which a headline is said in units a thousand times as large."""
_STEP = 1000


def whole_parts(
    parts: Sequence[Decimal | None], total: Decimal | None, scale: int, shown_as: int | None = None
) -> tuple[list[int | None], int | None]:
    """Parts and total in whole units of ``scale``, so that the shown parts add up to the shown total.

    ``shown_as``: how the total is shown elsewhere, where it is itself a part; else it is rounded.

    By largest remainder (Hamilton). Parts that do not exactly make up the total are rounded each for itself:
    a difference that is real is not to be rounded away.
    """
    known = [part for part in parts if part is not None]
    if total is None or sum(known, Decimal(0)) != total:
        alone = [None if part is None else int(rounded(part / scale)) for part in parts]
        return alone, None if total is None else int(rounded(total / scale)) if shown_as is None else shown_as
    shown_total = int(rounded(total / scale)) if shown_as is None else shown_as
    floors = [None if part is None else int((part / scale).to_integral_value(ROUND_FLOOR)) for part in parts]
    missing = shown_total - sum(floor for floor in floors if floor is not None)
    by_remainder = sorted(
        (place for place, part in enumerate(parts) if part is not None),
        key=lambda place: (floors[place] or 0) - (parts[place] or Decimal(0)) / scale,
    )
    for place in by_remainder[:missing]:
        floors[place] = (floors[place] or 0) + 1
    return floors, shown_total


@dataclass(frozen=True)
class Scale:
    """A unit in which money is shown: how many currency units, and its name."""

    size: int
    unit: str


@dataclass(frozen=True)
class Figures:
    """Writes figures in one language and one authority's currency."""

    language: str
    currency: Currency

    def number(self, value: Decimal | float | None, digits: int = 0) -> str:
        """A plain number, grouped, with a true minus: 1.234,5 in Vietnamese, 1,234.5 in English."""
        if value is None:
            return LACKS
        return written.number(value, digits, self.language)

    def percent(self, value: float | None, digits: int = 1, apart_from: float | None = None) -> str:
        """Percent with its sign; more digits where 49.97 would read as the 50.0 it does not reach."""
        if value is None:
            return LACKS
        if 0 < value < _LEAST_PERCENT:
            return f"<{self.number(_LEAST_PERCENT, 2)}%"
        return written.percent(value, digits, self.language, apart_from)

    def percent_range(self, low: float | None, high: float | None) -> str:
        """Two whole percents as one range."""
        return LACKS if low is None or high is None else f"{self.number(low)}–{self.number(high)}%"

    def probability(self, value: float | None) -> str:
        """A probability in 0..1 as whole percent; what is drawn from a model is never 0% or 100%."""
        if value is None:
            return LACKS
        if value > NEARLY_CERTAIN:
            return f">{self.number(NEARLY_CERTAIN * 100)}%"
        if value < 1 - NEARLY_CERTAIN:
            return f"<{self.number((1 - NEARLY_CERTAIN) * 100)}%"
        return f"{self.number(value * 100)}%"

    @property
    def display(self) -> Scale:
        """The unit of the authority's tables."""
        return Scale(self.currency.display_scale, getattr(self.currency.display_unit, self.language))

    def headline_scale(self, largest: Decimal | None) -> Scale:
        """The display unit, or one a thousand times as large where figures would be too long to take in."""
        display = self.display
        if largest is None or abs(largest) < display.size * _TOO_LONG:
            return display
        for small, large in _LARGER[self.language].items():
            if small in display.unit:
                return Scale(display.size * _STEP, display.unit.replace(small, large))
        return display

    def change(self, amount: int) -> str:
        """A change in whole units, with its sign: +1.234, −1.234, 0."""
        return f"{'+' if amount > 0 else '−' if amount < 0 else ''}{self.number(abs(amount))}"

    def table_money(self, amount: Decimal | None) -> str:
        """An amount in whole display units, without the unit's name."""
        return LACKS if amount is None else self.number(amount / self.display.size)

    def money(self, amount: Decimal | None, *, among: Decimal | None = None) -> str:
        """An amount to read in a sentence, with its unit; in the scale of ``among`` where that is given."""
        if amount is None:
            return LACKS
        scale = self.headline_scale(amount if among is None else among)
        is_long = abs(amount) >= 100 * scale.size and scale == self.display
        digits = 0 if is_long or not amount else 1
        return f"{self.number(amount / scale.size, digits)} {scale.unit}"

    def money_of(self, part: Decimal | None, whole: Decimal | None) -> str:
        """A part and its whole in one unit: 1.246,1 / 2.457,3 tỷ đồng."""
        if part is None or whole is None:
            return self.money(part)
        scale = self.headline_scale(whole)
        digits = 1 if scale.size > self.display.size else 0
        parts = " / ".join(self.number(amount / scale.size, digits) for amount in (part, whole))
        return f"{parts} {scale.unit}"

    def day(self, value: dt.date | None) -> str:
        """A day: 30/6/2020 in Vietnamese, 30 June 2020 in English."""
        return LACKS if value is None else written.day(value, self.language)

    def long_day(self, value: dt.date | None) -> str:
        """A day as a document's head says it: ngày 30 tháng 6 năm 2020."""
        return self._dated(value, {"vi": "'ngày' d 'tháng' M 'năm' yyyy", "en": "d MMMM yyyy"})

    def month(self, value: dt.date | None) -> str:
        """A month in short, for an axis: T6 in Vietnamese, Jun in English."""
        return self._dated(value, {"vi": "'T'M", "en": "MMM"})

    def _dated(self, value: dt.date | None, patterns: dict[str, str]) -> str:
        return LACKS if value is None else written.dated(value, patterns[self.language], self.language)
