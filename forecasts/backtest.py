"""Rolling origins: what each method would have said at the end of a month of an earlier year, beside what
came.

Every origin goes through the seam with the history up to that night and the shocks announced by then. The
shares between bases are the problem's own in every year. Scores stand in `forecasts.scores`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from authorities.model import ALL, UNALLOCATED
from forecasts import months, scores
from forecasts.office import spoken
from forecasts.opinions import Moves
from forecasts.seam import (
    BASE_SCENARIO,
    QUANTILES,
    TAILS,
    ForecastProblem,
    Method,
    YearEndForecast,
    forecast_year_end,
)
from forecasts.together import METHOD as COMBINED
from forecasts.together import as_said, combined

Scored = Method | Literal["office", "combined"]
METHODS: tuple[Scored, ...] = ("bank", "pace", "naive", "growth")
OFFICE: Scored = "office"

ACCURACY_SCHEMA = pl.Schema(
    {
        "method": pl.String,
        "source": pl.String,
        "basis": pl.String,
        "line_code": pl.String,
        "months_elapsed": pl.Int64,
        "fiscal_year": pl.Int64,
        "n": pl.Int64,
        **dict.fromkeys(scores.ERRORS, pl.Float64),
        "coverage80_pct": pl.Float64,
        "coverage95_pct": pl.Float64,
        **{f"{name}_{end}": pl.Float64 for name in scores.ERRORS for end in ("low", "high")},
    }
)
_LEVELS = dict(sorted((QUANTILES | TAILS).items(), key=lambda item: item[1]))
_KEYS = ["unit_key", "line_code", "basis"]
_GROUP = ["method", "basis", "line_code", "months_elapsed", "fiscal_year"]
_LEAST_HISTORY = 24


def backtest(
    problem: ForecastProblem,
    years: Sequence[int],
    months_elapsed: Sequence[int] = (3, 6, 9),
    methods: Sequence[Scored] | None = None,
    estimates: dict[int, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """Scores (`ACCURACY_SCHEMA`) by method, basis, line, month and year; line 'ALL' scores units' totals.

    Args:
        problem: its history must reach the end of each of `years` (fiscal years named by the one they start
        in);
            years that are not over by its last complete day are left out, and so are origins with under two
            years of history.
        methods: by default those of `METHODS`, and where an office has spoken, `office`, what it said, and
            `combined`, it and the bank together at the origins at which it had weight.
        estimates: by fiscal year, frames of `ESTIMATES_SCHEMA`, for the Brier score; null without.

    `crps` is in percent of what came; the `_low` and `_high` of an error are its central 90% over units drawn
    again.
    """
    chosen = _usual_methods(problem) if methods is None else methods
    rows = forecasts_made(problem, years, months_elapsed, chosen, estimates)
    table = [_scored(key, part, problem.seed) for key, part in rows.group_by(_GROUP, maintain_order=True)]
    return pl.DataFrame(table, schema=ACCURACY_SCHEMA, orient="row").fill_nan(None).sort(_GROUP)


def _usual_methods(problem: ForecastProblem) -> tuple[Scored, ...]:
    spoke = problem.office is not None and problem.office.height > 0
    return (*METHODS, OFFICE, "combined") if spoke else METHODS


def forecasts_made(
    problem: ForecastProblem,
    years: Sequence[int],
    months_elapsed: Sequence[int],
    methods: Sequence[Scored],
    estimates: dict[int, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """One row per method, origin, unit, line and basis: the year-end's quantiles beside `actual_amount`.

    `typical_amount` is the mean change of the year-end from one year to the next before.
    """
    made: list[pl.DataFrame] = []
    models = _Models()
    for year in years:
        start = year * 12 + problem.fiscal_year_start_month - 1
        if months.last_day(start + 11) > problem.last_complete_day:
            continue
        came = _year_ends(problem, start)
        for elapsed in months_elapsed:
            asked = _as_of(problem, start + elapsed - 1, (estimates or {}).get(year))
            if asked is None:
                continue
            made.extend(_one_origin(asked, method, models, came, elapsed, year) for method in methods)
    return pl.concat(made) if made else pl.DataFrame(schema=dict.fromkeys(_GROUP, pl.String))


def _as_of(problem: ForecastProblem, month: int, estimates: pl.DataFrame | None) -> ForecastProblem | None:
    """The problem as it stood at the end of a month; None where too little had been seen."""
    night = months.last_day(month)
    history = problem.history.filter(pl.col("day") <= night)
    first = history["day"].min()
    if not isinstance(first, date) or month - months.ordinal(first) < _LEAST_HISTORY:
        return None
    known = problem.estimates.clear() if estimates is None else estimates
    return replace(
        problem, history=history, as_of=night, last_complete_day=night, collected=None, estimates=known
    )


@dataclass(frozen=True, slots=True)
class _Models:
    """The bank's means as of the origins forecast so far, so that no past origin is forecast twice."""

    means: dict[date, pl.DataFrame] = field(default_factory=dict)

    def answer(self, asked: ForecastProblem, method: Method) -> YearEndForecast:
        """The method's own, without the office."""
        answer = forecast_year_end(replace(asked, office=None), method)
        if method == "bank":
            ends = answer.year_end.filter(pl.col("scenario") == BASE_SCENARIO)
            self.means[asked.as_of] = ends.select(*_KEYS, "mean_amount")
        return answer

    def past(self, asked: ForecastProblem) -> pl.DataFrame:
        """The bank's means as of an origin."""
        if asked.as_of not in self.means:
            self.answer(asked, "bank")
        return self.means[asked.as_of]

    def together(self, asked: ForecastProblem) -> pl.DataFrame:
        """Year-ends of office and bank together with their tails; no rows where the office has no weight."""
        from forecasts.yearend import alone

        def bank(problem: ForecastProblem, moves: Moves | None = None) -> YearEndForecast:
            return alone(replace(problem, office=None), "bank", moves=moves)

        answer = combined(asked, bank, self.past)
        return _with_tails(answer).filter(pl.col("method") == COMBINED)


