"""A night under a named set of shocks: published beside its base, which stays; kept by reruns; withdrawn."""

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.home import home_lock
from pipelines.scenario import scenario_report
from pipelines.settings import Places, Settings
from tests.pipelines.conftest import NIGHT, Wardcast, read
from tests.pipelines.small_district import daily, history, monthly, small_authority
from warehouse.engines import open_warehouse, warehouse_url
from warehouse.scenario_acts import ACTS_FILE, scenarios_asked
from warehouse.tables.marts import MARTS

PAST_THE_YEAR = "extension_into_next_year"
OWN_FILE = """code: no_land_tax
title: {vi: "Miễn thuế đất", en: "No tax on land for the rest of the year"}
shocks:
  - code: no_land_tax
    title: {vi: "Miễn", en: "Written off"}
    kind: loss
    form: closure
    line_codes: [LINE]
    announced_on: 2020-09-01
    legal_source: supposed
    effective_from: 2020-04-01
    effective_to: 2020-12-31
"""


def sums(home: Path, publication_id: str) -> pl.DataFrame:
    """Year-ends of the authority on the territory, lines together, as one publication has them."""
    ends = open_warehouse(warehouse_url(home / "wardcast.duckdb")).read_publication(
        "mart_year_end_forecast", publication_id
    )
    return ends.filter(unit_key="ALL", line_code="ALL", basis="territory")


@pytest.fixture(scope="module")
def asked(
    published_home: Path, sample: Path, tmp_path_factory: pytest.TempPathFactory, wardcast: Wardcast
) -> tuple[Path, list[dict[str, Any]]]:
    """The sample's home with the night under a scenario, and what the command said."""
    home = tmp_path_factory.mktemp("asked") / "home"
    shutil.copytree(published_home, home, symlinks=True)
    places = ("--landing", sample / "landing", "--home", home, "--as-of", NIGHT, "--by", "lan")
    told = wardcast("scenario", PAST_THE_YEAR, *places, "--format", "json")
    assert read(home, "publication").height == 2, told.output
    rows: list[dict[str, Any]] = json.loads(told.stdout)
    return home, rows


def test_the_base_and_every_golden_figure_stay(
    published_home: Path, asked: tuple[Path, list[dict[str, Any]]]
) -> None:
    home, _ = asked
    for table in MARTS:
        before, after = (
            read(one, table.name).drop("publication_id", strict=False) for one in (published_home, home)
        )
        if table.name == "mart_scenario_effect":
            assert before.is_empty()
            continue
        if "scenario" in after.columns:
            assert set(after["scenario"]) == {"base", "without_shocks", PAST_THE_YEAR}
            after = after.filter(pl.col("scenario") != PAST_THE_YEAR)
        assert_frame_equal(after, before)
    assert round(read(home, "mart_district_brief")["share_of_estimate_pct"].item(), 1) == 51.0


def test_what_moves_to_next_year_is_moved_and_not_lost(asked: tuple[Path, list[dict[str, Any]]]) -> None:
    home, rows = asked
    assert next(row["unit_key"] for row in rows) == "ALL"
    assert len(rows) == 1 + 14 + 1, "the authority, its wards, and what is placed with none"
    for row in rows:
        assert row["scenario_amount"] - row["base_amount"] == row["difference_amount"]
        moved = row["moved_to_next_year_amount"]
        assert row["difference_amount"] == pytest.approx(-moved, rel=0, abs=20)
        assert row["lost_amount"] == 0
    assert rows[0]["moved_to_next_year_amount"] > 0
    assert rows[0]["moved_to_next_year_amount"] == pytest.approx(
        sum(row["moved_to_next_year_amount"] for row in rows[1:]), rel=0, abs=200
    )
    effect = read(home, "mart_scenario_effect").filter(
        unit_key="ALL", line_code="vat", scenario=PAST_THE_YEAR
    )
    assert dict(effect.select("shock_code", "expected_back_by").rows())["nd41_2020_vat"] == dt.date(
        2021, 3, 31
    )


def test_base_scenario_and_difference_can_be_queried(
    asked: tuple[Path, list[dict[str, Any]]], wardcast: Wardcast
) -> None:
    """The query of the docs."""
    home, rows = asked
    page = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    sql = page.split("```sql")[1].split("```")[0]
    told = wardcast("query", sql, "--home", home, "--format", "json")
    assert told.exit_code == 0, told.output
    found = {row["unit_name"]: row for row in json.loads(told.stdout)}
    assert len(found) == 16
    for row in rows:
        name = row["unit_name"]
        assert found[name]["base"] == row["base_amount"]
        assert found[name]["difference"] == row["difference_amount"]
    paths = read(home, "mart_forecast_path").filter(unit_key="ALL", line_code="vat", basis="territory")
    by_month = {
        (row["scenario"], row["month"].month): row["p50_amount"] for row in paths.iter_rows(named=True)
    }
    assert by_month[PAST_THE_YEAR, 6] == by_month["base", 6], "what came came"
    assert by_month[PAST_THE_YEAR, 11] < by_month["base", 11]


