"""The meeting's papers: the workbook and the PDF in the officials' layout, and the paragraph for the news."""

import datetime as dt
import io
import shutil
import subprocess
from decimal import Decimal

import polars as pl
import pytest
from openpyxl import load_workbook

from bulletins.news_item import news_items
from bulletins.page import edition_of
from bulletins.review import quarter_ends, quarter_start, review
from bulletins.workbook import sheet_name
from tests.bulletins.beside import with_everything
from tests.bulletins.cities import cities_input
from tests.bulletins.frames import NightlyInput, Site
from tests.bulletins.test_page import edition

HEADER = [
    "STT",
    "Phường",
    "Dự toán năm",
    "Lũy kế",
    "Thu trong kỳ",
    "Tiến độ %",
    "So cùng kỳ %",
    "Còn phải thu",
]
FIRST_ROW = 6


def workbook(site: Site, language: str = "vi", *, formulas: bool = False):
    name = "review-2020-06-30.xlsx" if language == "vi" else f"review-2020-06-30.{language}.xlsx"
    return load_workbook(io.BytesIO(site[name]), data_only=not formulas)


def test_the_workbook_has_the_officials_columns_and_a_sheet_a_ward(district_site):
    book = workbook(district_site)
    assert book.sheetnames[:3] == ["Thu trên địa bàn", "Thu để chi thường xuyên", "Thượng Thanh"]
    assert len(book.sheetnames) == 2 + 14
    sheet = book.worksheets[0]
    assert [cell.value for cell in sheet[FIRST_ROW - 1]] == HEADER
    first = [cell.value for cell in sheet[FIRST_ROW]]
    assert first[:4] == [1, "Thượng Thanh", 182_345_000_000, 100_672_674_500]
    assert first[5] == pytest.approx(0.5521)
    assert first[7] == 182_345_000_000 - 100_672_674_500
    last = [cell.value for cell in sheet[FIRST_ROW + 15]]
    assert last[1] == "Cộng"
    assert last[3] == sum(sheet.cell(row, 4).value for row in range(FIRST_ROW, FIRST_ROW + 15))
    assert sheet.cell(FIRST_ROW, 3).number_format == "#,##0,,"
    assert workbook(district_site, "en").worksheets[0]["C5"].value == "Annual estimate"


def test_sums_shares_and_the_rest_are_formulas_that_stay_quiet_without_an_estimate(district_site):
    sheet = workbook(district_site, formulas=True).worksheets[0]
    assert sheet.cell(FIRST_ROW, 6).value == '=IF(N(C6)=0,"",D6/C6)'
    assert sheet.cell(FIRST_ROW + 15, 4).value == "=SUM(D6:D20)"
    unallocated = workbook(district_site).worksheets[0][FIRST_ROW + 14]
    assert [cell.value for cell in unallocated][1:3] == ["Chưa phân bổ", None]
    assert unallocated[5].value in (None, "")


def test_what_came_in_the_quarter_is_the_rest_of_the_year_so_far(district):
    pack = review(district.night, "vi")
    assert (pack.period_start, pack.quarter) == (dt.date(2020, 4, 1), 2)
    row = pack.tables[0].rows[0]
    assert float(row.in_period / row.collected) == pytest.approx(1 - 0.46, abs=1e-6)
    for column in ("estimate", "collected", "remaining"):
        rows = [*pack.tables[0].rows, pack.tables[0].unallocated]
        assert sum(one.shown[column] or 0 for one in rows) == pack.tables[0].total.shown[column]
    lacking = next(row for row in pack.tables[0].rows if row.name == "Cự Khối")
    assert lacking.in_period is None


def test_in_the_first_quarter_all_came_in_the_quarter(district):
    district.publication["as_of"] = dt.date(2020, 2, 29)
    assert quarter_start(district.night) == (dt.date(2020, 1, 1), 1)
    assert all(row.in_period == row.collected for row in review(district.night, "vi").tables[0].rows)


def test_without_months_the_papers_say_what_lacks(district):
    del district.marts["mart_forecast_path"]
    assert not review(district.night, "vi").knows_period
    assert "Thu trong kỳ: không có dữ liệu" in edition(district.render("papers"), "vi", "papers")


def test_no_text_of_the_workbook_is_a_formula(district):
    nasty = '=HYPERLINK("x")'
    positions = district.marts["mart_unit_position"]
    district.marts["mart_unit_position"] = positions.with_columns(unit_name=pl.lit(nasty))
    site = district.render("review-2020-06-30")
    sheet = workbook(site, formulas=True).worksheets[0]
    assert sheet.cell(FIRST_ROW, 2).value == "'" + nasty
    assert sheet.cell(FIRST_ROW, 2).data_type == "s"


