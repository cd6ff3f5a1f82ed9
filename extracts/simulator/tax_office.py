"""The tax office's monthly workbooks: what was paid, and who still owes.

The list of payments repeats the treasury's documents of the lines the office manages; where it differs is
planned in ``tax_differences``. Payers are the simulator's own and exist nowhere.
"""

import calendar
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from extracts.simulator.files import TOTAL, Cell, Layout, Workbook
from extracts.simulator.frame import Frame
from extracts.simulator.manifest import Manifest, WrittenFile
from extracts.simulator.tables import unit_names
from extracts.simulator.tax_differences import differing
from extracts.simulator.taxpayers import POOL

COLLECTION_HEADER = (
    "STT", "Mã số thuế", "Tên người nộp thuế", "Mã ĐBHC", "Phường", "Chương", "Tiểu mục", "Số chứng từ",
    "Ngày nộp", "Số tiền",
)  # fmt: skip
ARREARS_HEADER = (
    "STT", "Mã số thuế", "Tên người nộp thuế", "Mã ĐBHC", "Phường", "Tiểu mục", "Hạn nộp", "Số tiền nợ",
)  # fmt: skip
_LIST_DAY = 5
"""Day of the next month on which a month's lists come."""
_DEBTS_PER_UNIT_AND_MONTH = 1.5
_DEBT_MONTHS = 6.0
_DEBT_MEDIAN = 18_000_000


@dataclass
class TaxOffice:
    """Writes the tax office's lists below ``folder`` and notes them in ``manifest``."""

    frame: Frame
    folder: Path
    manifest: Manifest
    payers: pl.DataFrame

    def write(self, documents: pl.DataFrame) -> None:
        """Lists of payments and arrears for each month of the as-of year and the one before."""
        frame = self.frame
        own = [frame.line_index(code) for code in frame.settings.unit_collected_lines]
        managed = documents.filter(
            ~pl.col("line").is_in(own) & (pl.col("fault").fill_null("") != "duplicate_line")
        )
        debts = self._debts()
        for month, first in enumerate(frame.months):
            if first.year < frame.as_of.year - 1:
                continue
            received = self._received(first)
            side = "landing" if received <= frame.as_of else "withheld"
            stem = f"{side}/thue/{received}"
            self._collection(
                f"{stem}/so_thu_nop_{first:%Y-%m}.xlsx", first, managed.filter(pl.col("month") == month)
            )
            owed = debts.filter((pl.col("since") <= month) & (pl.col("until") > month))
            self._arrears(f"{stem}/no_thue_{first:%Y-%m}.xlsx", first, owed)

    def _received(self, first: dt.date) -> dt.date:
        """On the as-of day for its own month, else some days into the next."""
        as_of = self.frame.as_of
        if (first.year, first.month) == (as_of.year, as_of.month):
            return as_of
        following = first + dt.timedelta(calendar.monthrange(first.year, first.month)[1])
        return following.replace(day=_LIST_DAY)

    def _layout(self, title: str, first: dt.date) -> Layout:
        settings = self.frame.settings
        return Layout((
            settings.offices.tax_office, f"{title} ({settings.simulated_mark})",
            f"Kỳ: tháng {first:%m/%Y}", "Đơn vị tính: đồng", "",
        ))  # fmt: skip

    def _collection(self, path: str, first: dt.date, documents: pl.DataFrame) -> None:
        listed, differences = differing(self.frame, path, first, documents)
        self.manifest.tax_differences += differences
        cells: list[list[Cell]] = []
        for place, row in enumerate(self._named(listed).iter_rows(named=True), 1):
            cells.append([
                place, row["taxpayer_no"], row["taxpayer_name"], row["unit_code"], row["unit_name"],
                row["chapter"], row["item_code"], row["document_no"], f"{row['day']:%d/%m/%Y}", row["amount"],
            ])  # fmt: skip
        self._write(
            path, self._layout("SỔ THU NỘP NGÂN SÁCH", first), COLLECTION_HEADER, cells, "tax_collection"
        )

    def _debts(self) -> pl.DataFrame:
        """Every debt: unit, payer, item, due day, amount, and the months between which it stands."""
        frame, rng = self.frame, self.frame.stream("arrears")
        count = int(len(frame.units) * len(frame.months) * _DEBTS_PER_UNIT_AND_MONTH)
        since = rng.integers(0, len(frame.months), count)
        lines = [frame.lines[frame.line_index(code)] for code in frame.settings.arrears_lines]
        items = [line.items[0].code for line in lines]
        return pl.DataFrame(
            {
                "unit": rng.integers(0, len(frame.units), count).astype(np.int32),
                "payer": rng.integers(0, POOL, count).astype(np.int32),
                "item_code": [items[place] for place in rng.integers(0, len(items), count)],
                "since": since.astype(np.int32),
                "until": (since + rng.geometric(1 / _DEBT_MONTHS, count)).astype(np.int32),
                "due_on": [frame.months[place].replace(day=20) for place in since],
                "amount": np.rint(rng.lognormal(np.log(_DEBT_MEDIAN), 1.0, count)).astype(np.int64),
            }
        ).sort("since", "unit", "payer", "amount")

    def _arrears(self, path: str, first: dt.date, debts: pl.DataFrame) -> None:
        cells: list[list[Cell]] = []
        for place, row in enumerate(self._named(debts).iter_rows(named=True), 1):
            cells.append([
                place, row["taxpayer_no"], row["taxpayer_name"], row["unit_code"], row["unit_name"],
                row["item_code"], f"{row['due_on']:%d/%m/%Y}", row["amount"],
            ])  # fmt: skip
        layout = self._layout("DANH SÁCH NGƯỜI NỘP THUẾ CÒN NỢ", first)
        self._write(path, layout, ARREARS_HEADER, cells, "tax_arrears")

    def _named(self, rows: pl.DataFrame) -> pl.DataFrame:
        names, starts, _ = unit_names(self.frame)
        unit = rows["unit"].to_numpy()
        payer = rows["payer"].to_numpy()
        return rows.with_columns(
            unit_code=pl.Series([unit.code for unit in self.frame.units]).gather(unit),
            unit_name=pl.Series(names).gather(pl.Series(starts).gather(unit)),
            taxpayer_name=self.payers["taxpayer_name"].gather(payer),
            taxpayer_no=self.payers["taxpayer_no"].gather(payer),
        )

    def _write(
        self, path: str, layout: Layout, header: tuple[str, ...], cells: list[list[Cell]], dataset: str
    ) -> None:
        total = sum(int(row[-1] or 0) for row in cells)
        totals: list[Cell] = [TOTAL, *[None] * (len(header) - 2), total]
        with Workbook(self.folder / path) as book:
            book.sheet(layout, header, [*cells, totals])
        self.manifest.files.append(
            WrittenFile(path, dataset, len(cells), total, path.startswith("withheld/"))
        )
