"""Deliveries as files: taken back, cut off, split, archived, empty, mistyped; none of it loses or invents.

The same through frames alone is in ``tests/warehouse/test_ledger.py``.
"""

import datetime as dt
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authorities.forms import Period
from extracts.completeness import empty_statements
from extracts.intake import stage_dataset, take_in
from tests.extracts.conftest import AS_OF, HEADER, Office, build_authority, row
from warehouse.ledger import as_known, build_ledger

DAY = "2020-06-15"
FIRST = f"{DAY}/thu_{DAY}.csv"
FULL = [row(number, f"{number}.000", day="15/06/2020") for number in range(1, 11)]


def total(rows: list[str]) -> str:
    """The totals row of a listing of ``row(n, 'n.000')``."""
    amount = sum(int(line.rsplit(";", 1)[1].replace(".", "")) for line in rows)
    return f"Tổng cộng;;;;;;;{amount}"


def known(office: Office, night: dt.date = AS_OF) -> pl.DataFrame:
    """Receipts of the ledger that stand on a night, every row that is not in doubt taken as accepted."""
    register = office.register(night)
    staged = stage_dataset(office.authority, "receipt", register, office.store)
    sound = staged.filter(pl.col("scope_doubt").is_null(), pl.col("unit_key").is_not_null())
    empty = empty_statements(office.authority, "receipt", register)
    return as_known(build_ledger("receipt", sound, sound.clear(), staged, empty), night)


def amounts(office: Office, night: dt.date = AS_OF) -> list[int]:
    return sorted(known(office, night)["amount"])


def test_a_correction_taken_back_by_the_first_files_bytes_counts_anew(office: Office) -> None:
    office.listing(*FULL, total(FULL), name=FIRST)
    office.listing(*FULL[:9], total(FULL[:9]), name=f"2020-06-17/thu_{DAY}.csv")
    office.listing(*FULL, total(FULL), name=f"2020-06-19/thu_{DAY}.csv")

    nights = [len(amounts(office, dt.date(2020, 6, day))) for day in (15, 17, 19)]

    assert nights == [10, 9, 10]
    assert office.register()["status"].to_list() == ["read"] * 3


def test_a_third_copy_without_a_correction_in_between_is_a_repetition(office: Office) -> None:
    for came in ("2020-06-15", "2020-06-17", "2020-06-19"):
        office.listing(*FULL, name=f"{came}/thu_{DAY}.csv")

    assert sorted(office.register()["status"]) == ["read", "repeated", "repeated"]


def test_a_resend_that_was_cut_off_withdraws_nothing_and_is_held(office: Office) -> None:
    office.listing(*FULL, total(FULL), name=FIRST)
    office.listing(*FULL[:5], name=f"2020-06-17/thu_{DAY}.csv")

    staged = office.staged()

    assert amounts(office) == [number * 1000 for number in range(1, 11)]
    assert staged["scope_doubt"].to_list() == [None] * 10 + ["smaller_than_before"] * 5


def test_a_smaller_resend_that_proves_itself_by_its_total_counts(office: Office) -> None:
    office.listing(*FULL, total(FULL), name=FIRST)
    office.listing(*FULL[:5], total(FULL[:5]), name=f"2020-06-17/thu_{DAY}.csv")

    assert len(amounts(office)) == 5


def test_a_resend_that_does_not_add_up_to_its_total_is_held(office: Office) -> None:
    office.listing(*FULL, total(FULL), name=FIRST)
    office.listing(*FULL[:9], total(FULL), name=f"2020-06-17/thu_{DAY}.csv")

    assert len(amounts(office)) == 10
    assert set(office.staged()["scope_doubt"].drop_nulls()) == {"does_not_add_up"}


def test_after_a_doubted_resend_the_next_is_held_against_what_stands(office: Office) -> None:
    office.listing(*FULL, name=FIRST)
    office.listing(*FULL[:3], name=f"2020-06-17/thu_{DAY}.csv")
    office.listing(*FULL[:4], name=f"2020-06-18/thu_{DAY}.csv")
    office.listing(*FULL[:9], name=f"2020-06-19/thu_{DAY}.csv")

    assert len(amounts(office, dt.date(2020, 6, 18))) == 10
    assert len(amounts(office)) == 9


def test_a_correction_of_nothing_but_a_total_of_zero_withdraws_the_day(office: Office) -> None:
    office.listing(*FULL, total(FULL), name=FIRST)
    office.listing("Tổng cộng;;;;;;;0", name=f"2020-06-17/thu_{DAY}.csv")

    assert len(amounts(office, dt.date(2020, 6, 16))) == 10
    assert amounts(office) == []


def test_a_total_without_its_rows_withdraws_nothing(office: Office) -> None:
    office.listing(*FULL, total(FULL), name=FIRST)
    office.listing(total(FULL), name=f"2020-06-17/thu_{DAY}.csv")

    assert len(amounts(office)) == 10


