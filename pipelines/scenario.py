"""``wardcast scenario``: a night run again under a named set of policy shocks, beside its base.

What is asked is recorded as a human act before the night runs, so that every rerun of the night keeps it, and
taken back where the night is not published. The night itself is the usual one: same files, same steps, one
publication. What a scenario is stands in ``authorities.scenarios``.
"""

import datetime as dt
import getpass
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl

from authorities.loading import read_scenario
from authorities.scenarios import Scenario
from pipelines.nightly import NightOutcome, run_night
from pipelines.options import UnknownNameError
from pipelines.settings import Places
from warehouse.engines import open_warehouse
from warehouse.query import format_result
from warehouse.scenario_acts import scenarios_asked, suppose, withdraw
from warehouse.scenario_comparison import compared


class ScenarioError(Exception):
    """Nobody asked for the scenario; the message says which were."""


def find_scenario(places: Places, named: str) -> Scenario:
    """The scenario of the authority's folder with this code, or the one in a file of this name.

    Raises:
        UnknownNameError: neither is there.
        AuthorityError: the file holds mistakes.
    """
    shipped = {scenario.code: scenario for scenario in places.authority.scenarios}
    if named in shipped:
        return shipped[named]
    if Path(named).is_file():
        return read_scenario(places.authority, Path(named))
    there_are = ", ".join(shipped) or "none"
    raise UnknownNameError(
        f"no scenario '{named}' and no file of that name. Scenarios of the authority: {there_are}. Write "
        f"another into {places.authority.folder / 'scenarios.yaml'}, or into a file of your own"
    )


def run_scenario(
    places: Places, night: dt.date, scenario: Scenario, who: str, now: dt.datetime
) -> NightOutcome:
    """Run ``night`` with ``scenario`` beside its base, and remember that it was asked.

    Raises:
        NightRefusedError: another night of the home is running, or the home cannot be written.
    """
    return _run_with(places, night, scenario.code, who, now, lambda: suppose(
        places.home, night, scenario, who, now
    ))  # fmt: skip


def run_without(places: Places, night: dt.date, code: str, who: str, now: dt.datetime) -> NightOutcome:
    """Run ``night`` without a scenario that was asked for it.

    Raises:
        ScenarioError: nobody asked for it.
        NightRefusedError: another night of the home is running, or the home cannot be written.
    """
    asked = scenarios_asked(places.home, night).scenarios
    if code not in asked:
        raise ScenarioError(
            f"night {night} is not seen under '{code}'; asked for it are: {', '.join(asked) or 'none'}"
        )
    return _run_with(places, night, code, who, now, lambda: withdraw(places.home, night, code, who, now))


def _run_with(
    places: Places, night: dt.date, code: str, who: str, now: dt.datetime, act: Callable[[], None]
) -> NightOutcome:
    before = scenarios_asked(places.home, night).scenarios.get(code)
    act()
    published = False
    try:
        outcome = run_night(places, night, now)
        published = outcome.published
        return outcome
    finally:
        if not published and before is not None:
            suppose(places.home, night, before, who, now)
        elif not published:
            withdraw(places.home, night, code, who, now)


def whoever() -> str:
    """Login name of who types; 'unknown' where the system has none for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def scenario_report(places: Places, night: dt.date, scenario: Scenario, form: str) -> str:
    """The authority and its units under base and scenario, as published: a table in the unit that people
    read, or CSV or JSON in currency units.
    """
    warehouse = open_warehouse(places.warehouse_url)
    rows = compared(
        warehouse.read_mart("mart_year_end_forecast", night),
        warehouse.read_mart("mart_scenario_effect", night),
        warehouse.read_mart("dim_unit"),
        scenario.code,
    )
    if form != "table":
        return format_result(rows, form)
    currency = places.authority.settings.currency
    title = f"{scenario.title.en} ({scenario.code}), year-ends on {night}, in {currency.display_unit.en}"
    shown = _readable(rows, currency.display_scale)
    return f"{title}\n{format_result(shown, 'table')}{_why_nothing_moves(shown, scenario.code)}"


def _why_nothing_moves(shown: pl.DataFrame, code: str) -> str:
    """A word where every year-end is the base's: all zeros would look like a mistake."""
    if (shown["difference"] != 0).any():
        return ""
    return (
        "No year-end moves: what is put off comes back within the fiscal year. How the months move stands in "
        f"mart_forecast_path, where scenario is 'base' and '{code}'\n"
    )


def _readable(rows: pl.DataFrame, scale: int) -> pl.DataFrame:
    """Amounts in the displayed unit with one digit, probabilities in whole percent."""
    amounts = {name: name.removesuffix("_amount") for name in rows.columns if name.endswith("_amount")}
    chances = {
        f"{one}_shortfall_probability": f"{one}_short_pct" for one in ("base", "scenario")
    }  # fmt: skip
    return rows.select(
        pl.coalesce("unit_name", "unit_key").alias("unit"),
        *(
            (pl.col(name).cast(pl.Decimal(38, 2)) / pl.lit(Decimal(scale))).round(1).cast(pl.Decimal(20, 1))
            .alias(new)
            for name, new in amounts.items()
        ),
        *((pl.col(name) * 100).round(0).alias(new) for name, new in chances.items()),
    )  # fmt: skip
