"""How good the warnings were, as the page says it."""

import polars as pl

from bulletins.scored_warnings import scored_warnings
from tests.bulletins.frames import NightlyInput
from tests.bulletins.test_page import edition


def test_the_authoritys_rules_stand_before_the_plain_ones(district: NightlyInput) -> None:
    scored = scored_warnings(district.night)
    assert scored is not None
    assert (scored.years, scored.unit_years, scored.shortfalls) == ((2018, 2019), 28, 8)
    assert [rule.is_plain for rule in scored.rules] == [False, True, True]
    assert scored.rules[0].recall == (62.5, 35.0, 84.0)
    assert (scored.rules[0].hits, scored.rules[0].told) == (5, 7)


def test_what_could_not_be_divided_is_no_zero(district: NightlyInput) -> None:
    rows = district.marts["mart_warning_scorecard"]
    district.marts["mart_warning_scorecard"] = rows.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in ("precision", "precision_low", "median_lead_days")
    )
    scored = scored_warnings(district.night)
    assert scored is not None
    assert scored.rules[0].precision == (None, None, 90.0)
    assert scored.rules[0].lead_days is None


def test_years_without_a_pooled_row_are_not_told(district: NightlyInput) -> None:
    rows = district.marts["mart_warning_scorecard"]
    district.marts["mart_warning_scorecard"] = rows.filter(pl.col("fiscal_year") > 0)
    assert scored_warnings(district.night) is None


def test_the_page_says_what_was_scored_and_at_what_cost(district: NightlyInput) -> None:
    site = district.render("warnings")
    vietnamese, english = (edition(site, language, "warnings") for language in ("vi", "en"))
    assert "8 trên 28 lượt phường–năm kết thúc dưới dự toán giao đầu năm" in vietnamese
    assert "8 of 28 ward-years ended below the start-of-year estimate" in english
    assert "63% 5/8 (35–84%)" in english
    assert "tính bằng 4 lần báo nhầm (giả định)" in vietnamese
    assert "weighs as 4 false alarms (assumed)" in english
