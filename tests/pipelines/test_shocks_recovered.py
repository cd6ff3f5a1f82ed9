"""What the sample's measures really moved and cost, which only its simulator knows."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from forecasts.seam import forecast_year_end
from pipelines.backtest import landed_problem
from pipelines.settings import Places, Settings
from tests.pipelines.conftest import NIGHT

DECLARED_AND_KNOWN = (
    "nd41_2020_vat", "nd41_2020_household_vat", "nd41_2020_cit_final", "nd41_2020_cit_provisional",
    "nd41_2020_household_pit", "nd41_2020_land_rent", "nd70_2020_registration_fee",
    "nq116_2020_cit",
)  # fmt: skip
"""Measures of the register that were announced by the night."""


@pytest.fixture(scope="module")
def effects(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    home = tmp_path_factory.mktemp("home")
    places = Places(Settings(landing=sample / "landing", home=home))
    problem, _ = landed_problem(places, dt.date.fromisoformat(NIGHT))
    return forecast_year_end(problem).shock_effects.filter(unit_key="ALL")


@pytest.fixture(scope="module")
def truth(sample: Path) -> pl.DataFrame:
    """By measure and line: what was taken out of months, as a sum above zero."""
    planted = pl.DataFrame(json.loads((sample / "manifest.json").read_text(encoding="utf-8"))["effects"])
    taken = planted.filter(pl.col("amount") < 0).group_by("code", "line_code")
    return taken.agg(-pl.col("amount").sum())


def test_every_measure_known_by_the_night_has_an_effect(effects: pl.DataFrame) -> None:
    assert set(effects["shock_code"]) == set(DECLARED_AND_KNOWN)


@pytest.mark.parametrize("code", DECLARED_AND_KNOWN)
def test_the_planted_effect_lies_in_the_range_that_is_given(
    effects: pl.DataFrame, truth: pl.DataFrame, code: str
) -> None:
    of = effects.filter(shock_code=code).join(truth, left_on=["shock_code", "line_code"],
                                              right_on=["code", "line_code"])  # fmt: skip

    assert of.height > 0
    for row in of.iter_rows(named=True):
        assert row["low_amount"] <= row["amount"] <= row["high_amount"], row
        assert (row["timing_amount"] > 0) == code.startswith("nd41")
