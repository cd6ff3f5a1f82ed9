"""The watch for common shocks nobody declared."""

from datetime import date

import numpy as np
import polars as pl

from authorities.model import ALL
from forecasts.monitor import watch
from forecasts.seam import WATCH_SCHEMA, YearEndForecast, forecast_year_end
from forecasts.shocks import line_shocks
from tests.forecasts.problems import deferral, district, problem


def fallen(fraction: float) -> pl.DataFrame:
    """A quiet district, and April to June 2020 of its VAT short by a fraction."""
    spring = (pl.col("day") >= date(2020, 4, 1)) & (pl.col("line_code") == "vat")
    kept = pl.when(spring).then(pl.col("amount") * (1 - fraction)).otherwise("amount").cast(pl.Int64)
    return district(units=9).with_columns(amount=kept)


def seen(forecast: YearEndForecast, line: str) -> dict[str, object]:
    return forecast.watch.filter(line_code=line).row(0, named=True)


def test_a_quiet_district_raises_no_suspicion() -> None:
    forecast = forecast_year_end(problem(fallen(0.0)))
    assert forecast.watch.schema == WATCH_SCHEMA
    assert not forecast.watch["suspected"].any()
    assert "untrusted" not in set(forecast.year_end["fit_status"])


def test_an_undeclared_fall_is_noticed_and_its_ranges_marked() -> None:
    forecast = forecast_year_end(problem(fallen(0.3)))
    vat = seen(forecast, "vat")
    assert vat["suspected"]
    assert not vat["declared"]
    assert vat["together"] < 0
    assert "no shock is declared" in vat["reason"]
    assert not seen(forecast, "fees")["suspected"]
    status = {
        (r["unit_key"], r["line_code"]): r["fit_status"] for r in forecast.year_end.iter_rows(named=True)
    }
    assert status["u0@2004", "vat"] == status[ALL, "vat"] == status[ALL, ALL] == "untrusted"
    assert status["u0@2004", "fees"] == "full"


def test_declaring_the_shock_restores_trust() -> None:
    told = forecast_year_end(problem(fallen(0.3), shocks=(deferral(),)))
    assert seen(told, "vat")["declared"]
    assert not seen(told, "vat")["suspected"]


def test_a_declaration_too_weak_for_the_fall_does_not() -> None:
    weak = deferral(value=0.03, low=0.02, high=0.05)
    found = seen(forecast_year_end(problem(fallen(0.4), shocks=(weak,))), "vat")
    assert found["suspected"]
    assert "does not explain" in found["reason"]


def test_a_short_or_unknown_past_suspects_nothing() -> None:
    nothing = line_shocks((), "vat", ("u0",), 0, 40)
    assert not watch("vat", np.full(30, np.nan), nothing).suspected
    assert not watch("vat", np.array([9.0, -9.0, 99.0]), nothing).suspected
    assert not watch("vat", np.zeros(0), nothing).suspected
