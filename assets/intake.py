"""Assets of the first stretch: the register of files with their kept raw rows, and the staged rows."""

import datetime as dt
from collections.abc import Sequence
from functools import partial

import dagster as dg
import polars as pl
from upath import UPath

from assets.declared import table_asset
from assets.frames import frames_of, read_frame
from assets.metadata import FRAME, columns_of, counted, counted_plan, shown, tags
from assets.office import Office, night_of
from assets.retries import may_pass, retry_or_fail
from authorities.forms import DATASETS, Dataset
from authorities.model import ALL, Authority
from expectations.validation import with_broken_rule
from extracts.erasure import erase_taxpayers
from extracts.intake import scan_dataset, take_in
from extracts.landing import LandingError
from extracts.problems import ExtractError
from warehouse.tables.declare import Table
from warehouse.tables.ledger import CORE_DELIVERY
from warehouse.tables.staging import STAGED

_SUMS = ("source_file", "amount_received", "amount_total_row")
_SHOWN_FILES = 5
_SHARE_RETRIES = 2
_SHARE_WAIT_SECONDS = 5
"""A network share that is away for a moment."""


def intake_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """The register and one staged asset a dataset."""
    return [_raw_delivery(nights), *(_staged(nights, dataset, STAGED[dataset]) for dataset in DATASETS)]


def _raw_delivery(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    checks = [
        dg.AssetCheckSpec(
            "whole_extracts_readable",
            asset="raw_delivery",
            blocking=True,
            description="No extract of the whole authority is damaged unless a later one is good",
        ),
        dg.AssetCheckSpec(
            "unit_reports_readable",
            asset="raw_delivery",
            description="No unit's own report is damaged; the other units go on without it",
        ),
        dg.AssetCheckSpec(
            "all_files_claimed",
            asset="raw_delivery",
            description="Every file in the landing folder is claimed by a form",
        ),
        dg.AssetCheckSpec(
            "no_file_has_gone",
            asset="raw_delivery",
            description="Every file that the run before had read still counts, archived or not",
        ),
        dg.AssetCheckSpec(
            "files_add_up",
            asset="raw_delivery",
            description="The rows of each file add up to its own totals row, where it has one",
        ),
    ]

    @dg.asset(
        name="raw_delivery",
        partitions_def=nights,
        dagster_type=FRAME,
        group_name="raw",
        metadata=columns_of(CORE_DELIVERY),
        check_specs=checks,
        tags=tags("raw"),
        description="Every file in the landing folder: who claims it, when it came, what became of it. "
        "Its raw rows are kept beside, unchanged.",
    )
    def raw_delivery(context: dg.AssetExecutionContext, office: Office) -> dg.MaterializeResult:
        try:
            register = take_in(
                office.authority, office.landing_folder, office.raw_store, night_of(context), office.url_named
            )
            erased = _erase_taxpayers(office, register, night_of(context))
        except (LandingError, ExtractError) as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        except OSError as error:
            said = f"an extract could not be read or its rows not kept: {error}"
            raise retry_or_fail(
                context,
                said,
                retries=_SHARE_RETRIES if may_pass(error) else 0,
                wait_seconds=_SHARE_WAIT_SECONDS,
            ) from error
        if not (register["status"] == "read").any():
            raise dg.Failure(_nothing_read(office, register), allow_retries=False)
        statuses = register.group_by("status").agg(pl.len().alias("files")).sort("status")
        return dg.MaterializeResult(
            value=register,
            metadata={**counted(register), "files": shown(statuses), "files_without_names_since_now": erased},
            check_results=[*_delivery_checks(register, office.authority), _gone_check(office, register)],
        )

    return raw_delivery


def _erase_taxpayers(office: Office, register: pl.DataFrame, night: dt.date) -> int:
    kept_days = office.authority.settings.taxpayers_kept_days
    return erase_taxpayers(office.raw_store, register, night, kept_days, office.pseudonym_key())


def _delivery_checks(register: pl.DataFrame, authority: Authority) -> list[dg.AssetCheckResult]:
    broken = register.filter(pl.col("status") == "unreadable")
    whole = broken.filter(pl.col("unit_key") == ALL)
    mended = register.filter(pl.col("status") == "read", pl.col("scope_to").is_not_null()).select(
        "dataset", "scope_from", "scope_to", pl.col("delivery_order").alias("_later")
    )
    standing = (
        whole.join(mended, on=["dataset", "scope_from", "scope_to"], how="left")
        .filter((pl.col("_later") > pl.col("delivery_order")).fill_null(value=False))
        .select("delivery_id", "source_file")
    )
    open_whole = whole.join(standing, on=["delivery_id", "source_file"], how="anti")
    unclaimed = register.filter(pl.col("status") == "unclaimed")
    return [
        _problems("whole_extracts_readable", open_whole, dg.AssetCheckSeverity.ERROR),
        _problems(
            "unit_reports_readable", broken.filter(pl.col("unit_key").is_null()), dg.AssetCheckSeverity.WARN
        ),
        _problems("all_files_claimed", unclaimed, dg.AssetCheckSeverity.WARN),
        _problems("files_add_up", _not_adding_up(register, authority), dg.AssetCheckSeverity.WARN),
    ]


def _nothing_read(office: Office, register: pl.DataFrame) -> str:
    """Why a night without any extract is refused: it would publish zeros over good figures."""
    told = [problem for problem in register["problem"].unique().sort() if problem][:_SHOWN_FILES]
    return "\n  ".join(
        [
            f"none of the {register.height} files in {office.landing_folder} could be read as an extract "
            "that had arrived by this night. Check the folder, the file names and the night",
            *told,
        ]
    )


def _gone_check(office: Office, register: pl.DataFrame) -> dg.AssetCheckResult:
    """Files that the run before had read and that were overwritten: what they stated is not counted now."""
    before = sorted(frames_of(office.lake_folder, "raw_delivery"), key=_written)
    gone: list[str] = []
    if before:
        earlier = read_frame(before[-1]).filter(pl.col("status") == "read")
        # By its bytes: a file may be renamed; one that was archived is in the register all the same.
        gone = sorted(earlier.filter(~pl.col("sha256").is_in(register["sha256"].implode()))["source_file"])
    more = f" and {len(gone) - _SHOWN_FILES} more" if len(gone) > _SHOWN_FILES else ""
    return dg.AssetCheckResult(
        passed=not gone,
        check_name="no_file_has_gone",
        asset_key="raw_delivery",
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(gone)} files that the run before had read were overwritten, and what they stated "
        f"is no longer counted: {', '.join(gone[:_SHOWN_FILES])}{more}. Put them back, and give a correction "
        "a name or a dated folder of its own"
        if gone
        else None,
        metadata={"files": len(gone)},
    )


