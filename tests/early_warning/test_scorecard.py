"""Scores of warnings by hand-made years, and its measures beside what others compute for them."""

import datetime as dt
from itertools import combinations_with_replacement
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from authorities.model import Authority
from early_warning.replay import JUDGED_SCHEMA, SPELL_SCHEMA, Replay
from early_warning.scorecard import (
    ALL_YEARS,
    SCORECARD_SCHEMA,
    YEAR_END_SCHEMA,
    median_interval,
    relative_usefulness,
    scorecard,
    wilson_interval,
)

WARDS = ("00115@2004", "00124@2004", "00151@2004")
END = dt.date(2019, 12, 31)


def before_end(days: int, year: int = 2019) -> dt.date:
    return dt.date(year, 12, 31) - dt.timedelta(days=days)


def year_ends(*rows: tuple[str, int, int], estimate: int = 100) -> pl.DataFrame:
    """Unit, year and what came of an estimate of 100, on the territory."""
    made = [(unit, "territory", year, came, estimate) for unit, year, came in rows]
    return pl.DataFrame(made, schema=YEAR_END_SCHEMA, orient="row")


def replay(*spells: tuple[str, str, int, int, int], judged: int = 184) -> Replay:
    """Rule, unit, year, days before the year's end from which and until which it was told."""
    rows = [
        (rule, unit, year, before_end(first, year), before_end(last, year))
        for rule, unit, year, first, last in spells
    ]
    known = [(unit, year, before_end(judged, year)) for unit in WARDS for year in (2018, 2019)]
    return Replay(
        pl.DataFrame(rows, schema=SPELL_SCHEMA, orient="row"),
        pl.DataFrame(known, schema=JUDGED_SCHEMA, orient="row"),
    )


def row_of(scores: pl.DataFrame, rule: str, year: int = 2019) -> dict[str, object]:
    return scores.row(
        by_predicate=(pl.col("rule_code") == rule) & (pl.col("fiscal_year") == year), named=True
    )


def test_what_was_told_is_held_against_how_years_ended(authority: Authority) -> None:
    ends = year_ends(
        (WARDS[0], 2018, 90), (WARDS[1], 2018, 99), (WARDS[2], 2018, 100),
        (WARDS[0], 2019, 70), (WARDS[1], 2019, 130), (WARDS[2], 2019, 140),
    )  # fmt: skip
    told = replay(
        ("likely_short", WARDS[0], 2018, 250, 240),  # calmed down, and came back
        ("likely_short", WARDS[0], 2018, 150, 0),
        ("likely_short", WARDS[1], 2018, 20, 0),  # too late to be of use
        ("likely_short", WARDS[0], 2019, 100, 0),
        ("likely_short", WARDS[1], 2019, 300, 200),
        ("likely_short", WARDS[1], 2019, 190, 150),
    )
    scores = scorecard(authority, told, ends, seed=1)
    assert scores.schema == SCORECARD_SCHEMA
    assert scores.filter(rule_code="late").is_empty(), "what data arrives late has no year's end"
    counted = ("hits", "misses", "false_alarms", "correct_rejections")
    rows = {year: row_of(scores, "likely_short", year) for year in (2018, 2019, ALL_YEARS)}
    assert {year: tuple(row[name] for name in counted) for year, row in rows.items()} == {
        2018: (1, 1, 0, 1), 2019: (1, 0, 1, 1), ALL_YEARS: (2, 1, 1, 2),
    }  # fmt: skip
    whole = rows[ALL_YEARS]
    assert (whole["precision"], whole["recall"]) == pytest.approx((2 / 3, 2 / 3))
    assert (whole["median_lead_days"], whole["median_lead_days_low"], whole["median_lead_days_high"]) == (
        125, 100, 150,
    )  # fmt: skip
    assert whole["false_alarms_per_unit_year"] == pytest.approx(2 / 6), "two beginnings in six unit-years"
    assert (whole["mid_year_hits"], whole["mid_year_false_alarms"]) == (0, 1), "as it stood 184 days before"
    assert whole["usefulness"] == pytest.approx(1 - (4 * 1 + 1) / min(4 * 3, 3))
    assert (whole["fiscal_years"], whole["unit_years"], whole["miss_costs"]) == (2, 6, 4.0)


