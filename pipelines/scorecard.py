"""``wardcast warnings scorecard``: how good would today's warning rules have been in past years.

Reads the landing folder the way a night does, without Dagster and without publishing. The scoring is in
``early_warning.scorecard``, the nights watched again in ``assets.past_nights``.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from assets.accuracy import closed_years
from assets.kept_scores import kept_scorecards
from assets.scorecard import scorecard_digest, scored_warnings
from early_warning.scorecard import ALL_YEARS
from forecasts.batches import batch_map
from pipelines.landed import landed_books
from pipelines.settings import Places, code_version


class ScorecardError(Exception):
    """The scorecard cannot be made as asked; the message says what would be right."""


def run_scorecard(
    places: Places, as_of: dt.date, years: Sequence[int] | None, every: int
) -> tuple[pl.DataFrame, Path]:
    """Scores of every rule by year and of all years, from what is known on ``as_of``.

    Without ``years`` the last closed ones are scored. The scores are kept in the home, and the nights that
    they fit publish them in ``mart_warning_scorecard``.

    Args:
        every: days from one forecast to the next in the replay.

    Returns:
        The columns of ``mart_warning_scorecard``, and where they are kept.

    Raises:
        ScorecardError: none of the years can be scored.
    """
    authority = places.authority
    asked = closed_years(authority, as_of) if years is None else years
    books = landed_books(places, as_of)
    with batch_map(places.forecast_workers) as batches:
        scores = scored_warnings(authority, books, as_of, asked, every, batches)
    if scores.is_empty():
        version = authority.settings.warning_scorecard.event.estimate_version
        raise ScorecardError(
            f"no year of {asked[0]}–{asked[-1]} can be scored as known on {as_of}: it must be over, with "
            f"receipts to its end and an estimate (version '{version}') for its units; name other --years"
        )
    digest = scorecard_digest(authority, books, as_of, code_version())
    return scores, kept_scorecards(places.home).keep(digest, scores)


def summary(scores: pl.DataFrame) -> pl.DataFrame:
    """All years together: a row a rule, shares as percent with their ranges."""
    whole = scores.filter(fiscal_year=ALL_YEARS)
    return whole.select(
        "rule_code",
        "unit_years",
        "hits",
        "misses",
        "false_alarms",
        *(_with_range(name, 100, "%") for name in ("precision", "recall")),
        _with_range("median_lead_days", 1, ""),
        pl.col("false_alarms_per_unit_year").round(2).alias("false_per_unit_year"),
        pl.col("usefulness").round(2),
        "mid_year_hits",
        "mid_year_false_alarms",
    ).sort("usefulness", "rule_code", descending=[True, False], nulls_last=True)


def _with_range(name: str, scale: int, unit: str) -> pl.Expr:
    value, low, high = (
        (pl.col(column) * scale).round(0).cast(pl.Int64) for column in (name, f"{name}_low", f"{name}_high")
    )
    return pl.format("{}{} ({}–{})", value, pl.lit(unit), low, high).alias(name)
