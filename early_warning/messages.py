"""Rows of ``mart_warning``: a case's state with what is said of it, in both languages.

What is said is what held when the rule was last breached; while a case calms down it keeps those words. A
case that could not be looked at says so behind a mark.
"""

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from authorities import written
from authorities.base import Words
from authorities.model import Authority
from authorities.warning_rules import WarningRule
from early_warning.cases import CaseState
from early_warning.figures import LANGUAGES, Figure, Language, Money, Percent, Points, Probability, fill
from early_warning.grouping import COMMON, EXTENSION, Candidate
from early_warning.night import Night
from warehouse.marts import STAMPED
from warehouse.tables.marts import BY_RULE

SUSPENDED_MARK = " ⏸ "
"""Between what a case says and why nothing is concluded from tonight."""
_SUSPENDED: dict[str, dict[Language, str]] = {
    "stale": {
        "vi": "Tạm ngừng xét: số liệu mới đến ngày {day}.",
        "en": "Suspended: the data ends on {day}.",
    },
    "not_measured": {
        "vi": "Tạm ngừng xét: đêm nay không tính được chỉ số này.",
        "en": "Suspended: this could not be measured tonight.",
    },
}
_MEASURES: dict[str, type[Percent] | type[Points] | type[Probability]] = {
    "share_below": Percent, "line_collapsed": Percent, "reconciliation_residual_above": Percent,
    "validation_failed": Percent, "behind_pace": Points, "shortfall_probability_above": Probability,
    "half_year_probability_above": Probability, "recurrent_gap_probability_above": Probability,
}  # fmt: skip


class WarningRuleError(ValueError):
    """A rule of the authority cannot be applied; says which rule and what to change."""


def warning_row(
    night: Night, candidate: Candidate, state: CaseState, gap: int | None, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A case as ``mart_warning`` has it, without its publication.

    Args:
        gap: minor units; None where the kind of rule has none.
        before: its row of the night before.
    """
    finding, rule = candidate.finding, candidate.finding.rule
    gap_amount = None if gap is None else night.currency(gap)
    if before is not None and candidate.level != "breached":
        severity, evidence = before["severity"], before["evidence"]
        said = {name: before[name].split(SUSPENDED_MARK)[0] for name in ("message_vi", "message_en")}
        gap_amount = before["gap_amount"] if gap is None else gap_amount
    else:
        severity = "info" if candidate.cause == EXTENSION else rule.severity
        evidence = _evidence(night, candidate)
        said = _messages(night, candidate, gap_amount)
    if state.suppressed_because is not None:
        said = _suspended(said, state.suppressed_because, finding.data_until)
    fields = {name: value for name, value in vars(state).items() if name != "state"}
    return {
        "as_of": night.as_of,
        "warning_id": candidate.warning_id,
        "unit_key": finding.unit_key,
        "rule_code": rule.rule_code,
        "subject": finding.subject,
        "severity": severity,
        "state": state.state,
        "value": finding.value,
        "gap_amount": gap_amount,
        "evidence": evidence,
        "owner": rule.escalate_to if state.escalated_on and rule.escalate_to else rule.owner,
        **said,
        **fields,
    }


def closed_row(night: Night, before: Mapping[str, Any], why: str) -> dict[str, Any]:
    """A case that ends tonight, or ended before, without being looked at."""
    row = {name: value for name, value in before.items() if name not in STAMPED}
    row["as_of"] = night.as_of
    if row["state"] != "closed":
        row |= {"state": "closed", "state_on": night.as_of, "state_by": BY_RULE, "state_why": why}
    return row


def _suspended(said: dict[str, str], because: str, data_until: dt.date | None) -> dict[str, str]:
    told = {}
    for language in LANGUAGES:
        day = written.day(data_until, language) if data_until else "–"
        name = f"message_{language}"
        told[name] = said[name] + SUSPENDED_MARK + _SUSPENDED[because][language].format(day=day)
    return told


def _evidence(night: Night, candidate: Candidate) -> str:
    rule = candidate.finding.rule
    evidence = {
        "as_of": night.as_of, "threshold": rule.threshold, "exit_threshold": rule.leaves_at,
        "value": candidate.finding.value, **candidate.finding.evidence,
    }  # fmt: skip
    return json.dumps(evidence, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: object) -> str:
    """A day or an amount as text: JSON has no exact decimals."""
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _messages(night: Night, candidate: Candidate, gap: Decimal | None) -> dict[str, str]:
    rule = candidate.finding.rule
    figures = common_figures(night, candidate) | candidate.finding.figures
    if candidate.finding.members:
        figures["gap"] = Money(gap)
    template = _template(candidate)
    return {
        f"message_{language}": _filled(night.authority, rule, template, figures, language)
        for language in LANGUAGES
    }


def _template(candidate: Candidate) -> Words:
    rule = candidate.finding.rule
    if candidate.cause == EXTENSION and rule.extension is not None:
        return rule.extension.message
    if candidate.cause == COMMON and rule.common is not None:
        return rule.common.message
    return rule.message


def common_figures(night: Night, candidate: Candidate) -> dict[str, Figure]:
    """Figures that every kind of rule may name."""
    rule, unit_key = candidate.finding.rule, candidate.finding.unit_key
    measure = _MEASURES.get(rule.kind)
    figures: dict[str, Figure] = {
        "unit_kind": night.authority.settings.unit_kind,
        "as_of": night.as_of,
        "fiscal_year": night.fiscal_year,
        "threshold": measure(rule.threshold) if measure else f"{rule.threshold:g}",
        "exit_threshold": measure(rule.leaves_at) if measure else f"{rule.leaves_at:g}",
    }
    return figures if candidate.finding.members else figures | {
        "unit_name": night.unit_names.get(unit_key, unit_key)
    }  # fmt: skip


def _filled(
    authority: Authority, rule: WarningRule, template: Words, figures: dict[str, Figure], language: Language
) -> str:
    try:
        return fill(getattr(template, language), figures, language, authority.settings.currency)
    except (KeyError, ValueError) as error:
        said = error.args[0]
        raise WarningRuleError(f"warning rule '{rule.rule_code}', message.{language}: {said}") from error
