"""A district of fourteen wards at mid-year.

The numbers are invented but hang together: shares follow from amounts, units add up to the district.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl

from authorities.model import SharingRule
from tests.bulletins.frames import (
    MILLION,
    NIGHT,
    NightlyInput,
    chance_below,
    dimension_frames,
    forecast,
    make_authority,
    mart,
    money,
    position,
    publication,
)

# Code, name, estimate in millions, share on the territory, share for recurrent spending, same period, median
# of the year's end in percent of the estimate, and how far its 80% range reaches to either side.
WARDS = [
    ("00115", "Thượng Thanh", 182_345, 55.21, 53.40, 141.2, 104.0, 7.0),
    ("00118", "Ngọc Thụy", 241_812, 52.30, 47.90, 133.5, 99.1, 8.5),
    ("00121", "Giang Biên", 158_227, 44.62, 41.22, 118.9, 90.4, 9.0),
    ("00124", "Đức Giang", 196_401, 53.22, 48.13, 139.4, 101.8, 7.5),
    ("00127", "Việt Hưng", 263_990, 54.00, 50.71, 151.3, 102.6, 8.0),
    ("00130", "Gia Thụy", 204_118, 50.38, 46.05, 128.8, 98.0, 7.0),
    ("00133", "Ngọc Lâm", 143_765, 49.97, 45.81, 121.7, 97.2, 6.5),
    ("00136", "Phúc Lợi", 121_504, 54.15, 51.92, 149.0, 103.1, 9.5),
    ("00139", "Bồ Đề", 217_632, 48.20, 44.36, 130.1, 95.5, 8.0),
    ("00142", "Sài Đồng", 149_871, 46.88, 42.04, 119.9, 93.7, 8.5),
    ("00145", "Long Biên", 187_239, 51.92, 49.02, 144.8, 100.5, 7.5),
    ("00148", "Thạch Bàn", 133_076, 42.31, 39.15, 104.6, 86.9, 10.5),
    ("00151", "Phúc Đồng", 168_453, 57.80, 55.67, 163.2, 107.9, 8.0),
    ("00154", "Cự Khối", 88_910, 45.09, 38.70, 110.3, 91.8, 12.0),
]


WITHOUT_MONTHS = "00154"
"""A ward that no monthly forecast is made for."""

LINES = [
    ("land_use_levy", "Tiền sử dụng đất", "Land-use levy", 0.31, 61.0),
    ("vat", "Thuế giá trị gia tăng", "Value added tax", 0.19, 44.0),
    ("registration_fee", "Lệ phí trước bạ", "Registration fee", 0.14, 47.0),
    ("pit", "Thuế thu nhập cá nhân", "Personal income tax", 0.12, 52.0),
    ("cit", "Thuế thu nhập doanh nghiệp", "Corporate income tax", 0.10, 43.0),
    ("land_rent", "Tiền thuê đất, thuê mặt nước", "Land and water-surface rent", 0.05, 38.0),
    ("fees", "Phí, lệ phí", "Fees and charges", 0.03, 56.0),
    ("nonagri_land_tax", "Thuế sử dụng đất phi nông nghiệp", "Non-agricultural land tax", 0.02, 21.0),
    ("licence_fee", "Lệ phí môn bài", "Business licence fee", 0.02, 97.0),
    ("public_land", "Thu hoa lợi công sản từ quỹ đất công", "Yield of public land", 0.01, 33.0),
    ("fines_other", "Thu phạt, tịch thu và thu khác ngân sách", "Fines and other revenue", 0.01, 64.0),
]


RULES = [
    {
        "rule_code": "below_half",
        "kind": "share_below",
        "threshold": 50.0,
        "severity": "warning",
        "owner": "ward_chair",
        "title": {
            "vi": "Thu ngân sách chưa vượt nửa dự toán năm",
            "en": "Collections have not passed half of the annual estimate",
        },
        "message": {"vi": "{unit_name}", "en": "{unit_name}"},
    },
    {
        "rule_code": "shortfall_likely",
        "kind": "shortfall_probability_above",
        "threshold": 0.8,
        "severity": "severe",
        "owner": "district_finance",
        "title": {
            "vi": "Nhiều khả năng hụt thu so với dự toán cả năm",
            "en": "The year will probably end below the estimate",
        },
        "message": {"vi": "{unit_name}", "en": "{unit_name}"},
    },
]


def vi(number: float) -> str:
    return f"{number:.2f}".replace(".", ",")


def district_marts() -> dict[str, pl.DataFrame]:
    positions, forecasts, warnings, spending = [], [], [], []
    lines: list[dict[str, Any]] = []
    paths: list[dict[str, Any]] = []
    totals = {"territory": [Decimal(0), Decimal(0)], "recurrent": [Decimal(0), Decimal(0)]}
    for place, (code, name, millions, share, recurrent, same, median, spread) in enumerate(WARDS):
        key, estimate = f"{code}@2004", Decimal(millions * MILLION)
        for basis, whole, pct, pace in (
            ("territory", estimate, share, 46.0 + place % 4),
            ("recurrent", money(estimate / 4), recurrent, 48.5),
        ):
            collected = money(whole * Decimal(str(pct)) / 100)
            positions.append(position(key, name, whole, collected, same, pace) | {"basis": basis})
            totals[basis][0] += whole
            totals[basis][1] += collected
        forecasts.append(forecast(key, estimate, median, spread, money(float(estimate) * share / 100)))
        warnings += ward_warnings(key, name, share, median, spread)
        came = money(float(estimate) * share / 100)
        lines += line_positions(estimate, came, key, name)
        if code != WITHOUT_MONTHS:
            paths += path(estimate, came, key, median)
        spending += [
            {
                "unit_key": key,
                "spending_kind": kind,
                "estimate_amount": money(estimate * Decimal(part)),
                "spent_amount": money(float(estimate) * float(part) * (pct + place % 5) / 100),
                "share_pct": pct + place % 5,
                "same_period_pct": 140.0 + place,
            }
            for kind, part, pct in (
                ("ALL", "0.3", 34.5),
                ("recurrent", "0.2", 40.0),
                ("development", "0.1", 24.0),
            )
        ]
    unallocated = money(1_874_250_000)
    positions.append(
        position("UNALLOCATED", "Chưa phân bổ", None, unallocated, None, None) | {"basis": "territory"}
    )
    totals["territory"][1] += unallocated
    for basis, (estimate, collected) in totals.items():
        positions.append(
            position("ALL", "Quận Long Biên", estimate, collected, 136.7, 47.4) | {"basis": basis}
        )
    estimate, collected = totals["territory"]
    forecasts.append(forecast("ALL", estimate, 98.6, 4.2, collected))
    spent = sum((row["spent_amount"] for row in spending if row["spending_kind"] == "ALL"), Decimal(0))
    spending_estimate = sum(
        (row["estimate_amount"] for row in spending if row["spending_kind"] == "ALL"), Decimal(0)
    )
    for kind, part, pct in (
        ("ALL", 1, 36.6),
        ("recurrent", Decimal("0.65"), 42.1),
        ("development", Decimal("0.33"), 27.0),
        ("contingency", Decimal("0.02"), 11.5),
    ):
        spending.append(
            {
                "unit_key": "ALL",
                "spending_kind": kind,
                "estimate_amount": money(spending_estimate * part),
                "spent_amount": money(float(spending_estimate * part) * pct / 100),
                "share_pct": pct,
                "same_period_pct": 147.7,
            }
        )
    brief = {
        "collected_amount": collected,
        "estimate_amount": estimate,
        "share_of_estimate_pct": float(collected / estimate * 100),
        "same_period_amount": money(float(collected) / 1.367),
        "same_period_pct": 136.7,
        "spent_amount": spent,
        "spending_estimate_amount": spending_estimate,
        "spending_share_pct": 36.6,
        "spending_same_period_pct": 147.7,
        "units_total": 14,
        "units_above_half_territory": 8,
        "units_above_half_recurrent": 4,
        "leaders_recurrent": "Phúc Đồng, Thượng Thanh, Phúc Lợi, Việt Hưng",
    }
    return {
        "mart_district_brief": mart("mart_district_brief", [brief]),
        "mart_unit_position": mart("mart_unit_position", positions),
        "mart_line_position": mart("mart_line_position", lines + line_positions(estimate, collected)),
        "mart_year_end_forecast": mart("mart_year_end_forecast", forecasts),
        "mart_forecast_path": mart("mart_forecast_path", paths + path(estimate, collected)),
        "mart_spending_position": mart("mart_spending_position", spending),
        "mart_warning": mart("mart_warning", warnings),
        "mart_extract_arrival": mart("mart_extract_arrival", arrivals()),
        "mart_quarantine": mart("mart_quarantine", quarantine()),
        "mart_forecast_accuracy": mart("mart_forecast_accuracy", accuracy()),
        "mart_forecast_news": mart("mart_forecast_news", news()),
        "mart_warning_scorecard": mart("mart_warning_scorecard", scores()),
    }


def scores() -> list[dict[str, Any]]:
    """Two years by a rule that tells 5 of 8 shortfalls, and by the plain rules."""
    told = {
        "shortfall_likely": (5, 3, 2, 18), "flat_half": (6, 2, 12, 8), "always": (8, 0, 20, 0),
    }  # fmt: skip
    return [
        {
            "rule_code": code, "fiscal_year": year, "basis": "territory", "fiscal_years": years,
            "unit_years": 14 * years, "hits": hits, "misses": misses, "false_alarms": false,
            "correct_rejections": right, "precision": hits / (hits + false), "precision_low": 0.4,
            "precision_high": 0.9, "recall": hits / (hits + misses), "recall_low": 0.35, "recall_high": 0.84,
            "median_lead_days": 142.0, "median_lead_days_low": 98.0, "median_lead_days_high": 205.0,
            "false_alarms_per_unit_year": false / 28, "usefulness": 0.3 if code != "always" else 0.0,
            "usefulness_low": -0.2, "usefulness_high": 0.7, "mid_year_hits": 3, "mid_year_false_alarms": 1,
            "estimate_version": "initial", "short_by_pct": 0.0, "least_lead_days": 30, "miss_costs": 4.0,
        }
        for code, (hits, misses, false, right) in told.items()
        for year, years in ((2018, 1), (2019, 1), (0, 2))
    ]  # fmt: skip


def ward_warnings(key: str, name: str, share: float, median: float, spread: float) -> list[dict[str, Any]]:
    chance = chance_below(median, spread)
    common = {"unit_key": key, "state": "open", "evidence": "{}"}
    rows = []
    if share <= 50.0:
        rows.append(
            common
            | {
                "warning_id": f"below_half:{key}:2020",
                "rule_code": "below_half",
                "severity": "warning",
                "owner": "ward_chair",
                "opened_on": NIGHT,
                "message_vi": f"Phường {name}: thu ngân sách trên địa bàn mới đạt {vi(share)}% dự toán, "
                "chưa vượt mức 50,0%. Đề nghị rà soát từng khoản thu và nêu giải pháp trước kỳ giao ban quý.",
                "message_en": f"{name} ward: collections have reached {share:.2f}% of the estimate, not "
                "above 50.0%. Please review each line and propose measures before the quarterly meeting.",
            }
        )
    if chance > 0.8:
        rows.append(
            common
            | {
                "warning_id": f"shortfall_likely:{key}:2020",
                "rule_code": "shortfall_likely",
                "severity": "severe",
                "owner": "district_finance",
                "opened_on": dt.date(2020, 5, 14),
                "state": "acknowledged",
                "message_vi": f"Phường {name}: xác suất hụt thu cả năm là {chance * 100:.0f}%.",
                "message_en": f"{name} ward: the year will end short with {chance * 100:.0f}% probability.",
            }
        )
    return rows


def line_positions(
    estimate: Decimal, collected: Decimal, key: str = "ALL", name: str = "Quận Long Biên"
) -> list[dict[str, Any]]:
    weights = [part * share for *_, part, share in LINES]
    rows, left = [], collected
    for (code, _, _, part, _), weight in zip(LINES, weights, strict=True):
        loose = 400_000_000 if key == "ALL" else 0
        got = money(float(collected - loose) * weight / sum(weights))
        left -= got
        rows.append(
            position(key, name, money(float(estimate) * part), got, 90.0 + 400 * part, 45.0)
            | {"line_code": code}
        )
    rows.append(position(key, name, None, left, None, None) | {"line_code": "UNALLOCATED"})
    whole = sum((row["estimate_amount"] for row in rows if row["estimate_amount"]), Decimal(0))
    rows.append(position(key, name, whole, collected, 136.7, 47.4) | {"line_code": "ALL"})
    return [row | {"basis": "territory"} for row in rows]


def path(estimate: Decimal, collected: Decimal, key: str = "ALL", end: float = 98.6) -> list[dict[str, Any]]:
    actual = [0.13, 0.26, 0.46, 0.63, 0.80, 1.0]
    reached = float(collected / estimate * 100)
    ahead = [reached + (end - reached) * part for part in (0.13, 0.26, 0.42, 0.59, 0.76, 1.0)]
    rows = []
    for scenario, lift in (("base", 0.0), ("without_shocks", 1.0)):
        for month in range(1, 13):
            if month <= 6:
                amount = money(float(collected) * actual[month - 1])
                row = {
                    "actual_amount": amount,
                    "p10_amount": amount,
                    "p50_amount": amount,
                    "p90_amount": amount,
                }
            else:
                median, spread = ahead[month - 7] + lift * (month - 6) * 0.7, 0.7 * (month - 6)
                row = {
                    f"p{q}_amount": money(float(estimate) * (median + z * spread) / 100)
                    for q, z in ((10, -1), (50, 0), (90, 1))
                }
            rows.append(
                row
                | {
                    "unit_key": key,
                    "line_code": "ALL",
                    "basis": "territory",
                    "scenario": scenario,
                    "month": dt.date(2020, month, 1),
                }
            )
    return rows


def arrivals() -> list[dict[str, Any]]:
    due = dt.date(2020, 7, 1)
    rows = [
        {
            "form_code": "treasury_receipts_daily",
            "unit_key": "ALL",
            "expected_at": dt.date(2020, 3, 18),
            "received_at": None,
            "status": "missing",
            "last_complete_day": NIGHT,
            "missing_periods": 1,
        },
        {
            "form_code": "tax_collection",
            "unit_key": "ALL",
            "expected_at": dt.date(2020, 6, 22),
            "received_at": dt.date(2020, 6, 25),
            "status": "late",
            "last_complete_day": dt.date(2020, 6, 15),
            "missing_periods": 0,
        },
    ]
    for place, (code, *_) in enumerate(WARDS):
        missing = place in (3, 11)
        rows.append(
            {
                "form_code": "spending_monthly",
                "unit_key": f"{code}@2004",
                "expected_at": due - dt.timedelta(days=16),
                "received_at": None if missing else dt.date(2020, 6, 12),
                "status": "missing" if missing else "on_time",
                "last_complete_day": dt.date(2020, 5, 31),
                "missing_periods": int(missing),
            }
        )
    return rows


def quarantine() -> list[dict[str, Any]]:
    return [
        {
            "dataset": "receipt",
            "rule": "unit_known",
            "source_file": f"receipts/{file}.csv",
            "rows": rows,
            "amount": money(amount),
            "first_row_number": 12,
            "explanation": "Không phường nào có tên hoặc mã này; số tiền được tính là chưa phân bổ.",
        }
        for file, rows, amount in (("2020-02-11", 2, 1_440_250_000), ("2020-05-06", 1, 434_000_000))
    ] + [
        {
            "dataset": "receipt",
            "rule": "item_known",
            "source_file": "receipts/2020-04-02.csv",
            "rows": 3,
            "amount": money(400_000_000),
            "first_row_number": 7,
            "explanation": "Tiểu mục không có trong danh mục; số tiền được tính là chưa phân bổ.",
        },
    ]


def accuracy() -> list[dict[str, Any]]:
    """A backtest of two years, the second with twice the units, and one year as it was published."""
    errors = {
        "backtest": {"bank": (6.0, 3.0), "pace": (16.0, 10.0), "naive": (8.0, 8.0), "growth": (24.0, 15.0)},
        "published": {"bank": (5.5, 2.5), "pace": (12.5, 9.5)},
    }
    return [
        {
            "method": method, "source": source, "basis": "territory", "line_code": "ALL",
            "months_elapsed": months, "fiscal_year": year, "n": units, "wape_pct": by_month[place] + later,
        }
        for source, by_method in errors.items()
        for method, by_month in by_method.items()
        for place, months in enumerate((3, 6))
        for year, units, later in ((2018, 7, 0.0), (2019, 14, 1.5))
        if source == "backtest" or year == 2019
    ]  # fmt: skip


def news() -> list[dict[str, Any]]:
    """Since the night before: money came everywhere, and one ward's figures were stated anew."""
    came = {f"{code}@2004": Decimal((place - 6) * 412_345_678) for place, (code, *_) in enumerate(WARDS)}
    anew = {"00115@2004": Decimal(-2_500_400_000)}
    return [
        {
            "previous_as_of": dt.date(2020, 6, 29), "unit_key": unit, "line_code": "ALL",
            "basis": "territory", "cause": cause, "amount": amount,
        }
        for cause, by_unit in (("new_receipts", came), ("restatement", anew))
        for unit, amount in (by_unit | {"ALL": sum(by_unit.values(), Decimal(0))}).items()
        if amount
    ]  # fmt: skip


