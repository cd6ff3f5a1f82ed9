"""Rules about the system itself: extracts that are late, books that differ, and what failed of the night.

Each is a function from a night and a rule to findings. What is not found is well: such cases calm down.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import polars as pl

from authorities.model import ALL, UNALLOCATED, Words
from authorities.warning_rules import WarningRule
from early_warning.channels import recipients_of
from early_warning.figures import Figure, Money, Percent
from early_warning.night import BASE_SCENARIO, Finding, Night, known, level_of

_NOT_THERE = ("missing", "unchanged")
_NOT_COMPARED = "not_compared"
_ARRIVED = "sent"
UNUSED_AFTER_DAYS = 7
"""A channel that nothing was tried through for longer is out of use. A failed message is tried every night
as long as it has something to say."""
_FAILED = Words(vi="không có mô hình nào dùng được", en="no method could be used")
_LACKS = Words(vi="không có dự báo", en="there is no forecast")


def data_late(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Senders whose extracts are not there ``threshold`` days after they were due, one case a unit.

    What came late but came is no warning any more; the same bytes as the time before are not new data.
    """
    due = night.as_of - dt.timedelta(days=int(rule.threshold))
    rows = (
        night.marts["mart_extract_arrival"]
        .filter(
            pl.col("unit_key") != UNALLOCATED,
            pl.col("status").is_in(_NOT_THERE),
            pl.col("expected_at") <= due,
        )
        .sort("unit_key", "expected_at", "form_code")
    )
    for (unit_key,), forms in rows.group_by("unit_key", maintain_order=True):
        yield _late(night, rule, str(unit_key), forms.to_dicts())


def _late(night: Night, rule: WarningRule, unit_key: str, rows: list[dict[str, Any]]) -> Finding:
    titles = {form.form_code: form.title for form in night.authority.forms}
    expected_on: dt.date = rows[0]["expected_at"]
    days_late = (night.as_of - expected_on).days
    figures: dict[str, Figure] = {
        "form": ", ".join(titles.get(row["form_code"], row["form_code"]) for row in rows),
        "expected_on": expected_on,
        "days_late": days_late,
        "missing_periods": sum(row["missing_periods"] for row in rows),
        "last_complete_day": rows[0]["last_complete_day"],
        "threshold": int(rule.threshold),
    }
    kept = ("form_code", "status", "expected_at", "received_at", "last_complete_day", "missing_periods")
    evidence = {"extracts": [{name: row[name] for name in kept} for row in rows]}
    return Finding(
        rule=rule, unit_key=unit_key, level="breached", value=float(days_late), figures=figures,
        evidence=evidence,
    )  # fmt: skip


