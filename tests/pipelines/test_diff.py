"""What moved between publications over real nights: what came, what was sent again, what was configured."""

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.pipelines.conftest import Wardcast, read
from tests.pipelines.small_district import ITEMS, WARDS, daily, history, monthly, small_authority

SERIES = len(WARDS) * len(ITEMS)
Row = dict[str, Any]


def of_day(day: str, amount: int) -> list[tuple[dt.date, str, str, int]]:
    return [(dt.date.fromisoformat(day), code, item, amount) for code in WARDS for item in ITEMS]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, wardcast: Wardcast) -> tuple[str | Path, ...]:
    """On the 11th the 5th is sent again; the 12th is run twice, the second time with another shock."""
    folder = tmp_path_factory.mktemp("diff")
    authority, landing, home = small_authority(folder / "small"), folder / "landing", folder / "home"
    for year in (2017, 2018, 2019):
        history(landing, year, monthly(year, range(1, 13)))
    for day in ("2020-01-15", "2020-02-14", "2020-03-05", "2020-03-10"):
        daily(landing, day, of_day(day, 900_000))

    def night(as_of: str) -> None:
        asked = ("--authority", authority, "--landing", landing, "--home", home, "--as-of", as_of)
        told = wardcast("nightly", *asked)
        assert (home / "wardcast.duckdb").is_symlink(), told.output

    night("2020-03-10")
    daily(landing, "2020-03-11", of_day("2020-03-11", 250_000))
    daily(landing, "2020-03-05", of_day("2020-03-05", 5_900_000), received="2020-03-11")
    night("2020-03-11")
    daily(landing, "2020-03-12", of_day("2020-03-12", 300_000))
    night("2020-03-12")
    shocks = authority / "shocks.yaml"
    early = shocks.read_text(encoding="utf-8").replace("announced_on: 2020-04-08", "announced_on: 2020-03-02")
    shocks.write_text(early.replace('deferred_to: "2020-12"', 'deferred_to: "2021-02"'), encoding="utf-8")
    night("2020-03-12")
    return ("--authority", authority, "--home", home)


def moves(wardcast: Wardcast, places: tuple[str | Path, ...], *words: str) -> list[Row]:
    told = wardcast("diff", *words, *places, "--format", "json")
    assert told.exit_code == 0, told.output
    rows: list[Row] = json.loads(told.stdout)
    return rows


def causes(rows: list[Row], measure: str, unit: str = "ALL", line: str = "ALL") -> dict[str, float]:
    wanted = {"measure": measure, "unit_key": unit, "line_code": line, "basis": "territory"}
    own = [row for row in rows if wanted.items() <= row.items()]
    return {row["cause"]: row["cause_amount"] for row in own}


def test_what_came_and_what_was_sent_again_are_told_apart(
    wardcast: Wardcast, places: tuple[str | Path, ...]
) -> None:
    rows = moves(wardcast, places, "2020-03-10", "2020-03-11", "--all")
    both = {"new_receipts": SERIES * 250_000, "restatement": SERIES * 5_000_000}
    assert causes(rows, "collected_amount") == both
    one = {name: amount / SERIES for name, amount in both.items()}
    assert causes(rows, "collected_amount", "00118@2004", "vat") == one
    assert "late_files" not in {row["cause"] for row in rows}


def test_parts_add_up_to_every_change(wardcast: Wardcast, places: tuple[str | Path, ...]) -> None:
    for pair in (
        ("2020-03-10", "2020-03-11"),
        ("2020-03-10.1", "2020-03-12.2"),
        ("2020-03-12.1", "2020-03-12.2"),
    ):
        rows = moves(wardcast, places, *pair, "--all")
        figures: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            if row["what"] != "warning":
                key = tuple(row[name] for name in ("what", "unit_key", "line_code", "basis", "measure"))
                figures.setdefault(key, []).append(row)
        assert len(figures) > 10
        for key, own in figures.items():
            change = own[0]["change_amount"]
            assert sum(row["cause_amount"] for row in own) == change, key
            assert (own[0]["after_amount"] or 0) - (own[0]["before_amount"] or 0) == change, key
            assert len({row["cause"] for row in own}) == len(own), key