def test_archived_files_stay_in_the_ledger_and_renamed_ones_count_once(office: Office) -> None:
    office.listing(*FULL, name=FIRST)
    office.listing(row(1, "7", day="16/06/2020"), name="2020-06-16/thu_2020-06-16.csv")
    before = amounts(office)
    (office.landing / FIRST).unlink()

    assert amounts(office) == before

    kept = office.landing / "2020-06-16/thu_2020-06-16.csv"
    kept.rename(kept.with_name("thu_2020-06-16 (ban goc).csv"))
    assert amounts(office) == before
    assert office.register().height == 2


def test_an_earlier_night_run_again_forgets_no_file_that_was_archived(office: Office) -> None:
    office.listing(*FULL, name=FIRST)
    office.listing(row(1, "7", day="16/06/2020"), name="2020-06-16/thu_2020-06-16.csv")
    before = amounts(office)
    (office.landing / "2020-06-16/thu_2020-06-16.csv").unlink()

    assert len(amounts(office, dt.date(2020, 6, 15))) == 10
    assert amounts(office) == before


def test_equal_empty_files_of_two_days_withdraw_each_its_own(office: Office) -> None:
    office.listing(*FULL, total(FULL), name=FIRST)
    office.listing("Tổng cộng;;;;;;;0", name="2020-06-16/thu_2020-06-16.csv")
    office.listing("Tổng cộng;;;;;;;0", name=f"2020-06-17/thu_{DAY}.csv")

    assert amounts(office) == []


# --- bulk listings -----------------------------------------------------------------------------------


@pytest.fixture
def bulk(tmp_path: Path) -> Office:
    """The office with listings whose rows say their own days."""
    authority = build_authority(tmp_path / "small")
    form = authority.forms[0]
    received = form.received.model_copy(update={"rule": "period_end_plus_lag"})
    by_row = form.model_copy(update={"period": Period(rule="row", length="day"), "received": received})
    return Office(authority.model_copy(update={"forms": (by_row,)}), tmp_path)


def test_a_row_mistyped_far_into_the_future_is_known_with_its_listing(bulk: Office) -> None:
    days = [row(number, "5", day=f"{number % 28 + 1:02d}/06/2019") for number in range(40)]
    bulk.listing(*days, row(99, "9", day="15/06/2091"))

    staged = bulk.staged()
    stray = staged.filter(pl.col("amount") == 9).row(0, named=True)

    assert stray["posting_date"] == dt.date(2091, 6, 15)
    assert stray["recorded_at"] == stray["scope_to"] == dt.date(2019, 6, 28)
    assert (staged.filter(pl.col("amount") == 5)["recorded_at"] <= dt.date(2019, 6, 28)).all()


def test_a_listing_of_two_stretches_far_apart_is_believed(bulk: Office) -> None:
    rows = [
        row(number, "5", day=f"{number + 1:02d}/06/{year}") for year in (2010, 2015) for number in range(9)
    ]
    bulk.listing(*rows)

    staged = bulk.staged()

    assert (staged["recorded_at"] == staged["posting_date"]).all()


def test_a_bulk_listing_in_a_dated_folder_is_known_from_that_day(tmp_path: Path) -> None:
    authority = build_authority(tmp_path / "small")
    form = authority.forms[0].model_copy(update={"period": Period(rule="row", length="day")})
    office = Office(authority.model_copy(update={"forms": (form,)}), tmp_path)
    office.listing(row(1, "5", day="01/02/2019"), name="2020-06-20/thu_2020-06-20.csv")

    assert office.staged()["recorded_at"].to_list() == [dt.date(2020, 6, 20)]


# --- parts of a day ----------------------------------------------------------------------------------


def in_parts(office: Office) -> Office:
    """The office whose listings may come in parts: ``thu_2020-06-15 phan 1 tren 2.csv``."""
    form = office.authority.forms[0]
    part = r"phan (?P<part>\d+)(?: tren (?P<parts>\d+))?"
    period = form.period.model_copy(update={"part": part})
    forms = (form.model_copy(update={"period": period}), *office.authority.forms[1:])
    return replace(office, authority=office.authority.model_copy(update={"forms": forms}))


def test_parts_of_a_day_stand_beside_one_another(office: Office) -> None:
    office = in_parts(office)
    office.listing(*FULL[:4], name=f"{DAY}/thu_{DAY} phan 1 tren 2.csv")
    office.listing(*FULL[4:], name=f"{DAY}/thu_{DAY} phan 2 tren 2.csv")

    assert len(amounts(office)) == 10


