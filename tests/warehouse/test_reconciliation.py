"""Treasury against tax office: each kind of break on two books small enough to read, and nothing lost."""

from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.model import ALL, UNALLOCATED, Authority
from tests.warehouse.district import LINE_OF, A, B, day, district
from warehouse.marts import at_the_edge
from warehouse.reconciliation import BREAK_KINDS, Reconciled, breaks, coverage, reconcile, summary
from warehouse.tables.marts import MART_RECONCILIATION_BREAK, MART_RECONCILIATION_SUMMARY

NIGHT = day("06-30")
Line = tuple[str, str, str, str, int]
"""Document, unit, item, day and amount."""
DISTRICT = district(reconciliation={"excluded_lines": ["fees"], "timing_tolerance_days": 5})
SAME: Line = ("D1", A, "1701", "06-10", 100)


def book(*lines: Line, scope: tuple[str, str] = ("06-01", "06-30"), came: str = "06-30") -> pl.DataFrame:
    """Ledger rows of one office, as far as the reconciliation looks at them."""
    rows = [
        {
            "document_no": number, "unit_key": unit, "item_code": item,
            "line_code": LINE_OF.get(item, UNALLOCATED), "posting_date": day(posted), "amount": amount,
            "scope_from": day(scope[0]), "scope_to": day(scope[1]), "recorded_at": day(came),
        }
        for number, unit, item, posted, amount in lines
    ]  # fmt: skip
    schema: dict[str, Any] = {
        "document_no": pl.String, "unit_key": pl.String, "item_code": pl.String, "line_code": pl.String,
        "posting_date": pl.Date, "amount": pl.Int64, "scope_from": pl.Date, "scope_to": pl.Date,
        "recorded_at": pl.Date,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def held(treasury: pl.DataFrame, tax: pl.DataFrame, authority: Authority = DISTRICT,
         working: tuple[str, ...] = ()) -> Reconciled:  # fmt: skip
    covered = coverage(treasury, tax, pl.Series([day(one) for one in working], dtype=pl.Date))
    return reconcile(authority, treasury, tax, covered)


def kinds(found: Reconciled) -> dict[str, int]:
    return dict(Counter(found.lines["kind"]))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (("D1", A, "1701", "06-10", 100), "matched"),
        (("D1", A, "1701", "06-10", 190), "amount"),
        (("D1", B, "1701", "06-10", 100), "wrong_ward"),
        (("D1", A, "1401", "06-10", 100), "wrong_code"),
        (("D1", A, "1701", "06-12", 100), "timing"),
        (("D1", A, "1701", "06-28", 100), "adjustment"),
        (("D1", B, "1401", "06-12", 100), "wrong_ward"),
        (("D1", B, "1401", "06-12", 190), "amount"),
        (("D2", A, "1701", "06-10", 100), "matched"),
    ],
    ids=[
        "equal",
        "amount",
        "ward",
        "code",
        "day",
        "day beyond the tolerance",
        "three things",
        "all",
        "number",
    ],
)
def test_of_one_document_what_differs_is_the_kind(said: Line, kind: str) -> None:
    assert kinds(held(book(SAME), book(said))) == {kind: 1}


def test_each_office_s_own_documents_are_missing_in_the_other() -> None:
    found = held(book(SAME, ("D2", A, "1701", "06-11", 7)), book(SAME, ("D3", B, "1701", "06-12", 9)))

    told = breaks(DISTRICT, NIGHT, found).select("break_id", "break_kind", "difference_amount", "age_days")
    assert told.rows() == [("D2", "missing_in_tax", 7, 19), ("D3", "missing_in_treasury", -9, 18)]


@pytest.mark.parametrize(("tolerance", "expected"), [(0, "amount"), (1, "matched")])
@pytest.mark.parametrize("off", [-1, 1])
def test_the_amounts_tolerance_holds_in_both_directions(tolerance: int, expected: str, off: int) -> None:
    authority = district(reconciliation={"amount_tolerance": tolerance})

    assert kinds(held(book(SAME), book((*SAME[:4], 100 + off)), authority)) == {expected: 1}


def test_a_line_and_its_reversal_net_out_beside_the_right_one() -> None:
    wrong: Line = ("D1", B, "1701", "06-10", 100)
    found = held(book(SAME), book(wrong, (*wrong[:4], -100), SAME))

    assert kinds(found) == {"matched": 1, "adjustment": 1}
    left = summary(NIGHT, found).filter(pl.col("unit_key") == ALL)
    assert left["residual_amount"].sum() == 0
    assert left.filter(pl.col("break_kind") == "adjustment")["amount"].item() == 100


def test_a_reversal_without_its_payment_is_an_adjustment_that_stays() -> None:
    found = held(book(SAME), book(SAME, ("DC9", A, "1701", "06-11", -30)))

    assert breaks(DISTRICT, NIGHT, found)["break_kind"].to_list() == ["adjustment"]
    assert summary(NIGHT, found).filter(pl.col("unit_key") == ALL)["residual_amount"].sum() == 30


def test_lines_the_tax_office_does_not_manage_are_no_breaks_but_a_wrong_code_into_them_is() -> None:
    fees: Line = ("F1", A, "2101", "06-10", 50)

    assert kinds(held(book(SAME, fees), book(SAME))) == {"matched": 1}
    assert kinds(held(book(SAME, fees), book(SAME, ("F1", A, "1701", "06-10", 50)))) == {
        "matched": 1, "wrong_code": 1
    }  # fmt: skip


def test_days_that_the_other_office_has_not_stated_are_no_breaks() -> None:
    may: Line = ("D5", A, "1701", "05-20", 70)
    early = book(SAME, scope=("06-01", "06-30"), came="06-15")
    late: Line = ("D6", A, "1701", "06-20", 70)

    assert kinds(held(book(SAME, may, late), early)) == {"matched": 1}


