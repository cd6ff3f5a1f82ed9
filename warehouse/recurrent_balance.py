"""Revenue for recurrent spending against what a unit plans to spend: ``mart_recurrent_balance``.

Pure functions on the night's marts. A ward's budget may not borrow (Thông tư 344/2016/TT-BTC, điều 5), so
what its own recurrent revenue does not cover must come as a transfer from the upper budget, and that may only
be drawn month by month (điều 12 khoản 4 điểm d; ``authorities.warning_rules.TransferDrawdown``).
"""

import datetime as dt

import numpy as np
import polars as pl

from authorities.model import ALL, Authority
from warehouse.marts import STAMPED, at_the_edge
from warehouse.projections import empty_frame, polars_schema
from warehouse.published import in_minor_units
from warehouse.tables.marts import (
    MART_LINE_POSITION,
    MART_RECURRENT_BALANCE,
    MART_SPENDING_POSITION,
    MART_YEAR_END_FORECAST,
)

_QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
_TRANSFERS = {"unit_key": pl.String, "_transfer": pl.Int64, "_assumed": pl.Boolean}
_LEVELS = [f"p{round(level * 100):02d}_amount" for level in _QUANTILES]


def recurrent_balance(
    authority: Authority,
    as_of: dt.date,
    year_end: pl.DataFrame,
    spending: pl.DataFrame,
    lines: pl.DataFrame,
) -> pl.DataFrame:
    """``mart_recurrent_balance``: each unit in force and ALL; no rows without a recurrent basis.

    The gap is recurrent spending estimate − the year's transfers − recurrent revenue at the year's end; its
    probability comes from the forecast's seven quantiles, joined by straight lines. Transfers are those of
    the initial estimate, else those that the authority assigns (``transfers.csv``); where neither names any
    they count as nothing, and the row says so (``balance_status``). By the year's end all of a transfer may
    be drawn; within the year only so much of it, so the headroom counts that part alone.

    Args:
        year_end, spending, lines: the night's mart_year_end_forecast, mart_spending_position and
            mart_line_position.
    """
    if not authority.settings.has_recurrent_basis:
        return empty_frame(MART_RECURRENT_BALANCE)
    units = [*(unit.unit_key for unit in authority.units_on(as_of)), ALL]
    revenue = in_minor_units(year_end, MART_YEAR_END_FORECAST, authority).filter(
        pl.col("basis") == "recurrent", pl.col("line_code") == ALL, pl.col("scenario") == "base"
    )
    planned = in_minor_units(spending, MART_SPENDING_POSITION, authority).filter(
        pl.col("spending_kind") == "recurrent"
    )
    frame = (
        pl.DataFrame({"unit_key": units})
        .join(
            revenue.select("unit_key", *_LEVELS, pl.col("collected_amount").alias("_collected")),
            on="unit_key",
            how="left",
        )
        .join(
            planned.select(
                "unit_key",
                pl.col("estimate_amount").alias("_spending"),
                pl.col("spent_amount").alias("_spent"),
            ),
            on="unit_key",
            how="left",
        )
        .join(_transfers(authority, as_of, lines), on="unit_key", how="left")
    )
    return at_the_edge(_measured(authority, as_of, frame), MART_RECURRENT_BALANCE, authority)


def _transfers(authority: Authority, as_of: dt.date, lines: pl.DataFrame) -> pl.DataFrame:
    """Units' transfers of the year (minor units) and whether they are assumed; no rows of those unknown."""
    estimated = _estimated_transfers(authority, lines)
    assigned = _assigned_transfers(authority, as_of)
    return pl.concat([estimated, assigned.join(estimated, on="unit_key", how="anti")])


