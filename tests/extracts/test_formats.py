"""Files of every format under any ending, old letters, and what is refused by a limit before it is read."""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from authorities.forms import ReadingLimits
from extracts.landing import deliveries_of
from extracts.problems import ExtractError
from extracts.vietnamese import from_tcvn3, from_vni, is_syllable, syllable_share
from extracts.workbook_extent import refuse_oversized
from tests.extracts.conftest import HEADER, Office, row

LISTING = "2020-06-30/thu_2020-06-30"
TEXT = f"Đơn vị: nghìn đồng\n{HEADER}\n{row(1, '5')}\n{row(2, '7', code='00118', name='Ngọc Thụy')}\n"


def limited(office: Office, **limits: int) -> Office:
    """The office with limits of its own."""
    settings = office.authority.settings.model_copy(update={"limits": ReadingLimits(**limits)})
    return Office(office.authority.model_copy(update={"settings": settings}), office.folder)


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def amounts(office: Office) -> list[int | None]:
    return office.staged().sort("source_file", "row_number")["amount"].to_list()


def test_members_of_an_archive_are_deliveries_of_their_own(office: Office) -> None:
    other = TEXT.replace("30/06", "29/06").replace(";7", ";70")
    office.put("2020-06-30/gửi.zip", zipped(**{"thu_2020-06-30.csv": TEXT.encode(),
                                              "./thu_2020-06-29.csv": other.encode()}))  # fmt: skip

    register = office.register()

    assert register.sort("source_file").select("source_file", "status", "received_on").rows() == [
        (f"2020-06-30/gửi.zip/{name}", "read", register["received_on"][0])
        for name in ("thu_2020-06-29.csv", "thu_2020-06-30.csv")
    ]
    assert sorted(amounts(office)) == [5000, 5000, 7000, 70_000]


def test_the_same_file_in_an_archive_and_beside_it_counts_once(office: Office) -> None:
    office.put("2020-06-30/a.zip", zipped(**{"thu_2020-06-30.csv": TEXT.encode()}))
    office.put(f"{LISTING}.csv", TEXT)

    assert sorted(office.register()["status"]) == ["read", "repeated"]


def test_an_archive_under_the_ending_of_a_listing_is_read_if_it_holds_one_file(office: Office) -> None:
    office.put(f"{LISTING}.csv", zipped(any=TEXT.encode()))
    assert amounts(office) == [5000, 7000]

    office.put(f"{LISTING}.csv", zipped(one=b"x", two=b"y"))
    assert "this is an archive of 2 files. Let its name end in .zip" in office.problem()


@pytest.mark.parametrize("ending", [".csv.gz", ".parquet", ".xls", ".html"])
def test_a_listing_under_other_endings(office: Office, ending: str) -> None:
    rows = [line.split(";") for line in TEXT.splitlines()]
    table = pl.DataFrame(rows[2:], schema=rows[1], orient="row").with_columns(
        pl.col("Số tiền").cast(pl.Float64)
    )
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in cells) for cells in rows)
    content = {".csv.gz": gzip.compress(TEXT.encode()), ".parquet": buffer.getvalue()}
    office.put(LISTING + ending, content.get(ending, f"<table>{body}</table>".encode()))

    assert amounts(office) == ([5, 7] if ending == ".parquet" else [5000, 7000])


def test_codes_and_amounts_of_a_parquet_file_keep_every_digit(office: Office) -> None:
    table = pl.DataFrame(
        {"Ngày": ["2020-06-30"] * 3, "Số chứng từ": [1, 2, 3], "Mã": [145.0, 118.0, None],
         "Phường": ["", "Ngọc Thụy", "Cộng Hòa"], "Tiểu mục": [950.0, 1701.0, 1701.0],
         "Số tiền": [1e16, 0.1, -12345678.25]}
    ).with_columns(pl.col("Ngày").str.to_date())  # fmt: skip
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    office.put(f"{LISTING}.parquet", buffer.getvalue())

    staged = office.staged().select("row_number", "unit_key", "item_code", "amount")

    assert staged.rows() == [
        (2, "00145@2004", "0950", 10**16),
        (3, "00118@2004", "1701", 0),
        (4, "00300@2004", "1701", -12345678),
    ]


