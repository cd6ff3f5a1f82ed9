"""What a file's path says of time: the period it states, the part it holds, the day the office had it.

A path is read by its form's rules (``authorities.forms``); never is a file's own time of change.
"""

import calendar
import datetime as dt
import re

from authorities.forms import ExtractForm
from extracts.problems import ExtractError

_FOLDER_DATE = re.compile(r"(?:^|/)(\d{4}-\d{2}-\d{2})(?=/)")
_QUARTERS = 4


def scope_of(form: ExtractForm, name: str, start_month: int) -> tuple[dt.date | None, dt.date | None]:
    """The period a file's name states as a whole; None where every row has its own.

    Raises:
        ExtractError: the name does not say it, or says no real date.
    """
    if form.period.rule == "row":
        return None, None
    found = re.search(form.period.pattern or "", name)
    if not found:
        raise ExtractError(
            name, f"its name does not say the period as form '{form.form_code}' expects",
            f"Name it so that it fits {form.period.pattern}",
        )  # fmt: skip
    parts = {key: int(value) for key, value in found.groupdict().items() if value}
    try:
        first = _first_day(form.period.length, parts, start_month)
    except ValueError as error:
        raise ExtractError(name, f"its name holds no real date ({error})", "Rename the file") from error
    return first, period_end(first, form.period.length)


def _first_day(length: str, parts: dict[str, int], start_month: int) -> dt.date:
    """First day of the period that a name's parts say; a year's or quarter's of the fiscal year."""
    if length == "year":
        return dt.date(parts["year"], start_month, 1)
    if length == "quarter":
        if not 1 <= parts["quarter"] <= _QUARTERS:
            raise ValueError(f"there is no quarter {parts['quarter']}")
        month = start_month - 1 + 3 * (parts["quarter"] - 1)
        return dt.date(parts["year"] + month // 12, month % 12 + 1, 1)
    return dt.date(parts["year"], parts.get("month", 1), parts.get("day", 1))


def period_end(first: dt.date, length: str) -> dt.date:
    """Last day of the day, month, quarter or (fiscal) year that begins on ``first``."""
    if length == "day":
        return first
    if length == "year":
        return first.replace(year=first.year + 1) - dt.timedelta(days=1)
    if length == "quarter":
        last = first.month + 2
        first = first.replace(year=first.year + (last - 1) // 12, month=(last - 1) % 12 + 1)
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def received_on(form: ExtractForm, name: str, scope: tuple[dt.date | None, dt.date | None]) -> dt.date | None:
    """The day on which the office had the file; None where every row has its own.

    Raises:
        ExtractError: the form asks for a dated folder and there is none.
    """
    if form.received.rule == "folder":
        found = _FOLDER_DATE.search(name)
        if not found:
            raise ExtractError(
                name, f"form '{form.form_code}' takes the received day from a dated folder; there is none",
                "Put the file in a folder named by the day it came, such as 2020-06-30",
            )  # fmt: skip
        try:
            return dt.date.fromisoformat(found.group(1))
        except ValueError as error:
            raise ExtractError(name, f"its folder is no real date ({error})", "Rename the folder") from error
    return scope[1] + dt.timedelta(days=form.received.lag_days) if scope[1] else None


def part_of(form: ExtractForm, name: str) -> str | None:
    """Which part of its period a file holds, as ``1/2`` or ``1``; None where it holds the whole."""
    found = re.search(form.period.part, name) if form.period.part else None
    if found is None:
        return None
    told = found.groupdict()
    return "/".join(str(int(told[name])) for name in ("part", "parts") if told.get(name))
