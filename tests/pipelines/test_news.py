"""``wardcast news``: the district's paragraph for any quarter, or what to run for it."""

import datetime as dt
from pathlib import Path

import pytest

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from pipelines.news import NewsError, quarter_days
from tests.pipelines.conftest import Wardcast


def test_the_paragraph_is_the_districts_own(wardcast: Wardcast, published_home: Path) -> None:
    for asked in ([], ["2020Q2"], ["2020/2"]):
        told = wardcast("news", *asked, "--home", published_home)
        assert told.exit_code == 0, told.output
        assert told.stdout.startswith(
            "Số thu ngân sách 6 tháng đầu năm 2020 đạt 51% dự toán năm, bằng 136,7% so cùng kỳ năm 2019. "
        )
        assert "04/14 phường có số thu để chi thường xuyên" in told.stdout
        assert "publication 2020-06-30.1" in told.stderr
    english = wardcast("news", "2020Q2", "--language", "en", "--home", published_home)
    assert english.stdout.startswith("In the first half of 2020, budget collections reached 51%")


def test_a_quarter_without_a_night_names_the_one_to_run(wardcast: Wardcast, published_home: Path) -> None:
    told = wardcast("news", "2019Q4", "--home", published_home)
    assert told.exit_code == 1
    assert "wardcast nightly --as-of 2019-12-31" in told.output


def test_what_is_no_quarter_or_language_is_said(wardcast: Wardcast, published_home: Path) -> None:
    for asked in (["2020Q5"], ["summer"], ["2020Q2", "--language", "fr"]):
        assert wardcast("news", *asked, "--home", published_home).exit_code == 1


@pytest.mark.parametrize(
    ("start", "quarter", "days"),
    [
        (1, "2020Q1", (dt.date(2020, 1, 1), dt.date(2020, 3, 31))),
        (1, "2020-4", (dt.date(2020, 10, 1), dt.date(2020, 12, 31))),
        (4, "2020 Q4", (dt.date(2021, 1, 1), dt.date(2021, 3, 31))),
        (10, "2020Q2", (dt.date(2021, 1, 1), dt.date(2021, 3, 31))),
    ],
)
def test_quarters_are_those_of_the_fiscal_year(
    start: int, quarter: str, days: tuple[dt.date, dt.date]
) -> None:
    shipped = load_authority(DEFAULT_AUTHORITY)
    settings = shipped.settings.model_copy(update={"fiscal_year_start_month": start})
    authority = shipped.model_copy(update={"settings": settings})
    assert quarter_days(authority, quarter) == days
    with pytest.raises(NewsError, match="such as 2020Q2"):
        quarter_days(authority, quarter.replace("20", "x"))
