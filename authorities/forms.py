"""Extract forms: how a file of the treasury, tax or finance office is recognised and read.

A new form is configuration. This module holds the shape of ``forms/*.yaml``; the readers that act on it
live in ``extracts``.
"""

import datetime as dt
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Dataset = Literal[
    "receipt",
    "spending",
    "estimate",
    "spending_estimate",
    "tax_collection",
    "tax_arrears",
    "office_estimate",
]
DATASETS: tuple[Dataset, ...] = (
    "receipt",
    "spending",
    "estimate",
    "spending_estimate",
    "tax_collection",
    "tax_arrears",
    "office_estimate",
)
"""``office_estimate``: what an office says a month, quarter or year will come to (ước thực hiện)."""
OldEncoding = Literal["windows-1258", "tcvn3", "vni", "windows-1252"]
OLD_ENCODINGS: tuple[OldEncoding, ...] = ("windows-1258", "tcvn3", "vni")
"""What a text that is no Unicode is taken for, whichever gives Vietnamese words."""
FieldName = Literal[
    "unit_code",
    "unit_name",
    "item_code",
    "line_code",
    "chapter",
    "document_no",
    "posting_date",
    "period_end",
    "year",
    "month",
    "amount",
    "spending_kind",
    "taxpayer_name",
    "taxpayer_no",
    "due_on",
    "stated_on",
    "decision_no",
    "decided_on",
    "approved_by",
    "effective_from",
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


def _has_months(language: str) -> str:
    """Refuse a language whose month names nobody knows."""
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(language)
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"no language '{language}' is known; use a code such as vi, en or pt") from error
    return language


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
    """For a ``spending_kind`` or ``line_code`` column: kind or line → the texts that mean it (accents and
    case folded)."""
    optional: bool = False


class ReadingLimits(FormModel):
    """What no honest extract exceeds: a file beyond one of these is refused before it is read."""

    file_bytes: Annotated[int, Field(gt=0)] = 2 * 1024**3
    unpacked_bytes: Annotated[int, Field(gt=0)] = 4 * 1024**3
    """All that an archive or a workbook (which is one) unpacks to."""
    unpack_ratio: Annotated[int, Field(gt=1)] = 200
    """Unpacked to packed bytes, held against what unpacks to more than 64 MiB."""
    members: Annotated[int, Field(gt=0)] = 1000
    """Files in an archive, parts of a workbook."""
    sheet_cells: Annotated[int, Field(gt=0)] = 30_000_000
    """Rows × columns of a sheet of a workbook or a web page, from its first cell to its last."""
    page_bytes: Annotated[int, Field(gt=0)] = 64 * 1024**2
    """A web page that was saved under the name of a workbook."""
    table_cells: Annotated[int, Field(gt=0)] = 500_000_000
    """Rows × columns of a text, a Parquet file, or what a database gives."""


USUAL_LIMITS = ReadingLimits()
"""Limits where an authority names none."""


class Recognition(FormModel):
    """What makes a file (and a sheet in it) this form: all that is given must hold."""

    file_name: Pattern
    """Searched in the path below the landing folder, with forward slashes; a file in an archive is known by
    the path it would have if unpacked there, and one ending in ``.gz`` without that ending too."""
    sheet_name: Pattern | None = None

    def claims(self, name: str) -> bool:
        """Whether a file of this name is the form's."""
        return re.search(self.file_name, name) is not None


DATABASE_FOLDER = "database"
"""Below this, in the raw store, lies what databases gave, a folder a night."""


class DatabaseSource(FormModel):
    """A database that a form's rows come from instead of a file; asked once a night."""

    url_variable: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    """Environment variable that holds the SQLAlchemy URL, which bears a password and stands in no file."""
    query: str
    """What selects the rows; ``:night`` in it is the night's date. Its columns' names are the header."""


class NumberSpell(FormModel):
    """A stretch of time whose rows write amounts otherwise than the rest of a long listing."""

    first: dt.date
    last: dt.date
    decimal: Literal[",", "."]


class NumberFormat(FormModel):
    """How amounts are written. ``unit_line`` wins over ``unit`` where the sheet has such a line."""

    decimal: Literal[",", "."] = ","
    unit: Literal["one", "thousand", "million", "billion"] = "one"
    unit_line: Pattern | None = None
    """Finds a line above the table such as ``Đơn vị tính: triệu đồng``; group 1 is the unit."""
    spells: tuple[NumberSpell, ...] = ()


class Received(FormModel):
    """When the office had the file: never a file's mtime."""

    rule: Literal["folder", "period_end_plus_lag"]
    lag_days: Annotated[int, Field(ge=0)] = 0
    assumed: bool = False
    """True where the lag is our assumption rather than the sender's record."""


