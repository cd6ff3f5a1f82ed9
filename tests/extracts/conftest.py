"""An authority of two wards built in a folder, and short ways to write files and read what came of them."""

import datetime as dt
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from authorities.forms import Dataset
from authorities.loading import load_authority
from authorities.model import Authority
from extracts.intake import stage_dataset, take_in

AS_OF = dt.date(2020, 6, 30)
HEADER = "STT;Ngày;Số chứng từ;Mã;Phường;Tiểu mục;Người nộp;Số tiền"

_AUTHORITY = """
    code: small
    title: {vi: Quận nhỏ, en: Small district}
    unit_kind: {vi: phường, en: ward}
    unit_prefixes: [UBND, Phường, P., Xã]
    currency: {code: VND, minor_digits: 0, display_unit: {vi: đồng, en: dong}}
    time_zone: Asia/Ho_Chi_Minh
    first_night: 2019-01-01
    fiscal_year_start_month: START_MONTH
"""
_UNITS = """
    code,name,valid_from,valid_to,name_variants,code_variants
    00145,Long Biên,2004-01-01,2025-06-30,,145
    00145,Long Biên,2025-07-01,,,
    00118,Ngọc Thụy,2004-01-01,,,
    00200,Phương Liệt,2004-01-01,,,
    00300,Cộng Hòa,2004-01-01,,,
    00400,Phường 5,2004-01-01,,,
"""
_LISTING = """
    form_code: listing
    title: Listing of a day
    sender: treasury
    dataset: receipt
    recognise: {file_name: '(^|/)[0-9-]{10}/thu_[0-9-]{10}[^/]*$'}
    columns:
      - {field: ignored, header: [STT], optional: true}
      - {field: posting_date, header: [Ngày]}
      - {field: document_no, header: [Số chứng từ]}
      - {field: unit_code, header: [Mã]}
      - {field: unit_name, header: [Phường]}
      - {field: item_code, header: [Tiểu mục]}
      - {field: taxpayer_name, header: [Người nộp], optional: true}
      - {field: amount, header: [Số tiền]}
    numbers: {decimal: ',', unit_line: 'don vi(?: tinh)?\\s*:\\s*(.+)'}
    period: {rule: file_name, pattern: 'thu_(?P<year>\\d{4})-(?P<month>\\d{2})-(?P<day>\\d{2})', length: day}
    received: {rule: folder}
"""
_PLAN = """
    form_code: plan
    title: Plan of a year
    sender: finance_office
    dataset: estimate
    recognise: {file_name: '(^|/)[0-9-]{10}/du_toan_[0-9]{4}[^/]*$', sheet_name: '^Thu'}
    header_rows: 2
    columns:
      - {field: unit_name, header: [Phường]}
      - {field: amount, header: [Thuế], value: tax}
      - {field: amount, header: [Phí], value: fees}
    numbers: {decimal: ',', unit: million}
    sections: '^[ivx]+\\.'
    period: {rule: file_name, pattern: 'du_toan_(?P<year>\\d{4})', length: year}
    received: {rule: folder}
"""


@dataclass(frozen=True)
class Office:
    """A landing folder, its authority, and what a night makes of the two."""

    authority: Authority
    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def put(self, name: str, content: str | bytes) -> Path:
        """Writes a file below the landing folder."""
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def listing(self, *rows: str, name: str = "2020-06-30/thu_2020-06-30.csv", title: str = "") -> Path:
        """Writes a day's listing of ``rows``."""
        return self.put(name, title + "\n".join([HEADER, *rows]) + "\n")

    def workbook(self, name: str, **sheets: list[list[object]]) -> Path:
        """Writes a workbook, one list of rows a sheet."""
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with xlsxwriter.Workbook(str(path)) as book:
            for title, rows in sheets.items():
                sheet = book.add_worksheet(title)
                for place, row in enumerate(rows):
                    sheet.write_row(place, 0, row)
        return path

    def register(self, as_of: dt.date = AS_OF) -> pl.DataFrame:
        return take_in(self.authority, self.landing, self.store, as_of)

    def staged(self, dataset: Dataset = "receipt", as_of: dt.date = AS_OF) -> pl.DataFrame:
        return stage_dataset(self.authority, dataset, self.register(as_of), self.store)

    def problem(self) -> str:
        """What is said of the one file that could not be read."""
        unreadable = self.register().filter(pl.col("status") == "unreadable")
        assert unreadable.height == 1, self.register().select("source_file", "status", "problem").rows()
        return str(unreadable["problem"].item())


def row(number: int = 1, amount: str = "1.000", **cells: str) -> str:
    """A line of the listing."""
    given = {"day": "30/06/2020", "document": f"A{number}", "code": "00145", "name": "Phường Long Biên",
             "item": "1701", "payer": "Trần Văn Kín", **cells}  # fmt: skip
    return ";".join([str(number), *given.values(), amount])


def build_authority(folder: Path, *, start_month: int = 1, unit_rows: str = "") -> Authority:
    """Writes and loads the small authority."""
    files = {
        "authority.yaml": _AUTHORITY.replace("START_MONTH", str(start_month)),
        "units.csv": _UNITS + textwrap.indent(unit_rows, "    "),
        "revenue_lines.csv": "line_code,name_vi,name_en\ntax,Thuế,Tax\nfees,Phí,Fees\n",
        "revenue_items.csv": "item_code,line_code\n1701,tax\n0950,fees\n2801,fees\n",
        "forms/listing.yaml": _LISTING,
        "forms/plan.yaml": _PLAN,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    return load_authority(folder)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(build_authority(tmp_path / "small"), tmp_path)


@pytest.fixture
def office_from(tmp_path: Path) -> Callable[[int], Office]:
    """The same office with a fiscal year that starts in another month."""
    return lambda month: Office(build_authority(tmp_path / "small", start_month=month), tmp_path)
