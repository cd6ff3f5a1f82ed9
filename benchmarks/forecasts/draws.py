"""How sure quantiles are of themselves: forecasts with few draws beside one with very many.

Run as `python -m benchmarks.forecasts.draws`. Made-up series; errors are root mean squares over leaves, in
percent of the width of the leaf's central 80%, and of the shortfall probability in percentage points.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from authorities.model import ALL
from benchmarks.forecasts.country import country
from forecasts.seam import ForecastProblem, forecast_year_end

_MANY = 40_000
_SEEDS = 4
_LEVELS = ("p025", "p10", "p50", "p90", "p975")


def figures(problem: ForecastProblem, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Quantiles of leaves, and shortfall probabilities, on the territory."""
    answer = forecast_year_end(replace(problem, draws=draws, seed=seed))
    keys = ["unit_key", "line_code", "basis", "scenario"]
    rows = answer.year_end.join(answer.tails, on=keys).filter(
        pl.col("unit_key") != ALL, pl.col("line_code") != ALL, basis="territory", scenario="base"
    )
    found = {level: rows[f"{level}_amount"].to_numpy().astype(float) for level in _LEVELS}
    return found | {"shortfall": rows["shortfall_probability"].to_numpy()}


def main() -> None:
    """Print the errors by number of draws."""
    problem = country(wards=30, lines=4, length=96)
    sure = figures(problem, _MANY, 99)
    width = sure["p90"] - sure["p10"]
    print(f"{'draws':>6} " + " ".join(f"{level:>7}" for level in _LEVELS) + "  shortfall (points)")
    for draws in (250, 500, 1000, 2000):
        made = [figures(problem, draws, seed) for seed in range(_SEEDS)]
        errors = [
            100 * np.sqrt(np.mean([((one[level] - sure[level]) / width) ** 2 for one in made]))
            for level in _LEVELS
        ]
        points = 100 * np.sqrt(np.mean([(one["shortfall"] - sure["shortfall"]) ** 2 for one in made]))
        print(f"{draws:>6} " + " ".join(f"{error:>6.1f}%" for error in errors) + f"  {points:.1f}")


if __name__ == "__main__":
    main()
