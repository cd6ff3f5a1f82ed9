"""Every unit and line against estimate, last year and pace; the sums hold to the minor unit."""

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.loading import AUTHORITIES_FOLDER, load_authority
from authorities.model import ALL, UNALLOCATED, Authority, Unit
from tests.warehouse.district import LONG_AGO, WARDS, A, B, day, district
from warehouse.positions import Night, basis_estimates, basis_receipts, positions, same_day

DISTRICT = district()
Receipt = tuple[str, str, str, int]
Estimate = tuple[str, str, str, int]

HALF_A_YEAR = [(A, "fees", "2019-01-05", 30), (A, "fees", "2019-09-01", 70), (A, "fees", "05-05", 40)]
PLANS = [(A, "fees", "initial", 100), (B, "fees", "initial", 200)]


def receipts_of(authority: Authority, rows: list[Receipt]) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(unit, line, day(when), amount) for unit, line, when, amount in rows],
        schema={"unit_key": pl.String, "line_code": pl.String, "posting_date": pl.Date, "amount": pl.Int64},
        orient="row",
    )
    return basis_receipts(authority, frame, day("06-30"))


def estimates_of(authority: Authority, rows: list[Estimate], year: int = 2020) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(unit, line, year, version, amount) for unit, line, version, amount in rows],
        schema={"unit_key": pl.String, "line_code": pl.String, "fiscal_year": pl.Int32,
                "estimate_version": pl.String, "amount": pl.Int64},
        orient="row",
    )  # fmt: skip
    return basis_estimates(authority, frame, day("06-30"))


def stand(
    receipts: list[Receipt],
    estimates: list[Estimate],
    *,
    authority: Authority = DISTRICT,
    night: str = "06-30",
    reached: dict[str, str] | None = None,
) -> pl.DataFrame:
    """Positions on a night; ``reached`` is the last complete day of units whose data is behind."""
    as_of = day(night)
    days = {unit.unit_key: as_of for unit in authority.units_on(as_of)}
    days |= {unit: day(when) for unit, when in (reached or {}).items()}
    slowest = min(days.values())
    complete = pl.DataFrame({"unit_key": [*days, ALL], "last_complete_day": [*days.values(), slowest]})
    year = authority.fiscal_year(as_of)
    return positions(
        authority, Night(as_of, slowest, year), receipts_of(authority, receipts),
        estimates_of(authority, estimates, year), complete,
    )  # fmt: skip


def position(
    frame: pl.DataFrame, unit: str = A, line: str = ALL, basis: str = "territory", version: str = "initial"
) -> dict[str, Any]:
    return frame.row(
        by_predicate=(pl.col("unit_key") == unit)
        & (pl.col("line_code") == line)
        & (pl.col("basis") == basis)
        & (pl.col("estimate_version") == version),
        named=True,
    )


def test_a_unit_stands_against_estimate_last_year_and_pace() -> None:
    of = position(stand(HALF_A_YEAR, PLANS))

    assert (of["collected_amount"], of["estimate_amount"], of["remaining_amount"]) == (40, 100, 60)
    assert (of["same_period_amount"], of["share_of_estimate_pct"]) == (30, 40.0)
    assert of["same_period_pct"] == pytest.approx(400 / 3)
    assert (of["pace_pct"], of["pace_gap_pp"]) == (pytest.approx(30), pytest.approx(10))


def test_receipts_after_the_night_do_not_count_for_last_years_same_period() -> None:
    frame = stand(
        [(A, "fees", "2019-01-05", 1), (A, "fees", "2019-06-30", 2), (A, "fees", "2019-07-01", 4)], []
    )

    assert position(frame)["same_period_amount"] == 3


@pytest.mark.parametrize(("collected", "below"), [(49, True), (50, True), (51, False)])
def test_half_is_not_above_half(collected: int, below: bool) -> None:
    of = position(stand([(A, "fees", "05-05", collected)], PLANS))

    assert of["is_below_half"] is below


def test_units_are_ranked_by_share_and_equal_shares_share_a_rank() -> None:
    third = Unit(code="003", name="Cổ Loa", valid_from=LONG_AGO)
    frame = stand(
        [(A, "fees", "05-05", 10), (B, "fees", "05-05", 40), ("003@2004", "fees", "05-05", 1)],
        [(A, "fees", "initial", 50), (B, "fees", "initial", 200), ("003@2004", "fees", "initial", 100)],
        authority=district(units=(*WARDS, third)),
    )

    assert [position(frame, unit)["rank"] for unit in (A, B, "003@2004", ALL)] == [1, 1, 3, None]


