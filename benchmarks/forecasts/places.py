"""Each place of a real panel as an authority of its own: a dozen unlike lines, one unit each.

Run as `python -m benchmarks forecasts.places`. Line by line, the bank's error is put beside that of the
better of pace and naive over the years measured, a choice that an office could only have made afterwards; and
beside each of the two by a test of signs, which tells a line that is worse from one that had bad luck.
Reads the shared data folder; a panel that is absent is named and skipped.
"""

import argparse

import numpy as np
import polars as pl
from scipy.stats import permutation_test

from benchmarks.forecasts.panels import Collections, brazil_federal, problem_of, ukraine_cities
from forecasts.backtest import forecasts_made, outcome_of
from forecasts.scores import coverage_pct, crps_pct, wape_pct

METHODS = ("bank", "pace", "naive")
MONTHS = (3, 6, 9)
CHANCE = 0.05
"""How often a line that is just as good looks worse all the same."""
FEWEST_CASES = 6
"""Place-years of a line under which no test at this level can say anything."""


def alone(panel: Collections, unit: str) -> Collections:
    """The panel with one place only."""
    rows = [row for row, name in enumerate(panel.units) if name == unit]
    lines = [panel.lines[row] for row in rows]
    return Collections(panel.name, [unit] * len(rows), lines, panel.first_year, panel.receipts[rows], {})


def made_alone(panel: Collections, years: list[int], every: int) -> pl.DataFrame:
    """Year-ends of every `every`-th place, each forecast as if it were all there is; leaves only."""
    places = sorted(set(panel.units))[::every]
    made = [forecasts_made(problem_of(alone(panel, unit)), years, MONTHS, METHODS) for unit in places]
    return pl.concat(made).filter(pl.col("line_code") != "ALL")


def beside_better(table: pl.DataFrame, keys: list[str]) -> np.ndarray:
    """The bank's summed error over that of the better of pace and naive, for each group with any receipts."""
    error = (pl.col("p50_amount") - pl.col("actual_amount")).abs().sum()
    sums = table.group_by(*keys, "method").agg(error=error, size=pl.col("actual_amount").abs().sum())
    wide = sums.filter(pl.col("size") > 0).pivot("method", index=keys, values="error")
    better = np.minimum(wide["pace"].to_numpy(), wide["naive"].to_numpy())
    return np.maximum(wide["bank"].to_numpy(), 1.0) / np.maximum(better, 1.0)


def beyond_chance(table: pl.DataFrame, other: str) -> tuple[int, int, int]:
    """Of lines with cases enough: on how many the bank is worse than `other` beyond chance, better beyond
    chance, and how many there are.

    A case is a place and a year, its error the mean over the months over the series' mean year; were the two
    equally good, each case's difference could as well have the other sign (Fisher's randomisation test).
    """
    size = pl.col("actual_amount").cast(pl.Float64).abs().mean().over("unit_key", "line_code")
    error = (pl.col("p50_amount") - pl.col("actual_amount")).cast(pl.Float64).abs() / size
    cases = (
        table.with_columns(error=error)
        .filter(size > 0)
        .group_by("line_code", "unit_key", "fiscal_year", "method")
        .agg(pl.col("error").mean())
        .pivot("method", index=["line_code", "unit_key", "fiscal_year"], values="error")
        .sort("line_code", "unit_key", "fiscal_year")
    )
    told = [
        _chance_of((line["bank"] - line[other]).to_numpy())
        for line in cases.partition_by("line_code")
        if line.height >= FEWEST_CASES
    ]
    return sum(one <= CHANCE for one in told), sum(one >= 1 - CHANCE for one in told), len(told)


def _chance_of(differences: np.ndarray) -> float:
    """How often chance alone gives so large a mean difference."""
    told = permutation_test(
        (differences,), np.mean, permutation_type="samples", alternative="greater", n_resamples=4999, rng=1
    )
    return float(told.pvalue)


def show(panel: Collections, years: list[int], every: int) -> None:
    """One block of one panel: a row per month."""
    table = made_alone(panel, years, every)
    print(f"\n{panel.name}, {years}, {table['unit_key'].n_unique()} places each alone")
    print("  m     n   WAPE: bank   pace  naive   CRPS: bank   pace  naive   80%  95%   bank ÷ the better of")
    print("                                                                            two: lines ≤1, ≤1.1")
    for month in MONTHS:
        now = table.filter(months_elapsed=month)
        ones = [outcome_of(now.filter(method=method)) for method in METHODS]
        wapes = " ".join(f"{wape_pct(one):6.2f}" for one in ones)
        scores = " ".join(f"{crps_pct(one):6.2f}" for one in ones)
        inner, outer = coverage_pct(ones[0], 0.1, 0.9), coverage_pct(ones[0], 0.025, 0.975)
        lines = beside_better(now, ["line_code"])
        print(
            f"  {month} {len(ones[0].actual):5}       {wapes}       {scores}   {inner:3.0f}  {outer:3.0f}"
            f"   {100 * (lines <= 1).mean():3.0f}% {100 * (lines <= 1.1).mean():3.0f}% of {len(lines)}"
        )
    whole = beside_better(table, ["line_code"])
    print(f"  all months: lines ≤1 {100 * (whole <= 1).mean():.0f}%, ≤1.1 {100 * (whole <= 1.1).mean():.0f}%")
    for other in METHODS[1:]:
        worse, better, tested = beyond_chance(table, other)
        print(
            f"  beyond chance ({CHANCE:.0%}), of {tested} lines: worse than {other} {worse}, better {better}"
        )


def main() -> None:
    """Measure what is there; say what is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer places, one year")
    quick = parser.parse_known_args()[0].quick
    for load, years, every in (
        (brazil_federal, [2016] if quick else [2014, 2016, 2018], 13 if quick else 4),
        (ukraine_cities, [2024] if quick else [2023, 2024, 2025], 12 if quick else 3),
    ):
        panel = load()
        if panel is None:
            print(f"{load.__name__}: data not found, skipped")
            continue
        show(panel, years, every)


if __name__ == "__main__":
    main()
