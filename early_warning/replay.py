"""Past years watched again, night after night, by the nights' own rules and cases, beside two plain rules.

Pure. Which nights there are, and what was known on each, is for the caller. In a replay nobody acts: cases
open and calm down by their thresholds alone. Scored are rules about a unit's own revenue; what others say (of
data, of spending) has no year's end to be held against.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from authorities.model import ALL, Authority
from authorities.warning_rules import WarningKind, WarningRule
from authorities.warning_scorecard import ALWAYS, FLAT_HALF
from early_warning.cases import STANDING_STATES, CaseState
from early_warning.grouping import EXTENSION, Candidate
from early_warning.night import Night
from early_warning.rules import followed

SCORED_KINDS: tuple[WarningKind, ...] = (
    "share_below", "half_year_probability_above", "behind_pace", "shortfall_probability_above",
    "line_collapsed",
)  # fmt: skip
NEEDED_MARTS = ("mart_unit_position", "mart_line_position", "mart_year_end_forecast", "mart_shock_effect")
"""What the scored rules look at."""
SPELL_SCHEMA = {
    "rule_code": pl.String, "unit_key": pl.String, "fiscal_year": pl.Int64, "opened_on": pl.Date,
    "told_until": pl.Date,
}  # fmt: skip
JUDGED_SCHEMA = {"unit_key": pl.String, "fiscal_year": pl.Int64, "judged_on": pl.Date}
_Key = tuple[str, str]
"""Rule and unit."""


@dataclass(frozen=True)
class Replay:
    """What units were told in past years.

    Attributes:
        spells: ``SPELL_SCHEMA``: from which night to which a rule spoke of a unit without a break, by a case
            of its own or one for many; rules and the plain rules of ``references``.
        judged: ``JUDGED_SCHEMA``: the first night that knew a unit's receipts to mid-year.
    """

    spells: pl.DataFrame
    judged: pl.DataFrame


def scored_rules(authority: Authority) -> tuple[WarningRule, ...]:
    """The authority's rules that a year's end can prove right or wrong."""
    return tuple(rule for rule in authority.settings.warning_rules if rule.kind in SCORED_KINDS)


def references(authority: Authority) -> dict[str, tuple[str, str]]:
    """The plain rules beside: code → which of the two it is, and its basis; both on each basis looked at."""
    bases = dict.fromkeys(rule.basis for rule in scored_rules(authority))
    return {
        code if basis == "territory" else f"{code}_{basis}": (code, basis)
        for basis in bases
        for code in (FLAT_HALF, ALWAYS)
    }


def only_scored(authority: Authority) -> Authority:
    """``authority`` with ``scored_rules`` alone."""
    settings = authority.settings.model_copy(update={"warning_rules": scored_rules(authority)})
    return authority.model_copy(update={"settings": settings})


def replayed(nights: Iterable[Night]) -> Replay:
    """What was told on ``nights``, which are in order and follow one another day by day within a fiscal year.

    Each fiscal year begins without cases, as every case belongs to one; its first night waits for
    ``minimum_nights`` like any other. A case that only says what a declared extension keeps away warns of no
    shortfall: it says that the money is expected back.
    """
    years: dict[int, _Year] = {}
    for night in nights:
        years.setdefault(night.fiscal_year, _Year(night.fiscal_year)).watch(night)
    spells = [row for year in years.values() for row in year.spells()]
    judged = [(unit, year.fiscal_year, day) for year in years.values() for unit, day in year.judged.items()]
    return Replay(
        pl.DataFrame(spells, schema=SPELL_SCHEMA, orient="row").sort(list(SPELL_SCHEMA)),
        pl.DataFrame(judged, schema=JUDGED_SCHEMA, orient="row").sort(list(JUDGED_SCHEMA)),
    )


@dataclass
class _Year:
    """What the replay of one fiscal year remembers from night to night."""

    fiscal_year: int
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    levels: dict[str, dict[str, Any]] = field(default_factory=dict)
    judged: dict[str, dt.date] = field(default_factory=dict)
    flat: set[_Key] = field(default_factory=set)
    told: dict[_Key, list[list[dt.date]]] = field(default_factory=dict)
    last: dt.date | None = None

    def watch(self, night: Night) -> None:
        """Take in the next night."""
        tonight = followed(night, self.rows, self.levels, {}, is_first_look=False)
        self.levels = {
            key: {"level": one.level, "level_since": one.since} for key, one in tonight.watch.items()
        }
        self.rows = {one.warning_id: self._row(one, state) for one, state in tonight.cases}
        self._tell(night.as_of, {*_spoken(self.rows), *self._plain(night)})
        self.last = night.as_of

    def spells(self) -> Iterator[tuple[str, str, int, dt.date, dt.date]]:
        """Rows of ``SPELL_SCHEMA``."""
        for (rule, unit), spells in self.told.items():
            for first, until in spells:
                yield rule, unit, self.fiscal_year, first, until

    def _row(self, one: Candidate, state: CaseState) -> dict[str, Any]:
        """What the next night needs of a case; units and kind of cause stay as when it was last breached."""
        before = self.rows.get(one.warning_id)
        said = {"units": tuple(m.unit_key for m in one.finding.members), "is_excuse": one.cause == EXTENSION}
        if before is not None and one.level != "breached":
            said = {name: before[name] for name in said}
        own = {"rule_code": one.finding.rule.rule_code, "unit_key": one.finding.unit_key}
        return {**vars(state), **own, "subject": one.finding.subject, **said}

    def _plain(self, night: Night) -> Iterator[_Key]:
        """What the plain rules say: ``always`` of everybody; ``flat_half`` of units at or below the bar on
        the night that first knows them to mid-year, and from then on."""
        newly = {
            unit
            for unit, day in night.complete_days.items()
            if unit not in self.judged and day is not None and day >= night.mid_year and unit != ALL
        }
        self.judged |= dict.fromkeys(sorted(newly), night.as_of)
        rows = night.units("mart_unit_position").filter(pl.col("estimate_version") == "initial")
        columns = rows.select("unit_key", "basis", "is_below_half")
        for code, (kind, basis) in references(night.authority).items():
            own = columns.filter(pl.col("basis") == basis).drop("basis")
            if kind == ALWAYS:
                yield from ((code, unit) for unit in own["unit_key"])
            self.flat |= {(code, unit) for unit, is_below in own.rows() if kind == FLAT_HALF
                          and is_below and unit in newly}  # fmt: skip
        yield from self.flat

    def _tell(self, as_of: dt.date, tonight: Iterable[_Key]) -> None:
        for key in sorted(tonight):
            spells = self.told.setdefault(key, [])
            if spells and spells[-1][1] == self.last:
                spells[-1][1] = as_of
            else:
                spells.append([as_of, as_of])


def _spoken(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[_Key]:
    """Rule and unit of every case that stands and warns."""
    for row in rows.values():
        if row["state"] in STANDING_STATES and not row["is_excuse"]:
            yield from ((row["rule_code"], unit) for unit in row["units"] or (row["unit_key"],))