def test_a_web_page_keeps_its_merged_cells_titles_and_raw_numbers_in_place(office: Office) -> None:
    header = "".join(f"<th>{title}" for title in HEADER.split(";"))
    first, second = row(1, "5").split(";"), row(2, "7").split(";")
    page = (
        "<html><head><title>không</title></head><p>Đơn vị: triệu đồng<table><tr>" + header
        + "<tr>" + "".join(f"<td rowspan=2>{cell}" if place == 1 else f"<td>{cell}"
                           for place, cell in enumerate(first[:-1])) + "<td x:num='1.5'>2"
        + "<tr>" + "".join(f"<td>{cell}" for place, cell in enumerate(second) if place != 1)
        + "<tr><td colspan=7>Tổng cộng<td>8,5</table></html>"
    )  # fmt: skip
    office.put(f"{LISTING}.xls", page)

    register, staged = office.register(), office.staged()

    assert staged["amount"].to_list() == [1_500_000, 7_000_000]
    assert staged["posting_date"].null_count() == 1  # a merged cell stands only in its first row
    assert register["amount_total_row"].to_list() == [8_500_000]


@pytest.mark.parametrize("opened", ["<!--", "<td a=", "<![CDATA[", '<a "', "&#", "<table>"])
def test_a_page_full_of_what_never_closes_does_not_hang(office: Office, opened: str) -> None:
    office.put(f"{LISTING}.xls", f"<table><tr><td>1{opened * 300_000}")

    assert "no header row" in office.problem()


@pytest.mark.parametrize("charset", ["utf-8", "windows-1258", "iso-8859-1", "x-unknown"])
def test_a_page_that_names_the_wrong_charset_is_read_by_what_its_bytes_are(
    office: Office, charset: str
) -> None:
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in line.split(";")) for line in TEXT.splitlines())
    office.put(f"{LISTING}.xls", f"<html><meta charset='{charset}'><table>{body}</table>".encode())

    assert amounts(office) == [5000, 7000]


def test_old_letters_in_the_cells_of_a_workbook_are_told_by_their_words(office: Office) -> None:
    tcvn3 = "Ngµy;Sè chøng tõ;M·;Ph­êng;TiÓu môc;Ng­êi nép;Sè tiÒn"
    assert from_tcvn3(tcvn3.encode("latin-1")) == "Ngày;Số chứng từ;Mã;Phường;Tiểu mục;Người nộp;Số tiền"
    office.workbook(
        f"{LISTING}.xlsx",
        Thu=[tcvn3.split(";"), ["30/06/2020", "A1", "00118", "Ngäc Thôy", "1701", "C«ng ty", 5]],
    )

    assert office.staged().select("unit_key", "amount").rows() == [("00118@2004", 5)]
    assert office.register()["notes"].to_list() == ["its letters are no Unicode and were read as TCVN3"]


def test_words_are_told_from_noise() -> None:
    assert from_vni("Phöôøng Ngoïc Thuïy, ÑOÀNG, Öùng, kyõ, Yeâu".encode("cp1252")) == (
        "Phường Ngọc Thụy, ĐỒNG, Ứng, kỹ, Yêu"
    )
    assert all(
        is_syllable(word) for word in ["Nguyễn", "Thượng", "khuỷu", "Quyết", "nghiêng", "giặt", "Ủy", "ĐỒNG"]
    )
    assert not any(is_syllable(word) for word in ["Ph­êng", "tiÒn", "Ngoïc", "bắk", "ấấ", "Société"])
    assert syllable_share("plain words only") is None


