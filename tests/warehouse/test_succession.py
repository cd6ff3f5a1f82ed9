import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities.loading import AUTHORITIES_FOLDER, load_authority
from authorities.model import Authority
from warehouse import succession

LONG_BIEN = load_authority(AUTHORITIES_FOLDER / "long_bien")
BEFORE, BETWEEN, AFTER = dt.date(2024, 5, 15), dt.date(2025, 3, 15), dt.date(2025, 8, 15)
ENDED = [unit.unit_key for unit in LONG_BIEN.units if unit.valid_to is not None]
NIGHT = dt.date(2025, 9, 30)
OUTSIDE = {"00097@2025", "00565@2025", "00577@2025"}
SCHEMA = {
    "unit_key": pl.String, "line_code": pl.String, "basis": pl.String,
    "posting_date": pl.Date, "amount": pl.Int64,
}  # fmt: skip


def receipts(*rows: tuple[str, dt.date, int], line: str = "vat") -> pl.DataFrame:
    return pl.DataFrame(
        [(unit, line, "territory", day, amount) for unit, day, amount in rows], schema=SCHEMA, orient="row"
    )


def by_unit(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.group_by("unit_key").agg(pl.col("amount").sum()).iter_rows())


def test_sai_dong_goes_to_phuc_loi_and_with_it_to_two_new_wards() -> None:
    money = receipts(("00142@2004", BEFORE, 1_000))

    in_spring = succession.carried(LONG_BIEN, money, dt.date(2025, 3, 31), "posting_date")
    in_autumn = succession.carried(LONG_BIEN, money, NIGHT, "posting_date")

    assert by_unit(in_spring) == {"00136@2004": 1_000}
    assert by_unit(in_autumn) == {"00127@2025": 200, "00136@2025": 800}


def test_money_of_a_night_before_any_change_stays_where_it_is() -> None:
    money = receipts(("00142@2004", dt.date(2020, 5, 1), 7), ("00118@2004", dt.date(2020, 5, 1), 9))

    assert succession.on_units_of(LONG_BIEN, money, dt.date(2020, 6, 30), "posting_date").equals(money)
    assert succession.history(LONG_BIEN, money, dt.date(2020, 6, 30)).is_empty()


def test_same_code_and_name_before_and_after_are_different_land() -> None:
    money = receipts(("00127@2004", BEFORE, 100), ("00127@2025", AFTER, 100))

    carried = succession.carried(LONG_BIEN, money, NIGHT, "posting_date")

    assert by_unit(carried) == {"00127@2025": 180, "00136@2025": 20}


def test_only_ngoc_lam_is_carried_without_an_assumption() -> None:
    money = receipts(*((unit, BEFORE, 1_000_000) for unit in ENDED))

    carried = succession.carried(LONG_BIEN, money, NIGHT, "posting_date")

    sure = carried.filter(~pl.col("is_assumed"))
    assert by_unit(sure) == {"00118@2025": 1_000_000}
    assert (carried["low_amount"] <= carried["amount"]).all()
    assert (carried["amount"] <= carried["high_amount"]).all()
    assert (carried.filter("is_assumed")["low_amount"] < carried.filter("is_assumed")["amount"]).all()


