"""Rows of marts as a bulletin gets them, for the nights the tests put together."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist
from typing import Any

import polars as pl

from authorities.model import Authority, AuthorityFile, RevenueItem, RevenueLine, Unit
from bulletins.night import Night
from bulletins.site import render_site, site_files
from warehouse.projections import conform, polars_schema
from warehouse.tables.dimensions import DIM_LINE, DIM_UNIT
from warehouse.tables.marts import MARTS

NIGHT = dt.date(2020, 6, 30)
MILLION = 1_000_000
TABLES = {table.name: table for table in (*MARTS, DIM_UNIT, DIM_LINE)}


Site = dict[str, bytes]
"""Files of a site by name."""


@dataclass
class NightlyInput:
    """What a site is made from, to be changed by a test before it is rendered."""

    authority: Authority
    marts: dict[str, pl.DataFrame]
    dimensions: dict[str, pl.DataFrame]
    publication: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)

    @property
    def night(self) -> Night:
        return Night(self.authority, self.marts, self.dimensions, self.publication, **self.beside)

    def know_until(self, day: dt.date) -> None:
        """The last day of which receipts are known."""
        positions = self.marts["mart_unit_position"]
        self.marts["mart_unit_position"] = positions.with_columns(pl.lit(day).alias("last_complete_day"))

    def change_settings(self, **changes: Any) -> None:
        settings = self.authority.settings.model_copy(update=changes)
        self.authority = self.authority.model_copy(update={"settings": settings})

    def render(self, *pages: str) -> Site:
        """The pages named, in every language; the overview where none is."""
        wanted = pages or ("index",)
        files = site_files(self.night)
        return {name: make() for name, make in files.items() if name.partition(".")[0] in wanted}

    def render_all(self) -> Site:
        return render_site(self.night)


def mart(name: str, rows: list[dict[str, Any]], as_of: dt.date = NIGHT) -> pl.DataFrame:
    """Rows of a mart, what a row leaves out null, publication_id set; receipts are known to the night."""
    table = TABLES[name]
    known = {"as_of": as_of, "publication_id": f"{as_of}.1", "last_complete_day": as_of}
    common = {column: value for column, value in known.items() if column in table.columns}
    return conform(
        pl.DataFrame([common | row for row in rows], schema=polars_schema(table), orient="row"), table
    )


def money(value: float | Decimal) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def chance_below(median: float, spread: float) -> float:
    """Chance that a normal year ends below 100%."""
    return NormalDist(median, spread / 1.2816).cdf(100.0)


def position(
    key: str, name: str, estimate: Decimal | None, collected: Decimal, same: float | None, pace: float | None
) -> dict[str, Any]:
    share = float(collected / estimate * 100) if estimate else None
    return {
        "unit_key": key,
        "unit_name": name,
        "estimate_version": "initial",
        "estimate_amount": estimate,
        "collected_amount": collected,
        "share_of_estimate_pct": share,
        "same_period_pct": same,
        "same_period_amount": money(float(collected) / same * 100) if same else None,
        "remaining_amount": estimate - collected if estimate else None,
        "pace_pct": pace,
        "pace_gap_pp": share - pace if share is not None and pace is not None else None,
        "is_below_half": None if share is None else share <= 50.0,
    }


def forecast(key: str, estimate: Decimal, median: float, spread: float, collected: Decimal) -> dict[str, Any]:
    def at(pct: float) -> Decimal:
        return money(float(estimate) * pct / 100)

    quantiles = {"p05": -1.28, "p10": -1.0, "p25": -0.53, "p50": 0.0, "p75": 0.53, "p90": 1.0, "p95": 1.28}
    return {
        "unit_key": key,
        "line_code": "ALL",
        "basis": "territory",
        "scenario": "base",
        "estimate_version": "initial",
        "estimate_amount": estimate,
        "collected_amount": collected,
        "mean_amount": at(median),
        **{f"{q}_amount": at(median + z * spread) for q, z in quantiles.items()},
        "shortfall_probability": chance_below(median, spread),
        "expected_shortfall_amount": at(3.0),
        "method": "structural",
        "fit_status": "full" if key != "00154@2004" else "pace: too few years",
    }


def dimension_frames(
    units: list[tuple[str, str]], lines: list[tuple[str, str, str]]
) -> dict[str, pl.DataFrame]:
    unit_rows = [
        {
            "unit_key": key,
            "unit_code": key.split("@")[0],
            "unit_name": name,
            "sort_order": place,
            "is_outside": False,
        }
        for place, (key, name) in enumerate(units)
    ]
    line_rows = [
        {
            "line_code": code,
            "name_vi": vi,
            "name_en": en,
            "is_own_revenue": True,
            "is_assumed": False,
            "sort_order": n,
        }
        for n, (code, vi, en) in enumerate([*lines, ("ALL", "Tổng thu", "All lines")])
    ]
    return {"dim_unit": mart("dim_unit", unit_rows), "dim_line": mart("dim_line", line_rows)}


def make_authority(settings: dict[str, Any], units: list[tuple[str, str]], **parts: Any) -> Authority:
    base = {"time_zone": "Asia/Ho_Chi_Minh", "first_night": "2013-01-01"}
    return Authority(
        folder=Path("anywhere"),
        settings=AuthorityFile.model_validate(base | settings),
        units=tuple(
            Unit(code=key.split("@")[0], name=name, valid_from=dt.date(2004, 1, 1)) for key, name in units
        ),
        lines=(RevenueLine(line_code="vat", name_vi="Thuế GTGT", name_en="VAT"),),
        items=(RevenueItem(item_code="1701", line_code="vat"),),
        forms=(),
        config_sha256="ab" * 32,
        **parts,
    )


def publication(as_of: dt.date = NIGHT) -> dict[str, Any]:
    return {
        "publication_id": f"{as_of}.1",
        "as_of": as_of,
        "run_id": "r",
        "code_version": "0.1.0",
        "config_sha256": "ab" * 32,
        "rows": 1000,
        "checks_passed": 40,
        "checks_failed": 0,
        "published_at": dt.datetime(2020, 6, 30, 18, 30, tzinfo=dt.UTC),
    }