@pytest.mark.parametrize(
    ("limits", "content", "ending", "said"),
    [
        ({"file_bytes": 100}, TEXT.encode(), ".csv", "more than the limit 'file_bytes' of 100 allows"),
        ({"unpacked_bytes": 100}, gzip.compress(TEXT.encode()), ".csv.gz", "limit 'unpacked_bytes' of 100"),
        ({"page_bytes": 50}, b"<table>" + b"x" * 50, ".xls", "limit 'page_bytes' of 50"),
        ({"sheet_cells": 5}, b"<table><tr><td>1<td>2<td>3<tr><td>1", ".xls", "limit 'sheet_cells' of 5"),
        ({"table_cells": 10}, TEXT.encode(), ".csv", "limit 'table_cells' of 10"),
    ],
)
def test_what_is_too_large_is_refused_by_the_name_of_its_limit(
    office: Office, limits: dict[str, int], content: bytes, ending: str, said: str
) -> None:
    small = limited(office, **limits)
    small.put(LISTING + ending, content)

    problem = small.register()["problem"].item()
    assert said in problem
    assert "raise the limit under 'limits' in authority.yaml" in problem


def test_a_zip_bomb_is_refused_by_what_its_directory_says(office: Office) -> None:
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(squeezed.compress(b"0" * 1024**2) for _ in range(80)) + squeezed.flush()
    assert len(packed) < 100_000
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("thu_2020-06-30.csv", b"0" * 80 * 1024**2)
    office.put("2020-06-30/bom.zip", buffer.getvalue())
    office.put(f"{LISTING}.csv.gz", gzip.compress(b"0" * 80 * 1024**2))

    told = dict(office.register().select("source_file", "problem").rows())

    assert "times its size, more than the limit 'unpack_ratio' of 200" in told["2020-06-30/bom.zip"]
    assert "times its size, more than the limit 'unpack_ratio' of 200" in told[f"{LISTING}.csv.gz"]


def test_an_archive_of_too_many_files_and_one_with_a_password(office: Office, tmp_path: Path) -> None:
    many = limited(office, members=2)
    many.put("2020-06-30/a.zip", zipped(**{f"{n}.csv": b"x" for n in range(3)}))
    locked = bytearray(zipped(**{"thu_2020-06-30.csv": TEXT.encode()}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + flags] |= 1
    path = tmp_path / "locked.zip"
    path.write_bytes(locked)

    assert "it holds 3 files, more than the limit 'members' of 2" in many.register()["problem"].item()
    [delivery] = deliveries_of(office.authority, path, "2020-06-30/locked.zip")
    assert "protected by a password" in str(delivery.problem)


@pytest.mark.parametrize("formatted_only", [True, False])
def test_a_far_cell_is_refused_unless_it_only_has_a_format(office: Office, *, formatted_only: bool) -> None:
    path = office.landing / f"{LISTING}.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Thu")
        bold = book.add_format({"bold": True})
        for place, line in enumerate(TEXT.splitlines()):
            sheet.write_row(place, 0, line.split(";"))
        if formatted_only:
            sheet.write_blank(1_048_575, 16_383, None, bold)
        else:
            sheet.write(1_048_575, 16_383, "x")

    if formatted_only:
        assert amounts(office) == [5000, 7000]
    else:
        assert "a sheet reaches over 1,048,576 rows and 16,384 columns" in office.problem()


