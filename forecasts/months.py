"""Months as whole numbers, so that a series is an array and a fiscal year is a slice.

An *ordinal* is year × 12 + month − 1; the difference of two ordinals is a number of months. Nothing here
knows receipts or models.
"""

from datetime import date, timedelta


def ordinal(day: date) -> int:
    """The month of `day` as a whole number."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    """First day of the month with this ordinal."""
    return date(month // 12, month % 12 + 1, 1)


def days_in(month: int) -> int:
    """Number of days of the month with this ordinal."""
    return (first_day(month + 1) - first_day(month)).days


def last_day(month: int) -> date:
    """Last day of the month with this ordinal."""
    return first_day(month + 1) - timedelta(days=1)


def fiscal_start(day: date, start_month: int) -> int:
    """Ordinal of the first month of the fiscal year that `day` lies in (`start_month` 1..12)."""
    month = ordinal(day)
    return month - (month % 12 - (start_month - 1)) % 12


def share_of_month(month: int, since: date, until: date | None) -> float:
    """Share of the month's days, 0..1, that lie between two dates, both included; `until` None is for
    good."""
    opened = max(first_day(month), since)
    closed = last_day(month) if until is None else min(last_day(month), until)
    return max((closed - opened).days + 1, 0) / days_in(month)
