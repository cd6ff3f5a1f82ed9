"""What part of a unit's money belongs to which basis, to the minor unit."""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.model import UNALLOCATED, Authority
from tests.warehouse.district import A, B, day, district, share
from warehouse.bases import bases_of, by_basis, shares_on

NIGHT = "06-30"
DISTRICT = district()
Row = tuple[str, str, str, int]


def parts(authority: Authority, *rows: Row) -> dict[str, int]:
    """Money by basis of rows of unit, line, day and amount."""
    frame = pl.DataFrame(
        [(unit, line, day(when), amount) for unit, line, when, amount in rows],
        schema={"unit_key": pl.String, "line_code": pl.String, "posting_date": pl.Date, "amount": pl.Int64},
        orient="row",
    )
    sums = (
        by_basis(authority, frame, "posting_date", ["unit_key"]).group_by("basis").agg(pl.col("amount").sum())
    )
    return dict(sums.iter_rows())


def halves(percent: str) -> Authority:
    return district(sharing=(share("vat", percent),))


@pytest.mark.parametrize(
    ("percent", "amount", "kept"),
    [("50", 1, 1), ("50", -1, -1), ("50", 3, 2), ("50", -3, -2), ("33.33", 100, 33), ("0.01", 4_999, 0),
     ("0.01", 5_000, 1), ("0.01", -5_000, -1), ("100", 7, 7), ("0", 7, 0), ("12.5", 0, 0)],
)  # fmt: skip
def test_a_part_is_rounded_half_away_from_zero(percent: str, amount: int, kept: int) -> None:
    assert parts(halves(percent), (A, "vat", NIGHT, amount))["entitled"] == kept


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.decimals(0, 100, places=2))
@settings(max_examples=80, deadline=None)
def test_a_part_is_exact_as_far_as_an_integer_reaches(amount: int, percent: Decimal) -> None:
    exact = (Decimal(amount) * percent / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)

    assert parts(halves(str(percent)), (A, "vat", NIGHT, amount))["entitled"] == int(exact)


def test_a_correction_takes_back_exactly_what_it_corrects() -> None:
    rows = [(A, "vat", NIGHT, 1_001), (A, "vat", NIGHT, -1_001)]

    assert parts(DISTRICT, *rows) == {"territory": 0, "entitled": 0, "recurrent": 0}


def test_a_line_that_does_not_count_for_recurrent_spending_is_entitled_only() -> None:
    assert parts(DISTRICT, (A, "land", NIGHT, 10)) == {"territory": 10, "entitled": 5, "recurrent": 0}


def test_the_rule_of_the_posting_day_holds() -> None:
    until = dt.date(2020, 6, 30)
    dated = (share("fees", "100", until=until), share("fees", "20", since=until + dt.timedelta(days=1)))
    rows = [(A, "fees", "06-30", 10), (A, "fees", "07-01", 10)]

    assert parts(district(sharing=dated), *rows)["entitled"] == 10 + 2


def test_no_rule_in_force_means_no_share() -> None:
    later = district(sharing=(share("fees", "100", since=dt.date(2021, 1, 1)),))

    assert parts(later, (A, "fees", NIGHT, 10))["entitled"] == 0


def test_a_units_own_rule_goes_before_the_general_one() -> None:
    own = district(sharing=(share("fees", "100"), share("fees", "40", unit="002")))

    assert parts(own, (A, "fees", NIGHT, 10))["entitled"] == 10
    assert parts(own, (B, "fees", NIGHT, 10))["entitled"] == 4


def test_money_without_a_unit_is_shared_by_the_general_rule() -> None:
    assert parts(DISTRICT, (UNALLOCATED, "vat", NIGHT, 100))["entitled"] == 33


def test_an_item_outside_the_catalogue_is_on_the_territory_alone() -> None:
    rows = [(A, UNALLOCATED, NIGHT, 10)]

    assert parts(DISTRICT, *rows) == {"territory": 10, "entitled": 0, "recurrent": 0}


def test_all_is_entitled_where_the_authority_shares_nothing() -> None:
    alone = district(sharing=(), has_recurrent_basis=False)

    assert bases_of(alone) == ("territory", "entitled")
    assert parts(alone, (A, "land", NIGHT, 10)) == {"territory": 10, "entitled": 10}


def test_shares_of_a_day_say_what_the_parts_do() -> None:
    shares = shares_on(DISTRICT, day(NIGHT)).filter(pl.col("unit_key") == A)

    assert {(line, basis): part for _, line, basis, part in shares.iter_rows()} == {
        ("vat", "territory"): 1.0, ("vat", "entitled"): 0.3333, ("vat", "recurrent"): 0.3333,
        ("fees", "territory"): 1.0, ("fees", "entitled"): 1.0, ("fees", "recurrent"): 1.0,
        ("land", "territory"): 1.0, ("land", "entitled"): 0.5, ("land", "recurrent"): 0.0,
    }  # fmt: skip


LEAVES = st.tuples(
    st.sampled_from([A, B, UNALLOCATED]), st.sampled_from(["vat", "fees", "land", UNALLOCATED]),
    st.just(NIGHT), st.integers(0, 10**15),
)  # fmt: skip


@given(st.lists(LEAVES, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_basis_holds_more_than_the_one_it_is_part_of(rows: list[Row]) -> None:
    of = parts(DISTRICT, *rows)

    assert of["recurrent"] <= of["entitled"] <= of["territory"] == sum(amount for *_, amount in rows)
