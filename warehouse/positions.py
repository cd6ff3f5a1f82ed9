"""Positions: every unit and line against its annual estimate, last year, and the usual pace.

Pure functions on integer minor units; percent only in the result. Input is the ledger as known on the night.
"""

import calendar
import datetime as dt
from dataclasses import dataclass

import polars as pl

from authorities.model import ALL, UNALLOCATED, Authority
from warehouse.bases import bases_of, by_basis
from warehouse.ledger import fiscal_year

PACE_YEARS = 3
"""Past fiscal years whose mean gives the pace."""
_KEY = ["unit_key", "line_code", "basis"]


@dataclass(frozen=True)
class Night:
    """The night and the day up to which figures can be compared with past years."""

    as_of: dt.date
    last_complete_day: dt.date
    fiscal_year: int


def same_day(day: dt.date, year_offset: int) -> dt.date:
    """The same day of another year; 29 February falls back to the 28th."""
    year = day.year + year_offset
    return dt.date(year, day.month, min(day.day, calendar.monthrange(year, day.month)[1]))


def basis_receipts(authority: Authority, receipts: pl.DataFrame) -> pl.DataFrame:
    """Receipts by unit, line, basis and day (minor units), from the night's flows."""
    parted = by_basis(
        authority, receipts.select("unit_key", "line_code", "posting_date", "amount"), "posting_date"
    )
    return parted.group_by(*_KEY, "posting_date").agg(pl.col("amount").sum())


def basis_estimates(authority: Authority, estimates: pl.DataFrame) -> pl.DataFrame:
    """Estimates by unit, line, basis, year and version; parts by the rules at the fiscal year's start.

    Args:
        estimates: unit_key, line_code, fiscal_year, estimate_version, amount (minor units).
    """
    start = pl.date(pl.col("fiscal_year"), authority.settings.fiscal_year_start_month, 1)
    parted = by_basis(authority, estimates.with_columns(start.alias("_start")), "_start")
    return parted.group_by(*_KEY, "fiscal_year", "estimate_version").agg(pl.col("amount").sum())


def with_totals(frame: pl.DataFrame, group: list[str], values: list[str]) -> pl.DataFrame:
    """``frame`` with the sums over units, over lines and over both, as unit and line ALL.

    Args:
        group: columns beside unit_key and line_code that stay.
        values: columns to add up.
    """
    parts = []
    for names in ((), ("unit_key",), ("line_code",), ("unit_key", "line_code")):
        parts.append(frame.with_columns(pl.lit(ALL).alias(name) for name in names) if names else frame)
    return pl.concat(parts).group_by("unit_key", "line_code", *group).agg(pl.col(values).sum())


def positions(
    authority: Authority,
    night: Night,
    receipts: pl.DataFrame,
    estimates: pl.DataFrame,
    complete: pl.DataFrame,
) -> pl.DataFrame:
    """Positions of every unit and line, totals included, on every basis and estimate version.

    Args:
        receipts: ``basis_receipts`` of the night.
        estimates: ``basis_estimates``, all years.
        complete: unit_key, last_complete_day.

    Returns:
        The columns of ``mart_line_position`` without publication, amounts in minor units; line ALL rows are
        the units' positions.
    """
    measured = _measures(authority, night, receipts)
    compared = _scaffold(authority, night, measured, estimates).join(
        _with_pace(measured, night), on=_KEY, how="left"
    )
    valued = _with_estimates(compared, night, estimates)
    named = _names(authority, night)
    return (
        valued.join(named, on="unit_key", how="left")
        .join(complete, on="unit_key", how="left")
        .with_columns(pl.lit(night.as_of).alias("as_of"))
        .pipe(_with_shares, authority)
        .select(_POSITION_COLUMNS)
    )


_POSITION_COLUMNS = [
    "as_of", "unit_key", "line_code", "basis", "estimate_version", "unit_name", "estimate_amount",
    "collected_amount", "share_of_estimate_pct", "same_period_amount", "same_period_pct", "remaining_amount",
    "pace_pct", "pace_gap_pp", "last_complete_day", "rank", "is_below_half",
]  # fmt: skip