def test_the_event_is_the_authoritys(authority: Authority) -> None:
    ends = year_ends((WARDS[0], 2019, 95), (WARDS[1], 2019, 94), (WARDS[2], 2019, 20))
    told = replay(("below_half", WARDS[0], 2019, 45, 0), ("below_half", WARDS[1], 2019, 45, 0))

    def scored(**changes: object) -> tuple[object, ...]:
        event = authority.settings.warning_scorecard.event.model_copy(
            update={k: v for k, v in changes.items() if k != "least_lead_days"}
        )
        card = authority.settings.warning_scorecard.model_copy(
            update={"event": event, "least_lead_days": changes.get("least_lead_days", 30)}
        )
        settings = authority.settings.model_copy(update={"warning_scorecard": card})
        row = row_of(
            scorecard(authority.model_copy(update={"settings": settings}), told, ends, 1), "below_half"
        )
        return tuple(row[name] for name in ("hits", "misses", "false_alarms", "correct_rejections"))

    assert scored() == (2, 1, 0, 0)
    assert scored(short_by_pct=5.0) == (1, 1, 1, 0), "exactly 95 of 100 is not short by more than 5%"
    assert scored(short_by_pct=6.0) == (0, 1, 2, 0)
    assert scored(least_lead_days=45) == (2, 1, 0, 0)
    assert scored(least_lead_days=46) == (0, 3, 0, 0)


def test_of_years_without_shortfalls_little_can_be_said(authority: Authority) -> None:
    ends = year_ends((WARDS[0], 2019, 100), (WARDS[1], 2019, 101))
    row = row_of(scorecard(authority, replay(("below_half", WARDS[0], 2019, 100, 0)), ends, 1), "below_half")
    assert (row["recall"], row["recall_low"], row["median_lead_days"], row["usefulness"]) == (None,) * 4
    assert row["precision"] == 0
    assert row["precision_high"] == pytest.approx(proportion_confint(0, 1, 0.1, "wilson")[1])


def test_nothing_scored_is_no_rows(authority: Authority) -> None:
    assert scorecard(authority, replay(), year_ends(), 1).is_empty()
    without = year_ends((WARDS[0], 2019, 90), estimate=0)
    assert scorecard(authority, replay(), without, 1).is_empty(), "no estimate, no shortfall"


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_ranges_of_shares_are_wilsons(counts: tuple[int, int]) -> None:
    assert wilson_interval(*counts) == pytest.approx(proportion_confint(*counts, 0.1, "wilson"), abs=1e-12)


def test_no_cases_no_range() -> None:
    assert wilson_interval(0, 0) == (None, None)
    assert median_interval([]) == (None, None)


@pytest.mark.parametrize("n", range(1, 40))
def test_the_median_lies_in_its_range_nine_times_in_ten_and_no_narrower_range_does(n: int) -> None:
    """Of n draws the number below the median is that of n coins: each pair of ranks covers what they say."""
    low, high = median_interval(range(n))
    assert low is not None
    assert high == n - 1 - low

    def covered(rank: int) -> float:
        return sum(comb(n, k) for k in range(rank + 1, n - rank)) / 2**n

    if n > 4:
        assert covered(int(low)) >= 0.9
        assert covered(int(low) + 1) < 0.9
    else:
        assert low == 0


def test_usefulness_is_sarlins() -> None:
    """By the definition: absolute usefulness over the most there is, from error rates and frequencies."""
    for hits, misses, false, right in combinations_with_replacement((1, 3, 8, 20), 4):
        for cost in (0.5, 1.0, 4.0):
            mu, n = cost / (1 + cost), hits + misses + false + right
            p1, p2 = (hits + misses) / n, (false + right) / n
            t1, t2 = misses / (hits + misses), false / (false + right)
            absolute = min(mu * p1, (1 - mu) * p2) - (mu * t1 * p1 + (1 - mu) * t2 * p2)
            expected = absolute / min(mu * p1, (1 - mu) * p2)
            counts = np.array([[hits, misses, false, right]], dtype=float)
            assert relative_usefulness(counts, cost)[0] == pytest.approx(expected)


def test_no_rule_that_always_or_never_warns_is_of_use() -> None:
    always, never = np.array([[5.0, 0, 30, 0]]), np.array([[0.0, 5, 0, 30]])
    for cost in (1.0, 4.0, 20.0):
        both = [relative_usefulness(one, cost)[0] for one in (always, never)]
        assert max(both) == pytest.approx(0)
    assert relative_usefulness(np.array([[5.0, 0, 0, 30]]), 4.0)[0] == 1
    assert np.isnan(relative_usefulness(np.array([[0.0, 0, 3, 30]]), 4.0)[0])
