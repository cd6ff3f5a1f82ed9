"""Past nights made again from the ledger's own memory, for the rules to watch: what was known then, no more.

Receipts, estimates, deliveries and what offices said count from the day on which they were recorded, measures
from the day on which they were announced. Every figure comes from the functions that the nights' assets call.
"""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import polars as pl

from assets.forecasts import forecast_problem, marts_of
from assets.positions import night_dates
from authorities.model import ALL, Authority
from early_warning.night import Night
from early_warning.replay import NEEDED_MARTS
from early_warning.scorecard import YEAR_END_SCHEMA
from forecasts.batches import BatchMap
from forecasts.seam import forecast_year_end
from warehouse import arrivals, marts
from warehouse.known import known_estimates, known_receipts
from warehouse.ledger import AnyFrame
from warehouse.office_estimates import office_statements
from warehouse.positions import Night as NightDates
from warehouse.positions import positions

_FORECAST = ("mart_year_end_forecast", "mart_shock_effect")
"""Of the marts that the rules need, those that a forecast makes."""


@dataclass(frozen=True)
class Books:
    """What a past night is made from: ledgers with their superseded rows, and what was stated when.

    Attributes:
        receipts, estimates, office_estimates: ``core_receipt``, ``core_estimate``, ``core_office_estimate``.
        quarantine: ``core_quarantine``.
        statements: ``extract_statement``.
    """

    receipts: AnyFrame
    estimates: pl.DataFrame
    office_estimates: pl.DataFrame
    quarantine: pl.DataFrame
    statements: pl.DataFrame


def past_nights(
    authority: Authority, books: Books, fiscal_year: int, every: int, batches: BatchMap | None = None
) -> Iterator[Night]:
    """Each night of a fiscal year as the scored rules would have seen it, in order.

    Args:
        every: days from one forecast to the next; on the nights between, the last one stands. 1 is what the
            nights themselves do.
    """
    first = authority.fiscal_year_start(fiscal_year)
    days = (authority.fiscal_year_end(fiscal_year) - first).days + 1
    forecast: dict[str, pl.DataFrame] | None = None
    for place in range(days):
        standing = forecast if place % every else None
        night = past_night(authority, books, first + dt.timedelta(days=place), standing, batches)
        forecast = {name: night.marts[name] for name in _FORECAST}
        yield night


def past_night(
    authority: Authority,
    books: Books,
    as_of: dt.date,
    standing: dict[str, pl.DataFrame] | None = None,
    batches: BatchMap | None = None,
) -> Night:
    """One night as it knew its books; with ``standing``, an earlier night's forecast instead of its own."""
    receipts = known_receipts(authority, books.receipts, books.quarantine, as_of)
    estimates = known_estimates(authority, books.estimates, as_of)
    forecast = standing
    if forecast is None:
        said = office_statements(authority, books.office_estimates, as_of)
        problem = forecast_problem(authority, as_of, receipts, estimates, books.statements, said)
        forecast = marts_of(authority, as_of, forecast_year_end(problem, batches=batches))
    made = forecast | _positions(authority, books, as_of, receipts, estimates)
    return Night(authority, as_of, {name: made[name] for name in NEEDED_MARTS}, receipts)


def _positions(
    authority: Authority, books: Books, as_of: dt.date, receipts: pl.DataFrame, estimates: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    complete = arrivals.complete_days(authority, books.statements, "receipt", as_of)
    rows = positions(authority, night_dates(authority, as_of, complete), receipts, estimates, complete)
    return {
        "mart_unit_position": marts.unit_position(authority, rows),
        "mart_line_position": marts.line_position(authority, rows),
    }


def year_ends(authority: Authority, books: Books, as_of: dt.date, years: Collection[int]) -> pl.DataFrame:
    """How fiscal years ended, as known on ``as_of`` (``YEAR_END_SCHEMA``), on the units of their last day.

    No row for a unit that did not stand the whole year, whose receipts do not reach its end, or that has no
    estimate of the scorecard's version. Years that are not over are left out.
    """
    over = [year for year in sorted(years) if authority.fiscal_year_end(year) <= as_of]
    version = authority.settings.warning_scorecard.event.estimate_version
    rows = [_year_end(authority, books, as_of, year, version) for year in over]
    return pl.concat([pl.DataFrame(schema=YEAR_END_SCHEMA), *rows])


def _year_end(authority: Authority, books: Books, as_of: dt.date, year: int, version: str) -> pl.DataFrame:
    start, end = authority.fiscal_year_start(year), authority.fiscal_year_end(year)
    receipts = known_receipts(authority, books.receipts, books.quarantine, as_of, until=end)
    estimates = known_estimates(authority, books.estimates, as_of, until=end)
    came = pl.min_horizontal("received_on", pl.lit(end))
    stated = books.statements.filter(pl.col("received_on") <= as_of).with_columns(received_on=came)
    complete = arrivals.complete_days(authority, stated, "receipt", end)
    rows = positions(authority, NightDates(end, end, year), receipts, estimates, complete)
    stood = [unit.unit_key for unit in authority.units_on(start) if unit.holds_on(end)]
    return rows.filter(
        pl.col("unit_key").is_in(stood),
        pl.col("line_code") == ALL,
        pl.col("estimate_version") == version,
        pl.col("estimate_amount").is_not_null(),
        pl.col("last_complete_day") >= end,
    ).select(
        "unit_key",
        "basis",
        pl.lit(year, pl.Int64).alias("fiscal_year"),
        "collected_amount",
        "estimate_amount",
    )
