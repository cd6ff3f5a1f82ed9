"""Assets from staged rows to the ledger: Great Expectations accept or quarantine, the ledger remembers.

The accepted rows are an asset of their own between staging and ledger: a blocking check stops what is
downstream of it, not the write of the asset itself.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
import polars as pl

from assets.declared import table_asset
from assets.metadata import FRAME, PLAN, counted, counted_plan, money, shown, tags
from assets.office import Office, night_of
from authorities.forms import DATASETS, Dataset
from authorities.model import Authority
from expectations.documents import document
from expectations.suites import explanation_of, suite_of
from expectations.validation import ExpectationResult, Validation, counting_rows, settle
from extracts.completeness import empty_statements
from warehouse.accounting import account_of_files
from warehouse.ledger import build_quarantine, ledger_rows
from warehouse.projections import refuse_nulls
from warehouse.tables.ledger import LEDGER, QUARANTINE
from warehouse.tables.staging import STAGED

VALIDATED = "validation_"
"""Opens the name of what a dataset's expectations found."""
_SHOWN = ("expectation", "kind", "is_met", "evaluated", "unexpected")
_TYPES = "declared_types_hold"
_CONSERVED = "rows_are_accounted_for"
_ACCOUNTED = "files_are_accounted_for"
_SHAPE_CHECKS = {
    _TYPES: "Every column of the staged rows holds what its declaration says",
    _CONSERVED: "Accepted, unallocated and refused rows and money add up to what was staged",
}


def ledger_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """For each dataset the judged rows and the ledger, and one quarantine for all."""
    datasets = [asset for dataset in DATASETS for asset in (_judged(nights, dataset), _core(nights, dataset))]
    return [*datasets, _quarantine(nights)]


def _judged(nights: dg.PartitionsDefinition[str], dataset: Dataset) -> dg.AssetsDefinition:
    accepted, unallocated, refused = f"accepted_{dataset}", f"unallocated_{dataset}", f"refused_{dataset}"
    findings = f"{VALIDATED}{dataset}"
    names = [rule.rule for rule in suite_of(dataset)]
    specs = [
        dg.AssetCheckSpec(name, asset=accepted, description=explanation_of(dataset, name)) for name in names
    ]
    specs += [
        dg.AssetCheckSpec(name, asset=accepted, blocking=True, description=description)
        for name, description in _SHAPE_CHECKS.items()
    ]

    @dg.multi_asset(
        name=f"judge_{dataset}",
        ins={"staged": dg.AssetIn(key=STAGED[dataset].name)},
        outs={
            accepted: dg.AssetOut(
                dagster_type=dg.Nothing,
                description="Rows that broke no rule: how many; they lie in the ledger",
                tags=tags("quality"),
            ),
            unallocated: dg.AssetOut(
                dagster_type=dg.Nothing,
                description="Rows that count, but have no known place: how many; they lie in the ledger",
                tags=tags("quality"),
            ),
            refused: dg.AssetOut(
                dagster_type=FRAME,
                description="Rows that broke a rule, without their content",
                tags=tags("quality"),
            ),
            findings: dg.AssetOut(
                dagster_type=FRAME,
                description="What each expectation found: counts and money, no values",
                tags=tags("quality"),
            ),
        },
        partitions_def=nights,
        group_name="quality",
        check_specs=specs,
    )
    def judged(
        office: Office, staged: pl.LazyFrame
    ) -> Iterator[dg.Output[pl.DataFrame | None] | dg.AssetCheckResult]:
        verdict = settle(dataset, staged)
        for name, sums in ((accepted, verdict.sums["accepted"]), (unallocated, verdict.sums["unallocated"])):
            told = {"dagster/partition_row_count": sums.rows, **money(office.authority, amount=sums.amount)}
            yield dg.Output(None, output_name=name, metadata=told)
        yield dg.Output(
            verdict.refused, output_name=refused, metadata=counted(verdict.refused, office.authority)
        )
        found = document(verdict)
        yield dg.Output(
            found, output_name=findings, metadata={**counted(found), "found": shown(found.select(_SHOWN))}
        )
        yield from _check_results(office.authority, accepted, names, verdict)

    return judged


def _check_results(
    authority: Authority, asset: str, rules: Sequence[str], verdict: Validation
) -> list[dg.AssetCheckResult]:
    """A check a rule, one for all declared types, one for conservation."""
    by_name = {result.rule: result for result in verdict.results if result.kind == "row"}
    conserved = [result for result in verdict.results if result.kind == "conservation"]
    types = [result for result in verdict.results if result.kind == "shape"]
    return [
        *(_rule_result(authority, asset, by_name[name], verdict.quarantine) for name in rules),
        _blocking_result(asset, _TYPES, types),
        _blocking_result(asset, _CONSERVED, conserved),
    ]