def test_a_part_sent_again_replaces_that_part_and_a_whole_day_all_parts(office: Office) -> None:
    office = in_parts(office)
    office.listing(*FULL[:4], name=f"{DAY}/thu_{DAY} phan 1 tren 2.csv")
    office.listing(*FULL[4:], name=f"{DAY}/thu_{DAY} phan 2 tren 2.csv")
    office.listing(
        row(1, "8.000", day="15/06/2020"), *FULL[1:4], name=f"2020-06-16/thu_{DAY} phan 1 tren 2.csv"
    )
    office.listing(*FULL, name=f"2020-06-18/thu_{DAY}.csv")

    assert sum(amounts(office, dt.date(2020, 6, 17))) == 55_000 + 7_000
    assert sum(amounts(office)) == 55_000


def test_another_number_of_parts_replaces_them_all(office: Office) -> None:
    office = in_parts(office)
    for part, rows in enumerate((FULL[:3], FULL[3:6], FULL[6:]), start=1):
        office.listing(*rows, name=f"{DAY}/thu_{DAY} phan {part} tren 3.csv")
    for part, rows in enumerate((FULL[:5], FULL[5:]), start=1):
        office.listing(*rows, name=f"2020-06-18/thu_{DAY} phan {part} tren 2.csv")

    assert amounts(office) == [number * 1000 for number in range(1, 11)]


# --- in any order, repeated, in pieces -----------------------------------------------------------------

Sent = tuple[int, int, tuple[int, ...]]
"""Day of June on which a listing comes, the day it states, and the amounts of its rows."""
HISTORY = st.lists(
    st.tuples(st.integers(15, 20), st.integers(10, 12), st.lists(st.integers(1, 99), max_size=6).map(tuple)),
    min_size=1, max_size=6, unique_by=lambda sent: sent[:2],
)  # fmt: skip


def write(office: Office, history: list[Sent], cuts: list[int], order: list[int],
          copied: list[bool]) -> None:  # fmt: skip
    """The listings, each in one file or cut in two, some twice, written in an order."""
    files: list[tuple[str, str]] = []
    for (came, stated, rows), cut, twice in zip(history, cuts, copied, strict=True):
        lines = [row(number, str(amount), day=f"{stated}/06/2020") for number, amount in enumerate(rows)]
        stem = f"2020-06-{came}/thu_2020-06-{stated}"
        pieces = (
            [lines] if cut == 0 or len(lines) < 2 else [lines[: len(lines) // 2], lines[len(lines) // 2 :]]
        )
        for place, piece in enumerate(pieces, start=1):
            name = stem if len(pieces) == 1 else f"{stem} phan {place} tren {len(pieces)}"
            text = "\n".join([HEADER, *piece, total(piece)]) + "\n"
            files += [(f"{name}.csv", text)] + ([(f"{name} (1).csv", text)] if twice else [])
    for place in order:
        office.put(*files[place % len(files)])
    for name, text in files:
        office.put(name, text)


@given(HISTORY, st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_copies_and_pieces_change_no_night(
    tmp_path: Path, history: list[Sent], data: st.DataObject
) -> None:
    """A clerk who keeps a folder a day and puts each listing in place of the one before knows the same."""
    many = st.integers(0, 40)
    cuts = data.draw(st.lists(st.integers(0, 1), min_size=len(history), max_size=len(history)))
    copied = data.draw(st.lists(st.booleans(), min_size=len(history), max_size=len(history)))
    folder = tmp_path / "case"
    shutil.rmtree(folder, ignore_errors=True)
    office = in_parts(Office(build_authority(folder / "small"), folder))
    write(office, history, cuts, data.draw(st.lists(many, max_size=8)), copied)

    for night in range(15, 21):
        file = {stated: rows for came, stated, rows in sorted(history) if came <= night}
        expected = sorted(amount for rows in file.values() for amount in rows)
        assert amounts(office, dt.date(2020, 6, night)) == expected


@given(HISTORY)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_night_knew_never_changes(tmp_path: Path, history: list[Sent]) -> None:
    """The ledger of the last night, asked as of each earlier one, gives what that night's own ledger gave."""
    folder = tmp_path / "case"
    shutil.rmtree(folder, ignore_errors=True)
    office = Office(build_authority(folder / "small"), folder)
    nights = [dt.date(2020, 6, day) for day in range(14, 21)]
    seen: dict[dt.date, list[int]] = {}
    for before, night in pairwise(nights):
        arriving = [one for one in history if before.day < one[0] <= night.day]
        write(office, arriving, [0] * len(arriving), [], [False] * len(arriving))
        if office.landing.exists():
            seen[night] = amounts(office, night)
    register = take_in(office.authority, office.landing, office.store, nights[-1])
    staged = stage_dataset(office.authority, "receipt", register, office.store)
    sound = staged.filter(pl.col("scope_doubt").is_null())
    empty = empty_statements(office.authority, "receipt", register)
    ledger = build_ledger("receipt", sound, sound.clear(), staged, empty)
    for night, told in seen.items():
        assert sorted(as_known(ledger, night)["amount"]) == told
