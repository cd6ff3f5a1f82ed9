"""What lies beside a district's night: causes of warnings, the tax office's books, earlier nights."""

import datetime as dt
from decimal import Decimal

import polars as pl

from bulletins.night import FailedCheck
from expectations.documents import document
from expectations.validation import validate
from tests.bulletins.district import WARDS
from tests.bulletins.frames import NIGHT, NightlyInput, forecast, mart, money
from tests.expectations.frames import staged

TAXPAYER = "Nguyễn Thị Bí Mật 0101234567"
WARNED = "00148@2004"
CAUSES = {
    ("vat", "timing"): Decimal("6499999999.60"),
    ("cit", "timing"): Decimal("1200000000.20"),
    ("vat", "loss"): Decimal("900000000.10"),
    ("land_use_levy", "unexplained"): Decimal("-333333333.33"),
}
YEAR_END = dt.date(2019, 12, 31)


def warning_causes() -> pl.DataFrame:
    return mart(
        "mart_warning_cause",
        [
            {
                "warning_id": f"below_half:{WARNED}:2020", "unit_key": WARNED, "line_code": line,
                "cause_kind": kind, "amount": money(amount),
                "expected_back_by": dt.date(2020, 9, 20) if kind == "timing" else None,
            }
            for (line, kind), amount in CAUSES.items()
        ],
    )  # fmt: skip


def reconciliation() -> dict[str, pl.DataFrame]:
    kinds = {
        "matched": (120, "0", "0"), "timing": (4, "800000000", "0"), "not_compared": (2, "5000000", "0"),
        "missing_in_tax": (3, "700400000", "700400000"), "amount": (1, "400000", "-400000"),
    }  # fmt: skip
    summary = [
        {
            "unit_key": "ALL", "break_kind": kind, "rows": rows, "amount": money(Decimal(amount)),
            "treasury_amount": money(0), "tax_amount": money(0), "residual_amount": money(Decimal(residual)),
        }
        for kind, (rows, amount, residual) in kinds.items()
    ]  # fmt: skip
    largest = [
        {
            "break_id": "2000012345", "unit_key": WARNED, "item_code": "1701", "document_no": "0001",
            "treasury_amount": money(700_400_000), "tax_amount": None,
            "difference_amount": money(700_400_000), "break_kind": "missing_in_tax", "age_days": 44,
        }
    ]  # fmt: skip
    return {
        "mart_reconciliation_summary": mart("mart_reconciliation_summary", summary),
        "mart_reconciliation_break": mart("mart_reconciliation_break", largest),
    }


def validations() -> pl.DataFrame:
    """What Great Expectations finds of seven receipts, one refused, one without its ward, and of no debt."""
    rows = [{"amount": None}, {"unit_key": None, "amount": 2_500_000_000}, *[{}] * 5]
    named = [
        {"chapter": TAXPAYER, "document_no": f"{TAXPAYER} {place}"} | row for place, row in enumerate(rows)
    ]
    frames = {"receipt": staged("receipt", *named), "tax_arrears": staged("tax_arrears")}
    return pl.concat(document(validate(dataset, frame)) for dataset, frame in frames.items())


def is_counted(dataset: str, rule: str) -> bool:
    return rule == "unit_is_known"


def history() -> dict[str, pl.DataFrame]:
    """Two nights of last year and its last, one night of this year, each with every ward's forecast."""
    frames = []
    for day, medians in ((dt.date(2019, 6, 30), 101.0), (YEAR_END, 100.0), (dt.date(2020, 3, 31), 97.0)):
        rows = [
            forecast(f"{code}@2004", money(1_000_000_000), medians, 4.0, money(1_000_000_000 * 0.98))
            for code, *_ in WARDS
        ]
        frames.append(mart("mart_year_end_forecast", rows, day))
    briefs = [
        mart("mart_district_brief", [brief], day)
        for day, brief in (
            (dt.date(2020, 3, 31), {"collected_amount": money(5e11), "share_of_estimate_pct": 27.0,
                                    "units_total": 14, "units_above_half_territory": 0}),
            (dt.date(2020, 5, 14), {"collected_amount": money(7e11), "share_of_estimate_pct": 40.0,
                                    "units_total": 14, "units_above_half_territory": 2}),
        )
    ]  # fmt: skip
    return {"mart_year_end_forecast": pl.concat(frames), "mart_district_brief": pl.concat(briefs)}


def refused(rule: str, amount: float, row: int) -> dict[str, object]:
    return {
        "dataset": "receipt", "rule": rule, "source_file": "receipts/2020-05-11 (2).csv", "rows": 1,
        "amount": money(amount), "first_row_number": row, "explanation": rule,
    }  # fmt: skip


def with_everything(district: NightlyInput) -> NightlyInput:
    """The district with all that a night may lack."""
    restated = {
        "previous_as_of": dt.date(2020, 6, 29), "unit_key": "00115@2004", "line_code": "vat",
        "month": dt.date(2020, 5, 1), "previous_amount": money(3e9), "current_amount": money(5e8),
        "difference_amount": money(-2.5e9), "source_file": "receipts/2020-05-11 (2).csv",
    }  # fmt: skip
    district.marts |= {
        "mart_warning_cause": warning_causes(),
        "mart_quarantine": mart(
            "mart_quarantine", [refused("unit_is_known", 2.5e9, 3), refused("amount_is_a_number", 0, 2)]
        ),
        "mart_restatement": mart("mart_restatement", [restated], NIGHT),
        **reconciliation(),
    }
    district.beside = {
        "history": history(), "validations": validations(), "is_counted": is_counted,
        "failed_checks": [
            FailedCheck("accepted_receipt", "unit_is_known", "file.csv, row 3. No unit of this code"),
            FailedCheck("raw_delivery", "files_add_up", "its rows add up to less"),
        ],
    }  # fmt: skip
    return district
