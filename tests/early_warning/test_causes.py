"""The causes of a gap add up to it, whatever the figures; and each kind is what it says."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.model import RevenueLine
from authorities.warning_rules import WarningRule
from early_warning.past_years import one_offs
from tests.early_warning.conftest import rows_of
from tests.early_warning.nights import a_night, run
from tests.early_warning.test_cases import _small
from tests.early_warning.test_grouping import DECREE
from warehouse.tables.marts import (
    MART_FORECAST_PATH,
    MART_LINE_POSITION,
    MART_RECURRENT_BALANCE,
    MART_RESTATEMENT,
    MART_SHOCK_EFFECT,
    MART_UNIT_POSITION,
    MART_YEAR_END_FORECAST,
)

NIGHT = dt.date(2020, 6, 30)
MAY = dt.date(2020, 5, 31)
A = "00115@2004"
LINES = ("vat", "cit", "fees")
RULES = {
    "share_below": {"threshold": 99.0},
    "behind_pace": {"threshold": -100.0},
    "shortfall_probability_above": {"threshold": 0.1},
    "half_year_probability_above": {"threshold": 0.1},
    "recurrent_gap_probability_above": {"threshold": 0.1, "basis": "recurrent"},
    "line_collapsed": {"threshold": 90.0, "least_share_pct": 0.0},
}


def authority_with(kind):
    words = {"vi": "{unit_name}", "en": "{unit_name}"}
    rule = WarningRule.model_validate({
        "rule_code": "rule", "kind": kind, "severity": "warning", "owner": "chair", "title": words,
        "message": words, **RULES[kind],
    })  # fmt: skip
    authority = _small(rule)
    lines = tuple(RevenueLine(line_code=line, name_vi=line, name_en=line) for line in LINES)
    return authority.model_copy(update={"lines": lines, "shocks": (DECREE,)})


def position(line, estimate, collected, same, pace, basis):
    share = None if not estimate else 100 * collected / estimate
    return {
        "unit_key": A, "unit_name": "A", "line_code": line, "basis": basis, "pace_pct": pace,
        "estimate_amount": _money(estimate), "collected_amount": _money(collected),
        "same_period_amount": _money(same),
        "share_of_estimate_pct": share,
        "pace_gap_pp": None if share is None or pace is None else share - pace,
        "same_period_pct": None if not same else 100 * collected / same,
    }  # fmt: skip


def _money(amount):
    return None if amount is None else Decimal(amount)


def marts(lines, moved, lost, restated, means, as_of, basis):
    """All marts of one ward: lines (estimate, collected, same period, pace), the ward their sum."""
    common = {"as_of": as_of, "estimate_version": "initial", "publication_id": "p"}
    rows = [position(line, *figures, basis) for line, figures in zip(LINES, lines, strict=True)]
    sums = [sum(figures[place] or 0 for figures in lines) for place in range(3)]
    whole = position("ALL", *sums, 41.7, basis)
    ends = [
        {"line_code": line, "mean_amount": Decimal(mean), "estimate_amount": _money(estimate)}
        for line, mean, estimate in [
            *((line, mean, figures[0]) for line, mean, figures in zip(LINES, means, lines, strict=True)),
            ("ALL", sum(means), sums[0]),
        ]
    ]
    levels = {f"p{q:02d}_amount": Decimal(q) for q in (5, 10, 25, 50, 75, 90, 95)}
    forecast = common | levels | {
        "unit_key": A, "basis": basis, "scenario": "base", "collected_amount": Decimal(0), "method": "m",
        "fit_status": "full", "shortfall_probability": 0.9, "half_year_below_probability": 0.9,
        "expected_shortfall_amount": Decimal(1),
    }  # fmt: skip
    path = {"as_of": as_of, "publication_id": "p", "unit_key": A, "basis": basis, "scenario": "base",
            "month": dt.date(2020, 6, 1), "p10_amount": Decimal(0), "p90_amount": Decimal(0)}  # fmt: skip
    effect = {"as_of": as_of, "publication_id": "p", "unit_key": A, "line_code": "vat", "shock_code": "nd41",
              "timing_amount": Decimal(moved), "loss_amount": Decimal(lost), "low_amount": Decimal(0),
              "high_amount": Decimal(0), "expected_back_by": dt.date(2020, 12, 31)}  # fmt: skip
    again = [
        {"line_code": line, "previous_amount": Decimal(0), "current_amount": Decimal(amount),
         "difference_amount": Decimal(amount)}
        for line, amount in zip(LINES, restated, strict=True)
    ]  # fmt: skip
    return {
        "unit_position": rows_of(MART_UNIT_POSITION, [{k: v for k, v in whole.items() if k != "line_code"}],
                                 **common),
        "line_position": rows_of(MART_LINE_POSITION, [*rows, whole], **common),
        "year_end_forecast": rows_of(MART_YEAR_END_FORECAST, ends, **forecast),
        "forecast_path": rows_of(
            MART_FORECAST_PATH,
            [{"line_code": line, "p50_amount": Decimal(amount)} for line, amount in
             zip((*LINES, "ALL"), (*means, 7), strict=True)], **path),
        "shock_effect": rows_of(MART_SHOCK_EFFECT, [effect]),
        "restatement": rows_of(MART_RESTATEMENT, again, as_of=as_of, publication_id="p", unit_key=A,
                               previous_as_of=MAY, month=MAY.replace(day=1), source_file="f"),
        "recurrent_balance": rows_of(MART_RECURRENT_BALANCE, [{
            "unit_key": A, "gap_probability": 0.9, "recurrent_spending_estimate_amount": Decimal(123_456),
            "balance_status": "transfers_unknown"}], as_of=as_of, publication_id="p"),
    }  # fmt: skip


MONEY = st.integers(-(10**12), 10**13)
AMOUNT = st.integers(0, 10**13)
LINE = st.tuples(
    st.one_of(st.none(), AMOUNT),
    AMOUNT,
    st.one_of(st.none(), AMOUNT),
    st.one_of(st.none(), st.floats(0, 100)),
)


@pytest.mark.parametrize("kind", RULES)
@settings(max_examples=15, deadline=None)
@given(
    lines=st.lists(LINE, min_size=3, max_size=3),
    moved=AMOUNT,
    lost=AMOUNT,
    restated=st.lists(MONEY, min_size=3, max_size=3),
    means=st.lists(AMOUNT, min_size=3, max_size=3),
)
def test_causes_add_up_to_the_gap_to_the_dong(kind, lines, moved, lost, restated, means):
    authority = authority_with(kind)
    as_of = MAY if kind == "half_year_probability_above" else NIGHT
    basis = authority.settings.warning_rules[0].basis
    (found,) = run([a_night(authority, as_of, **marts(lines, moved, lost, restated, means, as_of, basis))])
    for row in found.warnings.iter_rows(named=True):
        parts = found.causes.filter(pl.col("warning_id") == row["warning_id"])
        assert row["gap_amount"] is not None
        assert sum(parts["amount"], Decimal(0)) == row["gap_amount"]
        assert parts["amount"].dtype == pl.Decimal(20, 2)
    assert (found.causes["amount"] != 0).all()


@pytest.mark.parametrize("kind", RULES)
def test_every_kind_of_rule_about_money_says_why(kind):
    """A ward behind on every count: each kind of rule raises a case whose gap is what the rule is about."""
    lines = [(1000, 300, 900, 50.0), (500, 250, 400, 50.0), (200, 60, 150, 45.0)]
    as_of = MAY if kind == "half_year_probability_above" else NIGHT
    basis = RULES[kind].get("basis", "territory")
    authority = authority_with(kind)
    frames = marts(lines, 100, 40, (-30, 0, 5), (700, 400, 100), as_of, basis)
    (found,) = run([a_night(authority, as_of, **frames)])
    gaps = {
        "share_below": 1700 * 0.99 - 610,
        "behind_pace": round(1700 * 0.417) - 610,
        "shortfall_probability_above": 1700 - 1200,
        "half_year_probability_above": 850 - 7,
        "recurrent_gap_probability_above": 123_456 - 1200,
        "line_collapsed": None,
    }
    cases = {row["warning_id"]: row for row in found.warnings.iter_rows(named=True)}
    if kind == "line_collapsed":
        drops = {key.split(":")[2]: row["gap_amount"] for key, row in cases.items()}
        assert drops == {"vat": 600, "cit": 150, "fees": 90}
    else:
        assert [float(row["gap_amount"]) for row in cases.values()] == [gaps[kind]]


def amounts(found, line):
    rows = found.causes.filter(pl.col("line_code") == line)
    return {
        row["cause_kind"]: (int(row["amount"]), row["expected_back_by"]) for row in rows.iter_rows(named=True)
    }


def test_the_kinds_of_a_gap_against_the_bar():
    lines = [(1000, 300, 900, 40.0), (500, 250, 400, 50.0), (200, 60, 150, None)]
    authority = authority_with("share_below")
    rule = authority.settings.warning_rules[0].model_copy(update={"threshold": 50.0})
    authority = authority.model_copy(
        update={"settings": authority.settings.model_copy(update={"warning_rules": (rule,)})}
    )
    frames = marts(lines, 100, 0, (-30, 0, 5), (700, 400, 100), NIGHT, "territory")
    (found,) = run([a_night(authority, NIGHT, **frames)])
    # April's dues are half of what the decree moves; July's are not due yet.
    assert amounts(found, "vat") == {
        "timing": (50, dt.date(2020, 12, 31)), "restatement": (30, None), "season": (100, None),
        "unexplained": (20, None),
    }  # fmt: skip
    assert amounts(found, "cit") == {}
    assert amounts(found, "fees") == {"restatement": (-5, None), "unexplained": (45, None)}


def receipts(by_month):
    """Receipts of ward A's fees on the 10th of each month given."""
    return pl.DataFrame(
        [
            {"unit_key": A, "line_code": "fees", "posting_date": day, "basis": "territory", "amount": amount}
            for day, amount in by_month.items()
        ],
        schema={"unit_key": pl.String, "line_code": pl.String, "posting_date": pl.Date, "basis": pl.String,
                "amount": pl.Int64},
    )  # fmt: skip


