"""Figures of a warning in words: numbers as each language writes them, and templates filled with them.

Which figures a warning has, and so which {placeholders} its message may use, is for ``early_warning.rules``;
the bulletin formats its own tables.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from string import Formatter
from typing import Literal

from authorities import written
from authorities.model import Currency, Words
from authorities.written import NEARLY_CERTAIN

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
SEVERITY_WORDS: dict[Language, dict[str, str]] = {
    "vi": {"info": "thông tin", "warning": "cảnh báo", "severe": "nghiêm trọng"},
    "en": {"info": "information", "warning": "warning", "severe": "severe"},
}
_NOT_KNOWN = {"vi": "chưa có số liệu", "en": "not available"}


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


def _probability(value: float, language: Language) -> str:
    """Whole percent; what is drawn from a model is never said to be 0% or 100%."""
    if value > NEARLY_CERTAIN:
        return {"vi": "trên 99%", "en": "over 99%"}[language]
    if value < 1 - NEARLY_CERTAIN:
        return {"vi": "dưới 1%", "en": "under 1%"}[language]
    return written.percent(value * 100, 0, language)


def said(figure: Figure, language: Language, currency: Currency) -> str:
    """``figure`` as ``language`` writes it, with its unit; a figure that lacks is said to lack."""
    match figure:
        case None | Percent(None) | Points(None) | Probability(None) | Money(None):
            return _NOT_KNOWN[language]
        case Percent(float() | int() as value, bar):
            return written.percent(value, 1, language, bar)
        case Points(float(value)):
            unit = {"vi": "điểm %", "en": "percentage points"}[language]
            return f"{written.number(value, 1, language)} {unit}"
        case Probability(float(value)):
            return _probability(value, language)
        case Money(Decimal() as amount):
            unit = getattr(currency.display_unit, language)
            return f"{written.number(amount / currency.display_scale, 0, language)} {unit}"
        case Words():
            return str(getattr(figure, language))
        case dt.date():
            return written.day(figure, language)
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
