"""Backtests kept in the home, under a digest of what they depend on, for the nights that they fit.

Scores are a pure function of what the digest covers, so which of two kept files a row is taken from does not
matter. Written whole or not at all.
"""

import os
from pathlib import Path

import polars as pl

from forecasts.backtest import ACCURACY_SCHEMA

_GRAIN = ["method", "source", "basis", "line_code", "months_elapsed", "fiscal_year"]
FOLDER = "backtests"


class KeptBacktests:
    """The folder of a home in which backtests are kept."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def keep(self, digest: str, scores: pl.DataFrame) -> Path:
        """Keep ``scores`` (`ACCURACY_SCHEMA`) beside others of the same digest; returns the file.

        The file is named by the years and months in it, so the same backtest made again replaces itself.
        """
        folder = self._folder / digest
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{_span(scores, 'fiscal_year')}_{_span(scores, 'months_elapsed')}.parquet"
        half = folder / f".{path.name}.{os.getpid()}"
        scores.write_parquet(half)
        half.replace(path)
        return path

    def fitting(self, digest: str) -> pl.DataFrame:
        """All scores kept under ``digest``; no rows where there are none."""
        files = sorted((self._folder / digest).glob("[0-9]*.parquet"))
        frames = [pl.read_parquet(file).select(ACCURACY_SCHEMA.names()) for file in files]
        held = pl.concat([pl.DataFrame(schema=ACCURACY_SCHEMA), *frames])
        return held.unique(_GRAIN, keep="first", maintain_order=True).sort(_GRAIN)


def _span(scores: pl.DataFrame, column: str) -> str:
    return "-".join(str(value) for value in sorted(set(scores[column])))
