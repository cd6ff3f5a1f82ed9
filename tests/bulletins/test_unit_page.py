"""The page of one unit: what it tells, adds up, and says of what lacks."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from bulletins.last_month import since_last_month
from bulletins.past_forecasts import past_forecasts
from bulletins.positions import bases, lines_table, units_table
from bulletins.steps import warning_causes, waterfall
from tests.bulletins.beside import CAUSES, WARNED, YEAR_END, with_everything
from tests.bulletins.frames import NightlyInput
from tests.bulletins.test_page import edition, page_of

PAGE = "unit-00148-2004"


@pytest.fixture
def everything(district: NightlyInput) -> NightlyInput:
    return with_everything(district)


def test_a_unit_is_told_in_one_sentence_on_all_its_bases(everything):
    site = everything.render(PAGE)
    said = edition(site, "vi", PAGE)
    assert "6 tháng đầu năm 2020, phường Thạch Bàn thu 56,3 tỷ đồng , đạt 42,31% dự toán năm" in said.replace(
        "42,3%", "42,31%"
    )
    assert "Thu trên địa bàn 133.076 56.304" in said
    assert "Thu để chi thường xuyên 33.269 13.025" in said
    english = edition(site, "en", PAGE)
    assert "Thạch Bàn ward collected 56.3 billion VND" in english
    assert "For recurrent spending 33,269 13,025" in english


def test_lines_of_a_unit_add_up_to_its_collections(everything):
    page = page_of(everything.render(PAGE), "vi", PAGE)
    table = page.split('<section class="lines unit-lines">')[1].split("</table>")[0]
    rows = [row.split('<td class="money">')[2].split("</td>")[0] for row in table.split("<tr")[2:]]
    amounts = [int(cell.replace(".", "")) for cell in rows]
    assert sum(amounts[:-1]) == amounts[-1] == 56_304


def test_the_chart_is_the_units_own(everything):
    page = page_of(everything.render(PAGE), "vi", PAGE)
    assert "Biểu đồ thu lũy kế năm 2020 của Phường Thạch Bàn: đến 30/6/2020 thu 56,3 tỷ đồng" in page
    assert "dự toán năm 133,1 tỷ đồng" in page
    lacking = edition(everything.render("unit-00154-2004"), "vi", "unit-00154-2004")
    assert "Chưa có dự báo theo tháng để vẽ biểu đồ." in lacking


def test_causes_of_a_warning_add_up_to_its_gap_and_say_what_comes_back(everything):
    found = warning_causes(everything.night)[f"below_half:{WARNED}:2020"]
    assert [step.key for step in found.steps] == ["timing", "loss", "unexplained"]
    assert sum(step.amount for step in found.steps) == found.whole.amount
    assert found.whole.amount == round(sum(CAUSES.values()) / 1_000_000)
    assert [step.back_by for step in found.steps] == [dt.date(2020, 9, 20), None, None]
    said = edition(everything.render(PAGE, "warnings"), "vi", PAGE)
    assert "Thu chậm do được gia hạn dự kiến thu lại chậm nhất 20/9/2020 +7.700" in said
    assert "Còn thiếu để đạt mức đề ra +8.267" in said
    every = edition(everything.render("warnings"), "en", "warnings")
    assert "Later, by a deferral expected back by 20 September 2020 +7,700" in every


def test_each_step_begins_where_the_one_before_ended():
    drawn = waterfall([("a", Decimal(30)), ("b", Decimal(-50)), ("c", Decimal(0)), ("d", Decimal(10))], 1)
    assert [(step.key, step.begins, step.ends) for step in drawn.steps] == [
        ("a", 40.0, 100.0), ("b", 100.0, 0.0), ("d", 0.0, 20.0),
    ]  # fmt: skip
    assert (drawn.zero, drawn.whole.amount, drawn.whole.ends) == (40.0, -10, 20.0)
    assert waterfall([("a", Decimal(0))], 1) is None


def test_without_causes_the_warning_stands_and_says_so(district):
    said = edition(district.render(PAGE), "vi", PAGE)
    assert "thu ngân sách trên địa bàn mới đạt 42,31% dự toán" in said
    assert "Nguyên nhân của cảnh báo: không có dữ liệu." in said


def test_a_case_of_many_units_is_on_the_page_of_each(district):
    warnings = district.marts["mart_warning"]
    many = warnings.head(1).with_columns(
        unit_key=pl.lit("ALL"), warning_id=pl.lit("below_half:ALL:extension:2020"),
        message_vi=pl.lit("Hai phường chậm do gia hạn."),
        evidence=pl.lit('{"units": [{"unit_key": "00151@2004"}, {"unit_key": "00115@2004"}]}'),
    )  # fmt: skip
    district.marts["mart_warning"] = pl.concat([warnings, many])
    site = district.render("unit-00151-2004", "unit-00136-2004", "warnings", "index")
    row = next(row for row in page_of(site, "vi").split("<tr")[1:] if ">Phúc Đồng<" in row)
    assert "△" in row, "the overview marks the units of such a case"
    assert "Hai phường chậm do gia hạn." in edition(site, "vi", "unit-00151-2004")
    assert "Hai phường chậm do gia hạn." not in edition(site, "vi", "unit-00136-2004")
    assert "Phúc Đồng , Thượng Thanh – Hai phường chậm do gia hạn." in edition(site, "vi", "warnings")


def test_past_forecasts_stand_beside_what_came(everything):
    found = past_forecasts(everything.night, WARNED)
    assert [(one.night, one.fiscal_year) for one in found] == [
        (dt.date(2020, 3, 31), 2020), (dt.date(2019, 6, 30), 2019),
    ]  # fmt: skip
    assert found[0].came is None
    assert found[1].came == Decimal("980000000.00")
    assert found[1].error == pytest.approx(3.0612, abs=1e-4)
    assert found[1].held
    said = edition(everything.render(PAGE), "vi", PAGE)
    assert "30/6/2019 2019 1.010 970–1.050 980 +3,1% ✓" in said
    assert "31/3/2020 2020 970 930–1.010 năm chưa kết thúc –" in said


def test_a_year_without_its_last_night_is_not_scored(everything):
    rows = everything.beside["history"]["mart_year_end_forecast"]
    kept = rows.filter(pl.col("as_of") != YEAR_END)
    everything.beside["history"]["mart_year_end_forecast"] = kept
    assert [one.came for one in past_forecasts(everything.night, WARNED)] == [None, None]
    assert "chưa có đêm chốt năm" in edition(everything.render(PAGE), "vi", PAGE)


def test_what_moved_the_forecast_is_told_by_cause(district):
    said = edition(district.render("unit-00115-2004"), "vi", "unit-00115-2004")
    assert "Dự báo cả năm thay đổi vì sao so với đêm 29/6/2020" in said
    assert "Số thu mới so với dự kiến −2.474 Số liệu gửi lại −2.500 Thay đổi −4.974" in said


def test_a_unit_without_estimate_or_history_is_a_whole_page(district):
    positions = district.marts["mart_unit_position"]
    lacking = (
        "estimate_amount",
        "share_of_estimate_pct",
        "pace_pct",
        "same_period_pct",
        "same_period_amount",
    )
    district.marts["mart_unit_position"] = positions.with_columns(
        pl.when(pl.col("unit_key") == WARNED).then(None).otherwise(pl.col(name)).alias(name)
        for name in lacking
    )
    for name in (
        "mart_line_position",
        "mart_year_end_forecast",
        "mart_forecast_path",
        "mart_spending_position",
    ):
        district.marts[name] = district.marts[name].filter(pl.col("unit_key") != WARNED)
    said = edition(district.render(PAGE), "vi", PAGE)
    assert "chưa có dự toán năm để so sánh" in said
    assert "Chưa có số liệu các năm trước để so sánh tiến độ và cùng kỳ." in said
    assert "Chưa có dự báo cả năm." in said
    assert "Chưa có số liệu theo khoản thu." in said
    assert "Không có số liệu chi ngân sách." in said
    assert "Không có dữ liệu: chưa có kỳ công bố nào trước đó." in said
    assert "None" not in said


def test_a_year_in_which_more_was_paid_back_than_came_is_drawn(district):
    paths = district.marts["mart_forecast_path"]
    district.marts["mart_forecast_path"] = paths.with_columns(
        -pl.col(name) for name in ("actual_amount", "p10_amount", "p50_amount", "p90_amount")
    )
    for name in ("mart_unit_position", "mart_line_position"):
        frame = district.marts[name]
        district.marts[name] = frame.with_columns(
            -pl.col("collected_amount"), -pl.col("share_of_estimate_pct")
        )
    site = district.render(PAGE, "index", "papers")
    page = page_of(site, "vi", PAGE)
    assert "−56,3" in page
    assert page.count("<svg") == page.count("</svg>")
    assert 'width="-' not in page.replace('width="-0', "")
    assert "NaN" not in page


def by_line(paths: pl.DataFrame) -> pl.DataFrame:
    """The ward's way through the year, of which a line has 70% and another 25%; the rest has no line."""
    whole = paths.filter(pl.col("unit_key") == WARNED, pl.col("line_code") == "ALL")
    amounts = ("actual_amount", "p10_amount", "p50_amount", "p90_amount")
    lines = [
        whole.with_columns(
            pl.lit(code).alias("line_code"),
            *((pl.col(name) * part / 100).cast(paths.schema[name]).alias(name) for name in amounts),
        )
        for code, part in (("land_use_levy", 70), ("vat", 25))
    ]
    return pl.concat([paths, *lines])


