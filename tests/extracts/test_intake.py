"""The register answers for every row and its money; raw rows are kept once, for the owner's eyes only."""

import stat

import polars as pl
import pytest

from extracts.intake import stage_dataset
from extracts.landing import scan_landing
from extracts.raw import read_delivery
from tests.extracts.conftest import Office, row

COUNTS = ["rows_received", "rows_data", "rows_not_data", "amount_received", "amount_total_row"]


def counts(office: Office) -> tuple[object, ...]:
    return office.register().select(COUNTS).row(0)


def test_every_row_below_the_header_is_counted_as_data_or_not(office: Office) -> None:
    office.listing(row(1, "5"), row(2, "không rõ"), "", row(3, "7"), "Tổng cộng;;;;;;;12")

    assert counts(office) == (4, 3, 1, 12, 12)


def test_a_total_that_does_not_add_up_shows_beside_the_sum(office: Office) -> None:
    office.listing(row(1, "5"), row(2, "7"), "Tổng cộng;;;;;;;13")

    assert counts(office)[3:] == (12, 13)


def test_a_file_without_a_readable_total_states_none(office: Office) -> None:
    office.listing(row(1, "5"), "Tổng cộng;;;;;;;#N/A")

    assert counts(office)[3:] == (5, None)


@pytest.mark.parametrize("totals_first", [True, False])
def test_totals_of_sections_are_part_of_the_whole_wherever_it_stands(
    office: Office, totals_first: bool
) -> None:
    whole, parts = "Tổng cộng;;;;;;;12", [row(1, "5"), "Cộng I;;;;;;;5", row(2, "7"), "Cộng II;;;;;;;7"]
    office.listing(*([whole, *parts] if totals_first else [*parts, whole]))

    assert counts(office)[3:] == (12, 12)


def test_totals_of_several_sheets_add_up(office: Office) -> None:
    header: list[list[object]] = [["Phường", "", ""], ["", "Thuế", "Phí"]]
    office.workbook(
        "2020-01-02/du_toan_2020.xlsx",
        Thu1=[*header, ["Long Biên", 1, 2], ["Tổng cộng", 1, 2]],
        Thu2=[*header, ["Ngọc Thụy", 10, 20], ["Phương Liệt", 1, 1], ["Tổng cộng", 11, 21]],
    )

    assert counts(office)[3:] == (35_000_000, 35_000_000)


def test_amounts_that_add_up_to_more_than_money_refuse_the_file(office: Office) -> None:
    office.listing(*[row(n, "9" * 18) for n in range(12)])

    assert "its amounts add up to more than money can be. Check which column" in office.problem()


def test_one_bad_file_does_not_hold_back_the_others(office: Office) -> None:
    office.listing(row(1, "5"))
    office.put("2020-06-30/thu_2020-06-29.csv", "")

    assert office.register()["status"].to_list() == ["unreadable", "read"]
    assert office.staged()["amount"].to_list() == [5]


def test_taking_in_twice_changes_nothing_and_needs_no_second_reading(office: Office) -> None:
    path = office.listing(row(1, "5"), row(2, "6"))
    first, staged = office.register(), office.staged()
    [kept] = office.store.rglob("*.parquet")
    path.write_bytes(path.read_bytes())

    assert office.register().equals(first)
    assert office.staged().equals(staged)
    assert list(office.store.rglob("*.parquet")) == [kept]


def test_staging_needs_only_the_kept_rows(office: Office) -> None:
    office.listing(row(1, "5"))
    register = office.register()
    (office.landing / "2020-06-30" / "thu_2020-06-30.csv").unlink()

    assert stage_dataset(office.authority, "receipt", register, office.store)["amount"].to_list() == [5]


def test_kept_rows_are_for_the_owner_alone_and_staged_rows_name_nobody(office: Office) -> None:
    office.listing(row(1, "5", payer="Trần Văn Kín"))
    staged = office.staged()

    [kept] = office.store.rglob("*.parquet")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o400
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert "Trần Văn Kín" in pl.read_parquet(kept)["taxpayer_name"].to_list()
    assert "Kín" not in staged.write_csv() + office.register().write_csv()


def test_kept_rows_that_a_crash_damaged_are_read_anew(office: Office) -> None:
    office.listing(row(1, "5"))
    before = office.register()
    [kept] = office.store.rglob("*.parquet")
    kept.chmod(0o600)
    kept.write_bytes(b"PAR1")

    assert office.register().equals(before)


def test_a_changed_form_reads_the_file_again(office: Office) -> None:
    office.listing(row(1, "5"))
    [delivery] = scan_landing(office.authority, office.landing)
    assert delivery.form is not None
    numbers = delivery.form.numbers.model_copy(update={"unit": "million"})
    other = office.authority.model_copy(
        update={"forms": (delivery.form.model_copy(update={"numbers": numbers}),)}
    )
    office.register()
    [again] = scan_landing(other, office.landing)

    assert read_delivery(again, office.store).rows["scale"].to_list() == ["million"]
    assert len(list(office.store.rglob("*.parquet"))) == 2


def test_a_store_that_cannot_be_written_is_no_fault_of_the_file(office: Office) -> None:
    office.listing(row(1, "5"))
    office.store.write_text("a file where the folder should be", encoding="utf-8")

    with pytest.raises(OSError, match="store"):
        office.register()