def _assigned_transfers(authority: Authority, as_of: dt.date) -> pl.DataFrame:
    """What ``transfers.csv`` assigns on the night; of the authority only where every unit has a row."""
    units = {unit.code: unit.unit_key for unit in authority.units_on(as_of)}
    scale = authority.settings.currency.minor_per_unit
    rows = [
        (units[one.unit_code], int(one.amount * scale), one.assumed)
        for one in authority.balancing_transfers
        if one.holds_on(as_of) and one.unit_code in units
    ]
    if rows and len(rows) == len(units):
        rows.append((ALL, sum(amount for _, amount, _ in rows), any(assumed for *_, assumed in rows)))
    return pl.DataFrame(rows, schema=_TRANSFERS, orient="row")


def _estimated_transfers(authority: Authority, lines: pl.DataFrame) -> pl.DataFrame:
    rules = authority.settings.transfers
    code = "" if rules is None else rules.line_code
    rows = in_minor_units(lines, MART_LINE_POSITION, authority).filter(
        pl.col("line_code") == code, pl.col("basis") == "entitled", pl.col("estimate_version") == "initial"
    )
    named = rows.select("unit_key", pl.col("estimate_amount").alias("_transfer")).drop_nulls()
    return named.with_columns(_assumed=pl.lit(value=False))


def _measured(authority: Authority, as_of: dt.date, frame: pl.DataFrame) -> pl.DataFrame:
    planned, transfer, median = pl.col("_spending"), pl.col("_transfer"), pl.col("p50_amount")
    lacks = [planned.is_null(), median.is_null(), transfer.is_null()]
    status = (
        pl.when(lacks[0]).then(pl.lit("no_spending_estimate"))
        .when(lacks[1]).then(pl.lit("no_forecast"))
        .when(lacks[2]).then(pl.lit("transfers_unknown"))
        .when(pl.col("_assumed")).then(pl.lit("transfers_assumed"))
        .otherwise(pl.lit("complete"))
    )  # fmt: skip
    drawable = (transfer * _drawable(authority, as_of)).round().cast(pl.Int64)
    shaped = frame.with_columns(status.alias("balance_status"), drawable.alias("transfer_drawable_amount"))
    headroom = pl.col("_collected") + pl.col("transfer_drawable_amount") - pl.col("_spent")
    covered = median + transfer.fill_null(0)
    probabilities = [_gap_probability(row) for row in shaped.iter_rows(named=True)]
    return shaped.select(
        pl.lit(as_of).alias("as_of"),
        "unit_key",
        *(pl.col(f"p{level}_amount").alias(f"recurrent_p{level}_amount") for level in (10, 50, 90)),
        planned.alias("recurrent_spending_estimate_amount"),
        pl.when(planned > 0).then(covered / planned).alias("cover_ratio"),
        pl.Series("gap_probability", probabilities, dtype=pl.Float64),
        transfer.alias("transfer_estimate_amount"),
        "transfer_drawable_amount",
        headroom.alias("recurrent_headroom_amount"),
        "balance_status",
    ).select(name for name in polars_schema(MART_RECURRENT_BALANCE) if name not in STAMPED)


def _drawable(authority: Authority, as_of: dt.date) -> float:
    """Part of a year's transfer that may have been drawn by the month of the night."""
    rules = authority.settings.transfers
    start = authority.fiscal_year_start(authority.fiscal_year(as_of))
    month = (as_of.year - start.year) * 12 + as_of.month - start.month + 1
    return 0.0 if rules is None else float(rules.drawable_pct(month) / 100)


def _gap_probability(row: dict[str, int | None]) -> float | None:
    """P(revenue + transfers < planned spending), between the quantiles by straight lines.

    Beyond the outer quantiles the line goes on as far as the next quantile lies on the inner side.
    """
    planned = row["_spending"]
    levels = [value for name in _LEVELS if (value := row[name]) is not None]
    if planned is None or len(levels) < len(_LEVELS):
        return None
    needed = planned - (row["_transfer"] or 0)
    ends = [2 * levels[0] - levels[2], *levels, 2 * levels[-1] - levels[-3]]
    if needed <= ends[0]:
        return 0.0
    if needed > ends[-1]:
        return 1.0
    return float(np.interp(needed, ends, [0.0, *_QUANTILES, 1.0]))