def test_what_came_since_last_month_adds_up_by_line(everything):
    everything.marts["mart_forecast_path"] = by_line(everything.marts["mart_forecast_path"])
    night = everything.night
    past = past_forecasts(night, WARNED)
    month = since_last_month(night, WARNED, Decimal("133076000000"), past, "vi")
    assert month is not None
    assert month.since == dt.date(2020, 5, 31)
    assert (month.outlook, [one.night for one in past]) == (
        None,
        [dt.date(2020, 3, 31), dt.date(2019, 6, 30)],
    )
    assert month.shares == pytest.approx((33.85, 42.31), abs=0.01)
    assert [step.key for step in month.lines.steps][-1] == "UNALLOCATED"
    assert sum(step.amount for step in month.lines.steps) == month.lines.whole.amount == 11_261
    said = edition(everything.render(PAGE), "vi", PAGE)
    assert "Sau ngày 31/5/2020 thu thêm 11,3 tỷ đồng : từ 33,8% lên 42,3% dự toán năm." in said
    assert "Thu thêm trong kỳ +11.261" in said
    assert "Chưa có dự báo nào được công bố trong tháng trước để so sánh." in said


def test_last_months_forecast_stands_beside_tonights(everything):
    rows = everything.beside["history"]["mart_year_end_forecast"]
    of_may = pl.when(pl.col("as_of") == dt.date(2020, 3, 31)).then(dt.date(2020, 5, 29)).otherwise("as_of")
    everything.beside["history"]["mart_year_end_forecast"] = rows.with_columns(of_may.alias("as_of"))
    english = edition(everything.render(PAGE), "en", PAGE)
    assert (
        "The year was forecast at 970 million VND on the night of 29 May 2020, and is at 115.6 billion"
        in english
    )