def sheet_xml(path: Path, change: Callable[[str], str]) -> None:
    """Rewrites the first sheet of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    path.write_bytes(zipped(**parts | {name: change(parts[name].decode()).encode()}))


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="200000"><c r="AZ200000"><v>1</v></c></row>',
        '<row><c r="az200000"><v>1</v></c></row>',
        "<row><c r='AZ200000'><v>1</v></c></row>",
        '<row><c r            =            "AZ200000"><v>1</v></c></row>',
        '<row><c s="0" r="AZ200000"><v>1</v></c></row>',
        '<row><c a="/>" r="AZ200000"><v>1</v></c></row>',
        '<row r="199999"><c r="A199999"><v>1</v></c></row><row><c r="AZ200000" s="0"><v>1</v></c></row>',
        f'<row r="200000">{"<c><v>1</v></c>" * 52}</row>',
        f'<row r="199999"></row><row>{"<c><v>1</v></c>" * 52}</row>',
    ],
)
def test_a_far_cell_is_refused_however_its_place_is_written(office: Office, rows: str) -> None:
    small = limited(office, sheet_cells=3_000_000)
    made = small.workbook(f"{LISTING}.xlsx", Thu=[line.split(";") for line in TEXT.splitlines()])
    sheet_xml(made, lambda xml: xml.replace("</sheetData>", f"{rows}</sheetData>"))

    assert "a sheet reaches over 200,000 rows and 52 columns" in small.problem()


def test_a_cell_that_says_twice_where_it_stands_is_refused(office: Office) -> None:
    twice = '<row r="5"><c r="A5" r="XFD1048576"><v>1</v></c></row>'
    made = office.workbook(f"{LISTING}.xlsx", Thu=[line.split(";") for line in TEXT.splitlines()])
    sheet_xml(made, lambda xml: xml.replace("</sheetData>", f"{twice}</sheetData>"))

    assert "damaged" in office.problem()


@pytest.mark.parametrize("called", ["mystyles.xml", "theme1.xml", "sharedStrings.xml", "sheet1.dat", "a.png"])
def test_a_sheet_is_looked_at_whatever_its_part_is_called(office: Office, called: str) -> None:
    small = limited(office, sheet_cells=3_000_000)
    far = '<row r="200000"><c r="AZ200000"><v>1</v></c></row>'
    made = small.workbook(f"{LISTING}.xlsx", Thu=[line.split(";") for line in TEXT.splitlines()])
    sheet_xml(made, lambda xml: xml.replace("</sheetData>", f"{far}</sheetData>"))
    with zipfile.ZipFile(made) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    renamed = {
        name.replace("worksheets/sheet1.xml", f"worksheets/{called}"): part.replace(
            b"worksheets/sheet1.xml", f"worksheets/{called}".encode()
        )
        for name, part in parts.items()
    }
    made.write_bytes(zipped(**renamed))

    assert "a sheet reaches over 200,000 rows and 52 columns" in small.problem()


def test_cells_that_do_not_say_where_they_stand_are_read_in_their_order(office: Office) -> None:
    made = office.workbook(f"{LISTING}.xlsx", Thu=[line.split(";") for line in TEXT.splitlines()])
    sheet_xml(made, lambda xml: re.sub(r' r="[A-Z]*[0-9]+"', "", xml))

    assert amounts(office) == [5000, 7000]


def test_a_far_cell_is_found_wherever_it_lies_among_the_pieces_that_are_looked_at(office: Office) -> None:
    made = office.workbook("made.xlsx", Thu=[["x"]])
    before = len(zipfile.ZipFile(made).read("xl/worksheets/sheet1.xml").partition(b"<sheetData>")[0])
    for shift in range(-40, 40):
        far = " " * (256 * 1024 - before + shift) + '<row><c r="XFD1048576"><v>1</v></c></row>'
        path = office.folder / "far.xlsx"
        path.write_bytes(made.read_bytes())
        sheet_xml(path, lambda xml, far=far: xml.replace("<sheetData>", f"<sheetData>{far}"))  # type: ignore[misc]

        with pytest.raises(ExtractError, match="1,048,576 rows and 16,384 columns"):
            refuse_oversized(path.read_bytes(), "far.xlsx", ReadingLimits(unpack_ratio=1000))


def test_a_table_that_begins_to_the_right_and_is_wider_than_the_alphabet_stays_in_place(
    office: Office,
) -> None:
    lines = [line.split(";") for line in TEXT.splitlines()]
    margin: list[object] = [None] * 30
    office.workbook(f"{LISTING}.xlsx", Thu=[margin + line for line in lines])

    assert amounts(office) == [5000, 7000]


def test_an_opendocument_sheet_that_repeats_a_filled_row_a_million_times_is_refused(office: Office) -> None:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<?xml version="1.0"?><o:document-content xmlns:o="{names}:office:1.0" '
        f'xmlns:t="{names}:table:1.0"><o:body><o:spreadsheet><t:table t:name="Thu">'
        '<t:table-row t:number-rows-repeated="1000000"><t:table-cell t:number-columns-repeated="100" '
        'o:value-type="float" o:value="1"/></t:table-row></t:table></o:spreadsheet></o:body>'
        "</o:document-content>"
    )
    mark = "application/vnd.oasis.opendocument.spreadsheet"
    office.put(f"{LISTING}.ods", zipped(**{"mimetype": mark.encode(), "content.xml": content.encode()}))

    assert "a sheet reaches over 1,000,000 rows and 100 columns" in office.problem()
