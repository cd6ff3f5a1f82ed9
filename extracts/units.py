"""Which unit a row means, by evidence: code, name and date together.

"Long Biên" the old ward and the new one share code and name; only the date tells them apart. Where code
and name speak for different units, or a code is given that nobody knows, the row is not placed: a wrong
ward is worse than an unallocated amount.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable

import polars as pl

from authorities.model import Authority, Unit
from extracts.text import fold, plain_code

ERA = "era"
"""Column that numbers the stretches of time in which the set of units stays the same."""


class UnitResolver:
    """Resolves texts to units of one authority."""

    def __init__(self, authority: Authority) -> None:
        self._units = authority.units
        prefixes = sorted(authority.settings.unit_prefixes, key=len, reverse=True)
        self._prefix = _prefix_pattern(unicodedata.normalize("NFC", word).lower() for word in prefixes)
        self._bare_prefix = _prefix_pattern(fold(word) for word in prefixes)
        self._by_code = _index(
            (code, unit) for unit in self._units for code in (unit.code, *unit.code_variants)
        )
        self._widths = sorted({len(code) for code in self._by_code})
        self._by_name = _index(
            (self._name_key(name), unit) for unit in self._units for name in (unit.name, *unit.name_variants)
        )
        self._by_key = {unit.unit_key: unit for unit in self._units}
        changes = {unit.valid_from for unit in self._units}
        changes |= {unit.valid_to + dt.timedelta(days=1) for unit in self._units if unit.valid_to}
        self.eras = sorted(changes)
        """Days on which the set of units changes."""

    def unit_key(self, code: str | None, name: str | None, day: dt.date) -> str | None:
        """Key of the one unit in force on ``day`` that all the given evidence speaks for; else None."""
        evidence = [self._coded(code)] if code else []
        if name:
            evidence.append(self._named(name))
        if not evidence:
            return None
        candidates = set.intersection(*evidence)
        holding = [key for key in candidates if self._by_key[key].holds_on(day)]
        return holding[0] if len(holding) == 1 else None

    def era_of(self, days: pl.Series) -> pl.Series:
        """Number of the era that each day lies in, counted from 0; null where there is no day."""
        first = pl.repeat(0, days.len(), dtype=pl.Int32, eager=True)
        return sum(((days >= change).cast(pl.Int32) for change in self.eras), start=first)

    def keys_of(self, evidence: pl.DataFrame) -> pl.Series:
        """Key of the unit that each row of evidence (``unit_code``, ``unit_name``, ``ERA``) speaks for."""
        rows = evidence.select("unit_code", "unit_name", ERA).iter_rows()
        keys = [self.unit_key(code, name, self._day_in(era)) for code, name, era in rows]
        return pl.Series("unit_key", keys, dtype=pl.String)

    def _coded(self, code: str) -> set[str]:
        """Units of a code as written, or with the leading zeros that a spreadsheet took."""
        bare = plain_code(code)
        found = [self._by_code.get(bare.zfill(width), set()) for width in self._widths]
        return self._by_code.get(bare) or set.union(set(), *found)

    def _named(self, name: str) -> set[str]:
        """Units called so; where accents were lost, the kind before the name is taken off without them too.

        One word at a time: of "Phuong Phuong Liet" the second is the ward's own.
        """
        key = self._name_key(name)
        while key not in self._by_name:
            shorter = self._bare_prefix.sub("", key, count=1)
            if shorter == key:
                return set()
            key = shorter
        return self._by_name[key]

    def _name_key(self, name: str) -> str:
        """Folded name without its prefixes, which are stripped with their accents: the ward "Phương Liệt"
        keeps its first word, as that is no "Phường"."""
        seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
        lowered = unicodedata.normalize("NFC", seen).strip().lower()
        while (shorter := self._prefix.sub("", lowered, count=1)) not in {lowered, ""}:
            lowered = shorter
        return re.sub(r"^0+(?=[0-9]+$)", "", fold(lowered))

    def _day_in(self, era: int | None) -> dt.date:
        """A day inside an era; rows without a date are taken as of the latest era."""
        if not self.eras:
            return dt.date.max
        return self.eras[era - 1] if era else self.eras[-1] if era is None else dt.date.min


def _prefix_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """One of the words at the start; a word that ends in a letter must be followed by a space."""
    alternatives = "|".join(re.escape(word) + (r"\s*" if word.endswith(".") else r"\s+") for word in words)
    return re.compile(rf"^(?:{alternatives})" if alternatives else r"^(?!)")


def _index(pairs: Iterable[tuple[str, Unit]]) -> dict[str, set[str]]:
    index: dict[str, set[str]] = {}
    for key, unit in pairs:
        index.setdefault(key, set()).add(unit.unit_key)
    return index
