"""Assets that hold what is known against something else: two offices' books, two nights, two estimates."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from assets.declared import table_asset, table_out
from assets.metadata import counted, shown
from assets.office import Office, night_of
from authorities.model import ALL, Authority
from warehouse import marts
from warehouse.estimate_versions import estimate_versions
from warehouse.ledger import AnyFrame, as_known, in_effect
from warehouse.office_calendar import is_working_day
from warehouse.reconciliation import Reconciled, breaks, coverage, reconcile, summary
from warehouse.revisions import compared_nights, restatements
from warehouse.tables import marts as declared


def reconciliation_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """Reconciliation with its summary, restatement, and versions of estimates."""
    return [_reconciliation(nights), _restatement(nights), _estimate_version(nights)]


def _reconciliation(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    broken, summed = declared.MART_RECONCILIATION_BREAK, declared.MART_RECONCILIATION_SUMMARY

    @dg.multi_asset(
        name="reconcile_books",
        outs={broken.name: table_out(broken), summed.name: table_out(summed)},
        partitions_def=nights,
        group_name="marts",
    )
    def reconcile_books(
        context: dg.AssetExecutionContext,
        office: Office,
        core_receipt: pl.LazyFrame,
        core_tax_collection: pl.LazyFrame,
    ) -> Iterator[dg.Output[pl.DataFrame]]:
        as_of, authority = night_of(context), office.authority
        books = books_of(authority, as_of, core_receipt, core_tax_collection)
        found = marts.at_the_edge(breaks(authority, as_of, books), broken, authority)
        whole = marts.at_the_edge(summary(as_of, books), summed, authority)
        kinds = whole.filter(pl.col("unit_key") == ALL).drop("as_of", "publication_id", "unit_key")
        yield dg.Output(found, output_name=broken.name, metadata=counted(found))
        yield dg.Output(whole, output_name=summed.name, metadata=counted(whole, kinds=shown(kinds)))

    return reconcile_books


def books_of(authority: Authority, as_of: dt.date, receipts: AnyFrame, tax: AnyFrame) -> Reconciled:
    """Both offices' books as known on a night, held against one another."""
    ours = as_known(receipts.lazy(), as_of).filter(~pl.col("is_cumulative"))
    theirs = as_known(tax.lazy(), as_of).collect(engine="streaming")
    first = theirs["scope_from"].min()
    days = pl.Series(dtype=pl.Date)
    if isinstance(first, dt.date):
        span = (first + dt.timedelta(days=n) for n in range((as_of - first).days + 1))
        days = pl.Series([day for day in span if is_working_day(authority, day)], dtype=pl.Date)
    return reconcile(authority, ours, theirs, coverage(ours, theirs, days))


def _restatement(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    table = declared.MART_RESTATEMENT

    @table_asset(nights, table)
    def restatement(
        context: dg.AssetExecutionContext,
        office: Office,
        core_receipt: pl.LazyFrame,
        core_quarantine: pl.DataFrame,
    ) -> dg.MaterializeResult:
        as_of, authority = night_of(context), office.authority
        published = [made.as_of for made in office.warehouse().publications()]
        start = authority.fiscal_year_start(authority.fiscal_year(as_of))
        earlier = compared_nights(published, as_of, start)
        rows = restatements(authority, core_receipt, core_quarantine, earlier, as_of)
        mart = marts.at_the_edge(rows, table, authority)
        return dg.MaterializeResult(
            value=mart, metadata=counted(mart, nights_compared=", ".join(map(str, earlier)) or "none")
        )

    return restatement


def _estimate_version(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    table = declared.MART_ESTIMATE_VERSION

    @table_asset(nights, table)
    def estimate_version(
        context: dg.AssetExecutionContext,
        office: Office,
        core_estimate: pl.DataFrame,
        core_spending_estimate: pl.DataFrame,
    ) -> dg.MaterializeResult:
        as_of = night_of(context)
        revenue, spending = (
            in_effect(as_known(ledger, as_of), as_of) for ledger in (core_estimate, core_spending_estimate)
        )
        mart = marts.at_the_edge(estimate_versions(as_of, revenue, spending), table, office.authority)
        return dg.MaterializeResult(value=mart, metadata=counted(mart))

    return estimate_version
