"""What a later night knows otherwise: by unit, line and month, with the file that did it."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warehouse.district import A, B, day, delivery, district
from warehouse.ledger import as_known, build_ledger, flows
from warehouse.projections import empty_frame
from warehouse.revisions import compared_nights, restatements
from warehouse.tables.ledger import QUARANTINE

NOTHING_HELD = empty_frame(QUARANTINE)
JUNE = dt.date(2020, 6, 1)


def ledger(*deliveries: pl.DataFrame) -> pl.DataFrame:
    stated = pl.concat(deliveries)
    return build_ledger("receipt", stated, stated.clear(), stated)


def since(rows: pl.DataFrame, before: str, night: str) -> list[tuple[str, str, str, int, int, str]]:
    told = restatements(district(), rows, NOTHING_HELD, [day(before)], day(night))
    return [
        (unit, line, str(month)[5:7], previous, current, file)
        for unit, line, month, previous, current, file in told.select(
            "unit_key", "line_code", "month", "previous_amount", "current_amount", "source_file"
        ).sort("unit_key", "line_code", "month").rows()
    ]  # fmt: skip


def test_a_correction_shows_both_figures_and_its_file() -> None:
    rows = ledger(
        delivery(1, "06-15", (A, "1701", "06-15", 100), (B, "1701", "06-15", 40), scope="06-15"),
        delivery(2, "06-17", (A, "1701", "06-15", 90), (B, "1701", "06-15", 40), scope="06-15", name="b.csv"),
    )

    assert since(rows, "06-16", "06-18") == [(A, "vat", "06", 100, 90, "06-17/b.csv")]
    assert since(rows, "06-17", "06-18") == []


def test_a_row_that_a_correction_no_longer_has_is_laid_to_the_correction() -> None:
    rows = ledger(
        delivery(1, "06-15", (A, "1701", "06-15", 100), (B, "1701", "06-15", 40), scope="06-15"),
        delivery(2, "06-17", (A, "1701", "06-15", 100), scope="06-15", name="b.csv"),
    )

    assert since(rows, "06-16", "06-18") == [(B, "vat", "06", 40, 0, "06-17/b.csv")]


def test_a_day_that_came_late_is_restated_and_a_new_day_is_not() -> None:
    rows = ledger(
        delivery(1, "06-15", (A, "1701", "06-15", 100), scope="06-15"),
        delivery(2, "06-18", (A, "1701", "06-12", 7), scope="06-12", name="late.csv"),
        delivery(3, "06-18", (A, "1701", "06-18", 9), scope="06-18"),
    )

    assert since(rows, "06-16", "06-18") == [(A, "vat", "06", 100, 107, "06-18/late.csv")]


def test_a_cumulative_month_sent_again_moves_the_next_month_by_the_same_file() -> None:
    months = [
        delivery(n, posted, (A, "1701", posted, figure), scope=posted, of_unit=True, cumulative=True)
        for n, (posted, figure) in enumerate((("01-31", 10), ("02-29", 25)), start=1)
    ]
    again = delivery(3, "03-05", (A, "1701", "01-31", 12), scope="01-31", of_unit=True, cumulative=True,
                     name="again.csv")  # fmt: skip

    assert since(ledger(*months, again), "03-01", "03-31") == [
        (A, "vat", "01", 10, 12, "03-05/again.csv"), (A, "vat", "02", 15, 13, "03-05/again.csv")
    ]  # fmt: skip


def test_several_files_are_named_the_one_with_the_most_money_first() -> None:
    rows = ledger(
        delivery(1, "06-15", (A, "1701", "06-15", 1), (A, "1701", "06-16", 1)),
        delivery(2, "06-20", (A, "1701", "06-15", 5), scope="06-15", name="small.csv"),
        delivery(3, "06-20", (A, "1701", "06-16", 50), scope="06-16", name="large.csv"),
    )

    [(*_, file)] = since(rows, "06-19", "06-21")
    assert file == "06-20/large.csv; 06-20/small.csv"


def test_the_nights_compared_are_the_last_one_and_the_last_of_each_month() -> None:
    published = [day(one) for one in ("2019-12-31", "01-05", "01-31", "02-10", "06-28", "06-29", "07-02")]

    nights = compared_nights(published, day("06-30"), day("01-01"))

    assert nights == [day(one) for one in ("01-31", "02-10", "06-29")]
    assert compared_nights(published, day("01-01"), day("01-01")) == [day("2019-12-31")]
    assert compared_nights([], day("06-30"), day("01-01")) == []


SENT = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 4), st.sampled_from([A, B]), st.integers(-50, 50)),
    min_size=1, max_size=8,
)  # fmt: skip


@given(SENT, st.integers(0, 9))
@settings(max_examples=80, deadline=None)
def test_restated_and_new_money_make_the_change(sent: list[tuple[int, int, str, int]], before: int) -> None:
    def when(offset: int) -> str:
        return str(JUNE + dt.timedelta(days=offset))

    ordered = sorted(sent, key=lambda one: one[0])
    rows = ledger(
        *(
            delivery(order, when(came), (unit, "1701", when(stated), amount), scope=when(stated))
            for order, (came, stated, unit, amount) in enumerate(ordered, start=1)
        )
    )

    def collected(night: int, until: int) -> int:
        moved = flows(as_known(rows, day(when(night))), ["unit_key", "item_code", "line_code"], 1)
        return int(moved.filter(pl.col("posting_date") <= day(when(until)))["amount"].sum())

    told = restatements(district(), rows, NOTHING_HELD, [day(when(before))], day(when(9)))
    new = collected(9, 9) - collected(9, before)
    assert told["difference_amount"].sum() == collected(9, 9) - collected(before, before) - new
    assert told["source_file"].null_count() == 0


@pytest.mark.parametrize(
    ("came", "after_lock"),
    [("2020-06-05", False), ("2020-06-08", False), ("2020-06-09", True)],  # 5 June + 3 days: a Monday
)
def test_what_is_learned_after_the_books_were_closed_is_told_apart(came: str, after_lock: bool) -> None:
    locks = {"month_after_days": 8, "year_after_days": 31, "assumed": True, "source": "of this test"}
    rows = ledger(
        delivery(1, "05-15", (A, "1701", "05-15", 100), scope="05-15"),
        delivery(2, came, (A, "1701", "05-15", 90), scope="05-15", name="b.csv"),
    )
    night = day("06-20")

    told = restatements(
        district(locks=locks, holidays_country="VN"), rows, NOTHING_HELD, [day("05-20")], night
    )
    unsaid = restatements(district(), rows, NOTHING_HELD, [day("05-20")], night)

    assert told["is_after_lock"].to_list() == [after_lock]
    assert unsaid["is_after_lock"].to_list() == [None]
