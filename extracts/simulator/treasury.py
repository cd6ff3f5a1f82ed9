"""The treasury's files: yearly listings of the past, a listing each working day of the as-of year.

Which day goes wrong, and how, is planned in ``faults``.
"""

import datetime as dt
import shutil
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import polars as pl

from extracts.simulator.faults import COUNTED_FAULTS, ROW_FAULTS, DeliveryPlan
from extracts.simulator.files import TOTAL, Cell, Layout, Workbook, csv_text, write_text
from extracts.simulator.frame import Frame
from extracts.simulator.manifest import DeliveryFault, Manifest, RowFault, WrittenFile
from extracts.simulator.tables import RECEIPT_HEADER, grouped_text, printed

LATE_DAYS = 3
"""Days after the as-of day on which the missing listing comes."""


@dataclass
class Treasury:
    """Writes the treasury's listings below ``folder`` and notes them in ``manifest``."""

    frame: Frame
    folder: Path
    manifest: Manifest
    payers: pl.DataFrame
    plan: DeliveryPlan

    def layout(self, said: str) -> Layout:
        """Titles of a listing; the table's header is the line below them."""
        settings = self.frame.settings
        return Layout(
            (
                settings.offices.treasury,
                f"BẢNG KÊ CHỨNG TỪ THU NGÂN SÁCH NHÀ NƯỚC ({settings.simulated_mark})",
                said,
                "Đơn vị tính: đồng",
            )
        )

    def year(self, year: int, documents: pl.DataFrame) -> None:
        """The listing of a past year in one file."""
        path = f"landing/kho_bac/lich_su/bang_ke_thu_{year}.csv"
        self._listing(path, f"Năm {year}", documents, "utf-8-sig")

    def days(self, documents: pl.DataFrame) -> None:
        """A listing for each working day of the as-of year."""
        by_day = {key[0]: part for key, part in documents.partition_by("day", as_dict=True).items()}
        start = (self.frame.as_of.year - self.frame.first_year) * 12
        for day in chain.from_iterable(self.frame.working_days[start : start + 12]):
            if day in by_day:
                self._day(day, by_day[day])

    def _day(self, day: dt.date, documents: pl.DataFrame) -> None:
        plan, encoding, name = self.plan, "utf-8-sig", f"bang_ke_thu_{day}.csv"
        path = f"{self._side(day)}/kho_bac/{day}/{name}"
        if day == plan.missing:
            self._missing(day, documents, path)
            return
        if day == plan.corrected:
            self._corrected(day, documents, path)
            return
        if day in plan.workbooks:
            self._workbook(path.replace(".csv", ".xlsx"), day, documents)
            return
        for odd, code in ((plan.decomposed, "nfd"), (plan.utf16, "utf-16"), (plan.windows, "cp1258")):
            if day == odd:
                encoding = code
                self.manifest.delivery_faults.append(DeliveryFault(f"encoding_{code}", path, day=str(day)))
        total = self._listing(path, f"Ngày {day:%d/%m/%Y}", documents, encoding)
        if day == plan.repeated:
            again = path.replace(".csv", " (1).csv")
            shutil.copyfile(self.folder / path, self.folder / again)
            self.manifest.delivery_faults.append(
                DeliveryFault("repeated_delivery", again, path, str(day), total)
            )

    def _side(self, day: dt.date) -> str:
        return "landing" if day <= self.frame.as_of else "withheld"

    def _missing(self, day: dt.date, documents: pl.DataFrame, path: str) -> None:
        late = f"withheld/kho_bac/{self.frame.as_of + dt.timedelta(LATE_DAYS)}/bang_ke_thu_{day}.csv"
        total = self._listing(late, f"Ngày {day:%d/%m/%Y}", documents, "utf-8-sig")
        self.manifest.delivery_faults.append(DeliveryFault("missing_day", path, late, str(day), total))

    def _corrected(self, day: dt.date, documents: pl.DataFrame, path: str) -> None:
        """First a listing with a slipped decimal and a line under the wrong unit, later the right one."""
        place = pl.int_range(pl.len())
        moved = (pl.col("unit") + 1) % len(self.frame.units)
        wrong = documents.with_columns(
            amount=pl.when(place == 0).then(pl.col("amount") * 10).otherwise("amount"),
            unit=pl.when(place == 1).then(moved.cast(pl.Int32)).otherwise("unit"),
        )
        first = self._listing(path, f"Ngày {day:%d/%m/%Y}", wrong, "utf-8-sig")
        better = f"{self._side(day)}/kho_bac/{self.plan.corrected_on}/bang_ke_thu_{day} (dieu chinh).csv"
        second = self._listing(better, f"Ngày {day:%d/%m/%Y} (điều chỉnh)", documents, "utf-8-sig")
        self.manifest.delivery_faults.append(
            DeliveryFault("corrected_file", path, better, str(day), second - first)
        )

    def _listing(self, path: str, said: str, documents: pl.DataFrame, encoding: str) -> int:
        layout = self.layout(said)
        rows = printed(self.frame, documents, self.payers, path)
        total = int(rows["amount"].sum())
        text = csv_text(layout, RECEIPT_HEADER, rows.select(RECEIPT_HEADER), grouped_text(total))
        write_text(self.folder / path, text, encoding)
        self._note(path, rows, layout)
        return total

    def _workbook(self, path: str, day: dt.date, documents: pl.DataFrame) -> None:
        """As clerks make it: numbers as numbers, so that every other row's code loses its leading zeros."""
        layout = self.layout(f"Ngày {day:%d/%m/%Y}")
        rows = printed(self.frame, documents, self.payers, path)
        cells: list[list[Cell]] = [
            [int(row[0]), row[1], row[2], float(row[3]) if place % 2 else row[3], *row[4:9], amount]
            for place, (*row, amount) in enumerate(rows.select(*RECEIPT_HEADER[:-1], "amount").iter_rows())
        ]
        total = int(rows["amount"].sum())
        cells.append([TOTAL, *[None] * (len(RECEIPT_HEADER) - 2), total])
        with Workbook(self.folder / path) as book:
            book.sheet(layout, RECEIPT_HEADER, cells)
        self._note(path, rows, layout)

    def _note(self, path: str, rows: pl.DataFrame, layout: Layout) -> None:
        withheld = path.startswith("withheld/")
        self.manifest.files.append(
            WrittenFile(path, "receipt", len(rows), int(rows["amount"].sum()), withheld)
        )
        self.manifest.receipts += 0 if withheld else len(rows)
        faulty = rows.with_row_index("row", offset=layout.first_row).filter(pl.col("fault").is_not_null())
        for row in faulty.iter_rows(named=True):
            fault = row["fault"]
            self.manifest.row_faults.append(
                RowFault(
                    fault,
                    ROW_FAULTS[fault],
                    path,
                    "",
                    row["row"],
                    row["Số chứng từ"],
                    row["amount"],
                    fault in COUNTED_FAULTS,
                )
            )
