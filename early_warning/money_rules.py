"""Rules about money: shares, pace, year-ends, cover of recurrent spending, lines that collapse.

Each is a function from a night and a rule to findings, one a unit measured. Rules about the data itself are
in ``data_rules``.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl

from authorities.model import ALL, Words
from authorities.warning_rules import WarningRule
from early_warning.figures import Figure, Money, Percent, Points, Probability
from early_warning.night import BASE_SCENARIO, Finding, Night, known, level_of
from early_warning.timing import effects_until
from warehouse.marts import STAMPED

Row = dict[str, Any]
_BALANCE_STATUS = {
    "complete": Words(vi="có số bổ sung từ ngân sách cấp trên", en="transfers included"),
    "transfers_assumed": Words(
        vi="có số bổ sung từ ngân sách cấp trên, là số giả định", en="transfers included, assumed ones"
    ),
    "transfers_unknown": Words(
        vi="chưa có số bổ sung từ ngân sách cấp trên trong dữ liệu", en="transfers are not in the data"
    ),
}


def share_below(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Units at or under a share of the estimate, from mid-year on; before, a flat bar says nothing.

    Measured with what declared extensions keep away put back (decision 10's pace is a rule of its own).
    """
    if night.mid_year_has_come:
        for row, moved in _positions(night, rule):
            yield _position(night, rule, row, moved, known(row["share_of_estimate_pct"]))


