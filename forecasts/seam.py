"""The seam between the night and the engine: what a forecast is asked with, and what it answers.

One frame shape for every method, baselines included. How a method works lives in modules of its own; reading
the ledger, writing marts and converting minor units into currency units belong to the floors above.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from authorities.shocks import PolicyShock
from forecasts.batches import BatchMap

Method = Literal["bank", "structural", "pace", "naive", "growth"]

BASE_SCENARIO = "base"
WITHOUT_SHOCKS = "without_shocks"
QUANTILES = {"p05": 0.05, "p10": 0.10, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p90": 0.90, "p95": 0.95}
TAILS = {"p025": 0.025, "p975": 0.975}
"""Bounds of the central 95%, which scores need and no mart shows."""

_KEYS = {"unit_key": pl.String, "line_code": pl.String}
HISTORY_SCHEMA = pl.Schema({**_KEYS, "day": pl.Date, "amount": pl.Int64})
SHARES_SCHEMA = pl.Schema({**_KEYS, "basis": pl.String, "share": pl.Float64})
ESTIMATES_SCHEMA = pl.Schema(
    {**_KEYS, "basis": pl.String, "estimate_version": pl.String, "estimate_amount": pl.Int64}
)
COMPLETE_SCHEMA = pl.Schema({"unit_key": pl.String, "last_complete_day": pl.Date})
COLLECTED_SCHEMA = pl.Schema({**_KEYS, "basis": pl.String, "month": pl.Date, "amount": pl.Int64})
OFFICE_SCHEMA = pl.Schema(
    {
        **_KEYS,
        "basis": pl.String,
        "period_start": pl.Date,
        "period_end": pl.Date,
        "stated_on": pl.Date,
        "recorded_at": pl.Date,
        "superseded_at": pl.Date,
        "amount": pl.Int64,
    }
)

YEAR_END_SCHEMA = pl.Schema(
    {
        **_KEYS,
        "basis": pl.String,
        "scenario": pl.String,
        "estimate_version": pl.String,
        "estimate_amount": pl.Int64,
        "collected_amount": pl.Int64,
        "mean_amount": pl.Int64,
        **{f"{name}_amount": pl.Int64 for name in QUANTILES},
        "pace_forecast_amount": pl.Int64,
        "shortfall_probability": pl.Float64,
        "expected_shortfall_amount": pl.Int64,
        "half_year_below_probability": pl.Float64,
        "method": pl.String,
        "fit_status": pl.String,
    }
)
PATH_SCHEMA = pl.Schema(
    {
        **_KEYS,
        "basis": pl.String,
        "scenario": pl.String,
        "month": pl.Date,
        "actual_amount": pl.Int64,
        "p10_amount": pl.Int64,
        "p50_amount": pl.Int64,
        "p90_amount": pl.Int64,
    }
)
STATUS_SCHEMA = pl.Schema(
    {
        **_KEYS,
        "rung": pl.String,
        "converged": pl.Boolean,
        "reason": pl.String,
        "months_of_history": pl.Int64,
    }
)
TAIL_SCHEMA = pl.Schema(
    {**_KEYS, "basis": pl.String, "scenario": pl.String, **{f"{name}_amount": pl.Int64 for name in TAILS}}
)
WATCH_SCHEMA = pl.Schema(
    {
        "line_code": pl.String,
        "surprise": pl.Float64,
        "together": pl.Float64,
        "declared": pl.Boolean,
        "suspected": pl.Boolean,
        "reason": pl.String,
    }
)
COMPONENT_SCHEMA = pl.Schema({**_KEYS, "basis": pl.String, "component": pl.String, "amount": pl.Int64})
OPINION_SCHEMA = pl.Schema(
    {
        **_KEYS,
        "basis": pl.String,
        "office_amount": pl.Int64,
        "stated_on": pl.Date,
        "past_statements": pl.Int64,
        "model_mean_amount": pl.Int64,
        "weight_pct": pl.Float64,
        "combined_mean_amount": pl.Int64,
    }
)
SHOCK_EFFECT_SCHEMA = pl.Schema(
    {
        **_KEYS,
        "shock_code": pl.String,
        "timing_amount": pl.Int64,
        "loss_amount": pl.Int64,
        "low_amount": pl.Int64,
        "high_amount": pl.Int64,
        "expected_back_by": pl.Date,
    }
)
SCENARIO_EFFECT_SCHEMA = pl.Schema(
    [("scenario", pl.String()), *SHOCK_EFFECT_SCHEMA.items(), ("next_year_amount", pl.Int64())]
)


@dataclass(frozen=True, slots=True)
class ForecastProblem:
    """Everything a year-end forecast may know on one night.

    Args:
        history: `HISTORY_SCHEMA`; net receipts on the territory in minor units, by day (or stamped with
            the month's last day); negative amounts are refunds. Rows later than `as_of` are ignored.
        as_of: the night; its fiscal year is the one forecast.
        last_complete_day: receipts of every unit up to this day are all in; later ones, if any, are a part of
            theirs.
        fiscal_year_start_month: 1..12.
        shares: `SHARES_SCHEMA`; the part of a leaf's receipts (0..1) that counts in a basis. A leaf without
            a row counts in full on the territory and not at all in the other bases.
        estimates: `ESTIMATES_SCHEMA`; leaves, and totals under the keys 'ALL'. Totals are taken as given.
        shocks: every declared measure; those announced after `as_of` are not used.
        seed: the same seed gives the same draws, whatever other series there are.
        draws: number of joint draws of the future; None for as many as `forecasts.yearend.draws_for` says.
        collected: `COLLECTED_SCHEMA`, optional; receipts of the current fiscal year per basis, exact to
            the minor unit. Without it they are the territory's receipts × share, rounded per month.
        estimate_version: the version that year-ends are compared with.
        office: `OFFICE_SCHEMA`, optional; what an office said periods would come to (ước thực hiện), every
            statement there ever was with the days on which it was learnt and superseded (null while it
            stands); keys 'ALL' where it speaks of units or lines together. Never counted as collected.
        complete: `COMPLETE_SCHEMA`, optional; units whose receipts reach further than those of the slowest.
            As much as that tells of the first month not complete everywhere is used.
        scenarios: name → the shocks supposed in it, beside the two that every forecast has. What is supposed
            is known, whatever the day on which it would be announced.
    """

    history: pl.DataFrame
    as_of: date
    last_complete_day: date
    fiscal_year_start_month: int
    shares: pl.DataFrame
    estimates: pl.DataFrame
    shocks: tuple[PolicyShock, ...]
    seed: int
    draws: int | None = None
    collected: pl.DataFrame | None = None
    estimate_version: str = "initial"
    office: pl.DataFrame | None = None
    complete: pl.DataFrame | None = None
    scenarios: Mapping[str, tuple[PolicyShock, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class YearEndForecast:
    """The answer, in frames with one row per unit × line, their totals 'ALL', and basis.

    `year_end` (`YEAR_END_SCHEMA`), `path` (`PATH_SCHEMA`), `status` (`STATUS_SCHEMA`, leaves only),
    `components` (`COMPONENT_SCHEMA`; add up to the mean of the base scenario) and `shock_effects`
    (`SHOCK_EFFECT_SCHEMA`, on the territory). Amounts are minor units, probabilities 0..1. Path amounts are
    **cumulative within the fiscal year**, with all twelve months; `actual_amount` is null for months of which
    nothing is known, and what came so far in a month that is under way. For months that are complete the
    quantiles equal the actual.

    `watch` (`WATCH_SCHEMA`) has a row per modelled line: whether its last three months lie so far outside
    their range that a common shock must be under way which no declaration explains (`suspected`).

    `tails` (`TAIL_SCHEMA`) are the bounds of the year-end's central 95%.

    `opinions` (`OPINION_SCHEMA`) has a row for whatever the office speaks of: its figure, the model's mean
    alone, the office's weight in percent (0 while it has too few past statements; null for totals that follow
    what it says of their parts) and the combined mean, which is the base scenario's. Where the office counts,
    the component `office` is what it changes, and `method` is `combined`.

    `scenario_effects` (`SCENARIO_EFFECT_SCHEMA`) are the shock effects of the base and of every scenario of
    the problem, without rows where it has none; `next_year_amount` is what arrives after the fiscal year's
    end: moved, not lost.

    `fit_status` is the rung of the fallback ladder: `full` (a model of its own), `line_factor` (follows its
    line), `pace` (past years with their errors), `none` (nothing expected); for totals `mixed` where rungs
    differ; and `untrusted` where a common shock is suspected, in a line or in a line that is a tenth of a
    total.

    Amounts that are sums or means (collected, mean) add up over units and lines to the minor unit; quantiles
    are those of summed draws and do not. Estimate columns, and what compares with them, are null where there
    is no estimate.
    """

    year_end: pl.DataFrame
    path: pl.DataFrame
    status: pl.DataFrame
    components: pl.DataFrame
    shock_effects: pl.DataFrame
    watch: pl.DataFrame
    tails: pl.DataFrame
    opinions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OPINION_SCHEMA))
    scenario_effects: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=SCENARIO_EFFECT_SCHEMA)
    )


def forecast_year_end(
    problem: ForecastProblem, method: Method = "bank", batches: BatchMap | None = None
) -> YearEndForecast:
    """Forecast where every unit, line and basis ends the fiscal year of `problem.as_of`.

    `batches` says where the work is done (`forecasts.batches`; here, unless told otherwise); the answer is
    the same, bit by bit, wherever that is on machines of one kind.

    Two scenarios, and those of `problem.scenarios`: `base` applies the shocks announced by `as_of`,
    `without_shocks` none. All share their draws, so that they differ by their shocks alone. Raises ValueError
    for a frame that lacks a column, a share outside 0..1, an unknown method, or a scenario under the name of
    one of the two; poor data never raises, it steps down the fallback ladder, which `status` records.
    """
    from forecasts.yearend import run

    return run(problem, method, batches)
