import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authorities.model import Currency, Words
from bulletins.numbers import Figures, whole_parts

DONG = Currency(
    code="VND", minor_digits=0, display_scale=1_000_000, display_unit=Words(vi="triệu đồng", en="million VND")
)
VI, EN = Figures("vi", DONG), Figures("en", DONG)


def test_each_language_writes_its_own_marks():
    assert (VI.number(1234567.85, 1), EN.number(1234567.85, 1)) == ("1.234.567,9", "1,234,567.9")
    assert (VI.percent(51.0), EN.percent(51.0)) == ("51,0%", "51.0%")
    day = dt.date(2020, 6, 30)
    assert (VI.day(day), EN.day(day)) == ("30/6/2020", "30 June 2020")
    assert VI.long_day(day) == "ngày 30 tháng 6 năm 2020"


def test_halves_are_rounded_as_on_paper():
    assert [VI.number(value) for value in (0.5, 1.5, 2.5, -2.5)] == ["1", "2", "3", "−3"]


def test_a_share_under_the_bar_is_not_written_as_the_bar():
    assert VI.percent(49.97, apart_from=50.0) == "49,97%"
    assert VI.percent(50.0, apart_from=50.0) == "50,0%"
    assert VI.percent(49.9, apart_from=50.0) == "49,9%"
    assert VI.percent(49.99996, apart_from=50.0) == "50,000%"
    assert VI.percent(0.0031, 2) == "<0,01%"


def test_money_is_said_in_a_unit_one_can_take_in():
    assert VI.money(Decimal("1246100000000")) == "1.246,1 tỷ đồng"
    assert EN.money(Decimal("1246100000000")) == "1,246.1 billion VND"
    assert VI.money(Decimal("434000000")) == "434 triệu đồng"
    assert VI.money(Decimal("7450000")) == "7,5 triệu đồng"
    assert VI.money_of(Decimal("1246100000000"), Decimal("2457300000000")) == "1.246,1 / 2.457,3 tỷ đồng"
    assert VI.money(Decimal(0)) == "0 triệu đồng"
    assert VI.money(None) == VI.percent(None) == VI.probability(None) == "–"


@pytest.mark.parametrize(("value", "said"), [(1.0, ">99%"), (0.0, "<1%"), (0.674, "67%"), (0.985, "99%")])
def test_a_drawn_probability_is_never_certain(value, said):
    assert VI.probability(value) == said


amounts = st.integers(-(10**13), 10**13).map(lambda minor: Decimal(minor) / 100)


@given(st.lists(amounts | st.none(), min_size=1, max_size=30), st.sampled_from([1, 1000, 1_000_000]))
def test_shown_parts_add_up_and_stay_within_one_unit(parts, scale):
    known = [part for part in parts if part is not None]
    shown, total = whole_parts(parts, sum(known, Decimal(0)), scale)
    assert sum(part for part in shown if part is not None) == total
    assert abs(total - sum(known, Decimal(0)) / scale) <= Decimal("0.5")
    for part, whole in zip(parts, shown, strict=True):
        assert (part is None) == (whole is None)
        assert part is None or abs(whole - part / scale) < 1


def test_the_largest_remainders_are_rounded_up():
    assert whole_parts([Decimal("1.4"), Decimal("1.4"), Decimal("1.2")], Decimal("4.0"), 1) == ([2, 1, 1], 4)


def test_a_real_difference_is_not_rounded_away():
    assert whole_parts([Decimal("1.4"), Decimal("1.4")], Decimal("5.0"), 1) == ([1, 1], 5)
    assert whole_parts([Decimal("1.4"), None], None, 1) == ([1, None], None)