def behind_pace(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Units whose share of the estimate trails the unit's own usual pace by more than so many points.

    The pace is the unit's past years' to the same day, and so knows its due dates.
    """
    for row, moved in _positions(night, rule):
        gap = known(row["pace_gap_pp"])
        yield _position(night, rule, row, moved, None if gap is None else -gap)


def _positions(night: Night, rule: WarningRule) -> Iterator[tuple[Row, Row]]:
    """Rows of unit positions with what extensions keep away of them so far."""
    moved = (
        effects_until(night, night.as_of)
        .filter(pl.col("basis") == rule.basis)
        .group_by("unit_key")
        .agg(pl.col("timing").sum(), pl.col("back_by").max())
    )
    by_unit = {row["unit_key"]: row for row in moved.iter_rows(named=True)}
    rows = night.units("mart_unit_position").filter(
        pl.col("basis") == rule.basis, pl.col("estimate_version") == rule.estimate_version
    )
    for row in rows.iter_rows(named=True):
        yield row, by_unit.get(row["unit_key"], {"timing": 0, "back_by": None})


def _position(night: Night, rule: WarningRule, row: Row, moved: Row, raw: float | None) -> Finding:
    timing, estimate = int(moved["timing"]), row["estimate_amount"]
    points = float(night.currency(timing) / estimate * 100) if estimate else 0.0
    better = points if rule.kind == "share_below" else -points
    # A share is what it is; only a rule that says what to do with extensions excuses by them.
    excuses = rule.kind == "behind_pace" or rule.extension is not None
    value = None if raw is None else raw + better
    share, gap = known(row["share_of_estimate_pct"]), known(row["pace_gap_pp"])
    figures: dict[str, Figure] = {
        "share": Percent(share, apart_from=rule.threshold),
        "pace": Percent(known(row["pace_pct"])),
        "pace_gap": Points(gap),
        "points_behind": Points(None if gap is None else -gap),
        "same_period": Percent(known(row["same_period_pct"])),
        "estimate": Money(estimate),
        "collected": Money(row["collected_amount"]),
        "remaining": Money(row["remaining_amount"]),
        "last_complete_day": row["last_complete_day"],
        "timing": Money(night.currency(timing)),
        "back_by": moved["back_by"],
        "adjusted_share": Percent(None if share is None else share + points, apart_from=rule.threshold),
        "adjusted_gap": Points(None if gap is None else gap + points),
    }
    kept = ("share_of_estimate_pct", "pace_pct", "pace_gap_pp", "same_period_pct")
    evidence = {name: known(row[name]) for name in kept} | {
        "basis": rule.basis,
        "estimate_version": rule.estimate_version,
        "estimate_amount": estimate,
        "collected_amount": row["collected_amount"],
        "last_complete_day": row["last_complete_day"],
        "timing_amount": night.currency(timing),
        "expected_back_by": moved["back_by"],
        "adjusted_share_pct": None if share is None else known(share + points),
        "adjusted_pace_gap_pp": None if gap is None else known(gap + points),
    }
    if rule.kind == "share_below":
        figures.pop("points_behind")
    return Finding(
        rule=rule, unit_key=row["unit_key"], level=level_of(rule, value if excuses else raw),
        raw_level=level_of(rule, raw), value=raw, figures=figures, evidence=evidence,
        timing=timing, back_by=moved["back_by"],
        is_stale=is_stale(night, rule, row["last_complete_day"]), data_until=row["last_complete_day"],
    )  # fmt: skip


def is_stale(night: Night, rule: WarningRule, data_until: dt.date | None) -> bool:
    """Whether the data behind a finding ends longer before the night than the rule allows."""
    if rule.stale_after_days is None or data_until is None:
        return False
    return (night.as_of - data_until).days > rule.stale_after_days


def shortfall_probability_above(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Units that will more probably than the threshold end the year short of their estimate."""
    for row in _year_ends(night, rule):
        yield _forecast(night, rule, row, known(row["shortfall_probability"]))


def half_year_probability_above(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Units that will more probably than the threshold not be above half of the estimate at mid-year.

    Once mid-year has come, it is no forecast any more: such cases calm down and ``share_below`` speaks.
    """
    mid_year = night.mid_year
    half = night.authority.settings.half_year_threshold_pct
    for row in _year_ends(night, rule):
        probability = known(row["half_year_below_probability"])
        told = 0.0 if night.mid_year_has_come and probability is not None else probability
        yield _forecast(night, rule, row, told, {"half": Percent(half), "mid_year": mid_year})


def _year_ends(night: Night, rule: WarningRule) -> Iterator[Row]:
    rows = night.units("mart_year_end_forecast").filter(
        pl.col("line_code") == ALL,
        pl.col("scenario") == BASE_SCENARIO,
        pl.col("basis") == rule.basis,
        pl.col("estimate_version") == rule.estimate_version,
    )
    yield from rows.iter_rows(named=True)


def _forecast(
    night: Night,
    rule: WarningRule,
    row: Row,
    probability: float | None,
    more: dict[str, Figure] | None = None,
) -> Finding:
    estimate, median = row["estimate_amount"], row["p50_amount"]
    share = known(float(median / estimate * 100)) if estimate and median is not None else None
    mean = row["mean_amount"]
    figures: dict[str, Figure] = {
        "probability": Probability(probability),
        # What the causes of the case add up to; the mean of shortfalls alone is the mart's.
        "shortfall": Money(None if estimate is None or mean is None else estimate - mean),
        "estimate": Money(estimate),
        "collected": Money(row["collected_amount"]),
        "median": Money(median),
        "median_share": Percent(share),
        "p10": Money(row["p10_amount"]),
        "p90": Money(row["p90_amount"]),
        **(more or {}),
    }
    kept = ("estimate_amount", "collected_amount", "mean_amount", "p10_amount", "p50_amount", "p90_amount",
            "expected_shortfall_amount", "estimate_version", "fit_status", "method", "scenario")  # fmt: skip
    evidence = {name: row[name] for name in kept} | {
        "basis": rule.basis,
        "shortfall_probability": known(row["shortfall_probability"]),
        "half_year_below_probability": known(row["half_year_below_probability"]),
    }
    until = night.complete_days.get(row["unit_key"])
    return Finding(
        rule=rule, unit_key=row["unit_key"], level=level_of(rule, probability), value=probability,
        figures=figures, evidence=evidence, is_stale=is_stale(night, rule, until), data_until=until,
    )  # fmt: skip


def recurrent_gap_probability_above(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Units whose recurrent revenue and transfers probably do not cover their recurrent spending."""
    complete = night.complete_days
    for row in night.units("mart_recurrent_balance").iter_rows(named=True):
        probability = known(row["gap_probability"])
        figures: dict[str, Figure] = {
            "probability": Probability(probability),
            "spending": Money(row["recurrent_spending_estimate_amount"]),
            "median": Money(row["recurrent_p50_amount"]),
            "p10": Money(row["recurrent_p10_amount"]),
            "p90": Money(row["recurrent_p90_amount"]),
            "cover": Percent(None if row["cover_ratio"] is None else known(row["cover_ratio"] * 100)),
            "transfer": Money(row["transfer_estimate_amount"]),
            "balance_status": _BALANCE_STATUS.get(row["balance_status"]),
        }
        dropped = ("as_of", "unit_key", *STAMPED)
        evidence = {name: value for name, value in row.items() if name not in dropped}
        until = complete.get(row["unit_key"])
        yield Finding(
            rule=rule, unit_key=row["unit_key"], level=level_of(rule, probability), value=probability,
            figures=figures, evidence=evidence, is_stale=is_stale(night, rule, until), data_until=until,
        )  # fmt: skip


def line_collapsed(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Lines that brought at most so many percent of last year's same period, with extensions put back, and
    lost at least ``least_share_pct`` of the unit's annual estimate. Only lines that near this are told."""
    chosen = (pl.col("basis") == rule.basis, pl.col("estimate_version") == rule.estimate_version)
    whole = dict(
        night.units("mart_unit_position").filter(chosen).select("unit_key", "estimate_amount").rows()
    )
    effects = effects_until(night, night.as_of).filter(pl.col("basis") == rule.basis)
    moved = {(row["unit_key"], row["line_code"]): row for row in effects.iter_rows(named=True)}
    lines = night.units("mart_line_position").filter(
        chosen, pl.col("line_code") != ALL, pl.col("same_period_amount") > 0
    )
    names = {line.line_code: Words(vi=line.name_vi, en=line.name_en) for line in night.authority.lines}
    for row in lines.sort("unit_key", "line_code").iter_rows(named=True):
        effect = moved.get((row["unit_key"], row["line_code"]), {"timing": 0, "back_by": None})
        back = night.currency(int(effect["timing"]))
        drop: Decimal = row["same_period_amount"] - row["collected_amount"] - back
        value = known(float((row["collected_amount"] + back) / row["same_period_amount"] * 100))
        estimate = whole.get(row["unit_key"])
        is_large = estimate is not None and drop * 100 >= Decimal(str(rule.least_share_pct)) * estimate
        if is_large and level_of(rule, value) != "clear":
            name = names.get(row["line_code"], row["line_code"])
            yield _line(night, rule, row, effect, {"line_name": name, "drop": Money(drop)}, value)


def _line(
    night: Night, rule: WarningRule, row: Row, effect: Row, told: dict[str, Figure], value: float | None
) -> Finding:
    timing, until = int(effect["timing"]), row["last_complete_day"]
    figures: dict[str, Figure] = {
        **told,
        "same_period": Percent(known(row["same_period_pct"])),
        "same_period_amount": Money(row["same_period_amount"]),
        "collected": Money(row["collected_amount"]),
        "timing": Money(night.currency(timing)),
        "back_by": effect["back_by"],
        "last_complete_day": until,
    }
    kept = ("line_code", "same_period_amount", "collected_amount", "estimate_amount", "same_period_pct")
    evidence = {name: row[name] for name in kept} | {
        "basis": rule.basis,
        "estimate_version": rule.estimate_version,
        "timing_amount": night.currency(timing),
        "expected_back_by": effect["back_by"],
    }
    return Finding(
        rule=rule, unit_key=row["unit_key"], subject=row["line_code"], level=level_of(rule, value),
        value=value, figures=figures, evidence=evidence, timing=timing, back_by=effect["back_by"],
        is_stale=is_stale(night, rule, until), data_until=until,
    )  # fmt: skip
