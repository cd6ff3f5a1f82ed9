"""``wardcast doctor FILE`` says how a file would be read and what refused; drafts a form for a new one."""

import shutil
from pathlib import Path

import pytest
import yaml

from authorities.forms import ExtractForm
from authorities.loading import AUTHORITIES_FOLDER, DEFAULT_AUTHORITY, load_authority
from authorities.model import Authority
from extracts.reading import read_sheets
from pipelines.doctor_file import FileReport, examine_file
from tests.pipelines.conftest import Wardcast

CASES = Path(__file__).parents[1] / "cases"
LISTING = "kho_bac/2020-06-30/bang_ke_thu_2020-06-30.csv"


@pytest.fixture(scope="module")
def long_bien() -> Authority:
    return load_authority(DEFAULT_AUTHORITY)


def told(authority: Authority, path: Path, landing: Path) -> tuple[str, bool]:
    report: FileReport = examine_file(authority, path, landing)
    return "\n".join(report.lines), report.is_readable


def of_case(authority: Authority, case: str, name: str = LISTING) -> tuple[str, bool]:
    landing = CASES / case / "landing"
    return told(authority, landing / name, landing)


def test_a_readable_file_is_told_with_its_columns_and_what_would_be_refused(long_bien: Authority) -> None:
    text, readable = of_case(long_bien, "date_messes")

    assert readable
    for said in [
        f"file        {LISTING} ",
        "form        treasury_receipts_daily, dataset receipt",
        "received    2020-06-30",
        "format      text, cells parted by semicolons, UTF-8",
        "header      ends in row 5",
        "posting_date     column B 'Ngày hạch toán'",
        "1 as day numbers of a spreadsheet, 1 as year-month-day, 7 with day and month",
        "rows        11 below the header: 11 data",
        "accepted    6 rows, 21,000 VND",
        "held        4 rows, 34,000 VND, by posting_date_is_a_date: rows 12, 13, 14, 15",
    ]:
        assert said in text


def test_no_taxpayer_and_no_cell_of_a_row_is_shown(long_bien: Authority) -> None:
    for case in ("date_messes", "number_messes", "unknown_form", "unknown_ward", "cells_out_of_place"):
        for path in (CASES / case / "landing").rglob("*.csv"):
            text, _ = told(long_bien, path, CASES / case / "landing")
            assert "Công ty" not in text
            assert "990000" not in text
            assert "200000" not in text


def test_sums_are_held_against_the_files_own_total(long_bien: Authority) -> None:
    apart, _ = of_case(long_bien, "row_inserted_twice")
    equal, _ = of_case(long_bien, "tcvn3_letters")

    assert "8,500 VND, but the file's own total says 6,500 VND: 2,000 VND apart" in apart
    assert "6,500 VND, as the file's own total says" in equal
    assert "its letters are no Unicode and were read as TCVN3" in equal
    assert "total: row 9" in equal


def test_a_file_in_the_wrong_folder_is_told_where_it_belongs(long_bien: Authority, tmp_path: Path) -> None:
    path = tmp_path / "Tải về" / "bang_ke_thu_2020-06-30.csv"
    path.parent.mkdir()
    shutil.copy(CASES / "tcvn3_letters" / "landing" / LISTING, path)

    text, readable = told(long_bien, path, tmp_path)

    assert not readable
    first = next(line for line in text.splitlines() if "treasury_receipts" in line)
    assert (
        "treasury_receipts_daily: its columns fit (header in row 5); put it into a folder that fit" in first
    )
    assert r"(^|/)kho_bac/\d{4}-\d{2}-\d{2}/bang_ke_thu_" in first
    assert "draft" not in text


def test_what_a_header_lacks_is_named(long_bien: Authority) -> None:
    text, readable = of_case(long_bien, "missing_column")

    assert not readable
    assert "the header lacks" in text


def test_every_file_of_an_archive_is_told(long_bien: Authority) -> None:
    text, readable = of_case(long_bien, "zip_of_several", "kho_bac/2020-06-30/gui_kho_bac.zip")

    assert text.count("form        treasury_receipts_daily") == 2
    assert "gui_kho_bac.zip/ghi_chu.txt" in text
    assert not readable


@pytest.mark.parametrize(
    ("rows", "dataset", "fields"),
    [
        (
            "Kho bạc khu vực\nNgày ghi;Số CT;Đơn vị;Tiểu mục;Thực thu\n"
            "30/06/2020;A1;Phường Long Biên;1701;1.234.567\n29/06/2020;A2;Phường Bồ Đề;0950;7\n",
            "receipt",
            ["posting_date", "document_no", "unit_name", "item_code", "amount"],
        ),
        (
            "Year,Month,Ward,Value\n2020,June,Long Biên,1234.50\n2020,May,Bồ Đề,17.25\n",
            "receipt",
            ["year", "month", "unit_name", "amount"],
        ),
        (
            "Dự toán năm\nPhường;Thuế;Phí\nLong Biên;1.000,5;20\nBồ Đề;3.000,5;40\n",
            "estimate",
            ["unit_name", "amount", "amount"],
        ),
    ],
)
def test_a_draft_for_an_unknown_file_loads_and_reads_it(
    long_bien: Authority, tmp_path: Path, rows: str, dataset: str, fields: list[str]
) -> None:
    path = tmp_path / "2020-06-30" / "tong hop 2020.csv"
    path.parent.mkdir()
    path.write_text(rows, encoding="utf-8")

    text, readable = told(long_bien, path, tmp_path)
    assert not readable
    form = ExtractForm.model_validate(yaml.safe_load(text[text.index("# A draft") :]))

    assert form.dataset == dataset
    assert [column.field for column in form.columns] == fields
    assert form.recognise.claims("2020-06-30/tong hop 2020.csv")
    [sheet] = read_sheets(path, "2020-06-30/tong hop 2020.csv", form)
    assert sheet.rows["row_kind"].to_list() == ["data", "data"]


def test_the_draft_of_a_wide_file_of_another_language_reads_like_its_form(tmp_path: Path) -> None:
    brazil = load_authority(AUTHORITIES_FOLDER / "brazil_federal")
    path = tmp_path / "impostos.csv"
    rows = "Ano;Mês;UF;IMPOSTO A;IMPOSTO B\n2019;Março;SP;10,5;\n2019;Abril;AC;1.000,25;7\n2019;Maio;AC;3;1\n"
    path.write_bytes(rows.encode("latin-1"))

    text, _ = told(brazil, path, tmp_path)
    form = ExtractForm.model_validate(yaml.safe_load(text[text.index("# A draft") :]))

    assert (form.month_language, form.encodings, form.period.length) == ("pt", ("windows-1252",), "month")
    assert [column.value for column in form.columns[3:]] == ["imposto_a", "imposto_b"]
    [sheet] = read_sheets(path, "impostos.csv", form)
    assert sheet.rows["amount:imposto_a"].to_list() == ["10,5", "1.000,25", "3"]


def test_exit_codes_tell_readable_from_not(wardcast: Wardcast, tmp_path: Path) -> None:
    landing = CASES / "date_messes" / "landing"
    good = wardcast("doctor", landing / LISTING, "--landing", landing)
    unknown = tmp_path / "x.csv"
    unknown.write_text("a;b\n1;2\n", encoding="utf-8")
    bad = wardcast("doctor", unknown)
    absent = wardcast("doctor", tmp_path / "absent.csv")

    assert (good.exit_code, bad.exit_code, absent.exit_code) == (0, 1, 2)
    assert "accepted    6 rows" in good.output
    assert "# A draft for x.csv" in bad.output
