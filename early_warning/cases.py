"""Cases with a state: a pure fold over the nights' findings and what people decided.

The state of a night follows from the state of the last published night before it, tonight's candidates and
the acts known since. Nothing else: a rerun of a night, and a replay of all of them, give the same cases.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from authorities import written
from authorities.warning_rules import LOW_IS_BAD, WarningRule
from early_warning.figures import LANGUAGES
from early_warning.grouping import Candidate
from early_warning.night import Level
from warehouse.tables.marts import BY_RULE

Row = Mapping[str, Any]
OPEN_STATES = ("open", "reopened")
STANDING_STATES = (*OPEN_STATES, "acknowledged", "explained")
FIELDS = (
    "state", "opened_on", "state_on", "state_by", "state_why", "explained_until", "state_value", "rearmed_on",
    "times_opened", "escalated_on", "suppressed_since", "suppressed_because",
    "acts_applied",
)  # fmt: skip


@dataclass(frozen=True)
class CaseState:
    """Where a case stands; the fields of ``mart_warning`` of the same names.

    Attributes:
        state_value: what was measured when somebody closed it; it comes back when that worsens.
        rearmed_on: since closing, the night on which it had calmed down: a breach then re-opens it.
        acts_applied: how many of people's acts the state knows.
    """

    state: str
    opened_on: dt.date
    state_on: dt.date
    state_by: str | None = None
    state_why: str | None = None
    explained_until: dt.date | None = None
    state_value: float | None = None
    rearmed_on: dt.date | None = None
    times_opened: int = 1
    escalated_on: dt.date | None = None
    suppressed_since: dt.date | None = None
    suppressed_because: str | None = None
    acts_applied: int = 0

    @classmethod
    def of_row(cls, row: Row) -> "CaseState":
        """The state in a row of ``mart_warning``; an older version's lacks most fields."""
        said: dict[str, Any] = {name: row.get(name) for name in FIELDS}
        said["state_on"] = said["state_on"] or said["opened_on"]
        said["times_opened"] = said["times_opened"] or 1
        said["acts_applied"] = said["acts_applied"] or 0
        return cls(**said)


@dataclass(frozen=True)
class Watched:
    """How long a candidate has been at its level."""

    level: Level
    since: dt.date


def watched(as_of: dt.date, level: Level, before: Row | None) -> Watched:
    """Tonight's level, and since when it holds without a break; ``before``: level and level_since."""
    return Watched(level, before["level_since"] if before and before["level"] == level else as_of)


def nights_at(as_of: dt.date, since: dt.date) -> int:
    """Nights in a row, the first and the last counted; nights that were not published count too."""
    return (as_of - since).days + 1


def folded(
    as_of: dt.date,
    candidate: Candidate,
    before: CaseState | None,
    watch: Watched,
    acts: Sequence[Row],
    *,
    is_first_look: bool,
) -> CaseState | None:
    """The case's state on the night, or None where there is no case.

    Args:
        before: its state on the last published night; None where it had none.
        acts: all that the night knows of the case, in order; those applied before come first.
        is_first_look: nothing was published before, or not for long; there is nothing to wait for.
    """
    rule = candidate.finding.rule
    lasts = is_first_look or nights_at(as_of, watch.since) >= rule.minimum_nights
    is_blind = candidate.finding.is_stale or candidate.level == "unknown"
    if before is None:
        opens = candidate.level == "breached" and lasts and not is_blind
        case = CaseState("open", opened_on=as_of, state_on=as_of) if opens else None
    elif is_blind:
        case = _suppressed(as_of, before, "stale" if candidate.finding.is_stale else "not_measured")
    else:
        seen = replace(before, suppressed_since=None, suppressed_because=None)
        case = _looked_at(as_of, candidate, seen, lasts=lasts)
    if case is None:
        return None
    return _escalated(as_of, rule, after_acts(case, acts, candidate.finding.value))


def _suppressed(as_of: dt.date, case: CaseState, because: str) -> CaseState:
    if case.state == "closed":
        return case
    return replace(case, suppressed_since=case.suppressed_since or as_of, suppressed_because=because)


def _looked_at(as_of: dt.date, candidate: Candidate, case: CaseState, *, lasts: bool) -> CaseState:
    """A case that is known, measured tonight."""
    level, value = candidate.level, candidate.finding.value
    if case.state == "closed":
        return _closed(as_of, candidate, case, lasts=lasts)
    if level in ("grouped", "covered"):
        why = f"part of {candidate.case_id}" if candidate.case_id else "another rule speaks of it"
        return replace(case, state="closed", state_on=as_of, state_by=BY_RULE, state_why=why,
                       state_value=value, rearmed_on=as_of)  # fmt: skip
    if level == "clear" and lasts:
        return replace(case, state="closed", state_on=as_of, state_by=BY_RULE, state_why="calmed down",
                       state_value=value, rearmed_on=as_of)  # fmt: skip
    ended = case.explained_until is not None and case.explained_until < as_of
    if case.state == "explained" and ended and level in ("breached", "between"):
        return _reopened(as_of, case, f"still holds after {case.explained_until}")
    return case


