"""Positions: every unit and line against its annual estimate, last year, and the usual pace.

Pure functions on integer minor units; percent only in the result. Input is the ledger as known on the night.

Like is compared with like: a unit's collection to the night stands against its own past years up to the same
day as its ``last_complete_day``, so that data which is late does not look like growth or decline. The
authority's figures are the sums of the units', each to its own day.
"""

import calendar
import datetime as dt
from dataclasses import dataclass

import polars as pl

from authorities.model import ALL, ESTIMATE_VERSIONS, UNALLOCATED, Authority
from warehouse.bases import bases_of, by_basis
from warehouse.ledger import AnyFrame, fiscal_year
from warehouse.succession import comparability, on_units_of

PACE_YEARS = 3
"""Past fiscal years whose mean gives the pace."""
_KEY = ["unit_key", "line_code", "basis"]


@dataclass(frozen=True)
class Night:
    """The night and the day up to which figures can be compared with past years.

    ``last_complete_day`` is the authority's; it holds for money and units that have none of their own.
    """

    as_of: dt.date
    last_complete_day: dt.date
    fiscal_year: int


def same_day(day: dt.date, year_offset: int) -> dt.date:
    """The same day of another year; the last day of February stands for the last day of February."""
    year = day.year + year_offset
    last = calendar.monthrange(year, day.month)[1]
    is_month_end = day.day == calendar.monthrange(day.year, day.month)[1]
    return dt.date(year, day.month, last if is_month_end else min(day.day, last))


def first_whole_years(dated: pl.DataFrame, start_month: int) -> pl.DataFrame:
    """The first fiscal year that data covers from its first month, of each unit and of ALL.

    A year whose data starts in the middle can neither be last year's same period nor give a pace. Money of no
    known unit is covered as long as the authority is.

    Args:
        dated: unit_key and posting_date of all money known.

    Returns:
        unit_key, first_whole_year.
    """
    firsts = dated.group_by("unit_key").agg(pl.col("posting_date").min())
    units = firsts.filter(pl.col("unit_key") != UNALLOCATED)
    whole = firsts.select(pl.lit(pl.Series("unit_key", [ALL, UNALLOCATED])), pl.col("posting_date").min())
    starts_late = pl.col("posting_date").dt.month() != start_month
    year = fiscal_year(pl.col("posting_date"), start_month) + starts_late.cast(pl.Int32)
    return pl.concat([units, whole]).drop_nulls().select("unit_key", year.alias("first_whole_year"))


def basis_receipts(authority: Authority, receipts: AnyFrame, as_of: dt.date) -> pl.DataFrame:
    """Receipts by unit, line, basis and day (minor units), from the night's flows.

    Shared by the rules of the unit that stood then, and carried to the units of ``as_of`` with their land.
    """
    based = by_basis(authority, receipts, "posting_date", ["unit_key", "line_code", "posting_date"])
    return on_units_of(authority, based, as_of, "posting_date")


