"""What past nights said of the year's end, asked of the warehouse and given back in minor units.

The same on every engine, through its history of nights. What is made of it is in ``forecasts.news`` and
``forecasts.track_record``.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl
from sqlalchemy import Table

from authorities.model import Authority
from warehouse.engines import Publication, Warehouse
from warehouse.projections import polars_schema
from warehouse.publication_register import Register
from warehouse.tables.marts import MART_YEAR_END_FORECAST

BASE = "base"


@dataclass(frozen=True)
class PublishedNight:
    """A night's current publication, and its year-ends in the base scenario (``published_year_ends``)."""

    publication: Publication
    year_ends: pl.DataFrame


def last_published(warehouse: Warehouse, authority: Authority, before: date) -> PublishedNight | None:
    """The last published night before ``before``; None where there is none."""
    earlier = {night: one for night, one in _current(warehouse).items() if night < before}
    if not earlier:
        return None
    night = max(earlier)
    return PublishedNight(earlier[night], published_year_ends(warehouse, authority, [night]))


def published_nights(warehouse: Warehouse, before: date) -> list[date]:
    """The published nights before ``before``, first to last."""
    return sorted(night for night in _current(warehouse) if night < before)


def _current(warehouse: Warehouse) -> dict[date, Publication]:
    return Register(warehouse.publications()).current()


def published_year_ends(warehouse: Warehouse, authority: Authority, nights: Collection[date]) -> pl.DataFrame:
    """Rows of ``mart_year_end_forecast`` of ``nights``, base scenario, amounts in minor units (integers).

    As each night stands published now: a superseded publication of a night is none of its history.
    """
    rows = warehouse.read_nights(MART_YEAR_END_FORECAST.name, nights, scenario=BASE)
    return in_minor_units(rows, MART_YEAR_END_FORECAST, authority)


def in_minor_units(frame: pl.DataFrame, table: Table, authority: Authority) -> pl.DataFrame:
    """A mart's frame with its declared money back in integer minor units."""
    money = [name for name, kind in polars_schema(table).items() if isinstance(kind, pl.Decimal)]
    scale = pl.lit(Decimal(authority.settings.currency.minor_per_unit))
    return frame.with_columns((pl.col(name).cast(pl.Decimal(38, 2)) * scale).cast(pl.Int64) for name in money)
