"""The night from end to end: golden figures, the same again, files twice, past nights."""

import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.pipelines.conftest import NIGHT, Wardcast, read
from warehouse.tables.marts import MARTS

GOLDEN_LEADERS = "Phúc Đồng, Thượng Thanh, Phúc Lợi, Việt Hưng"


def without_publication(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop("publication_id", strict=False)


def test_the_figures_of_the_news_item_come_out(published_home: Path) -> None:
    brief = read(published_home, "mart_district_brief").row(0, named=True)
    assert round(brief["share_of_estimate_pct"], 1) == 51.0
    assert round(brief["same_period_pct"], 1) == 136.7
    assert round(brief["spending_share_pct"], 1) == 36.6
    assert round(brief["spending_same_period_pct"], 1) == 147.7
    assert (brief["units_above_half_territory"], brief["units_total"]) == (8, 14)
    assert (brief["units_above_half_recurrent"], brief["leaders_recurrent"]) == (4, GOLDEN_LEADERS)


def test_what_was_planted_is_told_with_its_place(published_home: Path, sample: Path) -> None:
    """Failed checks of a published night are told to the office: rule, file and row, and sums that differ."""
    notice = json.loads((published_home / "notices.jsonl").read_text().splitlines()[0])
    assert notice["kind"] == "checks_failed"
    faults = json.loads((sample / "manifest.json").read_text())["row_faults"]
    unreadable = next(fault for fault in faults if fault["rule"] == "amount_is_a_number")
    told = "\n".join(notice["lines"])
    for fault in faults:
        assert fault["rule"] in told
        assert fault["path"].removeprefix("landing/") in told
    assert f"files_add_up: {unreadable['path'].removeprefix('landing/')}: its rows add up to" in told


def test_every_ward_not_above_half_is_warned_of(published_home: Path) -> None:
    warnings = read(published_home, "mart_warning")
    positions = read(published_home, "mart_unit_position").filter(
        pl.col("estimate_version") == "initial", pl.col("basis") == "territory", pl.col("is_below_half")
    )
    below = set(positions["unit_key"]) - {"ALL"}
    assert len(below) == 6
    told = warnings.filter(pl.col("rule_code") == "below_half")
    evidence = [json.loads(said) for said in told["evidence"]]
    grouped = {unit["unit_key"] for said in evidence for unit in said.get("units", [])}
    assert {*told["unit_key"], *grouped} - {"ALL"} == below
    assert told.height < len(below), "wards that only the extension keeps below are one case"


def test_forecasts_of_wards_add_up_to_the_district(published_home: Path) -> None:
    forecast = read(published_home, "mart_year_end_forecast").filter(
        pl.col("line_code") == "ALL", pl.col("basis") == "territory", pl.col("scenario") == "base"
    )
    whole = forecast.filter(pl.col("unit_key") == "ALL")
    parts = forecast.filter(pl.col("unit_key") != "ALL")
    assert parts["mean_amount"].sum() == whole["mean_amount"].item()
    assert parts["collected_amount"].sum() == whole["collected_amount"].item()
    assert set(parts["unit_key"]) == {*read(published_home, "mart_unit_position")["unit_key"]} - {"ALL"}


def test_a_rerun_with_a_file_delivered_twice_changes_no_figure(
    published_home: Path, landing: Path, tmp_path: Path, wardcast: Wardcast
) -> None:
    home = tmp_path / "home"
    repeated = landing / "kho_bac" / NIGHT / f"bang_ke_thu_{NIGHT}.csv"
    shutil.copy(repeated, repeated.with_name(f"bang_ke_thu_{NIGHT}_gui_lai.csv"))
    for _ in range(2):
        result = wardcast("nightly", "--landing", landing, "--home", home, "--as-of", NIGHT)
        assert result.exit_code == 0, result.output
    for table in MARTS:
        expected = without_publication(read(published_home, table.name))
        assert_frame_equal(without_publication(read(home, table.name)), expected)
    assert read(home, "publication")["publication_id"].to_list() == [f"{NIGHT}.1", f"{NIGHT}.2"]


def test_a_past_night_knows_nothing_of_later_files(landing: Path, tmp_path: Path, wardcast: Wardcast) -> None:
    """The night of 31 March is the same whether or not the files of April to June lie there already."""
    early = tmp_path / "early"
    shutil.copytree(landing, early)
    for folder in early.glob("*/2020-*"):
        if folder.name > "2020-03-31":
            shutil.rmtree(folder)
    frames = []
    for number, folder in enumerate((early, landing)):
        home = tmp_path / f"home{number}"
        result = wardcast("nightly", "--landing", folder, "--home", home, "--as-of", "2020-03-31")
        assert result.exit_code == 0, result.output
        frames.append({table.name: read(home, table.name) for table in MARTS})
    for table in MARTS:
        assert_frame_equal(frames[0][table.name], frames[1][table.name])
    assert frames[0]["mart_unit_position"].height > 0


def test_nights_are_kept_by_as_of_and_a_backfill_leaves_the_latest(
    published_home: Path, sample: Path, tmp_path: Path, wardcast: Wardcast
) -> None:
    home = tmp_path / "home"
    shutil.copytree(published_home, home, symlinks=True)
    result = wardcast("nightly", "--landing", sample / "landing", "--home", home, "--as-of", "2020-05-31")
    assert result.exit_code == 0, result.output
    asked = wardcast(
        "query", "SELECT as_of FROM mart_district_brief ORDER BY as_of", "--home", home, "--format", "csv"
    )
    assert asked.output.split() == ["as_of", "2020-05-31", NIGHT]
    latest = wardcast(
        "query", "SELECT as_of FROM latest.mart_district_brief", "--home", home, "--format", "csv"
    )
    assert latest.output.split() == ["as_of", NIGHT]
    assert "ngày 30 tháng 6" in (home / "bulletin" / "latest" / "index.html").read_text()


def test_the_bulletin_tells_the_brief_in_both_languages(published_home: Path) -> None:
    site = published_home / "bulletin" / "latest"
    page = (site / "index.html").read_text()
    assert "136,7%" in page
    assert "136.7%" in (site / "index.en.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "mô phỏng" in page
    said = (site / "papers.html").read_text()
    assert (
        "Số thu ngân sách 6 tháng đầu năm 2020 đạt 51% dự toán năm, bằng 136,7% so cùng kỳ năm 2019. Tổng "
        "chi ngân sách nhà nước địa phương đạt 36,6% dự toán giao đầu năm, bằng 147,7% so cùng kỳ năm 2019. "
        "8/14 phường có số thu đạt trên 50% so với dự toán; 04/14 phường có số thu để chi thường xuyên đạt "
        "trên 50% so với dự toán giao đầu năm (tiêu biểu là phường Phúc Đồng, Thượng Thanh, Phúc Lợi, "
        "Việt Hưng)."
    ) in said
    assert len(list(site.glob("unit-*.html"))) == 2 * 14


def test_no_taxpayer_reaches_a_mart_a_page_or_an_event(published_home: Path, sample: Path) -> None:
    """The names and numbers of the listing's payers stand in the raw rows and nowhere else."""
    listing = (sample / "landing" / "kho_bac" / NIGHT / f"bang_ke_thu_{NIGHT}.csv").read_text("utf-8-sig")
    rows = [line.split(";") for line in listing.splitlines() if line[:1].isdigit()]
    secrets = {row[8] for row in rows} | {row[7] for row in rows}
    secrets = {secret.encode() for secret in secrets if len(secret) > 8}
    assert len(secrets) > 10
    searched = 0
    for path in published_home.rglob("*"):
        if not path.is_file() or "raw" in path.relative_to(published_home).parts[:1]:
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content = pl.read_parquet(path).write_csv().encode()
        searched += 1
        found = [secret for secret in secrets if secret in content]
        assert not found, f"{path.relative_to(published_home)} holds {len(found)} taxpayers' names or numbers"
    assert searched > 50


@pytest.mark.skipif(os.name != "posix", reason="permissions of raw rows are POSIX ones")
def test_raw_rows_are_for_the_owner_alone(published_home: Path) -> None:
    kept = list((published_home / "raw").rglob("*.parquet"))
    assert kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
    assert published_home.stat().st_mode & 0o077 == 0
