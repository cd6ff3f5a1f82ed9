"""The rules of each dataset, in the order in which they are tried: the first that a row breaks is its rule.

Declared as data: what a rule looks at, what becomes of the money, and what the office is told. Rules that
hold a row back come before those that only leave its money unallocated. What a rule *is* lies in
``expectations.rules``; running them in ``expectations.validation``.
"""

from typing import Literal

import polars as pl

from authorities.model import ESTIMATE_VERSIONS, Words
from expectations.rules import Outcome, RowRule, is_missing, is_repeated, where

DELIVERY_IS_WHOLE = "delivery_is_whole"
"""The one rule about a delivery as a whole, tried before all others in every suite."""
_HELD = Words(
    vi="Dòng được giữ lại, số tiền chưa được tính cho đến khi có tệp đã sửa.",
    en="The row is held: its money is not counted until a mended file arrives.",
)
_FIRST_COUNTS = Words(
    vi="Dòng đầu tiên được tính, các dòng lặp lại được giữ lại và không được tính.",
    en="The first such row is counted; the repetitions are held and not counted.",
)
_NO_UNIT = Words(
    vi="Số tiền vẫn được tính vào tổng chung (chưa phân bổ) nhưng không tính cho đơn vị nào.",
    en="The money is counted in the authority's total as unallocated, but in no unit's figures.",
)
_NO_LINE = Words(
    vi="Số tiền vẫn được tính cho đơn vị và tổng chung, ở dòng chưa phân bổ của các khoản thu.",
    en="The money is counted for its unit and the authority, on the unallocated revenue line.",
)
_SEND_AGAIN = Words(
    vi="Đề nghị nơi gửi sửa dòng này và gửi lại tệp.",
    en="Ask the sender to correct the row and send the file again.",
)
_KNOW_THE_UNIT = Words(
    vi="Bổ sung tên hoặc mã này vào units.csv (name_variants, code_variants), "
    "hoặc kiểm tra đơn vị còn hiệu lực vào ngày của dòng.",
    en="Add the spelling or code to units.csv (name_variants, code_variants), or check that the unit was "
    "valid on the row's date.",
)
_KNOW_THE_ITEM = Words(
    vi="Bổ sung mã vào revenue_items.csv cùng nhóm khoản thu, hoặc đề nghị nơi gửi sửa mã.",
    en="Add the code to revenue_items.csv with its revenue line, or ask the sender to correct it.",
)


def _whole() -> RowRule:
    return RowRule(
        DELIVERY_IS_WHOLE, ("scope_doubt",), "held", where(pl.col("scope_doubt").is_not_null()),
        Words(vi="Tệp gửi lại thiếu nhiều dòng so với tệp trước của cùng kỳ, hoặc không khớp với dòng "
                 "tổng của chính nó; tệp trước vẫn được tính.",
              en="The file restates a period with far fewer rows than the file before, or does not add up to "
                 "its own total; the file before still counts."),
        _HELD,
        Words(vi="Nếu số liệu đúng là ít hơn, đề nghị nơi gửi thêm dòng tổng cộng; nếu tệp bị cắt, đề nghị "
                 "gửi lại.",
              en="If there really is less, ask the sender for a totals row that proves it; if the file was "
                 "cut off, ask for it again."),
    )  # fmt: skip


def _amount() -> RowRule:
    return RowRule(
        "amount_is_a_number", ("amount",), "held", is_missing("amount"),
        Words(vi="Số tiền để trống hoặc không đọc được thành số.",
              en="The amount is empty or could not be read as a number."),
        _HELD, _SEND_AGAIN,
    )  # fmt: skip


def _not_negative() -> RowRule:
    return RowRule(
        "amount_not_negative", ("amount",), "held", where(pl.col("amount") < 0),
        Words(vi="Số tiền âm, trong khi số liệu loại này không thể âm.",
              en="The amount is negative, which a figure of this kind cannot be."),
        _HELD, _SEND_AGAIN,
    )  # fmt: skip


def _date(rule: str, column: str, meaning: Words) -> RowRule:
    return RowRule(rule, (column,), "held", is_missing(column), meaning, _HELD, _SEND_AGAIN)


def _posting_date() -> RowRule:
    return _date("posting_date_is_a_date", "posting_date",
                 Words(vi="Ngày hạch toán để trống hoặc không đọc được thành ngày.",
                       en="The posting date is empty or could not be read as a date."))  # fmt: skip


def _period_end() -> RowRule:
    return _date("period_end_is_a_date", "period_end",
                 Words(vi="Không đọc được tháng của danh sách nợ.",
                       en="The month that the list is for could not be read."))  # fmt: skip


