"""What else a reader has to know: spending, missing extracts, refused rows, shocks, forecasts' rungs.

The same for every language but for names taken from the authority's configuration. Positions are in
``bulletins.positions``, warnings in ``bulletins.cases``.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from authorities.forms import ExtractForm
from authorities.model import ALL, UNALLOCATED, Words
from authorities.shocks import BilingualTitle
from bulletins.night import BASE, TERRITORY, Night, Row

_LATE = ("missing", "unchanged", "late")
"""States of an extract worth telling, from the gravest down."""


@dataclass(frozen=True)
class SpendingRow:
    """Spending of one kind, or of one unit, against the start-of-year estimate."""

    key: str
    estimate: Decimal | None
    spent: Decimal
    share: float | None
    same_period: float | None


@dataclass(frozen=True)
class Spending:
    """The authority's spending by kind, its sum, and each unit's sum."""

    kinds: tuple[SpendingRow, ...]
    total: SpendingRow | None
    units: tuple[tuple[str, SpendingRow], ...]


@dataclass(frozen=True)
class LateExtract:
    """An extract that is missing, late or the same as before, and who did not send it."""

    title: str
    status: str
    senders: tuple[str, ...]
    expected_on: dt.date
    received_on: dt.date | None
    missing_periods: int


@dataclass(frozen=True)
class Arrivals:
    """How the expected extracts came."""

    expected: int
    on_time: int
    late: tuple[LateExtract, ...]


@dataclass(frozen=True)
class QuarantineRow:
    """Rows that one rule refused in one dataset."""

    dataset: str
    rule: str
    rows: int
    files: int
    amount: Decimal
    explanation: str
    is_counted: bool


@dataclass(frozen=True)
class Restatement:
    """Months of one unit and line that are known otherwise than an earlier night knew them."""

    unit_key: str
    unit_name: str
    line: str
    since: dt.date
    difference: Decimal
    source_file: str


@dataclass(frozen=True)
class ShockEffect:
    """What one policy shock does to the authority's year."""

    title: Words | BilingualTitle
    moved: Decimal
    lost: Decimal
    back_by: dt.date | None
    is_assumed: bool


def unit_spending(night: Night, unit_key: str) -> tuple[SpendingRow, ...]:
    """A unit's spending by kind, the sum last."""
    rows = [
        _spending_row(row, row["spending_kind"])
        for row in night.rows("mart_spending_position", unit_key=unit_key)
    ]
    return tuple(sorted(rows, key=lambda row: (row.key == ALL, -(row.estimate or 0), row.key)))


def spending(night: Night) -> Spending | None:
    """Spending against the start-of-year estimate; None where none is reported."""
    rows = night.rows("mart_spending_position")
    if not rows:
        return None
    names = night.unit_names
    whole = [_spending_row(row, row["spending_kind"]) for row in rows if row["unit_key"] == ALL]
    units = [
        (names.get(row["unit_key"]) or row["unit_key"], _spending_row(row, row["unit_key"]))
        for row in rows
        if row["spending_kind"] == ALL and row["unit_key"] not in (ALL, UNALLOCATED)
    ]
    units.sort(key=lambda unit: (-(unit[1].share if unit[1].share is not None else -1), unit[0]))
    kinds = sorted((row for row in whole if row.key != ALL), key=lambda row: (-(row.estimate or 0), row.key))
    return Spending(tuple(kinds), next((row for row in whole if row.key == ALL), None), tuple(units))


def _spending_row(row: Row, key: str) -> SpendingRow:
    return SpendingRow(
        key, row["estimate_amount"], row["spent_amount"], row["share_pct"], row["same_period_pct"]
    )