def _with_tails(answer: YearEndForecast) -> pl.DataFrame:
    ends = answer.year_end.filter(pl.col("scenario") == BASE_SCENARIO)
    return ends.join(answer.tails, on=[*_KEYS, "scenario"])


def _one_origin(
    asked: ForecastProblem, method: Scored, models: _Models, came: pl.DataFrame, elapsed: int, year: int
) -> pl.DataFrame:
    if method == "office":
        rows = as_said(asked, spoken(asked))
    elif method == "combined":
        rows = models.together(asked)
    else:
        rows = _with_tails(models.answer(asked, method))
    units = rows.filter(
        pl.col("unit_key") != ALL, pl.col("unit_key") != UNALLOCATED, pl.col("line_code") != UNALLOCATED
    )
    rows = units.join(came, on=_KEYS)
    return rows.with_columns(months_elapsed=pl.lit(elapsed, pl.Int64), fiscal_year=pl.lit(year, pl.Int64))


def _year_ends(problem: ForecastProblem, start: int) -> pl.DataFrame:
    """Actual year-ends of the fiscal year beginning in month `start`, and the typical change before it."""
    offset = (pl.col("day").dt.year().cast(pl.Int64) * 12 + pl.col("day").dt.month() - 1 - start).floordiv(12)
    yearly = problem.history.group_by("unit_key", "line_code", offset.alias("year")).agg(
        pl.col("amount").sum()
    )
    shares = problem.shares.select(*_KEYS, "share")
    based = yearly.join(shares, on=["unit_key", "line_code"]).with_columns(
        amount=pl.col("amount") * pl.col("share")
    )
    totals = based.with_columns(line_code=pl.lit(ALL)).group_by(*_KEYS, "year").agg(pl.col("amount").sum())
    every = pl.concat([based.select(*_KEYS, "year", "amount"), totals.select(*_KEYS, "year", "amount")])
    every = every.sort(*_KEYS, "year")
    change = every.filter(pl.col("year") < 0).group_by(_KEYS).agg(pl.col("amount").diff().abs().mean())
    actual = every.filter(pl.col("year") == 0).select(*_KEYS, actual_amount="amount")
    return actual.join(change.rename({"amount": "typical_amount"}), on=_KEYS, how="left")


def _scored(key: tuple[object, ...], part: pl.DataFrame, seed: int) -> tuple[object, ...]:
    outcome = outcome_of(part)
    method, *rest = key
    values = [score(outcome) for score in scores.ERRORS.values()]
    ends = [end for score in scores.ERRORS.values() for end in scores.interval(outcome, score, seed)]
    covered = [scores.coverage_pct(outcome, 0.1, 0.9), scores.coverage_pct(outcome, 0.025, 0.975)]
    return (method, "backtest", *rest, part.height, *values, *covered, *ends)


def outcome_of(part: pl.DataFrame) -> scores.Outcome:
    """Rows of `forecasts_made` as arrays to score; the point is the median."""
    quantiles = part.select(f"{name}_amount" for name in _LEVELS).to_numpy().astype(np.float64)

    def column(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return part[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    return scores.Outcome(
        point=column("p50_amount"),
        actual=column("actual_amount"),
        levels=np.array(list(_LEVELS.values())),
        quantiles=quantiles,
        typical=np.nan_to_num(column("typical_amount")),
        estimate=column("estimate_amount"),
        shortfall=column("shortfall_probability"),
    )
