"""Early warnings: an authority's rules, which are data, held against one night's marts.

Pure functions from frames to ``mart_warning``. How figures are written is in ``early_warning.figures``; the
rules themselves stand in the authority's ``warning_rules``.
"""

import datetime as dt
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from authorities.model import ALL, UNALLOCATED, Authority, WarningRule
from early_warning.figures import LANGUAGES, Figure, Language, Money, Percent, Points, Probability, fill
from warehouse.projections import conform, polars_schema
from warehouse.tables.marts import MART_WARNING

BASE_SCENARIO = "base"
_SCHEMA = {name: kind for name, kind in polars_schema(MART_WARNING).items() if name != "publication_id"}
_MONTHS_TO_MID_YEAR = 6
_NOT_THERE = ("missing", "unchanged")


class WarningRuleError(ValueError):
    """A rule of the authority cannot be applied; says which rule and what to change."""


@dataclass(frozen=True)
class _Case:
    """One unit that a rule speaks of: the figures for its message, and those kept as evidence."""

    unit_key: str
    unit_name: Figure
    figures: dict[str, Figure]
    evidence: dict[str, Any]


@dataclass(frozen=True)
class _Night:
    """What the rules look at."""

    authority: Authority
    as_of: dt.date
    positions: pl.DataFrame
    forecasts: pl.DataFrame
    arrivals: pl.DataFrame


def find_warnings(
    authority: Authority,
    as_of: dt.date,
    positions: pl.DataFrame,
    forecasts: pl.DataFrame,
    arrivals: pl.DataFrame,
    previous: pl.DataFrame,
) -> pl.DataFrame:
    """Warnings of the night ``as_of``: the columns of ``mart_warning`` but ``publication_id``.

    ``positions``, ``forecasts`` and ``arrivals`` are the night's mart_unit_position, mart_year_end_forecast
    and mart_extract_arrival (money as DECIMAL in currency units); ``previous`` holds mart_warning of earlier
    nights, of which the latest before ``as_of`` counts: a case open then keeps its day and state. Rows of
    ``as_of`` itself are not looked at, so a rerun gives the same rows.

    Raises:
        WarningRuleError: where a rule's message names a figure that its kind does not have.
    """
    night = _Night(authority, as_of, positions, forecasts, arrivals)
    known = _open_before(as_of, previous)
    rows = [
        _row(night, rule, case, known)
        for rule in authority.settings.warning_rules
        for case in _CASES[rule.kind](night, rule)
    ]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    return conform(frame.with_columns(publication_id=pl.lit("")), MART_WARNING).drop("publication_id")


