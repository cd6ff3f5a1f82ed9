"""Numbers, dates, codes and names as offices write them."""

import datetime as dt
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extracts.coded import by_value
from extracts.text import code_of, date_of, fold, folded, minor_amounts, unit_of_amounts

VIETNAMESE = "aăâbcdđeêghiklmnoôơpqrstuưvxyAĂÂĐÊÔƠƯ àáảãạýỳỷỹỵ\u0301\u0300\u0323\u00a0\u200b\t1."


def amounts(*texts: str | None, decimal: str = ",", digits: int = 0) -> list[int | None]:
    return minor_amounts(
        pl.Series(texts, dtype=pl.String), decimal=decimal, scale_digits=digits
    ).to_list()  # fmt: skip


def dates(*texts: str, order: str = "dmy") -> list[dt.date | None]:
    return pl.DataFrame({"text": texts}).select(date_of(pl.col("text"), order=order)).to_series().to_list()


def written(amount: Decimal, decimal: str, *, grouped: bool) -> str:
    text = f"{abs(amount):,f}" if grouped else f"{abs(amount):f}"
    return text if decimal == "." else text.replace(",", "_").replace(".", ",").replace("_", ".")


@given(
    value=st.decimals(1 - 10**9, 10**9 - 1, places=4, allow_nan=False, allow_infinity=False),
    digits=st.sampled_from([0, 2, 3, 6, 8, 9]),
    decimal=st.sampled_from([",", "."]),
    grouped=st.booleans(),
    minus=st.sampled_from(["-{}", "({})", "{}-", "−{}", " - {} "]),
)
def test_an_amount_reads_back_exactly_in_both_styles_and_every_scale(
    value: Decimal, digits: int, decimal: str, grouped: bool, minus: str
) -> None:
    text = written(value, decimal, grouped=grouped)
    exact = (value.scaleb(digits)).quantize(Decimal(1), ROUND_HALF_UP)

    assert amounts(minus.format(text) if value < 0 else text, decimal=decimal, digits=digits) == [int(exact)]


@given(st.lists(st.integers(0, 10**18 - 1), min_size=1))
def test_whole_amounts_are_read_alike_alone_and_among_odd_ones(values: list[int]) -> None:
    texts = [f"{value:,}".replace(",", ".") for value in values]

    assert amounts(*texts) == values
    assert amounts(*texts, "12,5", "x") == [*values, 13, None]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.234.567,8", 1_234_568),
        ("(1.234)", -1234),
        ("1.234-", -1234),
        ("–1.234", -1234),
        ("123456789012345678", 123_456_789_012_345_678),
        ("-", 0),
        (" 1 234 ", 1234),
    ],
)
def test_amounts_as_offices_write_them(text: str, amount: int) -> None:
    assert amounts(text) == [amount]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "#N/A",
        "Chưa xác định",
        "1.5",
        "1.23.456",
        "1,234,567",
        "(1.234",
        "1.234)",
        "--5",
        "1e6",
        "12 đồng",
    ],
)
def test_what_is_no_amount_in_the_forms_style_stays_unread(text: str) -> None:
    assert amounts(text) == [None]


def test_an_amount_too_large_for_money_is_refused_rather_than_wrapped() -> None:
    assert amounts("9999999999999999999999", "1000000000000000000") == [None, None]
    assert amounts("1.000.000.000.000", digits=6) == [None]


