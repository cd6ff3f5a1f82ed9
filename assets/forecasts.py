"""Assets of the year's end: forecasts by the engine's seam."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import dagster as dg
import polars as pl

from assets.declared import table_out
from assets.metadata import FRAME, bar, counted, shown, tags
from assets.office import Office, night_of
from assets.pictures import fan_picture
from assets.positions import night_dates
from authorities.model import ALL, Authority
from forecasts.batches import batch_map
from forecasts.seam import ForecastProblem, YearEndForecast, forecast_year_end
from warehouse import arrivals, marts
from warehouse.bases import bases_of, shares_on
from warehouse.positions import with_totals
from warehouse.scenario_acts import scenarios_asked
from warehouse.tables import marts as declared

SEED = 20200630
"""Seed of the joint draws; part of what makes the same files give the same marts."""
FORECAST_MARTS = (
    declared.MART_YEAR_END_FORECAST,
    declared.MART_FORECAST_PATH,
    declared.MART_FORECAST_COMPONENT,
    declared.MART_SHOCK_EFFECT,
    declared.MART_SCENARIO_EFFECT,
    declared.MART_OFFICE_ESTIMATE,
)
_KEYS = ("unit_key", "line_code")


def forecast_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """Year-end distribution with its path."""
    return [_year_end(nights)]


def forecast_problem(
    authority: Authority,
    as_of: dt.date,
    receipts: pl.DataFrame,
    estimates: pl.DataFrame,
    statements: pl.DataFrame,
    office_estimates: pl.DataFrame | None = None,
) -> ForecastProblem:
    """What the engine is asked on a night.

    Args:
        receipts: night_receipts (unit_key, line_code, basis, posting_date, amount in minor units).
        estimates: night_estimates; the year's initial version is the one compared with.
        statements: extract_statement.
        office_estimates: night_office_estimates; without rows nothing changes.
    """
    complete = arrivals.complete_days(authority, statements, "receipt", as_of)
    in_force = {unit.unit_key for unit in authority.units_on(as_of)}
    night = night_dates(authority, as_of, complete)
    territory = receipts.filter(pl.col("basis") == "territory").rename({"posting_date": "day"})
    this_year = receipts.filter(pl.col("posting_date") >= authority.fiscal_year_start(night.fiscal_year))
    by_month = [*_KEYS, "basis", pl.col("posting_date").dt.month_start().alias("month")]
    current = estimates.filter(pl.col("fiscal_year") == night.fiscal_year).drop("fiscal_year")
    totals = with_totals(current, ["basis", "estimate_version"], ["amount"])
    return ForecastProblem(
        history=territory.select(*_KEYS, "day", "amount"),
        as_of=as_of,
        last_complete_day=night.last_complete_day,
        fiscal_year_start_month=authority.settings.fiscal_year_start_month,
        shares=shares_on(authority, as_of).filter(
            pl.col("unit_key").is_in(in_force | set(receipts["unit_key"]))
        ),
        estimates=totals.rename({"amount": "estimate_amount"}),
        shocks=authority.shocks,
        seed=SEED,
        collected=this_year.group_by(by_month).agg(pl.col("amount").sum()),
        complete=complete.filter(pl.col("unit_key") != ALL).drop_nulls(),
        office=office_estimates if office_estimates is not None and office_estimates.height else None,
    )


def _year_end(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="year_end_forecast",
        outs={
            **{table.name: table_out(table, layer="forecast") for table in FORECAST_MARTS},
            "forecast_fit": dg.AssetOut(
                dagster_type=FRAME,
                description="Rung of the fallback ladder, convergence and reason for each series",
                tags=tags("forecast"),
            ),
        },
        partitions_def=nights,
        group_name="forecasts",
    )
    def year_end_forecast(
        context: dg.AssetExecutionContext,
        office: Office,
        night_receipts: pl.DataFrame,
        night_estimates: pl.DataFrame,
        extract_statement: pl.DataFrame,
        night_office_estimates: pl.DataFrame,
    ) -> Iterator[dg.Output[pl.DataFrame]]:
        authority, as_of = office.authority, night_of(context)
        problem = forecast_problem(
            authority, as_of, night_receipts, night_estimates, extract_statement, night_office_estimates
        )
        asked = scenarios_asked(office.home_folder, as_of)
        named = asked.scenarios.items()
        problem = replace(
            problem, scenarios={code: one.supposed(authority.shocks, as_of) for code, one in named}
        )
        for line in asked.broken:
            context.log.warning(line)
        with batch_map(office.forecast_workers) as batches:
            answer = forecast_year_end(problem, batches=batches)
        made = marts_of(authority, as_of, answer)
        seen = {
            declared.MART_YEAR_END_FORECAST.name: {"year_end": shown(_year_ends(authority, made), 40)},
            declared.MART_FORECAST_PATH.name: fan_picture(authority, as_of, made),
        }
        for name, mart in made.items():
            yield dg.Output(mart, output_name=name, metadata=counted(mart, **seen.get(name, {})))
        rungs = (
            answer.status.group_by("rung", "converged")
            .agg(pl.len().alias("series"))
            .sort("rung", "converged")
        )
        yield dg.Output(
            answer.status, output_name="forecast_fit", metadata=counted(answer.status, rungs=shown(rungs))
        )

    return year_end_forecast


def _year_ends(authority: Authority, made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Each unit's year-end on the territory basis, the likeliest shortfalls first."""
    names = {unit.unit_key: unit.name for unit in authority.units} | {ALL: authority.settings.title.en}
    return (
        made[declared.MART_YEAR_END_FORECAST.name]
        .filter(pl.col("line_code") == ALL, pl.col("basis") == "territory", pl.col("scenario") == "base")
        .sort("shortfall_probability", "unit_key", descending=[True, False], nulls_last=True)
        .select(
            pl.col("unit_key").replace(names).alias("unit"),
            pl.col("estimate_amount", "p10_amount", "p50_amount", "p90_amount").name.replace("_amount", ""),
            "shortfall_probability",
            bar("shortfall_probability", full=1.0, width=10).alias("likely"),
        )
    )


def marts_of(authority: Authority, as_of: dt.date, answer: YearEndForecast) -> dict[str, pl.DataFrame]:
    """``FORECAST_MARTS`` by name, from the engine's answer."""
    frames = (
        answer.year_end,
        answer.path,
        answer.components,
        answer.shock_effects,
        answer.scenario_effects,
        answer.opinions,
    )
    return {
        table.name: marts.at_the_edge(_of_night(authority, as_of, frame), table, authority)
        for table, frame in zip(FORECAST_MARTS, frames, strict=True)
    }


def _of_night(authority: Authority, as_of: dt.date, frame: pl.DataFrame) -> pl.DataFrame:
    """An answer's frame with its night, on the bases that the authority has."""
    dated = frame.with_columns(pl.lit(as_of).alias("as_of"))
    if "estimate_version" in frame.columns:  # also said where there is no estimate to compare with
        dated = dated.with_columns(pl.col("estimate_version").fill_null("initial"))
    return dated.filter(pl.col("basis").is_in(bases_of(authority))) if "basis" in frame.columns else dated
