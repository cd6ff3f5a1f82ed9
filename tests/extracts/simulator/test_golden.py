"""The written sample adds up to the news item of 1 July 2020, by a reader of its own."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest

from authorities.model import Authority
from tests.extracts.simulator.conftest import Sample
from tests.extracts.simulator.reading import (
    UNITS,
    Receipt,
    estimate,
    landed_receipts,
    spending_months,
    table,
)

AS_OF = dt.date(2020, 6, 30)
INITIAL = "tai_chinh/2019-12-25/Du toan 14 phuong nam 2020.xlsx"
LINE_OF_TITLE = {
    "Thuế giá trị gia tăng": "vat", "Thuế thu nhập doanh nghiệp": "cit", "Thuế tiêu thụ đặc biệt": "excise",
    "Thuế thu nhập cá nhân": "pit", "Lệ phí trước bạ": "registration_fee", "Lệ phí môn bài": "licence_fee",
    "Thuế sử dụng đất phi nông nghiệp": "nonagri_land_tax", "Thuế sử dụng đất nông nghiệp": "agri_land_tax",
    "Tiền sử dụng đất": "land_use_levy", "Tiền thuê đất, thuê mặt nước": "land_rent",
    "Hoa lợi công sản từ quỹ đất công": "public_land",
    "Tiền bán, cho thuê nhà thuộc sở hữu nhà nước": "state_housing", "Phí, lệ phí": "fees",
    "Thu phạt, tịch thu và thu khác ngân sách": "fines_other",
    "Các khoản huy động, đóng góp": "contributions", "Thu khác tại phường": "other_revenue",
}  # fmt: skip


@pytest.fixture(scope="module")
def receipts(sample: Sample) -> list[Receipt]:
    return landed_receipts(sample.landing)


@pytest.fixture(scope="module")
def estimates(sample: Sample) -> dict[str, dict[str, int]]:
    by_title = estimate(sample.landing / INITIAL, 0)
    return {
        unit: {LINE_OF_TITLE[title]: amount for title, amount in amounts.items()}
        for unit, amounts in by_title.items()
    }


def to_date(receipts: list[Receipt], day: dt.date) -> list[Receipt]:
    return [row for row in receipts if dt.date(day.year, 1, 1) <= row.day <= day]


def total(receipts: list[Receipt]) -> int:
    return sum(row.amount or 0 for row in receipts)


def test_district_has_collected_51_percent_of_its_initial_estimate(
    receipts: list[Receipt], estimates: dict[str, dict[str, int]]
) -> None:
    planned = sum(sum(lines.values()) for lines in estimates.values())

    assert round(total(to_date(receipts, AS_OF)) / planned * 100, 2) == 51.00


def test_half_year_is_136_7_percent_of_the_same_period(receipts: list[Receipt]) -> None:
    last_year = total(to_date(receipts, dt.date(2019, 6, 30)))

    assert round(total(to_date(receipts, AS_OF)) / last_year * 100, 2) == 136.70


def test_eight_wards_are_above_half_on_collections_and_none_is_close(
    receipts: list[Receipt], estimates: dict[str, dict[str, int]]
) -> None:
    collected: dict[str, int] = defaultdict(int)
    for row in to_date(receipts, AS_OF):
        collected[row.unit_code] += row.amount or 0
    shares = {unit: collected[unit] / sum(estimates[unit].values()) * 100 for unit in UNITS}

    assert len([share for share in shares.values() if share > 50]) == 8
    assert min(abs(share - 50) for share in shares.values()) >= 0.5


def test_four_named_wards_are_above_half_on_revenue_for_recurrent_spending(
    long_bien: Authority, receipts: list[Receipt], estimates: dict[str, dict[str, int]]
) -> None:
    line_of = {item.item_code: item.line_code for item in long_bien.items}
    counts = {mark.line_code for mark in long_bien.recurrent_lines if mark.counts}
    share = {rule.line_code: rule.share_pct for rule in long_bien.sharing_rules if rule.holds_on(AS_OF)}
    assert all(rule.unit_code == "*" for rule in long_bien.sharing_rules)
    collected: dict[str, int] = defaultdict(int)
    for row in to_date(receipts, AS_OF):
        line = line_of.get(row.item_code)
        if line in counts:
            collected[row.unit_code] += int(Decimal(row.amount or 0) * share[line] / 100 + Decimal("0.5"))
    planned = {
        unit: sum(amount * share[line] / 100 for line, amount in lines.items() if line in counts)
        for unit, lines in estimates.items()
    }
    shares = {unit: float(collected[unit] / planned[unit] * 100) for unit in UNITS}

    above = [unit for unit in sorted(shares, key=lambda unit: -shares[unit]) if shares[unit] > 50]
    assert [UNITS[unit] for unit in above] == ["Phúc Đồng", "Thượng Thanh", "Phúc Lợi", "Việt Hưng"]
    assert min(abs(value - 50) for value in shares.values()) >= 0.5


def test_spending_is_36_6_percent_of_the_estimate_and_147_7_of_the_same_period(sample: Sample) -> None:
    planned = sum(sum(kinds.values()) for kinds in estimate(sample.landing / INITIAL, 1).values())
    history = spending_months(sample.landing / "kho_bac/lich_su/chi_ngan_sach_2019.csv")
    last_year = sum(amount for (_, month), amount in history.items() if month <= 6)
    spent = sum(
        int(table(sample.landing / f"don_vi/2020-06-30/chi_ngan_sach_{unit}_2020-06.xlsx")[-1][6])
        for unit in UNITS
    )

    assert round(spent / planned * 100, 2) == 36.60
    assert round(spent / last_year * 100, 2) == 147.70


def test_growth_has_its_declared_driver_and_the_rest_fell(
    long_bien: Authority, receipts: list[Receipt]
) -> None:
    line_of = {item.item_code: item.line_code for item in long_bien.items}
    now, before = to_date(receipts, AS_OF), to_date(receipts, dt.date(2019, 6, 30))

    levy = [
        total([row for row in rows if line_of.get(row.item_code) == "land_use_levy"])
        for rows in (now, before)
    ]

    assert levy[0] > 2 * levy[1]
    assert total(now) - levy[0] < total(before) - levy[1]
