"""The landing folder: which files lie there, which form claims each, when it came, what period it states.

One pass over the folder gives the deliveries of a night. Their rows are read in ``extracts.raw``.
"""

import calendar
import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from authorities.forms import ExtractForm
from authorities.model import Authority
from extracts.problems import ExtractError

_FOLDER_DATE = re.compile(r"(?:^|/)(\d{4}-\d{2}-\d{2})(?=/)")
_IGNORED = re.compile(r"(^|/)(\.|~\$)|\.(tmp|part|crdownload)$")


class LandingError(Exception):
    """The landing folder cannot be used at all; the message says why and what to do."""


@dataclass(frozen=True)
class Delivery:
    """One file as one form sees it.

    Attributes:
        received_on: day on which the office had the file; None where every row has its own (bulk listing)
            or where no form claims it.
        scope_from, scope_to: period that the file states as a whole; None where every row has its own.
        order: place among all deliveries, by received day and then name.
    """

    path: Path
    source_file: str
    sha256: str
    file_bytes: int
    form: ExtractForm | None
    received_on: dt.date | None = None
    scope_from: dt.date | None = None
    scope_to: dt.date | None = None
    order: int = 0
    repeats: str = ""
    """The earlier file with the same bytes, where there is one."""
    problem: ExtractError | None = None
    """Why neither period nor received day can be told from its name."""

    @property
    def delivery_id(self) -> str:
        """Form and start of the digest; the path for a file that no form claims."""
        return f"{self.form.form_code}-{self.sha256[:16]}" if self.form else self.source_file


def scan_landing(authority: Authority, folder: Path) -> list[Delivery]:
    """Every file below ``folder``, once for each form that claims it, in order of arrival.

    Raises:
        LandingError: the folder does not exist, or holds no file at all.
    """
    if not folder.is_dir():
        raise LandingError(
            f"landing folder {folder} does not exist. Create it and put the extracts there, or name another "
            "with --landing"
        )
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    shown = [(path, path.relative_to(folder).as_posix()) for path in files]
    deliveries = [
        delivery
        for path, name in shown
        if not _IGNORED.search(name)
        for delivery in _claims(authority, path, name)
    ]
    if not deliveries:
        raise LandingError(f"landing folder {folder} holds no files. Put the extracts there and run again")
    return list(_in_order(deliveries))


def _claims(authority: Authority, path: Path, name: str) -> Iterator[Delivery]:
    bare = Delivery(path, name, file_sha256(path), path.stat().st_size, None)
    forms = [form for form in authority.forms if re.search(form.recognise.file_name, name)]
    if not forms:
        yield bare
    for form in forms:
        yield _claimed(bare, form)


def _claimed(bare: Delivery, form: ExtractForm) -> Delivery:
    name = bare.source_file
    try:
        scope = _scope(form, name)
        received = _received(form, name, scope)
    except ExtractError as problem:
        return replace(bare, form=form, problem=problem)
    return replace(bare, form=form, received_on=received, scope_from=scope[0], scope_to=scope[1])


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _scope(form: ExtractForm, name: str) -> tuple[dt.date | None, dt.date | None]:
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
        first = dt.date(parts["year"], parts.get("month", 1), parts.get("day", 1))
    except ValueError as error:
        raise ExtractError(name, f"its name holds no real date ({error})", "Rename the file") from error
    return first, period_end(first, form.period.length)


def period_end(day: dt.date, length: str) -> dt.date:
    """Last day of the day, month or year that ``day`` lies in."""
    if length == "day":
        return day
    month = 12 if length == "year" else day.month
    return dt.date(day.year, month, calendar.monthrange(day.year, month)[1])


def _received(form: ExtractForm, name: str, scope: tuple[dt.date | None, dt.date | None]) -> dt.date | None:
    if form.received.rule == "folder":
        found = _FOLDER_DATE.search(name)
        if not found:
            raise ExtractError(
                name, f"form '{form.form_code}' takes the received day from a dated folder, and there is none",
                "Put the file in a folder named by the day it came, such as 2020-06-30",
            )  # fmt: skip
        return dt.date.fromisoformat(found.group(1))
    return scope[1] + dt.timedelta(days=form.received.lag_days) if scope[1] else None


def _in_order(deliveries: Iterable[Delivery]) -> Iterator[Delivery]:
    """Deliveries by received day and name; a bulk file, whose rows have days of their own, goes first."""
    first_seen: dict[tuple[str, str], str] = {}
    by_arrival = sorted(deliveries, key=lambda one: (one.received_on or dt.date.min, one.source_file))
    for order, delivery in enumerate(by_arrival, start=1):
        key = (delivery.form.form_code if delivery.form else "", delivery.sha256)
        earlier = first_seen.setdefault(key, delivery.source_file)
        repeats = earlier if delivery.form and earlier != delivery.source_file else ""
        yield replace(delivery, order=order, repeats=repeats)
