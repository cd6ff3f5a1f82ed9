"""``wardcast backtest`` on the sample: scores of every method, and words for what cannot be asked."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.backtest import BacktestError, months_of, years_of
from tests.pipelines.conftest import NIGHT, Wardcast


def test_years_and_months_as_people_write_them() -> None:
    assert list(years_of("2016:2018")) == [2016, 2017, 2018]
    assert list(years_of("2019")) == [2019]
    assert months_of("9,3,6,3") == [3, 6, 9]


@pytest.mark.parametrize(
    ("ask", "text"),
    [(years_of, "2019:2016"), (years_of, "last year"), (months_of, "13"), (months_of, "June")],
)
def test_what_is_not_understood_says_what_would_be(ask: object, text: str) -> None:
    assert callable(ask)
    with pytest.raises(BacktestError, match=r"write|must lie"):
        ask(text)


def test_every_method_is_scored_on_the_withheld_past(wardcast: Wardcast, tmp_path: Path) -> None:
    """A landing with three years of history: the last complete one is forecast again from June."""
    places = ("--home", tmp_path / "home", "--landing", tmp_path / "sample" / "landing")
    assert wardcast("simulate", tmp_path / "sample", "--years", "4").exit_code == 0
    scores = tmp_path / "scores.csv"
    told = wardcast(
        "backtest", *places, "--as-of", NIGHT, "--years", "2019", "--months", "6", "--output", scores
    )
    assert told.exit_code == 0, told.output
    table = pl.read_csv(scores)
    assert set(table["method"]) == {"bank", "pace", "naive", "growth", "office"}
    assert set(table["basis"]) == {"territory", "entitled", "recurrent"}
    whole = table.filter(pl.col("line_code") == "ALL", pl.col("basis") == "territory")
    assert whole["n"].to_list() == [14] * 5
    assert (whole["wape_pct"] > 0).all()
    assert (whole["wape_pct_low"] <= whole["wape_pct"]).all()
    assert (whole["wape_pct"] <= whole["wape_pct_high"]).all()


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [("--years", "2019:2018", "write 2018:2019"), ("--months", "13", "must lie between 1 and 11")],
)
def test_a_window_that_is_none_is_wrong_usage(
    option: str, text: str, said: str, wardcast: Wardcast, sample: Path, tmp_path: Path
) -> None:
    told = wardcast("backtest", "--home", tmp_path, "--landing", sample / "landing", option, text)
    assert told.exit_code == 2
    assert said in told.output


def test_a_year_that_is_not_over_cannot_be_scored(wardcast: Wardcast, sample: Path, tmp_path: Path) -> None:
    told = wardcast(
        "backtest", "--home", tmp_path, "--landing", sample / "landing", "--as-of", NIGHT, "--years", "2020"
    )
    assert told.exit_code == 1
    assert "--years" in told.output
