"""Early warnings of a night: rules held against the marts, cases folded over the nights, and their causes.

The sentence of it all: findings → candidates → cases → rows. Each step has a module of its own beside this
one. The rules themselves stand in the authority's folder.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from authorities.model import ALL
from authorities.warning_rules import WarningKind, WarningRule
from early_warning import data_rules, money_rules
from early_warning.acts import acts_by
from early_warning.cases import STANDING_STATES, CaseState, Watched, folded, nights_at, watched
from early_warning.causes import causes
from early_warning.grouping import Candidate, candidates
from early_warning.messages import closed_row, warning_row
from early_warning.night import Finding, Night
from warehouse.marts import STAMPED, at_the_edge, unstamped
from warehouse.projections import conform, polars_schema
from warehouse.tables.declare import Table
from warehouse.tables.marts import MART_WARNING, MART_WARNING_CAUSE, MART_WARNING_WATCH

Row = Mapping[str, Any]

_KINDS: dict[WarningKind, Callable[[Night, WarningRule], Iterator[Finding]]] = {
    "share_below": money_rules.share_below,
    "half_year_probability_above": money_rules.half_year_probability_above,
    "behind_pace": money_rules.behind_pace,
    "shortfall_probability_above": money_rules.shortfall_probability_above,
    "recurrent_gap_probability_above": money_rules.recurrent_gap_probability_above,
    "line_collapsed": money_rules.line_collapsed,
    "data_late": data_rules.data_late,
    "reconciliation_residual_above": data_rules.reconciliation_residual_above,
    "forecast_failed": data_rules.forecast_failed,
    "validation_failed": data_rules.validation_failed,
    "channel_failed": data_rules.channel_failed,
}
"""What each kind of rule looks for."""
UNWATCHED_DAYS = 7
"""Days without a published night after which a night is a first look again."""
_TOLD_ONLY_WHERE_ILL = (
    "line_collapsed",
    "data_late",
    "forecast_failed",
    "validation_failed",
    "channel_failed",
)
"""Kinds that say nothing of a unit which is well; of the others, silence means that nothing was measured."""


@dataclass(frozen=True)
class Before:
    """The last published night before: its day (None: there is none), mart_warning and mart_warning_watch."""

    as_of: dt.date | None
    warnings: pl.DataFrame
    watch: pl.DataFrame


@dataclass(frozen=True)
class Found:
    """The night's mart_warning, mart_warning_watch and mart_warning_cause, unpublished."""

    warnings: pl.DataFrame
    watch: pl.DataFrame
    causes: pl.DataFrame


@dataclass(frozen=True)
class Followed:
    """Everything measured tonight, how long each has been at its level, and the cases there are."""

    found: list[Candidate]
    watch: dict[str, Watched]
    cases: list[tuple[Candidate, CaseState]]


def findings_of(night: Night) -> list[Finding]:
    """What every rule of the authority finds tonight."""
    rules = night.authority.settings.warning_rules
    return [finding for rule in rules for finding in _KINDS[rule.kind](night, rule)]


def find_warnings(night: Night, before: Before, acts: pl.DataFrame) -> Found:
    """Cases of the night with their causes.

    Args:
        acts: what people decided (``early_warning.acts.ACT_SCHEMA``), known to the night or not.

    Returns:
        The three marts. A pure function: the same night, the same night before and the same acts known to
        it give the same rows.
    """
    rows = {row["warning_id"]: row for row in before.warnings.iter_rows(named=True)}
    levels = dict(before.watch.select("warning_id", pl.struct("level", "level_since")).iter_rows())
    known = acts_by(acts, night.as_of)
    tonight = followed(night, rows, levels, known, is_first_look=_is_first_look(night, before))
    found, watch, cases = tonight.found, tonight.watch, tonight.cases
    measured = [one for one, state in cases if state.state != "closed" and one.finding.figures]
    parts, gaps = causes(night, measured)
    told = [
        warning_row(night, one, state, gaps.get(one.warning_id), rows.get(one.warning_id))
        for one, state in cases
    ]
    told += _without_rule(night, rows, {one.warning_id for one, _ in cases})
    return Found(_mart(MART_WARNING, told), _watched(night, found, cases, watch), _causes(night, parts))


def _is_first_look(night: Night, before: Before) -> bool:
    """Whether nobody knows how long anything has held: rules that ask for some nights wait for none then."""
    return before.as_of is None or (night.as_of - before.as_of).days > UNWATCHED_DAYS


