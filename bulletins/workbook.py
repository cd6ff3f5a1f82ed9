"""The quarterly review as an XLSX workbook as officials print it: a sheet for all, one for each unit.

Cells hold whole amounts and show them in the authority's unit; sums, shares and what remains are formulas, so
that an office can go on with them. What the rows are is ``bulletins.review``'s.
"""

import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from bulletins.page import said
from bulletins.review import Review, ReviewRow, ReviewTable
from warehouse.exports import guarded

COLUMNS = ("number", "place", "estimate", "collected", "in_period", "share", "same_period", "remaining")
_WIDTHS = (6, 38, 16, 16, 16, 11, 13, 16)
_NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\']")
_LONGEST_NAME = 31
_HEAD_ROWS = 5
_MADE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""A workbook's own date of making: the same marts give the same bytes."""


def review_workbook(edition: Mapping[str, Any], pack: Review) -> bytes:
    """The pack in the edition's language; the first sheets for all units by basis, then one a unit."""
    import xlsxwriter

    words, held = edition["t"], io.BytesIO()
    book = xlsxwriter.Workbook(
        held, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"title": said("review_title", edition, pack), "created": _MADE})
    writer = _Sheets(book, edition, pack)
    for table in pack.tables:
        writer.add(
            words[f"basis_{table.basis}"], said("review_title", edition, pack), edition["unit_capital"], table
        )
    for unit in pack.units:
        heading = f"{edition['unit_capital']} {unit.name}: {said('review_title', edition, pack)}"
        writer.add(unit.name, heading, words["line"], unit.lines, words["unallocated_lines"])
    book.close()
    return held.getvalue()


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A name that Excel takes: 31 characters, none of ``[]:*?/\\'``, and no other sheet's in any case."""
    plain = _NOT_IN_A_NAME.sub(" ", wanted).strip()[:_LONGEST_NAME] or "–"
    name, number = plain, 2
    while name.casefold() in taken or name.casefold() == "history":
        ending = f" ({number})"
        name, number = plain[: _LONGEST_NAME - len(ending)] + ending, number + 1
    taken.add(name.casefold())
    return name


def plain_texts(texts: Sequence[str]) -> list[str]:
    """Texts of which none begins a formula, here or in a file that the sheet is saved as."""
    return guarded(pl.DataFrame({"text": list(texts)}, schema={"text": pl.String}))["text"].to_list()


class _Sheets:
    """Writes tables onto sheets of one workbook."""

    def __init__(self, book: Any, edition: Mapping[str, Any], pack: Review) -> None:
        self.book, self.edition, self.pack = book, edition, pack
        self.words, self.taken = edition["t"], set[str]()
        scale, commas = edition["figures"].display.size, ""
        while scale >= 1000:
            scale, commas = scale // 1000, commas + ","
        grid = {"border": 1, "valign": "vcenter", "font_name": "Times New Roman", "font_size": 11}
        bold = {"bold": True}

        def made(**more: Any) -> Any:
            return book.add_format(grid | more)

        self.plain = {
            "text": made(text_wrap=True), "number": made(align="center"),
            "money": made(num_format=f"#,##0{commas}"), "percent": made(num_format="0.0%"),
        }  # fmt: skip
        self.bold = {
            "text": made(text_wrap=True, **bold), "number": made(align="center", **bold),
            "money": made(num_format=f"#,##0{commas}", **bold), "percent": made(num_format="0.0%", **bold),
        }  # fmt: skip
        self.header = made(text_wrap=True, align="center", bg_color="#E8EBF0", **bold)
        font = {"font_name": "Times New Roman"}
        self.title = book.add_format(font | {"bold": True, "font_size": 14})
        self.remark = book.add_format(font | {"italic": True, "font_size": 10})

    def add(self, name: str, heading: str, place: str, table: ReviewTable, loose: str = "") -> None:
        """One sheet: heading, what the figures are of, header, rows, sum, remarks; ready to print on A4."""
        sheet = self.book.add_worksheet(sheet_name(name, self.taken))
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(_HEAD_ROWS - 1)
        sheet.freeze_panes(_HEAD_ROWS, 2)
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        text = plain_texts([heading, self.words[f"basis_{table.basis}"], said("provenance", self.edition)])
        for row, line in enumerate(text):
            sheet.write_string(row, 0, line, self.remark if row else self.title)
        unit = f"{self.words['unit_of_money']}: {self.edition['figures'].display.unit}"
        sheet.write_string(3, 0, unit, self.remark)
        labels = [place if column == "place" else self.words[f"column_{column}"] for column in COLUMNS]
        for column, label in enumerate(plain_texts(labels)):
            sheet.write_string(_HEAD_ROWS - 1, column, label, self.header)
        after = self._body(sheet, table, loose or self.words["unallocated"])
        for place_down, remark in enumerate(self._remarks(table)):
            sheet.write_string(after + 1 + place_down, 0, remark, self.remark)
        sheet.set_footer(f"&L{self.edition['publication']['publication_id']}&R&P/&N")

    def _remarks(self, table: ReviewTable) -> list[str]:
        remarks = [self.words["full_amounts"]]
        if not table.rows:
            remarks.append(self.words["no_rows"])
        if not self.pack.knows_period:
            remarks.append(self.words["no_period"])
        return [*remarks, *([self.edition["notice"]] if self.edition["notice"] else [])]

    def _body(self, sheet: Any, table: ReviewTable, loose: str) -> int:
        """The rows and their sum; the row after them."""
        rows = [*table.rows, *([table.unallocated] if table.unallocated else [])]
        names = plain_texts([loose if row is table.unallocated else row.name for row in rows])
        for place, (row, name) in enumerate(zip(rows, names, strict=True)):
            number = place + 1 if row is not table.unallocated else None
            self._row(sheet, _HEAD_ROWS + place, number, name, row, self.plain)
        after = _HEAD_ROWS + len(rows)
        if table.total:
            self._sum(sheet, after, table.total, bool(rows))
            after += 1
        return after

    def _row(self, sheet: Any, at: int, number: int | None, name: str, row: ReviewRow, look: Any) -> None:
        sheet.write(at, 0, number, look["number"])
        sheet.write_string(at, 1, name, look["text"])
        for column, amount in ((2, row.estimate), (3, row.collected), (4, row.in_period)):
            sheet.write(at, column, None if amount is None else float(amount), look["money"])
        self._derived(sheet, at, row, look)

    def _derived(self, sheet: Any, at: int, row: ReviewRow, look: Any) -> None:
        """Share and what remains as formulas, quiet where a figure lacks; the rest as it is known."""
        line = at + 1
        share = "" if row.share is None else row.share / 100
        sheet.write_formula(at, 5, f'=IF(N(C{line})=0,"",D{line}/C{line})', look["percent"], share)
        same = None if row.same_period is None else row.same_period / 100
        sheet.write(at, 6, same, look["percent"])
        remaining = "" if row.remaining is None else float(row.remaining)
        sheet.write_formula(at, 7, f'=IF(D{line}="","",N(C{line})-D{line})', look["money"], remaining)

    def _sum(self, sheet: Any, at: int, total: ReviewRow, has_rows: bool) -> None:
        sheet.write_string(at, 0, "", self.bold["number"])
        sheet.write_string(at, 1, self.words["total"], self.bold["text"])
        amounts = ((2, "C", total.estimate), (3, "D", total.collected), (4, "E", total.in_period))
        for column, letter, amount in amounts:
            known = "" if amount is None else float(amount)
            if has_rows and amount is not None:
                first, last = _HEAD_ROWS + 1, at
                sheet.write_formula(
                    at, column, f"=SUM({letter}{first}:{letter}{last})", self.bold["money"], known
                )
            else:
                sheet.write(at, column, known or None, self.bold["money"])
        self._derived(sheet, at, total, self.bold)