def monthly(**changed):
    days = {dt.date(year, month, 10): 100 for year in (2016, 2017, 2018, 2019) for month in range(1, 13)}
    return receipts(
        days | {dt.date.fromisoformat(f"{key[1:5]}-{key[5:7]}-10"): n for key, n in changed.items()}
    )


def test_a_month_of_last_year_far_above_its_usual_is_a_one_off():
    night = a_night(authority_with("share_below"), NIGHT, monthly(m201903=1300))
    row = one_offs(night, [A]).row(0, named=True)
    assert row["excess"] == 1200
    # Last year's half was 1800 of 2400 rather than 600 of 1200; one year of three in the pace.
    assert row["pace_points"] == pytest.approx((75.0 - 50.0) / 3)


@pytest.mark.parametrize(
    "changed", [{}, {"m201903": 290}, {"m201803": 1300}], ids=["usual", "under three times", "another year"]
)
def test_what_is_usual_is_no_one_off(changed):
    assert one_offs(a_night(authority_with("share_below"), NIGHT, monthly(**changed)), [A]).is_empty()


def test_a_one_off_later_in_the_year_lowers_the_pace():
    night = a_night(authority_with("share_below"), NIGHT, monthly(m201911=1300))
    row = one_offs(night, [A]).row(0, named=True)
    assert row["excess"] == 0
    assert row["pace_points"] == pytest.approx((25.0 - 50.0) / 3)