def followed(
    night: Night,
    rows: Mapping[str, Row],
    levels: Mapping[str, Row],
    acts: Mapping[str, Sequence[Row]],
    *,
    is_first_look: bool,
) -> Followed:
    """What the rules find tonight, and the cases after it.

    Args:
        rows: cases of the night before by warning id, rows of ``mart_warning`` or what a case needs of them.
        levels: level and level_since of the night before by warning id.
        acts: what people decided, as known tonight, by warning id.
        is_first_look: nothing was published before, or not for long: nothing to wait for.
    """
    standing = {key for key, row in rows.items() if row["state"] in STANDING_STATES}

    def waits(one: Finding) -> bool:
        since = watched(night.as_of, one.level, levels.get(one.warning_id(night.fiscal_year))).since
        return not is_first_look and nights_at(night.as_of, since) < one.rule.minimum_nights

    found = candidates(night, findings_of(night), standing, waits)
    found += _not_found(night, rows, found)
    watch = {one.warning_id: watched(night.as_of, one.level, levels.get(one.warning_id)) for one in found}
    cases: list[tuple[Candidate, CaseState]] = []
    for one in found:
        row = rows.get(one.warning_id)
        state = folded(
            night.as_of, one, None if row is None else CaseState.of_row(row), watch[one.warning_id],
            acts.get(one.warning_id, []), is_first_look=is_first_look,
        )  # fmt: skip
        if state is not None:
            cases.append((one, state))
    return Followed(found, watch, cases)


def _not_found(night: Night, rows: Mapping[str, Row], told: Sequence[Candidate]) -> list[Candidate]:
    """Cases of this year of which no rule said anything tonight: well again, or not measured."""
    found = {one.warning_id for one in told}
    measured = {
        one.finding.rule.rule_code
        for one in told
        if one.finding.level != "unknown" and not one.finding.is_stale
    }
    rules = {rule.rule_code: rule for rule in night.authority.settings.warning_rules}
    in_force = {unit.unit_key for unit in night.authority.units_on(night.as_of)}
    return [
        Candidate(
            warning_id,
            Finding(
                rule=rules[row["rule_code"]], unit_key=row["unit_key"], subject=row["subject"] or "",
                level="unknown", value=None, figures={}, evidence={},
            ),
            "clear" if _is_well(rules[row["rule_code"]], row, in_force, measured) else "unknown",
        )
        for warning_id, row in sorted(rows.items())
        if warning_id not in found and row["rule_code"] in rules and _year_of(warning_id) == night.fiscal_year
    ]  # fmt: skip


def _is_well(rule: WarningRule, row: Row, in_force: Collection[str], measured: Collection[str]) -> bool:
    """Whether a case of which nothing was said has calmed down: its rule only tells of what is ill, its unit
    is no more, or it stands for many units and the rule (one of ``measured``) found others than them ill."""
    if rule.kind in _TOLD_ONLY_WHERE_ILL or (row["unit_key"] != ALL and row["unit_key"] not in in_force):
        return True
    return row["unit_key"] == ALL and rule.rule_code in measured


def _without_rule(night: Night, rows: Mapping[str, Row], told: Collection[str]) -> list[dict[str, Any]]:
    """Cases of last year, closed on the new year's first night; and of rules the authority has no more."""
    left = []
    for warning_id, row in rows.items():
        if warning_id in told:
            continue
        is_over = _year_of(warning_id) != night.fiscal_year
        if is_over and row["state"] == "closed":
            continue
        why = "the fiscal year is over" if is_over else "the rule is no more"
        left.append(closed_row(night, row, why))
    return left


def _year_of(warning_id: str) -> int:
    return int(warning_id.rsplit(":", 1)[-1])


def _watched(
    night: Night,
    found: Iterable[Candidate],
    cases: Iterable[tuple[Candidate, CaseState]],
    watch: Mapping[str, Watched],
) -> pl.DataFrame:
    """``mart_warning_watch``: what is not well or has a case."""
    known = {one.warning_id for one, _ in cases}
    return _mart(MART_WARNING_WATCH, [
        {
            "as_of": night.as_of, "warning_id": one.warning_id, "rule_code": one.finding.rule.rule_code,
            "unit_key": one.finding.unit_key, "level": one.level, "level_since": watch[one.warning_id].since,
            "value": one.finding.value, "enter_threshold": one.finding.rule.threshold,
            "exit_threshold": one.finding.rule.leaves_at, "case_id": one.case_id,
        }
        for one in found
        if one.level != "clear" or one.warning_id in known
    ])  # fmt: skip


def _causes(night: Night, parts: pl.DataFrame) -> pl.DataFrame:
    dated = parts.with_columns(pl.lit(night.as_of).alias("as_of"))
    return at_the_edge(dated, MART_WARNING_CAUSE, night.authority)


def _mart(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {name: kind for name, kind in polars_schema(table).items() if name not in STAMPED}
    return conform(unstamped(pl.DataFrame(rows, schema=schema, orient="row"), table), table)