def test_a_payment_of_a_day_whose_listing_has_not_come_is_not_compared() -> None:
    treasury = book(SAME, scope=("06-10", "06-10"))
    tax = book(SAME, ("D7", A, "1701", "06-12", 5), ("D8", A, "1701", "06-13", 6))

    found = held(treasury, tax, working=("06-10", "06-12"))

    assert kinds(found) == {"matched": 1, "not_compared": 1, "missing_in_treasury": 1}


def test_an_unknown_item_alone_may_be_none_of_the_tax_office_s() -> None:
    strange: Line = ("D9", A, "9999", "06-10", 5)

    assert kinds(held(book(SAME, strange), book(SAME))) == {"matched": 1, "not_compared": 1}
    assert kinds(held(book(SAME, strange), book(SAME, ("D9", A, "1701", "06-10", 5)))) == {
        "matched": 1, "wrong_code": 1
    }  # fmt: skip


# --- without documents ---------------------------------------------------------------------------------


def figure(unit: str, item: str, posted: str, amount: int) -> Line:
    return ("", unit, item, posted, amount)


def test_sums_of_a_unit_item_and_day_are_held_against_documents() -> None:
    treasury = book(("D1", A, "1701", "06-10", 60), ("D2", A, "1701", "06-10", 40))

    assert kinds(held(treasury, book(figure(A, "1701", "06-10", 100)))) == {"matched": 1}


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [
        (figure(A, "1701", "06-10", 8), figure(A, "1701", "06-12", 8), "timing"),
        (figure(A, "1701", "06-10", 8), figure(B, "1701", "06-10", 8), "wrong_ward"),
        (figure(A, "1701", "06-10", 8), figure(A, "1401", "06-10", 8), "wrong_code"),
    ],
)
def test_differences_that_explain_one_another_are_one_break_without_residual(
    ours: Line, theirs: Line, kind: str
) -> None:
    common = (figure(A, "1701", "06-10", 100), figure(B, "1701", "06-10", 50))
    found = held(book(*common, ours), book(*common, theirs))

    assert Counter(found.lines["kind"])[kind] == 1
    assert set(found.lines["kind"]) == {"matched", kind}
    assert summary(NIGHT, found).filter(pl.col("unit_key") == ALL)["residual_amount"].sum() == 0


def test_a_difference_that_nothing_explains_stays() -> None:
    found = held(book(figure(A, "1701", "06-10", 8)), book(figure(A, "1701", "06-10", 5)))

    assert breaks(DISTRICT, NIGHT, found).select("break_kind", "difference_amount").rows() == [("amount", 3)]


# --- the marts -----------------------------------------------------------------------------------------


def test_a_document_that_breaks_twice_has_two_keys_that_stay() -> None:
    twice = [("D1", A, "1701", "06-10", 5), ("D1", B, "1701", "06-10", 6)]

    told = breaks(DISTRICT, NIGHT, held(book(*twice), book(("D1", A, "1401", "06-11", 1))))

    assert told["break_id"].to_list() == ["D1", "D1.2"]


def test_money_under_two_wards_leaves_opposite_residuals_and_none_in_the_whole() -> None:
    left = summary(NIGHT, held(book(SAME), book(("D1", B, "1701", "06-10", 100))))

    assert dict(left.select("unit_key", "residual_amount").rows()) == {A: 100, B: -100, ALL: 0}


def test_without_a_tax_office_there_is_nothing_to_compare() -> None:
    found = held(book(SAME), book())

    assert breaks(DISTRICT, NIGHT, found).is_empty()
    assert at_the_edge(summary(NIGHT, found), MART_RECONCILIATION_SUMMARY, DISTRICT).is_empty()


LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "D1", "D2", "D3"]), st.sampled_from([A, B]),
        st.sampled_from(["1701", "1401", "9999"]), st.sampled_from(["06-10", "06-11", "06-20"]),
        st.integers(-50, 50).filter(bool),
    ),
    max_size=8,
)  # fmt: skip


@given(LINES, LINES)
@settings(max_examples=150, deadline=None)
def test_the_kinds_add_up_to_each_book_and_every_key_is_single(ours: list[Line], theirs: list[Line]) -> None:
    treasury, tax = book(*ours), book(*theirs)
    found = held(treasury, tax)
    told, left = breaks(DISTRICT, NIGHT, found), summary(NIGHT, found)

    whole = left.filter(pl.col("unit_key") == ALL)
    if theirs:
        assert whole["treasury_amount"].sum() == treasury["amount"].sum()
        assert whole["tax_amount"].sum() == tax["amount"].sum()
    assert not told["break_id"].is_duplicated().any()
    assert set(told["break_kind"]) <= set(BREAK_KINDS)
    assert left.filter(pl.col("unit_key") != ALL)["residual_amount"].sum() == whole["residual_amount"].sum()
    at_the_edge(told, MART_RECONCILIATION_BREAK, DISTRICT)


@given(LINES, LINES, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_rows_does_not_matter(ours: list[Line], theirs: list[Line], random: Any) -> None:
    shuffled = [random.sample(lines, len(lines)) for lines in (ours, theirs)]
    first, again = held(book(*ours), book(*theirs)), held(book(*shuffled[0]), book(*shuffled[1]))

    assert breaks(DISTRICT, NIGHT, first).equals(breaks(DISTRICT, NIGHT, again))


def test_an_item_outside_the_catalogue_is_shown_as_unallocated() -> None:
    found = held(book(("D1", A, "9999", "06-10", 5)), book(("D1", B, "9999", "06-10", 5)))

    assert breaks(DISTRICT, NIGHT, found)["item_code"].to_list() == [UNALLOCATED]