def test_sheets_get_names_that_excel_takes():
    taken: set[str] = set()
    names = [sheet_name(wanted, taken) for wanted in ("a/b:c", "A B C", "x" * 40, "x" * 50, "", "History")]
    assert names == ["a b c", "A B C (2)", "x" * 31, "x" * 27 + " (2)", "–", "History (2)"]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="no pdftotext on this machine")
def test_the_pdf_carries_its_diacritics_and_every_ward(district_site, tmp_path):
    def text(name: str) -> str:
        (tmp_path / name).write_bytes(district_site[name])
        told = subprocess.run(
            ["pdftotext", "-layout", tmp_path / name, "-"], capture_output=True, check=True, text=True
        )
        return " ".join(told.stdout.split())

    said = text("review-2020-06-30.pdf")
    assert "RÀ SOÁT THU NGÂN SÁCH QUÝ II NĂM 2020" in said
    assert "Cộng hòa xã hội chủ nghĩa Việt Nam".upper() in said
    assert "1 Thượng Thanh 182.345 100.673" in said
    assert "Phường Cự Khối" in said
    assert "Bản công bố 2020-06-30.1" in said
    assert "xác suất không đạt dự toán là 67%" in said
    assert "BUDGET COLLECTION REVIEW, SECOND QUARTER OF 2020" in text("review-2020-06-30.en.pdf")


def test_names_are_no_markup_to_the_typesetter_and_the_same_night_gives_the_same_papers(district):
    positions = district.marts["mart_unit_position"]
    district.marts["mart_unit_position"] = positions.with_columns(unit_name=pl.lit("#panic() $x$ *_` \\"))
    once, again = district.render("review-2020-06-30"), district.render("review-2020-06-30")
    assert once["review-2020-06-30.pdf"].startswith(b"%PDF")
    assert once == again


def test_a_night_without_anything_has_papers_too(district):
    district.marts, district.dimensions = {}, {}
    site = district.render("review-2020-06-30")
    assert site["review-2020-06-30.pdf"].startswith(b"%PDF")
    assert "Không có dữ liệu thu." in [cell.value for cell in workbook(site).worksheets[0]["A"]]


def test_the_news_item_is_written_as_the_district_wrote_it(district: NightlyInput):
    items = news_items(district.night, edition_of(district.night, "vi"))
    assert [item.text for item in items] == [
        "Số thu ngân sách 6 tháng đầu năm 2020 đạt 51% dự toán năm, bằng 136,7% so cùng kỳ năm 2019. "
        "Tổng chi ngân sách nhà nước địa phương đạt 36,6% dự toán giao đầu năm, bằng 147,7% so cùng kỳ năm "
        "2019. 8/14 phường có số thu đạt trên 50% so với dự toán; 04/14 phường có số thu để chi thường xuyên "
        "đạt trên 50% so với dự toán giao đầu năm (tiêu biểu là phường Phúc Đồng, Thượng Thanh, Phúc Lợi, "
        "Việt Hưng)."
    ]


def test_each_published_quarter_has_its_paragraph(district: NightlyInput):
    night = with_everything(district).night
    items = news_items(night, edition_of(night, "vi"))
    assert [item.night for item in items] == [dt.date(2020, 6, 30), dt.date(2020, 3, 31)]
    assert items[1].text == (
        "Số thu ngân sách quý I năm 2020 đạt 27% dự toán năm. "
        "0/14 phường có số thu đạt trên 50% so với dự toán."
    )
    assert quarter_ends(dt.date(2020, 3, 31), 1)
    assert not quarter_ends(dt.date(2020, 3, 30), 1)
    assert quarter_ends(dt.date(2020, 6, 30), 4)
    assert not quarter_ends(dt.date(2020, 4, 30), 1)


def test_where_there_are_no_estimates_nobody_is_said_to_be_below_half():
    cities = cities_input()
    brief = cities.marts["mart_district_brief"].with_columns(
        estimate_amount=pl.lit(None, pl.Decimal(20, 2)), share_of_estimate_pct=pl.lit(None, pl.Float64)
    )
    cities.marts["mart_district_brief"] = brief
    site = cities.render("index", "papers")
    assert "0/25" not in edition(site, "vi")
    assert "chưa có dự toán để so sánh" in edition(site, "vi")
    assert "0 of 25" not in edition(site, "en", "papers")
    assert brief["collected_amount"].item() > Decimal(0)
