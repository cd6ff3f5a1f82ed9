"""What offices say periods will come to, in their layouts: by ward, for the whole district, as a listing."""

import datetime as dt
import textwrap
from pathlib import Path

import pytest

from authorities.loading import AuthorityError, load_authority
from expectations.validation import validate
from tests.extracts.conftest import Office, build_authority
from warehouse.ledger import as_known, build_ledger

FORMS = {
    "quarter": """
        form_code: quarter
        title: What wards' quarter will come to
        sender: finance_office
        dataset: office_estimate
        recognise: {file_name: '(^|/)[0-9-]{10}/uoc_quy_'}
        columns:
          - {field: unit_name, header: [Phường]}
          - {field: amount, header: [Thuế], value: tax}
          - {field: amount, header: [Phí], value: fees}
        numbers: {decimal: ',', unit: million}
        period: {rule: file_name, pattern: 'uoc_quy_(?P<quarter>\\d)_(?P<year>\\d{4})', length: quarter}
        received: {rule: folder}
    """,
    "total": """
        form_code: total
        title: What wards and the district will come to this year, all lines together
        sender: tax_office
        dataset: office_estimate
        basis: entitled
        recognise: {file_name: '(^|/)[0-9-]{10}/uoc_nam_'}
        columns:
          - {field: unit_name, header: [Phường]}
          - {field: amount, header: [Ước cả năm]}
        numbers: {decimal: ',', unit: million}
        period: {rule: file_name, pattern: 'uoc_nam_(?P<year>\\d{4})', length: year}
        received: {rule: folder}
    """,
    "by_line": """
        form_code: by_line
        title: What the district's lines will come to by the month's end, from the year's start
        sender: finance_office
        dataset: office_estimate
        recognise: {file_name: '(^|/)[0-9-]{10}/uoc_luy_ke_'}
        columns:
          - {field: line_code, header: [Khoản thu], words: {tax: [Thu từ thuế], fees: ["Phí, lệ phí"]}}
          - {field: amount, header: [Ước thực hiện]}
        numbers: {decimal: ',', unit: million}
        cumulative: true
        period: {rule: file_name, pattern: 'uoc_luy_ke_(?P<year>\\d{4})-(?P<month>\\d{2})', length: month}
        received: {rule: folder}
    """,
    "past": """
        form_code: past
        title: What was said in earlier years
        sender: finance_office
        dataset: office_estimate
        recognise: {file_name: '(^|/)uoc_cac_nam'}
        columns:
          - {field: unit_code, header: [Mã]}
          - {field: unit_name, header: [Phường]}
          - {field: period_end, header: [Đến ngày]}
          - {field: stated_on, header: [Ngày báo cáo]}
          - {field: amount, header: [Ước thực hiện]}
        period: {rule: row, length: year}
        received: {rule: period_end_plus_lag, lag_days: 2, assumed: true}
    """,
}


@pytest.fixture
def said(tmp_path: Path) -> Office:
    build_authority(tmp_path / "small")
    return with_forms(tmp_path)


def with_forms(folder: Path) -> Office:
    for name, text in FORMS.items():
        (folder / "small" / "forms" / f"{name}.yaml").write_text(textwrap.dedent(text).lstrip(), "utf-8")
    return Office(load_authority(folder / "small"), folder)


def spoken(office: Office) -> list[tuple[object, ...]]:
    rows = office.staged("office_estimate").sort("unit_key", "line_code")
    return rows.select("unit_key", "line_code", "period_start", "period_end", "amount").rows()


def test_wards_by_line_for_a_quarter(said: Office) -> None:
    said.put("2020-06-19/uoc_quy_2_2020.csv", "Phường;Thuế;Phí\nLong Biên;1,5;2\nTổng cộng;1,5;2\n")
    april, june = dt.date(2020, 4, 1), dt.date(2020, 6, 30)

    assert spoken(said) == [
        ("00145@2004", "fees", april, june, 2_000_000),
        ("00145@2004", "tax", april, june, 1_500_000),
    ]
    rows = said.staged("office_estimate")
    assert rows.select("basis", "office", "stated_on", "recorded_at").unique().rows() == [
        ("territory", "finance_office", dt.date(2020, 6, 19), dt.date(2020, 6, 19))
    ]


def test_quarters_are_those_of_the_fiscal_year(tmp_path: Path) -> None:
    build_authority(tmp_path / "small", start_month=7)
    office = with_forms(tmp_path)
    office.put("2020-05-19/uoc_quy_4_2019.csv", "Phường;Thuế;Phí\nLong Biên;1;2\n")

    assert [row[2:4] for row in spoken(office)] == [(dt.date(2020, 4, 1), dt.date(2020, 6, 30))] * 2