def _period_spoken_of() -> RowRule:
    return _date("period_is_known", "period_end",
                 Words(vi="Không rõ ước thực hiện cho kỳ nào.",
                       en="It is not known which period the office's estimate is for."))  # fmt: skip


def _said_before_received() -> RowRule:
    return RowRule(
        "stated_on_not_after_received", ("stated_on", "recorded_at"), "held",
        where(pl.col("stated_on").is_null() | (pl.col("stated_on") > pl.col("recorded_at"))),
        Words(vi="Ngày nêu ước thực hiện không đọc được hoặc sau ngày cơ quan nhận được tệp.",
              en="The day on which the estimate was said cannot be read, or is later than the day on which "
                 "the office had the file."),
        _HELD, _SEND_AGAIN,
    )  # fmt: skip


def _not_in_the_future() -> RowRule:
    return RowRule(
        "posting_date_not_in_the_future", ("posting_date", "recorded_at"), "held",
        where(pl.col("posting_date") > pl.col("recorded_at")),
        Words(vi="Ngày hạch toán sau ngày cơ quan nhận được tệp.",
              en="The posting date is later than the day on which the office had the file."),
        _HELD,
        Words(vi="Kiểm tra ngày và tháng có bị đảo không, rồi đề nghị nơi gửi sửa và gửi lại tệp.",
              en="Check whether day and month are exchanged; ask the sender to correct the row and send the "
                 "file again."),
    )  # fmt: skip


def _document_line(among: pl.Expr) -> RowRule:
    keys = ("document_no", "unit_key", "item_code", "posting_date", "amount")
    return RowRule(
        "document_line_not_repeated", keys, "held", is_repeated(keys, among),
        Words(vi="Dòng lặp lại một dòng trước trong cùng tệp: trùng số chứng từ, đơn vị, mục thu, ngày và "
                 "số tiền.",
              en="The row repeats an earlier one of the same file: document number, unit, item, date and "
                 "amount are equal."),
        _FIRST_COUNTS,
        Words(vi="Nếu là hai khoản nộp khác nhau, đề nghị nơi gửi ghi số chứng từ riêng cho từng khoản.",
              en="If these are two payments, ask the sender to give each a document number of its own."),
    )  # fmt: skip


def _figure(keys: tuple[str, ...], among: pl.Expr) -> RowRule:
    return RowRule(
        "figure_not_repeated", keys, "held", is_repeated(keys, among),
        Words(vi="Tệp nêu hơn một lần cùng một số liệu (cùng đơn vị, khoản mục và kỳ).",
              en="The file states the same figure (unit, item or kind, and period) more than once."),
        _FIRST_COUNTS,
        Words(vi="Kiểm tra dòng nào đúng; nếu không phải dòng đầu tiên, đề nghị nơi gửi sửa và gửi lại tệp.",
              en="Check which row is right; if it is not the first, ask the sender to mend the file and send "
                 "it again."),
    )  # fmt: skip


def _unit(outcome: Outcome = "unallocated") -> RowRule:
    return RowRule(
        "unit_is_known", ("unit_key",), outcome, is_missing("unit_key"),
        Words(vi="Không tìm thấy đơn vị theo mã hoặc tên vào ngày của dòng, hoặc mã và tên chỉ hai đơn vị "
                 "khác nhau.",
              en="No unit of this code or name is known on the row's date, or code and name mean different "
                 "ones."),
        _NO_UNIT if outcome == "unallocated" else _HELD, _KNOW_THE_UNIT,
    )  # fmt: skip


def _line(rule: str, outcome: Outcome = "unallocated") -> RowRule:
    return RowRule(
        rule, ("line_code",), outcome, is_missing("line_code"),
        Words(vi="Mã mục thu không có trong danh mục.", en="The revenue item is not in the catalogue."),
        _NO_LINE if outcome == "unallocated" else _HELD, _KNOW_THE_ITEM,
    )  # fmt: skip


def _spending_kind() -> RowRule:
    return RowRule(
        "spending_kind_is_known", ("spending_kind",), "held", is_missing("spending_kind"),
        Words(vi="Không rõ loại chi.", en="The kind of spending is not known."), _HELD, _SEND_AGAIN,
    )  # fmt: skip


def _fiscal_year() -> RowRule:
    return RowRule(
        "fiscal_year_is_known", ("fiscal_year",), "held", is_missing("fiscal_year"),
        Words(vi="Không rõ dự toán thuộc năm ngân sách nào.",
              en="It is not known which fiscal year the estimate is for."), _HELD, _SEND_AGAIN,
    )  # fmt: skip


