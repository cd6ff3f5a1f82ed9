"""A made-up country to measure speed and memory with: wards × lines × months, two shared bases, estimates."""

from datetime import date

import numpy as np
import polars as pl

from authorities.model import ALL
from forecasts import months
from forecasts.seam import ForecastProblem

FIRST = date(2012, 7, 1)
SHARES = {"territory": 1.0, "entitled": 0.3, "recurrent": 0.25}


def logs_of_line(units: int, length: int, seed: int) -> np.ndarray:
    """Logs of one line: units × months, with a season, a shared walk, and walks and noise of their own."""
    rng = np.random.default_rng(seed)
    season = np.tile(rng.normal(0, 0.4, 12), length // 12 + 1)[:length]
    shared = rng.normal(0, 0.03, length).cumsum()
    own = rng.normal(0, 0.02, (units, length)).cumsum(axis=1) + rng.normal(0, 0.2, (units, length))
    return 18 + season + shared + own + rng.normal(0, 1, (units, 1))


def country(wards: int, lines: int, length: int) -> ForecastProblem:
    """The question of one night at the end of a June; history by month, each stamped with its last day."""
    first = months.ordinal(FIRST)
    days = pl.Series([months.last_day(first + month) for month in range(length)], dtype=pl.Date)
    units = pl.Series([f"{ward:05d}@2004" for ward in range(wards)], dtype=pl.String)
    parts, estimates = [], []
    for line in range(lines):
        amounts = np.exp(logs_of_line(wards, length, line)).astype(np.int64)
        code = pl.lit(f"line{line:02d}").alias("line_code")
        part = pl.DataFrame(
            {
                "unit_key": units.gather(np.repeat(np.arange(wards, dtype=np.uint32), length)),
                "day": days.gather(np.tile(np.arange(length, dtype=np.uint32), wards)),
                "amount": amounts.reshape(-1),
            }
        )
        parts.append(part.select("unit_key", code, "day", "amount"))
        usual = pl.Series((1.05 * amounts[:, -18:-6].sum(axis=1)).astype(np.int64))
        estimates.append(pl.DataFrame({"unit_key": units, "estimate_amount": usual}).with_columns(code))
    leaves = pl.concat(estimates)
    keys = leaves.select("unit_key", "line_code")
    shares = [keys.with_columns(basis=pl.lit(basis), share=pl.lit(share)) for basis, share in SHARES.items()]
    as_of = months.last_day(first + length - 1)
    return ForecastProblem(
        history=pl.concat(parts),
        as_of=as_of,
        last_complete_day=as_of,
        fiscal_year_start_month=1,
        shares=pl.concat(shares),
        estimates=_with_totals(leaves),
        shocks=(),
        seed=1,
    )


def _with_totals(leaves: pl.DataFrame) -> pl.DataFrame:
    """Estimates of leaves and totals in every basis."""
    levels = [
        leaves,
        leaves.with_columns(unit_key=pl.lit(ALL)),
        leaves.with_columns(line_code=pl.lit(ALL)),
        leaves.with_columns(unit_key=pl.lit(ALL), line_code=pl.lit(ALL)),
    ]
    keys = ["unit_key", "line_code"]
    sums = pl.concat([one.select(*keys, "estimate_amount") for one in levels])
    sums = sums.group_by(keys, maintain_order=True).agg(pl.col("estimate_amount").sum())
    based = [
        sums.with_columns(
            basis=pl.lit(basis),
            estimate_version=pl.lit("initial"),
            estimate_amount=(pl.col("estimate_amount") * share).cast(pl.Int64),
        )
        for basis, share in SHARES.items()
    ]
    return pl.concat(based)