def _open_before(as_of: dt.date, previous: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Warning id → its row on the last night before ``as_of``, unless closed."""
    if previous.is_empty():
        return {}
    earlier = previous.filter(pl.col("as_of") < as_of, pl.col("state") != "closed")
    last = earlier.filter(pl.col("as_of") == pl.col("as_of").max()).sort("warning_id", "opened_on")
    return {row["warning_id"]: row for row in reversed(last.to_dicts())}


def _row(night: _Night, rule: WarningRule, case: _Case, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    fiscal_year = night.authority.fiscal_year(night.as_of)
    warning_id = f"{rule.rule_code}:{case.unit_key}:{fiscal_year}"
    before = known.get(warning_id, {"opened_on": night.as_of, "state": "open"})
    common: dict[str, Figure] = {
        "unit_name": case.unit_name,
        "unit_kind": night.authority.settings.unit_kind,
        "as_of": night.as_of,
        "fiscal_year": fiscal_year,
    }
    messages = {
        f"message_{language}": _message(night.authority, rule, common | case.figures, language)
        for language in LANGUAGES
    }
    evidence = {"as_of": night.as_of.isoformat(), "threshold": rule.threshold} | case.evidence
    return {
        "as_of": night.as_of,
        "warning_id": warning_id,
        "unit_key": case.unit_key,
        "rule_code": rule.rule_code,
        "severity": rule.severity,
        "state": before["state"],
        "opened_on": before["opened_on"],
        "evidence": json.dumps(evidence, ensure_ascii=False, sort_keys=True, default=_plain),
        "owner": rule.owner,
        **messages,
    }


def _message(authority: Authority, rule: WarningRule, figures: dict[str, Figure], language: Language) -> str:
    try:
        return fill(getattr(rule.message, language), figures, language, authority.settings.currency)
    except (KeyError, ValueError) as error:
        said = error.args[0]
        raise WarningRuleError(
            f"authority.yaml: warning rule '{rule.rule_code}', message.{language}: {said}"
        ) from error


def _plain(value: object) -> str:
    """A day or an amount as text: JSON has no exact decimals."""
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _known(value: float | None) -> float | None:
    """The number, to a millionth; None for null and for what is no number."""
    return None if value is None or not math.isfinite(value) else round(value, 6)


def _units_only(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of single units, in the order of their keys."""
    return frame.filter(~pl.col("unit_key").is_in([ALL, UNALLOCATED])).sort("unit_key")


def _share_below(night: _Night, rule: WarningRule) -> Iterator[_Case]:
    """Units whose share of estimate does not exceed the threshold.

    A threshold of the half-year says nothing in February. Until mid-year only units that also trail their own
    pace are named; a unit without past years has no pace to be excused by.
    """
    rows = _units_only(night.positions).filter(
        pl.col("basis") == rule.basis, pl.col("estimate_version") == rule.estimate_version
    )
    for row in rows.iter_rows(named=True):
        share, gap = _known(row["share_of_estimate_pct"]), _known(row["pace_gap_pp"])
        if share is None or share > rule.threshold:
            continue
        if not _mid_year_has_come(night) and gap is not None and gap >= 0:
            continue
        yield _share_case(row, rule, share, gap)


def _mid_year_has_come(night: _Night) -> bool:
    start = night.authority.fiscal_year_start(night.authority.fiscal_year(night.as_of))
    months = (night.as_of.year - start.year) * 12 + night.as_of.month - start.month
    is_month_end = (night.as_of + dt.timedelta(days=1)).day == 1
    return months + int(is_month_end) >= _MONTHS_TO_MID_YEAR


def _share_case(row: dict[str, Any], rule: WarningRule, share: float, gap: float | None) -> _Case:
    pace, same_period = _known(row["pace_pct"]), _known(row["same_period_pct"])
    figures: dict[str, Figure] = {
        "share": Percent(share, apart_from=rule.threshold),
        "threshold": Percent(rule.threshold),
        "pace": Percent(pace),
        "pace_gap": Points(gap),
        "same_period": Percent(same_period),
        "estimate": Money(row["estimate_amount"]),
        "collected": Money(row["collected_amount"]),
        "remaining": Money(row["remaining_amount"]),
        "last_complete_day": row["last_complete_day"],
    }
    evidence = {
        "basis": rule.basis,
        "estimate_version": rule.estimate_version,
        "share_of_estimate_pct": share,
        "pace_pct": pace,
        "pace_gap_pp": gap,
        "same_period_pct": same_period,
        "estimate_amount": row["estimate_amount"],
        "collected_amount": row["collected_amount"],
        "last_complete_day": row["last_complete_day"],
    }
    return _Case(row["unit_key"], row["unit_name"], figures, evidence)


def _shortfall_probability_above(night: _Night, rule: WarningRule) -> Iterator[_Case]:
    """Units that will more probably than the threshold end the year short of their estimate."""
    names = _unit_names(night)
    rows = _units_only(night.forecasts).filter(
        pl.col("line_code") == ALL,
        pl.col("scenario") == BASE_SCENARIO,
        pl.col("basis") == rule.basis,
        pl.col("estimate_version") == rule.estimate_version,
    )
    for row in rows.iter_rows(named=True):
        probability = _known(row["shortfall_probability"])
        if probability is not None and probability > rule.threshold:
            yield _forecast_case(row, rule, probability, names.get(row["unit_key"], row["unit_key"]))


def _forecast_case(row: dict[str, Any], rule: WarningRule, probability: float, unit_name: Figure) -> _Case:
    estimate, median = row["estimate_amount"], row["p50_amount"]
    share = _known(float(median / estimate * 100)) if estimate and median is not None else None
    figures: dict[str, Figure] = {
        "probability": Probability(probability),
        "threshold": Probability(rule.threshold),
        "shortfall": Money(row["expected_shortfall_amount"]),
        "estimate": Money(estimate),
        "collected": Money(row["collected_amount"]),
        "median": Money(median),
        "median_share": Percent(share),
        "p10": Money(row["p10_amount"]),
        "p90": Money(row["p90_amount"]),
    }
    amounts = ("estimate_amount", "collected_amount", "p10_amount", "p50_amount", "p90_amount",
               "expected_shortfall_amount")  # fmt: skip
    evidence = {name: row[name] for name in amounts} | {
        "basis": rule.basis,
        "estimate_version": row["estimate_version"],
        "fit_status": row["fit_status"],
        "method": row["method"],
        "scenario": row["scenario"],
        "shortfall_probability": probability,
    }
    return _Case(row["unit_key"], unit_name, figures, evidence)


def _data_late(night: _Night, rule: WarningRule) -> Iterator[_Case]:
    """Senders whose extracts are not there ``threshold`` days after they were due, one case a unit.

    What came late but came is no warning any more; the same bytes as the time before are not new data.
    """
    names = _unit_names(night)
    due = night.as_of - dt.timedelta(days=int(rule.threshold))
    rows = night.arrivals.filter(
        pl.col("unit_key") != UNALLOCATED, pl.col("status").is_in(_NOT_THERE), pl.col("expected_at") <= due
    ).sort("unit_key", "expected_at", "form_code")
    for (unit_key,), forms in rows.group_by("unit_key", maintain_order=True):
        yield _late_case(night, rule, str(unit_key), forms.to_dicts(), names)


def _late_case(
    night: _Night, rule: WarningRule, unit_key: str, rows: list[dict[str, Any]], names: dict[str, Figure]
) -> _Case:
    titles = {form.form_code: form.title for form in night.authority.forms}
    expected_on: dt.date = rows[0]["expected_at"]
    figures: dict[str, Figure] = {
        "form": ", ".join(titles.get(row["form_code"], row["form_code"]) for row in rows),
        "expected_on": expected_on,
        "days_late": (night.as_of - expected_on).days,
        "missing_periods": sum(row["missing_periods"] for row in rows),
        "last_complete_day": rows[0]["last_complete_day"],
        "threshold": int(rule.threshold),
    }
    kept = ("form_code", "status", "expected_at", "received_at", "last_complete_day", "missing_periods")
    evidence = {"extracts": [{name: row[name] for name in kept} for row in rows]}
    return _Case(unit_key, names.get(unit_key, unit_key), figures, evidence)


def _unit_names(night: _Night) -> dict[str, Figure]:
    """Unit key → name, as the marts say it, else as the authority does; the authority itself by its title."""
    names: dict[str, Figure] = {unit.unit_key: unit.name for unit in night.authority.units}
    names |= dict(night.positions.select("unit_key", "unit_name").unique().sort("unit_key").iter_rows())
    return names | {ALL: night.authority.settings.title}


_CASES: dict[str, Callable[[_Night, WarningRule], Iterator[_Case]]] = {
    "share_below": _share_below,
    "shortfall_probability_above": _shortfall_probability_above,
    "data_late": _data_late,
}
"""What each kind of rule looks for."""