def test_millions_with_decimals_are_exact_dong() -> None:
    assert amounts("0,30000000000000004", "12.345,678901", "0,1", digits=6) == [
        300_000,
        12_345_678_901,
        100_000,
    ]


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("30/06/2020", "dmy", dt.date(2020, 6, 30)),
        ("3.6.2020", "dmy", dt.date(2020, 6, 3)),
        ("30/06/20", "dmy", dt.date(2020, 6, 30)),
        ("30/06/2020 08:05", "dmy", dt.date(2020, 6, 30)),
        ("2020-06-30", "dmy", dt.date(2020, 6, 30)),
        ("2021-07-20 08:05:25.0", "dmy", dt.date(2021, 7, 20)),
        ("44012", "dmy", dt.date(2020, 6, 30)),
        ("44012,0", "dmy", dt.date(2020, 6, 30)),
        ("03-09-2022", "mdy", dt.date(2022, 3, 9)),
        ("2020/6/30", "ymd", dt.date(2020, 6, 30)),
        ("02.2020", "my", dt.date(2020, 2, 29)),
        ("Tháng 2/2020", "my", dt.date(2020, 2, 29)),
        ("2020-02", "my", dt.date(2020, 2, 29)),
        ("2020-02-01", "my", dt.date(2020, 2, 29)),
    ],
)
def test_dates_as_offices_write_them(text: str, order: str, day: dt.date) -> None:
    assert dates(text, order=order) == [day]


@pytest.mark.parametrize(
    "text", ["", "31/02/2020", "06/30/2020", "30/06/0020", "2020", "1", "30062020", "99999"]
)
def test_what_is_no_date_in_the_forms_order_stays_unread(text: str) -> None:
    assert dates(text) == [None]


@given(st.dates(dt.date(1950, 1, 1), dt.date(2099, 12, 31)))
def test_a_date_reads_back_in_every_order(day: dt.date) -> None:
    assert dates(f"{day:%d/%m/%Y}", f"{day:%Y-%m-%d}") == [day, day]
    assert dates(f"{day:%m/%d/%Y}", order="mdy") == [day]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("151", "00151"),
        ("151.0", "00151"),
        ("'00151", "00151"),
        ('="00151"', "00151"),
        ("A1", "A1"),
        ("1.000", "1.000"),
    ],
)
def test_codes_get_back_the_zeros_that_spreadsheets_took(text: str, code: str) -> None:
    assert pl.DataFrame({"code": [text]}).select(code_of(pl.col("code"), width=5)).item() == code


@given(st.text(VIETNAMESE))
def test_folding_twice_changes_nothing_and_forms_of_unicode_agree(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@given(st.lists(st.text(VIETNAMESE)))
def test_folding_a_column_is_folding_each_text(texts: list[str]) -> None:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})

    assert frame.select(folded(pl.col("text"))).to_series().to_list() == [fold(text) for text in texts]


def test_both_ways_to_write_a_tone_and_d_with_stroke_fold_alike() -> None:
    assert fold("Ngọc Thụy") == fold("NGỌC  THUỴ") == "ngoc thuy"
    assert fold("Đức Giang\u200b") == "duc giang"


@given(st.lists(st.sampled_from(["1", "02", None, "x", " 3 "])))
def test_reading_each_value_once_is_reading_each_row(texts: list[str | None]) -> None:
    column = pl.Series("text", texts * 5, dtype=pl.String)

    assert by_value(column, lambda text: code_of(text, width=3)).to_list() == (
        column.to_frame().select(code_of(pl.col("text"), width=3)).to_series().to_list()
    )


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("triệu đồng", "million"),
        ("Đồng", "one"),
        ("nghìn đồng", "thousand"),
        ("tỷ đồng", "billion"),
        ("1.000 đồng", "thousand"),
        ("1 000đ", "thousand"),
        ("1.000.000 VNĐ", "million"),
        ("Tr.đ", "million"),
        ("trđ", "million"),
        ("triệu đồng; %", "million"),
        ("đồng Việt Nam", "one"),
        ("USD", None),
        ("Công ty Đồng Tâm", None),
        ("UBND phường Việt Hưng", None),
        ("nghìn tỷ đồng", None),
        ("10.000 đồng", None),
    ],
)
def test_the_unit_above_a_table_is_read_in_words(text: str, scale: str | None) -> None:
    assert unit_of_amounts(text) == scale
