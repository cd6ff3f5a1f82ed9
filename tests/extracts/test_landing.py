"""Which files lie in the landing folder, whatever state they are in, and which of them counts."""

import datetime as dt
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from extracts.landing import LandingError, scan_landing
from extracts.raw import read_delivery
from tests.extracts.conftest import AS_OF, HEADER, Office, row


def statuses(office: Office, as_of: dt.date = AS_OF) -> dict[str, str]:
    return dict(office.register(as_of).select("source_file", "status").rows())


def sorted_by_name(told: dict[str, str]) -> Iterator[str]:
    return (told[name] for name in sorted(told))


def test_a_landing_folder_that_is_not_there_or_empty_is_said_so(office: Office) -> None:
    with pytest.raises(LandingError, match=r"does not exist. Create it and put the extracts there"):
        scan_landing(office.authority, office.landing)
    office.put(".DS_Store", "x")
    with pytest.raises(LandingError, match=r"holds no files. Put the extracts there and run again"):
        scan_landing(office.authority, office.landing)


def test_hidden_locked_and_half_copied_files_are_passed_over(office: Office) -> None:
    office.listing(row())
    for name in (
        ".hidden.csv",
        "~$thu.xlsx",
        "thu.csv.part",
        "THU.TMP",
        "Thumbs.db",
        ".git/config",
        "__MACOSX/x",
    ):
        office.put(name, "x")

    assert statuses(office) == {"2020-06-30/thu_2020-06-30.csv": "read"}


def test_a_file_no_form_claims_is_listed_with_what_to_do(office: Office) -> None:
    office.listing(row())
    office.put("doc.txt", "x")

    [problem] = office.register().filter(pl.col("status") == "unclaimed")["problem"]
    assert problem.startswith("doc.txt: no form claims this file. Rename it as a known form expects")


def test_order_does_not_depend_on_the_order_of_writing(office: Office, tmp_path: Path) -> None:
    names = [f"2020-06-{day:02}/thu_2020-06-{day:02}{part}.csv" for day in range(1, 9) for part in ("", "_b")]
    orders = []
    for seed in range(3):
        shutil.rmtree(office.landing, ignore_errors=True)
        for place in random.Random(seed).sample(range(len(names)), len(names)):
            office.listing(row(place), name=names[place])
        orders.append(
            [(one.order, one.source_file) for one in scan_landing(office.authority, office.landing)]
        )

    assert orders[0] == orders[1] == orders[2] == list(enumerate(names, start=1))


def test_the_time_of_a_file_says_nothing_of_when_it_came(office: Office) -> None:
    path = office.listing(row())
    before = office.register()
    os.utime(path, (0, 0))

    assert office.register().equals(before)


def test_the_same_bytes_again_count_once_and_a_corrected_file_counts_anew(office: Office) -> None:
    office.listing(row(1, "5"))
    office.listing(row(1, "5"), name="2020-06-30/thu_2020-06-30_lan_2.csv")
    office.listing(row(1, "6"), name="2020-06-30/thu_2020-06-30_sua.csv")

    assert list(sorted_by_name(statuses(office))) == ["read", "repeated", "read"]
    assert office.staged()["amount"].to_list() == [5, 6]


def test_of_one_day_the_file_with_the_higher_number_came_later(office: Office) -> None:
    names = ["thu_2020-06-30.csv", "thu_2020-06-30 (2).csv", "thu_2020-06-30 (10).csv"]
    for place, name in enumerate(reversed(names)):
        office.listing(row(place), name=f"2020-06-30/{name}")

    scanned = scan_landing(office.authority, office.landing)
    assert [one.source_file.removeprefix("2020-06-30/") for one in scanned] == names


def test_a_copy_of_a_misplaced_file_counts_in_its_right_place(office: Office) -> None:
    misplaced = "kho/khong_ngay/2020-13-45/thu_2020-06-30.csv"
    office.listing(row(1, "5"), name=misplaced)
    office.listing(row(1, "5"))

    assert statuses(office) == {misplaced: "unreadable", "2020-06-30/thu_2020-06-30.csv": "read"}


def test_equal_plans_of_two_years_are_two_statements(office: Office) -> None:
    made = office.workbook(
        "2019-01-02/du_toan_2019.xlsx", Thu=[["Phường", "", ""], ["", "Thuế", "Phí"], ["Long Biên", 1, 2]]
    )
    office.put("2020-01-02/du_toan_2020.xlsx", made.read_bytes())

    assert set(statuses(office).values()) == {"read"}
    assert office.staged("estimate").select("fiscal_year", "amount").rows() == [
        (2019, 2_000_000), (2019, 1_000_000), (2020, 2_000_000), (2020, 1_000_000),
    ]  # fmt: skip


