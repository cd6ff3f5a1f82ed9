"""Engines: the seam between the pipeline and whatever database holds the marts.

What every engine can do (``Warehouse``), what a publication is, and the choice of an engine by URL. How
DuckDB does it is in ``warehouse.publication``, how PostgreSQL does in ``warehouse.postgres``; a further
engine implements the same protocol.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import polars as pl
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

KEPT_DAYS = 35
EXAMPLE_URL = "duckdb:////full/path/wardcast.duckdb"
POSTGRES_EXAMPLE_URL = "postgresql+psycopg://user@host/database"
# DuckDB takes these for patterns when it reads Parquet, and a URL ends at a question mark.
_PATTERN_CHARACTERS = "*?[]"

StepListener = Callable[[str], None]


class WarehouseError(Exception):
    """The warehouse cannot do what was asked; the message says why and what to do."""


class UnknownPublicationError(WarehouseError):
    """There is no such publication, or its rows are past retention; the message names those there are."""

    def __init__(self, publication_id: str, shown: str, held: Collection[str], *, known: bool) -> None:
        why = "is past its retention and its rows are gone" if known else "is not known"
        there_are = ", ".join(held) or "none yet"
        super().__init__(f"publication {publication_id} {why} in {shown}; there are: {there_are}")


class WarehouseBusyError(WarehouseError):
    """Another publisher holds the warehouse; waiting helps."""


@dataclass(frozen=True)
class PublicationFacts:
    """What the caller knows of a publication before it exists. ``published_at`` bears a time zone."""

    run_id: str
    code_version: str
    config_sha256: str
    published_at: datetime
    checks_passed: int
    checks_failed: int


@dataclass(frozen=True)
class Publication:
    """One row of the table ``publication``."""

    publication_id: str
    as_of: date
    published_at: datetime
    run_id: str
    code_version: str
    config_sha256: str
    rows: int
    checks_passed: int
    checks_failed: int


class Warehouse(Protocol):
    """What the pipeline asks of an engine. What goes wrong is a ``WarehouseError``, save a frame
    that is not of its declared shape (``projections.SchemaMismatchError``)."""

    def check_writable(self) -> None:
        """Raise now what a publication would raise later for want of a folder or rights."""

    def upgrade(self, code_version: str) -> list[str]:
        """Bring a warehouse of an older version up to this code's declaration, in place and without loss.

        Returns what was done, a line each; none where nothing was to do. A newer one is refused.
        """

    def publish(
        self,
        night: date,
        marts: Mapping[str, pl.DataFrame],
        dimensions: Mapping[str, pl.DataFrame],
        facts: PublicationFacts,
    ) -> Publication:
        """Publish all marts of ``night`` together, or none."""

    def read_mart(self, name: str, as_of: date | None = None) -> pl.DataFrame:
        """A mart, dimension or ``publication``: all nights, or one."""

    def read_publication(self, name: str, publication_id: str) -> pl.DataFrame:
        """A mart as one publication has it, superseded or not, in declared shape and sorted by its grain."""

    def read_nights(self, name: str, nights: Collection[date], **where: str) -> pl.DataFrame:
        """Several nights of a mart as they are published now, rows whose columns hold ``where``; no rows of
        nights that are not published."""

    def publications(self) -> tuple[Publication, ...]:
        """All publications ever made, first to last; those past retention are listed too."""

    def latest_publication(self) -> Publication | None:
        """The publication made last, whichever its night; None before the first."""

    def previous_warnings(self, before: date) -> pl.DataFrame:
        """``mart_warning`` of the last published night before ``before``; no rows where there is none."""

    def query(self, sql: str) -> pl.DataFrame:
        """Result of one reading statement. Plain table names give all nights, ``latest.x`` the newest."""


def warehouse_url(path: Path) -> str:
    """URL of the embedded warehouse at ``path``."""
    return f"duckdb:///{path.absolute()}"


def open_warehouse(
    url: str, *, kept_days: int = KEPT_DAYS, nights_kept_days: int | None = None,
    at_step: StepListener | None = None,
) -> Warehouse:  # fmt: skip
    """The warehouse behind ``url``. Nothing is created or opened before it is used.

    ``kept_days``: days for which a superseded publication stays readable. ``nights_kept_days``: days for
    which nights other than month-ends stay, counted back from the newest; None for ever. ``at_step`` is told
    the name of each step of a publication as it begins, for progress.

    Raises:
        WarehouseError: for a URL that no engine takes, or a place that cannot be a warehouse.
    """
    parsed = _parsed(url)
    engine = parsed.get_backend_name()
    if engine == "postgresql":
        from warehouse.postgres import PostgresWarehouse

        return PostgresWarehouse(url, kept_days=kept_days, nights_kept_days=nights_kept_days, at_step=at_step)
    if engine != "duckdb":
        raise WarehouseError(
            f"warehouse engine '{engine}' is not supported; use {EXAMPLE_URL} or {POSTGRES_EXAMPLE_URL}"
        )
    from warehouse.publication import DuckDBWarehouse

    return DuckDBWarehouse(
        _duckdb_path(url, parsed), kept_days=kept_days, nights_kept_days=nights_kept_days, at_step=at_step
    )


def shown_url(url: str) -> str:
    """``url`` as it may be shown and logged: the password in it, if any, is ``***``."""
    return _parsed(url).render_as_string(hide_password=True)


def bears_password(url: str) -> bool:
    """Whether a password stands in ``url``; what is no URL is told where it is opened."""
    try:
        return bool(_parsed(url).password)
    except WarehouseError:
        return False


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # Neither shown whole nor chained: it may hold a password all the same.
        shown = re.sub("//.*@", "//***@", url)
        raise WarehouseError(f"warehouse '{shown}' is no URL; write it as {EXAMPLE_URL}") from None


def _duckdb_path(url: str, parsed: URL) -> Path:
    if not parsed.database or parsed.database == ":memory:":
        raise WarehouseError(f"warehouse '{url}' names no file; write it as {EXAMPLE_URL}")
    if parsed.query or any(character in parsed.database for character in _PATTERN_CHARACTERS):
        raise WarehouseError(
            f"warehouse '{url}': the path may not hold any of {_PATTERN_CHARACTERS}; choose another folder"
        )
    return Path(parsed.database).absolute()
