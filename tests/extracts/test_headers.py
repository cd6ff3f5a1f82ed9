"""A form's header is found by its words; what is no data below it is told apart from what is."""

import pytest

from extracts.raw import read_kept
from extracts.text import fold
from tests.extracts.conftest import HEADER, Office, row

PLAN = "2020-01-02/du_toan_2020.xlsx"
TOP: list[object] = ["TT", "Phường", "Tổng", "Trong đó", ""]
SUB: list[object] = ["", "", "", "Thuế", "Phí"]


def kinds(office: Office) -> dict[int, str]:
    """Row number → kind, of the only file that was read."""
    office.register()
    [kept] = office.store.rglob("*.parquet")
    return dict(read_kept(kept).select("row_number", "row_kind").rows())


def test_a_header_far_down_is_found(office: Office) -> None:
    office.listing(row(1, "5"), title="Trang bìa\n" * 50)

    assert office.staged()["row_number"].to_list() == [52]


def test_a_header_nowhere_near_the_top_is_said_to_be_missing(office: Office) -> None:
    office.listing(row(1, "5"), title="Trang bìa\n" * 100)

    assert "no header row of form 'listing' found in the first 60 rows (looked for 'Ngày'" in office.problem()


def test_a_missing_column_is_named_with_the_header_row(office: Office) -> None:
    office.put("2020-06-30/thu_2020-06-30.csv", f"Kho bạc\n{HEADER.replace('Số tiền', 'Tiền')}\n{row()}\n")

    assert "row 2: the header lacks 'Số tiền'. Restore the column" in office.problem()


def test_two_columns_of_one_title_are_no_evidence_for_either(office: Office) -> None:
    header = f"{HEADER};Số tiền"
    office.put("2020-06-30/thu_2020-06-30.csv", f"{header}\n{row()};7\n")

    assert "the header lacks one 'Số tiền' (columns 8 and 9 are both called so)" in office.problem()


def test_merged_header_cells_are_read_over_their_columns(office: Office) -> None:
    office.workbook(PLAN, Thu=[["Đơn vị"], TOP, SUB, [1, "Long Biên", 12, 10.5, 1.5]])

    staged = office.staged("estimate")

    assert staged.select("unit_key", "line_code", "amount", "row_number", "source_column").rows() == [
        ("00145@2004", "fees", 1_500_000, 4, "Phí"),
        ("00145@2004", "tax", 10_500_000, 4, "Thuế"),
    ]


def test_an_untitled_column_beside_a_merged_cell_takes_no_title_from_it(office: Office) -> None:
    top: list[object] = ["TT", "Phường", "", "Trong đó", ""]
    office.workbook(PLAN, Thu=[top, SUB, [1, "Long Biên", "ghi chú", 10, 1]])

    assert office.staged("estimate")["unit_key"].unique().to_list() == ["00145@2004"]


def test_totals_sections_column_numbers_and_signatures_are_no_data(office: Office) -> None:
    office.workbook(
        PLAN,
        Thu=[
            TOP, SUB,
            ["A", "B", "1=2+3", "2", "3"],
            ["I. Các phường"],
            [1, "Long Biên", 12, 10, 2],
            [2, "Ngọc Thụy", 3, 2, 1],
            ["", "Tổng cộng", 15, 12, 3],
            ["", "Hà Nội, ngày 2 tháng 1 năm 2020"],
            ["", "Người lập biểu", "", "", "Chủ tịch"],
        ],
    )  # fmt: skip

    assert kinds(office) == {
        3: "section", 4: "section", 5: "data", 6: "data", 7: "total", 8: "section", 9: "data",
    }  # fmt: skip
    # The last row has a text where money should be: it is refused by an expectation, not passed over.
    counted = office.register().select("rows_received", "rows_data", "rows_not_data", "amount_total_row")
    assert counted.row(0) == (7, 3, 4, 15_000_000)


def test_a_ward_whose_name_begins_like_a_total_is_a_ward(office: Office) -> None:
    office.workbook(PLAN, Thu=[TOP, SUB, [1, "Cộng Hòa", 12, 10, 2], ["", "Cộng", 12, 10, 2]])

    assert kinds(office) == {3: "data", 4: "total"}
    assert office.staged("estimate")["unit_key"].unique().to_list() == ["00300@2004"]


@pytest.mark.parametrize("name", ["Tổng cộng", "CỘNG", "Tổng số", "To\u0302\u0309ng co\u0323\u0302ng:"])
def test_a_totals_row_is_known_by_its_words_in_any_writing(office: Office, name: str) -> None:
    office.listing(row(1, "5"), f";;;;{name};;;5")

    assert kinds(office) == {2: "data", 3: "total"}
    assert fold(name).startswith(("tong", "cong"))


def test_a_header_printed_again_on_the_next_page_is_no_data(office: Office) -> None:
    office.listing(row(1, "5"), HEADER, row(2, "6"))

    assert kinds(office) == {2: "data", 3: "section", 4: "data"}


def test_a_data_row_that_lacks_keys_stays_data(office: Office) -> None:
    office.listing(row(1, "5"), ";30/06/2020;A2;;;1701;;6", ";;;;Tổng cộng;;;11", ";;;;;;;7")

    assert kinds(office) == {2: "data", 3: "data", 4: "total", 5: "data"}


def test_a_table_without_rows_is_refused_with_the_way_to_say_nothing_came(office: Office) -> None:
    office.listing()

    assert "row 1: there are no rows below the header. If nothing was collected, send a row that says 0" in (
        office.problem()
    )
