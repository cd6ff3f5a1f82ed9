"""Nights inside a month: the forecast moves smoothly, narrows, and meets the month-end's."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from authorities.model import ALL
from forecasts import months
from forecasts.panel import build_panel
from forecasts.seam import COMPLETE_SCHEMA, HISTORY_SCHEMA, forecast_year_end
from tests.forecasts.problems import SEASON, deferral, district, problem

DAYS = {5: 0.2, 12: 0.2, 20: 0.4, 27: 0.2}


def daily(units: int = 9, july: float = 1.0, to: date = date(2020, 7, 31)) -> pl.DataFrame:
    """Nine years of one line, paid on four days of each month; July 2020 is `july` times as large."""
    table = []
    for unit in range(units):
        rng = np.random.default_rng(unit)
        for month in range(months.ordinal(date(2012, 1, 1)), months.ordinal(to) + 1):
            whole = 1e9 * SEASON[month % 12] * np.exp(0.05 * rng.standard_normal())
            whole *= july if month == months.ordinal(date(2020, 7, 1)) else 1.0
            for day, share in DAYS.items():
                part = share * (1 + 0.02 * rng.standard_normal())
                table.append(
                    (f"u{unit}@2004", "vat", months.first_day(month).replace(day=day), round(whole * part))
                )
    return pl.DataFrame(table, schema=HISTORY_SCHEMA, orient="row").filter(pl.col("day") <= to)


def night(history: pl.DataFrame, day: date, **other: object) -> dict[str, int]:
    forecast = forecast_year_end(
        problem(history.filter(pl.col("day") <= day), as_of=day, draws=1000, **other)
    )
    row = forecast.year_end.filter(unit_key=ALL, line_code=ALL, basis="territory", scenario="base")
    return row.row(0, named=True)


def width(row: dict[str, int]) -> int:
    return row["p90_amount"] - row["p10_amount"]


@pytest.mark.parametrize("july", [1.0, 0.8])
def test_over_the_nights_of_a_month_the_forecast_walks_to_the_month_ends(july: float) -> None:
    history = daily(july=july)
    nights = [night(history, date(2020, 7, day)) for day in (4, 11, 15, 20, 25, 28, 30)]
    end, before = night(history, date(2020, 7, 31)), night(history, date(2020, 6, 30))
    assert nights[0]["mean_amount"] == pytest.approx(before["mean_amount"], rel=1e-3)
    assert nights[-1]["mean_amount"] == pytest.approx(end["mean_amount"], rel=0.01)
    away = [abs(row["mean_amount"] - end["mean_amount"]) for row in nights]
    assert max(away[3:]) <= max(away[:3]) + 0.003 * end["mean_amount"]
    assert width(nights[-1]) < width(nights[0]) < 1.05 * width(before)
    assert width(nights[-1]) == pytest.approx(width(end), rel=0.35)


def test_nothing_new_changes_nothing_from_one_night_to_the_next() -> None:
    history = daily()
    quiet = [night(history, date(2020, 7, day))["mean_amount"] for day in (21, 22, 23)]
    assert max(quiet) - min(quiet) <= 1e-9 * quiet[0]


def test_a_bad_start_of_the_month_lowers_the_later_months_too() -> None:
    good, bad = daily(), daily(july=0.7)
    day = date(2020, 7, 20)
    missing = (
        good.filter(pl.col("day").is_between(date(2020, 7, 1), date(2020, 7, 31)))["amount"].sum()
        - bad.filter(pl.col("day").is_between(date(2020, 7, 1), date(2020, 7, 31)))["amount"].sum()
    )
    assert night(good, day)["mean_amount"] - night(bad, day)["mean_amount"] > missing


def test_a_month_whose_dues_are_put_off_is_read_with_that_in_mind() -> None:
    put_off = deferral(
        legs=(("2020-07", "2020-12"),), announced=date(2020, 4, 8), value=0.3, low=0.3, high=0.3
    )
    july = pl.col("day") >= date(2020, 7, 1)
    less = daily().with_columns(
        amount=pl.when(july).then(pl.col("amount") * 0.7).otherwise("amount").cast(pl.Int64)
    )
    day = date(2020, 7, 25)
    told = night(less, day, shocks=(put_off,))["mean_amount"]
    assert told == pytest.approx(night(daily(), day)["mean_amount"], rel=0.01)


def test_the_share_in_is_learnt_from_the_same_month_of_earlier_years() -> None:
    panel = build_panel(problem(daily().filter(pl.col("day") <= date(2020, 7, 13)), as_of=date(2020, 7, 13)))
    assert panel.elapsed == pytest.approx([0.4] * 9, abs=0.02)
    assert (panel.doubt < 0.01).all()
    assert (
        panel.so_far.sum()
        == daily().filter(pl.col("day").is_between(date(2020, 7, 1), date(2020, 7, 13)))["amount"].sum()
    )


def reached(units: int, day: date) -> pl.DataFrame:
    """The last complete day of the first so many units."""
    return pl.DataFrame(
        {"unit_key": [f"u{unit}@2004" for unit in range(units)], "last_complete_day": [day] * units},
        schema=COMPLETE_SCHEMA,
    )


@pytest.mark.parametrize("method", ["bank", "pace"])
def test_a_slow_unit_does_not_hold_back_what_the_others_know(method: str) -> None:
    """Eight units are known to the end of July, when receipts fall by a third; the ninth to that of June."""
    june, night = date(2020, 6, 30), date(2020, 8, 3)
    history = daily(july=0.67)
    late = pl.col("unit_key") == "u8@2004", pl.col("day") > june
    told = history.filter(~(late[0] & late[1]))

    def asked(**other: object) -> dict[str, int]:
        made = forecast_year_end(
            problem(told, as_of=night, last_complete_day=june, draws=1000, **other), method
        )
        rows = made.year_end.filter(line_code=ALL, basis="territory", scenario="base")
        return dict(rows.select("unit_key", "mean_amount").iter_rows())

    held, free = asked(), asked(complete=reached(8, date(2020, 7, 31)))
    known = forecast_year_end(problem(history, as_of=night, last_complete_day=date(2020, 7, 31)), method)
    rows = known.year_end.filter(line_code=ALL, basis="territory", scenario="base")
    truth = dict(rows.select("unit_key", "mean_amount").iter_rows())
    for unit in ("u0@2004", "u7@2004"):
        assert free[unit] == pytest.approx(truth[unit], rel=0.012)
        assert abs(free[unit] - truth[unit]) < 0.5 * abs(held[unit] - truth[unit])
    without_july = told.filter(pl.col("day").dt.year() == 2020, unit_key="u8@2004")["amount"].sum()
    assert free["u8@2004"] > without_july + 5e9
    if method == "bank":  # what the others have seen tells of the ninth's months
        assert free["u8@2004"] < 0.99 * held["u8@2004"]


def test_a_unit_within_the_month_is_read_by_its_own_day() -> None:
    history = daily(to=date(2020, 7, 20))
    panel = build_panel(
        problem(
            history,
            as_of=date(2020, 7, 22),
            last_complete_day=date(2020, 7, 5),
            complete=reached(2, date(2020, 7, 20)),
        )
    )
    assert panel.complete_days == 20
    assert panel.elapsed == pytest.approx([0.8] * 2 + [0.2] * 7, abs=0.02)
    first = history.filter(pl.col("day") >= date(2020, 7, 1), unit_key="u0@2004")["amount"].sum()
    assert panel.so_far[0] == first


def test_a_unit_that_knows_less_than_said_of_all_is_not_held_to_it() -> None:
    history = daily(to=date(2020, 7, 20))
    asked = problem(history, as_of=date(2020, 7, 20))
    early = replace(asked, complete=reached(9, date(2020, 5, 31)))
    assert forecast_year_end(early).year_end.equals(forecast_year_end(asked).year_end)


def test_month_end_stamps_say_nothing_until_the_month_is_over() -> None:
    history = district().with_columns(pl.col("day").dt.month_end())
    june, july = (
        forecast_year_end(problem(history, as_of=date(2020, 6, 30) + timedelta(days=n))) for n in (0, 15)
    )
    pick = {"unit_key": ALL, "line_code": ALL, "basis": "territory", "scenario": "base"}
    assert june.year_end.filter(**pick)["mean_amount"].equals(july.year_end.filter(**pick)["mean_amount"])