def test_what_comes_after_the_night_is_not_read(office: Office) -> None:
    office.listing(row())
    office.put("2020-07-01/thu_2020-07-01.csv", "")

    assert list(sorted_by_name(statuses(office))) == ["read", "not_yet_received"]
    assert list(sorted_by_name(statuses(office, dt.date(2020, 7, 1)))) == ["read", "unreadable"]


def test_a_folder_or_name_that_is_no_date_is_said_so(office: Office) -> None:
    office.listing(row(), name="2020-06-31/thu_2020-06-30.csv")
    office.listing(row(2), name="2020-06-30/thu_2020-06-31.csv")

    problems = office.register().filter(pl.col("status") == "unreadable")["problem"].sort()
    assert "its name holds no real date" in problems[0]
    assert "its folder is no real date" in problems[1]


def test_a_link_to_nowhere_is_a_problem_of_its_own_not_of_the_night(office: Office) -> None:
    office.listing(row())
    (office.landing / "2020-06-30" / "thu_2020-06-29.csv").symlink_to("/nowhere/thu.csv")

    assert list(sorted_by_name(statuses(office))) == ["unreadable", "read"]
    assert "it cannot be read (No such file or directory)" in office.problem()


def test_a_linked_folder_is_read_and_a_circle_of_links_ends(office: Office, tmp_path: Path) -> None:
    elsewhere = tmp_path / "share" / "2020-06-30"
    elsewhere.mkdir(parents=True)
    (elsewhere / "thu_2020-06-30.csv").write_text(f"{HEADER}\n{row()}\n", encoding="utf-8")
    office.landing.mkdir()
    (office.landing / "kho").symlink_to(tmp_path / "share")
    (elsewhere / "back").symlink_to(tmp_path / "share")

    assert statuses(office) == {"kho/2020-06-30/thu_2020-06-30.csv": "read"}


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not hold for root")
def test_a_file_that_may_not_be_read_is_said_so(office: Office) -> None:
    office.listing(row())
    office.listing(row(2), name="2020-06-30/thu_2020-06-29.csv").chmod(0)

    assert "it cannot be read (Permission denied)" in office.problem()


def test_a_file_that_goes_away_after_the_scan_is_a_problem_of_its_own(office: Office) -> None:
    path = office.listing(row())
    [delivery] = scan_landing(office.authority, office.landing)
    path.unlink()

    problem = read_delivery(delivery, office.store).problem
    assert "it cannot be read (No such file or directory). Check that it is still there" in str(problem)


def test_a_file_that_changes_after_the_scan_is_not_kept_under_the_old_digest(office: Office) -> None:
    office.listing(row(1, "5"))
    [delivery] = scan_landing(office.authority, office.landing)
    office.listing(row(1, "5"), row(2, "6"))

    assert "the file changed while it was being read" in str(read_delivery(delivery, office.store).problem)
    assert not list(office.store.rglob("*.parquet"))


def test_a_name_that_is_no_unicode_can_be_shown(office: Office) -> None:
    office.listing(row())
    (office.landing / os.fsdecode(b"gh\xed.csv")).write_text("x", encoding="utf-8")

    assert statuses(office)["gh\\xed.csv"] == "unclaimed"


def test_a_name_written_decomposed_is_recognised(office: Office) -> None:
    form = office.authority.forms[0]
    named = form.model_copy(
        update={"recognise": form.recognise.model_copy(update={"file_name": "bảng_kê/2020-06-30/thu_"})}
    )
    other = replace(office, authority=office.authority.model_copy(update={"forms": (named,)}))
    other.listing(row(), name="ba\u0309ng_ke\u0302/2020-06-30/thu_2020-06-30.csv")

    assert statuses(other) == {"bảng_kê/2020-06-30/thu_2020-06-30.csv": "read"}


def test_a_year_is_the_fiscal_year(office_from: Callable[[int], Office]) -> None:
    office = office_from(4)
    office.workbook(
        "2020-04-02/du_toan_2020.xlsx", Thu=[["Phường", "", ""], ["", "Thuế", "Phí"], ["Long Biên", 1, 2]]
    )

    staged = office.staged("estimate").select("fiscal_year", "scope_from", "scope_to").unique()
    assert staged.rows() == [(2020, dt.date(2020, 4, 1), dt.date(2021, 3, 31))]
