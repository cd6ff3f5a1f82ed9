"""Four nights in a row: what moved the year-ends, published and adding up to the đồng."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tests.pipelines.conftest import Wardcast, read
from tests.pipelines.small_district import ITEMS, WARDS, daily, history, monthly, small_authority

NIGHTS = ("2020-03-10", "2020-03-11", "2020-03-12", "2020-03-13")
KEYS = ["unit_key", "line_code", "basis"]


def of_day(day: str, amount: int) -> list[tuple[dt.date, str, str, int]]:
    return [(dt.date.fromisoformat(day), code, item, amount) for code in WARDS for item in ITEMS]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, wardcast: Wardcast) -> Path:
    """On the 11th the 5th is sent again, on the 12th a shock is changed, on the 13th a remark is written."""
    folder = tmp_path_factory.mktemp("news")
    authority, landing, home = small_authority(folder / "small"), folder / "landing", folder / "home"
    for year in (2016, 2017, 2018, 2019):
        history(landing, year, monthly(year, range(1, 13)))
    for day in ("2020-01-15", "2020-02-14", "2020-03-05", "2020-03-10"):
        daily(landing, day, of_day(day, 900_000))

    def night(as_of: str) -> None:
        asked = ("--authority", authority, "--landing", landing, "--home", home, "--as-of", as_of)
        result = wardcast("nightly", *asked)
        assert result.exit_code == 0, result.output
        assert "causes_add_up" not in result.output

    night(NIGHTS[0])
    daily(landing, NIGHTS[1], of_day(NIGHTS[1], 250_000))
    daily(landing, "2020-03-05", of_day("2020-03-05", 5_900_000), received=NIGHTS[1])
    night(NIGHTS[1])
    daily(landing, NIGHTS[2], of_day(NIGHTS[2], 300_000))
    shocks = authority / "shocks.yaml"
    changed = shocks.read_text(encoding="utf-8").replace(
        "announced_on: 2020-04-08", "announced_on: 2020-03-02"
    )
    shocks.write_text(changed.replace('deferred_to: "2020-12"', 'deferred_to: "2021-02"'), encoding="utf-8")
    night(NIGHTS[2])
    daily(landing, NIGHTS[3], of_day(NIGHTS[3], 310_000))
    shocks.write_text(f"{shocks.read_text(encoding='utf-8')}\n# a remark\n", encoding="utf-8")
    night(NIGHTS[3])
    return home


def causes(home: Path, night: str) -> dict[str, Decimal]:
    """Causes of the district's change on the territory."""
    whole = read(home, "mart_forecast_news").filter(
        as_of=dt.date.fromisoformat(night), unit_key="ALL", line_code="ALL", basis="territory"
    )
    return dict(zip(whole["cause"], whole["amount"], strict=True))


def test_the_first_night_has_no_news(home: Path) -> None:
    assert read(home, "mart_forecast_news").filter(as_of=dt.date(2020, 3, 10)).is_empty()


@pytest.mark.parametrize(("before", "night"), [NIGHTS[:2], NIGHTS[1:3], NIGHTS[2:]])
def test_causes_add_up_to_the_change_of_every_published_mean(home: Path, before: str, night: str) -> None:
    base = read(home, "mart_year_end_forecast").filter(scenario="base").select("as_of", *KEYS, "mean_amount")
    old, new = (base.filter(as_of=dt.date.fromisoformat(day)).drop("as_of") for day in (before, night))
    change = old.join(new, on=KEYS, suffix="_now", validate="1:1")
    news = read(home, "mart_forecast_news").filter(as_of=dt.date.fromisoformat(night))
    assert set(news["previous_as_of"]) == {dt.date.fromisoformat(before)}
    told = change.join(news.group_by(KEYS).agg(pl.col("amount").sum()), on=KEYS, how="left")
    whole = told["mean_amount_now"] - told["mean_amount"]
    assert whole.to_list() == told["amount"].fill_null(Decimal(0)).to_list()
    assert (whole != 0).sum() > 20
    assert news.select(KEYS).unique().join(old, on=KEYS, how="anti").is_empty()


def test_a_day_sent_again_is_told_apart_from_what_came(home: Path) -> None:
    """Five million more in each of six series: most of it stays, some was expected later in March."""
    found = causes(home, NIGHTS[1])
    assert set(found) == {"restatement", "new_receipts"}
    assert 6 * 5_000_000 * 2 / 3 < found["restatement"] < 6 * 5_000_000 * 3 / 2


def test_a_shock_changed_overnight_is_configuration(home: Path) -> None:
    """Dues of July put off to February: what the year loses by it, and not by what came."""
    found = causes(home, NIGHTS[2])
    assert set(found) == {"configuration", "new_receipts"}
    assert found["configuration"] < 0


def test_a_remark_in_the_configuration_moves_nothing(home: Path) -> None:
    """The night before is forecast again from the ledger's memory, and comes out to the đồng."""
    assert set(causes(home, NIGHTS[3])) == {"new_receipts"}
    news = read(home, "mart_forecast_news").filter(as_of=dt.date.fromisoformat(NIGHTS[3]))
    assert set(news["cause"]) == {"new_receipts"}


def test_what_came_is_news_of_every_ward(home: Path) -> None:
    news = read(home, "mart_forecast_news").filter(line_code="ALL", basis="territory", cause="new_receipts")
    for night in NIGHTS[1:]:
        units = set(news.filter(as_of=dt.date.fromisoformat(night))["unit_key"])
        assert {"ALL", *(f"{code}@2004" for code in WARDS)} <= units
