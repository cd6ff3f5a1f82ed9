"""Why a case is there: its gap, taken apart into lines and kinds that add up to it to the minor unit.

The gap is what a unit lacks against the rule's own bar: the share of the estimate it asks for, the unit's
usual pace, the estimate at the year's end, last year's same period. Kinds:

- ``timing``: kept away by a declared extension and expected back by a day; ``loss``: taken by a measure;
- ``restatement``: taken back (or, negative, added) after a month was over;
- ``one_off_last_year``: the comparison stands on a month of last year that was far above its usual;
- ``season``: the line's own season brings it later than the bar asks;
- ``plan``: spending planned above the revenue estimated, which transfers were to fill;
- ``unexplained``: the rest.

Restatement is counted against the first published night after a month was over; of the running month,
against the last published night.
"""

import calendar
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from authorities.model import ALL
from early_warning.grouping import Candidate
from early_warning.night import BASE_SCENARIO, Finding, Night
from early_warning.past_years import one_offs
from early_warning.timing import effects_until
from warehouse.bases import shares_on
from warehouse.published import in_minor_units
from warehouse.tables.marts import (
    MART_FORECAST_PATH,
    MART_LINE_POSITION,
    MART_RECURRENT_BALANCE,
    MART_RESTATEMENT,
    MART_UNIT_POSITION,
    MART_YEAR_END_FORECAST,
)

CAUSE_KINDS = (
    "timing", "loss", "restatement", "one_off_last_year", "season", "plan", "unexplained",
)  # fmt: skip
CAUSE_SCHEMA: dict[str, pl.DataType] = {
    "warning_id": pl.String(), "line_code": pl.String(), "cause_kind": pl.String(), "amount": pl.Int64(),
    "expected_back_by": pl.Date(), "unit_key": pl.String(),
}  # fmt: skip
WITH_GAP = (
    "share_below", "behind_pace", "shortfall_probability_above", "half_year_probability_above",
    "recurrent_gap_probability_above", "line_collapsed",
)  # fmt: skip
"""Kinds of rule that have a gap."""
Row = dict[str, Any]


@dataclass(frozen=True)
class _Line:
    """A line's part of a gap (minor units), and what of it has a known cause."""

    line_code: str
    gap: int
    season: int = 0
    plan: int = 0
    one_off: int = 0
    explains: bool = True


@dataclass(frozen=True)
class _Known:
    """The night's figures by unit (and line), in minor units, of the units that have cases."""

    lines: dict[tuple[str, str, str], list[Row]]
    units: dict[tuple[str, str, str], Row]
    year_ends: dict[tuple[str, str], list[Row]]
    half_years: dict[tuple[str, str], list[Row]]
    balances: dict[str, Row]
    effects: dict[str, dict[tuple[str, str, str], Row]]
    restated: dict[tuple[str, str, str], int]
    one_offs: dict[tuple[str, str, str], Row]


def causes(night: Night, cases: Iterable[Candidate]) -> tuple[pl.DataFrame, dict[str, int]]:
    """What each case's gap consists of, and the gaps.

    A case for many units has the sum of theirs.

    Returns:
        ``CAUSE_SCHEMA``, amounts in minor units, nought left out; and warning id → gap.
    """
    chosen = [case for case in cases if case.finding.rule.kind in WITH_GAP]
    findings = [one for case in chosen for one in _members(case)]
    told = _known(night, sorted({one.unit_key for one in findings}))
    rows: list[tuple[str, str, str, int, dt.date | None, str]] = []
    gaps: dict[str, int] = {}
    for case in chosen:
        sums: dict[tuple[str, str], tuple[int, dt.date | None]] = {}
        for finding in _members(case):
            for line, kind, amount, back_by in _of_finding(night, told, finding):
                before, day = sums.get((line, kind), (0, None))
                days = [one for one in (day, back_by) if one is not None]
                sums[line, kind] = (before + amount, max(days, default=None))
        rows += [
            (case.warning_id, line, kind, amount, day if kind == "timing" else None, case.finding.unit_key)
            for (line, kind), (amount, day) in sorted(sums.items())
            if amount
        ]
        gaps[case.warning_id] = sum(amount for amount, _ in sums.values())
    return pl.DataFrame(rows, schema=CAUSE_SCHEMA, orient="row"), gaps