def basis_estimates(authority: Authority, estimates: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Estimates by unit, line, basis, year and version; parts by the rules at the fiscal year's start.

    What was estimated for units that are no more stands with those who carry on their land.

    Args:
        estimates: unit_key, line_code, fiscal_year, estimate_version, amount (minor units).
    """
    start = pl.date(pl.col("fiscal_year"), authority.settings.fiscal_year_start_month, 1)
    kept = ["unit_key", "line_code", "fiscal_year", "estimate_version", "_start"]
    based = by_basis(authority, estimates.with_columns(start.alias("_start")), "_start", kept)
    return on_units_of(authority, based, as_of, "_start").drop("_start")


def with_totals(frame: pl.DataFrame, group: list[str], values: list[str]) -> pl.DataFrame:
    """``frame`` with the sums over units, over lines and over both, as unit and line ALL.

    Args:
        group: columns beside unit_key and line_code that stay.
        values: columns to add up.
    """
    totals = ((), ("unit_key",), ("line_code",), ("unit_key", "line_code"))
    parts = [frame.with_columns(pl.lit(ALL).alias(name) for name in names) for names in totals]
    return pl.concat(parts).group_by("unit_key", "line_code", *group).agg(pl.col(values).sum())


def positions(
    authority: Authority,
    night: Night,
    receipts: pl.DataFrame,
    estimates: pl.DataFrame,
    complete: pl.DataFrame,
) -> pl.DataFrame:
    """Positions of every unit and line, totals included, on every basis and estimate version.

    Units are those in force and any other with money this year or last, or with an estimate: without rank,
    and there so that the rows of the units add up to ALL.

    Args:
        receipts: ``basis_receipts`` of the night.
        estimates: ``basis_estimates``, all years.
        complete: unit_key, last_complete_day.

    Returns:
        The columns of ``mart_line_position`` without publication, amounts in minor units; line ALL rows are
        the units' positions.
    """
    measured = _measures(authority, night, receipts, complete)
    starts = first_whole_years(receipts, authority.settings.fiscal_year_start_month)
    current = _standing_versions(estimates.filter(pl.col("fiscal_year") == night.fiscal_year))
    scaffold = _scaffold(authority, night, measured, current)
    return (
        _with_past(scaffold, measured, starts, night)
        .pipe(_with_estimates, current)
        .join(_names(authority), on="unit_key", how="left")
        .join(complete, on="unit_key", how="left")
        .with_columns(pl.lit(night.as_of).alias("as_of"))
        .pipe(_with_shares, authority, night)
        .with_columns(_comparability(authority, night))
        .select(_POSITION_COLUMNS)
    )


_POSITION_COLUMNS = [
    "as_of", "unit_key", "line_code", "basis", "estimate_version", "unit_name", "estimate_amount",
    "collected_amount", "share_of_estimate_pct", "same_period_amount", "same_period_pct", "remaining_amount",
    "pace_pct", "pace_gap_pp", "last_complete_day", "rank", "is_below_half",
    "comparability",
]  # fmt: skip


def _measures(
    authority: Authority, night: Night, receipts: pl.DataFrame, complete: pl.DataFrame
) -> pl.DataFrame:
    """By key and fiscal year: collected to the night's day of that year, and in the whole year."""
    year = fiscal_year(pl.col("posting_date"), authority.settings.fiscal_year_start_month)
    reach = receipts.select("unit_key").unique().join(complete, on="unit_key", how="left")
    reach = reach.with_columns(pl.col("last_complete_day").fill_null(night.last_complete_day))
    cutoffs = reach.join(_cutoffs(night, reach["last_complete_day"]), on="last_complete_day")
    dated = receipts.with_columns(year.cast(pl.Int32).alias("fiscal_year")).join(
        cutoffs, on=["unit_key", "fiscal_year"]
    )
    in_time = pl.when(pl.col("posting_date") <= pl.col("_cutoff")).then(pl.col("amount")).otherwise(0)
    summed = dated.group_by(*_KEY, "fiscal_year").agg(
        in_time.sum().alias("to_date"), pl.col("amount").sum().alias("whole")
    )
    return with_totals(summed, ["basis", "fiscal_year"], ["to_date", "whole"])


def _cutoffs(night: Night, reached: pl.Series) -> pl.DataFrame:
    """For each last complete day, the day up to which each fiscal year counts."""
    current = night.fiscal_year
    rows = [
        (day, current - back, same_day(day, -back) if back else night.as_of)
        for day in reached.unique()
        for back in range(PACE_YEARS + 1)
    ]
    schema = {"last_complete_day": pl.Date, "fiscal_year": pl.Int32, "_cutoff": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _with_past(
    scaffold: pl.DataFrame, measured: pl.DataFrame, starts: pl.DataFrame, night: Night
) -> pl.DataFrame:
    """Adds collected this year, same period last year, and the mean share past years had reached by now.

    Last year is null where the unit's data does not cover it from its start. A past year counts for the pace
    where the data covers it from its start and it collected anything on balance.
    """
    is_current = pl.col("fiscal_year") == night.fiscal_year
    is_last = pl.col("fiscal_year") == night.fiscal_year - 1
    counts = (
        (pl.col("fiscal_year") < night.fiscal_year)
        & (pl.col("fiscal_year") >= pl.col("first_whole_year"))
        & (pl.col("whole") > 0)
    )
    # Sorted, so that the mean of floats adds them up in one order.
    by_year = measured.join(starts, on="unit_key", how="left").sort(*_KEY, "fiscal_year")
    past = by_year.group_by(_KEY).agg(
        pl.col("to_date").filter(is_current).sum().alias("collected_amount"),
        pl.col("to_date").filter(is_last).sum().alias("_same"),
        (pl.col("to_date").filter(counts) / pl.col("whole").filter(counts) * 100).mean().alias("pace_pct"),
    )
    has_last = (pl.col("first_whole_year") < night.fiscal_year).fill_null(value=False)
    joined = scaffold.join(past, on=_KEY, how="left").join(starts, on="unit_key", how="left")
    return joined.with_columns(
        pl.col("collected_amount").fill_null(0),
        pl.when(has_last).then(pl.col("_same").fill_null(0)).alias("same_period_amount"),
    )


def _scaffold(
    authority: Authority, night: Night, measured: pl.DataFrame, current: pl.DataFrame
) -> pl.DataFrame:
    """Every unit × line × basis × version that can be asked for, money or not."""
    units = [unit.unit_key for unit in authority.units_on(night.as_of)]
    lines = [line.line_code for line in authority.lines]
    touched = measured.filter(pl.col("fiscal_year") >= night.fiscal_year - 1)
    others = {*touched["unit_key"], *current["unit_key"]} - {*units, ALL}
    stray = {*touched["line_code"], *current["line_code"]} - {*lines, ALL}
    frame = pl.DataFrame({"unit_key": [*units, *sorted(others), ALL]}, schema={"unit_key": pl.String})
    for name, values in (
        ("line_code", [*lines, *sorted(stray), ALL]),
        ("basis", list(bases_of(authority))),
        ("estimate_version", sorted({"initial", *current["estimate_version"]})),
    ):
        frame = frame.join(pl.DataFrame({name: values}, schema={name: pl.String}), how="cross")
    return frame


def _standing_versions(current: pl.DataFrame) -> pl.DataFrame:
    """One year's estimates in every version that any unit has.

    A unit that received no supplement keeps its initial estimate in the supplemented version, and so on:
    else a version's total would compare all units' money with some units' estimates.
    """
    stated = current.select("unit_key", "estimate_version").unique()
    order = [version for version in ESTIMATE_VERSIONS if version in set(stated["estimate_version"])]
    versions = pl.DataFrame({"estimate_version": order}, schema={"estimate_version": pl.String})
    grid = stated.select("unit_key").unique().join(versions.with_row_index("_place"), how="cross")
    source = grid.join(
        stated.with_columns(pl.col("estimate_version").alias("_source")),
        on=["unit_key", "estimate_version"],
        how="left",
    ).with_columns(pl.col("_source").forward_fill().over("unit_key", order_by="_place"))
    amounts = current.select(*_KEY, "amount", pl.col("estimate_version").alias("_source"))
    return source.drop("_place").join(amounts, on=["unit_key", "_source"]).drop("_source")


def _with_estimates(frame: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    """Adds the estimate; a total is the sum of what was received, null where nothing was."""
    summed = with_totals(current, ["basis", "estimate_version"], ["amount"])
    return frame.join(
        summed.rename({"amount": "estimate_amount"}), on=[*_KEY, "estimate_version"], how="left"
    )


def _names(authority: Authority) -> pl.DataFrame:
    titles = {unit.unit_key: unit.name for unit in authority.units}
    titles |= {ALL: authority.settings.title.vi, UNALLOCATED: "Chưa phân bổ"}
    return pl.DataFrame({"unit_key": list(titles), "unit_name": list(titles.values())})


def _comparability(authority: Authority, night: Night) -> pl.Expr:
    """Marks units whose past, as far as the pace looks back, came to them with other units' land."""
    since = authority.fiscal_year_start(night.fiscal_year - PACE_YEARS)
    marks = comparability(authority, night.as_of, since)
    return (
        pl.col("unit_key").replace_strict(marks, default=None, return_dtype=pl.String).alias("comparability")
    )


def _with_shares(frame: pl.DataFrame, authority: Authority, night: Night) -> pl.DataFrame:
    in_force = [unit.unit_key for unit in authority.units_on(night.as_of)]
    estimate, collected = pl.col("estimate_amount"), pl.col("collected_amount")
    share = pl.when(estimate > 0).then(collected / estimate * 100)
    same = pl.when(pl.col("same_period_amount") > 0).then(collected / pl.col("same_period_amount") * 100)
    ranked = pl.col("unit_key").is_in(in_force) & pl.col("share_of_estimate_pct").is_not_null()
    over = ["line_code", "basis", "estimate_version"]
    rank = pl.col("share_of_estimate_pct").rank("min", descending=True)
    return frame.with_columns(
        share.alias("share_of_estimate_pct"),
        same.alias("same_period_pct"),
        (estimate - collected).alias("remaining_amount"),
    ).with_columns(
        (pl.col("share_of_estimate_pct") - pl.col("pace_pct")).alias("pace_gap_pp"),
        (pl.col("share_of_estimate_pct") <= authority.settings.half_year_threshold_pct).alias(
            "is_below_half"
        ),
        pl.when(ranked).then(rank.over([*over, ranked])).cast(pl.Int32).alias("rank"),
    )
