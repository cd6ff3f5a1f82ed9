"""The sample, made once for all tests of the simulator, and a small one of two years."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from authorities.loading import AUTHORITIES_FOLDER, load_authority
from authorities.model import Authority
from extracts.simulator.simulate import simulate


@dataclass(frozen=True)
class Sample:
    """A written sample and its manifest as it lies on disk."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def landing(self) -> Path:
        return self.folder / "landing"


@pytest.fixture(scope="session")
def long_bien() -> Authority:
    return load_authority(AUTHORITIES_FOLDER / "long_bien")


@pytest.fixture(scope="session")
def sample(long_bien: Authority, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    simulate(long_bien, folder)
    return Sample(folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