class Period(FormModel):
    """Which period a delivery states as a whole, so that a later one supersedes it.

    ``file_name``: named groups year, quarter, month, day of ``pattern`` in the path; ``row``: every row's own
    date (a bulk listing), by day, month, quarter or year. Quarters and years are those of the fiscal year.
    """

    rule: Literal["file_name", "row"]
    pattern: Pattern | None = None
    length: Literal["day", "month", "quarter", "year"]
    part: Pattern | None = None
    """Found in the path of a file that holds only a part of its period: named group part, and parts where the
    name says how many there are. A delivery whose name it does not match states its period as a whole."""
    of: Literal["authority", "unit"] = "authority"
    """Whose period a delivery states: the whole authority's, or that of each unit it names."""

    @model_validator(mode="after")
    def _pattern_names_groups(self) -> Self:
        if self.rule == "row":
            return self
        groups = set(re.compile(self.pattern or "").groupindex)
        needed = {
            "day": {"year", "month", "day"},
            "month": {"year", "month"},
            "quarter": {"year", "quarter"},
            "year": {"year"},
        }[self.length]
        if not needed <= groups:
            missing = ", ".join(f"(?P<{name}>…)" for name in sorted(needed - groups))
            raise ValueError(f"period.pattern lacks the named group(s) {missing}")
        return self


class Expected(FormModel):
    """When an extract of this form should be there."""

    every: Literal["working_day", "half_month", "month", "quarter", "year"]
    """Halves of a month end on the 15th and on its last day; quarters and years are the fiscal year's."""
    due_after_days: Annotated[int, Field(ge=-366, le=366)] = 0
    """Days after the edge of the period by which it is late; below zero for what is due before."""
    due_from: Literal["end", "start"] = "end"
    """The edge of the period that days are counted from."""
    due_on_day: Annotated[int, Field(ge=1, le=31)] | None = None
    """Instead: a day of the period's last month, as 21 for 'before the 22nd of the quarter's last month'."""
    when_closed: Literal["next", "previous"] = "next"
    """Where a due day that is no working day moves to."""
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
    title_en: str = ""
    """The title in English, where it is not in English anyway."""
    sender: Literal["treasury", "tax_office", "finance_office", "unit"]
    dataset: Dataset
    recognise: Recognition
    """Left out where ``database`` says where the rows come from."""
    database: DatabaseSource | None = None
    columns: tuple[FormColumn, ...]
    header_rows: Annotated[int, Field(ge=1, le=4)] = 1
    """Rows the header spans where merged cells stack it."""
    numbers: NumberFormat = NumberFormat()
    encodings: tuple[OldEncoding, ...] = OLD_ENCODINGS
    """Encodings before Unicode that its texts may come in, likeliest first."""
    date_order: Literal["dmy", "mdy", "ymd", "my"] = "dmy"
    """Order in which dates stand; a sheet whose dates prove another order of day and month is read so."""
    month_language: Annotated[str, AfterValidator(_has_months)] = "en"
    """Language of the month names in a ``month`` column (a locale such as ``pt``); numbers need none."""
    totals: Pattern = r"^(tong cong|cong|tong so|tong)\b"
    """Matched against the folded first text of a row: a total, recognised as non-data."""
    sections: Pattern | None = None
    """Matched likewise: a heading inside the table, recognised as non-data."""
    keep: RowFilter | None = None
    cumulative: bool = False
    """Amounts are fiscal year to date rather than of the period."""
    estimate_version: Literal["initial", "supplemented", "adjusted", "by_period"] = "initial"
    """``by_period``: the plan of the fiscal year's first month is initial, later ones adjusted."""
    basis: Literal["territory", "entitled", "recurrent"] = "territory"
    """For ``office_estimate``: which part of the money the office speaks of."""
    decision_line: Pattern | None = None
    """For estimates: found in a line above the table that names the decision behind them. Named groups
    number, day (as dd/mm/yyyy), approver and effective (day from which it holds), each as far as given."""
    whole: Pattern = r"^(toan (quan|huyen|thi xa|thanh pho|xa|phuong|dia ban)|whole|all)\b"
    """For ``office_estimate``: matched against the folded name of a unit; such a row speaks of the authority
    as a whole."""
    period: Period
    received: Received
    expected: Expected | None = None

    @model_validator(mode="before")
    @classmethod
    def _recognises_what_its_database_gave(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "database" not in data or "recognise" in data:
            return data
        code = re.escape(str(data.get("form_code", "")))
        kept = rf"^{DATABASE_FOLDER}/\d{{4}}-\d{{2}}-\d{{2}}/{code}\.parquet$"
        return {**data, "recognise": {"file_name": kept}}

    @model_validator(mode="after")
    def _suits_a_database(self) -> Self:
        if self.database is None:
            return self
        if self.numbers.decimal != ".":
            raise ValueError("numbers: a database gives numbers with a point; say decimal: '.'")
        if self.received.rule != "folder":
            raise ValueError("received: what a database gives is received on the night; say rule: folder")
        return self

    @model_validator(mode="after")
    def _has_what_the_dataset_needs(self) -> Self:
        fields = {column.field for column in self.columns}
        if "amount" not in fields:
            raise ValueError("columns: no column has field 'amount'; say which column holds the money")
        if self.dataset != "office_estimate" and not fields & {"unit_code", "unit_name"}:
            raise ValueError("columns: neither 'unit_code' nor 'unit_name'; say which column names the unit")
        return self
