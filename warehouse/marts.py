"""Marts from positions and ledger: the brief, spending, quarantine, dimensions, and money at the edge.

Pure functions; each returns its mart without the publication, which is stamped on when the night is
published. Forecasts and warnings fill their marts in ``forecasts`` and ``early_warning``.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import polars as pl
from sqlalchemy import Table

from authorities.model import ALL, UNALLOCATED, Authority, RecurrentLine, SharingRule
from warehouse.bases import bases_of
from warehouse.ledger import as_known, fiscal_year, flows
from warehouse.positions import first_whole_years, same_day
from warehouse.projections import conform, polars_schema
from warehouse.succession import on_units_of
from warehouse.tables.dimensions import DIM_ITEM, DIM_LINE, DIM_SUCCESSION, DIM_UNIT
from warehouse.tables.marts import (
    MART_DISTRICT_BRIEF,
    MART_LINE_POSITION,
    MART_QUARANTINE,
    MART_SPENDING_POSITION,
    MART_UNIT_POSITION,
)

STAMPED = {"publication_id": pl.lit(""), "last_complete_day": pl.lit(None, pl.Date)}
"""Columns of rows that are not published yet."""


def at_the_edge(frame: pl.DataFrame, table: Table, authority: Authority) -> pl.DataFrame:
    """Minor units to DECIMAL(20,2) currency units in the declared money columns, then the declared shape."""
    money = [name for name, kind in polars_schema(table).items() if isinstance(kind, pl.Decimal)]
    scale = Decimal(authority.settings.currency.minor_per_unit)
    converted = frame.with_columns(
        (pl.col(name).cast(pl.Decimal(22, 2)) / pl.lit(scale)).cast(pl.Decimal(20, 2)) for name in money
    )
    return conform(unstamped(converted, table), table)


def unstamped(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """``frame`` with what is stamped on at publication still open: the publication and the last day."""
    lacking = [name for name in STAMPED if name in table.columns and name not in frame.columns]
    return frame.with_columns(STAMPED[name].alias(name) for name in lacking)


def unit_position(authority: Authority, positions: pl.DataFrame) -> pl.DataFrame:
    """``mart_unit_position`` from all positions."""
    units = positions.filter(pl.col("line_code") == ALL).drop("line_code")
    return at_the_edge(units, MART_UNIT_POSITION, authority)


def line_position(authority: Authority, positions: pl.DataFrame) -> pl.DataFrame:
    """``mart_line_position`` from all positions."""
    return at_the_edge(positions, MART_LINE_POSITION, authority)


def district_brief(
    authority: Authority, as_of: dt.date, unit_positions: pl.DataFrame, spending: pl.DataFrame
) -> pl.DataFrame:
    """``mart_district_brief`` from the published shapes of unit and spending positions, initial estimates."""
    initial = unit_positions.filter(pl.col("estimate_version") == "initial")
    whole = initial.filter(pl.col("unit_key") == ALL, pl.col("basis") == "territory").row(0, named=True)
    units = initial.filter(pl.col("unit_key").is_in([unit.unit_key for unit in authority.units_on(as_of)]))
    above = units.filter(pl.col("share_of_estimate_pct") > authority.settings.half_year_threshold_pct)
    recurrent = above.filter(pl.col("basis") == "recurrent").sort("rank", "unit_key")
    has_recurrent = "recurrent" in bases_of(authority)
    spent = spending.filter(pl.col("unit_key") == ALL, pl.col("spending_kind") == ALL).to_dicts()
    local: dict[str, object] = spent[0] if spent else {}
    kept = (
        "collected_amount",
        "estimate_amount",
        "share_of_estimate_pct",
        "same_period_amount",
        "same_period_pct",
    )
    row = {
        "as_of": as_of,
        **{name: whole[name] for name in kept},
        "spent_amount": local.get("spent_amount"),
        "spending_estimate_amount": local.get("estimate_amount"),
        "spending_share_pct": local.get("share_pct"),
        "spending_same_period_pct": local.get("same_period_pct"),
        "units_total": units["unit_key"].n_unique(),
        "units_above_half_territory": above.filter(pl.col("basis") == "territory").height,
        "units_above_half_recurrent": recurrent.height if has_recurrent else None,
        "leaders_recurrent": ", ".join(recurrent["unit_name"]) if has_recurrent else None,
    }
    schema = {name: kind for name, kind in polars_schema(MART_DISTRICT_BRIEF).items() if name in row}
    return conform(unstamped(pl.DataFrame([row], schema=schema), MART_DISTRICT_BRIEF), MART_DISTRICT_BRIEF)


def spending_position(
    authority: Authority, as_of: dt.date, spending: pl.DataFrame, estimates: pl.DataFrame,
    unknown: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """``mart_spending_position``: spent against the start-of-year estimate and the same period.

    Each unit's last year counts up to the same day as its own latest figure, and not at all while it has sent
    none this year; the authority's same period is the sum of the units'.

    Args:
        spending: ledger rows of spending as known on the night.
        estimates: unit_key, spending_kind, fiscal_year, estimate_version, amount (minor units).
        unknown: figures held in the quarantine (``unknown_cells``).
    """
    month = authority.settings.fiscal_year_start_month
    year = authority.fiscal_year(as_of)
    stated = flows(spending, ["unit_key", "spending_kind"], month, unknown)
    moved = stated.filter(pl.col("posting_date") <= as_of)
    moved = on_units_of(authority, moved, as_of, "posting_date")
    moved = moved.with_columns(fiscal_year(pl.col("posting_date"), month).alias("_year"))
    this_year = moved.filter(pl.col("_year") == year)
    in_force = [unit.unit_key for unit in authority.units_on(as_of)]
    last_year = _to_same_day(moved.filter(pl.col("_year") == year - 1), this_year, in_force)
    initial = estimates.filter(pl.col("fiscal_year") == year, pl.col("estimate_version") == "initial")
    frame = _spending_total(this_year, "spent_amount")
    for part, name in ((last_year, "_same"), (initial, "estimate_amount")):
        keys = ["unit_key", "spending_kind"]
        frame = frame.join(_spending_total(part, name), on=keys, how="full", coalesce=True)
    starts = first_whole_years(moved, month)
    has_last = pl.col("first_whole_year") < year
    spent, estimate = pl.col("spent_amount"), pl.col("estimate_amount")
    same = pl.when(has_last).then(pl.col("_same"))
    shaped = frame.join(starts, on="unit_key", how="left").with_columns(spent.fill_null(0)).select(
        pl.lit(as_of).alias("as_of"), "unit_key", "spending_kind", "estimate_amount", "spent_amount",
        pl.when(estimate > 0).then(spent / estimate * 100).alias("share_pct"),
        pl.when(same > 0).then(spent / same * 100).alias("same_period_pct"),
    )  # fmt: skip
    return at_the_edge(shaped, MART_SPENDING_POSITION, authority)


def _to_same_day(last_year: pl.DataFrame, this_year: pl.DataFrame, in_force: list[str]) -> pl.DataFrame:
    """Rows of last year up to the same day as this year's latest figure of the unit.

    Units no longer in force, and unallocated money, are cut where the authority's latest figure is.
    """
    latest = this_year["posting_date"].max()
    if not isinstance(latest, dt.date):
        return last_year.clear()
    reached = this_year.filter(pl.col("unit_key").is_in(in_force)).group_by("unit_key")
    own = dict(reached.agg(pl.col("posting_date").max()).iter_rows())
    same = {day: same_day(day, -1) for day in {latest, *own.values()}}
    units = last_year["unit_key"].unique().to_list()
    ends = [same[own[unit]] if unit in own else None if unit in in_force else same[latest] for unit in units]
    cutoffs = pl.DataFrame({"unit_key": units, "_end": ends}, schema={"unit_key": pl.String, "_end": pl.Date})
    return last_year.join(cutoffs, on="unit_key").filter(pl.col("posting_date") <= pl.col("_end"))


def _spending_total(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Sums by unit and kind, with ALL for either."""
    narrow = frame.select("unit_key", "spending_kind", "amount")
    unit, kind = pl.lit(ALL).alias("unit_key"), pl.lit(ALL).alias("spending_kind")
    parts = [narrow, narrow.with_columns(unit), narrow.with_columns(kind), narrow.with_columns(unit, kind)]
    return pl.concat(parts).group_by("unit_key", "spending_kind").agg(pl.col("amount").sum().alias(name))


