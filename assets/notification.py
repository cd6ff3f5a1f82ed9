"""The asset that tells the roles of the published night's warnings. A channel that fails fails no night."""

import datetime as dt
from collections.abc import Callable, Sequence

import dagster as dg

from assets.metadata import tags
from assets.office import Office, night_of
from early_warning.channels import Channel
from early_warning.notification import Notified, notify
from warehouse.tables.marts import MART_WARNING, PUBLICATION

NOTIFICATION = "notification"
CHANNELS_REACHED = "channels_reached"


def notification_assets(
    nights: dg.PartitionsDefinition[str],
    channels: Sequence[Channel],
    due_night: Callable[[dt.datetime], dt.date],
    bulletin_of: Callable[[dt.date], str],
) -> Sequence[dg.AssetsDefinition]:
    """The notification through ``channels``.

    Args:
        due_night: which night is due at a moment.
        bulletin_of: where a night's bulletin lies: a path or URL.
    """

    @dg.asset(
        name=NOTIFICATION,
        partitions_def=nights,
        group_name="publication",
        deps=[PUBLICATION.name],
        description="Roles told of the night's warnings: a digest a role and channel, what is severe at once",
        check_specs=[
            dg.AssetCheckSpec(
                CHANNELS_REACHED,
                asset=NOTIFICATION,
                description="Every message went out, tonight's and those that were left without a result",
            )
        ],
        tags=tags("message"),
    )
    def notification(context: dg.AssetExecutionContext, office: Office) -> dg.MaterializeResult:
        night, now = night_of(context), dt.datetime.now(dt.UTC)
        warnings = office.warehouse().read_mart(MART_WARNING.name, night)
        try:
            told = notify(
                office.home_folder, office.authority, night, warnings, channels, now, due_night(now),
                bulletin_of(night),
            )  # fmt: skip
        except OSError as error:
            told = Notified(failed=(f"the record of what was sent cannot be written ({error.strerror})",))
        return dg.MaterializeResult(
            metadata={"told": dg.MetadataValue.md("\n".join(f"- {line}" for line in told.lines()))},
            check_results=[_reached(told)],
        )

    return [notification]


def _reached(told: Notified) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not told.failed,
        check_name=CHANNELS_REACHED,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(told.failed) or None,
    )
