"""The finance office's workbooks (annual estimates, what it expects) and the wards' spending (bulk history,
monthly reports).

Amounts of estimates are written in triệu đồng with three decimals; spending in đồng.
"""

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from authorities.model import Authority
from extracts.simulator.files import TOTAL, Cell, Layout, Workbook, csv_text, write_text
from extracts.simulator.frame import Frame, Ints
from extracts.simulator.manifest import Manifest, WrittenFile
from extracts.simulator.office_estimates import OfficeEstimate
from extracts.simulator.spending import Spending
from extracts.simulator.tables import grouped, grouped_text

_MILLION = 1_000_000
_ROMAN = ("I", "II", "III", "IV")
_INITIAL_DAY = (12, 25)
_SUPPLEMENT_DAY = (5, 20)
_REPORT_DAY = 10
"""Day of the next month on which a ward's closed month comes."""


def titles_in_forms(authority: Authority, dataset: str) -> dict[str, str]:
    """Header of each amount column by its line or kind, as the authority's forms of ``dataset`` expect it."""
    return {
        column.value: column.header[0]
        for form in authority.forms
        if form.dataset == dataset
        for column in form.columns
        if column.value is not None
    }


@dataclass
class FinanceOffice:
    """Writes estimates and spending below ``folder`` and notes them in ``manifest``."""

    frame: Frame
    folder: Path
    manifest: Manifest

    @property
    def kinds(self) -> list[str]:
        """Column titles of the kinds of spending, in the order of the settings."""
        titles = titles_in_forms(self.frame.authority, "spending")
        return [titles[profile.kind] for profile in self.frame.settings.spending]

    def estimates(self, year: int, revenue: Ints, spending: Ints, *, supplemented: bool = False) -> None:
        """One estimate workbook: sheet Thu (units × lines) and sheet Chi (units × kinds), triệu đồng."""
        count = len(self.frame.units)
        day = dt.date(year, *_SUPPLEMENT_DAY) if supplemented else dt.date(year - 1, *_INITIAL_DAY)
        word = "Du toan bo sung" if supplemented else "Du toan"
        path = f"landing/tai_chinh/{day}/{word} {count} phuong nam {year}.xlsx"
        said = "bổ sung (nêu lại toàn bộ dự toán)" if supplemented else "giao đầu năm"
        titles = titles_in_forms(self.frame.authority, "estimate")
        order, heads = self._columns(titles, "Tổng dự toán thu")
        with Workbook(self.folder / path) as book:
            book.grouped_sheet(
                self._layout("Thu", f"DỰ TOÁN THU NGÂN SÁCH NĂM {year} - {said}", self._decision(day)),
                heads,
                self._rows(revenue[:, order]),
            )
            book.grouped_sheet(
                self._layout("Chi", f"DỰ TOÁN CHI NGÂN SÁCH NĂM {year} - {said}", self._decision(day)),
                [*heads[:2], ("Tổng dự toán chi", []), ("Trong đó", self.kinds)],
                self._rows(spending),
            )
        for dataset, table in (("estimate", revenue), ("spending_estimate", spending)):
            self.manifest.files.append(WrittenFile(path, dataset, count, int(table.sum())))

    def office_estimate(self, said: OfficeEstimate) -> None:
        """One workbook of what is expected: sheet Quy of the quarter, Ca nam of the year, triệu đồng."""
        frame, year = self.frame, said.stated_on.year
        side = "landing" if said.stated_on <= frame.as_of else "withheld"
        path = f"{side}/tai_chinh/{said.stated_on}/Uoc thuc hien thu quy {said.quarter} nam {year}.xlsx"
        titles = titles_in_forms(frame.authority, "office_estimate")
        order, heads = self._columns(titles, "Tổng số ước thực hiện")
        roman = _ROMAN[said.quarter - 1]
        with Workbook(self.folder / path) as book:
            for sheet, period, table in (
                ("Quy", f"QUÝ {roman} NĂM {year}", said.of_quarter),
                ("Ca nam", f"NĂM {year}, nêu trong quý {roman}", said.of_year),
            ):
                layout = self._layout(sheet, f"ƯỚC THỰC HIỆN THU NGÂN SÁCH {period}")
                book.grouped_sheet(layout, heads, self._rows(table[:, order]))
                self.manifest.files.append(
                    WrittenFile(path, "office_estimate", len(table), int(table.sum()), side == "withheld")
                )

    def _columns(
        self, titles: dict[str, str], total: str
    ) -> tuple[list[int], list[tuple[str, Sequence[str]]]]:
        """Lines in the order of the workbook's groups, and its header of two lines."""
        groups = self.frame.settings.estimate_groups
        order = [self.frame.line_index(code) for group in groups for code in group.line_codes]
        lines = [(group.title, [titles[code] for code in group.line_codes]) for group in groups]
        return order, [("TT", []), ("Phường", []), (total, []), *lines]

    def _decision(self, day: dt.date) -> str:
        """The line that names the decision behind an estimate; the number is as invented as the figures."""
        number = 1000 + 10 * (day.year % 100) + day.month
        authority = self.frame.authority.settings.title.vi.split(",")[0]
        return f"(Kèm theo Quyết định số {number}/QĐ-UBND ngày {day:%d/%m/%Y} của UBND {authority})"

    def _layout(self, sheet: str, title: str, *more: str) -> Layout:
        settings = self.frame.settings
        return Layout(
            (
                settings.offices.finance_office,
                f"{title} ({settings.simulated_mark})",
                *more,
                "Đơn vị tính: triệu đồng",
            ),
            sheet,
        )

    def _rows(self, table: Ints) -> list[list[Cell]]:
        """Section headings, wards with their totals, and the totals row, triệu đồng."""
        sections = self.frame.settings.estimate_sections
        per_section = -(-len(self.frame.units) // max(len(sections), 1))
        rows: list[list[Cell]] = []
        for place, unit in enumerate(self.frame.units):
            if sections and place % per_section == 0:
                rows.append([sections[place // per_section]])
            name = (unit.name_variants or (unit.name,))[place % max(len(unit.name_variants), 1)]
            amounts = [int(table[place].sum()), *(int(amount) for amount in table[place])]
            rows.append([place + 1, name, *(amount / _MILLION for amount in amounts)])
        sums = [int(table.sum()), *(int(amount) for amount in table.sum(axis=0))]
        rows.append([TOTAL, None, *(amount / _MILLION for amount in sums)])
        return rows

    def spending_year(self, year: int, months: Ints, last_month: int = 12, side: str = "landing") -> None:
        """Spending of a past year, a row a ward and month, amounts of the month."""
        path = f"{side}/kho_bac/lich_su/chi_ngan_sach_{year}.csv"
        first = (year - self.frame.first_year) * 12
        units = self.frame.units
        kinds = self.kinds
        frame = pl.DataFrame(
            {
                "Tháng": [f"{month:02d}/{year}" for month in range(1, last_month + 1) for _ in units],
                "Mã ĐBHC": [unit.code for unit in units] * last_month,
                "Tên phường": [(unit.name_variants or (unit.name,))[0] for unit in units] * last_month,
                **{
                    word: months[:, kind, first : first + last_month].T.ravel()
                    for kind, word in enumerate(kinds)
                },
            }
        ).with_columns(pl.sum_horizontal(kinds).alias("Tổng chi"))
        total = int(frame["Tổng chi"].sum())
        settings = self.frame.settings
        layout = Layout((
            settings.offices.treasury, f"CHI NGÂN SÁCH PHƯỜNG NĂM {year} ({settings.simulated_mark})",
            "Đơn vị tính: đồng",
        ))  # fmt: skip
        body = frame.select(
            pl.int_range(1, pl.len() + 1).cast(pl.String).alias("STT"), "Tháng", "Mã ĐBHC", "Tên phường",
            *(grouped(pl.col(word)).alias(word) for word in (*kinds, "Tổng chi")),
        )  # fmt: skip
        sums = [int(frame[word].sum()) for word in (*kinds, "Tổng chi")]
        text = csv_text(layout, body.columns, body, *(grouped_text(amount) for amount in sums))
        write_text(self.folder / path, text)
        self.manifest.files.append(WrittenFile(path, "spending", len(body), total, side == "withheld"))

    def spending_reports(self, spending: Spending) -> None:
        """Each ward's cumulative report a month of the as-of year; the as-of month first as an estimate."""
        as_of, first = self.frame.as_of, (self.frame.as_of.year - self.frame.first_year) * 12
        for month in range(1, 13):
            closed = spending.months[:, :, first : first + month].sum(axis=2)
            year, after = (as_of.year, month + 1) if month < 12 else (as_of.year + 1, 1)
            received = dt.date(year, after, _REPORT_DAY)
            if month == as_of.month:
                before = spending.months[:, :, first : first + month - 1].sum(axis=2)
                self._reports(month, before + spending.expected_month, as_of, estimate=True)
            self._reports(month, closed, received, estimate=False)

    def _reports(self, month: int, cumulative: Ints, received: dt.date, *, estimate: bool) -> None:
        year, side = self.frame.as_of.year, "landing" if received <= self.frame.as_of else "withheld"
        last = calendar.monthrange(year, month)[1]
        header = ("STT", "Mã ĐBHC", "Tên phường", *self.kinds, "Tổng chi")
        word = "Ước thực hiện" if estimate else "Thực hiện"
        for unit, amounts in zip(self.frame.units, cumulative, strict=True):
            path = f"{side}/don_vi/{received}/chi_ngan_sach_{unit.code}_{year}-{month:02d}.xlsx"
            name = (unit.name_variants or (unit.name,))[0]
            sums = [*(int(amount) for amount in amounts), int(amounts.sum())]
            layout = Layout((
                f"UBND {name}", f"BÁO CÁO CHI NGÂN SÁCH PHƯỜNG ({self.frame.settings.simulated_mark})",
                f"{word} lũy kế từ đầu năm đến {last:02d}/{month:02d}/{year}", "Đơn vị tính: đồng",
            ))  # fmt: skip
            with Workbook(self.folder / path) as book:
                book.sheet(layout, header, [[1, unit.code, name, *sums], [TOTAL, None, None, *sums]])
            self.manifest.files.append(WrittenFile(path, "spending", 1, sums[-1], side == "withheld"))
