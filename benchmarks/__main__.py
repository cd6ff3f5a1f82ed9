"""Runs the benchmarks one after the other, or those named: ``python -m benchmarks night``."""

import sys
from importlib import import_module
from inspect import signature

ALL = (
    "night",
    "site",
    "publishing",
    "intake",
    "expectations",
    "forecasts.speed",
    "forecasts.accuracy",
    "forecasts.places",
)
ROWS = 5_000_000
"""Receipts in the benchmarks that are told how many."""


def main() -> None:
    """Run and print."""
    for name in sys.argv[1:] or ALL:
        print(f"\n{name}\n{'-' * len(name)}")
        benchmark = import_module(f"benchmarks.{name}").main
        benchmark(ROWS) if signature(benchmark).parameters else benchmark()


if __name__ == "__main__":
    main()