def quarantine_mart(
    authority: Authority, as_of: dt.date, quarantine: pl.DataFrame, explain: Callable[[str, str], str]
) -> pl.DataFrame:
    """``mart_quarantine``: rows refused and still standing on the night, by dataset, rule and file.

    Args:
        explain: what a rule of a dataset means, what became of the money, and what to do.
    """
    grouped = (
        as_known(quarantine, as_of)
        .group_by("dataset", "rule", "source_file")
        .agg(
            pl.len().cast(pl.Int32).alias("rows"),
            pl.col("amount").sum(),
            pl.col("row_number").min().alias("first_row_number"),
        )
    )
    said = [explain(dataset, rule) for dataset, rule in grouped.select("dataset", "rule").iter_rows()]
    explained = grouped.with_columns(
        pl.lit(as_of).alias("as_of"), pl.Series("explanation", said, dtype=pl.String)
    )
    return at_the_edge(explained, MART_QUARANTINE, authority)


def dimensions(authority: Authority, as_of: dt.date) -> dict[str, pl.DataFrame]:
    """Frames of the dimensions on the night, the rows of ALL and UNALLOCATED among them."""
    return {
        DIM_UNIT.name: _dim_unit(authority),
        DIM_LINE.name: _dim_line(authority, as_of),
        DIM_ITEM.name: _dim_item(authority),
        DIM_SUCCESSION.name: _dim_succession(authority),
    }


