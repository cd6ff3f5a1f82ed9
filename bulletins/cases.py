"""The night's warnings as pages tell them: by rule, by unit, and how grave they are.

The same for every language. What else a reader has to know is in ``bulletins.findings``.
"""

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from authorities.model import Words
from bulletins.night import Night, Row
from warehouse.tables.marts import BY_RULE

SEVERITIES = ("severe", "warning", "info")
"""From the gravest down."""
_SENTENCES = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Warning:  # noqa: A001 - the vocabulary's own word; nothing here warns through Python
    """One warning of the night."""

    warning_id: str
    rule_code: str
    severity: str
    unit_key: str
    units: tuple[str, ...]
    """Units of a case that stands for several."""
    messages: dict[str, str]
    opened_on: dt.date
    state: str
    is_new: bool
    why: str = ""
    """What a person or the rule said with the state."""
    by: str = ""
    """The person who brought the state about; empty where it was the rule."""
    until: dt.date | None = None
    """Last day for which an explanation holds."""
    kind: str = ""
    """What kind of rule it is; empty where the rule is no longer declared."""
    suppressed_since: dt.date | None = None
    suppressed_because: str = ""


@dataclass(frozen=True)
class WarningGroup:
    """The warnings that one rule raised."""

    title: Words
    severity: str
    owners: tuple[str, ...]
    warnings: tuple[Warning, ...]
    advice: dict[str, str]
    """Sentences with which every message ends, by language; the messages themselves are without them."""

    @property
    def unit_keys(self) -> tuple[str, ...]:
        """Units that are warned of, each once, however many cases they are in."""
        keys = (key for warning in self.warnings for key in warning.units or (warning.unit_key,))
        return tuple(dict.fromkeys(keys))


def warning_groups(night: Night, order: Sequence[str], language: str) -> tuple[WarningGroup, ...]:
    """Warnings that are not closed, by rule; the gravest rule first, then in the authority's order.

    Within a rule those of most money come first; where it is not about money units follow ``order``.
    """
    places = {unit_key: place for place, unit_key in enumerate(order, start=1)}
    rules = {rule.rule_code: rule for rule in night.authority.settings.warning_rules}
    by_rule: dict[str, list[Row]] = {}
    for row in night.rows("mart_warning"):
        if row["state"] != "closed":
            by_rule.setdefault(row["rule_code"], []).append(row)
    groups = []
    for code in sorted(
        by_rule, key=lambda code: (min(map(_gravity, by_rule[code])), [*rules, code].index(code), code)
    ):
        rows = by_rule[code]
        title = rules[code].title if code in rules else Words(vi=code, en=code)
        owners = owners_of(night, rows[0]["owner"], language)
        warnings = tuple(
            _warning(night, row)
            for row in sorted(
                rows,
                key=lambda row: (
                    -abs(row["gap_amount"] or 0),
                    places.get(row["unit_key"], 0),
                    row["warning_id"],
                ),
            )
        )
        advice = {
            language: shared_ending([one.messages[language] for one in warnings]) for language in ("vi", "en")
        }
        told = tuple(replace(one, messages=_without(one.messages, advice)) for one in warnings)
        groups.append(WarningGroup(title, min(rows, key=_gravity)["severity"], owners, told, advice))
    return tuple(groups)


def closed_by_people(night: Night) -> tuple[Warning, ...]:
    """Cases that somebody closed and that have not come back, the last closed first."""
    rows = [row for row in night.rows("mart_warning") if row["state"] == "closed" and _person(row)]
    rows.sort(key=lambda row: (-row["state_on"].toordinal(), row["warning_id"]))
    return tuple(_warning(night, row) for row in rows)


def _person(row: Row) -> str:
    """Who brought a case's state about, where it was a person."""
    by = row.get("state_by") or ""
    return "" if by == BY_RULE else by


def owners_of(night: Night, role: str, language: str) -> tuple[str, ...]:
    """Who answers in a role, named in the language as far as that is configured."""
    settings = night.authority.settings
    known = settings.recipients.get(role, ())
    return settings.recipients_en.get(role, known) if language == "en" else known


def shared_ending(messages: Sequence[str]) -> str:
    """Whole sentences with which all of several messages end; none for a single one."""
    if len(messages) < 2:
        return ""
    sentences = [_SENTENCES.split(message) for message in messages]
    shared = 0
    while shared < min(map(len, sentences)) - 1 and len({parts[-1 - shared] for parts in sentences}) == 1:
        shared += 1
    return " ".join(sentences[0][len(sentences[0]) - shared :])


def _without(messages: dict[str, str], endings: dict[str, str]) -> dict[str, str]:
    return {language: said.removesuffix(endings[language]).rstrip() for language, said in messages.items()}


def gravest_by_unit(night: Night) -> dict[str, str]:
    """Unit → the gravest severity among its open warnings, cases of several units among them."""
    return {unit_key: told[0].severity for unit_key, told in warnings_by_unit(night).items()}


def _gravity(row: Row) -> int:
    return SEVERITIES.index(row["severity"])


def _warning(night: Night, row: Row) -> Warning:
    kinds = {rule.rule_code: rule.kind for rule in night.authority.settings.warning_rules}
    messages = {"vi": row["message_vi"], "en": row["message_en"]}
    return Warning(
        row["warning_id"], row["rule_code"], row["severity"], row["unit_key"], grouped_units(row), messages,
        row["opened_on"], row["state"], row["opened_on"] == night.as_of, row.get("state_why") or "",
        _person(row), row.get("explained_until"),
        kinds.get(row["rule_code"], ""),
        row.get("suppressed_since"), row.get("suppressed_because") or "",
    )  # fmt: skip


def warnings_by_unit(night: Night) -> dict[str, tuple[Warning, ...]]:
    """Each unit's warnings that are not closed, cases of several units among them, the gravest first."""
    rows = [row for row in night.rows("mart_warning") if row["state"] != "closed"]
    found: dict[str, list[Warning]] = {}
    for row in sorted(rows, key=lambda row: (_gravity(row), row["rule_code"], row["warning_id"])):
        told = _warning(night, row)
        for unit_key in dict.fromkeys((told.unit_key, *told.units)):
            found.setdefault(unit_key, []).append(told)
    return {unit_key: tuple(told) for unit_key, told in found.items()}


def grouped_units(row: Row) -> tuple[str, ...]:
    """Units that one case of ``mart_warning`` stands for, as its evidence names them."""
    try:
        named = json.loads(row["evidence"] or "{}").get("units", [])
    except (ValueError, AttributeError):
        return ()
    return tuple(one["unit_key"] for one in named if isinstance(one, dict) and "unit_key" in one)
