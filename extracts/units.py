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
from extracts.text import fold


class UnitResolver:
    """Resolves texts to units of one authority."""

    def __init__(self, authority: Authority) -> None:
        self._units = authority.units
        prefixes = sorted(authority.settings.unit_prefixes, key=len, reverse=True)
        self._prefix = _prefix_pattern(unicodedata.normalize("NFC", word).casefold() for word in prefixes)
        self._bare_prefix = _prefix_pattern(fold(word) for word in prefixes)
        self._code_width = max((len(unit.code) for unit in authority.units), default=0)
        self._by_code = _index(
            (code, unit) for unit in self._units for code in (unit.code, *unit.code_variants)
        )
        self._by_name = _index(
            (self._name_key(name), unit) for unit in self._units for name in (unit.name, *unit.name_variants)
        )
        changes = {unit.valid_from for unit in self._units}
        changes |= {unit.valid_to + dt.timedelta(days=1) for unit in self._units if unit.valid_to}
        self.eras = sorted(changes)
        """Days on which the set of units changes."""

    def unit_key(self, code: str | None, name: str | None, day: dt.date) -> str | None:
        """Key of the one unit in force on ``day`` that all the given evidence speaks for; else None."""
        candidates = {unit.unit_key for unit in self._units if unit.holds_on(day)}
        if not code and not name:
            return None
        if code:
            candidates &= self._coded(code)
        if name:
            candidates &= self._named(name)
        return candidates.pop() if len(candidates) == 1 else None

    def resolve(self, rows: pl.DataFrame, day: str) -> pl.DataFrame:
        """``rows`` (with text columns unit_code, unit_name and date column ``day``) with ``unit_key``.

        Only distinct pairs are looked at one by one, once an era; the rest is a join.
        """
        keyed = rows.with_columns(_era(pl.col(day), self.eras).alias("_era"))
        pairs = keyed.select("unit_code", "unit_name", "_era").unique()
        found = pairs.with_columns(
            pl.Series(
                "unit_key",
                [self.unit_key(code, name, self._day_in(era)) for code, name, era in pairs.iter_rows()],
                dtype=pl.String,
            )
        )
        keys = ["unit_code", "unit_name", "_era"]
        return keyed.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left").drop("_era")

    def _coded(self, code: str) -> set[str]:
        """Units of a code as written, or with the leading zeros that a spreadsheet took."""
        bare = re.sub(r"\.0+$", "", code.strip())
        return self._by_code.get(bare) or self._by_code.get(bare.zfill(self._code_width), set())

    def _named(self, name: str) -> set[str]:
        """Units called so; where accents were lost, the kind before the name is tried without them too."""
        key = self._name_key(name)
        return self._by_name.get(key) or self._by_name.get(self._bare_prefix.sub("", key), set())

    def _name_key(self, name: str) -> str:
        """Folded name without its prefixes, which are stripped with their accents: the ward "Phương Liệt"
        keeps its first word, as that is no "Phường"."""
        lowered = unicodedata.normalize("NFC", name).strip().casefold()
        return fold(self._prefix.sub("", lowered))

    def _day_in(self, era: int | None) -> dt.date:
        """A day inside an era; rows without a date are taken as of the latest era."""
        if not self.eras:
            return dt.date.max
        return self.eras[era - 1] if era else self.eras[-1] if era is None else dt.date.min


def _era(day: pl.Expr, breaks: list[dt.date]) -> pl.Expr:
    """Number of breaks that lie on or before the day."""
    return pl.sum_horizontal([(day >= change).cast(pl.Int32) for change in breaks]) if breaks else pl.lit(0)


def _prefix_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any run of the words at the start; a word that ends in a letter must be followed by a space."""
    alternatives = "|".join(re.escape(word) + (r"\s*" if word.endswith(".") else r"\s+") for word in words)
    return re.compile(rf"^(?:{alternatives})+" if alternatives else r"^(?!)")


def _index(pairs: Iterable[tuple[str, Unit]]) -> dict[str, set[str]]:
    index: dict[str, set[str]] = {}
    for key, unit in pairs:
        index.setdefault(key, set()).add(unit.unit_key)
    return index
