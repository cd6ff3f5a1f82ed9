"""How good forecasts were: from real nights across a year's end, and from a backtest that nights take up."""

import datetime as dt
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from assets.accuracy import BACKTEST
from pipelines.dagster_home import open_instance
from pipelines.definitions import BACKTEST_JOB, NIGHTLY, build_definitions
from pipelines.settings import Places, Settings
from tests.pipelines.conftest import Wardcast, read
from tests.pipelines.small_district import history, monthly, small_authority

YEARS = (2014, 2015, 2016, 2017)
ACCURACY = "mart_forecast_accuracy"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small authority and its landing: growth of a tenth a year, until 2018 breaks with it."""
    made = tmp_path_factory.mktemp("accuracy")
    small_authority(made / "small")
    for year in YEARS:
        history(made / "landing", year, monthly(year, range(1, 13), 1.1 ** (year - 2014)))
    history(made / "landing", 2018, monthly(2018, range(1, 7), 1.6) + monthly(2018, range(7, 13), 1.2))
    history(made / "landing", 2019, monthly(2019, range(1, 2), 1.4))
    return made


def asked(folder: Path) -> tuple[str | Path, ...]:
    return ("--authority", folder / "small", "--landing", folder / "landing", "--home", folder / "home")


@pytest.fixture(scope="module")
def home(folder: Path, wardcast: Wardcast) -> Path:
    """Published: the end of June 2018 and the third of October; then the last night of January 2019."""
    for night in ("2018-06-30", "2018-10-03", "2019-01-31"):
        result = wardcast("nightly", *asked(folder), "--as-of", night)
        assert result.exit_code == 0, result.output
    return folder / "home"


def latest(home: Path, source: str) -> pl.DataFrame:
    return read(home, ACCURACY).filter(source=source)


def test_a_year_is_scored_once_it_is_over(home: Path) -> None:
    scored = read(home, ACCURACY)
    assert set(scored["fiscal_year"]) == {2018}
    assert set(scored["months_elapsed"]) == {6, 9}
    assert set(scored["method"]) == {"bank", "pace"}


def test_the_score_is_that_of_what_was_published(home: Path) -> None:
    """Pace by hand: what 2018 had come to by June, over the mean share that June had reached before."""
    came = pl.DataFrame(
        monthly(2018, range(1, 7), 1.6) + monthly(2018, range(7, 13), 1.2),
        schema=["day", "code", "item", "amount"],
        orient="row",
    )
    months = [1_000_000 * ward * 12 + 130_000 * 78 for ward in (1, 2, 3)]
    to_june = [1_000_000 * ward * 6 + 130_000 * 21 for ward in (1, 2, 3)]
    actual = came.group_by("code").agg(pl.col("amount").sum()).sort("code")["amount"].to_list()
    paced = [2 * 1.6 * part / (part / whole) for part, whole in zip(to_june, months, strict=True)]
    error = sum(abs(said - was) for said, was in zip(paced, actual, strict=True)) / sum(actual)
    row = latest(home, "published").filter(
        line_code="ALL", basis="territory", months_elapsed=6, method="pace"
    )
    assert row["n"].to_list() == [3]
    assert row["wape_pct"].item() == pytest.approx(100 * error, rel=1e-4)


def test_the_published_method_is_scored_by_its_own_median(home: Path) -> None:
    said = read(home, "mart_year_end_forecast").filter(
        as_of=dt.date(2018, 10, 3), scenario="base", line_code="ALL", basis="territory"
    )
    said = said.filter(pl.col("unit_key").str.contains("@")).select(
        "unit_key", pl.col("p50_amount").cast(float)
    )
    came = read(home, "mart_unit_position").filter(as_of=dt.date(2019, 1, 31), basis="territory")
    assert came.height  # January's own collections; 2018 is read from the listings below
    rows = monthly(2018, range(1, 7), 1.6) + monthly(2018, range(7, 13), 1.2)
    actual = (
        pl.DataFrame(
            [(f"{code}@2004", float(amount)) for _, code, _, amount in rows],
            schema=["unit_key", "amount"],
            orient="row",
        )
        .group_by("unit_key")
        .agg(pl.col("amount").sum())
    )
    both = said.join(actual, on="unit_key")
    wape = both.select(100 * (pl.col("p50_amount") - pl.col("amount")).abs().sum() / pl.col("amount").sum())
    row = latest(home, "published").filter(
        line_code="ALL", basis="territory", months_elapsed=9, method="bank"
    )
    assert row["wape_pct"].item() == pytest.approx(wape.item())


def test_a_backtest_is_kept_and_taken_up_by_the_nights_that_it_fits(
    home: Path, folder: Path, wardcast: Wardcast
) -> None:
    assert latest(home, "backtest").is_empty()
    told = wardcast(
        "backtest", *asked(folder), "--as-of", "2019-01-20", "--years", "2017:2018", "--months", "6"
    )
    assert told.exit_code == 0, told.output
    first = wardcast("nightly", *asked(folder), "--as-of", "2019-01-31")
    assert first.exit_code == 0, first.output
    taken = latest(home, "backtest")
    assert set(taken["method"]) == {"bank", "pace", "naive", "growth"}
    assert set(taken["fiscal_year"]) == {2017, 2018}
    assert latest(home, "published").height > 0

    history(folder / "landing", 2017, monthly(2017, range(1, 13), 1.9))  # the past is stated anew
    second = wardcast("nightly", *asked(folder), "--as-of", "2019-01-31")
    assert second.exit_code == 0, second.output
    assert latest(home, "backtest").is_empty()


def test_the_backtest_is_a_job_of_its_own_and_no_part_of_a_night(folder: Path, home: Path) -> None:
    places = Places(
        Settings(authority=folder / "small", landing=folder / "landing", home=folder / "elsewhere")
    )
    definitions = build_definitions(places)
    night = {
        key.to_user_string() for key in definitions.resolve_job_def(NIGHTLY).asset_layer.executable_asset_keys
    }
    assert ACCURACY in night
    assert BACKTEST not in night
    with open_instance(places.dagster_home) as instance:
        result = definitions.resolve_job_def(BACKTEST_JOB).execute_in_process(
            instance=instance, partition_key="2019-01-31"
        )
        assert result.success
        made = [event.asset_key for event in result.get_asset_materialization_events()]
    assert dg.AssetKey(BACKTEST) in made
    kept = list((places.home / "backtests").glob("*/*.parquet"))
    assert [path.name for path in kept] == ["2016-2017-2018_3-6-9.parquet"]
    assert set(pl.read_parquet(kept[0])["method"]) == {"bank", "pace", "naive", "growth"}
