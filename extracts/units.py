"""Which unit a row means, by evidence: code, name and date together.

"Long Biên" the old ward and the new one share code and name; only the date tells them apart. Where code
and name speak for different units, or a code is given that nobody knows, the row is not placed: a wrong
ward is worse than an unallocated amount.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from authorities.model import Authority, Unit
from extracts.coded import coded
from extracts.text import fold, plain_code

_FEW_PLACES = 2**20


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

    def resolve(self, rows: pl.DataFrame, day: str) -> pl.DataFrame:
        """``rows`` (with text columns unit_code, unit_name and date column ``day``) with ``unit_key``.

        Only distinct pairs are looked at one by one, once an era; the rest is a join.
        """
        evidence = [rows["unit_code"], rows["unit_name"], _era(rows[day], self.eras)]
        places, seen = _places(evidence)
        combined = places.unique().sort()
        found = [
            self.unit_key(code, name, self._day_in(era))
            for code, name, era in zip(*_values_at(combined, seen), strict=True)
        ]
        keys = pl.Series("unit_key", found, dtype=pl.String)
        return rows.with_columns(_looked_up(places, combined, keys))

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


def _places(evidence: Sequence[pl.Series]) -> tuple[pl.Series, list[pl.Series]]:
    """A number for each row, made of the places of its values among the distinct ones of a column; and these.

    Joining millions of rows on texts would cost several times as much.
    """
    number = pl.repeat(0, evidence[0].len(), dtype=pl.UInt64, eager=True)
    distinct = []
    for column in evidence:
        found = coded(column)
        distinct.append(found.values)
        if found.values.len() > 1:
            number = number * found.values.len() + found.places
    return number, distinct


def _values_at(places: pl.Series, distinct: Sequence[pl.Series]) -> list[list[Any]]:
    """For each column the values that the ``places`` stand for."""
    values = []
    for seen in reversed(distinct):
        values.append(seen.gather(places % max(1, seen.len())).to_list() if seen.len() else [])
        places = places // max(1, seen.len())
    return values[::-1]


def _looked_up(places: pl.Series, combined: pl.Series, keys: pl.Series) -> pl.Series:
    """The key of each place: by position where places are few, as joining takes longer."""
    most = int(combined[-1]) if combined.len() else 0
    if most < _FEW_PLACES:
        table = pl.repeat(None, most + 1, dtype=pl.String, eager=True).scatter(combined, keys)
        return table.gather(places).alias("unit_key")
    return places.replace_strict(combined, keys, return_dtype=pl.String).alias("unit_key")


def _era(day: pl.Series, breaks: list[dt.date]) -> pl.Series:
    """Number of breaks that lie on or before the day; null where there is no day."""
    ends = day.to_frame("day").select(pl.col("day").min().alias("first"), pl.col("day").max().alias("last"))
    first, last = ends.row(0)
    passed = sum(change <= first for change in breaks) if first is not None else 0
    if not breaks or (
        day.null_count() == 0 and day.len() and passed == sum(change <= last for change in breaks)
    ):
        return pl.repeat(passed, day.len(), dtype=pl.Int32, eager=True)
    later = pl.sum_horizontal(
        [(pl.col("day") >= change).cast(pl.Int32) for change in breaks], ignore_nulls=False
    )
    return day.to_frame("day").select(later).to_series()


def _prefix_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """One of the words at the start; a word that ends in a letter must be followed by a space."""
    alternatives = "|".join(re.escape(word) + (r"\s*" if word.endswith(".") else r"\s+") for word in words)
    return re.compile(rf"^(?:{alternatives})" if alternatives else r"^(?!)")


def _index(pairs: Iterable[tuple[str, Unit]]) -> dict[str, set[str]]:
    index: dict[str, set[str]] = {}
    for key, unit in pairs:
        index.setdefault(key, set()).add(unit.unit_key)
    return index
