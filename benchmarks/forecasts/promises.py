"""What ranges and probabilities promise beside what came: ranges of totals by level, and shortfalls.

Printed by `benchmarks.forecasts.accuracy`; errors of series and units stand there.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from authorities.model import ALL
from benchmarks.forecasts.panels import Collections, problem_of
from forecasts import months
from forecasts.backtest import outcome_of
from forecasts.scores import coverage_pct
from forecasts.seam import BASE_SCENARIO, ForecastProblem, forecast_year_end

_KEYS = ["unit_key", "line_code", "basis"]


def _said(problem: ForecastProblem, year: int, elapsed: int) -> pl.DataFrame:
    """Year-end rows of lines' totals and of the authority at the end of a month, as known then."""
    night = months.last_day(year * 12 + elapsed - 1)
    history = problem.history.filter(pl.col("day") <= night)
    answer = forecast_year_end(replace(problem, history=history, as_of=night, last_complete_day=night))
    rows = answer.year_end.filter(scenario=BASE_SCENARIO, unit_key=ALL, basis="territory")
    return rows.join(answer.tails, on=[*_KEYS, "scenario"])


def _came(panel: Collections, year: int) -> pl.DataFrame:
    begin = (year - panel.first_year) * 12
    whole = np.rint(100 * panel.receipts[:, begin : begin + 12].sum(axis=1))
    lines = pl.DataFrame({"line_code": panel.lines, "actual_amount": whole})
    lines = lines.group_by("line_code").agg(pl.col("actual_amount").sum())
    return pl.concat([lines, lines.select(pl.lit(ALL).alias("line_code"), pl.col("actual_amount").sum())])


def totals(panel: Collections, years: list[int], elapsed: list[int], units: pl.DataFrame) -> None:
    """Print how often totals lie in their ranges: lines over units, units over lines (`units`: what
    `forecasts_made` says of them), and the authority."""
    problem = problem_of(panel)
    rows = []
    for year in years:
        came = _came(panel, year)
        for month in elapsed:
            said = _said(problem, year, month).join(came, on="line_code")
            rows.append(said.with_columns(months_elapsed=pl.lit(month, pl.Int64)))
    table = pl.concat(rows).with_columns(
        typical_amount=pl.lit(0.0), shortfall_probability=pl.lit(None, pl.Float64)
    )
    authority = pl.col("line_code") == ALL
    levels = {"lines": table.filter(~authority), "units": units, "authority": table.filter(authority)}
    print(f"\n{panel.name}, {years[0]}–{years[-1]}, totals in their ranges: 80% / 95% (n)")
    for month in elapsed:
        told = []
        for name, part in levels.items():
            one = outcome_of(part.filter(months_elapsed=month))
            inner, outer = coverage_pct(one, 0.1, 0.9), coverage_pct(one, 0.025, 0.975)
            told.append(f"{name} {inner:.0f} / {outer:.0f} ({len(one.actual)})")
        print(f"  {month}  " + "   ".join(told))


def reliability(title: str, rows: pl.DataFrame) -> None:
    """Print, by tenths of the shortfall probability said, how often it came to that."""
    one = outcome_of(rows)
    known = np.isfinite(one.estimate) & np.isfinite(one.shortfall)
    if not known.any():
        return
    said, short = one.shortfall[known], (one.actual < one.estimate)[known]
    tenth = np.minimum((10 * said).astype(int), 9)
    print(f"\n{title}: probability to fall short, said and come about (n)")
    for place in range(10):
        rows_of = tenth == place
        if rows_of.any():
            print(f"  {said[rows_of].mean():4.2f}  {short[rows_of].mean():4.2f}  ({rows_of.sum()})")
