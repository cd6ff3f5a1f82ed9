"""A district of three wards with two lines, small enough for several real nights in one test.

Configuration and forms are those of the embedded authority; the listings are written by hand.
"""

import datetime as dt
import shutil
from collections.abc import Iterable
from pathlib import Path

import xlsxwriter

from authorities.loading import DEFAULT_AUTHORITY, load_authority

WARDS = {"00115": "Thượng Thanh", "00118": "Ngọc Thụy", "00121": "Giang Biên"}
ITEMS = ("1701", "1401")
HEADER = (
    "STT;Ngày hạch toán;Số chứng từ;Mã ĐBHC;Tên phường;Chương;Tiểu mục;Nội dung/Tên người nộp;MST;Số tiền"
)
Receipt = tuple[dt.date, str, str, int]
"""Day, ward's code, item, amount."""


def small_authority(folder: Path) -> Path:
    """The embedded authority cut down to three wards, under a code of its own and without its sample."""
    shutil.copytree(DEFAULT_AUTHORITY, folder)
    for name in ("simulation.yaml", "successions.csv", "outside_units.csv", "transfers.csv"):
        (folder / name).unlink()
    units = (folder / "units.csv").read_text(encoding="utf-8").splitlines()
    (folder / "units.csv").write_text(
        "\n".join([units[0], *(u for u in units[1:] if u[:5] in WARDS and "2004-01-01" in u), ""]), "utf-8"
    )
    settings = (folder / "authority.yaml").read_text(encoding="utf-8")
    settings = settings.replace("code: long_bien", "code: small_district")
    (folder / "authority.yaml").write_text(settings[: settings.index("\nsample:")] + "\n", encoding="utf-8")
    return folder


def monthly(year: int, months: Iterable[int], grown: float = 1.0) -> list[Receipt]:
    """A receipt on the 15th of each month, ward and item, larger in the second half of the year."""
    return [
        (dt.date(year, month, 15), code, item, round(grown * (1_000_000 * (place + 1) + 130_000 * month)))
        for month in months
        for place, code in enumerate(WARDS)
        for item in ITEMS
    ]


def history(landing: Path, year: int, receipts: list[Receipt]) -> None:
    """The listing of a year, each row known as of its own day."""
    _write(landing / "kho_bac" / "lich_su" / f"bang_ke_thu_{year}.csv", receipts)


def daily(landing: Path, day: str, receipts: list[Receipt], received: str | None = None) -> None:
    """The listing of one day, received on that day or sent again later."""
    _write(landing / "kho_bac" / (received or day) / f"bang_ke_thu_{day}.csv", receipts)


def estimates(landing: Path, year: int, whole: dict[str, int]) -> None:
    """The workbook of a year's estimates: code → million đồng of VAT, and as much of land-use levy."""
    form = load_authority(DEFAULT_AUTHORITY).forms
    columns = next(one for one in form if one.form_code == "estimate_initial").columns
    heads = [column.header[0] for column in columns]
    given = {"vat", "land_use_levy"}
    rows: list[list[object]] = [["Đơn vị tính: triệu đồng"], ["TT", "Phường"], heads]
    for number, (code, amount) in enumerate(whole.items(), 1):
        cells = [amount if column.value in given else 0 for column in columns[3:]]
        rows.append([number, WARDS[code], 2 * amount, *cells])
    file = landing / "tai_chinh" / f"{year - 1}-12-25" / f"Du toan 3 phuong nam {year}.xlsx"
    file.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(file)) as book:
        sheet = book.add_worksheet("Thu")
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)


def _write(file: Path, receipts: list[Receipt]) -> None:
    lines = [
        f"{number};{day:%d/%m/%Y};CT{day:%y%m%d}{number:04};{code};{WARDS[code]};757;{item};Một hộ;;{amount}"
        for number, (day, code, item, amount) in enumerate(receipts, 1)
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
