"""The version of the code that reads, stages and judges: what one version kept, another does not trust."""

import hashlib
from functools import cache
from pathlib import Path

import polars as pl

_FLOORS = ("authorities", "expectations", "extracts", "warehouse/tables", "warehouse/projections.py")
"""Code that staged rows and what was found of them can depend on, below the project's folder."""


@cache
def code_digest() -> str:
    """Digest of that code, and of polars' version."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256(pl.__version__.encode())
    for floor in _FLOORS:
        place = root / floor
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
