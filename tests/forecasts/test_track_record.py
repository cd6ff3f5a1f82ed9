"""The track record: scores worked out by hand, the right night for each month, nothing scored too early."""

from datetime import date

import polars as pl
import pytest

from authorities.model import ALL, UNALLOCATED
from forecasts.backtest import ACCURACY_SCHEMA
from forecasts.track_record import nights_to_score, track_record, year_ends

JUNE = date(2019, 6, 30)


def receipts(*rows: tuple[str, str, date, int]) -> pl.DataFrame:
    schema = ["unit_key", "line_code", "posting_date", "amount"]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(basis=pl.lit("territory"))


def said(
    unit: str, median: int, pace: int | None, estimate: int | None, probability: float | None
) -> dict[str, object]:
    """A published row whose quantiles lie 20 and 10 to either side, and on the median."""
    levels = {"p05": -20, "p10": -20, "p25": -10, "p50": 0, "p75": 10, "p90": 20, "p95": 20}
    return {
        "as_of": JUNE, "unit_key": unit, "line_code": ALL, "basis": "territory", "method": "bank",
        "estimate_amount": estimate, "pace_forecast_amount": pace, "shortfall_probability": probability,
        **{f"{name}_amount": median + by for name, by in levels.items()},
    }  # fmt: skip


CAME = year_ends(
    receipts(
        ("a", "vat", date(2017, 5, 1), 100), ("a", "vat", date(2018, 5, 1), 140),
        ("a", "vat", date(2019, 5, 1), 150), ("a", "fees", date(2019, 12, 31), 50),
        ("b", "vat", date(2018, 5, 1), 90), ("b", "vat", date(2019, 7, 1), 100),
        (UNALLOCATED, "vat", date(2019, 7, 1), 7),
    ),
    1,
)  # fmt: skip
CHOSEN = nights_to_score([JUNE], 1, date(2020, 1, 5))


def test_what_came_in_a_year_and_how_much_years_changed_before() -> None:
    whole = CAME.filter(line_code=ALL).sort("unit_key", "fiscal_year")
    assert whole.select("unit_key", "fiscal_year", "actual_amount", "typical_amount").rows() == [
        ("a", 2017, 100, None), ("a", 2018, 140, None), ("a", 2019, 200, 40.0),
        ("b", 2018, 90, None), ("b", 2019, 100, None),
    ]  # fmt: skip


def test_a_fiscal_year_that_starts_in_april_ends_in_march() -> None:
    came = year_ends(receipts(("a", "vat", date(2019, 3, 31), 1), ("a", "vat", date(2019, 4, 1), 10)), 4)
    assert came.filter(line_code="vat").select("fiscal_year", "actual_amount").rows() == [
        (2018, 1),
        (2019, 10),
    ]
    chosen = nights_to_score([date(2018, 9, 30), date(2019, 4, 30)], 4, date(2019, 3, 31))
    assert chosen.rows() == [(date(2018, 9, 30), 2018, 6)]


def test_scores_are_those_worked_out_by_hand() -> None:
    published = pl.DataFrame([said("a", 210, 250, 205, 0.5), said("b", 130, 90, None, None)])
    table = track_record(published, CAME, CHOSEN, seed=1)
    assert table.schema == ACCURACY_SCHEMA
    assert set(table["source"]) == {"published"}
    bank, pace = (table.filter(method=name).row(0, named=True) for name in ("bank", "pace"))
    assert (bank["n"], bank["fiscal_year"], bank["months_elapsed"]) == (2, 2019, 6)
    assert bank["wape_pct"] == pytest.approx(100 * (10 + 30) / 300)
    assert bank["mape_pct"] == pytest.approx((5 + 30) / 2)
    assert bank["mase"] == pytest.approx(10 / 40)  # b has no change before
    assert bank["pinball10_pct"] == pytest.approx(100 * (0.1 * 10 + 0.9 * 10) / 300)
    assert bank["pinball90_pct"] == pytest.approx(100 * (0.1 * 30 + 0.1 * 50) / 300)
    assert bank["brier"] == pytest.approx((0.5 - 1) ** 2)  # a ended at 200, below 205
    assert bank["coverage80_pct"] == 50
    assert bank["coverage95_pct"] is None
    assert pace["wape_pct"] == pytest.approx(100 * (50 + 10) / 300)
    assert pace["crps"] == pytest.approx(pace["wape_pct"])  # one figure knows no range
    assert pace["pinball10_pct"] == pytest.approx(100 * (0.9 * 50 + 0.1 * 10) / 300)
    assert (pace["coverage80_pct"], pace["brier"]) == (None, None)


def test_an_error_lies_between_its_ends() -> None:
    published = pl.DataFrame([said("a", 210, 250, 205, 0.5), said("b", 130, 90, None, None)])
    bank = track_record(published, CAME, CHOSEN, seed=1).filter(method="bank").row(0, named=True)
    assert bank["mape_pct_low"] == pytest.approx(5)
    assert bank["mape_pct_high"] == pytest.approx(30)


def test_a_line_in_which_nothing_came_is_scored_and_a_unit_that_is_gone_is_not() -> None:
    idle = said("a", 30, None, None, None) | {"line_code": "land"}
    gone = said("gone", 500, 500, None, None)
    table = track_record(pl.DataFrame([idle, gone, said(ALL, 1, 1, 1, 0.5)]), CAME, CHOSEN, seed=1)
    assert table.select("line_code", "method", "n").rows() == [("land", "bank", 1)]
    assert table["wape_pct"].to_list() == [None]


def test_the_month_s_last_night_or_the_first_after_it_stands_for_the_month() -> None:
    nights = [date(2019, 6, 30), date(2019, 7, 1), date(2019, 8, 4), date(2019, 8, 9), date(2019, 10, 20)]
    assert nights_to_score(nights, 1, date(2019, 12, 31)).rows() == [
        (date(2019, 6, 30), 2019, 6), (date(2019, 8, 4), 2019, 7),
    ]  # fmt: skip


def test_a_year_under_way_is_not_scored_and_neither_is_its_own_last_night() -> None:
    nights = [date(2018, 11, 30), date(2018, 12, 31), date(2019, 6, 30)]
    assert nights_to_score(nights, 1, date(2019, 12, 30)).rows() == [(date(2018, 11, 30), 2018, 11)]
    assert nights_to_score(nights, 1, date(2018, 12, 30)).is_empty()
