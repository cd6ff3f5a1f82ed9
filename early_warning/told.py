"""A case in plain lines for people at a terminal, in both languages.

Pure: from rows of the warning marts to text. The bulletin and the notices have words of their own.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from authorities.model import ALL, Authority
from authorities.warning_rules import WarningRule
from early_warning.cases import CaseState, what_reopens
from early_warning.figures import LANGUAGES, SEVERITY_WORDS, Language, Money, said

Row = Mapping[str, Any]
STATES: dict[str, dict[Language, str]] = {
    "open": {"vi": "đang mở", "en": "open"},
    "reopened": {"vi": "mở lại", "en": "reopened"},
    "acknowledged": {"vi": "đã tiếp nhận", "en": "acknowledged"},
    "explained": {"vi": "đã giải trình", "en": "explained"},
    "closed": {"vi": "đã đóng", "en": "closed"},
}
KINDS: dict[str, dict[Language, str]] = {
    "timing": {"vi": "được gia hạn, dự kiến thu lại", "en": "deferred, expected back"},
    "loss": {"vi": "mất do chính sách miễn, giảm", "en": "lost to a measure"},
    "restatement": {"vi": "điều chỉnh số liệu đã báo", "en": "receipts stated anew"},
    "one_off_last_year": {"vi": "năm trước có khoản đột xuất", "en": "a one-off last year"},
    "season": {"vi": "theo mùa vụ, thường về sau", "en": "its season comes later"},
    "plan": {"vi": "dự toán chi cao hơn dự toán thu", "en": "spending planned above revenue"},
    "unexplained": {"vi": "chưa rõ nguyên nhân", "en": "unexplained"},
}
_SEVERITIES = ("severe", "warning", "info")
_NEAREST = 5
_LIKE_RULE, _LIKE_ID = 0.75, 0.6
_LARGEST = 8
"""Causes told one by one; the rest is summed."""


def nearest_ids(warning_id: str, known: Iterable[str]) -> list[str]:
    """Ids like a mistyped one: those that hold it, else those of a like rule that look like it."""
    ids = sorted(known)
    rules = {_rule_of(one) for one in ids}
    like = (
        set(difflib.get_close_matches(_rule_of(warning_id), rules, len(rules), _LIKE_RULE)) if rules else ()
    )
    of_rule = [one for one in ids if _rule_of(one) in like]
    return [one for one in ids if warning_id in one][:_NEAREST] or difflib.get_close_matches(
        warning_id, of_rule, _NEAREST, _LIKE_ID
    )


def _rule_of(warning_id: str) -> str:
    return warning_id.partition(":")[0]


def list_lines(
    rows: Sequence[tuple[Row, CaseState]], rules: Mapping[str, WarningRule], language: Language
) -> list[str]:
    """Three lines a case, the gravest first: where it stands, which rule found it, what it says."""
    ordered = sorted(rows, key=lambda pair: (_SEVERITIES.index(pair[0]["severity"]), pair[0]["warning_id"]))
    lines = []
    for row, state in ordered:
        since = state.opened_on.isoformat()
        severity = SEVERITY_WORDS[language][row["severity"]]
        lines.append(f"{severity:12} {STATES[state.state][language]:13} {since}  {row['warning_id']}")
        rule = rules.get(row["rule_code"])
        named = f"{getattr(rule.title, language)} ({rule.kind})" if rule else row["rule_code"]
        lines += [f"{'':13}{text}" for text in (named, row[f"message_{language}"])]
    return lines


def case_lines(
    authority: Authority, row: Row, state: CaseState, causes: pl.DataFrame, rule: WarningRule | None
) -> list[str]:
    """Everything about one case: state, message, causes of its gap, and what would bring it back."""
    lines = [row["warning_id"]]
    if rule is not None:
        lines += [f"  {rule.title.vi}", f"  {rule.title.en}"]
    lines += ["", f"  {row['message_vi']}", "", f"  {row['message_en']}", ""]
    states = STATES[state.state]
    lines.append(f"  trạng thái / state    {states['vi']} / {states['en']}{_since(state)}")
    lines.append(f"  mở ngày / opened      {state.opened_on} ({state.times_opened}×)")
    severity = " / ".join(SEVERITY_WORDS[language][row["severity"]] for language in LANGUAGES)
    lines.append(f"  mức độ / severity     {severity}")
    lines.append(f"  phụ trách / owner     {row['owner']}{_people(authority, row['owner'])}")
    if state.escalated_on:
        lines.append(f"  báo cáo cấp trên / escalated  {state.escalated_on}")
    if state.suppressed_since:
        lines.append(f"  tạm ngừng xét / suppressed    {state.suppressed_since} ({state.suppressed_because})")
    lines += _cause_lines(authority, row, causes)
    if state.state == "closed" and rule is not None:
        lines += ["", *(f"  {text}" for text in what_reopens(rule, state).values())]
    return lines


def _since(state: CaseState) -> str:
    by = f", {state.state_by}" if state.state_by else ""
    why = f": {state.state_why}" if state.state_why else ""
    until = f" (đến / until {state.explained_until})" if state.explained_until else ""
    return f", {state.state_on}{by}{why}{until}"


def _people(authority: Authority, role: str) -> str:
    names = authority.settings.recipients.get(role, ())
    return f" ({', '.join(names)})" if names else ""


def _cause_lines(authority: Authority, row: Row, causes: pl.DataFrame) -> list[str]:
    if row["gap_amount"] is None:
        return []
    names = {line.line_code: f"{line.name_vi} / {line.name_en}" for line in authority.lines}
    names[ALL] = "chung / overall"
    lines = ["", f"  còn thiếu / gap: {_money(authority, row['gap_amount'])}, trong đó / of which:"]
    ordered = causes.sort(pl.col("amount").abs(), "line_code", "cause_kind", descending=[True, False, False])
    for cause in ordered.head(_LARGEST).iter_rows(named=True):
        kind = KINDS[cause["cause_kind"]]
        day = f" {cause['expected_back_by']}" if cause["expected_back_by"] else ""
        line = names.get(cause["line_code"], cause["line_code"])
        lines.append(
            f"    {_money(authority, cause['amount']):>28}  {line}: {kind['vi']} / {kind['en']}{day}"
        )
    rest = ordered.slice(_LARGEST)
    if rest.height:
        total = _money(authority, rest["amount"].sum())
        lines.append(f"    {total:>28}  {rest.height} phần nhỏ hơn / smaller parts")
    return lines


def _money(authority: Authority, amount: Decimal | int | float) -> str:
    return said(Money(Decimal(str(amount))), "vi", authority.settings.currency)