def test_a_scenario_that_moves_no_year_end_says_so(asked: tuple[Path, list[dict[str, Any]]]) -> None:
    home, _ = asked
    places = Places(Settings(authority=Path("long_bien"), home=home, warehouse=None, landing=None))
    named = next(one for one in places.authority.scenarios if one.code == PAST_THE_YEAR)
    assert "No year-end moves" not in scenario_report(places, dt.date.fromisoformat(NIGHT), named, "table")
    base = named.model_copy(update={"code": "base"})
    assert "No year-end moves" in scenario_report(places, dt.date.fromisoformat(NIGHT), base, "table")


def test_who_asked_is_remembered(asked: tuple[Path, list[dict[str, Any]]]) -> None:
    home, _ = asked
    (line,) = (home / ACTS_FILE).read_text(encoding="utf-8").splitlines()
    said = json.loads(line)
    assert (said["act"], said["night"], said["code"], said["who"]) == ("suppose", NIGHT, PAST_THE_YEAR, "lan")
    assert (home / ACTS_FILE).stat().st_mode & 0o077 == 0


@pytest.fixture
def small(tmp_path: Path) -> tuple[str | Path, ...]:
    """A small district with receipts up to 10 and 11 March 2020."""
    authority, landing = small_authority(tmp_path / "small"), tmp_path / "landing"
    for year in (2017, 2018, 2019):
        history(landing, year, monthly(year, range(1, 13)))
    for month in (1, 2):
        day = f"2020-0{month}-15"
        daily(landing, day, monthly(2020, [month]))
    return ("--authority", authority, "--landing", landing, "--home", tmp_path / "home")


def test_a_file_from_anywhere_is_kept_by_reruns_and_withdrawn(
    small: tuple[str | Path, ...], tmp_path: Path, wardcast: Wardcast
) -> None:
    home, file = Path(small[-1]), tmp_path / "mine.yaml"
    file.write_text(OWN_FILE.replace("LINE", "vat"), encoding="utf-8")
    wardcast("scenario", file, *small, "--as-of", "2020-03-10")
    first = dict(sums(home, "2020-03-10.1").select("scenario", "mean_amount").rows())
    assert set(first) == {"base", "without_shocks", "no_land_tax"}
    assert first["no_land_tax"] < first["base"]
    file.unlink()
    wardcast("nightly", *small, "--as-of", "2020-03-10")
    assert dict(sums(home, "2020-03-10.2").select("scenario", "mean_amount").rows()) == first
    with (home / ACTS_FILE).open("a", encoding="utf-8") as broken:
        broken.write('{"act": "suppo')
    wardcast("nightly", *small, "--as-of", "2020-03-11")
    assert set(sums(home, "2020-03-11.1")["scenario"]) == {"base", "without_shocks"}, "asked of one night"
    told = wardcast("scenario", "no_land_tax", *small, "--as-of", "2020-03-10", "--withdraw")
    assert "published without 'no_land_tax'" in told.output
    assert set(sums(home, "2020-03-10.3")["scenario"]) == {"base", "without_shocks"}
    assert len(scenarios_asked(home, dt.date(2020, 3, 10)).broken) == 1
    again = wardcast("scenario", "no_land_tax", *small, "--as-of", "2020-03-10", "--withdraw")
    assert again.exit_code == 1
    assert "is not seen under 'no_land_tax'; asked for it are: none" in again.output


def test_a_night_that_cannot_run_takes_back_what_was_asked(
    small: tuple[str | Path, ...], tmp_path: Path, wardcast: Wardcast
) -> None:
    home, file, night = Path(small[-1]), tmp_path / "mine.yaml", dt.date(2020, 3, 10)
    file.write_text(OWN_FILE.replace("LINE", "vat"), encoding="utf-8")
    with home_lock(home):
        told = wardcast("scenario", file, *small, "--as-of", night)
    assert told.exit_code == 1
    assert "another night is running" in told.output
    assert scenarios_asked(home, night).scenarios == {}
    acts = [json.loads(line)["act"] for line in (home / ACTS_FILE).read_text().splitlines()]
    assert acts == ["suppose", "withdraw"]
    assert not (home / "wardcast.duckdb").exists()


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("extention", "Scenarios of the authority: extension_to_year_end, extension_into_next_year"),
        ("mine.yaml", "names line 'vta', which revenue_lines.csv lacks; did you mean 'vat'?"),
    ],
)
def test_what_is_no_scenario_is_told(
    named: str, said: str, small: tuple[str | Path, ...], tmp_path: Path, wardcast: Wardcast
) -> None:
    (tmp_path / "mine.yaml").write_text(OWN_FILE.replace("LINE", "vta"), encoding="utf-8")
    given = tmp_path / named if named.endswith(".yaml") else named
    told = wardcast("scenario", given, *small, "--as-of", "2020-03-10")
    assert told.exit_code == (1 if named.endswith(".yaml") else 2)
    assert said in " ".join(told.output.split())
    assert not (Path(small[-1]) / ACTS_FILE).exists()