def arrivals(night: Night, language: str) -> Arrivals:
    """Expected extracts; those not in order in groups of one form and state, the gravest first."""
    rows = night.rows("mart_extract_arrival")
    titles = {form.form_code: form_title(form, language) for form in night.authority.forms}
    names = night.unit_names
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["form_code"], row["unit_key"])):
        if row["status"] in _LATE:
            groups.setdefault((row["status"], row["form_code"]), []).append(row)
    late = [
        LateExtract(
            title=titles.get(code, code),
            status=status,
            senders=tuple(
                str(names.get(row["unit_key"]) or row["unit_key"]) for row in group if row["unit_key"] != ALL
            ),
            expected_on=min(row["expected_at"] for row in group),
            received_on=max((row["received_at"] for row in group if row["received_at"]), default=None),
            missing_periods=sum(row["missing_periods"] for row in group),
        )
        for (status, code), group in sorted(
            groups.items(), key=lambda item: (_LATE.index(item[0][0]), item[0][1])
        )
    ]
    return Arrivals(len(rows), sum(row["status"] == "on_time" for row in rows), tuple(late))


def form_title(form: ExtractForm, language: str) -> str:
    """The form's title in the language, as far as it is configured."""
    return form.title_en or form.title if language == "en" else form.title


def quarantine(night: Night, language: Literal["vi", "en"]) -> tuple[QuarantineRow, ...]:
    """Rows that broke a rule, by dataset and rule, those with most money first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in night.rows("mart_quarantine"):
        groups.setdefault((row["dataset"], row["rule"]), []).append(row)
    found = [
        QuarantineRow(
            dataset, rule, sum(row["rows"] for row in group), len({row["source_file"] for row in group}),
            sum((row["amount"] for row in group), Decimal(0)),
            night.explain(dataset, rule, language) if night.explain else group[0]["explanation"],
            night.is_counted is not None and night.is_counted(dataset, rule),
        )
        for (dataset, rule), group in groups.items()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda row: (-abs(row.amount), -row.rows, row.dataset, row.rule)))


def restatements(night: Night, language: str) -> tuple[Restatement, ...]:
    """What is known otherwise than the published night before knew it, the largest first."""
    rows = night.rows("mart_restatement")
    since = max((row["previous_as_of"] for row in rows), default=None)
    sums: dict[tuple[str, str, str], Decimal] = {}
    for row in rows:
        if row["previous_as_of"] == since and row["unit_key"] != ALL and row["line_code"] != ALL:
            place = (row["unit_key"], row["line_code"], row["source_file"])
            sums[place] = sums.get(place, Decimal(0)) + row["difference_amount"]
    told = [
        Restatement(
            unit,
            str(night.unit_names.get(unit) or unit),
            night.line_name(line, language),
            since,
            amount,
            file,
        )
        for (unit, line, file), amount in sums.items()
        if since is not None and amount
    ]
    return tuple(sorted(told, key=lambda one: (-abs(one.difference), one.unit_key, one.line)))


def shock_effects(night: Night) -> tuple[ShockEffect, ...]:
    """What each policy shock moves or takes from the authority this year, the largest first."""
    declared = {shock.code: shock for shock in night.authority.shocks}
    groups: dict[str, list[Row]] = {}
    for row in night.rows("mart_shock_effect", unit_key=ALL):
        if row["line_code"] != ALL:
            groups.setdefault(row["shock_code"], []).append(row)
    effects = [
        ShockEffect(
            title=declared[code].title if code in declared else Words(vi=code, en=code),
            moved=sum((row["timing_amount"] for row in rows), Decimal(0)),
            lost=sum((row["loss_amount"] for row in rows), Decimal(0)),
            back_by=max((row["expected_back_by"] for row in rows if row["expected_back_by"]), default=None),
            is_assumed=code in declared and declared[code].assumed,
        )
        for code, rows in groups.items()
    ]
    return tuple(sorted(effects, key=lambda effect: (-(effect.moved + effect.lost), effect.title.vi)))


def fit_counts(night: Night, units: Collection[str]) -> dict[str, int]:
    """How the forecasts of ``units`` came about: rung of the ladder, and for how many."""
    rows = night.rows("mart_year_end_forecast", line_code=ALL, basis=TERRITORY, scenario=BASE)
    counted = Counter(row["fit_status"].partition(":")[0] for row in rows if row["unit_key"] in units)
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
