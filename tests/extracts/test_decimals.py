"""The decimal mark of a text file's amounts: the form's, unless they prove the other."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extracts.decimals import decimal_by_evidence, how_read


def mark(*texts: str, scale: str = "one", decimal: str = ",") -> str:
    return decimal_by_evidence([pl.Series(texts, dtype=pl.String)], decimal, scale=scale)


@pytest.mark.parametrize(
    ("texts", "scale", "told"),
    [
        (("1,234,567", "500"), "one", "."),
        (("12,500", "1.5"), "one", "."),
        (("(12,500)", "-7,000"), "one", "."),
        (("12,500",), "million", ","),
        (("1.234.567", "12.500"), "one", ","),
        (("1.234,5", "12,5"), "one", ","),
        (("1,234,567", "1.234.567"), "one", ","),
        (("12,500", "12,5"), "one", ","),
        (("500", "7"), "one", ","),
        (("1,234,567", *["12.500"] * 5), "one", ","),
        (("#N/A", "1,234,567"), "one", "."),
        ((), "one", ","),
    ],
)
def test_the_other_mark_is_taken_only_where_all_amounts_allow_it_and_some_demand_it(
    texts: tuple[str, ...], scale: str, told: str
) -> None:
    assert mark(*texts, scale=scale) == told


def test_it_holds_for_a_form_with_a_point_too() -> None:
    assert mark("1.234.567", "12.500", decimal=".") == ","
    assert mark("1,234,567.8", decimal=".") == "."


@given(st.lists(st.integers(0, 10**12), min_size=1), st.sampled_from([",", "."]))
def test_a_file_written_as_its_form_says_is_read_as_its_form_says(amounts: list[int], decimal: str) -> None:
    group = "." if decimal == "," else ","

    assert mark(*(f"{amount:,}".replace(",", group) for amount in amounts), decimal=decimal) == decimal


def test_what_was_decided_is_said() -> None:
    assert how_read(",", ",") == []
    assert "decimal point, not the form's comma" in how_read(".", ",")[0]
