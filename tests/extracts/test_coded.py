"""A column as its values and each row's place among them loses nothing, in whatever order it lies."""

import datetime as dt

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from extracts.coded import by_value, coded, only_value

TEXTS = st.lists(
    st.sampled_from([None, "", "a", "b", "đ", "a much longer text than a view holds"]), max_size=60
)


@given(texts=TEXTS, times=st.integers(1, 9))
def test_values_and_places_give_the_column_back(texts: list[str | None], times: int) -> None:
    column = pl.Series("said", [text for text in texts for _ in range(times)], dtype=pl.String)
    found = coded(column)
    assert found.told(found.values).to_list() == column.to_list()
    assert by_value(column, lambda text: text.str.to_uppercase()).to_list() == (
        column.str.to_uppercase().to_list()
    )


def test_a_listing_in_order_of_its_days_is_looked_at_by_day() -> None:
    days = pl.Series([dt.date(2020, 1, day) for day in range(1, 29) for _ in range(500)])
    found = coded(days)
    assert found.values.to_list() == days.unique(maintain_order=True).to_list()
    assert found.told(found.values).equals(days)


def test_texts_in_no_order_are_each_looked_at_once() -> None:
    texts = pl.Series([f"phường {number * 7919 % 31}" for number in range(5_000)])
    found = coded(texts)
    assert found.values.len() == 31
    assert found.told(found.values).equals(texts)


def test_one_value_is_told_from_one_value_and_nothing() -> None:
    assert only_value(pl.Series(["a", "a"]))
    assert not only_value(pl.Series(["a", None]))
    assert not only_value(pl.Series([], dtype=pl.String))