def test_a_unit_without_estimate_has_no_share_and_no_rank_but_its_money_counts() -> None:
    frame = stand([(A, "fees", "05-05", 10), (B, "fees", "05-05", 40)], PLANS[:1])
    of = position(frame, B)

    assert (of["estimate_amount"], of["share_of_estimate_pct"], of["rank"], of["is_below_half"]) == (
        None,
    ) * 4
    assert position(frame, ALL)["collected_amount"] == 50


def test_an_estimate_of_zero_gives_no_share() -> None:
    assert position(stand(HALF_A_YEAR, [(A, "fees", "initial", 0)]))["share_of_estimate_pct"] is None


def test_a_unit_without_receipts_has_collected_nothing_and_ranks_last() -> None:
    of = position(stand(HALF_A_YEAR, PLANS), B)

    assert (of["collected_amount"], of["share_of_estimate_pct"], of["rank"]) == (0, 0.0, 2)


def test_a_line_without_receipts_collected_zero_last_year_too() -> None:
    of = position(stand(HALF_A_YEAR, PLANS), A, "land")

    assert (of["collected_amount"], of["same_period_amount"], of["same_period_pct"]) == (0, 0, None)


def test_without_last_year_there_is_no_same_period_and_no_pace() -> None:
    of = position(stand([(A, "fees", "05-05", 40)], PLANS))

    assert (of["same_period_amount"], of["same_period_pct"], of["pace_pct"], of["pace_gap_pp"]) == (None,) * 4


@pytest.mark.parametrize("refunded", [30, 31])
def test_nothing_is_compared_with_a_same_period_of_zero_or_less(refunded: int) -> None:
    frame = stand([*HALF_A_YEAR, (A, "fees", "2019-02-01", -refunded)], PLANS)

    assert position(frame)["same_period_amount"] == 30 - refunded
    assert position(frame)["same_period_pct"] is None


def test_money_refunded_on_balance_is_a_negative_share() -> None:
    assert position(stand([(A, "fees", "05-05", -10)], PLANS))["share_of_estimate_pct"] == -10.0


@pytest.mark.parametrize(
    ("shares", "pace"), [((20,), 20), ((20, 40), 30), ((20, 40, 60), 40), ((20, 40, 60, 100), 40)]
)
def test_the_pace_is_the_mean_of_up_to_three_past_years(shares: tuple[int, ...], pace: int) -> None:
    past = [
        (A, "fees", when, amount)
        for back, reached in enumerate(shares, start=1)
        for when, amount in ((f"{2020 - back}-01-05", reached), (f"{2020 - back}-10-05", 100 - reached))
    ]

    assert position(stand(past, PLANS))["pace_pct"] == pytest.approx(pace)


def test_a_year_whose_data_starts_in_the_middle_gives_no_pace_and_no_same_period() -> None:
    begun = [(A, "fees", "2018-03-01", 10), (A, "fees", "2018-10-01", 90)]
    whole = [(A, "fees", "2019-01-31", 30), (A, "fees", "2019-10-01", 70)]

    assert position(stand([*begun, *whole], PLANS))["pace_pct"] == pytest.approx(30)
    of = position(stand(begun, PLANS, night="2019-06-30"))
    assert (of["same_period_amount"], of["pace_pct"]) == (None, None)


def test_unallocated_money_has_a_last_year_where_the_authority_has_one() -> None:
    frame = stand(
        [*HALF_A_YEAR, (UNALLOCATED, "fees", "2019-05-05", 4), (UNALLOCATED, "fees", "05-05", 2)], []
    )

    assert position(frame, UNALLOCATED)["same_period_amount"] == 4


def test_a_past_year_that_collected_nothing_on_balance_gives_no_pace() -> None:
    past = [(A, "fees", "2018-01-05", 10), (A, "fees", "2018-12-01", -10), (A, "fees", "2019-01-05", 25),
            (A, "fees", "2019-12-01", 75)]  # fmt: skip

    assert position(stand(past, PLANS))["pace_pct"] == pytest.approx(25)


def test_a_units_past_counts_to_the_day_its_own_data_reaches() -> None:
    last = [
        (unit, "fees", when, 10) for unit in (A, B) for when in ("2019-01-31", "2019-05-31", "2019-06-30")
    ]
    now = [(A, "fees", "06-30", 60), (B, "fees", "05-31", 40)]
    frame = stand([*last, *now], PLANS, reached={B: "05-31"})

    assert position(frame, A)["same_period_amount"] == 30
    assert position(frame, B)["same_period_amount"] == 20
    assert position(frame, B)["pace_pct"] == pytest.approx(200 / 3)
    assert position(frame, ALL)["same_period_amount"] == 50
    assert position(frame, ALL)["last_complete_day"] == day("05-31")


def test_early_in_a_year_of_which_nothing_came_there_is_nothing_to_compare() -> None:
    frame = stand(HALF_A_YEAR[:2], [], night="01-02", reached={A: "2019-12-31", B: "2019-12-31"})
    of = position(frame)

    assert (of["collected_amount"], of["same_period_amount"], of["pace_pct"]) == (0, 0, 0.0)


