"""What was expected, what came and when, and how far each unit's data reaches."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from authorities.forms import ExtractForm
from authorities.model import ALL, UNALLOCATED, Authority, Unit
from tests.warehouse.district import WARDS, A, B, day, delivery, district
from warehouse.arrivals import complete_days, extract_arrivals, statements, with_last_days
from warehouse.office_calendar import due_day, is_working_day, locked_on, period_ends
from warehouse.projections import polars_schema
from warehouse.tables.declare import Table
from warehouse.tables.ledger import CORE_DELIVERY
from warehouse.tables.marts import (
    MART_DISTRICT_BRIEF,
    MART_QUARANTINE,
    MART_RECONCILIATION_BREAK,
    MART_YEAR_END_FORECAST,
)

Stated = tuple[str, str, str, bool] | tuple[str, str, str, bool, bool]
"""Unit, last day stated, day received, whether in an earlier file's bytes, whether it says nothing."""


def form(expected: dict[str, Any] | None, code: str = "listing", of: str = "authority") -> ExtractForm:
    return ExtractForm.model_validate({
        "form_code": code, "title": "", "sender": "treasury", "dataset": "receipt",
        "recognise": {"file_name": "x"}, "period": {"rule": "row", "length": "day", "of": of},
        "columns": [{"field": "amount", "header": ["A"]}, {"field": "unit_code", "header": ["U"]}],
        "received": {"rule": "folder"}, "expected": expected,
    })  # fmt: skip


def office(every: str, *, due: int = 0, since: str = "2020-06-01", **more: Any) -> Authority:
    expected = {"every": every, "due_after_days": due, "since": since} | more
    return district(forms=(form(expected),), holidays_country="VN")


def stated(*rows: Stated, code: str = "listing") -> pl.DataFrame:
    return pl.DataFrame(
        [
            (code, unit, day(end), day(end), day(received), repeats, zero)
            for unit, end, received, repeats, zero in (((*row, False)[:5]) for row in rows)
        ],
        schema={"form_code": pl.String, "unit_key": pl.String, "scope_from": pl.Date, "scope_to": pl.Date,
                "received_on": pl.Date, "repeats": pl.Boolean, "is_zero": pl.Boolean},
        orient="row",
    )  # fmt: skip


def arrival(authority: Authority, night: str, *rows: Stated, unit: str = ALL) -> dict[str, Any]:
    frame = extract_arrivals(authority, stated(*rows), day(night))
    return frame.row(by_predicate=pl.col("unit_key") == unit, named=True)


DAILY = office("working_day", since="2020-06-25")
"""Expected from Thursday 25 June 2020 on."""
THURSDAY, FRIDAY, MONDAY = (
    (ALL, "06-25", "06-25", False),
    (ALL, "06-26", "06-26", False),
    (ALL, "06-29", "06-29", False),
)


def test_an_extract_of_its_day_is_on_time() -> None:
    of = arrival(DAILY, "06-26", THURSDAY, FRIDAY)

    assert (of["status"], of["expected_at"], of["received_at"]) == ("on_time", day("06-26"), day("06-26"))
    assert (of["last_complete_day"], of["missing_periods"]) == (day("06-26"), 0)


def test_nothing_is_expected_of_a_weekend() -> None:
    of = arrival(DAILY, "06-28", THURSDAY, FRIDAY)

    assert (of["status"], of["expected_at"]) == ("on_time", day("06-26"))


def test_the_oldest_missing_extract_is_told_and_all_are_counted() -> None:
    of = arrival(DAILY, "06-30", THURSDAY, MONDAY)

    assert (of["status"], of["expected_at"], of["received_at"]) == ("missing", day("06-26"), None)
    assert (of["missing_periods"], of["last_complete_day"]) == (2, day("06-29"))


def test_what_comes_later_than_the_night_is_not_known_to_it() -> None:
    assert arrival(DAILY, "06-26", THURSDAY, (ALL, "06-26", "06-27", False))["status"] == "missing"


def test_an_extract_after_its_day_is_late() -> None:
    of = arrival(DAILY, "06-28", THURSDAY, (ALL, "06-26", "06-27", False))

    assert (of["status"], of["received_at"]) == ("late", day("06-27"))


def test_a_corrected_extract_came_when_it_first_came() -> None:
    assert arrival(DAILY, "06-28", THURSDAY, (ALL, "06-26", "06-28", False), FRIDAY)["status"] == "on_time"