def test_in_the_fiscal_years_first_month_all_that_came_is_new(everything):
    everything.marts["mart_forecast_path"] = everything.marts["mart_forecast_path"].filter(
        pl.col("month") != dt.date(2020, 5, 1)
    )
    month = since_last_month(everything.night, WARNED, None, (), "vi")
    assert (month.before, month.shares) == (0, None)


def test_a_ward_is_shown_alike_on_its_page_and_among_the_others(everything):
    """Estimates that end in half a million each: the overview rounds some up and some down to add up."""
    for name in ("mart_unit_position", "mart_line_position"):
        frame = everything.marts[name]
        half = pl.col("estimate_amount") + pl.when(unit_key="ALL").then(7_000_000).otherwise(500_000)
        one = (
            (pl.col("line_code") == "ALL") | (pl.col("line_code") == "vat")
            if "line_code" in frame.columns
            else True
        )
        everything.marts[name] = frame.with_columns(
            pl.when(one)
            .then(half)
            .otherwise("estimate_amount")
            .cast(frame.schema["estimate_amount"])
            .alias("estimate_amount")
        )
    night = everything.night
    rows = units_table(night).rows
    lifted = {row.shown_estimate - int(row.estimate / 1_000_000) for row in rows if row.estimate}
    assert lifted == {0, 1}
    added_up = 0
    for row in rows:
        territory = bases(night, row)[0]
        shown = (row.shown_estimate, row.shown_collected)
        assert (territory.shown_estimate, territory.shown_collected) == shown
        table = lines_table(night, "vi", row)
        if table.total is None:
            continue  # a ward without lines
        assert (table.total.shown_estimate, table.total.shown_collected) == shown
        parts = [*table.rows, *([table.unallocated] if table.unallocated else [])]
        if sum(one.estimate or 0 for one in parts) == row.estimate:
            added_up += 1
            assert sum(one.shown_estimate or 0 for one in parts) == row.shown_estimate
    assert added_up > 0
