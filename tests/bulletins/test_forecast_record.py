"""How good past forecasts were and what moved tonight's, as the page says it."""

from decimal import Decimal

import polars as pl

from bulletins.forecast_record import moved, records
from bulletins.night import Night
from tests.bulletins.frames import NightlyInput, Site
from tests.bulletins.test_page import edition


def night_of(district: NightlyInput) -> Night:
    return district.night


def test_errors_are_means_over_years_weighed_by_units_the_published_first(district: NightlyInput) -> None:
    published, backtest = records(night_of(district))
    assert (published.source, published.first_year, published.last_year) == ("published", 2019, 2019)
    assert published.methods == ("bank", "pace")
    assert (backtest.first_year, backtest.last_year) == (2018, 2019)
    assert backtest.methods == ("bank", "pace", "naive", "growth")
    assert [(months, errors[0]) for months, errors in backtest.rows] == [(3, 7.0), (6, 4.0)]


def test_a_method_of_fewer_years_stands_beside_the_others_in_just_these(district: NightlyInput) -> None:
    rows = district.marts["mart_forecast_accuracy"]
    bank = (pl.col("source") == "backtest") & (pl.col("method") == "bank") & (pl.col("fiscal_year") == 2019)
    combined = rows.filter(bank).with_columns(pl.lit("combined").alias("method"), pl.col("wape_pct") / 2)
    district.marts["mart_forecast_accuracy"] = pl.concat([rows, combined])
    _, whole, one_year = records(night_of(district))
    assert (whole.first_year, whole.last_year, whole.methods[0]) == (2018, 2019, "bank")
    assert "combined" not in whole.methods
    assert (one_year.first_year, one_year.last_year) == (2019, 2019)
    assert one_year.methods == ("combined", "bank", "pace", "naive", "growth")
    of_bank = dict(rows.filter(bank).select("months_elapsed", "wape_pct").iter_rows())
    for months, errors in one_year.rows:
        assert errors[:2] == (of_bank[months] / 2, of_bank[months])


def test_a_method_that_was_not_scored_for_a_month_is_no_zero(district: NightlyInput) -> None:
    rows = district.marts["mart_forecast_accuracy"]
    district.marts["mart_forecast_accuracy"] = rows.filter(
        ~((pl.col("method") == "pace") & (pl.col("months_elapsed") == 3))
    )
    assert records(night_of(district))[0].rows[0] == (3, (7.0, None))


def test_of_many_months_the_quarters_are_shown(district: NightlyInput) -> None:
    rows = district.marts["mart_forecast_accuracy"].filter(months_elapsed=6)
    every = [rows.with_columns(pl.lit(month, pl.Int32).alias("months_elapsed")) for month in range(1, 12)]
    district.marts["mart_forecast_accuracy"] = pl.concat(every)
    assert [months for months, _ in records(night_of(district))[1].rows] == [3, 6, 9]


def test_movers_add_up_and_the_largest_comes_first(district: NightlyInput) -> None:
    found = moved(night_of(district))
    assert found is not None
    assert found.total is not None
    assert found.causes == ("new_receipts", "restatement")
    assert found.rows[0].name == "Thượng Thanh"
    for place in range(2):
        assert sum(row.amounts[place] for row in found.rows) == found.total.amounts[place]
    sizes = [abs(row.whole) for row in found.rows]
    assert sizes == sorted(sizes, reverse=True)


def test_the_page_says_both_in_both_languages(district_site: Site) -> None:
    said = edition(district_site, "vi", "accuracy")
    assert "Dự báo đã công bố, năm 2019" in said
    assert "Dự báo công bố hôm nay: mô hình cấu trúc" in said
    assert "Dự báo lại các năm 2018–2019 bằng phương pháp hiện nay" in said
    assert "Sau 6 tháng 4,0% 11,0% 9,0% 16,0%" in said
    said = edition(district_site, "vi")
    assert "Dự báo cả năm thay đổi vì sao so với đêm 29/6/2020" in said
    assert "Thượng Thanh −2.474 −2.500 −4.974" in said
    english = edition(district_site, "en", "accuracy")
    assert "After 6 months 4.0% 11.0% 9.0% 16.0%" in english
    english = edition(district_site, "en")
    assert "What moved the year-end forecasts since the night of 29 June 2020" in english


def test_without_a_night_before_nothing_is_said_of_movement(district: NightlyInput) -> None:
    district.marts["mart_forecast_news"] = district.marts["mart_forecast_news"].clear()
    assert moved(night_of(district)) is None
    assert "thay đổi vì sao" not in edition(district.render(), "vi")


def test_a_change_too_small_to_show_has_no_sign(district: NightlyInput) -> None:
    news = district.marts["mart_forecast_news"]
    tiny = news.with_columns(pl.lit(Decimal("0.00")).cast(news.schema["amount"]).alias("amount"))
    district.marts["mart_forecast_news"] = tiny
    assert "Thượng Thanh 0 0 0" in edition(district.render(), "vi")
