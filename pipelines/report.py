"""What a night prints at its end: the brief in words, the warnings, and where everything lies."""

import datetime as dt
import shlex
from decimal import Decimal
from typing import Any

import polars as pl

from authorities.loading import DEFAULT_AUTHORITY
from pipelines.notify import notified_line
from pipelines.settings import Places, Settings
from warehouse.engines import WarehouseError, open_warehouse, shown_url

EXAMPLE_QUERY = "SELECT * FROM mart_unit_position"


def night_report(places: Places, night: dt.date, now: dt.datetime) -> str:
    """The brief of ``night`` as read back from the warehouse, in plain lines."""
    warehouse = open_warehouse(places.warehouse_url)
    brief = warehouse.read_mart("mart_district_brief", night).row(0, named=True)
    warnings = warehouse.read_mart("mart_warning", night)
    lines = [f"{places.authority.settings.title.vi} · {night:%d/%m/%Y}"]
    if places.uses_sample and places.authority.settings.sample is not None:
        lines.append(places.authority.settings.sample.notice.en)
    lines += _brief_lines(brief, places)
    lines += _warning_lines(warnings)
    lines.append(f"  notified             {notified_line(places, night, warnings, now)}")
    latest = places.home / "bulletin" / night.isoformat() / "index.html"
    lines += [
        "",
        f"marts:    {shown_url(places.warehouse_url)}",
        f"bulletin: {latest}",
        f"query:    wardcast query \"{EXAMPLE_QUERY} WHERE as_of = '{night}'\"{_options(places)}",
    ]
    return "\n".join(lines)


def what_stands(places: Places) -> str:
    """Of a night that was not published: what readers find instead."""
    try:
        latest = open_warehouse(places.warehouse_url).latest_publication()
    except WarehouseError:
        return "the night was not published; the warehouse cannot be read"
    if latest is None:
        return "the night was not published, and none was before it"
    return f"the night was not published; the last publication stands ({latest.publication_id})"


def _options(places: Places) -> str:
    """What a query must be told besides, where the places are not the default ones."""
    folder = places.authority.folder
    default = Places(Settings(authority=folder))
    said = f" --authority {folder}" if folder.resolve() != DEFAULT_AUTHORITY.resolve() else ""
    return (
        said
        if places.warehouse_url == default.warehouse_url
        else f"{said} --warehouse {shlex.quote(shown_url(places.warehouse_url))}"
    )


def _brief_lines(brief: dict[str, Any], places: Places) -> list[str]:
    threshold = places.authority.settings.half_year_threshold_pct
    total = brief["units_total"]
    lines = [
        f"  collected            {_money(brief['collected_amount'], places)}",
        f"  of annual estimate   {_pct(brief['share_of_estimate_pct'])}",
        f"  same period          {_pct(brief['same_period_pct'])}",
        f"  spending             {_spending(brief)}",
        f"  above {threshold:g}%            {brief['units_above_half_territory']} of {total} on collections",
    ]
    if brief["units_above_half_recurrent"] is not None:
        leaders = f": {brief['leaders_recurrent']}" if brief["leaders_recurrent"] else ""
        lines.append(
            f"{'':23}{brief['units_above_half_recurrent']} of {total} on revenue for recurrent spending"
            + leaders
        )
    return lines


def _spending(brief: dict[str, Any]) -> str:
    if brief["spent_amount"] is None:
        return "not available"
    share, same = _pct(brief["spending_share_pct"]), _pct(brief["spending_same_period_pct"])
    return f"{share} of the start-of-year estimate, {same} of the same period"


def _warning_lines(warnings: pl.DataFrame) -> list[str]:
    standing = warnings.filter(pl.col("state") != "closed")
    counts = standing.group_by("rule_code").len().sort("rule_code")
    said = ", ".join(f"{rows} {rule}" for rule, rows in counts.iter_rows())
    cases = "1 open case" if standing.height == 1 else f"{standing.height} open cases"
    return [f"  warnings             {f'{cases}: {said}' if said else 'none'}"]


def _money(amount: Decimal, places: Places) -> str:
    currency = places.authority.settings.currency
    return f"{amount / currency.display_scale:,.1f} {currency.display_unit.en}"


def _pct(value: float | None) -> str:
    return "not available" if value is None else f"{value:.1f}%"