def reconciliation_residual_above(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Units whose books by treasury and tax office differ in sum by more than so many percent of the
    treasury's, in either direction, of the payments that both could state."""
    compared = night.marts["mart_reconciliation_summary"].filter(
        pl.col("break_kind") != _NOT_COMPARED, ~pl.col("unit_key").is_in([ALL, UNALLOCATED])
    )
    for (unit_key,), rows in compared.sort("unit_key", "break_kind").group_by(
        "unit_key", maintain_order=True
    ):
        kinds = rows.to_dicts()
        residual = sum((row["residual_amount"] for row in kinds), Decimal(0))
        treasury = sum((row["treasury_amount"] for row in kinds), Decimal(0))
        share = known(float(abs(residual) / treasury * 100)) if treasury > 0 else None
        largest = max(kinds, key=lambda row: abs(row["residual_amount"]))
        figures: dict[str, Figure] = {
            "residual": Money(residual),
            "residual_share": Percent(share),
            "treasury": Money(treasury),
            "tax_office": Money(treasury - residual),
            "largest_kind": largest["break_kind"],
            "compared_from": largest["compared_from"],
            "compared_to": largest["compared_to"],
        }
        evidence = {
            "residual_amount": residual,
            "treasury_amount": treasury,
            "residual_share_pct": share,
            "compared_from": largest["compared_from"],
            "compared_to": largest["compared_to"],
            "by_kind": {row["break_kind"]: row["residual_amount"] for row in kinds},
        }
        yield Finding(
            rule=rule, unit_key=str(unit_key), level=level_of(rule, share), value=share, figures=figures,
            evidence=evidence,
        )  # fmt: skip


def forecast_failed(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Units with an estimate for which the night has no forecast, or one that stands on no method."""
    chosen = (pl.col("basis") == rule.basis, pl.col("estimate_version") == rule.estimate_version)
    owing = night.units("mart_unit_position").filter(chosen, pl.col("estimate_amount") > 0)
    made = night.units("mart_year_end_forecast").filter(
        pl.col("scenario") == BASE_SCENARIO, pl.col("basis") == rule.basis
    )
    whole = {row["unit_key"]: row for row in made.filter(pl.col("line_code") == ALL).iter_rows(named=True)}
    for row in owing.iter_rows(named=True):
        forecast = whole.get(row["unit_key"])
        if forecast is not None and forecast["fit_status"] != "none":
            continue
        lines = made.filter(pl.col("unit_key") == row["unit_key"], pl.col("fit_status") == "none")
        failed = lines.filter(pl.col("line_code") != ALL)["line_code"].sort().to_list()
        figures: dict[str, Figure] = {
            "estimate": Money(row["estimate_amount"]),
            "reason": _LACKS if forecast is None else _FAILED,
            "lines": ", ".join(failed) or "–",
        }
        evidence = {
            "estimate_amount": row["estimate_amount"],
            "has_row": forecast is not None,
            "lines": failed,
        }
        yield Finding(
            rule=rule, unit_key=row["unit_key"], level="breached", value=1.0, figures=figures,
            evidence=evidence,
        )  # fmt: skip


def validation_failed(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Datasets of which rows were refused that carry more than so many percent of the year's collection.

    Money in the quarantine stays out of every figure until the file is corrected; one case a dataset.
    """
    collected = _collected(night)
    rows = night.marts["mart_quarantine"].sort("dataset", "rule", "source_file")
    for (dataset,), refused in rows.group_by("dataset", maintain_order=True):
        amount = sum((abs(one) for one in refused["amount"]), Decimal(0))
        share = known(float(amount / collected * 100)) if collected else None
        rules = refused["rule"].unique(maintain_order=True).to_list()
        figures: dict[str, Figure] = {
            "dataset": str(dataset),
            "rules": ", ".join(rules),
            "rows": int(refused["rows"].sum()),
            "files": refused["source_file"].n_unique(),
            "amount": Money(amount),
            "amount_share": Percent(share),
        }
        evidence = {"amount": amount, "rows": int(refused["rows"].sum()), "rules": rules,
                    "files": refused["source_file"].unique(maintain_order=True).to_list()[:20]}  # fmt: skip
        yield Finding(
            rule=rule, unit_key=ALL, subject=str(dataset), level=level_of(rule, share), value=share,
            figures=figures, evidence=evidence,
        )  # fmt: skip


def _collected(night: Night) -> Decimal:
    """What the authority has collected on the territory this year."""
    rows = night.marts["mart_unit_position"].filter(
        pl.col("unit_key") == ALL, pl.col("basis") == "territory", pl.col("estimate_version") == "initial"
    )
    return Decimal(rows["collected_amount"].sum() or 0)


def channel_failed(night: Night, rule: WarningRule) -> Iterator[Finding]:
    """Channels whose messages did not surely reach everybody, on more than ``threshold`` nights in a row.

    One case a role and channel. Tonight's own message is sent after tonight's cases are known, so what counts
    are the nights before.
    """
    begun = night.sendings.filter(pl.col("night") < night.as_of)
    for (role, channel), sent in begun.group_by("role", "channel", maintain_order=True):
        failed = _failed_nights(sent)
        if not failed or (night.as_of - failed[-1]).days > UNUSED_AFTER_DAYS:
            continue
        figures: dict[str, Figure] = {
            "recipients": recipients_of(night.authority, str(role)),
            "channel": str(channel),
            "nights": len(failed),
            "since": failed[0],
        }
        evidence = {"role": role, "channel": channel, "nights": failed, "result": sent["result"].item(-1)}
        yield Finding(
            rule=rule, unit_key=ALL, subject=f"{role}/{channel}".replace(" ", "-"), value=float(len(failed)),
            level=level_of(rule, float(len(failed))), figures=figures, evidence=evidence,
        )  # fmt: skip


def _failed_nights(sent: pl.DataFrame) -> list[dt.date]:
    """The last nights in a row, earliest first, whose last message through one channel is not sure to have
    arrived."""
    last = sent.group_by("night", maintain_order=True).last().sort("night", descending=True)
    failed: list[dt.date] = []
    for day, result in last.select("night", "result").iter_rows():
        if result == _ARRIVED:
            break
        failed.append(day)
    return failed[::-1]