def _written(path: UPath) -> float:
    return float(path.stat().st_mtime)


def _not_adding_up(register: pl.DataFrame, authority: Authority) -> pl.DataFrame:
    """Files whose rows differ from their own totals row, in either direction, by more than the tolerance."""
    currency = authority.settings.currency
    difference = pl.col("amount_received") - pl.col("amount_total_row")
    tolerance = int(authority.settings.completeness.total_tolerance * currency.minor_per_unit)
    off = register.filter(pl.col("status") == "read", difference.abs() > tolerance)
    unit = currency.minor_per_unit
    said = [
        f"{file}: its rows add up to {rows / unit:,.2f} {currency.code}, its own total says "
        f"{total / unit:,.2f}. Rows may be missing, repeated or unreadable; ask the sender"
        for file, rows, total in off.select(_SUMS).iter_rows()
    ]
    return off.with_columns(pl.Series("problem", said, dtype=pl.String))


def _problems(name: str, rows: pl.DataFrame, severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    told = rows["problem"].unique().sort().to_list()
    return dg.AssetCheckResult(
        passed=not told,
        check_name=name,
        asset_key="raw_delivery",
        severity=severity,
        description="\n".join(told) or None,
        metadata={"files": len(told)},
    )


def _staged(nights: dg.PartitionsDefinition[str], dataset: Dataset, table: Table) -> dg.AssetsDefinition:
    @table_asset(nights, table, layer="staging", group="staging")
    def staged(office: Office, raw_delivery: pl.DataFrame) -> dg.MaterializeResult:
        rows = scan_dataset(
            office.authority, dataset, raw_delivery, office.raw_store, office.staged_store,
            partial(with_broken_rule, dataset), office.pseudonym_key(),
        )  # fmt: skip
        return dg.MaterializeResult(value=rows, metadata=counted_plan(rows, office.authority))

    return staged
