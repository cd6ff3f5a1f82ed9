"""The way of a night, by plans over rows that were staged and judged on nights before, against all of it made
anew in memory."""

from functools import partial
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from expectations.validation import Validation, counting_rows, settle, validate, with_broken_rule
from extracts.completeness import empty_statements
from extracts.intake import scan_dataset, stage_dataset
from extracts.raw import read_kept
from tests.extracts.conftest import Office, row
from warehouse.ledger import build_ledger, build_quarantine, ledger_rows

JUNE_15, AGAIN, NEXT = (
    "2020-06-15/thu_2020-06-15.csv", "2020-06-16/thu_2020-06-15.csv", "2020-06-17/thu_2020-06-17.csv",
)  # fmt: skip
DOUBTED = "delivery_is_whole"


def of_the_night(office: Office, kept: Path) -> tuple[Validation, pl.DataFrame, pl.DataFrame]:
    """What was found, ledger and quarantine of the receipts, over what is kept."""
    register = office.register()
    judged = partial(with_broken_rule, "receipt")
    staged = scan_dataset(office.authority, "receipt", register, office.store, kept, judged)
    empty = empty_statements(office.authority, "receipt", register)
    found = settle("receipt", staged)
    ledger = ledger_rows("receipt", counting_rows("receipt", staged), staged, empty).collect()
    return found, ledger, build_quarantine("receipt", found.refused, staged, empty)


def in_memory(office: Office) -> tuple[Validation, pl.DataFrame, pl.DataFrame]:
    register = office.register()
    staged = stage_dataset(office.authority, "receipt", register, office.store)
    empty = empty_statements(office.authority, "receipt", register)
    found = validate("receipt", staged)
    ledger = build_ledger("receipt", found.accepted, found.unallocated, staged, empty)
    return found, ledger, build_quarantine("receipt", found.refused, staged, empty)


def test_a_night_over_kept_rows_finds_what_all_in_memory_does(office: Office, tmp_path: Path) -> None:
    june = {"day": "15/06/2020"}
    nowhere = {"code": "", "name": "Nowhere", **june}
    bad = [row(7, "?", **june), row(8, "5", **nowhere), row(8, "5", **nowhere)]
    office.listing(*(row(number, "5", **june) for number in range(1, 7)), *bad, name=JUNE_15)
    of_the_night(office, tmp_path / "staged")
    office.listing(row(1, "9", **june), name=AGAIN)
    office.listing(row(1, "7", day="17/06/2020"), name=NEXT)

    night, ledger, quarantine = of_the_night(office, tmp_path / "staged")
    whole, same_ledger, same_quarantine = in_memory(office)

    broken = sorted(quarantine["rule"])
    assert broken == ["amount_is_a_number", DOUBTED, "document_line_not_repeated", "unit_is_known"]
    assert sorted(ledger["amount"]) == [5] * 7 + [7]
    assert night.sums == whole.sums
    assert night.results == whole.results
    assert_frame_equal(night.refused, whole.refused)
    assert_frame_equal(ledger, same_ledger)
    assert_frame_equal(quarantine, same_quarantine)


def test_money_beyond_64_bits_is_added_up_all_the_same() -> None:
    from tests.expectations.frames import staged

    most = 9 * 10**17
    found = validate(
        "receipt", staged("receipt", *[{"amount": most, "document_no": str(n)} for n in range(12)])
    )

    assert found.sums["accepted"].amount == 12 * most
    assert found.success


def test_what_a_killed_night_was_keeping_goes(office: Office) -> None:
    office.listing(row(1))
    office.register()
    raw = next(office.store.glob("*/*.parquet"))
    of_the_dead = raw.with_name(f"{raw.name}.{2**22 + 1}.half")
    of_the_dead.write_bytes(raw.read_bytes())
    of_the_living = raw.with_name(f"{raw.name}.1.half")
    of_the_living.write_bytes(raw.read_bytes())

    office.register()

    assert not of_the_dead.exists()
    assert of_the_living.exists()
    assert read_kept(raw).height == 1