def _version() -> RowRule:
    return RowRule(
        "estimate_version_is_known", ("estimate_version",), "held",
        where(~pl.col("estimate_version").is_in(ESTIMATE_VERSIONS)),
        Words(vi="Lần giao dự toán không phải là đầu năm, bổ sung hay điều chỉnh.",
              en="The version of the estimate is not one of initial, supplemented and adjusted."),
        _HELD,
        Words(vi="Sửa estimate_version trong biểu mẫu của tệp.",
              en="Correct estimate_version in the file's form."),
    )  # fmt: skip


_HAS_DOCUMENT = pl.col("document_no") != ""
_KNOWN_UNIT = pl.col("unit_key").is_not_null()
# Two unknown units, or two unknown columns of a wide table, look alike here though the file keeps them apart.
_KNOWN_PLACE = _KNOWN_UNIT & (pl.col("item_code").is_not_null() | pl.col("line_code").is_not_null())

_RECEIPT_FIGURE = ("unit_key", "item_code", "line_code", "chapter", "posting_date", "source_column")
_SPENDING_FIGURE = ("unit_key", "spending_kind", "posting_date", "source_column")
# A bulk file may hold a year's plan as it stood at the end of each month: the scope tells these apart.
_ESTIMATE = ("unit_key", "fiscal_year", "estimate_version", "scope_from", "scope_to", "source_column")
_ESTIMATE_FIGURE = (*_ESTIMATE, "item_code", "line_code")
_OFFICE_FIGURE = ("unit_key", "line_code", "basis", "office", "scope_from", "scope_to", "source_column")
_SPENDING_ESTIMATE_FIGURE = (*_ESTIMATE, "spending_kind")

SUITES: dict[str, tuple[RowRule, ...]] = {
    "receipt": (
        _whole(),
        _amount(),
        _posting_date(),
        _not_in_the_future(),
        _document_line(_HAS_DOCUMENT & ~pl.col("is_cumulative")),
        _figure(_RECEIPT_FIGURE, pl.col("is_cumulative") & _KNOWN_PLACE),
        _unit(),
        _line("item_in_catalogue"),
    ),
    "spending": (
        _whole(),
        _amount(),
        _posting_date(),
        _spending_kind(),
        _figure(_SPENDING_FIGURE, _KNOWN_UNIT),
        _unit(),
    ),
    "estimate": (
        _whole(),
        _amount(),
        _not_negative(),
        _fiscal_year(),
        _version(),
        _unit("held"),
        _figure(_ESTIMATE_FIGURE, _KNOWN_PLACE),
        _line("line_is_known"),
    ),
    "spending_estimate": (
        _whole(),
        _amount(),
        _not_negative(),
        _spending_kind(),
        _fiscal_year(),
        _version(),
        _unit("held"),
        _figure(_SPENDING_ESTIMATE_FIGURE, _KNOWN_UNIT),
    ),
    "tax_collection": (
        _whole(),
        _amount(),
        _posting_date(),
        _not_in_the_future(),
        _document_line(_HAS_DOCUMENT),
        _unit(),
        _line("item_in_catalogue"),
    ),
    # No rule on repeated rows: without the taxpayer, two equal debts of two payers cannot be told from one.
    "tax_arrears": (
        _whole(),
        _amount(),
        _not_negative(),
        _period_end(),
        _unit(),
        _line("item_in_catalogue"),
    ),
    # What an office expects is no money: a row without its place has none to leave unallocated.
    "office_estimate": (
        _whole(),
        _amount(),
        _not_negative(),
        _period_spoken_of(),
        _said_before_received(),
        _unit("held"),
        _line("line_is_known", "held"),
        _figure(_OFFICE_FIGURE, _KNOWN_UNIT),
    ),
}
"""Rules of each dataset, in the order in which they are tried."""


def suite_of(dataset: str) -> tuple[RowRule, ...]:
    """Rules of ``dataset``, in the order in which they are tried.

    Raises:
        KeyError: naming the dataset and those there are.
    """
    if dataset not in SUITES:
        raise KeyError(f"no suite for dataset '{dataset}'; there are {', '.join(SUITES)}")
    return SUITES[dataset]


def explanation_of(dataset: str, rule: str, language: Literal["vi", "en"] = "en") -> str:
    """What a rule of ``dataset`` means, what became of the money, and what to do.

    Raises:
        KeyError: naming the dataset or rule that is not declared.
    """
    for declared in suite_of(dataset):
        if declared.rule == rule:
            return declared.explanation(language)
    raise KeyError(f"dataset '{dataset}' has no rule '{rule}'")
