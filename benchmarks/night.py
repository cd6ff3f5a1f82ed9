"""The Long Biên night from a cold start beside the bare import of its libraries: seconds, peak memory, ratio.

The sample is written and the code installed beforehand; each measurement is a process of its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

LIBRARIES = (
    "polars", "dagster", "great_expectations", "statsmodels.api", "pandas", "sqlalchemy", "duckdb_sqlalchemy",
    "pydantic", "pydantic_settings", "typer", "altair", "vl_convert", "babel.numbers", "jinja2", "holidays",
    "python_calamine", "yaml",
)  # fmt: skip
RUNS = 3
GOAL_RATIO, GOAL_BYTES = 2.0, 1024**3


def measured(words: list[str]) -> tuple[float, int]:
    """Wall seconds and peak resident bytes of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{' '.join(words)} ended with {status}")
    return seconds, usage.ru_maxrss * 1024


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        sample = Path(folder) / "sample"
        wardcast = [sys.executable, "-m", "pipelines.command"]
        measured([*wardcast, "simulate", str(sample)])
        night = [*wardcast, "nightly", "--landing", str(sample / "landing"), "--as-of", "2020-06-30"]
        imports = [sys.executable, "-c", "import " + ", ".join(LIBRARIES)]
        measured(imports)  # compiles bytecode, as an installation would
        bare = [measured(imports) for _ in range(RUNS)]
        nights = [measured([*night, "--home", f"{home}{number}"]) for number in range(RUNS)]
    bare_seconds = median(seconds for seconds, _ in bare)
    seconds, peak = median(seconds for seconds, _ in nights), max(peak for _, peak in nights)
    print(f"imports alone   {bare_seconds:6.1f} s")
    print(f"the whole night {seconds:6.1f} s  {peak / 1024**2:.0f} MB at its peak")
    print(f"ratio           {seconds / bare_seconds:6.2f}   (goal: at most {GOAL_RATIO:g}; under 1024 MB)")


if __name__ == "__main__":
    main()