def _measures(authority: Authority, night: Night, receipts: pl.DataFrame) -> pl.DataFrame:
    """By key and fiscal year: collected to the night's day of that year, and in the whole year."""
    year = fiscal_year(pl.col("posting_date"), authority.settings.fiscal_year_start_month)
    current = night.fiscal_year
    cutoffs = pl.DataFrame(
        [(current, night.as_of)]
        + [(current - back, same_day(night.last_complete_day, -back)) for back in range(1, PACE_YEARS + 1)],
        schema={"fiscal_year": pl.Int32, "_cutoff": pl.Date}, orient="row",
    )  # fmt: skip
    dated = receipts.with_columns(year.cast(pl.Int32).alias("fiscal_year")).join(cutoffs, on="fiscal_year")
    in_time = pl.when(pl.col("posting_date") <= pl.col("_cutoff")).then(pl.col("amount")).otherwise(0)
    summed = dated.group_by(*_KEY, "fiscal_year").agg(
        in_time.sum().alias("to_date"), pl.col("amount").sum().alias("whole")
    )
    return with_totals(summed, ["basis", "fiscal_year"], ["to_date", "whole"])


def _with_pace(measured: pl.DataFrame, night: Night) -> pl.DataFrame:
    """Collected this year, same period last year, and the mean share of past years reached by this day.

    A past year counts for the pace where it collected anything on balance.
    """
    current, last = night.fiscal_year, night.fiscal_year - 1
    past = (pl.col("fiscal_year") < current) & (pl.col("whole") > 0)
    has_last_year = bool((measured["fiscal_year"] == last).any())
    same_period = pl.col("to_date").filter(pl.col("fiscal_year") == last).sum()
    return measured.group_by(_KEY).agg(
        pl.col("to_date").filter(pl.col("fiscal_year") == current).sum().alias("collected_amount"),
        (same_period if has_last_year else pl.lit(None, pl.Int64)).alias("same_period_amount"),
        (pl.col("to_date").filter(past) / pl.col("whole").filter(past) * 100).mean().alias("pace_pct"),
    )


def _scaffold(
    authority: Authority, night: Night, measured: pl.DataFrame, estimates: pl.DataFrame
) -> pl.DataFrame:
    """Every unit × line × basis × version that can be asked for, money or not."""
    units = [unit.unit_key for unit in authority.units_on(night.as_of)]
    now = measured.filter(pl.col("fiscal_year") == night.fiscal_year)
    others = sorted(set(now["unit_key"]) - set(units) - {ALL})
    lines = [line.line_code for line in authority.lines]
    stray = sorted(set(now["line_code"]) - set(lines) - {ALL})
    current = estimates.filter(pl.col("fiscal_year") == night.fiscal_year)
    versions = sorted({"initial", *current["estimate_version"]})
    frame = pl.DataFrame({"unit_key": [*units, *others, ALL]}, schema={"unit_key": pl.String})
    for name, values in (
        ("line_code", [*lines, *stray, ALL]), ("basis", list(bases_of(authority))), ("estimate_version", versions),
    ):  # fmt: skip
        frame = frame.join(pl.DataFrame({name: values}, schema={name: pl.String}), how="cross")
    return frame


def _with_estimates(frame: pl.DataFrame, night: Night, estimates: pl.DataFrame) -> pl.DataFrame:
    """Adds the estimate; a total is the sum of what was received, null where nothing was."""
    current = estimates.filter(pl.col("fiscal_year") == night.fiscal_year)
    summed = with_totals(current.drop("fiscal_year"), ["basis", "estimate_version"], ["amount"])
    joined = frame.join(
        summed.rename({"amount": "estimate_amount"}), on=[*_KEY, "estimate_version"], how="left"
    )
    return joined.with_columns(pl.col("collected_amount").fill_null(0))


def _names(authority: Authority, night: Night) -> pl.DataFrame:
    titles = {unit.unit_key: unit.name for unit in authority.units}
    titles |= {ALL: authority.settings.title.vi, UNALLOCATED: "Chưa phân bổ"}
    return pl.DataFrame({"unit_key": list(titles), "unit_name": list(titles.values())})


def _with_shares(frame: pl.DataFrame, authority: Authority) -> pl.DataFrame:
    estimate, collected = pl.col("estimate_amount"), pl.col("collected_amount")
    share = pl.when(estimate > 0).then(collected / estimate * 100)
    same = pl.when(pl.col("same_period_amount") > 0).then(collected / pl.col("same_period_amount") * 100)
    ranked = ~pl.col("unit_key").is_in([ALL, UNALLOCATED]) & pl.col("share_of_estimate_pct").is_not_null()
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
