"""What the columns of an unknown table may mean: by their titles, and by what stands in them.

Guesses only, for a draft that a person confirms (``extracts.drafting``); nothing is read by them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from authorities.forms import FieldName
from authorities.model import Authority
from extracts.dates import counted, ends_of_months, order_of_dates
from extracts.sheets import Sheet
from extracts.text import code_of, date_of, fold, minor_amount
from extracts.units import UnitResolver

_LEAST_CELLS = 3
_MOST = 0.7
"""Share of a column's cells that must be of a kind for the column to be taken for it."""
_COMMON_TITLES: dict[FieldName, str] = {
    "amount": r"\b(so tien|thanh tien|gia tri|amount|value|sum|total|valor|so thu|so chi|thuc thu|no)\b",
    "posting_date": r"\b(ngay|date|data|posted)\b",
    "period_end": r"\b(ky|thang nam|period|month end)\b",
    "year": r"^(nam|year|ano)$",
    "month": r"^(thang|month|mes)$",
    "document_no": r"\b(chung tu|so ct|document|voucher)\b",
    "unit_code": r"\b(ma (dbhc|phuong|xa|don vi|dia ban)|unit code|ward code|uf)\b",
    "unit_name": r"\b(phuong|xa|don vi|dia ban|ward|unit|city|state)\b",
    "item_code": r"\b(tieu muc|ma ndkt|noi dung kinh te|item)\b",
    "chapter": r"\b(chuong|chapter)\b",
    "taxpayer_name": r"\b(nguoi nop|ten nnt|doanh nghiep|taxpayer|payer)\b",
    "taxpayer_no": r"\b(mst|ma so thue|tax (no|id))\b",
    "due_on": r"\b(han nop|due)\b",
}
"""What folded titles usually mean, tried in this order where no form of the authority says."""
_PLAIN_NUMBER = r"^\(?-?[0-9][0-9., \u00a0]*\)?-?$"
_POINT, _COMMA = r"^[^,]*(,\d{3})+(\.\d+)?$|^\d+\.\d{1,2}$", r"^[^.]*(\.\d{3})+(,\d+)?$|^\d+,\d{1,2}$"
_MONTH_LANGUAGES = ("en", "vi", "pt", "es", "fr", "de", "it", "pl", "uk", "ru", "id", "th", "ja")
_ORDERS = {"ymd": r"^\s*\d{4}[./\-]", "my": r"^\s*\d{1,2}[./\-]\d{4}\s*$"}


@dataclass(frozen=True)
class Column:
    """A column of the table: its title and its filled cells."""

    title: str
    cells: pl.Series


def header_row(sheet: Sheet) -> int:
    """Number of the row that is most likely the header: many different words over rows of as many cells."""
    best, score = 1, 0.0
    for place, row in enumerate(sheet.head):
        words = {fold(cell) for cell in row if cell and not re.match(_PLAIN_NUMBER, cell)}
        below = sheet.head[place + 1 : place + 6]
        filled = sum(bool(cell) for later in below for cell in later) / max(len(below), 1)
        if len(words) >= _LEAST_CELLS and min(len(words), filled + 1) > score:
            best, score = place + 1, min(len(words), filled + 1)
    return best


def guess_fields(authority: Authority, columns: Sequence[Column], decimal: str) -> list[FieldName]:
    """Meaning of each column: by the titles of the authority's own forms, by usual titles, by its cells."""
    known = {
        fold(title): column.field
        for form in authority.forms
        for column in form.columns
        if not column.value
        for title in column.header
    }
    resolver = UnitResolver(authority)
    guesses = [_field(column, known, authority, resolver, decimal) for column in columns]
    taken: set[FieldName] = set()
    fields: list[FieldName] = []
    for guess in guesses:
        fields.append("ignored" if guess in taken else guess)
        taken.add(guess)
    if not {"posting_date", "period_end"} & taken:
        return fields
    return ["ignored" if field in {"year", "month"} else field for field in fields]


def _field(
    column: Column, known: dict[str, FieldName], authority: Authority, resolver: UnitResolver, decimal: str
) -> FieldName:
    title = fold(column.title)
    if not title:
        return "ignored"
    if title in known:
        return known[title]
    by_title = next((field for field, words in _COMMON_TITLES.items() if re.search(words, title)), None)
    by_cells = _by_cells(column.cells, authority, resolver)
    if by_title == "amount" and _share(_numbers_in(column.cells, decimal)) < _MOST:
        return by_cells or "ignored"
    return by_title or by_cells or "ignored"


