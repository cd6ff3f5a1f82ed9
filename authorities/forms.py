"""Extract forms: how a file of the treasury, tax or finance office is recognised and read.

A new form is configuration. This module holds the shape of ``forms/*.yaml``; the readers that act on it
live in ``extracts``.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Dataset = Literal["receipt", "spending", "estimate", "spending_estimate", "tax_collection", "tax_arrears"]
DATASETS: tuple[Dataset, ...] = (
    "receipt",
    "spending",
    "estimate",
    "spending_estimate",
    "tax_collection",
    "tax_arrears",
)
FieldName = Literal[
    "unit_code",
    "unit_name",
    "item_code",
    "line_code",
    "chapter",
    "document_no",
    "posting_date",
    "period_end",
    "amount",
    "spending_kind",
    "taxpayer_name",
    "taxpayer_no",
    "due_on",
    "ignored",
]


def _compiles(pattern: str) -> str:
    """Refuse a pattern that is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class FormModel(BaseModel):
    """Base of the form models: immutable, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FormColumn(FormModel):
    """One column by its meaning, found by any of its header texts (accents and case folded)."""

    field: FieldName
    header: tuple[str, ...]
    value: str | None = None
    """For an ``amount`` column of a wide table: the line or spending kind whose money it holds."""
    words: dict[str, tuple[str, ...]] = {}
    """For a ``spending_kind`` column: kind → the texts that mean it (accents and case folded)."""
    optional: bool = False


class Recognition(FormModel):
    """What makes a file (and a sheet in it) this form: all that is given must hold."""

    file_name: Pattern
    """Searched in the path below the landing folder, with forward slashes."""
    sheet_name: Pattern | None = None


class NumberFormat(FormModel):
    """How amounts are written. ``unit_line`` wins over ``unit`` where the sheet has such a line."""

    decimal: Literal[",", "."] = ","
    unit: Literal["one", "thousand", "million", "billion"] = "one"
    unit_line: Pattern | None = None
    """Finds a line above the table such as ``Đơn vị tính: triệu đồng``; group 1 is the unit."""


class Received(FormModel):
    """When the office had the file: never a file's mtime."""

    rule: Literal["folder", "period_end_plus_lag"]
    lag_days: Annotated[int, Field(ge=0)] = 0
    assumed: bool = False
    """True where the lag is our assumption rather than the sender's record."""


class Period(FormModel):
    """Which period a delivery states as a whole, so that a later one supersedes it.

    ``file_name``: named groups year, month, day of ``pattern`` in the path; ``row``: every row's own date
    (a bulk listing), by day, month or year.
    """

    rule: Literal["file_name", "row"]
    pattern: Pattern | None = None
    length: Literal["day", "month", "year"]
    of: Literal["authority", "unit"] = "authority"
    """Whose period a delivery states: the whole authority's, or that of each unit it names."""

    @model_validator(mode="after")
    def _pattern_names_groups(self) -> Self:
        if self.rule == "row":
            return self
        groups = set(re.compile(self.pattern or "").groupindex)
        needed = {"day": {"year", "month", "day"}, "month": {"year", "month"}, "year": {"year"}}[self.length]
        if not needed <= groups:
            missing = ", ".join(f"(?P<{name}>…)" for name in sorted(needed - groups))
            raise ValueError(f"period.pattern lacks the named group(s) {missing}")
        return self


class Expected(FormModel):
    """When an extract of this form should be there."""

    every: Literal["working_day", "month", "year"]
    due_after_days: Annotated[int, Field(ge=0)] = 0
    """Days after the end of the period by which it is late."""
    per_unit: bool = False
    """Sent by each unit for itself rather than once for all."""
    since: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class RowFilter(FormModel):
    """Rows to leave out as recognised non-data (another fund): kept are those whose cell matches."""

    header: str
    keep: Pattern


class ExtractForm(FormModel):
    """One form: recognition, layout, columns by meaning, period, arrival, and the dataset it feeds."""

    form_code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    sender: Literal["treasury", "tax_office", "finance_office", "unit"]
    dataset: Dataset
    recognise: Recognition
    columns: tuple[FormColumn, ...]
    header_rows: Annotated[int, Field(ge=1, le=4)] = 1
    """Rows the header spans where merged cells stack it."""
    numbers: NumberFormat = NumberFormat()
    date_order: Literal["dmy", "mdy", "ymd", "my"] = "dmy"
    totals: Pattern = r"^(tong cong|cong|tong so|tong)\b"
    """Matched against the folded first text of a row: a total, recognised as non-data."""
    sections: Pattern | None = None
    """Matched likewise: a heading inside the table, recognised as non-data."""
    keep: RowFilter | None = None
    cumulative: bool = False
    """Amounts are fiscal year to date rather than of the period."""
    estimate_version: Literal["initial", "supplemented", "adjusted", "by_period"] = "initial"
    """``by_period``: the plan of the fiscal year's first month is initial, later ones adjusted."""
    period: Period
    received: Received
    expected: Expected | None = None

    @model_validator(mode="after")
    def _has_what_the_dataset_needs(self) -> Self:
        fields = {column.field for column in self.columns}
        if "amount" not in fields:
            raise ValueError("columns: no column has field 'amount'; say which column holds the money")
        if not fields & {"unit_code", "unit_name"}:
            raise ValueError("columns: neither 'unit_code' nor 'unit_name'; say which column names the unit")
        return self
