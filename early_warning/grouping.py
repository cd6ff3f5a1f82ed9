"""From what the rules find to the cases it may open: which rule speaks of a unit, and one case for many.

Pure. A rule that yields is silent about a unit of which a rule it yields to speaks; units that a declared
extension alone brings under the bar become one case of the authority, and so do units so many that it is no
single unit's matter. Units whose data is stale join no case for many, and leave none.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from authorities.model import ALL
from authorities.warning_rules import WarningRule
from early_warning.figures import Figure, Money
from early_warning.night import Finding, Level, Night

EXTENSION, COMMON = "extension", "common"
_FEWER_POINTS = 15.0
"""Percentage points of the units by which a common case may shrink before it falls apart."""
_NAMED = 20
"""Units named in a message; the rest are counted. The evidence names all."""


@dataclass(frozen=True)
class Candidate:
    """What may be a case: one finding, or one for several (``finding.members``).

    Attributes:
        level: that of the finding, or ``covered`` or ``grouped`` where another case speaks.
        case_id: the case that speaks instead.
    """

    warning_id: str
    finding: Finding
    level: Level
    case_id: str | None = None
    cause: str = ""


def candidates(
    night: Night,
    findings: Iterable[Finding],
    standing: Collection[str],
    waits: Callable[[Finding], bool] = lambda _: False,
) -> list[Candidate]:
    """Every case that tonight's findings may open, keep or let go.

    Args:
        standing: ids of cases that were open before; a case for many stays such while any unit is in it, and
            a unit's own case is not taken into one for many before it has calmed down.
        waits: whether a finding still waits for its rule's nights; such a rule does not speak yet.
    """
    found = list(findings)
    speaking = {
        (one.rule.rule_code, one.unit_key)
        for one in found
        if one.level == "breached" and (one.warning_id(night.fiscal_year) in standing or not waits(one))
    }
    by_rule: dict[str, list[Finding]] = {}
    for one in found:
        by_rule.setdefault(one.rule.rule_code, []).append(one)
    return [candidate for own in by_rule.values() for candidate in _of_rule(night, own, speaking, standing)]


def _of_rule(
    night: Night, findings: list[Finding], speaking: set[tuple[str, str]], standing: Collection[str]
) -> Iterator[Candidate]:
    rule, year = findings[0].rule, night.fiscal_year
    left: list[Finding] = []
    for one in findings:
        if any((code, one.unit_key) in speaking for code in rule.yields_to):
            yield Candidate(one.warning_id(year), one, "covered" if one.level != "clear" else "clear")
        else:
            left.append(one)
    extended, rest = _parted(left, lambda one: _is_extended(one, year, standing))
    yield from _grouped(night, extended, EXTENSION, standing, _extension_size(rule))
    keeps_stale = _group_id(rule, COMMON, year) in standing
    breached, calm = _parted(rest, lambda one: one.level == "breached" and (keeps_stale or not one.is_stale))
    yield from _grouped(night, breached, COMMON, standing, _common_size(rule, len(findings), standing, year))
    for one in calm:
        yield Candidate(one.warning_id(year), one, one.level)


def _parted(
    findings: Iterable[Finding], holds: Callable[[Finding], bool]
) -> tuple[list[Finding], list[Finding]]:
    """Those for which ``holds``, and the others."""
    parts: tuple[list[Finding], list[Finding]] = ([], [])
    for one in findings:
        parts[0 if holds(one) else 1].append(one)
    return parts


def _is_extended(one: Finding, year: int, standing: Collection[str]) -> bool:
    return (
        one.rule.extension is not None
        and one.by_extension
        and (not one.is_stale or _group_id(one.rule, EXTENSION, year) in standing)
        and not (one.level == "between" and one.warning_id(year) in standing)
    )


def _extension_size(rule: WarningRule) -> int:
    return 0 if rule.extension is None else rule.extension.from_units


def _common_size(rule: WarningRule, measured: int, standing: Collection[str], year: int) -> int:
    if rule.common is None:
        return 0
    is_open = _group_id(rule, COMMON, year) in standing
    pct = rule.common.from_pct - (_FEWER_POINTS if is_open else 0.0)
    return max(rule.common.from_units, -int(-measured * pct // 100))


def _group_id(rule: WarningRule, cause: str, year: int) -> str:
    return f"{rule.rule_code}:{ALL}:{cause}:{year}"


def _grouped(
    night: Night, members: Sequence[Finding], cause: str, standing: Collection[str], size: int
) -> Iterator[Candidate]:
    """One case and its silent members, or each member for itself where they are too few."""
    if not members:
        return
    rule, year = members[0].rule, night.fiscal_year
    group_id = _group_id(rule, cause, year)
    enough = 1 if cause == EXTENSION and group_id in standing else size
    if not size or len(members) < enough:
        for one in members:
            yield _alone(night, one)
        return
    together = replace(_together(night, members, cause), unit_key=ALL, subject=cause)
    yield Candidate(group_id, together, "breached", cause=cause)
    for one in members:
        yield Candidate(one.warning_id(year), one, "grouped", case_id=group_id)


def _alone(night: Night, one: Finding) -> Candidate:
    """A unit's own case; where an extension alone is the cause, in the words for that."""
    warning_id = one.warning_id(night.fiscal_year)
    if not one.by_extension:
        return Candidate(warning_id, one, one.level)
    told = replace(_together(night, [one], EXTENSION), value=one.value)
    return Candidate(warning_id, told, "breached", cause=EXTENSION)


def _together(night: Night, members: Sequence[Finding], cause: str) -> Finding:
    """The first of ``members`` with the figures of all, and each in its evidence."""
    names = night.unit_names
    timing = sum(one.timing for one in members)
    back_by = max((one.back_by for one in members if one.back_by), default=None)
    shown = [str(names.get(one.unit_key, one.unit_key)) for one in members]
    more = f" (+{len(shown) - _NAMED})" if len(shown) > _NAMED else ""
    figures: dict[str, Figure] = {
        "units_count": len(members),
        "unit_names": ", ".join(shown[:_NAMED]) + more,
        "units_total": len(night.authority.units_on(night.as_of)),
        "timing": Money(night.currency(timing)),
        "back_by": back_by,
        "measures": _measures(night),
    }
    evidence: dict[str, Any] = {
        "cause": cause,
        "timing_amount": night.currency(timing),
        "expected_back_by": back_by,
        "units": [{"unit_key": one.unit_key, "value": one.value, **one.evidence} for one in members],
    }
    return replace(
        members[0], level="breached", raw_level=None, value=float(len(members)), figures=figures,
        evidence=evidence, timing=timing, back_by=back_by, members=tuple(members),
        is_stale=all(one.is_stale for one in members),
        data_until=_earliest(one.data_until for one in members),
    )  # fmt: skip


def _earliest(days: Iterable[dt.date | None]) -> dt.date | None:
    return min((day for day in days if day is not None), default=None)


def _measures(night: Night) -> str:
    """Decrees behind the extensions known tonight, by the words their sources begin with."""
    sources = [
        " ".join(shock.legal_source.split()).split(" ngày ")[0]
        for shock in night.authority.shocks
        if shock.kind == "timing" and shock.known_on(night.as_of)
        and night.authority.fiscal_year(shock.announced_on) == night.fiscal_year
    ]  # fmt: skip
    return ", ".join(source for source, _ in Counter(sources).most_common()) or "–"
