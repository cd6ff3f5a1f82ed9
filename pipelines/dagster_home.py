"""Prepares the folder of Dagster's own records for its UI and daemon: settings written, telemetry off.

Run as ``python -m pipelines.dagster_home``; the place is the one that the environment's settings name.
"""

from pipelines.nightly import DAGSTER_YAML
from pipelines.settings import Places, Settings


def prepare(places: Places) -> None:
    """Write ``dagster.yaml`` into the Dagster home of ``places``."""
    places.dagster_home.mkdir(parents=True, exist_ok=True)
    (places.dagster_home / "dagster.yaml").write_text(DAGSTER_YAML)


if __name__ == "__main__":
    prepare(Places(Settings()))
