"""A draft of a form for a file that no form knows, as YAML.

It loads as it stands where the guesses (``extracts.guessing``) suffice; what the owner must look at says so
in comments. Nothing of a row's content is in it.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import yaml

from authorities.forms import FieldName, OldEncoding
from authorities.model import Authority
from extracts.encodings import CP1252
from extracts.guessing import (
    Column,
    guess_dataset,
    guess_date_order,
    guess_decimal,
    guess_fields,
    guess_month_language,
    header_row,
    is_numeric,
)
from extracts.sheets import Sheet
from extracts.text import fold, unit_of_amounts

_SAMPLE_ROWS = 2000
_NAMED_PERIODS = (
    ("day", r"(\d{4})-(\d{2})-(\d{2})", ("year", "month", "day")),
    ("month", r"(\d{4})[-_](\d{2})", ("year", "month")),
    ("year", r"(\d{4})", ("year",)),
)
_ENCODINGS: dict[str, OldEncoding] = {CP1252: "windows-1252"}


def draft_form(authority: Authority, sheet: Sheet, shown: str) -> str:
    """YAML of a form that would read ``sheet``, its guesses marked.

    Args:
        sheet: the sheet of the file that seems to hold the table.
        shown: the file's path below the landing folder, from which the period and received day are guessed.
    """
    at = header_row(sheet)
    titles = sheet.head[at - 1]
    below = sheet.rows_below(at, len(titles), shown).head(_SAMPLE_ROWS)
    columns = [Column(title, below[f"c{place}"].drop_nulls()) for place, title in enumerate(titles)]
    decimal = guess_decimal(columns)
    fields = guess_fields(authority, columns, decimal)
    parts: dict[str, object] = {
        "form_code": _code(shown),
        "title": PurePosixPath(shown).name,
        "sender": "treasury",
        "dataset": guess_dataset(sheet, at, fields, shown),
        "recognise": _recognition(shown, sheet),
        "columns": _columns(columns, fields, decimal),
        **({"encodings": [_ENCODINGS[sheet.encoding]]} if sheet.encoding in _ENCODINGS else {}),
        "numbers": _numbers(sheet, at, decimal),
        "date_order": guess_date_order(columns, fields),
        **_months(columns, fields),
        **_period(shown, fields),
    }
    return _commented(parts, at)


def _code(shown: str) -> str:
    bare = re.sub(r"[^a-z]+", "_", fold(PurePosixPath(shown).name.partition(".")[0])).strip("_")
    return bare or "new_form"


def _recognition(shown: str, sheet: Sheet) -> dict[str, str]:
    name = re.sub(r"\d+", lambda digits: rf"\d{{{len(digits[0])}}}", _escaped(PurePosixPath(shown).name))
    told = {"file_name": f"(^|/){name}$"}
    return told | ({"sheet_name": f"^{_escaped(sheet.name)}$"} if sheet.name else {})


def _escaped(text: str) -> str:
    """Escaped for a pattern, but for spaces and dashes, which need none and read better."""
    return re.escape(text).replace("\\ ", " ").replace("\\-", "-")


def _columns(columns: Sequence[Column], fields: Sequence[FieldName], decimal: str) -> list[dict[str, object]]:
    """The columns as a form names them; several of numbers where none is the amount make a wide table."""
    numeric = [
        place
        for place, (column, field) in enumerate(zip(columns, fields, strict=True))
        if field == "ignored" and "amount" not in fields and is_numeric(column, decimal)
    ]
    told: list[dict[str, object]] = []
    for place, (column, field) in enumerate(zip(columns, fields, strict=True)):
        if not column.title:
            continue
        if place in numeric:
            value = {"value": _slug(column.title)} if len(numeric) > 1 else {}
            told.append({"field": "amount", "header": [column.title], **value})
        else:
            optional = {"optional": True} if field == "ignored" else {}
            told.append({"field": field, "header": [column.title], **optional})
    return told


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", fold(title)).strip("_")


def _numbers(sheet: Sheet, header_end: int, decimal: str) -> dict[str, str]:
    for cell in (cell for row in sheet.head[:header_end] for cell in row):
        found = re.search(r"(?:don vi(?: tinh)?|dvt)\s*:\s*(.+)", fold(cell))
        if found and unit_of_amounts(found[1]):
            return {"decimal": decimal, "unit_line": r"(?:don vi(?: tinh)?|dvt)\s*:\s*(.+)"}
    return {"decimal": decimal}


def _months(columns: Sequence[Column], fields: Sequence[FieldName]) -> dict[str, object]:
    if "month" not in fields:
        return {}
    language = guess_month_language(columns[list(fields).index("month")])
    return {"month_language": language} if language else {}


def _period(shown: str, fields: Sequence[FieldName]) -> dict[str, dict[str, object]]:
    """The period by the file's name, else by its rows; the received day by a dated folder, else assumed."""
    in_folder = re.search(r"(?:^|/)\d{4}-\d{2}-\d{2}/", shown) is not None
    received: dict[str, object] = {"rule": "folder"} if in_folder else {
        "rule": "period_end_plus_lag", "lag_days": 0, "assumed": True,
    }  # fmt: skip
    if {"posting_date", "period_end", "year"} & set(fields):
        length = (
            "day"
            if "posting_date" in fields
            else "month"
            if {"month", "period_end"} & set(fields)
            else "year"
        )
        return {"period": {"rule": "row", "length": length}, "received": received}
    name = PurePosixPath(shown).name
    for length, pattern, groups in _NAMED_PERIODS:
        found = re.search(pattern, name)
        if found:
            before = _escaped(name[: found.start()])[-20:]
            named = pattern
            for group in groups:
                named = named.replace("(\\d", f"(?P<{group}>\\d", 1)
            return {"period": {"rule": "file_name", "length": length, "pattern": before + named},
                    "received": received}  # fmt: skip
    return {"period": {"rule": "file_name", "length": "month",
                       "pattern": r"(?P<year>\d{4})-(?P<month>\d{2})"}, "received": received}  # fmt: skip


def _commented(parts: dict[str, object], at: int) -> str:
    """The parts as YAML, with what the owner must look at in comments."""
    columns = parts["columns"] if isinstance(parts["columns"], list) else []
    given = {column["field"] for column in columns}
    notes = [
        f"A draft for {parts['title']}, whose header seems to stand in row {at}. Every line is a guess:",
        "confirm the sender, the dataset, each column, the period, and how the received day is known.",
    ]
    if "amount" not in given:
        notes.append("No column was recognised as the amount: give one of them 'field: amount'.")
    if not {"unit_code", "unit_name"} & given:
        notes.append("No column was recognised as the unit: give one 'field: unit_name' or 'unit_code'.")
    if any("value" in column for column in columns):
        notes.append("A column an amount: each 'value' must be a line of revenue_lines.csv.")
    out = [f"# {note}" for note in notes]
    for key, value in parts.items():
        if key == "columns":
            out += ["columns:", *(f"  - {_inline(column)}" for column in columns)]
        else:
            out.append(f"{key}: {_inline(value)}")
    return "\n".join(out) + "\n"


def _inline(value: object) -> str:
    dumped = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10_000, sort_keys=False)
    return dumped.strip().removesuffix("...").strip()