def _members(case: Candidate) -> tuple[Finding, ...]:
    return case.finding.members or (case.finding,)


def _of_finding(
    night: Night, told: _Known, finding: Finding
) -> Iterator[tuple[str, str, int, dt.date | None]]:
    """Line, kind, amount and day of everything a finding's gap consists of."""
    rule, unit = finding.rule, finding.unit_key
    by_year_end = rule.kind in ("shortfall_probability_above", "recurrent_gap_probability_above")
    when = (
        "year_end" if by_year_end else "mid_year" if rule.kind == "half_year_probability_above" else "night"
    )
    basis = "recurrent" if rule.kind == "recurrent_gap_probability_above" else rule.basis
    for line in _lines(night, told, finding):
        key = (unit, line.line_code, basis)
        effect = told.effects[when].get(key, {"timing": 0, "loss": 0, "back_by": None})
        restated = told.restated.get(key, 0)
        parts = {"timing": effect["timing"], "loss": effect["loss"], "restatement": -restated}
        parts = parts if line.explains else dict.fromkeys(parts, 0)
        parts |= {"one_off_last_year": line.one_off, "season": line.season, "plan": line.plan}
        for kind, amount in parts.items():
            yield line.line_code, kind, amount, effect["back_by"]
        yield line.line_code, "unexplained", line.gap - sum(parts.values()), None


def _lines(night: Night, told: _Known, finding: Finding) -> Iterator[_Line]:
    """The parts of a finding's gap by line; what rounding or a missing line leaves over goes to ALL."""
    rule, unit = finding.rule, finding.unit_key
    if rule.kind in ("share_below", "behind_pace"):
        parts = list(_against_bar(told, finding))
        row = told.units[unit, rule.basis, rule.estimate_version]
        whole = _part(row["estimate_amount"], _bar(finding, row)) - row["collected_amount"]
    elif rule.kind == "line_collapsed":
        yield from _against_last_year(told, finding)
        return
    elif rule.kind == "half_year_probability_above":
        half = night.authority.settings.half_year_threshold_pct
        rows = told.half_years.get((unit, rule.basis), [])
        estimates = {row["line_code"]: row["estimate_amount"] for row in told.year_ends[unit, rule.basis]}
        gaps = {r["line_code"]: _part(estimates.get(r["line_code"]), half) - r["p50_amount"] for r in rows}
        parts = [_Line(line, gap) for line, gap in gaps.items() if line != ALL]
        whole = gaps.get(ALL, 0)
    else:
        basis = "recurrent" if rule.kind == "recurrent_gap_probability_above" else rule.basis
        rows = told.year_ends[unit, basis]
        gaps = {row["line_code"]: (row["estimate_amount"] or 0) - row["mean_amount"] for row in rows}
        parts = [_Line(line, gap) for line, gap in gaps.items() if line != ALL]
        whole = gaps.get(ALL, 0)
        if rule.kind == "recurrent_gap_probability_above":
            estimate = next((row["estimate_amount"] for row in rows if row["line_code"] == ALL), None)
            plan = _plan(told.balances[unit], estimate or 0)
            yield _Line(ALL, plan, plan=plan, explains=False)
    yield from parts
    rest = whole - sum(part.gap for part in parts)
    if rest:
        yield _Line(ALL, rest, explains=False)


def _plan(balance: Row, estimate: int) -> int:
    planned = balance["recurrent_spending_estimate_amount"] or 0
    return int(planned) - int(balance["transfer_estimate_amount"] or 0) - estimate


def _bar(finding: Finding, row: Row) -> float:
    """Percent of the estimate that the rule asks for by the night."""
    return finding.rule.threshold if finding.rule.kind == "share_below" else float(row["pace_pct"] or 0.0)


def _part(amount: int | None, percent: float) -> int:
    return round((amount or 0) * percent / 100)


def _against_bar(told: _Known, finding: Finding) -> Iterator[_Line]:
    """Bar × estimate − collected, line by line; a line's own pace tells how much of it is season."""
    rule, unit = finding.rule, finding.unit_key
    bar = _bar(finding, told.units[unit, rule.basis, rule.estimate_version])
    for row in told.lines.get((unit, rule.basis, rule.estimate_version), []):
        estimate, pace = row["estimate_amount"] or 0, row["pace_pct"]
        seasonal = _part(estimate, bar) - _part(estimate, pace) if pace is not None else 0
        one = told.one_offs.get((unit, row["line_code"], rule.basis))
        one_off = _part(estimate, one["pace_points"]) if one is not None and pace is not None else 0
        gap = _part(estimate, bar) - row["collected_amount"]
        yield _Line(row["line_code"], gap, season=seasonal, one_off=one_off)


