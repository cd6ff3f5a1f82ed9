"""Scores of past years kept in the home, under a digest of what they depend on, for the nights that they fit.

Two kinds: backtests of the forecasts, and the scorecard of the warnings. Written whole or not at all.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from early_warning.scorecard import SCORECARD_SCHEMA
from forecasts.backtest import ACCURACY_SCHEMA


@dataclass(frozen=True)
class KeptScores:
    """A folder of a home in which scores of one schema are kept.

    Attributes:
        grain: columns of which a row is one.
        named_by: columns whose values name a file. Scores of the same digest are kept beside one another
            where these differ, and replace each other where not; without any, only the last ones are kept.
    """

    folder: Path
    schema: pl.Schema
    grain: Sequence[str]
    named_by: Sequence[str] = ()

    @property
    def has_any(self) -> bool:
        """Whether anything is kept, under whichever digest."""
        return any(self.folder.glob("*/*.parquet"))

    def keep(self, digest: str, scores: pl.DataFrame) -> Path:
        """Keep ``scores``; returns the file."""
        folder = self.folder / digest
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = "_".join(_span(scores, column) for column in self.named_by) or "all"
        path = folder / f"{name}.parquet"
        half = folder / f".{path.name}.{os.getpid()}"
        scores.write_parquet(half)
        half.replace(path)
        return path

    def fitting(self, digest: str) -> pl.DataFrame:
        """All scores kept under ``digest``; no rows where there are none.

        Scores are a pure function of what the digest covers, so which of two kept files a row is taken from
        does not matter. A file of an earlier version that lacks a column fits nothing.
        """
        files = sorted((self.folder / digest).glob("[0-9a-z]*.parquet"))
        frames = [frame for frame in map(pl.read_parquet, files) if {*self.schema} <= {*frame.columns}]
        held = pl.concat(
            [pl.DataFrame(schema=self.schema), *(one.select(list(self.schema)) for one in frames)]
        )
        return held.unique(self.grain, keep="first", maintain_order=True).sort(self.grain)


def kept_backtests(home: Path) -> KeptScores:
    """Backtests (`forecasts.backtest.ACCURACY_SCHEMA`), a file for each set of years and months."""
    grain = ["method", "source", "basis", "line_code", "months_elapsed", "fiscal_year"]
    return KeptScores(home / "backtests", ACCURACY_SCHEMA, grain, ("fiscal_year", "months_elapsed"))


def kept_scorecards(home: Path) -> KeptScores:
    """One scorecard (`early_warning.scorecard.SCORECARD_SCHEMA`): its pooled rows are of its own years."""
    return KeptScores(home / "scorecards", SCORECARD_SCHEMA, ["rule_code", "fiscal_year"])


def _span(scores: pl.DataFrame, column: str) -> str:
    return "-".join(str(value) for value in sorted(set(scores[column])))