def _rule_result(
    authority: Authority, asset: str, result: ExpectationResult, refused: pl.DataFrame
) -> dg.AssetCheckResult:
    places = rows_in_files(refused.filter(pl.col("rule") == result.rule))
    return dg.AssetCheckResult(
        passed=result.success,
        check_name=result.rule,
        asset_key=asset,
        severity=dg.AssetCheckSeverity.WARN,
        description=None if result.success else f"{places}. {result.explanation}",
        metadata={
            "rows": result.evaluated,
            "rows_refused": result.unexpected,
            **money(authority, refused_amount=result.unexpected_amount),
        },
    )


def rows_in_files(refused: pl.DataFrame, limit: int = 5) -> str:
    """Where refused rows stand, for a clerk to find them: file, sheet and row, the first few files named."""
    by_file = (
        refused.group_by("source_file", "sheet")
        .agg(pl.len().alias("rows"), pl.col("row_number").min().alias("first"))
        .sort("source_file", "sheet")
    )
    told = [
        f"{file}{f', sheet {sheet}' if sheet else ''}, row {first}"
        + (f" and {rows - 1} more" if rows > 1 else "")
        for file, sheet, rows, first in by_file.head(limit).iter_rows()
    ]
    rest = [f"{by_file.height - limit} more files"] if by_file.height > limit else []
    return "; ".join(told + rest)


def _blocking_result(asset: str, name: str, results: Sequence[ExpectationResult]) -> dg.AssetCheckResult:
    failed = [result for result in results if not result.success]
    return dg.AssetCheckResult(
        passed=not failed,
        check_name=name,
        asset_key=asset,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{result.column}: {result.explanation}" for result in failed) or None,
        metadata={"expectations": len(results), "failed": len(failed)},
    )


def _core(nights: dg.PartitionsDefinition[str], dataset: Dataset) -> dg.AssetsDefinition:
    table = LEDGER[dataset]

    @table_asset(
        nights,
        table,
        layer="ledger",
        group="ledger",
        ins={
            "refused": dg.AssetIn(key=f"refused_{dataset}"),
            "staged": dg.AssetIn(key=STAGED[dataset].name),
        },
        deps=[f"accepted_{dataset}", f"unallocated_{dataset}"],
        checks=[
            dg.AssetCheckSpec(
                _ACCOUNTED,
                asset=table.name,
                blocking=True,
                description="Of every file: rows received = accepted + quarantined + superseded + recognised "
                "as no data",
            )
        ],
    )
    def core(
        context: dg.AssetExecutionContext,
        office: Office,
        refused: pl.DataFrame,
        staged: pl.LazyFrame,
        raw_delivery: pl.DataFrame,
    ) -> dg.MaterializeResult:
        empty = empty_statements(office.authority, dataset, raw_delivery)
        ledger = ledger_rows(dataset, counting_rows(dataset, staged), staged, empty)
        refuse_nulls(ledger, table)
        superseded = pl.col("superseded_at").count().alias("rows_superseded")
        account = account_of_files(dataset, raw_delivery, ledger, refused, night_of(context))
        return dg.MaterializeResult(
            value=ledger,
            metadata=counted_plan(ledger, office.authority, superseded),
            check_results=[_account_result(table.name, account)],
        )

    return core


def _account_result(asset: str, account: pl.DataFrame) -> dg.AssetCheckResult:
    off = account.filter(pl.col("rows_unaccounted") != 0)
    sums = {name: int(account[name].sum()) for name in account.columns if name.startswith("rows_")}
    said = [
        f"{file}: {received} rows received, {unaccounted} of them unaccounted for. This is a defect: "
        "keep the file and report it"
        for file, received, unaccounted in off.select(
            "source_file", "rows_received", "rows_unaccounted"
        ).iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=off.is_empty(),
        check_name=_ACCOUNTED,
        asset_key=asset,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n".join(said) or None,
        metadata={"files": account.height, **sums},
    )


def _quarantine(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    refused = {f"refused_{dataset}": dg.AssetIn(key=f"refused_{dataset}") for dataset in DATASETS}
    staged = {
        f"stg_{dataset}": dg.AssetIn(key=STAGED[dataset].name, dagster_type=PLAN) for dataset in DATASETS
    }

    @table_asset(nights, QUARANTINE, layer="ledger", group="ledger", ins={**refused, **staged})
    def core_quarantine(office: Office, raw_delivery: pl.DataFrame, **frames: Any) -> dg.MaterializeResult:
        rows = pl.concat(
            build_quarantine(
                dataset,
                frames[f"refused_{dataset}"],
                frames[f"stg_{dataset}"],
                empty_statements(office.authority, dataset, raw_delivery),
            )
            for dataset in DATASETS
        )
        by_rule = rows.group_by("dataset", "rule", "outcome").agg(
            pl.len().alias("rows"), pl.col("amount").sum()
        )
        return dg.MaterializeResult(
            value=rows,
            metadata=counted(rows, office.authority, rules=shown(by_rule.sort("dataset", "rule"))),
        )

    return core_quarantine
