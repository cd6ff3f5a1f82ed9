"""Assets of the warnings: people's acts, messages that went out, the night's cases and their causes."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from assets.declared import table_out
from assets.metadata import FRAME, counted, shown, tags
from assets.office import Office, night_of
from early_warning.acts import read_acts
from early_warning.night import MARTS, Night
from early_warning.notification_journal import sendings_frame
from early_warning.rules import Before, find_warnings
from warehouse.engines import Warehouse
from warehouse.published import published_nights
from warehouse.tables import marts as declared

WARNING_MARTS = (declared.MART_WARNING, declared.MART_WARNING_WATCH, declared.MART_WARNING_CAUSE)
_ACTS_READABLE = "acts_can_be_read"


def warning_assets(nights: dg.PartitionsDefinition[str]) -> Sequence[dg.AssetsDefinition]:
    """People's acts and messages sent, then cases, watch and causes."""
    return [_acts(nights), _sendings(nights), _warnings(nights)]


def _acts(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    check = dg.AssetCheckSpec(
        _ACTS_READABLE, asset="warning_act", description="Every line of the file of human acts can be read"
    )

    @dg.asset(
        partitions_def=nights, dagster_type=FRAME, group_name="warnings", check_specs=[check],
        tags=tags("warnings"),
    )  # fmt: skip
    def warning_act(office: Office) -> dg.MaterializeResult:
        """What people decided about warnings, whenever: the night heeds what was known to it."""
        read = read_acts(office.home_folder)
        told = dg.AssetCheckResult(
            passed=not read.broken,
            check_name=_ACTS_READABLE,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"broken_lines": len(read.broken)},
            description="; ".join(read.broken) + ". Say what was meant again with wardcast warnings"
            if read.broken
            else None,
        )
        return dg.MaterializeResult(value=read.acts, metadata=counted(read.acts), check_results=[told])

    return warning_act


def _sendings(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.asset(partitions_def=nights, dagster_type=FRAME, group_name="warnings", tags=tags("warnings"))
    def sent_message(office: Office) -> dg.MaterializeResult:
        """What was sent to whom, whenever, and what became of it: the night heeds the nights before."""
        sendings = sendings_frame(office.home_folder)
        return dg.MaterializeResult(value=sendings, metadata=counted(sendings))

    return sent_message


def _warnings(nights: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="find_warnings",
        outs={table.name: table_out(table) for table in WARNING_MARTS},
        ins={name: dg.AssetIn(key=name) for name in MARTS},
        partitions_def=nights,
        group_name="warnings",
    )
    def find(
        context: dg.AssetExecutionContext,
        office: Office,
        night_receipts: pl.DataFrame,
        warning_act: pl.DataFrame,
        sent_message: pl.DataFrame,
        **marts: pl.DataFrame,
    ) -> Iterator[dg.Output[pl.DataFrame]]:
        night = Night(office.authority, night_of(context), marts, night_receipts, sent_message)
        found = find_warnings(night, published_before(office.warehouse(), night), warning_act)
        states = found.warnings.group_by("rule_code", "severity", "state").agg(pl.len().alias("cases"))
        kinds = found.causes.group_by("cause_kind").agg(pl.len().alias("rows"), pl.col("amount").sum())
        seen = {
            declared.MART_WARNING.name: {"cases": shown(states.sort("rule_code", "state"), 40)},
            declared.MART_WARNING_CAUSE.name: {"kinds": shown(kinds.sort("cause_kind"))},
        }
        frames = (found.warnings, found.watch, found.causes)
        for table, frame in zip(WARNING_MARTS, frames, strict=True):
            yield dg.Output(
                frame, output_name=table.name, metadata=counted(frame, **seen.get(table.name, {}))
            )

    return find


def published_before(warehouse: Warehouse, night: Night) -> Before:
    """Warnings and watch of the last published night before ``night``."""
    earlier = published_nights(warehouse, night.as_of)
    last = earlier[-1] if earlier else None
    nights = [] if last is None else [last]
    return Before(
        last,
        warehouse.previous_warnings(night.as_of),
        warehouse.read_nights(declared.MART_WARNING_WATCH.name, nights),
    )
