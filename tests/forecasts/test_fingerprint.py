"""The fingerprint of a backtest: changed by what scores depend on, and by nothing else."""

from dataclasses import replace
from datetime import date

import polars as pl

from authorities.model import ALL
from forecasts.fingerprint import fingerprint
from tests.forecasts.problems import district, estimate, problem, rows

PLANS = {2019: estimate("u0@2004", ALL, 10), 2020: estimate("u0@2004", ALL, 20)}
JUNE = problem(district())
DIGEST = fingerprint(JUNE, PLANS, "config", "1.0")


def test_a_later_night_of_the_year_and_another_order_of_rows_change_nothing() -> None:
    later = problem(district(to=date(2020, 9, 30)), as_of=date(2020, 9, 30))
    shuffled = replace(later, history=later.history.sample(fraction=1, shuffle=True, seed=3))
    revised = PLANS | {2020: estimate("u0@2004", ALL, 99)}
    assert fingerprint(shuffled, revised, "config", "1.0") == DIGEST


def test_what_scores_depend_on_changes_it() -> None:
    restated = pl.concat([district(), rows("u0@2004", "vat", {date(2019, 2, 3): 1})])
    closed = problem(district(to=date(2020, 12, 31)), as_of=date(2020, 12, 31))
    others = [
        fingerprint(problem(restated), PLANS, "config", "1.0"),
        fingerprint(closed, PLANS, "config", "1.0"),
        fingerprint(JUNE, PLANS | {2019: estimate("u0@2004", ALL, 11)}, "config", "1.0"),
        fingerprint(JUNE, PLANS, "other", "1.0"),
        fingerprint(JUNE, PLANS, "config", "1.1"),
        fingerprint(replace(JUNE, seed=1), PLANS, "config", "1.0"),
    ]
    assert len({DIGEST, *others}) == 7