def _dim_unit(authority: Authority) -> pl.DataFrame:
    rows: list[tuple[object, ...]] = [
        (unit.unit_key, unit.code, unit.name, unit.valid_from, unit.valid_to, order, False)
        for order, unit in enumerate(authority.units, start=1)
    ]
    rows.append((ALL, ALL, authority.settings.title.vi, None, None, 0, False))
    rows.append((UNALLOCATED, UNALLOCATED, "Chưa phân bổ", None, None, len(rows), False))
    for unit in authority.outside_units:
        rows.append((unit.unit_key, unit.unit_key.split("@")[0], unit.name, None, None, len(rows), True))
    return conform(pl.DataFrame(rows, schema=polars_schema(DIM_UNIT), orient="row"), DIM_UNIT)


def _dim_line(authority: Authority, as_of: dt.date) -> pl.DataFrame:
    dated: list[SharingRule | RecurrentLine] = [*authority.sharing_rules, *authority.recurrent_lines]
    assumed = {one.line_code for one in dated if one.assumed and one.holds_on(as_of)}
    counting = {mark.line_code for mark in authority.recurrent_lines if mark.counts and mark.holds_on(as_of)}
    has_recurrent = authority.settings.has_recurrent_basis
    rows: list[tuple[object, ...]] = [
        (
            line.line_code, line.name_vi, line.name_en, line.is_own_revenue,
            line.line_code in counting if has_recurrent else None, line.line_code in assumed, order,
        )
        for order, line in enumerate(authority.lines, start=1)
    ]  # fmt: skip
    rows.append((ALL, "Tổng cộng", "Total", True, None, bool(assumed), 0))
    rows.append((UNALLOCATED, "Chưa phân bổ", "Unallocated", True, None, False, len(rows)))
    return conform(pl.DataFrame(rows, schema=polars_schema(DIM_LINE), orient="row"), DIM_LINE)


def _dim_item(authority: Authority) -> pl.DataFrame:
    rows = [
        (item.item_code, item.line_code, item.name_vi, item.name_en, item.name_local)
        for item in authority.items
    ]
    rows.append((UNALLOCATED, UNALLOCATED, "Chưa phân bổ", "Unallocated", ""))
    return conform(pl.DataFrame(rows, schema=polars_schema(DIM_ITEM), orient="row"), DIM_ITEM)


def _dim_succession(authority: Authority) -> pl.DataFrame:
    rows = [
        (
            one.old_unit_key, one.new_unit_key, one.effective_on, float(one.weight), float(one.weight_low),
            float(one.weight_high), one.weight_basis, one.assumed, one.source,
        )
        for one in authority.successions
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=polars_schema(DIM_SUCCESSION), orient="row")
    return conform(frame, DIM_SUCCESSION)
