"""Where a run finds its authority, files, home and warehouse: options, then environment, then defaults.

The environment is read here and nowhere else, when asked, never at import.
"""

import datetime as dt
import os
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from authorities.loading import DEFAULT_AUTHORITY, find_authority, load_authority
from authorities.model import Authority
from early_warning.channels import Channel, channels_of


class Settings(BaseSettings):
    """What can be said from outside; each also as an environment variable ``WARDCAST_…``."""

    model_config = SettingsConfigDict(env_prefix="WARDCAST_", frozen=True)

    authority: Path = DEFAULT_AUTHORITY
    landing: Path | None = None
    home: Path | None = None
    warehouse: str | None = None
    lake: str | None = None
    forecast_workers: str = "1"
    bulletin_url: str | None = None
    heartbeat_file: Path | None = None
    heartbeat_url: SecretStr | None = None


class Places:
    """Settings made whole: the loaded authority and every place of a run."""

    def __init__(self, settings: Settings) -> None:
        self.authority: Authority = load_authority(find_authority(settings.authority))
        self.home: Path = (settings.home or Path("var") / self.authority.code).absolute()
        self.uses_sample: bool = settings.landing is None and self.authority.settings.sample is not None
        self.sample: Path = self.home / "sample"
        default_landing = self.sample / "landing" if self.uses_sample else self.home / "landing"
        self.landing: Path = (settings.landing or default_landing).absolute()
        self.warehouse_url: str = settings.warehouse or f"duckdb:///{self.home / 'wardcast.duckdb'}"
        self.lake: str = settings.lake or str(self.home / "lake")
        self.forecast_workers: str = settings.forecast_workers
        self.dagster_home: Path = self.home / "dagster"
        self.channels: tuple[Channel, ...] = channels_of(os.environ)
        self.bulletin: str = (settings.bulletin_url or str(self.home / "bulletin")).rstrip("/")
        self.heartbeat_file: Path | None = settings.heartbeat_file
        self.heartbeat_url: SecretStr | None = settings.heartbeat_url

    def bulletin_of(self, night: dt.date) -> str:
        """Where readers find a night's bulletin: below the URL that the environment names, else its path."""
        return f"{self.bulletin}/{night}/index.html"

    def default_night(self, now: dt.datetime) -> dt.date:
        """The sample's own night for the sample; yesterday in the authority's time zone otherwise."""
        sample = self.authority.settings.sample
        if self.uses_sample and sample is not None:
            return sample.as_of
        local = now.astimezone(ZoneInfo(self.authority.settings.time_zone))
        return local.date() - dt.timedelta(days=1)


def code_version() -> str:
    """Version of the installed code."""
    return version("wardcast")