def test_the_bytes_of_an_earlier_day_are_no_new_extract() -> None:
    of = arrival(DAILY, "06-26", THURSDAY, (ALL, "06-26", "06-26", True))

    assert (of["status"], of["received_at"]) == ("unchanged", day("06-26"))


def test_a_mended_extract_goes_before_the_repeated_bytes() -> None:
    rows = [THURSDAY, (ALL, "06-26", "06-26", True), (ALL, "06-26", "06-27", False)]

    assert arrival(DAILY, "06-28", *rows)["status"] == "late"


def test_offices_are_closed_at_tet_and_open_after_it() -> None:
    tet = [dt.date(2020, 1, 22) + dt.timedelta(days=n) for n in range(9)]

    assert [is_working_day(DAILY, when) for when in tet] == [True, *[False] * 7, True]


def test_an_authority_without_holidays_knows_weekends_only() -> None:
    assert is_working_day(district(), dt.date(2020, 1, 1))
    assert not is_working_day(district(), dt.date(2020, 1, 4))


@pytest.mark.parametrize(
    ("due", "expected_at"),
    [(10, "2020-05-11"), (5, "2020-05-05"), (1, "2020-05-04")],
)
def test_weekends_and_holidays_postpone_what_is_due(due: int, expected_at: str) -> None:
    april = office("month", due=due, since="2020-04-01")

    of = arrival(april, "05-12", (ALL, "04-30", "05-11", False))

    assert of["expected_at"] == day(expected_at)
    assert of["status"] == ("on_time" if due == 10 else "late")


def test_a_month_is_expected_only_once_it_is_due() -> None:
    monthly = office("month", due=10, since="2020-05-01")

    assert extract_arrivals(monthly, stated(), day("06-09")).is_empty()
    assert arrival(monthly, "06-10")["missing_periods"] == 1


def test_each_unit_answers_for_its_own_reports() -> None:
    monthly = office("month", due=10, since="2020-05-01", per_unit=True)
    rows = [(A, "05-31", "06-08", False)]

    assert arrival(monthly, "06-10", *rows, unit=A)["status"] == "on_time"
    assert arrival(monthly, "06-10", *rows, unit=B)["status"] == "missing"


def test_nothing_is_expected_of_a_unit_before_it_was() -> None:
    new = Unit(code="003", name="Mới", valid_from=day("06-01"))
    expected = {"every": "month", "since": "2020-01-01", "per_unit": True}
    authority = district(units=(*WARDS, new), forms=(form(expected),))

    assert arrival(authority, "06-30", unit="003@2020")["missing_periods"] == 1
    assert arrival(authority, "06-30", unit=A)["missing_periods"] == 6


def test_an_extract_of_all_units_has_come_when_its_rows_speak_for_each_unit() -> None:
    monthly = office("month", due=10, since="2020-05-01")

    of = arrival(monthly, "06-10", (A, "05-31", "06-08", False), (B, "05-31", "06-09", False))

    assert (of["status"], of["received_at"], of["last_complete_day"]) == (
        "on_time",
        day("06-08"),
        day("05-31"),
    )


def test_a_yearly_extract_is_due_after_the_fiscal_years_end() -> None:
    april = district(
        forms=(form({"every": "year", "due_after_days": 5, "since": "2018-04-01"}),),
        fiscal_year_start_month=4,
    )

    of = arrival(april, "06-30", (ALL, "2019-03-31", "2019-04-01", False))

    assert (of["status"], of["expected_at"], of["missing_periods"]) == ("missing", day("04-06"), 1)


def test_a_form_without_expectation_has_no_row() -> None:
    assert extract_arrivals(district(forms=(form(None),)), stated(THURSDAY), day("06-30")).is_empty()


# --- how far the data reaches ------------------------------------------------------------------------

OFFICE = district(forms=(form(None), form(None, "report", "unit")))


def reached(night: str, *frames: pl.DataFrame, authority: Authority = OFFICE) -> dict[str, dt.date | None]:
    return dict(complete_days(authority, pl.concat(frames), "receipt", day(night)).iter_rows())


def test_a_listing_of_all_reaches_as_far_for_every_unit() -> None:
    assert reached("06-30", stated(THURSDAY, FRIDAY)) == dict.fromkeys((A, B, ALL), day("06-26"))


def test_a_units_own_report_takes_it_further_and_the_slowest_unit_speaks_for_all() -> None:
    own = stated((A, "06-29", "06-30", False), code="report")

    assert reached("06-30", stated(FRIDAY), own) == {A: day("06-29"), B: day("06-26"), ALL: day("06-26")}


def test_data_that_came_later_does_not_count() -> None:
    assert reached("06-28", stated(FRIDAY, MONDAY))[ALL] == day("06-26")


