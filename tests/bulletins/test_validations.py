"""The pages of what Great Expectations found: counts that add up, words in both languages, and no values."""

import pytest

from bulletins.validations import validation_pages
from tests.bulletins.beside import TAXPAYER, with_everything
from tests.bulletins.frames import NightlyInput, Site
from tests.bulletins.test_page import edition, page_of

RECEIPTS = "validation-receipt"


@pytest.fixture
def everything(district: NightlyInput) -> NightlyInput:
    return with_everything(district)


def close(text: str) -> str:
    """Text without the blanks that marks leave around what they enclose."""
    return text.replace(" ,", ",").replace("( ", "(").replace(" )", ")")


@pytest.fixture
def site(everything: NightlyInput) -> Site:
    return everything.render("quality", RECEIPTS)


def test_rows_judged_are_those_accepted_counted_loose_and_held(everything):
    (page,) = validation_pages(everything.night, "vi")
    assert (page.judged, page.accepted, page.fate("unallocated"), page.fate("held")) == (7, 5, 1, 1)
    assert page.judged == page.accepted + sum(one.unexpected for one in page.rows)
    assert page.met == page.asked - 2


def test_the_page_tells_rule_money_and_file_in_both_languages(site):
    said = edition(site, "vi", RECEIPTS)
    assert "Đã kiểm tra 7 dòng: 5 dòng được chấp nhận, 1 dòng (2.500 triệu đồng)" in close(said)
    assert "Không tìm thấy đơn vị theo mã hoặc tên vào ngày của dòng, hoặc" in said
    assert "✗ không đạt 1 14,29% 2.500 triệu đồng tính vào tổng, chưa phân bổ" in said
    assert "receipts/2020-05-11 (2).csv 1 3 2.500 triệu đồng" in said
    english = edition(site, "en", RECEIPTS)
    assert "7 rows were judged: 5 accepted, 1 (2,500 million VND)" in close(english)
    assert "✓ met" in english
    assert "Judged by Great Expectations 1." in english
    assert "Số tiền" not in english


def test_the_state_of_the_data_links_each_dataset_that_has_rows(site):
    page = page_of(site, "vi", "quality")
    assert f'<a href="{RECEIPTS}.html">Thu ngân sách</a>' in page
    assert "validation-tax_arrears" not in page
    assert f'<a href="{RECEIPTS}.en.html">Receipts</a>' in page_of(site, "en", "quality")


def test_checks_that_failed_are_told_in_the_readers_language(site):
    said = edition(site, "vi", "quality")
    assert "Thu ngân sách: Không tìm thấy đơn vị theo mã hoặc tên vào ngày của dòng, hoặc" in said
    assert "Các dòng của mỗi tệp cộng đúng bằng dòng tổng của tệp" in said
    assert "No unit of this code" not in said
    assert "its rows add up to less" in edition(site, "en", "quality")


def test_no_value_of_a_row_is_on_any_page(everything):
    for name, content in everything.render_all().items():
        for part in (TAXPAYER, *TAXPAYER.split()):
            assert part.encode() not in content, name


def test_rows_in_files_replaced_since_are_said_to_matter_no_more(everything):
    everything.marts["mart_quarantine"] = everything.marts["mart_quarantine"].clear()
    assert "đã được tệp gửi sau thay thế" in edition(everything.render(RECEIPTS), "vi", RECEIPTS)


def test_without_documents_the_page_says_so(district):
    said = edition(district.render("quality"), "vi", "quality")
    assert "Không có dữ liệu về kết quả kiểm định." in said
