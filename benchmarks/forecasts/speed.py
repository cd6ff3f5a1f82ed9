"""Series per second, and a whole country: the bank's answer for 10,598 wards × 12 lines of 96 months.

Run as `python -m benchmarks.forecasts.speed`; set OMP_NUM_THREADS to the cores to use. Made-up series; the
time covers logs → mean and covariance of the months to come → median and range of the year-end.
"""

import argparse
import resource
import time

import numpy as np

from forecasts.factors import forecast_logs
from forecasts.remaining import remaining


def made_up(units: int, length: int, seed: int) -> np.ndarray:
    """Logs of one line: units × months."""
    rng = np.random.default_rng(seed)
    season = np.tile(rng.normal(0, 0.4, 12), length // 12 + 1)[:length]
    shared = rng.normal(0, 0.03, length).cumsum()
    own = rng.normal(0, 0.02, (units, length)).cumsum(axis=1) + rng.normal(0, 0.2, (units, length))
    return 18 + season + shared + own + rng.normal(0, 1, (units, 1))


def main() -> None:
    """Print the time, rate and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wards", type=int, default=10_598)
    parser.add_argument("--lines", type=int, default=12)
    parser.add_argument("--months", type=int, default=96)
    asked, _ = parser.parse_known_args()
    forecast_logs(made_up(10, asked.months, 0), 6)
    spent, batch = 0.0, 2_000
    for line in range(asked.lines):
        logs = made_up(asked.wards, asked.months, line)
        begun = time.perf_counter()
        made = remaining(forecast_logs(logs, 6))
        spent += time.perf_counter() - begun
        assert np.isfinite(made.median).all()
    count = asked.wards * asked.lines
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{count:,} series in {spent:.1f} s: {count / spent:,.0f} series/s; peak {peak:.2f} GB")
    begun = time.perf_counter()
    forecast_logs(made_up(batch, asked.months, 99), 6)
    print(f"{batch:,} series of one line: {batch / (time.perf_counter() - begun):,.0f} series/s")


if __name__ == "__main__":
    main()
