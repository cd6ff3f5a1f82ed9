"""A small reader of the simulated files that shares nothing with the project's own: csv, openpyxl, integers.

It knows the formats by heart, as a clerk would: the latest file of a day holds, the same line counts once,
rows that cannot be read or that lie in the future wait.
"""

import csv
import datetime as dt
import io
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl

UNITS = {
    "00115": "Thượng Thanh", "00118": "Ngọc Thụy", "00121": "Giang Biên", "00124": "Đức Giang",
    "00127": "Việt Hưng", "00130": "Gia Thụy", "00133": "Ngọc Lâm", "00136": "Phúc Lợi", "00139": "Bồ Đề",
    "00142": "Sài Đồng", "00145": "Long Biên", "00148": "Thạch Bàn", "00151": "Phúc Đồng", "00154": "Cự Khối",
}  # fmt: skip


@dataclass(frozen=True)
class Receipt:
    """A line of a listing as a clerk understands it; ``amount`` is None where it cannot be read."""

    path: str
    row: int
    day: dt.date
    document_no: str
    unit_code: str
    item_code: str
    amount: int | None


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, UTF-16 or Windows-1258, composed."""
    raw = path.read_bytes()
    if raw.startswith(b"\xff\xfe"):
        return raw.decode("utf-16")
    try:
        return unicodedata.normalize("NFC", raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return unicodedata.normalize("NFC", raw.decode("cp1258"))


def table(path: Path) -> list[list[Any]]:
    """Every row of a CSV or of a workbook's first sheet, from the top."""
    if path.suffix == ".xlsx":
        return sheet(path, 0)
    return list(csv.reader(io.StringIO(text_of(path)), delimiter=";"))


def sheet(path: Path, which: int) -> list[list[Any]]:
    """Every row of one sheet of a workbook."""
    book = openpyxl.load_workbook(path)
    return [list(row) for row in book.worksheets[which].iter_rows(values_only=True)]


def receipts(path: Path, shown: str) -> tuple[list[Receipt], int]:
    """Lines of a treasury listing, and what its totals row says."""
    rows = table(path)
    start = next(place for place, row in enumerate(rows) if row and row[0] == "STT") + 1
    assert rows[-1][0] == "Tổng cộng"
    found = [_receipt(shown, place, row) for place, row in enumerate(rows[start:-1], start + 1)]
    total = amount_of(rows[-1][9])
    assert total is not None
    return found, total


def _receipt(shown: str, row: int, cells: list[Any]) -> Receipt:
    day = dt.datetime.strptime(cells[1], "%d/%m/%Y").date()  # noqa: DTZ007
    code = str(cells[3]).removesuffix(".0").zfill(5)
    return Receipt(shown, row, day, cells[2], code, str(cells[6]), amount_of(cells[9]))


def amount_of(cell: Any) -> int | None:
    """Whole đồng of a cell; None where it is no number."""
    if isinstance(cell, int | float):
        return int(cell)
    bare = str(cell)
    return int(bare.replace(".", "")) if re.fullmatch(r"-?\d{1,3}(\.\d{3})*", bare) else None


def landed_receipts(landing: Path) -> list[Receipt]:
    """What counts on the as-of day: the latest file of each day, each document line once."""
    found: list[Receipt] = []
    for path in sorted((landing / "kho_bac" / "lich_su").glob("bang_ke_thu_*.csv")):
        found += receipts(path, path.relative_to(landing).as_posix())[0]
    latest: dict[str, Path] = {}
    for path in sorted(
        (landing / "kho_bac").glob("????-??-??/bang_ke_thu_*"), key=lambda path: path.parent.name
    ):
        latest[path.name[12:22]] = path
    for day, path in latest.items():
        rows = receipts(path, path.relative_to(landing).as_posix())[0]
        found += [row for row in {_same(row): row for row in rows}.values() if str(row.day) == day]
    return [row for row in found if row.amount is not None]


def _same(row: Receipt) -> tuple[object, ...]:
    return (row.day, row.document_no, row.unit_code, row.item_code, row.amount)


def estimate(path: Path, which: int) -> dict[str, dict[str, int]]:
    """Unit code → column title → đồng, of sheet Thu (0) or Chi (1)."""
    rows = sheet(path, which)
    start = next(place for place, row in enumerate(rows) if row[0] == "TT")
    titles = [below or above for above, below in zip(rows[start], rows[start + 1], strict=True)]
    codes = {name_key(name): code for code, name in UNITS.items()}
    return {
        codes[name_key(row[1])]: {
            title: int(Decimal(repr(cell)) * 1_000_000)
            for title, cell in zip(titles[3:], row[3:], strict=True)
        }
        for row in rows[start + 2 :]
        if isinstance(row[0], int | float)
    }


def name_key(name: str) -> str:
    """A ward's name without what stands before it, and without accents."""
    bare = re.sub(r"^(ubnd\s+)?(phường|p\.)\s*", "", name.strip().lower())
    apart = unicodedata.normalize("NFD", bare.replace("đ", "d"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def spending_months(path: Path) -> dict[tuple[str, int], int]:
    """(unit code, month) → đồng, of the treasury's yearly spending listing."""
    rows = table(path)
    start = next(place for place, row in enumerate(rows) if row and row[0] == "STT") + 1
    spent: dict[tuple[str, int], int] = defaultdict(int)
    for row in rows[start:-1]:
        spent[row[2], int(row[1][:2])] += amount_of(row[7]) or 0
    return spent
