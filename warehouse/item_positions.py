"""Single revenue items that an authority watches, such as fines for urban order, unit by unit.

Pure functions on the ledger as known on the night. Whole lines are in ``warehouse.positions``, whose days and
units these rows share, so that an item can be read beside its line.
"""

import datetime as dt

import polars as pl

from authorities.model import ALL, Authority
from warehouse.ledger import AnyFrame, flows
from warehouse.marts import at_the_edge
from warehouse.positions import same_day
from warehouse.succession import on_units_of
from warehouse.tables.marts import MART_ITEM_POSITION

_ITEM = {"item_code": pl.String, "line_code": pl.String}
_UNIT = ["unit_key", "unit_name", "last_complete_day", "_has_last"]


def item_position(
    authority: Authority,
    as_of: dt.date,
    known: AnyFrame,
    unknown: pl.DataFrame,
    positions: pl.DataFrame,
) -> pl.DataFrame:
    """``mart_item_position``: what each unit collected of each watched item, this year and last.

    Args:
        known: ledger rows of receipts as known on the night, or a plan for them.
        unknown: ``ledger.unknown_cells`` of the night's receipts.
        positions: ``positions.positions`` of the night, whose units and days hold here too.
    """
    items = {item.item_code: item.line_code for item in authority.items}
    watched = {code: items[code] for code in authority.settings.watched_items}
    month = authority.settings.fiscal_year_start_month
    own = known.lazy().filter(pl.col("item_code").is_in(list(watched))).collect(engine="streaming")
    moved = flows(own, ["unit_key", "item_code", "line_code"], month, unknown)
    carried = on_units_of(
        authority, moved.with_columns(pl.lit("territory").alias("basis")), as_of, "posting_date"
    )
    money = _this_year_and_last(authority, as_of, carried, _units(positions))
    scaffold = _units(positions).join(
        pl.DataFrame(list(watched.items()), schema=_ITEM, orient="row"), how="cross"
    )
    collected, same = pl.col("collected_amount"), pl.col("same_period_amount")
    rows = scaffold.join(money, on=["unit_key", "item_code"], how="left").with_columns(
        pl.lit(as_of).alias("as_of"),
        collected.fill_null(0),
        pl.when("_has_last").then(same.fill_null(0)).alias("same_period_amount"),
    )
    shared = rows.with_columns(pl.when(same > 0).then(collected / same * 100).alias("same_period_pct"))
    return at_the_edge(shared.drop("_has_last"), MART_ITEM_POSITION, authority)


def _units(positions: pl.DataFrame) -> pl.DataFrame:
    """The night's units with the day that each one's receipts reach."""
    whole = positions.filter(
        pl.col("line_code") == ALL, pl.col("basis") == "territory", pl.col("estimate_version") == "initial"
    )
    return whole.with_columns(pl.col("same_period_amount").is_not_null().alias("_has_last")).select(_UNIT)


def _this_year_and_last(
    authority: Authority, as_of: dt.date, receipts: pl.DataFrame, units: pl.DataFrame
) -> pl.DataFrame:
    """By unit and item, the units' sum as ALL: this year to the night, and last year to the same day."""
    year = authority.fiscal_year(as_of)
    first, last_first = authority.fiscal_year_start(year), authority.fiscal_year_start(year - 1)
    reach = {day: same_day(day or as_of, -1) for day in units["last_complete_day"].unique()}
    cutoff = pl.col("last_complete_day").replace_strict(reach, return_dtype=pl.Date)
    posted = pl.col("posting_date")
    dated = receipts.filter(posted.is_between(last_first, as_of)).join(
        units.select("unit_key", cutoff.alias("_cutoff")), on="unit_key"
    )
    by_unit = dated.group_by("unit_key", "item_code").agg(
        pl.col("amount").filter(posted >= first).sum().alias("collected_amount"),
        pl.col("amount")
        .filter(posted <= pl.col("_cutoff"), posted < first)
        .sum()
        .alias("same_period_amount"),
    )
    whole = by_unit.with_columns(pl.lit(ALL).alias("unit_key"))
    return pl.concat([by_unit, whole]).group_by("unit_key", "item_code").agg(pl.all().sum())
