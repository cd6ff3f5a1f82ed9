"""Nights for the tests of the whole road: real files, a real Dagster instance, a real DuckDB.

The embedded sample is written once; each test that changes files works on its own copy of the landing folder.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from authorities.loading import DEFAULT_AUTHORITY, load_authority
from extracts.simulator.simulate import simulate
from pipelines.command import app
from warehouse.engines import open_warehouse, warehouse_url

NIGHT = "2020-06-30"
YEARS = 3
"""Fiscal years of the sample that these tests write: enough for last year and a pace."""

Wardcast = Callable[..., Result]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short embedded sample: landing/, withheld/, manifest.json."""
    folder = tmp_path_factory.mktemp("sample")
    simulate(load_authority(DEFAULT_AUTHORITY), folder, years=YEARS)
    return folder


@pytest.fixture
def landing(sample: Path, tmp_path: Path) -> Path:
    """A copy of the sample's landing folder that a test may spoil."""
    copied = tmp_path / "landing"
    shutil.copytree(sample / "landing", copied)
    return copied


@pytest.fixture(scope="session")
def wardcast() -> Wardcast:
    """The command, in this process; returns exit code and output."""
    runner = CliRunner()

    def call(*words: str | Path) -> Result:
        return runner.invoke(app, [str(word) for word in words])

    return call


@pytest.fixture(scope="session")
def published_home(sample: Path, tmp_path_factory: pytest.TempPathFactory, wardcast: Wardcast) -> Path:
    """A home in which the sample's night has been published once; tests only read it."""
    home = tmp_path_factory.mktemp("published")
    result = wardcast("nightly", "--landing", sample / "landing", "--home", home, "--as-of", NIGHT)
    assert result.exit_code == 0, result.output
    return home


def read(home: Path, mart: str) -> pl.DataFrame:
    """A mart of the home's embedded warehouse, all nights."""
    return open_warehouse(warehouse_url(home / "wardcast.duckdb")).read_mart(mart)
