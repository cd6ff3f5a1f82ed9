"""The office's calendar: working days, the periods of extracts, the days they are due, and when books close.

Public holidays, Tết among them, come from the ``holidays`` library. What arrived is in
``warehouse.arrivals``.
"""

import calendar
import datetime as dt
from functools import lru_cache

from authorities.forms import Expected
from authorities.model import Authority

_MIDDLE = 15
"""A month's first half ends on the 15th (Thông tư 26/2026/TT-BTC, điều 18)."""


def is_working_day(authority: Authority, day: dt.date) -> bool:
    """Whether offices are open: no weekend and no public holiday of the authority's country."""
    country = authority.settings.holidays_country
    return day.weekday() < 5 and (country is None or day not in _holidays(country, day.year))


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> frozenset[dt.date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))


def due_day(authority: Authority, end: dt.date, expected: Expected) -> dt.date:
    """Day by which the extract of the period that ends on ``end`` is due.

    Counted from the period's edge, or a day of its last month; a closed day moves it as the form says.
    """
    if expected.due_on_day is not None:
        due = end.replace(day=min(expected.due_on_day, calendar.monthrange(end.year, end.month)[1]))
    else:
        edge = end if expected.due_from == "end" else period_start(end, expected)
        due = edge + dt.timedelta(days=expected.due_after_days)
    step = dt.timedelta(days=1 if expected.when_closed == "next" else -1)
    while not is_working_day(authority, due):
        due += step
    return due


def period_start(end: dt.date, expected: Expected) -> dt.date:
    """First day of the period that ends on ``end``."""
    if expected.every == "working_day":
        return end
    if expected.every == "half_month":
        return end.replace(day=1 if end.day == _MIDDLE else _MIDDLE + 1)
    months = {"month": 1, "quarter": 3, "year": 12}[expected.every]
    first = end.year * 12 + end.month - months
    return dt.date(first // 12, first % 12 + 1, 1)


def period_ends(authority: Authority, expected: Expected, as_of: dt.date) -> list[dt.date]:
    """Last days of the periods whose extracts are due by ``as_of``, from the form's start on.

    A period need not be over for its extract to be due: a year's estimate is due before the year begins.
    """
    since = dt.date.fromisoformat(expected.since)
    horizon = as_of + dt.timedelta(days=400)
    ends = _working_days(authority, since, as_of) if expected.every == "working_day" else _ends(
        authority, expected, since, horizon)  # fmt: skip
    return [end for end in ends if since <= end and due_day(authority, end, expected) <= as_of]


def _working_days(authority: Authority, since: dt.date, until: dt.date) -> list[dt.date]:
    days = (since + dt.timedelta(days=n) for n in range((until - since).days + 1))
    return [day for day in days if is_working_day(authority, day)]


def _ends(authority: Authority, expected: Expected, since: dt.date, until: dt.date) -> list[dt.date]:
    start = authority.settings.fiscal_year_start_month
    months = [(year, month) for year in range(since.year, until.year + 1) for month in range(1, 13)]
    if expected.every == "quarter":
        months = [(year, month) for year, month in months if (month - start + 1) % 3 == 0]
    elif expected.every == "year":
        months = [(year, month) for year, month in months if (month - start + 1) % 12 == 0]
    ends = [dt.date(year, month, calendar.monthrange(year, month)[1]) for year, month in months]
    if expected.every == "half_month":
        ends = sorted([*ends, *(end.replace(day=_MIDDLE) for end in ends)])
    return [end for end in ends if end <= until]


def locked_on(authority: Authority, month: dt.date) -> dt.date | None:
    """Day on which a month's books are closed (khoá sổ); None where the authority names none.

    The last month of a fiscal year stays open for settlement adjustments until the year's own day: 31 January
    (Thông tư 344/2016/TT-BTC, điều 13).
    """
    locks = authority.settings.locks
    if locks is None:
        return None
    last = dt.date(month.year, month.month, calendar.monthrange(month.year, month.month)[1])
    if last == authority.fiscal_year_end(authority.fiscal_year(last)):
        return last + dt.timedelta(days=locks.year_after_days)
    due = last + dt.timedelta(days=locks.month_after_days)
    while not is_working_day(authority, due):
        due += dt.timedelta(days=1)
    return due
