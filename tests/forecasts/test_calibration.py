"""Ranges: moments against simulation, what calibration learns, and coverage on made-up districts."""

import numpy as np
import pytest

from forecasts import factors, outliers
from forecasts.calibration import Calibration, calibrate
from forecasts.noise import CENTRAL_80, Noise
from forecasts.remaining import remaining


def line(
    units: int = 10, length: int = 108, common: float = 0.05, own: float = 0.1, seed: int = 0
) -> np.ndarray:
    """Logs of one line: a season, a shared walk, and each unit's own noise."""
    rng = np.random.default_rng(seed)
    season = np.tile(rng.normal(0, 0.4, 12), length // 12 + 1)[:length]
    shared = rng.normal(0, common / 3, length).cumsum() + rng.normal(0, common, length)
    return 20 + season + shared + rng.normal(0, own, (units, length)) + rng.normal(0, 1, (units, 1))


def test_moments_of_the_sum_are_those_of_drawn_months() -> None:
    forecast = factors.forecast_logs(line(), 6)
    made = remaining(forecast)
    rng = np.random.default_rng(0)
    draws = rng.multivariate_normal(forecast.mean[0], forecast.shared[0] + forecast.own[0], size=20000)
    logs = np.log(np.exp(draws).sum(axis=1))
    assert made.median[0] == pytest.approx(np.median(logs), abs=0.003)
    assert made.deviation[0] == pytest.approx(logs.std(), rel=0.03)


def test_ranges_hold_what_comes_about_as_often_as_they_say() -> None:
    inside, totals = [], []
    for seed in range(12):
        logs = line(length=120, seed=seed)
        made = remaining(factors.forecast_logs(logs[:, :114], 6))
        came = np.log(np.exp(logs[:, 114:]).sum(axis=1))
        inside.extend(np.abs(came - made.median) <= 1.2816 * made.deviation)
        totals.append(np.mean(came - made.median) / made.shared.mean())
    assert 0.68 <= np.mean(inside) <= 0.92
    assert np.mean(np.abs(totals)) < 1.6


def test_calibration_sees_only_the_past_and_needs_some() -> None:
    logs = line()
    assert calibrate(logs[:, :30], 6) == Calibration()
    assert calibrate(logs, 0) == Calibration()
    told = calibrate(logs, 6)
    assert told.years == 4
    assert 0.6 <= told.own <= 1.8
    later = logs.copy()
    later[:, -3:] += 1.0
    assert calibrate(later, 3).own == calibrate(logs, 3).own


def test_calibration_widens_where_past_years_strayed() -> None:
    logs = line(common=0.02)
    rng = np.random.default_rng(3)
    for year in range(1, 5):
        end = logs.shape[1] - 12 * year
        logs[:, end : end + 6] += 0.35 * rng.standard_normal((len(logs), 1))
    assert calibrate(logs, 6).own > calibrate(line(common=0.02), 6).own


def test_noise_has_unit_variance_and_the_stated_middle() -> None:
    drawn = Noise(1, 2, 200_000).unit("vat", "u0")
    assert drawn.std(axis=1) == pytest.approx([1, 1], abs=0.02)
    assert np.quantile(np.abs(drawn[0]), 0.8) == pytest.approx(CENTRAL_80, abs=0.01)
    shared = np.corrcoef(Noise(1, 1, 50_000).line("vat", 0.5)[0], Noise(1, 1, 50_000).line("cit", 0.5)[0])[
        0, 1
    ]
    assert shared == pytest.approx(0.5, abs=0.05)


def test_few_units_share_what_their_innovations_share() -> None:
    together = factors.forecast_logs(line(units=4, common=0.2, own=0.02), 6)
    apart = factors.forecast_logs(line(units=4, common=0.0, own=0.2), 6)
    ratio = [one.shared[0, 0, 0] / (one.shared + one.own)[0, 0, 0] for one in (together, apart)]
    assert ratio[0] > 0.7
    assert ratio[1] < 0.2


def test_a_factor_survives_gaps_and_late_comers() -> None:
    logs = line(units=12)
    whole = factors.common_factor(logs)
    logs[2, 30:40] = np.nan
    logs[3, :80] = np.nan
    patched = factors.common_factor(logs)
    both = np.corrcoef(whole, patched)[0, 1]
    assert both > 0.98
    answer = factors.forecast_logs(logs, 6)
    assert np.isfinite(answer.mean).all()


def test_an_outlier_is_pulled_back_and_the_rest_left_alone() -> None:
    logs = line(units=1)
    odd = logs.copy()
    odd[0, 60] += 5
    calm = outliers.pulled_back(odd)
    assert calm[0, 60] < odd[0, 60] - 3
    assert calm[0, :60] == pytest.approx(outliers.pulled_back(logs)[0, :60], abs=0.2)


def test_an_odd_month_leaves_its_neighbours_as_they_were() -> None:
    logs = line(units=1)
    odd = logs.copy()
    odd[0, [30, 31, 60]] -= 3
    calm = outliers.pulled_back(odd)
    usual = np.delete(np.arange(logs.shape[1]), [30, 31, 60])
    assert (calm[0, [30, 31, 60]] > odd[0, [30, 31, 60]] + 2).all()
    assert calm[0, usual] == pytest.approx(outliers.pulled_back(logs)[0, usual], abs=0.2)


def test_a_change_that_lasts_is_no_outlier() -> None:
    logs = line(units=1)
    logs[0, 70:] += 1.5
    assert (outliers.pulled_back(logs)[0, 72:] > logs[0, 72:] - 0.3).all()


def test_a_line_that_grows_goes_on_growing_for_a_while() -> None:
    rng = np.random.default_rng(5)
    logs = 10 + 0.01 * np.arange(96) + rng.normal(0, 0.02, (10, 96))
    ahead = factors.forecast_logs(logs, 6).mean.mean(axis=0)
    assert ahead == pytest.approx(10 + 0.01 * np.arange(96, 102), abs=0.02)
