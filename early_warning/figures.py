"""Figures of a warning in words: numbers as each language writes them, and templates filled with them.

Which figures a warning has, and so which {placeholders} its message may use, is for ``early_warning.rules``;
the bulletin formats its own tables.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from string import Formatter
from typing import Literal

from authorities.model import Currency, Words

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
_NOT_KNOWN = {"vi": "chưa có số liệu", "en": "not available"}
_DATE_PATTERN = {"vi": "d/M/yyyy", "en": "d MMMM yyyy"}
_MOST_DIGITS = 3
_NEARLY_CERTAIN = 0.99


@dataclass(frozen=True)
class Percent:
    """A share in percent; ``apart_from`` is a bar that its rounding must not seem to reach."""

    value: float | None
    apart_from: float | None = None


@dataclass(frozen=True)
class Points:
    """A difference of shares in percentage points."""

    value: float | None


@dataclass(frozen=True)
class Probability:
    """A probability in 0..1, said as a percentage."""

    value: float | None


@dataclass(frozen=True)
class Money:
    """An amount in currency units, said in the authority's display unit."""

    value: Decimal | None


Figure = Percent | Points | Probability | Money | Words | dt.date | int | str | None


def _decimal(value: float | Decimal, digits: int, language: Language) -> str:
    from babel.numbers import format_decimal

    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return str(format_decimal(exact, "#,##0" + ("." + "0" * digits if digits else ""), locale=language))


def _percent(figure: Percent, language: Language) -> str:
    """One digit after the mark, more where 49.97% would read as the 50.0% it does not reach."""
    assert figure.value is not None  # noqa: S101 - said() has dealt with it
    digits = 1
    if figure.apart_from is not None and figure.value != figure.apart_from:
        bar = _decimal(figure.apart_from, _MOST_DIGITS, language)
        while (
            digits < _MOST_DIGITS and _decimal(figure.value, digits, language) == bar[: digits - _MOST_DIGITS]
        ):
            digits += 1
    return f"{_decimal(figure.value, digits, language)}%"


def _probability(value: float, language: Language) -> str:
    """Whole percent; what is drawn from a model is never said to be 0% or 100%."""
    if value > _NEARLY_CERTAIN:
        return {"vi": "trên 99%", "en": "over 99%"}[language]
    if value < 1 - _NEARLY_CERTAIN:
        return {"vi": "dưới 1%", "en": "under 1%"}[language]
    return f"{_decimal(value * 100, 0, language)}%"


def said(figure: Figure, language: Language, currency: Currency) -> str:
    """``figure`` as ``language`` writes it, with its unit; a figure that lacks is said to lack."""
    from babel.dates import format_date

    match figure:
        case None | Percent(None) | Points(None) | Probability(None) | Money(None):
            return _NOT_KNOWN[language]
        case Percent():
            return _percent(figure, language)
        case Points(float(value)):
            unit = {"vi": "điểm %", "en": "percentage points"}[language]
            return f"{_decimal(value, 1, language)} {unit}"
        case Probability(float(value)):
            return _probability(value, language)
        case Money(Decimal() as amount):
            unit = getattr(currency.display_unit, language)
            return f"{_decimal(amount / currency.display_scale, 0, language)} {unit}"
        case Words():
            return str(getattr(figure, language))
        case dt.date():
            return str(format_date(figure, _DATE_PATTERN[language], locale=language))
        case _:
            return str(figure)


def fill(template: str, figures: Mapping[str, Figure], language: Language, currency: Currency) -> str:
    """``template`` with its {placeholders} replaced by figures and their units.

    Both ``{share}`` and ``{share}%`` are written in rules; neither gives two percent signs.

    Raises:
        KeyError: naming the placeholder that no figure has and those that are known.
    """
    parts: list[str] = []
    for text, name, _, _ in Formatter().parse(template):
        has_sign = bool(parts) and parts[-1].endswith("%")
        parts.append(text.removeprefix("%") if has_sign else text)
        if name is None:
            continue
        if name not in figures:
            raise KeyError(f"no figure '{{{name}}}'; known are {', '.join(sorted(figures))}")
        parts.append(said(figures[name], language, currency))
    return "".join(parts)
