"""The folder of Dagster's own records in an authority's home: its settings, and opening it.

``python -m pipelines.dagster_home`` prepares the folder that the environment's settings name and prints
it, for ``make ui``. What is pruned from it is in ``pipelines.upkeep``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.home import make_home
from pipelines.settings import Places, Settings

if TYPE_CHECKING:
    import dagster as dg

MARK = "# Written by wardcast"
DAGSTER_YAML = (
    MARK
    + """; take this line away to keep changes of your own.
# Runs of a home wait for one another; nothing is sent anywhere.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
    tag_concurrency_limits:
      - key: wardcast/authority
        limit: 1
run_monitoring:
  enabled: true
  start_timeout_seconds: 600
  cancel_timeout_seconds: 180
retention:
  schedule:
    purge_after_days: 35
  sensor:
    purge_after_days: {skipped: 7, failure: 35, success: 35}
"""
)


def write_settings(folder: Path) -> None:
    """Write ``dagster.yaml`` into ``folder``, unless someone has made it their own."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "dagster.yaml"
    written = settings.read_text() if settings.is_file() else MARK
    if written.startswith(MARK) and written != DAGSTER_YAML:
        settings.write_text(DAGSTER_YAML)


def open_instance(folder: Path) -> "dg.DagsterInstance":
    """Dagster's own records of an authority, in its home; made on first use, telemetry off."""
    import dagster as dg

    write_settings(folder)
    return dg.DagsterInstance.from_config(str(folder))


def prepare(places: Places) -> Path:
    """Make the home and Dagster's folder in it, which is returned."""
    make_home(places.home)
    write_settings(places.dagster_home)
    return places.dagster_home


if __name__ == "__main__":
    print(prepare(Places(Settings())))  # noqa: T201 - what the Makefile reads