def test_repeated_bytes_bring_no_data_of_their_period() -> None:
    assert reached("06-30", stated(FRIDAY, (ALL, "06-29", "06-29", True)))[ALL] == day("06-26")


def test_a_period_that_is_not_over_reaches_to_the_night() -> None:
    assert reached("06-15", stated((ALL, "06-30", "06-15", False)))[ALL] == day("06-15")


def test_a_unit_of_which_nothing_came_reaches_nowhere() -> None:
    assert reached("06-30", stated((A, "06-29", "06-30", False), code="report")) == {
        A: day("06-29"), B: None, ALL: day("06-29"),
    }  # fmt: skip


def test_nothing_received_reaches_nowhere() -> None:
    assert reached("06-30", stated()) == {A: None, B: None, ALL: None}


def test_other_datasets_do_not_count() -> None:
    assert reached("06-30", stated(FRIDAY, code="spending"))[ALL] is None


# --- statements --------------------------------------------------------------------------------------


def register(*files: dict[str, Any]) -> pl.DataFrame:
    blank: dict[str, Any] = {
        "delivery_id": "d1", "source_file": "f", "sha256": "", "file_bytes": 1, "form_code": "listing",
        "dataset": "receipt", "status": "read", "problem": "", "notes": "", "unit_key": ALL,
        "received_on": None,
        "received_assumed": False, "scope_from": None, "scope_to": None, "delivery_order": 1,
        "rows_received": 0, "rows_data": 0, "rows_not_data": 0, "amount_received": 0,
        "amount_total_row": None,
    }  # fmt: skip
    return pl.DataFrame([blank | file for file in files], schema=polars_schema(CORE_DELIVERY))


def told(deliveries: pl.DataFrame, *staged: pl.DataFrame) -> set[tuple[str, str, str, bool]]:
    rows = statements(deliveries, list(staged)).select("unit_key", "scope_to", "received_on", "repeats")
    return {(unit, str(end), str(received), repeats) for unit, end, received, repeats in rows.iter_rows()}


NAMED = {"scope_from": day("06-26"), "scope_to": day("06-26"), "received_on": day("06-26")}


def test_a_file_states_the_period_in_its_name_even_without_rows() -> None:
    assert told(register(NAMED)) == {(ALL, "2020-06-26", "2020-06-26", False)}


def test_a_bulk_listing_states_the_days_of_its_rows() -> None:
    bulk = delivery(1, "06-26", (A, "1701", "06-25", 1), (B, "1701", "06-26", 1), (A, "2101", "06-26", 1))

    assert told(register({}), bulk) == {
        (ALL, "2020-06-25", "2020-06-26", False), (ALL, "2020-06-26", "2020-06-26", False),
    }  # fmt: skip


def test_a_report_speaks_for_the_units_in_its_rows() -> None:
    own = delivery(1, "07-05", (A, "1701", "06-30", 1), scope="06-30", of_unit=True)
    file = {
        "unit_key": None,
        "scope_from": day("06-30"),
        "scope_to": day("06-30"),
        "received_on": day("07-05"),
    }

    assert told(register(file), own) == {(A, "2020-06-30", "2020-07-05", False)}


def test_a_repeated_report_speaks_for_the_unit_of_the_first() -> None:
    own = delivery(1, "06-05", (A, "1701", "05-31", 1), scope="05-31", of_unit=True)
    may = {
        "unit_key": None,
        "scope_from": day("05-31"),
        "scope_to": day("05-31"),
        "received_on": day("06-05"),
    }
    june = {"status": "repeated", "unit_key": None, "scope_from": day("06-30"), "scope_to": day("06-30"),
            "received_on": day("07-05")}  # fmt: skip

    assert told(register(may, june), own) == {
        (A, "2020-05-31", "2020-06-05", False), (A, "2020-06-30", "2020-07-05", True),
    }  # fmt: skip


@pytest.mark.parametrize("status", ["unreadable", "not_yet_received", "unclaimed"])
def test_a_file_that_was_not_read_states_nothing(status: str) -> None:
    assert told(register(NAMED | {"status": status})) == set()


def test_missing_zero_and_unchanged_are_three_things() -> None:
    told = [
        arrival(DAILY, "06-26", THURSDAY, *friday)
        for friday in ((), ((ALL, "06-26", "06-26", False, True),), ((ALL, "06-26", "06-26", True),))
    ]

    assert [(of["status"], of["is_zero"]) for of in told] == [
        ("missing", None), ("on_time", True), ("unchanged", False)]  # fmt: skip
    assert arrival(DAILY, "06-26", THURSDAY, FRIDAY)["is_zero"] is False


