"""Assets on how good the warnings are: past years watched again, kept in the home, and the mart of a night.

The replay takes minutes and has a job of its own, as the backtest has; the night takes up what was kept and
fits.
"""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterator, Sequence

import dagster as dg
import polars as pl

from assets.accuracy import closed_years
from assets.declared import table_asset
from assets.forecasts import SEED
from assets.kept_scores import kept_scorecards
from assets.metadata import counted, shown, tags
from assets.office import Office, night_of
from assets.past_nights import Books, past_nights, year_ends
from authorities.model import Authority
from early_warning.night import Night
from early_warning.replay import only_scored, replayed
from early_warning.scorecard import ALL_YEARS, scorecard
from forecasts.batches import BatchMap, batch_map
from warehouse import marts
from warehouse.ledger import by_day
from warehouse.tables import marts as declared

REPLAY = "warning_replay"
"""Asset of the replay; no part of a night."""
FORECAST_EVERY = 15
"""Days from one forecast to the next in a replay, unless told."""


def scorecard_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """The replay and ``mart_warning_scorecard``."""
    return [_replay(nights), _scorecard(nights)]


def _replay(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(
        name=REPLAY,
        partitions_def=nights,
        group_name="warnings",
        description="The last closed years watched again night by night by today's warning rules, and "
        "scored; kept in the home for the nights to come",
        tags=tags("warnings"),
    )
    def warning_replay(
        context: dg.AssetExecutionContext,
        office: Office,
        core_receipt: pl.LazyFrame,
        core_estimate: pl.DataFrame,
        core_office_estimate: pl.DataFrame,
        core_quarantine: pl.DataFrame,
        extract_statement: pl.DataFrame,
    ) -> dg.MaterializeResult:
        authority, as_of = office.authority, night_of(context)
        books = Books(core_receipt, core_estimate, core_office_estimate, core_quarantine, extract_statement)
        years = closed_years(authority, as_of)
        with batch_map(office.forecast_workers) as batches:
            scores = scored_warnings(authority, books, as_of, years, FORECAST_EVERY, batches)
        digest = scorecard_digest(authority, books, as_of, office.code_version)
        path = kept_scorecards(office.home_folder).keep(digest, scores) if scores.height else None
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": scores.height, "kept": str(path), "scores": shown(_in_short(scores), 40),
            }
        )  # fmt: skip

    return warning_replay


def scored_warnings(
    authority: Authority,
    books: Books,
    as_of: dt.date,
    years: Collection[int],
    every: int = FORECAST_EVERY,
    batches: BatchMap | None = None,
) -> pl.DataFrame:
    """Scores (``early_warning.scorecard.SCORECARD_SCHEMA``) of the rules as they are today, on past years.

    Years that cannot be scored (not over, without estimates or without receipts to their end) are left out;
    no rows where none serves.

    Args:
        every: days from one forecast to the next.
    """
    ends = year_ends(authority, books, as_of, years)
    watched = only_scored(authority)
    served = sorted(set(ends["fiscal_year"]))

    def nights() -> Iterator[Night]:
        for year in served:
            yield from past_nights(watched, books, year, every, batches)

    return scorecard(authority, replayed(nights()), ends, SEED)


def scorecard_digest(authority: Authority, books: Books, as_of: dt.date, code_version: str) -> str:
    """Under which digest a scorecard of these books is kept: what they say of the years closed by ``as_of``,
    and when that was learned; configuration and code. What came since the last year closed is no part of it.
    """
    closed = authority.fiscal_year(as_of) - 1
    end = authority.fiscal_year_end(closed)
    forms = [form.form_code for form in authority.forms if form.dataset == "receipt"]
    digest = hashlib.sha256("|".join((authority.config_sha256, code_version, str(SEED))).encode())
    frames = [
        by_day(books.receipts.lazy().filter(pl.col("posting_date") <= end)),
        books.estimates.filter(pl.col("fiscal_year") <= closed),
        books.office_estimates.filter(pl.col("recorded_at") <= end),
        books.quarantine.filter(pl.col("dataset") == "receipt", pl.col("posting_date") <= end),
        books.statements.filter(pl.col("scope_to") <= end, pl.col("form_code").is_in(forms)),
    ]
    for frame in frames:
        digest.update(frame.select(sorted(frame.columns)).sort(pl.all()).write_csv().encode())
    return digest.hexdigest()


def _scorecard(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    table = declared.MART_WARNING_SCORECARD

    @table_asset(nights, table)
    def warning_scorecard(
        context: dg.AssetExecutionContext,
        office: Office,
        core_receipt: pl.LazyFrame,
        core_estimate: pl.DataFrame,
        core_office_estimate: pl.DataFrame,
        core_quarantine: pl.DataFrame,
        extract_statement: pl.DataFrame,
    ) -> dg.MaterializeResult:
        authority, kept = office.authority, kept_scorecards(office.home_folder)
        books = Books(core_receipt, core_estimate, core_office_estimate, core_quarantine, extract_statement)
        digest = ""
        if kept.has_any:  # the digest reads every row of the past
            digest = scorecard_digest(authority, books, night_of(context), office.code_version)
        rows = kept.fitting(digest) if digest else pl.DataFrame(schema=kept.schema)
        mart = marts.at_the_edge(rows, table, authority)
        return dg.MaterializeResult(value=mart, metadata=counted(mart, scores=shown(_in_short(rows), 40)))

    return warning_scorecard


def _in_short(scores: pl.DataFrame) -> pl.DataFrame:
    """What the UI shows: all years together."""
    names = ["rule_code", "hits", "misses", "false_alarms", "precision", "recall", "median_lead_days"]
    return scores.filter(fiscal_year=ALL_YEARS).select(*names, "false_alarms_per_unit_year", "usefulness")