def test_year_ends_move_by_the_news_of_the_nights_between(
    wardcast: Wardcast, places: tuple[str | Path, ...]
) -> None:
    home = Path(places[3])
    news = read(home, "mart_forecast_news").filter(
        pl.col("as_of") <= dt.date(2020, 3, 11), unit_key="ALL", line_code="ALL", basis="territory"
    )
    published = {cause: float(amount) for cause, amount in zip(news["cause"], news["amount"], strict=True)}
    assert causes(moves(wardcast, places, "2020-03-10", "2020-03-11"), "mean_amount") == published
    both = causes(moves(wardcast, places, "2020-03-10", "2020-03-12"), "mean_amount")
    assert set(both) == {"new_receipts", "restatement", "configuration"}
    assert both["restatement"] == published["restatement"]


def test_a_rerun_under_another_configuration_moves_forecasts_by_it_alone(
    wardcast: Wardcast, places: tuple[str | Path, ...]
) -> None:
    rows = moves(wardcast, places, "2020-03-12.1", "2020-03-12.2", "--all")
    assert {row["cause"] for row in rows} == {"configuration"}
    assert {row["what"] for row in rows} <= {"forecast", "warning"}
    assert causes(rows, "mean_amount")["configuration"] < 0


def test_without_the_lake_the_mart_of_restatements_tells_the_territorys(
    wardcast: Wardcast, places: tuple[str | Path, ...], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(places[3], home, symlinks=True)
    shutil.rmtree(home / "lake" / "core_receipt")
    rows = moves(wardcast, (*places[:3], home), "2020-03-10", "2020-03-11")
    assert causes(rows, "collected_amount") == {
        "new_receipts": SERIES * 250_000, "restatement": SERIES * 5_000_000,
    }  # fmt: skip
    table = wardcast("diff", "2020-03-10", "2020-03-11", *places[:3], home).stdout
    assert "the night's ledger is no longer in the lake" in table
    untold = moves(wardcast, (*places[:3], home), "2020-03-10", "2020-03-12")
    assert sum(causes(untold, "collected_amount").values()) == SERIES * 5_550_000


def test_the_table_reads_from_the_earlier_to_the_later_whatever_the_order(
    wardcast: Wardcast, places: tuple[str | Path, ...]
) -> None:
    forth, back = (
        wardcast("diff", *pair, *places).stdout
        for pair in (("2020-03-10", "2020-03-11"), ("2020-03-11.1", "2020-03-10.1"))
    )
    assert forth == back
    assert "from 2020-03-10.1 to 2020-03-11.1; code is the same, configuration is the same" in forth
    assert "restatement" in forth
    assert "--all shows them" in forth


def test_one_unit_with_its_lines(wardcast: Wardcast, places: tuple[str | Path, ...]) -> None:
    rows = moves(wardcast, places, "2020-03-10", "2020-03-11", "--unit", "giang bien")
    assert {row["unit_name"] for row in rows} == {"Giang Biên"}
    assert {row["line_code"] for row in rows if row["what"] == "position"} > {"ALL", "vat"}


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (("2020-03-12", "2020-03-12.2"), 1, "are both publication 2020-03-12.2"),
        (("12/03/2020", "2020-03-12"), 1, "are both publication 2020-03-12.2"),
        (
            ("2020-03-09", "2020-03-12"),
            2,
            "no night of 2020-03-09 is published (published: 2020-03-10, 2020-03-11, 2020-03-12)",
        ),
        (("09/03/2020", "2020-03-12"), 2, "run wardcast nightly --as-of 2020-03-09 and ask again"),
        (
            ("2020-03-09.1", "2020-03-12"),
            2,
            "there are: 2020-03-10.1, 2020-03-11.1, 2020-03-12.1, 2020-03-12.2",
        ),
        (("2020-03-12.7", "2020-03-12"), 2, "2020-03-12.7 is not known"),
        (("2020-03-10", "2020-03-11", "--unit", "Atlantis"), 2, "Atlantis"),
    ],
)
def test_what_cannot_be_compared_is_told(
    wardcast: Wardcast, places: tuple[str | Path, ...], words: tuple[str, ...], exit_code: int, said: str
) -> None:
    told = wardcast("diff", *words, *places)
    assert told.exit_code == exit_code
    assert said in " ".join(told.output.split())