def _closed(as_of: dt.date, candidate: Candidate, case: CaseState, *, lasts: bool) -> CaseState:
    """A closed case comes back once it had calmed down, or when it worsens markedly."""
    if candidate.level in ("clear", "grouped", "covered"):
        return replace(case, rearmed_on=case.rearmed_on or as_of) if lasts else case
    if candidate.level != "breached":
        return case
    if case.rearmed_on is not None:
        return _reopened(as_of, case, "breached again") if lasts else case
    if _is_worse(candidate.finding.rule, candidate.finding.value, case.state_value):
        return _reopened(as_of, case, "markedly worse than when it was closed")
    return case


def _is_worse(rule: WarningRule, value: float | None, then: float | None) -> bool:
    if rule.worse_by is None or value is None or then is None:
        return False
    return then - value >= rule.worse_by if rule.kind in LOW_IS_BAD else value - then >= rule.worse_by


def _reopened(as_of: dt.date, case: CaseState, why: str) -> CaseState:
    return CaseState(
        "reopened", opened_on=as_of, state_on=as_of, state_by=BY_RULE, state_why=why,
        times_opened=case.times_opened + 1, acts_applied=case.acts_applied,
    )  # fmt: skip


def refusal(state: str, act: str) -> str | None:
    """Why ``act`` does nothing to a case in ``state``; None where it does something."""
    if state == "closed":
        return "the case is closed"
    if act == "acknowledge" and state in ("acknowledged", "explained"):
        return f"the case is {state} already"
    return None


def after_acts(case: CaseState, acts: Sequence[Row], value: float | None) -> CaseState:
    """``case`` after those of ``acts`` that it has not seen yet."""
    for act in acts[case.acts_applied :]:
        case = acted(case, act, value)
    return replace(case, acts_applied=max(case.acts_applied, len(acts)))


def acted(case: CaseState, act: Row, value: float | None) -> CaseState:
    """``case`` after a person's act; what does not fit its state changes nothing."""
    if refusal(case.state, act["act"]) is not None:
        return case
    states = {"acknowledge": "acknowledged", "explain": "explained", "close": "closed"}
    return replace(
        case,
        state=states[act["act"]],
        state_on=act["known_on"],
        state_by=act["who"],
        state_why=act["why"],
        explained_until=act["until"] if act["act"] == "explain" else None,
        state_value=value if act["act"] == "close" else None,
        rearmed_on=None,
    )


def _escalated(as_of: dt.date, rule: WarningRule, case: CaseState) -> CaseState:
    """Nobody has acknowledged it within the rule's days; not while its data is stale."""
    due = rule.escalate_after_days
    if due is None or case.state not in OPEN_STATES or case.escalated_on or case.suppressed_since:
        return case
    return replace(case, escalated_on=as_of) if (as_of - case.opened_on).days >= due else case


def what_reopens(rule: WarningRule, case: CaseState) -> dict[str, str]:
    """What would bring a closed case back, in both languages."""
    over = {"vi": ("lên trên", "xuống"), "en": ("risen above", "falls to")}
    under = {"vi": ("xuống", "lên trên"), "en": ("fallen to", "rises above")}
    words = over if rule.kind in LOW_IS_BAD else under
    leave, enter = _number(rule.leaves_at), _number(rule.threshold)
    told = {
        "vi": f"Mở lại khi chỉ số đã {words['vi'][0]} {leave['vi']} rồi lại {words['vi'][1]} {enter['vi']}",
        "en": f"Re-opens once the measure has {words['en'][0]} {leave['en']} and again {words['en'][1]} "
        f"{enter['en']}",
    }
    if rule.worse_by is not None and case.state_value is not None:
        sign = -1 if rule.kind in LOW_IS_BAD else 1
        bar, then = _number(case.state_value + sign * rule.worse_by), _number(case.state_value)
        told["vi"] += f", hoặc khi xấu đi đến {bar['vi']} (lúc đóng: {then['vi']})"
        told["en"] += f", or when it worsens to {bar['en']} (at closing: {then['en']})"
    return {language: text + "." for language, text in told.items()}


def _number(value: float) -> dict[str, str]:
    """A measured value to four digits, as each language writes it."""
    short = Decimal(f"{value:.4g}")
    digits = max(0, -int(short.as_tuple().exponent))
    return {language: written.number(short, digits, language) for language in LANGUAGES}
