"""Everything Dagster loads: assets with their checks, the job, the schedule, the sensors and resources.

Built by a function with overrides; importing this module reads no environment and no file. What an asset does
is in ``assets``; here it only gets its time, place and resources.
"""

import dagster as dg

from assets.accuracy import BACKTEST, accuracy_assets
from assets.balance import balance_assets
from assets.bulletin import bulletin_assets
from assets.forecasts import forecast_assets
from assets.frames import lake_at
from assets.intake import intake_assets
from assets.lake import LakeIOManager
from assets.ledger import ledger_assets
from assets.news import news_assets
from assets.notification import notification_assets
from assets.office import Office
from assets.positions import position_assets
from assets.publication import publication_assets
from assets.reconciliation import reconciliation_assets
from assets.scorecard import REPLAY, scorecard_assets
from assets.succession import succession_assets
from assets.warnings import warning_assets
from pipelines.home import lake_of_held_home
from pipelines.progress import console_lines
from pipelines.schedules import backtest_schedule, nightly_schedule, scorecard_schedule
from pipelines.sensors import watching_sensors
from pipelines.settings import Places, Settings, code_version
from warehouse.engines import bears_password

NIGHTLY = "nightly"
BACKTEST_JOB = "backtest"
SCORECARD_JOB = "scorecard"
PUBLICATION = "publication"
"""Asset whose materialization means that a night is published."""
AUTHORITY_TAG = "wardcast/authority"


def build_definitions(places: Places, lake: dg.IOManagerDefinition | None = None) -> dg.Definitions:
    """Definitions for one authority at its places.

    ``lake`` replaces the plain lake in its home, which is for callers that hold the home themselves.
    """
    nights = nights_of(places)
    assets = [
        *intake_assets(nights),
        *ledger_assets(nights),
        *position_assets(nights),
        *reconciliation_assets(nights),
        *succession_assets(nights),
        *forecast_assets(nights),
        *balance_assets(nights),
        *warning_assets(nights),
        *news_assets(nights),
        *accuracy_assets(nights),
        *scorecard_assets(nights),
        *publication_assets(nights),
        *bulletin_assets(nights),
        *notification_assets(nights, places.channels, places.default_night, places.bulletin_of),
    ]
    job = dg.define_asset_job(
        NIGHTLY,
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(BACKTEST, REPLAY),
        executor_def=dg.in_process_executor,
        tags={AUTHORITY_TAG: places.authority.code},
        description="One night, from files to bulletin",
    )
    backtest = dg.define_asset_job(
        BACKTEST_JOB,
        selection=dg.AssetSelection.assets(BACKTEST).upstream().required_multi_asset_neighbors(),
        executor_def=dg.in_process_executor,
        tags={AUTHORITY_TAG: places.authority.code},
        description="Past years forecast again and scored; the nights that follow show it. Takes minutes",
    )
    scorecard = dg.define_asset_job(
        SCORECARD_JOB,
        selection=dg.AssetSelection.assets(REPLAY).upstream().required_multi_asset_neighbors(),
        executor_def=dg.in_process_executor,
        tags={AUTHORITY_TAG: places.authority.code},
        description="Past years watched again by the warning rules and scored; the nights that follow show "
        "it. Takes minutes",
    )
    office = Office(
        authority_folder=str(places.authority.folder.absolute()),
        landing=str(places.landing),
        home=str(places.home),
        lake=places.lake,
        warehouse_url=_shown_in_the_ui(places.warehouse_url),
        code_version=code_version(),
        forecast_workers=places.forecast_workers,
    )
    return dg.Definitions(
        assets=assets,
        jobs=[job, backtest, scorecard],
        schedules=[
            nightly_schedule(job, places),
            backtest_schedule(backtest, places),
            scorecard_schedule(scorecard, places),
        ],
        sensors=watching_sensors(job, places),
        resources={"office": office, "io_manager": lake or LakeIOManager(lake_at(places.lake))},
        executor=dg.in_process_executor,
        loggers={"console": console_lines},
    )


def _shown_in_the_ui(url: str) -> str:
    """The warehouse's URL as a resource's configuration, which Dagster's UI shows.

    A password in it, which only the environment can have given, stays there and is read from there.
    """
    return dg.EnvVar("WARDCAST_WAREHOUSE") if bears_password(url) else url


def nights_of(places: Places) -> dg.DailyPartitionsDefinition:
    """A partition a night, from the authority's first one to yesterday in its time zone."""
    settings = places.authority.settings
    return dg.DailyPartitionsDefinition(
        start_date=settings.first_night.isoformat(), timezone=settings.time_zone
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What ``workspace.yaml`` loads, for the authority that the environment names; its runs hold the home."""
    places = Places(Settings())
    return build_definitions(places, lake_of_held_home(places))