def test_units_that_are_no_more_stay_in_the_sums_without_a_rank() -> None:
    gone = Unit(code="003", name="Sài Đồng", valid_from=LONG_AGO, valid_to=dt.date(2019, 12, 31))
    past = [*HALF_A_YEAR, ("003@2004", "fees", "2019-01-05", 5)]
    frame = stand(past, PLANS, authority=district(units=(*WARDS, gone)))

    of = position(frame, "003@2004")
    assert (of["collected_amount"], of["same_period_amount"], of["rank"]) == (0, 5, None)
    assert position(frame, ALL)["same_period_amount"] == 35


def test_a_unit_abolished_within_the_year_keeps_its_money_and_gives_up_its_rank() -> None:
    gone = Unit(code="003", name="Cổ Loa", valid_from=LONG_AGO, valid_to=day("03-31"))
    frame = stand(
        [*HALF_A_YEAR, ("003@2004", "fees", "02-05", 90)], [*PLANS, ("003@2004", "fees", "initial", 100)],
        authority=district(units=(*WARDS, gone)),
    )  # fmt: skip

    assert position(frame, "003@2004")["collected_amount"] == 90
    assert [position(frame, unit)["rank"] for unit in ("003@2004", A)] == [None, 1]


@pytest.mark.parametrize(("night", "wards"), [("2024-12-31", 14), ("2025-03-31", 13), ("2025-12-31", 4)])
def test_the_shipped_district_stands_through_its_reorganisations(night: str, wards: int) -> None:
    long_bien = load_authority(AUTHORITIES_FOLDER / "long_bien")
    paid = [
        (unit.unit_key, "vat", when, 10)
        for when in ("2023-01-03", "2024-01-03", "2024-12-30", "2025-01-03", "2025-09-01")
        for unit in long_bien.units_on(dt.date.fromisoformat(when))
    ]
    frame = stand([row for row in paid if row[2] <= night], [], authority=long_bien, night=night)
    totals = frame.filter(pl.col("line_code") == ALL, pl.col("basis") == "territory")
    money = totals.filter(pl.col("unit_key") != ALL)["collected_amount"].sum()

    assert len(long_bien.units_on(day(night))) == wards
    assert totals["unit_name"].null_count() == 0
    assert position(frame, ALL)["collected_amount"] == money > 0


def test_unallocated_units_and_lines_have_rows_of_their_own() -> None:
    frame = stand([(UNALLOCATED, "fees", "05-05", 7), (A, UNALLOCATED, "05-05", 2)], PLANS)

    assert position(frame, UNALLOCATED)["collected_amount"] == 7
    assert position(frame, UNALLOCATED)["unit_name"] == "Chưa phân bổ"
    assert position(frame, A, UNALLOCATED)["collected_amount"] == 2
    assert position(frame, A, UNALLOCATED, "entitled")["collected_amount"] == 0
    assert position(frame, ALL)["collected_amount"] == 9


def test_an_estimate_placed_with_no_line_has_a_row() -> None:
    frame = stand([], [(A, UNALLOCATED, "initial", 3)])

    assert position(frame, A, UNALLOCATED)["estimate_amount"] == 3


def test_versions_are_compared_side_by_side() -> None:
    frame = stand(HALF_A_YEAR, [(A, "fees", "initial", 100), (A, "fees", "supplemented", 160)])

    assert position(frame)["share_of_estimate_pct"] == 40.0
    assert position(frame, version="supplemented")["share_of_estimate_pct"] == 25.0


def test_a_unit_without_supplement_keeps_its_initial_estimate_in_that_version() -> None:
    frame = stand(HALF_A_YEAR, [*PLANS, (A, "vat", "supplemented", 160)])

    assert position(frame, A, version="supplemented")["estimate_amount"] == 160
    assert position(frame, A, "fees", version="supplemented")["estimate_amount"] is None
    assert position(frame, B, version="supplemented")["estimate_amount"] == 200
    assert position(frame, ALL, version="supplemented")["estimate_amount"] == 360


def test_an_estimate_is_shared_by_the_rules_at_the_years_start() -> None:
    frame = stand([], [(A, "vat", "initial", 100), (A, "land", "initial", 100)])

    assert position(frame, basis="entitled")["estimate_amount"] == 33 + 50
    assert position(frame, basis="recurrent")["estimate_amount"] == 33


