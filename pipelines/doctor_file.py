"""What ``wardcast doctor FILE`` says: how one file would be read, row by row of the report, and what to mend.

Facts come from ``extracts`` and ``expectations``, on the very way of a night; here they are put in words. No
content of a row is shown: row numbers, counts and money only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from authorities.forms import OldEncoding
from authorities.model import Authority
from extracts.drafting import draft_form
from extracts.examining import FormView, nearest_forms
from extracts.intake import counts_of, unit_names
from extracts.landing import Delivery, deliveries_of
from extracts.opening import Manner, open_sheets
from extracts.problems import ExtractError
from extracts.raw import RawDelivery
from extracts.reading import SheetReading, read_sheets
from extracts.row_kinds import DATA_KINDS
from extracts.staging import stage

_SHOWN_FORMS = 3
_SHOWN_ROWS = 5
_EVERY_ENCODING: tuple[OldEncoding, ...] = ("windows-1258", "tcvn3", "vni", "windows-1252")
_PERSONAL = {"taxpayer_name", "taxpayer_no"}
_SCALES = {"one": "units", "thousand": "thousands", "million": "millions", "billion": "billions"}


@dataclass(frozen=True)
class FileReport:
    """The report on one file, and whether a night would read it."""

    lines: list[str]
    is_readable: bool


def examine_file(authority: Authority, path: Path, landing: Path) -> FileReport:
    """How each form that claims ``path`` would read it; else which forms come near, and a draft of a new one.

    Args:
        authority: whose forms are asked.
        path: the file, in the landing folder or elsewhere.
        landing: the landing folder, below which forms look for their files.
    """
    whole = path.resolve()
    shown = whole.relative_to(landing.resolve()).as_posix() if whole.is_relative_to(landing.resolve()) else (
        whole.as_posix().removeprefix("/")
    )  # fmt: skip
    reports = [_delivery(authority, delivery) for delivery in deliveries_of(authority, whole, shown)]
    lines = [line for report in reports for line in [*report.lines, ""]]
    claimed = bool(reports) and any(report.is_readable for report in reports)
    return FileReport(lines[:-1], claimed and all(report.is_readable for report in reports))


def _delivery(authority: Authority, delivery: Delivery) -> FileReport:
    head = [_line("file", f"{delivery.source_file} ({delivery.file_bytes:,} bytes)")]
    if delivery.form is None:
        if delivery.problem is not None and not delivery.sha256:
            return FileReport([*head, _line("problem", str(delivery.problem))], is_readable=False)
        return FileReport([*head, *_unclaimed(authority, delivery)], is_readable=False)
    form = delivery.form
    head.append(_line("form", f"{form.form_code}, dataset {form.dataset}: {form.title}"))
    if delivery.problem is not None:
        return FileReport([*head, _line("problem", str(delivery.problem))], is_readable=False)
    head += _arrival(delivery)
    try:
        sheets = read_sheets(
            delivery.path, delivery.source_file, form, unit_names(authority),
            limits=delivery.limits, member=delivery.member,
        )  # fmt: skip
        rows = pl.concat([sheet.rows for sheet in sheets])
        counts = counts_of(rows, form, authority.settings.currency.minor_digits, delivery.source_file)
    except ExtractError as problem:
        return FileReport([*head, _line("problem", str(problem))], is_readable=False)
    body = [line for sheet in sheets for line in _sheet(sheet)]
    total = _total(authority, counts[3], counts[4])
    return FileReport([*head, *body, *total, *_judged(authority, delivery, rows)], is_readable=True)


def _line(subject: str, text: str) -> str:
    return f"{subject:<12}{text}"


def _arrival(delivery: Delivery) -> Iterator[str]:
    form = delivery.form
    received = str(delivery.received_on) if delivery.received_on else "each row by its own date"
    if form is not None and form.received.rule != "folder":
        received += f" (period's end and {form.received.lag_days} days, assumed)"
    yield _line("received", received)
    if delivery.scope_from:
        yield _line("period", f"{delivery.scope_from} to {delivery.scope_to}")


def _sheet(reading: SheetReading) -> Iterator[str]:
    header, sheet = reading.header, reading.header.sheet
    parted = f", cells parted by {_named(sheet.delimiter)}" if sheet.delimiter else ""
    encoding = f", {sheet.encoding}" if sheet.encoding else ""
    yield _line("format", f"{sheet.file_format}{parted}{encoding}")
    if sheet.name:
        yield _line("sheet", sheet.name)
    yield _line("header", f"ends in row {header.end}")
    for column, place in header.places:
        if column.field != "ignored":
            value = f" of {column.value}" if column.value else ""
            private = "; kept for the owner alone" if column.field in _PERSONAL else ""
            told = f"column {_letters(place)} '{header.title(place)}'{private}"
            yield _line("", f"{column.field + value:<16} {told}")
    yield _line("amounts", f"in {_SCALES[reading.rows['scale'][0]]} of the currency, decimal mark "
                f"{' or '.join(sorted(reading.rows['decimal'].unique()))}")  # fmt: skip
    yield _line("dates", f"in the order {reading.rows['date_order'][0]}")
    yield from (_line("note", note) for note in reading.notes)
    kinds = dict(reading.rows.group_by("row_kind").len().sort("row_kind").iter_rows())
    told = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
    yield _line("rows", f"{reading.rows.height:,} below the header: {told}")
    for kind in sorted(set(kinds) - set(DATA_KINDS)):
        at = reading.rows.filter(pl.col("row_kind") == kind)["row_number"].to_list()
        yield _line("", f"{kind}: row{_places(at)}")


def _named(delimiter: str) -> str:
    return {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars"}.get(delimiter, delimiter)


def _letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _places(rows: list[int]) -> str:
    shown = ", ".join(str(row) for row in rows[:_SHOWN_ROWS])
    more = f" and {len(rows) - _SHOWN_ROWS:,} more" if len(rows) > _SHOWN_ROWS else ""
    return f"{'s' if len(rows) > 1 else ''} {shown}{more}"


def _rows(number: int) -> str:
    return f"{number:,} row{'s' if number != 1 else ''}"


def _money(authority: Authority, minor: int) -> str:
    currency = authority.settings.currency
    return f"{minor / currency.minor_per_unit:,.{currency.minor_digits}f} {currency.code}"


def _total(authority: Authority, found: int, stated: int | None) -> Iterator[str]:
    if stated is None:
        yield _line("sum", f"{_money(authority, found)}; the file has no total of its own to hold it against")
    elif stated == found:
        yield _line("sum", f"{_money(authority, found)}, as the file's own total says")
    else:
        yield _line(
            "sum", f"{_money(authority, found)}, but the file's own total says {_money(authority, stated)}: "
            f"{_money(authority, found - stated)} apart",
        )  # fmt: skip


def _judged(authority: Authority, delivery: Delivery, rows: pl.DataFrame) -> Iterator[str]:
    from expectations.suites import explanation_of
    from expectations.validation import validate

    assert delivery.form is not None  # noqa: S101 - claimed, or nothing was read
    dataset = delivery.form.dataset
    verdict = validate(dataset, stage(authority, dataset, [RawDelivery(delivery, rows)]))
    accepted = int(verdict.accepted["amount"].sum() or 0)
    yield _line("accepted", f"{_rows(verdict.accepted.height)}, {_money(authority, accepted)}")
    for (outcome, rule), refused in sorted(verdict.quarantine.group_by("outcome", "rule")):
        money = _money(authority, int(refused["amount"].sum() or 0))
        at = refused["row_number"].unique().sort().to_list()
        yield _line(str(outcome), f"{_rows(refused.height)}, {money}, by {rule}: row{_places(at)}")
        yield _line("", explanation_of(dataset, str(rule)))


def _unclaimed(authority: Authority, delivery: Delivery) -> Iterator[str]:
    names = [name for name in (delivery.unpacked_name, delivery.source_file) if name]
    views = nearest_forms(authority, delivery.path, names, delivery.source_file, delivery.member)
    yield _line("form", "no form claims this file; the nearest are")
    for view in views[:_SHOWN_FORMS]:
        yield _line("", f"{view.form.form_code}: {_verdict(view)}")
    if not (views and views[0].columns_fit):
        yield from _draft(authority, delivery)


def _verdict(view: FormView) -> str:
    if not view.columns_fit:
        return "; ".join(view.reasons)
    pattern = view.form.recognise.file_name
    where = "put it into a folder" if view.only_folder else "give it a name and folder"
    return f"its columns fit (header in row {view.row}); {where} that fit {pattern}"


def _draft(authority: Authority, delivery: Delivery) -> Iterator[str]:
    manner = Manner(old=_EVERY_ENCODING, limits=delivery.limits)
    try:
        sheets = open_sheets(delivery.path, delivery.source_file, manner, delivery.member)
        largest = max(sheets, key=lambda sheet: sum(bool(cell) for row in sheet.head for cell in row))
        draft = draft_form(authority, largest, delivery.unpacked_name or delivery.source_file)
    except (ExtractError, OSError) as problem:
        yield _line("problem", str(problem))
        return
    code = re.search(r"^form_code: (\S+)", draft, re.MULTILINE)
    name = code[1] if code else "new_form"
    yield _line("draft", f"of a form, to be completed and saved as forms/{name}.yaml:")
    yield ""
    yield from draft.splitlines()
