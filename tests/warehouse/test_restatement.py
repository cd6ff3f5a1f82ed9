"""What was stated anew between two nights, apart from what was stated for the first time."""

import polars as pl

from tests.warehouse.district import A, B, day, delivery
from warehouse.ledger import build_ledger
from warehouse.restatement import restated_since

BEFORE, TONIGHT = day("06-10"), day("06-11")


def ledger(*deliveries: pl.DataFrame) -> pl.DataFrame:
    staged = pl.concat(deliveries)
    return build_ledger("receipt", staged, staged.clear(), staged)


def amounts(rows: pl.LazyFrame | None) -> list[tuple[str, int]]:
    assert rows is not None
    return sorted(rows.select("unit_key", "amount").collect().rows())


FIRST = delivery(1, "06-05", (A, "1701", "06-05", 100), (B, "1701", "06-05", 200), scope="06-05")


def test_new_days_alone_restate_nothing() -> None:
    new = delivery(2, "06-11", (A, "1701", "06-11", 7), scope="06-11")
    assert restated_since(ledger(FIRST, new), BEFORE, TONIGHT) is None


def test_a_day_sent_again_stands_in_place_of_what_it_replaces_and_new_days_stay_out() -> None:
    again = delivery(2, "06-11", (A, "1701", "06-05", 150), scope="06-05")
    new = delivery(3, "06-11", (A, "1701", "06-11", 7), scope="06-11")
    assert amounts(restated_since(ledger(FIRST, again, new), BEFORE, TONIGHT)) == [(A, 150)]


def test_what_is_sent_again_after_tonight_is_not_known_yet() -> None:
    later = delivery(2, "06-12", (A, "1701", "06-05", 150), scope="06-05")
    assert restated_since(ledger(FIRST, later), BEFORE, TONIGHT) is None


def test_what_the_night_before_knew_already_is_no_restatement_of_tonight() -> None:
    again = delivery(2, "06-09", (A, "1701", "06-05", 150), scope="06-05")
    assert restated_since(ledger(FIRST, again), BEFORE, TONIGHT) is None


def test_a_ward_s_report_restates_that_ward_and_another_s_first_report_is_new() -> None:
    month = ("06-01", "06-05")
    old = delivery(1, "06-05", (A, "1701", "06-05", 100), scope=month, of_unit=True, cumulative=True)
    again = delivery(2, "06-11", (A, "1701", "06-05", 150), scope=month, of_unit=True, cumulative=True)
    first = delivery(3, "06-11", (B, "1701", "06-05", 60), scope=month, of_unit=True, cumulative=True)
    rows = ledger(old, again, first)
    assert amounts(restated_since(rows, BEFORE, TONIGHT)) == [(A, 150)]