def test_a_quarter_that_does_not_exist_is_said_so(said: Office) -> None:
    said.put("2020-06-19/uoc_quy_5_2020.csv", "Phường;Thuế;Phí\nLong Biên;1;2\n")

    assert "there is no quarter 5" in said.problem()


def test_the_district_as_a_whole_is_all_units_and_lines(said: Office) -> None:
    said.put(
        "2020-06-19/uoc_nam_2020.csv", "Phường;Ước cả năm\nToàn quận;900\nPhường Ngọc Thụy;70\nSao Hỏa;5\n"
    )
    year = (dt.date(2020, 1, 1), dt.date(2020, 12, 31))
    split = validate("office_estimate", said.staged("office_estimate"))

    assert split.accepted.sort("unit_key").select("unit_key", "line_code", "basis", "amount").rows() == [
        ("00118@2004", "ALL", "entitled", 70_000_000),
        ("ALL", "ALL", "entitled", 900_000_000),
    ]
    assert {row[2:4] for row in spoken(said)} == {year}
    assert split.quarantine.select("rule", "outcome", "amount").rows() == [
        ("unit_is_known", "held", 5_000_000)
    ]
    assert split.unallocated.is_empty(), "what an office expects is no money to be counted without a place"


def test_lines_by_their_names_and_figures_to_date(said: Office) -> None:
    said.put(
        "2020-06-21/uoc_luy_ke_2020-06.csv",
        "Khoản thu;Ước thực hiện\nTHU TỪ THUẾ;12\nPhí, lệ phí;3\nKhoản lạ;1\nTổng số;16\n",
    )
    half = (dt.date(2020, 1, 1), dt.date(2020, 6, 30))
    split = validate("office_estimate", said.staged("office_estimate"))

    assert split.accepted.select("unit_key", "line_code", "period_start", "period_end", "amount").rows() == [
        ("ALL", "tax", *half, 12_000_000),
        ("ALL", "fees", *half, 3_000_000),
    ]
    assert split.quarantine["rule"].to_list() == ["line_is_known"]


def test_a_listing_of_the_past_is_known_from_the_days_on_which_it_was_said(said: Office) -> None:
    said.put(
        "uoc_cac_nam.csv",
        "Mã;Phường;Đến ngày;Ngày báo cáo;Ước thực hiện\n"
        "00145;Long Biên;31/12/2018;21/06/2018;100\n00145;Long Biên;31/12/2019;;200\n",
    )
    rows = said.staged("office_estimate").sort("period_end")

    assert rows["recorded_at"].to_list() == [dt.date(2018, 6, 23), dt.date(2020, 1, 2)]
    assert rows["stated_on"].to_list() == [dt.date(2018, 6, 21), dt.date(2019, 12, 31)]
    assert rows["recorded_at_assumed"].all()
    assert rows["period_start"].to_list() == [dt.date(2018, 1, 1), dt.date(2019, 1, 1)]


def test_two_offices_and_two_bases_do_not_withdraw_one_another(said: Office) -> None:
    """The finance office restates its quarter; the tax office's figure of the year is another matter."""
    said.put("2020-06-19/uoc_quy_2_2020.csv", "Phường;Thuế;Phí\nLong Biên;1;2\n")
    said.put("2020-06-25/uoc_quy_2_2020.csv", "Phường;Thuế;Phí\nLong Biên;4;5\n")
    said.put("2020-06-26/uoc_nam_2020.csv", "Phường;Ước cả năm\nToàn quận;900\n")
    staged = said.staged("office_estimate")
    verdict = validate("office_estimate", staged)
    ledger = build_ledger("office_estimate", verdict.accepted, verdict.unallocated, staged)

    def stands(day: int) -> list[int]:
        return sorted(as_known(ledger, dt.date(2020, 6, day))["amount"] // 1_000_000)

    assert stands(18) == []
    assert stands(24) == [1, 2]
    assert stands(25) == [4, 5]
    assert stands(26) == [4, 5, 900]


def test_a_line_that_nobody_has_is_a_mistake_of_the_form(tmp_path: Path) -> None:
    build_authority(tmp_path / "small")
    form = FORMS["quarter"].replace("value: fees", "value: feees")
    path = tmp_path / "small" / "forms" / "quarter.yaml"
    path.write_text(textwrap.dedent(form).lstrip(), "utf-8")

    with pytest.raises(AuthorityError, match=r"forms/quarter.yaml line 9: 'feees'.*did you mean 'fees'"):
        load_authority(tmp_path / "small")
