"""Mistakes that no single file of an authority shows: codes that one file names and another lacks, units that
overlap, weights that are no whole.

Each is told with the line where it stands. Reading the files is in ``authorities.loading``.
"""

import datetime as dt
import difflib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from authorities.model import ALL, Authority
from authorities.scenarios import Scenario, faults
from authorities.warning_scorecard import is_plain_rule

Model = TypeVar("Model", bound=BaseModel)
Lines = dict[tuple[Any, ...], int]
"""Path of keys and positions in a file → line."""


class Places:
    """Where each part of the configuration stands, so that a mistake between files is told with its line."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[BaseModel, str, Lines, tuple[Any, ...]]] = {}

    def remember(self, model: Model, file: str, lines: Lines, at: tuple[Any, ...] = ()) -> Model:
        """``model`` as it is, known to stand in ``file`` below the path ``at``."""
        self._known[id(model)] = (model, file, lines, at)
        return model

    def of(self, model: BaseModel, *path: Any) -> str:
        """File and line of a model, or of a part of it by its ``path``."""
        if id(model) not in self._known:
            return "authority.yaml"
        _, file, lines, at = self._known[id(model)]
        return f"{file} line {nearest_line(lines, (*at, *path))}"


def nearest_line(lines: Lines, location: tuple[Any, ...]) -> int:
    """Line of a place, or of what it is part of where the place itself is nowhere written."""
    while location and location not in lines:
        location = location[:-1]
    return lines.get(location, 1)


def cross_checks(authority: Authority, places: Places) -> Iterator[str]:
    """Mistakes that no single file shows: codes that one file names and another lacks."""
    lines = {line.line_code for line in authority.lines}
    references: list[tuple[str, str, str]] = [
        *((places.of(item), item.item_code, item.line_code) for item in authority.items),
        *((places.of(rule), rule.line_code, rule.line_code) for rule in authority.sharing_rules),
        *((places.of(mark), mark.line_code, mark.line_code) for mark in authority.recurrent_lines),
        *(
            (places.of(shock, "line_codes", place), shock.code, code)
            for shock in authority.shocks
            for place, code in enumerate(shock.line_codes)
        ),
        *(
            (places.of(authority.settings, "told_without_lines", place), "told_without_lines", code)
            for place, code in enumerate(authority.settings.told_without_lines)
        ),
        *(
            (places.of(form, "columns", place, "value"), column.value, column.value)
            for form in authority.forms
            if form.dataset in {"estimate", "office_estimate"}
            for place, column in enumerate(form.columns)
            if column.value is not None and (form.dataset, column.value) != ("office_estimate", ALL)
        ),
    ]
    for where, what, line_code in references:
        if line_code not in lines:
            near = difflib.get_close_matches(line_code, sorted(lines), n=1)
            hint = f"did you mean '{near[0]}'?" if near else "add it to revenue_lines.csv"
            yield f"{where}: '{what}' names line '{line_code}', which revenue_lines.csv lacks; {hint}"
    yield from _unknown_items(authority)
    yield from _unknown_units(authority, places)
    for scenario in authority.scenarios:
        yield from scenario_checks(authority, scenario, places)
    yield from _duplicates("scenarios", "code", [scenario.code for scenario in authority.scenarios])
    yield from _warning_rules(authority, places)
    yield from _successions(authority, places)
    yield from _overlaps(authority, places)
    yield from _transfers(authority, places)
    yield from _stand_twice(places, "unit_key", [(unit, unit.unit_key) for unit in authority.units])
    yield from _stand_twice(places, "item_code", [(item, item.item_code) for item in authority.items])
    yield from _stand_twice(places, "line_code", [(line, line.line_code) for line in authority.lines])
    yield from _stand_twice(places, "form_code", [(form, form.form_code) for form in authority.forms])


def scenario_checks(authority: Authority, scenario: Scenario, places: Places) -> Iterator[str]:
    """Shocks, lines and units that a scenario names and the authority lacks."""
    lines = {line.line_code for line in authority.lines}
    units = {unit.code for unit in authority.units}
    homes = {"shock": "shocks.yaml", "line": "revenue_lines.csv", "unit": "units.csv"}
    for kind, named, known in faults(scenario, authority.shocks, lines, units):
        near = difflib.get_close_matches(named, sorted(known), n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"add it to {homes[kind]}"
        where = places.of(scenario)
        yield f"{where}: scenario '{scenario.code}' names {kind} '{named}', which {homes[kind]} lacks; {hint}"


def _unknown_items(authority: Authority) -> Iterator[str]:
    known = [item.item_code for item in authority.items]
    yield from _duplicates("authority.yaml", "watched_items", list(authority.settings.watched_items))
    for code in authority.settings.watched_items:
        if code not in known:
            near = difflib.get_close_matches(code, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "add it to revenue_items.csv"
            yield f"authority.yaml: watched_items names '{code}', which revenue_items.csv lacks; {hint}"


def _unknown_units(authority: Authority, places: Places) -> Iterator[str]:
    """References to units that ``units.csv`` lacks; a successor may stand in ``outside_units.csv``."""
    codes, keys = {unit.code for unit in authority.units}, {unit.unit_key for unit in authority.units}
    beyond = keys | {unit.unit_key for unit in authority.outside_units}
    references = [
        *((places.of(rule), rule.unit_code, codes | {"*"}) for rule in authority.sharing_rules),
        *((places.of(one), one.unit_code, codes) for one in authority.balancing_transfers),
        *(
            (places.of(shock, "unit_codes"), code, codes)
            for shock in authority.shocks
            for code in shock.unit_codes
        ),
        *((places.of(passing), passing.old_unit_key, keys) for passing in authority.successions),
        *((places.of(passing), passing.new_unit_key, beyond) for passing in authority.successions),
    ]
    for where, named, known in references:
        if named not in known:
            near = difflib.get_close_matches(named, sorted(known), n=1)
            hint = f"did you mean '{near[0]}'?" if near else "add it to units.csv"
            yield f"{where}: unit '{named}' is not in units.csv; {hint}"


def _warning_rules(authority: Authority, places: Places) -> Iterator[str]:
    """Rules of warning that name roles, rules, lines or a basis that the authority does not have."""
    settings = authority.settings
    codes = [rule.rule_code for rule in settings.warning_rules]
    yield from _duplicates("warning_rules", "rule_code", codes)
    roles = sorted(settings.recipients)
    for rule in settings.warning_rules:
        named = [(role, roles, "recipients") for role in (rule.owner, rule.escalate_to) if role and roles]
        named += [(code, codes, "warning_rules") for code in rule.yields_to]
        for name, known, where in named:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else "known are " + ", ".join(known)
                said = f"names '{name}', which {where} lacks; {hint}"
                yield f"{places.of(rule)}: warning rule '{rule.rule_code}' {said}"
        if rule.basis == "recurrent" and not settings.has_recurrent_basis:
            said = "basis 'recurrent' needs has_recurrent_basis: true"
            yield f"{places.of(rule)}: warning rule '{rule.rule_code}': {said}"
        if is_plain_rule(rule.rule_code):
            said = "the name is kept for a plain rule of the scorecard; choose another"
            yield f"{places.of(rule)}: warning rule '{rule.rule_code}': {said}"
    if settings.warning_scorecard.event.basis == "recurrent" and not settings.has_recurrent_basis:
        yield "authority.yaml: warning_scorecard.event.basis 'recurrent' needs has_recurrent_basis: true"
    transfers = settings.transfers
    if transfers is not None and transfers.line_code not in {line.line_code for line in authority.lines}:
        yield f"authority.yaml: transfers.line_code '{transfers.line_code}' is not in revenue_lines.csv"


def _successions(authority: Authority, places: Places) -> Iterator[str]:
    """Parts that are not a whole, and parts of units that go on or of units that come too late."""
    parts: dict[tuple[str, dt.date], Decimal] = {}
    where: dict[tuple[str, dt.date], str] = {}
    for part in authority.successions:
        key = (part.old_unit_key, part.effective_on)
        parts[key] = parts.get(key, Decimal(0)) + part.weight
        where.setdefault(key, places.of(part))
    ends = {unit.unit_key: unit.valid_to for unit in authority.units}
    starts = {unit.unit_key: unit.valid_from for unit in authority.units}
    for (old, day), whole in sorted(parts.items()):
        if whole != 1:
            said = f"the weights of '{old}' on {day} add up to {whole}; make them add up to 1"
            yield f"{where[old, day]}: {said}"
        end = ends.get(old)
        if old in ends and (end is None or end + dt.timedelta(days=1) != day):
            stands = "without an end" if end is None else f"to {end}"
            yield f"{where[old, day]}: '{old}' passes on {day}, stands {stands} in units.csv; make them agree"
    for part in authority.successions:
        if starts.get(part.new_unit_key, part.effective_on) > part.effective_on:
            yield (
                f"{places.of(part)}: '{part.new_unit_key}' takes over on {part.effective_on}, before it "
                "stands in units.csv; correct one of the two days"
            )


def _overlaps(authority: Authority, places: Places) -> Iterator[str]:
    """Units of one code that stand at the same time: no day's money could be placed."""
    for place, unit in enumerate(authority.units):
        for other in authority.units[:place]:
            if unit.code == other.code and (
                other.holds_on(unit.valid_from) or unit.holds_on(other.valid_from)
            ):
                yield (
                    f"{places.of(unit)}: code '{unit.code}' is {other.name} from {other.valid_from} and "
                    f"{unit.name} from {unit.valid_from} at the same time; end one before the other begins"
                )