def _against_last_year(told: _Known, finding: Finding) -> Iterator[_Line]:
    rule, unit = finding.rule, finding.unit_key
    for row in told.lines.get((unit, rule.basis, rule.estimate_version), []):
        if row["line_code"] == finding.subject:
            one = told.one_offs.get((unit, row["line_code"], rule.basis))
            gap = (row["same_period_amount"] or 0) - row["collected_amount"]
            yield _Line(row["line_code"], gap, one_off=0 if one is None else int(one["excess"]))


def _known(night: Night, units: list[str]) -> _Known:
    authority, year = night.authority, night.fiscal_year
    own = pl.col("unit_key").is_in(units)

    def minor(table: Any) -> pl.DataFrame:
        rows = night.marts[table.name].filter(own)
        kept = [c for c in rows.columns if c not in ("publication_id", "as_of")]
        return in_minor_units(rows.select(kept), table, authority)

    base = pl.col("scenario") == BASE_SCENARIO
    month = night.mid_year.replace(day=1)
    days = {"night": night.as_of, "mid_year": night.mid_year, "year_end": authority.fiscal_year_end(year)}
    line = ["unit_key", "line_code", "basis"]
    effects = {name: effects_until(night, day).filter(own) for name, day in days.items()}
    lines = minor(MART_LINE_POSITION).filter(pl.col("line_code") != ALL)
    path = minor(MART_FORECAST_PATH).filter(base, pl.col("month") == month)
    return _Known(
        lines=_listed(lines, ["unit_key", "basis", "estimate_version"]),
        units=_keyed(minor(MART_UNIT_POSITION), ["unit_key", "basis", "estimate_version"]),
        year_ends=_listed(minor(MART_YEAR_END_FORECAST).filter(base), ["unit_key", "basis"]),
        half_years=_listed(path, ["unit_key", "basis"]),
        balances={row["unit_key"]: row for row in minor(MART_RECURRENT_BALANCE).iter_rows(named=True)},
        effects={name: _keyed(frame, line) for name, frame in effects.items()},
        restated=_restated(night, units),
        one_offs=_keyed(one_offs(night, units), line) if units else {},
    )


def _keyed(frame: pl.DataFrame, keys: list[str]) -> dict[Any, Row]:
    return {tuple(row[key] for key in keys): row for row in frame.iter_rows(named=True)}


def _listed(frame: pl.DataFrame, keys: list[str]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in frame.sort([*keys, "line_code"]).iter_rows(named=True):
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def _restated(night: Night, units: list[str]) -> dict[tuple[str, str, str], int]:
    """Unit, line and basis → what this year's months are known otherwise than when they were first told."""
    start = night.authority.fiscal_year_start(night.fiscal_year)
    rows = in_minor_units(night.marts["mart_restatement"], MART_RESTATEMENT, night.authority)
    references = _reference_nights(rows["previous_as_of"].unique().sort().to_list(), start, night.as_of)
    chosen = rows.join(references, on=["month", "previous_as_of"]).filter(pl.col("unit_key").is_in(units))
    sums = chosen.group_by("unit_key", "line_code").agg(pl.col("difference_amount").sum())
    shared = sums.join(shares_on(night.authority, night.as_of), on=["unit_key", "line_code"])
    return {
        (row["unit_key"], row["line_code"], row["basis"]): round(row["difference_amount"] * row["share"])
        for row in shared.iter_rows(named=True)
    }


def _reference_nights(nights: list[dt.date], start: dt.date, as_of: dt.date) -> pl.DataFrame:
    """For each month of the year the earlier night that it is compared with."""
    rows: list[tuple[dt.date, dt.date]] = []
    month = start
    while month <= as_of:
        end = month.replace(day=calendar.monthrange(month.year, month.month)[1])
        over = [night for night in nights if night >= end]
        if over or nights:
            rows.append((month, over[0] if over else nights[-1]))
        month = end + dt.timedelta(days=1)
    return pl.DataFrame(rows, schema={"month": pl.Date, "previous_as_of": pl.Date}, orient="row")
