"""The diagnostics of one series, on request: what its forecast stands on, and how it has done before.

Gathers what the engine knows of a unit's line (rung, shocks, factor, residual), sends each modelled series
down the reference path (`forecasts.reference`) and scores rolling origins of its line. Drawing it is for the
floors above; the nightly forecast needs nothing of this.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from authorities.model import ALL
from forecasts import banked, factors, months, shocks
from forecasts.arrays import Floats
from forecasts.backtest import forecasts_made
from forecasts.bank import ModelSpec
from forecasts.fits import LineFit
from forecasts.ladder import Rung
from forecasts.panel import Panel, build_panel
from forecasts.prepare import alive_since, floored_logs
from forecasts.reference import Study, study, weights_in_line
from forecasts.seam import QUANTILES, TAILS, ForecastProblem

ORIGINS = (3, 6, 9)
"""Months elapsed at the rolling origins."""
YEARS = 4
_LEVELS = dict(sorted((QUANTILES | TAILS).items(), key=lambda item: item[1]))
_RANGES = {50: ("p25", "p75"), 80: ("p10", "p90"), 90: ("p05", "p95"), 95: ("p025", "p975")}
_BINS = 10
PIT_SCHEMA = pl.Schema({"low": pl.Float64, "high": pl.Float64, "part": pl.Float64, "bound": pl.Float64})
COVERAGE_SCHEMA = pl.Schema(
    {
        "nominal_pct": pl.Float64,
        "actual_pct": pl.Float64,
        "low_pct": pl.Float64,
        "high_pct": pl.Float64,
        "n": pl.Int64,
    }
)


class UnknownSeriesError(ValueError):
    """The unit has no such line in the history."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One unit's line. Amounts are minor units on the territory.

    receipts: month, received, usual (shocks undone; null in months that teach nothing). studies: of the
    line's factor and the unit's residual over it, of the series alone, or of its line; none where nothing is
    modelled. past: the unit's rolling origins, with quantiles and what came. coverage, pit: over all units of
    the line.
    """

    unit_key: str
    line_code: str
    rung: Rung
    receipts: pl.DataFrame
    studies: tuple[Study, ...]
    past: pl.DataFrame
    coverage: pl.DataFrame
    pit: pl.DataFrame


def diagnose(problem: ForecastProblem, unit_key: str, line_code: str) -> Diagnosis:
    """Diagnose one unit's line as of the problem's night, with the bank.

    Raises UnknownSeriesError where the history has no such series.
    """
    only = of_line(problem, line_code)
    panel = build_panel(only)
    line = panel.take(panel.rows_of_line(line_code))
    if unit_key not in line.units or not line.receipts[line.units.index(unit_key)].any():
        raise UnknownSeriesError(f"no receipts of {line_code} are known of {unit_key}")
    row = line.units.index(unit_key)
    fit = banked.fit_line(line, _terms(only, line))
    made = _rolling_origins(only)
    own = made.filter(pl.col("unit_key") == unit_key)
    return Diagnosis(
        unit_key,
        line_code,
        fit.rungs[row],
        _receipts(line, fit, row),
        _studies(line, fit, row),
        own.select("fiscal_year", "months_elapsed", *(f"{q}_amount" for q in _LEVELS), "actual_amount"),
        coverage(made),
        pit(made),
    )


def of_line(problem: ForecastProblem, line_code: str) -> ForecastProblem:
    """The problem with one line only."""
    mine = pl.col("line_code") == line_code
    return replace(
        problem,
        history=problem.history.filter(mine),
        shares=problem.shares.filter(mine),
        estimates=problem.estimates.filter(mine, pl.col("unit_key") != ALL),
        collected=None if problem.collected is None else problem.collected.filter(mine),
    )


def _terms(problem: ForecastProblem, line: Panel) -> shocks.LineShocks:
    known = tuple(shock for shock in problem.shocks if shock.known_on(problem.as_of))
    length = line.receipts.shape[1] + line.horizon
    return shocks.line_shocks(known, line.lines[0], line.units, line.first_month, length)


def _receipts(line: Panel, fit: LineFit, row: int) -> pl.DataFrame:
    count, begin = line.receipts.shape[1], int(line.first_seen[row])
    days = [months.first_day(line.first_month + month) for month in range(begin, count)]
    received, usual = line.receipts[row, begin:], fit.base[row, begin:]
    return pl.DataFrame({"month": days, "received": received, "usual": usual}).with_columns(
        pl.col("usual").fill_nan(None)
    )


def _studies(line: Panel, fit: LineFit, row: int) -> tuple[Study, ...]:
    """What the bank modelled to forecast this unit."""
    rung = fit.rungs[row].name
    if rung == "line_factor":
        series = banked.line_series(line, fit.base)
        weights = weights_in_line(factors.FACTOR_GRID, series[None], 0)
        return (
            study(
                "The line, which this unit follows", series, line.first_month, factors.FACTOR_GRID, weights
            ),
        )
    if rung != "full":
        return ()
    logs = fitted_logs(fit)
    fed = factors.looked_at(logs)
    first = line.first_month + line.receipts.shape[1] - fed.calm.shape[1]
    place = [r for r, one in enumerate(fit.rungs) if one.name == "full"].index(row)
    if not len(fed.members):
        return (_one("The series", fed.calm, place, first, factors.FACTOR_GRID),)
    factor, residual = fed.factor, fed.residual
    begin = int(np.isfinite(factor).argmax())
    return (
        _one("The line's common factor", factor[None, begin:], 0, first + begin, factors.FACTOR_GRID),
        _one(
            "The unit over its line's factor",
            residual[:, begin:],
            place,
            first + begin,
            factors.RESIDUAL_GRID,
        ),
    )


def _one(title: str, logs: Floats, row: int, first: int, grid: tuple[ModelSpec, ...]) -> Study:
    return study(title, logs[row], first, grid, weights_in_line(grid, logs, row))


def fitted_logs(fit: LineFit) -> Floats:
    """Logs of the line's fully modelled series (k × T), as the bank's banks receive them."""
    full = np.array([row for row, rung in enumerate(fit.rungs) if rung.name == "full"], dtype=np.int64)
    logs: Floats = floored_logs(fit.base, alive_since(fit.base))[full]
    return logs


def _rolling_origins(problem: ForecastProblem) -> pl.DataFrame:
    """The line's units on the territory, over the last four years that are over."""
    start = months.fiscal_start(problem.as_of, problem.fiscal_year_start_month)
    year = months.first_day(start).year
    made = forecasts_made(problem, range(year - YEARS, year), ORIGINS, ("bank",))
    if made.is_empty():
        amounts = [f"{name}_amount" for name in _LEVELS] + ["actual_amount"]
        keys = {"unit_key": pl.String(), "fiscal_year": pl.Int64(), "months_elapsed": pl.Int64()}
        return pl.DataFrame(schema={**keys, **dict.fromkeys(amounts, pl.Float64())})
    known = made.filter(pl.col("basis") == "territory", pl.col("line_code") != ALL)
    return known.sort("fiscal_year", "months_elapsed", "unit_key")