def _transfers(authority: Authority, places: Places) -> Iterator[str]:
    """Two sums of one unit for the same days, and sums without the rule by which they are drawn."""
    given = authority.balancing_transfers
    for place, one in enumerate(given):
        for other in given[:place]:
            if one.unit_code == other.unit_code and (
                other.holds_on(one.valid_from) or one.holds_on(other.valid_from)
            ):
                yield (
                    f"{places.of(one)}: unit '{one.unit_code}' has another transfer for the same days, "
                    f"{places.of(other)}; end one before the other begins, or keep their sum"
                )
    if given and authority.settings.transfers is None:
        where = places.of(given[0])
        yield f"{where}: authority.yaml lacks the rule by which transfers are drawn; add  transfers:"


def _duplicates(file: str, key: str, values: list[str]) -> Iterator[str]:
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield f"{file}: {key} '{value}' stands {values.count(value)} times; keep one"


def _stand_twice(places: Places, key: str, named: list[tuple[BaseModel, str]]) -> Iterator[str]:
    """Codes given to more than one row or file, each with the places where it stands."""
    standing: dict[str, list[str]] = {}
    for model, value in named:
        standing.setdefault(value, []).append(places.of(model))
    for value, where in sorted(standing.items()):
        if len(where) > 1:
            others = ", ".join(where[1:])
            yield f"{where[0]}: {key} '{value}' stands {len(where)} times (also {others}); keep one"
