"""``wardcast backtest``: how good would each method's year-ends have been, on an authority's own history.

Reads the landing folder the way a night does, without Dagster and without publishing; the scoring is in
``forecasts.backtest``, what the nights make of it in ``assets.accuracy``.
"""

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from assets.accuracy import backtest_digest, closed_years, scored_years
from assets.forecasts import forecast_problem
from assets.kept_scores import kept_backtests
from forecasts.seam import ForecastProblem
from pipelines.landed import landed_books
from pipelines.settings import Places, code_version
from warehouse.known import known_estimates, known_receipts
from warehouse.office_estimates import office_statements


class BacktestError(Exception):
    """The backtest cannot be run as asked; the message says what would be right."""


def years_of(text: str) -> range:
    """Fiscal years from ``2016:2020`` (both ends included) or ``2019``."""
    found = re.fullmatch(r"(\d{4})(?::(\d{4}))?", text.strip())
    if not found:
        raise BacktestError(f"years '{text}' are not understood; write 2016:2020 or 2019")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise BacktestError(f"years '{text}' run backwards; write {last}:{first}")
    return range(first, last + 1)


def months_of(text: str) -> list[int]:
    """Months elapsed at the origins from ``3,6,9``."""
    try:
        months = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise BacktestError(f"months '{text}' are not understood; write 3,6,9") from error
    if not months or not all(1 <= month <= 11 for month in months):
        raise BacktestError(f"months '{text}' must lie between 1 and 11")
    return sorted(set(months))


def run_backtest(
    places: Places, as_of: dt.date, years: Sequence[int] | None, months: Sequence[int]
) -> tuple[pl.DataFrame, Path]:
    """Scores of every method by basis, line, origin month and year, from what was known on ``as_of``.

    Without ``years`` the last closed ones are scored. The scores are kept in the home, and the nights that
    they fit publish them in ``mart_forecast_accuracy``.

    Returns:
        The columns of ``mart_forecast_accuracy`` (errors with their low and high ends, coverage in percent),
        and where they are kept.

    Raises:
        BacktestError: none of the years is complete in the history.
    """
    authority = places.authority
    asked = closed_years(authority, as_of) if years is None else years
    problem, estimates = landed_problem(places, as_of)
    scores = scored_years(authority, problem, estimates, asked, months)
    if scores.is_empty():
        raise BacktestError(
            f"no year of {asked[0]}–{asked[-1]} is complete in the history known on {as_of} with two years "
            "before it; name other --years"
        )
    digest = backtest_digest(authority, problem, estimates, code_version())
    return scores, kept_backtests(places.home).keep(digest, scores)


def landed_problem(places: Places, as_of: dt.date) -> tuple[ForecastProblem, pl.DataFrame]:
    """What the engine would be asked on the night ``as_of`` of the landing folder, and all years' estimates
    by basis; nothing is published."""
    authority, books = places.authority, landed_books(places, as_of)
    receipts = known_receipts(authority, books.receipts, books.quarantine, as_of)
    estimates = known_estimates(authority, books.estimates, as_of)
    said = office_statements(authority, books.office_estimates, as_of)
    problem = forecast_problem(authority, as_of, receipts, estimates, books.statements, said)
    return problem, estimates


def summary(scores: pl.DataFrame) -> pl.DataFrame:
    """Errors of units' totals on the territory to three places, a row a method and origin month.

    Methods of the same years stand together, the most years first: of other years, other errors.
    """
    whole = scores.filter(pl.col("line_code") == "ALL", pl.col("basis") == "territory")
    weighted = [
        ((pl.col(name) * pl.col("n")).sum() / pl.col("n").filter(pl.col(name).is_not_null()).sum()).alias(
            name
        )
        for name in ("wape_pct", "mape_pct", "crps", "coverage80_pct", "brier")
    ]
    year = pl.col("fiscal_year").unique().sort()
    return (
        whole.group_by("months_elapsed", "method")
        .agg(year.alias("years"), *(column.round(3) for column in weighted))
        .sort(
            "months_elapsed",
            pl.col("years").list.len(),
            pl.col("years").list.first(),
            "wape_pct",
            descending=[False, True, False, False],
        )
        .with_columns(pl.col("years").list.eval(pl.element().cast(pl.String)).list.join(" "))
    )