def _by_cells(cells: pl.Series, authority: Authority, resolver: UnitResolver) -> FieldName | None:
    distinct = cells.unique()
    if distinct.is_empty():
        return None
    day = authority.units[-1].valid_from
    days = sorted({unit.valid_from for unit in authority.units} | {day})
    if (
        _share(pl.Series([any(resolver.unit_key(None, text, on) for on in days) for text in distinct]))
        >= _MOST
    ):
        return "unit_name"
    if (
        _share(pl.Series([any(resolver.unit_key(text, None, on) for on in days) for text in distinct]))
        >= _MOST
    ):
        return "unit_code"
    items = {item.item_code for item in authority.items}
    width = max((len(code) for code in items), default=0)
    codes = distinct.to_frame("text").select(code_of(pl.col("text"), width=width)).to_series()
    if _share(codes.is_in(list(items))) >= _MOST:
        return "item_code"
    dates = distinct.filter(distinct.str.contains(r"[/.\-]"))
    read = dates.to_frame("text").select(date_of(pl.col("text"), order="dmy")).to_series()
    if dates.len() * 2 > distinct.len() and _share(read.is_not_null()) >= _MOST:
        return "posting_date"
    return None


def _numbers_in(cells: pl.Series, decimal: str) -> pl.Series:
    return cells.to_frame("text").select(
        minor_amount(pl.col("text"), decimal=decimal, scale_digits=2).is_not_null()
    ).to_series()  # fmt: skip


def _share(holds: pl.Series) -> float:
    return int(holds.sum()) / holds.len() if holds.len() else 0.0


def _mostly(holds: Iterable[bool]) -> bool:
    return _share(pl.Series(list(holds), dtype=pl.Boolean)) >= _MOST


def is_numeric(column: Column, decimal: str) -> bool:
    """Whether most cells are numbers, and not just the rows counted."""
    numbers = _numbers_in(column.cells, decimal)
    whole = column.cells.cast(pl.Int64, strict=False).drop_nulls()
    in_order = whole.len() == column.cells.len() and bool((whole.diff().drop_nulls() == 1).all())
    return _share(numbers) >= _MOST and not in_order


def guess_month_language(column: Column) -> str | None:
    """The language whose month names most cells are; None where they are numbers or unknown words."""
    months = pl.DataFrame({"month": column.cells.unique()}).with_columns(pl.lit("2000").alias("year"))
    named = months.filter(pl.col("month").str.contains(r"\p{L}"))
    shares = {
        language: _share(ends_of_months(named, language).is_not_null()) for language in _MONTH_LANGUAGES
    }
    best = max(shares, key=lambda language: shares[language])
    return best if shares[best] >= _MOST else None


def guess_decimal(columns: Sequence[Column]) -> Literal[",", "."]:
    """The mark that more of the numbers prove to be the decimal one; a comma where nothing is proved."""
    numbers = pl.concat([column.cells.filter(column.cells.str.contains(_PLAIN_NUMBER)) for column in columns])
    return "." if numbers.str.contains(_POINT).sum() > numbers.str.contains(_COMMA).sum() else ","


def guess_dataset(sheet: Sheet, header_end: int, fields: Sequence[FieldName], shown: str) -> str:
    """The dataset by the words of the title and of the file's name; receipts where they tell nothing."""
    title = fold(" ".join([shown, *(cell for row in sheet.head[: header_end - 1] for cell in row)]))
    about = {
        "estimate": r"du[ _]toan|\bbudget|\bestimate|\bplan",
        "tax_arrears": r"\bno thue|tien no|arrears",
        "spending": r"\bchi\b|spending|expenditure",
    }
    guess = next((dataset for dataset, words in about.items() if re.search(words, title)), "receipt")
    return guess if "document_no" not in fields else "receipt"


def guess_date_order(columns: Sequence[Column], fields: Sequence[FieldName]) -> str:
    """The order in which the table's dates stand; day first where they do not tell."""
    for column, field in zip(columns, fields, strict=True):
        if field in {"posting_date", "period_end"}:
            for order, pattern in _ORDERS.items():
                if _share(column.cells.str.contains(pattern)) > _MOST:
                    return order
            told = Counter(part[-3:] for part in order_of_dates(counted(column.cells), "dmy").split()[1:])
            return told.most_common(1)[0][0] if told else "dmy"
    return "dmy"