def district_input() -> NightlyInput:
    units = [(f"{code}@2004", name) for code, name, *_ in WARDS]
    assumed = SharingRule(
        line_code="vat", share_pct=Decimal(30), assumed=True, source="", valid_from=dt.date(2017, 1, 1)
    )
    authority = make_authority(
        {
            "code": "long_bien",
            "title": {"vi": "Quận Long Biên, thành phố Hà Nội", "en": "Long Biên District, Hà Nội"},
            "unit_kind": {"vi": "phường", "en": "ward"},
            "holidays_country": "VN",
            "currency": {
                "code": "VND",
                "minor_digits": 0,
                "display_scale": MILLION,
                "display_unit": {"vi": "triệu đồng", "en": "million VND"},
            },
            "warning_rules": RULES,
            "recipients": {"ward_chair": ["Chủ tịch UBND phường"]},
            "sample": {
                "as_of": "2020-06-30",
                "first_day": "2012-01-01",
                "last_day": "2020-12-31",
                "seed": 1,
                "notice": {
                    "vi": "Dữ liệu mô phỏng: số liệu do máy sinh ra, không phải số liệu thật của quận.",
                    "en": "Simulated data: figures are generated, not the district's real figures.",
                },
            },
        },
        units,
        sharing_rules=(assumed,),
    )
    return NightlyInput(
        authority, district_marts(), dimension_frames(units, [line[:3] for line in LINES]), publication()
    )
