"""Files of any encoding and format give their cells in their rows, or say what is wrong with them."""

import gzip
from pathlib import Path

import pytest

from tests.extracts.conftest import AS_OF, HEADER, Office, row

LISTING = "2020-06-30/thu_2020-06-30.csv"


def amounts(office: Office) -> dict[int, int | None]:
    """Row number → amount of the staged receipts."""
    staged = office.staged()
    return dict(staged.select("row_number", "amount").rows())


@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1258"]
)  # fmt: skip
def test_a_listing_is_read_in_any_encoding_that_can_be_told(office: Office, codec: str) -> None:
    text = f"Đơn vị: triệu đồng\n{HEADER}\n{row(1, '1,5', name='Phường Ngọc Thụy', code='00118')}\n"
    decomposed = _for_cp1258(text) if codec == "cp1258" else text
    office.put(LISTING, decomposed.encode(codec))

    staged = office.staged()

    assert staged.select("unit_key", "amount", "row_number").rows() == [("00118@2004", 1_500_000, 3)]


def _for_cp1258(text: str) -> str:
    """Tones apart, vowels whole, as Windows-1258 writes Vietnamese."""
    import unicodedata

    tones = "\u0300\u0301\u0303\u0309\u0323"
    apart = unicodedata.normalize("NFD", text)
    whole = "".join(mark if mark in tones else "\ufffe" + mark for mark in apart).replace("\ufffe", "")
    result = ""
    for letter in whole:
        joined = unicodedata.normalize("NFC", result[-1:] + letter) if result else letter
        if letter in tones or len(joined) != 1 or not result:
            if letter not in tones and unicodedata.combining(letter):  # a hat behind a tone
                tone, base = result[-1], result[-2]
                result = result[:-2] + unicodedata.normalize("NFC", base + letter) + tone
                continue
            result += letter
        else:
            result = result[:-1] + joined
    return result


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the file is empty"),
        (
            HEADER.encode() + b"\n" + row().encode().replace("Trần".encode(), b"Tr\xe1\xba"),
            "row 2: the text is UTF-8 up to here, and broken here",
        ),
        (
            "Показник;Сума\nПодаток;1\n".encode("cp1251"),
            "row 1: the encoding is neither UTF-8, UTF-16 nor one of Windows-1258, TCVN3, VNI",
        ),
        (HEADER.encode("utf-16")[:-1], "the text is UTF-16 and cut short"),
        (f"{HEADER}\n{row()}\n".encode() + b"\0" * 100, "row 3: the text breaks off into NUL bytes"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 10, "this is a binary file"),
        (b"<html><p>Wait</html>", "this is a web page without a table"),
        (b"<?xml version='1.0'?><a/>", "this is XML, whatever its ending"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_text_is_said_with_its_row_and_a_remedy(
    office: Office, raw: bytes, said: str
) -> None:
    office.put(LISTING, raw)

    assert said in office.problem()
    assert office.problem().startswith(LISTING)
    assert "Trần" not in office.problem()


def test_a_text_that_turns_to_another_encoding_far_down_is_read_so(office: Office) -> None:
    rows = [row(n) for n in range(20_000)]
    plain = "\n".join(
        ["Ngay;So chung tu;Ma;Phuong;Tieu muc;So tien", *[_without_name(line) for line in rows]]
    )
    last = _for_cp1258("\n30/06/2020;Z;00118;Ngọc Thụy;1701;7\n").encode("cp1258")
    office.put(LISTING, plain.encode() + last)

    staged = office.staged()

    assert staged.height == 20_001
    assert staged.tail(1).select("unit_key", "amount").row(0) == ("00118@2004", 7)


def _without_name(line: str) -> str:
    _, day, document, code, _, item, _, amount = line.split(";")
    return f"{day};{document};{code};Long Bien;{item};{amount}"


def test_words_missing_from_the_header_of_a_doubtful_encoding_raise_that_doubt(office: Office) -> None:
    office.put(LISTING, "Ngày;Ma;Tien\nhôm nay;1;2\n".encode("cp1252"))

    assert "was taken for Windows-1258: if that is wrong, save it as CSV UTF-8" in office.problem()


def test_rows_are_numbered_as_excel_shows_them(office: Office) -> None:
    title = '"Kho bạc\nquận",2020\n\n'
    lines = [row(1, "1"), "", row(2, "2", payer='"Công ty\nhai dòng"'), ";;;;;;;", row(3, "3")]
    office.listing(*lines, title=title)

    assert amounts(office) == {4: 1, 6: 2, 8: 3}


def test_a_line_break_in_a_header_cell_is_a_space(office: Office) -> None:
    header = HEADER.replace("Số tiền", '"Số\ntiền"')
    office.put(LISTING, f"{header}\n{row(1, '5')}\n")

    assert amounts(office) == {2: 5}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(office: Office, end: str) -> None:
    office.put(LISTING, end.join([HEADER, row(1, "5"), row(2, "6")]))

    assert amounts(office) == {2: 5, 3: 6}


@pytest.mark.parametrize("payer", ['5" ống', '"Kín" và con', 'ông "Kín"', '"Công ty ""Kín"""'])
def test_quotation_marks_in_a_name_cost_no_row(office: Office, payer: str) -> None:
    office.listing(row(1, "5"), row(2, "6", payer=payer), row(3, "7"))

    assert amounts(office) == {2: 5, 3: 6, 4: 7}


def test_a_quotation_mark_that_swallows_rows_refuses_the_file(office: Office) -> None:
    office.listing(
        row(1, "5"), row(2, "6", payer='"Kín'), row(3, "7"), row(4, "8", payer='con"'), row(5, "9")
    )

    assert "row 3: a quotation mark opens or closes in the wrong place" in office.problem()


def test_cells_pushed_beyond_the_header_cost_the_row_its_amount_but_not_its_place(office: Office) -> None:
    office.listing(row(1, "5"), row(2, "6", payer="Kín; con"), row(3, "7"))

    assert amounts(office) == {2: 5, 3: None, 4: 7}
    assert office.register().select("rows_received", "rows_data", "amount_received").row(0) == (3, 3, 12)


def test_an_unquoted_thousands_comma_is_no_cell_end(office: Office) -> None:
    lines = [f"{HEADER};Ghi chú".replace(";", ",")]
    lines += [f"{row(n, amount)};".replace(";", ",") for n, amount in ((1, "5"), (2, "1,234"), (3, "7"))]
    office.put(LISTING, "\n".join(lines))

    assert amounts(office) == {2: 5, 3: None, 4: 7}


def test_a_comma_at_the_end_of_every_row_is_a_habit(office: Office) -> None:
    office.put(LISTING, "\n".join([HEADER.replace(";", ","), row(1, "5,").replace(";", ",")]))

    assert amounts(office) == {2: 5}


def test_the_delimiter_is_the_one_under_which_the_header_is_found(office: Office) -> None:
    title = "Kho bạc, quận, phường, ngày, tháng, năm, nơi, gửi, số, trang, mục, lục\n" * 5
    office.listing(row(1, "5"), title=title)

    assert amounts(office) == {7: 5}  # 5 title rows and the header


def test_a_stray_quotation_mark_in_a_title_does_not_hide_the_header(office: Office) -> None:
    office.listing(*[row(n, str(n)) for n in range(1, 40)], title='"Biểu số 1\n')

    assert amounts(office)[3] == 1
    assert len(amounts(office)) == 39


def test_a_zipped_listing_is_read_and_half_of_one_is_refused(office: Office) -> None:
    zipped = gzip.compress(f"{HEADER}\n{row(1, '5')}\n".encode())
    office.put(f"{LISTING}.gz", zipped)
    assert amounts(office) == {2: 5}

    office.put(f"{LISTING}.gz", zipped[:-12])
    assert "the gzip file is damaged or cut short" in office.problem()


def test_numbers_dates_and_codes_of_a_workbook_are_read_as_those_of_a_text(office: Office) -> None:
    office.workbook(
        "2020-06-30/thu_2020-06-30.xlsx",
        Thu=[
            ["Đơn vị tính: triệu đồng"],
            HEADER.split(";"),
            [1, 44012, "A1", 145, "Long Biên", 950, "Kín", 0.1 + 0.2],
            [2, "30/06/2020", "A2", "00145", "Long Biên", "0950", "Kín", "1.234,5"],
        ],
    )  # fmt: skip

    staged = office.staged().select("row_number", "unit_key", "item_code", "posting_date", "amount")

    assert staged.rows() == [
        (3, "00145@2004", "0950", AS_OF, 300_000),
        (4, "00145@2004", "0950", AS_OF, 1_234_500_000),
    ]


def test_a_workbook_saved_as_csv_in_name_only_is_read(office: Office, tmp_path: Path) -> None:
    made = office.workbook("made.xlsx", Thu=[HEADER.split(";"), row(1, "5").split(";")])
    office.put(LISTING, made.read_bytes())
    made.unlink()

    assert amounts(office) == {2: 5}


@pytest.mark.parametrize("kept", [30, 400, 2000])
def test_a_workbook_cut_short_is_refused(office: Office, kept: int) -> None:
    made = office.workbook("2020-06-30/thu_2020-06-30.xlsx", Thu=[HEADER.split(";"), row().split(";")])
    made.write_bytes(made.read_bytes()[:kept])

    assert "the workbook is damaged or cut short" in office.problem()


def test_an_ending_nobody_reads_is_refused(office: Office) -> None:
    office.put("2020-06-30/thu_2020-06-30.pdf", "x")

    assert "files ending in '.pdf' are not read. Send it as xlsx or csv" in office.problem()


def test_a_workbook_without_the_forms_sheet_names_those_it_has(office: Office) -> None:
    office.workbook("2020-01-02/du_toan_2020.xlsx", Chi=[["x"]], Khac=[["y"]])

    assert "no sheet fits '^Thu' of the form (there are 'Chi', 'Khac')" in office.problem()