def test_a_fiscal_year_may_start_in_april() -> None:
    april = district(fiscal_year_start_month=4)
    rows = [
        (A, "fees", "2018-04-10", 10), (A, "fees", "2018-05-01", 10), (A, "fees", "2019-03-31", 80),
        (A, "fees", "2019-04-02", 15), (A, "fees", "2019-06-01", 40), (A, "fees", "2020-02-02", 45),
        (A, "fees", "2020-04-01", 30),
    ]  # fmt: skip

    of = position(stand(rows, PLANS, authority=april, night="2020-05-15"))

    assert (of["collected_amount"], of["same_period_amount"]) == (30, 15)
    assert of["pace_pct"] == pytest.approx((20 + 15) / 2)


def test_in_the_last_months_of_such_a_year_both_calendar_years_count() -> None:
    april = district(fiscal_year_start_month=4)
    rows = [(A, "fees", "2018-04-10", 10), (A, "fees", "2019-02-15", 20), (A, "fees", "2019-03-31", 70),
            (A, "fees", "2019-04-02", 15), (A, "fees", "2020-02-02", 45)]  # fmt: skip

    of = position(stand(rows, PLANS, authority=april, night="2020-02-20"))

    assert (of["collected_amount"], of["same_period_amount"], of["estimate_amount"]) == (60, 30, 100)


@pytest.mark.parametrize(
    ("when", "offset", "same"),
    [("2020-06-30", -1, "2019-06-30"), ("2020-02-29", -1, "2019-02-28"), ("2020-02-28", -1, "2019-02-28"),
     ("2021-02-28", -1, "2020-02-29"), ("2020-02-29", -4, "2016-02-29"), ("2021-02-27", -1, "2020-02-27")],
)  # fmt: skip
def test_the_same_day_of_another_year(when: str, offset: int, same: str) -> None:
    assert same_day(dt.date.fromisoformat(when), offset) == dt.date.fromisoformat(same)


def test_month_end_figures_of_february_are_compared_after_a_leap_year() -> None:
    figures = [(A, "fees", "2020-01-31", 10), (A, "fees", "2020-02-29", 15), (A, "fees", "2021-02-28", 20)]

    assert position(stand(figures, [], night="2021-02-28"))["same_period_amount"] == 25


# --- properties --------------------------------------------------------------------------------------

UNITS = [A, B, UNALLOCATED]
LEAF = (st.sampled_from(UNITS), st.sampled_from(["vat", "fees", "land", UNALLOCATED]))
RECEIPTS = st.lists(
    st.tuples(*LEAF, st.sampled_from(["2018-01-03", "2019-01-02", "2019-08-01", "01-20", "06-29"]),
              st.integers(-(10**15), 10**15)), max_size=12)  # fmt: skip
ESTIMATES = st.lists(
    st.tuples(*LEAF, st.sampled_from(["initial", "supplemented", "adjusted"]), st.integers(0, 10**15)),
    max_size=8,
)
SUMMED = ["estimate_amount", "collected_amount", "same_period_amount"]


@given(RECEIPTS, ESTIMATES)
@settings(max_examples=50, deadline=None)
def test_all_is_the_sum_of_units_and_of_lines_on_every_basis_and_version(
    receipts: list[Receipt], estimates: list[Estimate]
) -> None:
    frame = stand(receipts, estimates)
    group = ["basis", "estimate_version"]
    whole = frame.filter(pl.col("unit_key") == ALL, pl.col("line_code") == ALL).sort(group)

    for part in ("unit_key", "line_code"):
        other = "line_code" if part == "unit_key" else "unit_key"
        leaves = frame.filter(pl.col(part) != ALL, pl.col(other) == ALL)
        sums = leaves.group_by(group).agg(pl.col(SUMMED[:2]).sum()).sort(group)
        assert sums.select(SUMMED[:2]).equals(whole.select(pl.col(SUMMED[:2]).fill_null(0)))


@given(RECEIPTS)
@settings(max_examples=30, deadline=None)
def test_last_year_adds_up_where_every_units_data_covers_it(receipts: list[Receipt]) -> None:
    since = [(unit, "fees", "2018-01-03", 1) for unit in UNITS]
    frame = stand([*since, *receipts], []).filter(pl.col("line_code") == ALL)

    units = frame.filter(pl.col("unit_key") != ALL).group_by("basis").agg(pl.col("same_period_amount").sum())
    whole = frame.filter(pl.col("unit_key") == ALL)
    assert dict(units.iter_rows()) == dict(whole.select("basis", "same_period_amount").iter_rows())


@given(RECEIPTS, ESTIMATES, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_positions_do_not_depend_on_the_order_of_rows(
    receipts: list[Receipt], estimates: list[Estimate], random: Any
) -> None:
    shuffled, plans = list(receipts), list(estimates)
    random.shuffle(shuffled)
    random.shuffle(plans)
    keys = ["unit_key", "line_code", "basis", "estimate_version"]

    assert stand(shuffled, plans).sort(keys).equals(stand(receipts, estimates).sort(keys))
