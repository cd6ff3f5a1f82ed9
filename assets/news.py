"""The asset that tells why tonight's year-ends are not those published before.

The previous night is made again from the ledger's own memory of what was known then; nothing is kept for it.
What is forecast again, and what not, is decided in ``forecasts.news``.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
import polars as pl

from assets.declared import table_asset
from assets.forecasts import forecast_problem
from assets.metadata import counted, shown
from assets.office import Office, night_of
from authorities.model import ALL, Authority
from forecasts.news import NEWS_SCHEMA, forecast_news, left_over, steps_between
from forecasts.seam import ForecastProblem
from warehouse import marts
from warehouse.ledger import AnyFrame, as_known, flows
from warehouse.positions import basis_receipts
from warehouse.published import BASE, PublishedNight, in_minor_units, last_published
from warehouse.restatement import restated_since
from warehouse.tables import marts as declared

_KEYS = ["unit_key", "line_code", "basis"]
_ADDS_UP = "causes_add_up"


@dataclass(frozen=True)
class News:
    """Causes by row (``forecasts.news.NEWS_SCHEMA``), the night compared with, what does not add up, and how
    many forecasts it took."""

    rows: pl.DataFrame
    previous: dt.date | None
    left_over: pl.DataFrame
    forecasts: int


def news_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """``mart_forecast_news``."""
    return [_news(nights)]


def _news(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    table = declared.MART_FORECAST_NEWS
    check = dg.AssetCheckSpec(
        _ADDS_UP,
        asset=table.name,
        description="The causes of each year-end add up to its change since the night published before",
    )

    @table_asset(nights, table, layer="forecast", group="forecasts", checks=[check])
    def news(
        context: dg.AssetExecutionContext,
        office: Office,
        core_receipt: pl.LazyFrame,
        night_receipts: pl.DataFrame,
        night_estimates: pl.DataFrame,
        extract_statement: pl.DataFrame,
        night_office_estimates: pl.DataFrame,
        mart_year_end_forecast: pl.DataFrame,
    ) -> dg.MaterializeResult:
        authority, as_of = office.authority, night_of(context)
        told = news_since(
            authority,
            last_published(office.warehouse(), authority, as_of),
            forecast_problem(
                authority, as_of, night_receipts, night_estimates, extract_statement, night_office_estimates
            ),
            in_minor_units(mart_year_end_forecast, declared.MART_YEAR_END_FORECAST, authority),
            core_receipt,
            extract_statement,
            office.code_version,
        )
        nights_named = told.rows.with_columns(
            as_of=pl.lit(as_of), previous_as_of=pl.lit(told.previous, pl.Date)
        )
        mart = marts.at_the_edge(nights_named, table, authority)
        whole = mart.filter(unit_key=ALL, line_code=ALL, basis="territory").select("cause", "amount")
        return dg.MaterializeResult(
            value=mart,
            metadata=counted(mart, authority_territory=shown(whole), forecasts_made_again=told.forecasts),
            check_results=[_check(told)],
        )

    return news


def news_since(
    authority: Authority,
    last: PublishedNight | None,
    tonight: ForecastProblem,
    year_ends: pl.DataFrame,
    ledger: AnyFrame,
    statements: pl.DataFrame,
    code_version: str,
) -> News:
    """What moved the year-ends since ``last``; nothing where no night was published before.

    Args:
        year_ends: tonight's ``mart_year_end_forecast`` in minor units.
        ledger: ``core_receipt``, superseded rows included.
        statements: ``extract_statement``.
    """
    if last is None or last.year_ends.is_empty():
        return News(pl.DataFrame(schema=NEWS_SCHEMA), None, pl.DataFrame(schema=NEWS_SCHEMA), 0)
    previous = last.publication.as_of
    rebuilt = _problem_then(authority, previous, tonight, as_known(ledger.lazy(), previous), statements)
    anew = restated_since(ledger, previous, tonight.as_of)
    restated = None if anew is None else _problem_then(authority, previous, tonight, anew, statements)
    if restated is not None and restated.history.equals(rebuilt.history):
        restated = None  # a file sent again with the same figures
    same_code = last.publication.code_version == code_version
    steps, rest = steps_between(
        rebuilt,
        restated,
        tonight,
        same_configuration=last.publication.config_sha256 == authority.config_sha256,
        as_published=same_code and _is_published(rebuilt, last),
    )
    before, after = _means(last.year_ends), _means(year_ends)
    rows = forecast_news(before, after, steps, rest)
    return News(rows, previous, left_over(rows, before, after), len(steps))


def _problem_then(
    authority: Authority, night: dt.date, tonight: ForecastProblem, known: pl.LazyFrame,
    statements: pl.DataFrame,
) -> ForecastProblem:  # fmt: skip
    """The problem of an earlier night from ledger rows, on tonight's units; without estimates."""
    moved = flows(known, ["unit_key", "item_code", "line_code"], authority.settings.fiscal_year_start_month)
    receipts = basis_receipts(authority, moved.filter(pl.col("posting_date") <= night), tonight.as_of)
    no_estimates = pl.DataFrame(
        schema={
            **dict.fromkeys(["unit_key", "line_code", "basis", "estimate_version"], pl.String),
            "fiscal_year": pl.Int32,
            "amount": pl.Int64,
        }
    )
    ordered = receipts.sort("unit_key", "line_code", "basis", "posting_date")
    return forecast_problem(authority, night, ordered, no_estimates, statements, tonight.office)


def _is_published(rebuilt: ForecastProblem, last: PublishedNight) -> bool:
    """Whether the year's receipts are those of the publication, unit by unit and line by line."""
    assert rebuilt.collected is not None  # noqa: S101 - a night's problem always has it
    sums = rebuilt.collected.group_by(_KEYS).agg(pl.col("amount").sum())
    then = sums.filter(pl.col("amount") != 0)
    said = last.year_ends.filter(
        pl.col("unit_key") != ALL, pl.col("line_code") != ALL, pl.col("collected_amount") != 0
    ).select(*_KEYS, pl.col("collected_amount").alias("amount"))
    return then.height == said.height == then.join(said, on=[*_KEYS, "amount"], how="semi").height


def _means(year_ends: pl.DataFrame) -> pl.DataFrame:
    base = year_ends.filter(pl.col("scenario") == BASE)
    return base.select(*_KEYS, pl.col("mean_amount").alias("amount"))


def _check(told: News) -> dg.AssetCheckResult:
    example = told.left_over.head(1).rows(named=True)
    return dg.AssetCheckResult(
        passed=told.left_over.is_empty(),
        check_name=_ADDS_UP,
        asset_key=declared.MART_FORECAST_NEWS.name,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows_that_do_not_add_up": told.left_over.height},
        description=f"What moved since {told.previous} does not add up, such as {example[0]}: do not quote "
        "it, and report it as a defect"
        if example
        else None,
    )