def coverage(made: pl.DataFrame) -> pl.DataFrame:
    """How often what came lay in the central 50, 80, 90 and 95% (`COVERAGE_SCHEMA`), with Wilson's 95%
    interval, as if origins were independent: those of one year are not, so the truth is less sure."""
    from statsmodels.stats.proportion import proportion_confint

    rows = []
    for nominal, (low, high) in _RANGES.items() if made.height else ():
        inside = made.select(
            pl.col("actual_amount").is_between(pl.col(f"{low}_amount"), pl.col(f"{high}_amount")).sum()
        ).item()
        ends = proportion_confint(inside, made.height, method="wilson")
        rows.append((nominal, 100 * inside / made.height, 100 * ends[0], 100 * ends[1], made.height))
    return pl.DataFrame(rows, schema=COVERAGE_SCHEMA, orient="row")


def pit(made: pl.DataFrame) -> pl.DataFrame:
    """Histogram of where in its distribution what came lay (`PIT_SCHEMA`): even where ranges are right, a U
    where they are too narrow. Between known quantiles the distribution is taken to be straight."""
    if not made.height:
        return pl.DataFrame(schema=PIT_SCHEMA)
    levels = np.array([0.0, *_LEVELS.values(), 1.0])
    quantiles = made.select(f"{name}_amount" for name in _LEVELS).to_numpy().astype(np.float64)
    came = made["actual_amount"].cast(pl.Float64).to_numpy()
    place = np.array([np.interp(one, row, levels[1:-1]) for one, row in zip(came, quantiles, strict=True)])
    place = np.where(came < quantiles[:, 0], levels[1] / 2, place)
    place = np.where(came > quantiles[:, -1], (1 + levels[-2]) / 2, place)
    edges = np.linspace(0, 1, _BINS + 1)
    part = np.histogram(place, edges)[0] / len(place)
    bound = 1.96 * np.sqrt(0.1 * 0.9 / len(place))
    return pl.DataFrame(
        {"low": edges[:-1], "high": edges[1:], "part": part, "bound": np.full(_BINS, bound)},
        schema=PIT_SCHEMA,
    )
