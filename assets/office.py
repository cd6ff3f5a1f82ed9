"""The office that a run works for: its authority, folders and warehouse, as one Dagster resource.

Everything that comes from outside (folders, URL, clock) enters here; assets get it by name.
"""

import datetime as dt
from functools import cached_property
from pathlib import Path

import dagster as dg
from upath import UPath

from assets.frames import lake_at
from authorities.loading import load_authority
from authorities.model import Authority
from extracts.pseudonyms import KEY_VARIABLE, PseudonymKey, pseudonym_key
from warehouse.engines import Warehouse, open_warehouse


class Office(dg.ConfigurableResource[None]):
    """Where an authority's files come from and go to.

    Attributes:
        authority_folder: folder of the authority's configuration.
        landing: folder in which extracts arrive.
        home: folder in which everything written lies.
        warehouse_url: SQLAlchemy URL of the warehouse.
        code_version: version of the code, recorded with each publication.
        forecast_workers: where forecasts are made: a number of processes, or a Dask scheduler's address.
        lake: folder or URL of the frames between steps; empty: in the home.
    """

    authority_folder: str
    landing: str
    home: str
    warehouse_url: str
    code_version: str
    forecast_workers: str = "1"
    lake: str = ""

    @cached_property
    def authority(self) -> Authority:
        """The validated authority."""
        return load_authority(Path(self.authority_folder))

    @property
    def landing_folder(self) -> Path:
        """Where extracts arrive."""
        return Path(self.landing)

    @property
    def home_folder(self) -> Path:
        """Where everything written lies."""
        return Path(self.home)

    @property
    def lake_folder(self) -> UPath:
        """Where the frames between steps lie."""
        return lake_at(self.lake or str(self.home_folder / "lake"))

    @property
    def raw_store(self) -> Path:
        """Where raw rows are kept, for the owner's eyes only."""
        return self.home_folder / "raw"

    @property
    def staged_store(self) -> Path:
        """Where staged rows are kept; they can always be made again from the raw rows."""
        return self.home_folder / "staged"

    def pseudonym_key(self) -> PseudonymKey:
        """The secret behind taxpayers' pseudonyms: the environment's, else the home's own."""
        return pseudonym_key(self.raw_store, dg.EnvVar(KEY_VARIABLE).get_value())

    @property
    def bulletin_folder(self) -> Path:
        """Where the bulletins lie, a folder a night and ``latest``."""
        return self.home_folder / "bulletin"

    def url_named(self, variable: str) -> str | None:
        """URL of a database that extracts come from, as the environment has it when it is asked."""
        return dg.EnvVar(variable).get_value()

    def warehouse(self) -> Warehouse:
        """The warehouse, opened for one publication or reading."""
        settings = self.authority.settings
        return open_warehouse(
            self.warehouse_url,
            kept_days=settings.publications_kept_days,
            nights_kept_days=settings.nights_kept_days,
        )


def night_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> dt.date:
    """The night that a partition stands for."""
    return dt.date.fromisoformat(context.partition_key)
