"""Lumpy series: plain sums, the choice among them by past errors, ranges that hold; the bank beside them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from forecasts.factors import forecast_logs
from forecasts.few import beside_plain
from forecasts.lumpy import LEVELS, Lumpy, forecast
from forecasts.noise import Noise
from forecasts.plain import PLAIN, sums_ahead
from forecasts.remaining import remaining

MEDIAN = int(np.flatnonzero(LEVELS == 0.5)[0])


def intermittent(units: int, months: int, seed: int = 0, chance: float = 0.3) -> np.ndarray:
    """Receipts that come in some months only, at random, units of unlike size."""
    rng = np.random.default_rng(seed)
    size = 10.0 ** rng.uniform(6, 9, units)[:, None]
    return size * (rng.random((units, months)) < chance) * rng.lognormal(0, 0.7, (units, months))


def everyone(receipts: np.ndarray, horizon: int) -> Lumpy:
    return forecast(receipts, np.ones(len(receipts), dtype=bool), horizon)


def test_plain_sums_are_what_their_names_say() -> None:
    year = np.arange(1.0, 13.0)
    receipts = np.concatenate([year, 2 * year, 2 * year[:6]])[None]
    found = dict(zip(PLAIN, sums_ahead(receipts, np.zeros(1, dtype=np.int64), 6)[:, 0].tolist(), strict=True))
    rest = year[6:].sum()
    assert found["nothing"] == 0
    assert found["last_year"] == 2 * rest
    assert found["rate"] == pytest.approx(year.sum())
    assert found["quarter"] == pytest.approx(2 * 2 * year[3:6].sum())
    assert found["grown"] == pytest.approx(2 * rest)
    assert found["pace"] == pytest.approx(2 * rest)


@settings(max_examples=60, deadline=None)
@given(
    receipts=arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(1, 70)),
        elements=st.one_of(st.just(0.0), st.floats(-1e12, 1e12), st.just(np.nan)),
    ),
    horizon=st.integers(0, 24),
)
def test_whatever_came_the_answer_is_finite_and_in_order(receipts: np.ndarray, horizon: int) -> None:
    found = everyone(receipts, horizon)
    assert np.isfinite(found.totals).all()
    assert (np.diff(found.totals, axis=1) >= -1e-6 * np.abs(found.totals).max(initial=1.0)).all()
    assert np.isfinite(found.shapes).all()
    if horizon:
        assert found.shapes.sum(axis=2) == pytest.approx(1.0)


def test_ranges_hold_about_as_often_as_they_say() -> None:
    inner, outer, months, ahead = [], [], 72, 6
    for seed in range(12):
        receipts = intermittent(20, months + ahead, seed)
        found = everyone(receipts[:, :months], ahead).totals
        came = receipts[:, months:].sum(axis=1)
        levels = dict(zip(LEVELS.tolist(), found.T, strict=True))
        inner.append((came >= levels[0.1]) & (came <= levels[0.9]))
        outer.append((came >= levels[0.025]) & (came <= levels[0.975]))
    assert 0.72 <= np.mean(inner) <= 0.9
    assert 0.9 <= np.mean(outer) <= 0.99


def test_what_worked_on_the_past_is_chosen() -> None:
    rng = np.random.default_rng(1)
    yearly = np.zeros((5, 60))
    yearly[:, 9::12] = 1e8 * rng.lognormal(0, 0.05, (5, 5))
    found = everyone(yearly[:, :54], 6).totals[:, MEDIAN]
    assert found == pytest.approx(np.full(5, 1e8), rel=0.2)
    fading = np.where(np.arange(60)[None, :] < 40, 1e8, 0.0) * (rng.random((5, 60)) < 0.6)
    assert (everyone(fading, 6).totals[:, MEDIAN] <= 1e8).all()


def test_few_past_years_widen_the_range() -> None:
    receipts = intermittent(10, 84)
    ahead = 6

    def width(found: Lumpy) -> float:
        return float(np.median((found.totals[:, -2] - found.totals[:, 1]) / receipts.mean(axis=1)))

    assert width(everyone(receipts[:, -20:], ahead)) > width(everyone(receipts, ahead))


def test_nothing_is_expected_below_nothing_where_nothing_was_ever_paid_back() -> None:
    receipts = intermittent(6, 60)
    assert (everyone(receipts, 6).totals >= 0).all()
    receipts[:, 5::7] *= -3
    assert (everyone(receipts, 6).totals[:, 0] < 0).all()


def test_a_life_before_two_empty_years_is_another_life() -> None:
    receipts = intermittent(3, 80, chance=0.5)
    receipts[0, 20:50] = 0
    before = receipts.copy()
    before[0, :20] *= 50
    assert everyone(before, 6).totals[0] == pytest.approx(everyone(receipts, 6).totals[0])


def test_draws_go_through_the_distribution_and_share_what_units_share() -> None:
    noise, horizon = Noise(1, 6, 2000), 6
    lumpy = everyone(intermittent(4, 60), horizon)
    own = np.array([noise.unit("line", f"u{unit}") for unit in range(4)])
    year, common = noise.year("line"), noise.line("line", 0.0)
    draws = lumpy.draws(year, common, own)
    sums = np.sort(draws.sum(axis=1), axis=1)
    assert sums[:, 1000] == pytest.approx(lumpy.totals[:, MEDIAN], rel=0.02)
    alone = lumpy.take(np.array([2])).draws(year, common, own[[2]])
    assert (alone[0] == draws[2]).all()

    def alike(shared: float) -> float:
        together = Lumpy(lumpy.totals, lumpy.shapes, shared).draws(year, common, own).sum(axis=1)
        return float(np.corrcoef(together)[0, 1:].mean())

    assert alike(0.9) > 0.5 > alike(0.0) + 0.3


def steady_logs(units: int, months: int) -> np.ndarray:
    season = 0.3 * np.sin(np.arange(months) * np.pi / 6)
    return 18 + season + 0.1 * np.random.default_rng(2).standard_normal((units, months))


def test_a_young_place_alone_is_drawn_towards_pace_and_last_year_within_one_deviation() -> None:
    logs = steady_logs(2, 30)
    receipts = np.exp(logs)
    receipts[:, -18:-12] *= 4
    bank = forecast_logs(logs, 6)
    moved = beside_plain(bank, receipts, np.zeros(2, dtype=np.int64))
    off = remaining(moved).median - remaining(bank).median
    deviation = remaining(bank).deviation
    assert (np.abs(off) > 1e-3).all()
    assert (np.abs(off) <= 2 / 3 * deviation + 1e-9).all()
    parts = moved.parts.level + moved.parts.season + moved.parts.common
    assert parts == pytest.approx(moved.mean)
    long_ago = beside_plain(bank, np.pad(receipts, ((0, 0), (90, 0))), np.zeros(2, dtype=np.int64))
    assert (np.abs(remaining(long_ago).median - remaining(bank).median) < np.abs(off)).all()


def test_a_line_with_units_enough_is_left_to_the_bank() -> None:
    logs = steady_logs(8, 30)
    bank = forecast_logs(logs, 6)
    assert beside_plain(bank, np.exp(logs), np.zeros(8, dtype=np.int64)) is bank