@pytest.mark.parametrize(
    ("expected", "night", "due"),
    [
        # A month's first half, due on the 15th itself; a quarter, before the 22nd of its last month.
        ({"every": "half_month"}, "2020-07-15", "2020-07-15"),
        ({"every": "half_month"}, "2020-07-14", "2020-06-30"),
        ({"every": "quarter", "due_on_day": 21, "when_closed": "previous"}, "2020-06-19", "2020-06-19"),
        ({"every": "quarter", "due_on_day": 21}, "2020-06-22", "2020-06-22"),  # the 21st is a Sunday
        ({"every": "quarter", "due_after_days": 10}, "2020-07-10", "2020-07-10"),
        # A year's estimate is due before the year; a year's settlement on 31 January after it.
        ({"every": "year", "due_from": "start", "due_after_days": -1, "since": "2019-12-31"}, "2019-12-31",
         "2019-12-31"),
        ({"every": "year", "due_after_days": 31, "since": "2018-12-31"}, "2020-01-31", "2020-01-31"),
    ],
)  # fmt: skip
def test_the_office_s_rhythms(expected: dict[str, Any], night: str, due: str) -> None:
    authority = office(**{"since": "2020-01-01", **expected})
    asked = authority.forms[0].expected
    assert asked is not None

    ends = period_ends(authority, asked, day(night))

    assert max(due_day(authority, end, asked) for end in ends) == day(due)
    told = extract_arrivals(authority, stated(), day(night)).row(0, named=True)
    assert (told["status"], told["missing_periods"]) == ("missing", len(ends))


def test_months_are_locked_after_days_and_december_with_the_year() -> None:
    locks = {"month_after_days": 5, "year_after_days": 31, "assumed": True, "source": "of this test"}
    authority = district(locks=locks, holidays_country="VN")

    assert locked_on(authority, dt.date(2020, 6, 1)) == dt.date(2020, 7, 6)  # the 5th is a Sunday
    assert locked_on(authority, dt.date(2020, 12, 1)) == dt.date(2021, 1, 31)
    assert locked_on(district(), dt.date(2020, 6, 1)) is None


def stamped(mart: Table, frame: dict[str, list[Any]], *rows: pl.DataFrame) -> list[dt.date | None]:
    """Last complete days of a mart's rows on the night of 30 June, by what two forms had stated."""
    authority = district(forms=(form(None), tax_list()))
    told = with_last_days(authority, pl.concat(rows), day("06-30"), {mart.name: pl.DataFrame(frame)})
    return told[mart.name]["last_complete_day"].to_list()


def tax_list() -> ExtractForm:
    return form(None, "tax").model_copy(update={"dataset": "tax_collection"})


def test_every_row_of_a_mart_is_told_how_far_its_own_unit_reaches() -> None:
    units = {"unit_key": [A, B, ALL, UNALLOCATED]}
    uneven = stated((A, "06-30", "06-30", False), (B, "05-31", "06-10", False))

    assert stamped(MART_YEAR_END_FORECAST, units, uneven) == [
        day("06-30"), day("05-31"), day("05-31"), day("05-31"),
    ]  # fmt: skip


def test_where_two_books_are_compared_the_one_that_ends_first_tells_how_far() -> None:
    treasury, tax = stated((ALL, "06-30", "06-30", False)), stated((ALL, "06-15", "06-16", False), code="tax")
    units = {"unit_key": [A, ALL]}

    assert stamped(MART_RECONCILIATION_BREAK, units, treasury, tax) == [day("06-15")] * 2
    assert stamped(MART_RECONCILIATION_BREAK, units, treasury) == [None, None]


def test_refused_rows_are_told_how_far_their_own_dataset_reaches() -> None:
    treasury, tax = stated((ALL, "06-30", "06-30", False)), stated((ALL, "06-15", "06-16", False), code="tax")
    rows = {"dataset": ["receipt", "tax_collection", "estimate"]}

    assert stamped(MART_QUARANTINE, rows, treasury, tax) == [day("06-30"), day("06-15"), None]


def test_a_mart_without_units_is_told_how_far_the_slowest_reaches() -> None:
    uneven = stated((A, "06-30", "06-30", False), (B, "05-31", "06-10", False))

    assert stamped(MART_DISTRICT_BRIEF, {"units_total": [2]}, uneven) == [day("05-31")]
    assert stamped(MART_DISTRICT_BRIEF, {"units_total": [2]}, stated()) == [None]
