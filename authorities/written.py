"""Numbers and days as each language writes them: the one way, for messages and pages alike.

Which figures are said, and in which unit, is for ``early_warning`` and ``bulletins``.
"""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from typing import Any

NEARLY_CERTAIN = 0.99
"""What is drawn from a model is said to be over this or under its counterpart, never 100% or 0%."""
_DAY = {"vi": "d/M/yyyy", "en": "d MMMM yyyy"}
_MOST_DIGITS = 3


def rounded(value: Decimal | float, digits: int = 0) -> Decimal:
    """``value`` to ``digits`` after the mark, halves away from zero as on paper."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def number(value: Decimal | float, digits: int, language: str) -> str:
    """A plain number, grouped, with a true minus: 1.234,5 in Vietnamese, 1,234.5 in English."""
    return str(_pattern(digits).apply(rounded(value, digits), _locale(language))).replace("-", "−")


def percent(value: float, digits: int, language: str, apart_from: float | None = None) -> str:
    """Percent with its sign; more digits where 49.97 would read as the 50.0 it does not reach."""
    if apart_from is not None and value != apart_from:
        while digits < _MOST_DIGITS and rounded(value, digits) == rounded(apart_from, digits):
            digits += 1
    return f"{number(value, digits, language)}%"


def day(value: dt.date, language: str) -> str:
    """A day: 30/6/2020 in Vietnamese, 30 June 2020 in English."""
    return dated(value, _DAY[language], language)


@lru_cache(maxsize=4096)
def dated(value: dt.date, pattern: str, language: str) -> str:
    """A day by a pattern of the Unicode locale data."""
    from babel.dates import format_date

    return str(format_date(value, pattern, locale=_locale(language)))


@cache
def _locale(language: str) -> Any:
    """Babel's locale, looked up once: pages hold tens of thousands of figures."""
    from babel import Locale

    return Locale.parse(language)


@cache
def _pattern(digits: int) -> Any:
    from babel.numbers import parse_pattern

    return parse_pattern("#,##0" + ("." + "0" * digits if digits else ""))
