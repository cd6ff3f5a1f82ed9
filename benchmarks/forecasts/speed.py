"""Series per second, and a whole country: 10,598 wards × 12 lines of 96 months, from rows to frames.

Run as `python -m benchmarks.forecasts.speed`. Made-up series (`benchmarks.forecasts.country`). Wall time is
told beside the processor time it took and the machine's load, since it is worth little on a busy machine;
memory is the sum over this process and its children, pages they share counted in each. `--two-scenarios`
declares a deferral for one line, which makes every total and that line's units a second time.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import psutil

from authorities.shocks import Assumption, BilingualTitle, DeferralLeg, PolicyShock
from benchmarks.forecasts.country import country, logs_of_line
from forecasts.batches import batch_map
from forecasts.factors import forecast_logs
from forecasts.remaining import remaining
from forecasts.seam import ForecastProblem, forecast_year_end

_HORIZON = 6


@dataclass
class Spent:
    """Seconds by the clock and of processors, and the most memory held (GB)."""

    seconds: float = 0.0
    processor: float = 0.0
    peak: float = 0.0


def _family() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def _total(of: Callable[[psutil.Process], float]) -> float:
    total = 0.0
    for process in _family():
        try:
            total += of(process)
        except psutil.NoSuchProcess:
            continue
    return total


@contextmanager
def measured() -> Iterator[Spent]:
    """Measure a block, with the processes it uses; those must live until it ends."""
    spent, over = Spent(), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            spent.peak = max(spent.peak, _total(lambda p: p.memory_info().rss) / 1024**3)

    def processor() -> float:
        return _total(lambda p: sum(p.cpu_times()[:2]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun, before = time.perf_counter(), processor()
    try:
        yield spent
    finally:
        spent.seconds, spent.processor = time.perf_counter() - begun, processor() - before
        over.set()
        watcher.join()


def fitted(logs: np.ndarray) -> int:
    """Fit a line of logs (wards × months): logs → moments of the year-end."""
    made = remaining(forecast_logs(logs, _HORIZON))
    assert np.isfinite(made.median).all()
    return len(logs)


def fits(asked: argparse.Namespace) -> None:
    """Series per second of the bank alone, on one core and on two."""
    lines = [logs_of_line(asked.wards, asked.months, seed) for seed in range(asked.lines)]
    for workers, words in (("1", "one core"), ("2", "two cores")):
        with batch_map(workers) as spread:
            list(spread(fitted, [line[:50] for line in lines]))  # maps are made once
            with measured() as spent:
                count = sum(spread(fitted, lines))
        rate, unhindered = count / spent.seconds, count / spent.processor
        print(
            f"fits, {words}: {count:,} series: {rate:,.0f} series/s, {unhindered:,.0f} per processor second"
        )


def whole(asked: argparse.Namespace) -> None:
    """The whole answer, from rows to frames."""
    problem = country(asked.wards, asked.lines, asked.months)
    if asked.two_scenarios:
        problem = with_deferral(problem)
    with batch_map(asked.workers) as spread, measured() as spent:
        answer = forecast_year_end(problem, batches=spread)
    rows = answer.year_end.height + answer.path.height + answer.components.height + answer.tails.height
    assert not answer.year_end["mean_amount"].null_count()
    print(
        f"whole answer with {asked.workers} workers: {asked.wards * asked.lines:,} series, "
        f"{problem.history.height:,} rows in, {rows:,} rows out, in {spent.seconds:.1f} s "
        f"({spent.processor:.1f} s of processors; load {os.getloadavg()[0]:.1f}); peak {spent.peak:.2f} GB"
    )


def with_deferral(problem: ForecastProblem) -> ForecastProblem:
    """The same question with a deferral of one line, of dues of the last month."""
    month = problem.as_of.replace(day=1)
    shock = PolicyShock(
        code="deferral",
        title=BilingualTitle(vi="Gia hạn", en="Deferral"),
        kind="timing",
        form="deferral",
        line_codes=("line00",),
        announced_on=date(month.year, 1, 1),
        legal_source="benchmark",
        legs=(
            DeferralLeg.model_validate({"due_month": f"{month:%Y-%m}", "deferred_to": f"{month.year}-11"}),
        ),
        fraction=Assumption(value=0.3, low=0.1, high=0.5),
    )
    return replace(problem, shocks=(shock,))


def peers(asked: argparse.Namespace) -> None:
    """AutoETS and AutoARIMA of statsforecast on a few of the same series, one core."""
    try:
        from statsforecast import StatsForecast
        from statsforecast.models import AutoARIMA, AutoETS
    except ImportError:
        print("peers: statsforecast is not installed (make bench installs it)")
        return
    import pandas as pd

    models: list[tuple[str, Any, int]] = [
        ("AutoETS", AutoETS(season_length=12), asked.peers),
        ("AutoARIMA", AutoARIMA(season_length=12), max(asked.peers // 10, 2)),
    ]
    for name, model, count in models:
        logs = logs_of_line(count, asked.months, 0)
        months = pd.date_range("2012-07-31", periods=asked.months, freq="ME")
        frame = pd.DataFrame(
            {
                "unique_id": np.repeat(np.arange(count), asked.months),
                "ds": np.tile(months, count),
                "y": np.exp(logs).reshape(-1),
            }
        )
        forecaster = StatsForecast(models=[model], freq="ME", n_jobs=1)
        forecaster.forecast(df=frame[frame["unique_id"] < 1], h=_HORIZON)  # what is compiled, is compiled
        with measured() as spent:
            forecaster.forecast(df=frame, h=_HORIZON)
        rate, unhindered = count / spent.seconds, count / spent.processor
        print(
            f"{name}, one core: {count} series: {rate:,.1f} series/s, {unhindered:,.1f} per processor second"
        )


def main() -> None:
    """Print what there is to measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wards", type=int, default=10_598)
    parser.add_argument("--lines", type=int, default=12)
    parser.add_argument("--months", type=int, default=96)
    parser.add_argument("--peers", type=int, default=60, help="series for AutoETS; a tenth for AutoARIMA")
    parser.add_argument("--workers", default="2", help="where the whole answer is made")
    parser.add_argument("--two-scenarios", action="store_true")
    asked, _ = parser.parse_known_args()
    fits(asked)
    whole(asked)
    peers(asked)


if __name__ == "__main__":
    main()