amounts = st.integers(-(10**15), 10**15)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(ENDED), st.sampled_from([BEFORE, BETWEEN]), amounts), min_size=1))
def test_totals_with_the_outside_are_kept_to_the_dong(rows: list[tuple[str, dt.date, int]]) -> None:
    money = receipts(*(row for row in rows if row[:2] != ("00142@2004", BETWEEN)))

    carried = succession.carried(LONG_BIEN, money, NIGHT, "posting_date")
    inside = succession.on_units_of(LONG_BIEN, money, NIGHT, "posting_date")

    beyond = carried.filter(pl.col("unit_key").is_in(OUTSIDE))["amount"].sum()
    assert carried["amount"].sum() == money["amount"].sum()
    assert inside["amount"].sum() + beyond == money["amount"].sum()
    assert set(inside["unit_key"]) <= {unit.unit_key for unit in LONG_BIEN.units_on(NIGHT)}


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(set(ENDED) - {"00142@2004"})), amounts), min_size=1),
    st.lists(
        st.tuples(st.sampled_from([u.unit_key for u in LONG_BIEN.units_on(NIGHT)]), amounts), min_size=1
    ),
)
def test_the_way_back_keeps_every_total(old: list[tuple[str, int]], new: list[tuple[str, int]]) -> None:
    money = receipts(*((unit, BEFORE, one) for unit, one in old), *((unit, AFTER, one) for unit, one in new))

    back = succession.back_on_units_of(LONG_BIEN, money, dt.date(2025, 6, 30), "posting_date")

    assert back["amount"].sum() == money["amount"].sum()
    assert set(back["unit_key"]) <= set(ENDED)
    assert by_unit(back.filter(pl.col("posting_date") == BEFORE)) == by_unit(receipts(
        *((unit, BEFORE, one) for unit, one in old)))  # fmt: skip


def test_money_goes_back_in_proportion_to_what_each_ward_brought() -> None:
    money = receipts(("00121@2004", BEFORE, 300), ("00127@2004", BEFORE, 100), ("00136@2025", AFTER, 1_000))

    back = succession.back_on_units_of(LONG_BIEN, money, dt.date(2025, 6, 30), "posting_date")

    # Phúc Lợi of 2025 took a fifth of each: 60 and 20 of the money of 2024.
    late = back.filter(pl.col("posting_date") == AFTER)
    assert by_unit(late) == {"00121@2004": 750, "00127@2004": 250} | {
        unit: 0 for unit in by_unit(late) if unit not in ("00121@2004", "00127@2004")
    }
    assert late["is_assumed"].all()


def test_there_and_back_need_not_restore_a_ward_but_keeps_what_stayed() -> None:
    money = receipts(("00118@2004", BEFORE, 1_000), ("00133@2004", BEFORE, 500))

    there = succession.on_units_of(LONG_BIEN, money, NIGHT, "posting_date")

    assert by_unit(there) == {"00118@2025": 1_400}
    assert money["amount"].sum() - there["amount"].sum() == 100, "the part that went to Hồng Hà"


def test_history_has_every_month_in_three_views_with_one_total() -> None:
    money = receipts(
        ("00142@2004", BEFORE, 11), ("00136@2004", BETWEEN, 7), ("00118@2004", BEFORE, 13),
        ("00118@2025", AFTER, 17), ("00136@2025", AFTER, 19),
    )  # fmt: skip

    views = succession.history(LONG_BIEN, money, NIGHT)

    totals = dict(views.group_by("view").agg(pl.col("amount").sum()).iter_rows())
    assert totals == dict.fromkeys(("recorded", "current", "former"), 67)
    former = views.filter(pl.col("view") == "former", pl.col("month") == dt.date(2024, 5, 1))
    assert by_unit(former)["00142@2004"] == 11, "only the last change is undone"


def test_a_unit_whose_past_is_others_says_so() -> None:
    marks = succession.comparability(LONG_BIEN, dt.date(2025, 3, 31), dt.date(2024, 1, 1))

    assert marks == {"00136@2004": "carried_assumed"}
    assert (
        set(succession.comparability(LONG_BIEN, NIGHT, dt.date(2024, 1, 1)))
        == {unit.unit_key for unit in LONG_BIEN.units_on(NIGHT)} | OUTSIDE
    )
    assert succession.comparability(LONG_BIEN, dt.date(2020, 6, 30), dt.date(2017, 1, 1)) == {}


@pytest.mark.parametrize("since", [dt.date(2004, 1, 1), dt.date(2025, 1, 1)])
def test_parts_are_a_whole(since: dt.date) -> None:
    authority: Authority = LONG_BIEN
    for unit in ENDED:
        parts = succession.parts_of(authority, unit, since, NIGHT)
        assert sum(part.weight for part in parts) == 1
        assert all(part.low <= part.weight <= part.high for part in parts)
