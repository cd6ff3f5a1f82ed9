"""``wardcast news``: the paragraph of the district's news for any quarter, from the marts.

Finds the quarter's last published night; the words are ``bulletins.news_item``'s.
"""

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from authorities.model import Authority
from bulletins.news_item import NewsItem, news_items
from bulletins.night import Night
from bulletins.page import Language, edition_of
from pipelines.settings import Places
from warehouse.engines import open_warehouse
from warehouse.publication_register import Register
from warehouse.tables.marts import MART_DISTRICT_BRIEF, PUBLICATION

_QUARTER = re.compile(r"(\d{4})[-/ ]?[QqTt]?([1-4])")
_MONTHS = 3


class NewsError(Exception):
    """There is no paragraph for the quarter; the message says why and what to do."""


@dataclass(frozen=True)
class QuarterNews:
    """A paragraph, and a remark where it is not of the quarter's whole length."""

    item: NewsItem
    remark: str


def news_of(places: Places, quarter: str | None, language: str | None) -> QuarterNews:
    """The paragraph of a fiscal quarter (2020Q2), of the newest published night where none is named.

    Raises:
        NewsError: the quarter or language is not understood, or no night of the quarter is published.
        WarehouseError: the warehouse cannot be read.
    """
    authority = places.authority
    spoken = _language(authority, language)
    warehouse = open_warehouse(places.warehouse_url)
    nights = sorted(Register(warehouse.publications()).current())
    first, last = quarter_days(authority, quarter) if quarter else (dt.date.min, dt.date.max)
    within = [night for night in nights if first <= night <= last]
    if not within:
        raise NewsError(_nothing(quarter, first, last, nights))
    as_of = within[-1]
    night = Night(
        authority, {MART_DISTRICT_BRIEF.name: warehouse.read_mart(MART_DISTRICT_BRIEF.name, as_of)}, {},
        warehouse.read_mart(PUBLICATION.name, as_of).sort("published_at").row(-1, named=True),
    )  # fmt: skip
    remark = f"figures to {as_of}; the quarter runs to {last}" if quarter and as_of < last else ""
    return QuarterNews(news_items(night, edition_of(night, spoken))[0], remark)


def quarter_days(authority: Authority, quarter: str) -> tuple[dt.date, dt.date]:
    """First and last day of a fiscal quarter, written as 2020Q2, 2020-2 or 2020/Q2.

    Raises:
        NewsError: the text is no quarter.
    """
    found = _QUARTER.fullmatch(quarter.strip())
    if found is None:
        raise NewsError(f"'{quarter}' is no quarter; write the fiscal year and 1 to 4, such as 2020Q2")
    start = authority.fiscal_year_start(int(found[1]))
    first = start.month - 1 + (int(found[2]) - 1) * _MONTHS
    last = first + _MONTHS - 1
    year, month = start.year + last // 12, last % 12 + 1
    return (
        dt.date(start.year + first // 12, first % 12 + 1, 1),
        dt.date(year, month, calendar.monthrange(year, month)[1]),
    )


def _language(authority: Authority, language: str | None) -> Language:
    languages = authority.settings.languages
    spoken = next((known for known in languages if known == (language or languages[0])), None)
    if spoken is None:
        raise NewsError(f"the authority's languages are {', '.join(languages)}, not '{language}'")
    return spoken


def _nothing(quarter: str | None, first: dt.date, last: dt.date, nights: list[dt.date]) -> str:
    if quarter is None:
        return "nothing has been published yet; run  wardcast nightly  first"
    known = f"from {nights[0]} to {nights[-1]}" if nights else "none"
    return (
        f"no night from {first} to {last} is published (published: {known}). The ledger remembers what was "
        f"known then: run  wardcast nightly --as-of {last}  and ask again"
    )
