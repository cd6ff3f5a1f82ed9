"""Nights of 2025, when fourteen wards became thirteen and then four: files by hand, in the office's form."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from authorities.loading import AUTHORITIES_FOLDER, load_authority
from tests.pipelines.conftest import Wardcast, read

AUTHORITY = load_authority(AUTHORITIES_FOLDER / "long_bien")
OUTSIDE = ["00097@2025", "00565@2025", "00577@2025"]
HEADER = (
    "STT;Ngày hạch toán;Số chứng từ;Mã ĐBHC;Tên phường;Chương;Tiểu mục;Nội dung/Tên người nộp;MST;Số tiền"
)


def receipts(year: int, months: int) -> list[tuple[dt.date, str, str, int]]:
    """A receipt a month, item and ward in force that day: day, unit code, name, amount."""
    rows = []
    for month in range(1, months + 1):
        day = dt.date(year, month, 17)
        for place, unit in enumerate(AUTHORITY.units_on(day)):
            rows.append((day, unit.code, unit.name, 1_000_001 * (place + 1) + 97 * month + year))
    return rows


def deliver(landing: Path) -> dict[int, int]:
    """The history files of three years; returns each year's sum."""
    sums = {}
    for year, months in ((2023, 12), (2024, 12), (2025, 9)):
        rows = receipts(year, months)
        lines = [
            f"{number};{day:%d/%m/%Y};CT{year}{number:05};{code};{name};757;1701;Một hộ;0100000000;{amount}"
            for number, (day, code, name, amount) in enumerate(rows, 1)
        ]
        file = landing / "kho_bac" / "lich_su" / f"bang_ke_thu_{year}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")
        sums[year] = sum(amount for *_, amount in rows)
    return sums


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    deliver(folder)
    return folder


def night(wardcast: Wardcast, landing: Path, home: Path, as_of: str) -> pl.DataFrame:
    asked = ("--landing", landing, "--home", home, "--as-of", as_of)
    result = wardcast("nightly", "--authority", "authorities/long_bien", *asked)
    assert result.exit_code == 0, result.output
    unit = read(home, "mart_unit_position")
    return unit.filter(pl.col("basis") == "territory", pl.col("estimate_version") == "initial")


@pytest.fixture(scope="module")
def autumn(tmp_path_factory: pytest.TempPathFactory, wardcast: Wardcast, landing: Path) -> Path:
    home = tmp_path_factory.mktemp("autumn")
    night(wardcast, landing, home, "2025-09-30")
    return home


def collected(home: Path, view: str, *units: str) -> Decimal:
    rows = read(home, "mart_unit_history").filter(pl.col("view") == view, pl.col("basis") == "territory")
    rows = rows.filter(pl.col("unit_key").is_in(units)) if units else rows
    total: Decimal = rows["amount"].sum()
    return total


def test_four_wards_stand_with_the_past_of_fourteen(autumn: Path) -> None:
    unit = read(autumn, "mart_unit_position").filter(pl.col("basis") == "territory")
    wards = unit.filter(pl.col("unit_key") != "ALL").sort("unit_key")

    assert wards["unit_key"].to_list() == ["00118@2025", "00127@2025", "00136@2025", "00145@2025"]
    assert wards["comparability"].to_list() == ["carried_assumed"] * 4
    assert (wards["same_period_amount"] > 0).all()
    this_year = sum(amount for *_, amount in receipts(2025, 9))
    beyond = read(autumn, "mart_unit_history").filter(
        pl.col("view") == "current", pl.col("basis") == "territory", pl.col("unit_key").is_in(OUTSIDE),
        pl.col("month") >= dt.date(2025, 1, 1),
    )["amount"].sum()  # fmt: skip
    assert wards["collected_amount"].sum() + beyond == this_year


def test_every_view_of_the_history_has_the_total_that_came(autumn: Path) -> None:
    came = sum(
        amount
        for year, months in ((2023, 12), (2024, 12), (2025, 9))
        for *_, amount in receipts(year, months)
    )

    assert {collected(autumn, view) for view in ("recorded", "current", "former")} == {Decimal(came)}
    assert collected(autumn, "current", *OUTSIDE) > 0
    assert collected(autumn, "recorded", "00142@2004") > 0, "Sài Đồng, as it was"
    assert collected(autumn, "current", "00142@2004") == 0


def test_a_forecast_learns_from_the_carried_past(autumn: Path) -> None:
    ends = read(autumn, "mart_year_end_forecast").filter(
        pl.col("line_code") == "ALL", pl.col("basis") == "territory", pl.col("scenario") == "base"
    )
    wards = ends.filter(pl.col("unit_key").str.ends_with("@2025"))

    assert wards.height == 4
    assert (wards["mean_amount"] > wards["collected_amount"]).all()


def test_in_spring_phuc_loi_has_grown_by_sai_dong(tmp_path: Path, wardcast: Wardcast, landing: Path) -> None:
    unit = night(wardcast, landing, tmp_path, "2025-03-31")
    wards = unit.filter(pl.col("unit_key") != "ALL")

    assert wards.height == 13
    marked = wards.filter(pl.col("comparability").is_not_null())
    assert marked["unit_key"].to_list() == ["00136@2004"]
    last_spring = {code: 0 for _, code, *_ in receipts(2024, 3)}
    for _, code, _, amount in receipts(2024, 3):
        last_spring[code] += amount
    assert marked["same_period_amount"].item() == last_spring["00136"] + last_spring["00142"]
