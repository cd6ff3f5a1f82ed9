"""Assets on how good the forecasts are: the backtest kept in the home, and the mart that each night shows.

A backtest takes minutes and has a job of its own; the night takes up what was kept and fits. The track record
of what was really published is scored anew each night, as the past may be stated anew.
"""

import datetime as dt
from collections.abc import Sequence

import dagster as dg
import polars as pl

from assets.declared import table_asset
from assets.forecasts import SEED, forecast_problem
from assets.kept_scores import kept_backtests
from assets.metadata import counted, shown, tags
from assets.office import Office, night_of
from authorities.model import ALL, Authority
from forecasts.backtest import ACCURACY_SCHEMA, backtest
from forecasts.fingerprint import fingerprint
from forecasts.seam import ForecastProblem
from forecasts.track_record import nights_to_score, track_record, year_ends
from warehouse import marts
from warehouse.bases import bases_of
from warehouse.engines import Warehouse
from warehouse.positions import with_totals
from warehouse.published import published_nights, published_year_ends
from warehouse.tables import marts as declared

BACKTEST = "forecast_backtest"
"""Asset of the backtest; no part of a night."""
YEARS, MONTHS = 4, (3, 6, 9)
"""Closed years and months of origin that the backtest's own job scores."""


def accuracy_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """The backtest and ``mart_forecast_accuracy``."""
    return [_backtest(nights), _accuracy(nights)]


def _backtest(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        name=BACKTEST,
        partitions_def=nights,
        group_name="forecasts",
        description=f"The last {YEARS} closed years forecast again from months {', '.join(map(str, MONTHS))} "
        "by every method; kept in the home for the nights to come",
        tags=tags("forecast"),
    )
    def forecast_backtest(
        context: dg.AssetExecutionContext,
        office: Office,
        night_receipts: pl.DataFrame,
        night_estimates: pl.DataFrame,
        extract_statement: pl.DataFrame,
        night_office_estimates: pl.DataFrame,
    ) -> dg.MaterializeResult:
        authority, as_of = office.authority, night_of(context)
        problem = forecast_problem(
            authority, as_of, night_receipts, night_estimates, extract_statement, night_office_estimates
        )
        scores = scored_years(authority, problem, night_estimates, closed_years(authority, as_of), MONTHS)
        digest = backtest_digest(authority, problem, night_estimates, office.code_version)
        path = kept_backtests(office.home_folder).keep(digest, scores) if scores.height else None
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": scores.height,
                "kept": str(path),
                "errors": shown(_errors(scores), 60),
            }
        )

    return forecast_backtest


def closed_years(authority: Authority, as_of: dt.date) -> range:
    """The last fiscal years before that of ``as_of``, as many as a backtest scores by itself."""
    year = authority.fiscal_year(as_of)
    return range(year - YEARS, year)


def scored_years(
    authority: Authority,
    problem: ForecastProblem,
    estimates: pl.DataFrame,
    years: Sequence[int],
    months: Sequence[int],
) -> pl.DataFrame:
    """Scores (``forecasts.backtest.ACCURACY_SCHEMA``) on the authority's bases; no rows where no year serves.

    Args:
        estimates: ``night_estimates``; each year's initial version is what shortfalls are judged by.
    """
    scores = backtest(problem, years, months, estimates=_by_year(estimates))
    return scores.filter(pl.col("basis").is_in(bases_of(authority)))


def backtest_digest(
    authority: Authority, problem: ForecastProblem, estimates: pl.DataFrame, code_version: str
) -> str:
    """Under which digest a backtest of these inputs is kept."""
    return fingerprint(problem, _by_year(estimates), authority.config_sha256, code_version)


def _by_year(estimates: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Initial estimates with their totals, a frame a fiscal year."""
    initial = estimates.filter(pl.col("estimate_version") == "initial")
    return {
        int(year[0]): with_totals(part.drop("fiscal_year"), ["basis", "estimate_version"], ["amount"]).rename(
            {"amount": "estimate_amount"}
        )
        for year, part in initial.group_by("fiscal_year")
    }


def _accuracy(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    table = declared.MART_FORECAST_ACCURACY

    @table_asset(nights, table)
    def accuracy(
        context: dg.AssetExecutionContext,
        office: Office,
        night_receipts: pl.DataFrame,
        night_estimates: pl.DataFrame,
        extract_statement: pl.DataFrame,
        night_office_estimates: pl.DataFrame,
    ) -> dg.MaterializeResult:
        authority, as_of = office.authority, night_of(context)
        problem = forecast_problem(
            authority, as_of, night_receipts, night_estimates, extract_statement, night_office_estimates
        )
        digest = backtest_digest(authority, problem, night_estimates, office.code_version)
        kept = kept_backtests(office.home_folder).fitting(digest)
        published = published_record(authority, office.warehouse(), problem, night_receipts)
        lines = [line.line_code for line in authority.lines]
        rows = pl.concat([kept, published]).filter(pl.col("line_code").is_in([*lines, ALL]))
        mart = marts.at_the_edge(rows, table, authority)
        by_source = rows.group_by("source").len("rows").sort("source")
        return dg.MaterializeResult(
            value=mart, metadata=counted(mart, sources=shown(by_source), errors=shown(_errors(rows), 60))
        )

    return accuracy


def published_record(
    authority: Authority, warehouse: Warehouse, problem: ForecastProblem, receipts: pl.DataFrame
) -> pl.DataFrame:
    """Scores of what past nights published, for fiscal years over by the problem's last complete day.

    Args:
        receipts: ``night_receipts``: what came, as known tonight.
    """
    month = authority.settings.fiscal_year_start_month
    nights = published_nights(warehouse, problem.as_of)
    chosen = nights_to_score(nights, month, problem.last_complete_day)
    came = year_ends(receipts, month) if chosen.height else receipts
    records = [
        track_record(published_year_ends(warehouse, authority, part["as_of"].to_list()), came, part, SEED)
        for part in chosen.partition_by("fiscal_year", maintain_order=True)
    ]
    return pl.concat([pl.DataFrame(schema=ACCURACY_SCHEMA), *records])


def _errors(rows: pl.DataFrame) -> pl.DataFrame:
    """What the UI shows: the authority's errors over all lines on the territory."""
    whole = rows.filter(pl.col("line_code") == ALL, pl.col("basis") == "territory")
    return whole.select("source", "method", "fiscal_year", "months_elapsed", "n", "wape_pct", "crps").sort(
        "source", "fiscal_year", "months_elapsed", "wape_pct"
    )
