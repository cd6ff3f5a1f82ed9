"""Planted faults: which rows and which deliveries go wrong, and how, so that tests can look for each.

Every fault is listed in the manifest, which lies outside the landing folder. How a faulty row looks on paper
is in ``tables``; what the pipeline should make of it is the expectations' matter.
"""

import datetime as dt
from dataclasses import dataclass
from itertools import chain

import polars as pl

from extracts.simulator.frame import Frame

ROW_FAULTS = {
    "unknown_item": "item_in_catalogue",
    "unknown_unit": "unit_is_known",
    "unreadable_amount": "amount_is_a_number",
    "future_date": "posting_date_not_in_the_future",
    "duplicate_line": "document_line_not_repeated",
}
"""Each planted fault and the rule that it breaks."""
COUNTED_FAULTS = ("unknown_item", "unknown_unit")
"""Faults whose money still counts in the authority's total, as unallocated."""
UNKNOWN_ITEM = "1797"
UNKNOWN_UNIT = ("00999", "Phường Tân Lập Mới")
_MODEST = (5_000_000, 60_000_000)
_WORKBOOK_EVERY = 6


@dataclass(frozen=True)
class DeliveryPlan:
    """Which days of the as-of year are delivered in which odd way.

    Attributes:
        missing: comes only after the as-of day.
        repeated: comes twice, the same bytes under another name.
        corrected: comes wrong first and right some days later.
        decomposed, utf16, windows: text decomposed (NFD), in UTF-16, in Windows-1258.
        workbooks: days sent as xlsx.
    """

    missing: dt.date
    repeated: dt.date
    corrected: dt.date
    corrected_on: dt.date
    decomposed: dt.date
    utf16: dt.date
    windows: dt.date
    workbooks: frozenset[dt.date]

    @property
    def special(self) -> frozenset[dt.date]:
        """Days on which no row fault is planted, so that each file shows one thing."""
        return (
            frozenset(
                {self.missing, self.repeated, self.corrected, self.decomposed, self.utf16, self.windows}
            )
            | self.workbooks
        )


def plan_deliveries(frame: Frame) -> DeliveryPlan:
    """Odd deliveries, spread over the as-of year."""
    start = (frame.as_of.year - frame.first_year) * 12
    days = list(chain.from_iterable(frame.working_days[start : start + 12]))
    landed = [day for day in days if day <= frame.as_of]
    named = [landed[len(landed) * tenth // 10] for tenth in (2, 3, 4, 5, 7)]
    missing = landed[-13]
    workbooks = frozenset(day for place, day in enumerate(days) if place % _WORKBOOK_EVERY == 2)
    return DeliveryPlan(
        missing=missing, repeated=named[3], corrected=named[4],
        corrected_on=landed[len(landed) * 7 // 10 + 4], decomposed=named[0], utf16=named[1],
        windows=named[2], workbooks=workbooks - {missing, *named},
    )  # fmt: skip


def plant_row_faults(frame: Frame, documents: pl.DataFrame, plan: DeliveryPlan) -> pl.DataFrame:
    """``documents`` with ``fault`` (null where none) and the duplicated line right below its original."""
    rng = frame.stream("faults")
    year = frame.as_of.year
    rows = documents.with_row_index("place")
    modest = rows.filter(pl.col("amount").is_between(*_MODEST))
    landed = modest.filter(
        (pl.col("day").dt.year() == year)
        & (pl.col("day") <= frame.as_of)
        & ~pl.col("day").is_in(plan.special)
    )
    chosen: dict[int, str] = {}
    for fault in ROW_FAULTS:
        _choose(landed, fault, chosen, int(rng.integers(1 << 30)))
    for fault, past in (("unknown_item", year - 2), ("unknown_unit", year - 1)):
        half = modest.filter(
            (pl.col("day").dt.year() == past) & (pl.col("day").dt.month() <= frame.as_of.month)
        )
        _choose(half, fault, chosen, int(rng.integers(1 << 30)))
    marks = pl.DataFrame(
        {"place": list(chosen), "fault": list(chosen.values())},
        schema={"place": pl.UInt32, "fault": pl.String},
    )
    marked = rows.join(marks, on="place", how="left", maintain_order="left")
    copies = marked.filter(pl.col("fault") == "duplicate_line")
    originals = marked.with_columns(fault=pl.when(pl.col("fault") != "duplicate_line").then(pl.col("fault")))
    return pl.concat([originals, copies]).sort("place", maintain_order=True).drop("place")


def _choose(candidates: pl.DataFrame, fault: str, chosen: dict[int, str], draw: int) -> None:
    free = candidates.filter(~pl.col("place").is_in(list(chosen)))["place"]
    if len(free):
        chosen[int(free[draw % len(free)])] = fault


def is_counted(plan: DeliveryPlan) -> pl.Expr:
    """Whether a document's money counts as known on the as-of day: accepted, or unallocated."""
    sound = pl.col("fault").is_null() | pl.col("fault").is_in(COUNTED_FAULTS)
    return sound & (pl.col("day") != plan.missing)
