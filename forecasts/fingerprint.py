"""What a backtest depends on, as one digest: the same digest, the same scores.

Receipts, estimates and what offices said in fiscal years that are over, shares, declared shocks and the
rest of the configuration, the engine's own version and seed. What came since the last year closed is no part
of it, so a backtest holds from night to night until a year closes or the past is stated anew.
"""

import hashlib
from collections.abc import Mapping

import polars as pl

from forecasts import months
from forecasts.seam import ForecastProblem


def fingerprint(problem: ForecastProblem, estimates: Mapping[int, pl.DataFrame], *versions: str) -> str:
    """Digest (64 hexadecimal digits) of what scores of closed years depend on.

    Args:
        problem: any night's; only its receipts up to the last closed year count.
        estimates: by fiscal year, as `forecasts.backtest.backtest` takes them.
        versions: of configuration and code.
    """
    closed = _closed_by(problem)
    digest = hashlib.sha256("|".join((*versions, str(problem.seed), str(problem.draws))).encode())
    frames = [
        problem.history.filter(pl.col("day") <= months.last_day(closed)),
        problem.shares,
        *(
            frame.with_columns(fiscal_year=pl.lit(year))
            for year, frame in sorted(estimates.items())
            if year * 12 + problem.fiscal_year_start_month + 10 <= closed
        ),
    ]
    if problem.office is not None:
        frames.append(problem.office.filter(pl.col("recorded_at") <= months.last_day(closed)))
    for frame in frames:
        digest.update(frame.select(sorted(frame.columns)).sort(pl.all()).write_csv().encode())
    return digest.hexdigest()


def _closed_by(problem: ForecastProblem) -> int:
    """Ordinal of the last month of the last fiscal year that was over by the last complete day."""
    day = problem.last_complete_day
    start = months.fiscal_start(day, problem.fiscal_year_start_month)
    return start + 11 if day == months.last_day(start + 11) else start - 1
