"""Territory that passes from unit to unit: money carried to the units of another day, and back.

Old units' money goes to those who took over their land, by the weights of ``successions.csv``, to the minor
unit: what is split adds up to what was there, the parts that left the authority among it. Weights are beliefs
with a range; where no source gives them they are assumed, and everything carried by them says so. Keys are
code@year, as a code and a name came to mean other land. Which rows are carried is the callers' choice.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from authorities.model import Authority, Succession
from warehouse.ledger import fiscal_year

_PARTS = 1_000_000
"""Weights are whole millionths, so that money is split in integers."""
_KIND = ["unit_key", "line_code", "basis"]
HISTORY_VIEWS = ("recorded", "current", "former")


@dataclass(frozen=True, slots=True)
class Part:
    """What of one unit's money goes to another, through all successions between two days."""

    unit_key: str
    weight: Fraction
    low: Fraction
    high: Fraction
    assumed: bool


def parts_of(authority: Authority, unit_key: str, since: dt.date, until: dt.date) -> tuple[Part, ...]:
    """Who holds on ``until`` what ``unit_key`` held on ``since``: parts that add up to 1, sorted by unit.

    A unit that nobody succeeded is its own only part.
    """
    days = sorted({one.effective_on for one in authority.successions if since < one.effective_on <= until})
    held = {unit_key: Part(unit_key, Fraction(1), Fraction(1), Fraction(1), assumed=False)}
    for day in days:
        following = [one for one in authority.successions if one.effective_on == day]
        passed: dict[str, Part] = {}
        for part in held.values():
            for piece in _pieces(part, following):
                passed[piece.unit_key] = _joined(passed.get(piece.unit_key), piece)
        held = passed
    return tuple(held[key] for key in sorted(held))


def _pieces(part: Part, following: Sequence[Succession]) -> list[Part]:
    taken = [one for one in following if one.old_unit_key == part.unit_key]
    return [
        Part(
            one.new_unit_key,
            part.weight * Fraction(one.weight),
            part.low * Fraction(one.weight_low),
            part.high * Fraction(one.weight_high),
            part.assumed or one.assumed,
        )
        for one in taken
    ] or [part]


def _joined(held: Part | None, more: Part) -> Part:
    """Two ways by which a unit came to the same land."""
    if held is None:
        return more
    high = min(held.high + more.high, Fraction(1))
    assumed = held.assumed or more.assumed
    return Part(more.unit_key, held.weight + more.weight, held.low + more.low, high, assumed)


def changed(authority: Authority, until: dt.date) -> bool:
    """Whether any land has passed by ``until``."""
    return any(one.effective_on <= until for one in authority.successions)


def outside(authority: Authority) -> frozenset[str]:
    """Units of other authorities that took over parts."""
    return frozenset(unit.unit_key for unit in authority.outside_units)


def carried(authority: Authority, rows: pl.DataFrame, until: dt.date, day: str) -> pl.DataFrame:
    """``rows`` as if the units of ``until`` had always stood, the parts outside the authority among them.

    Args:
        rows: unit_key, amount (minor units), the date column ``day``, and any others, which stay.
        until: land passed after it is not looked at.

    Returns:
        the columns of ``rows``, ``low_amount`` and ``high_amount`` (what the weights' ranges allow) and
        ``is_assumed``. Every row's parts add up to it: cumulative weights are rounded, not weights.
    """
    days = sorted({one.effective_on for one in authority.successions if one.effective_on <= until})
    era = pl.sum_horizontal([(pl.col(day) >= one).cast(pl.Int32) for one in days] or [pl.lit(0, pl.Int32)])
    table = _table_of_parts(authority, rows["unit_key"].unique().sort().to_list(), days, until)
    split = rows.with_columns(era.alias("_era")).join(
        table, left_on=["unit_key", "_era"], right_on=["_old", "_era"], how="inner", maintain_order="left"
    )
    amount = pl.col("amount")
    return split.select(
        *(
            pl.col("_new").alias(name) if name == "unit_key" else name
            for name in rows.columns
            if name != "amount"
        ),
        (millionths(amount, pl.col("_upto")) - millionths(amount, pl.col("_from"))).alias("amount"),
        millionths(amount, pl.col("_low")).alias("low_amount"),
        millionths(amount, pl.col("_high")).alias("high_amount"),
        "is_assumed",
    )


def _table_of_parts(
    authority: Authority, units: Sequence[str], days: Sequence[dt.date], until: dt.date
) -> pl.DataFrame:
    """For each unit and era (days of succession behind it): its parts as a run of cumulative millionths."""
    rows = []
    for era, since in enumerate([dt.date.min, *days]):
        for unit in units:
            done = Fraction(0)
            for part in parts_of(authority, unit, since, until):
                bounds = (done, done + part.weight, part.low, part.high)
                rows.append(
                    (unit, era, part.unit_key, *(round(one * _PARTS) for one in bounds), part.assumed)
                )
                done += part.weight
    numbers = dict.fromkeys(("_from", "_upto", "_low", "_high"), pl.Int64)
    schema = {"_old": pl.String, "_era": pl.Int32, "_new": pl.String, **numbers, "is_assumed": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


def millionths(amount: pl.Expr, part: pl.Expr) -> pl.Expr:
    """``part`` millionths of ``amount``, half away from zero, in integers that do not overflow."""
    size = amount.abs()
    whole, rest = size // _PARTS * part, size % _PARTS * part
    return (whole + (rest + _PARTS // 2) // _PARTS) * amount.sign()


def on_units_of(authority: Authority, rows: pl.DataFrame, until: dt.date, day: str) -> pl.DataFrame:
    """``rows`` on the units of ``until``, summed; money that left with its land is not there.

    What a night compares with its past. Returns the columns of ``rows``; the same rows where nothing changed.
    """
    if not changed(authority, until):
        return rows
    kept = carried(authority, rows, until, day).filter(~pl.col("unit_key").is_in(list(outside(authority))))
    keys = [name for name in rows.columns if name != "amount"]
    return kept.group_by(keys).agg(pl.col("amount").sum()).select(rows.columns).sort(keys)


def back_on_units_of(authority: Authority, rows: pl.DataFrame, former: dt.date, day: str) -> pl.DataFrame:
    """``rows`` of later units as if the units of ``former`` still stood: the way back.

    A later unit's money is shared among those whose land it took, in proportion to what each brought: weight
    × its own money of the kind in the last fiscal year before ``former`` ends, or all its money where it had
    none of the kind. Nothing comes back from land that left the authority, and nothing goes to land that came
    from outside, so the way there and back need not restore a unit; sums are kept to the minor unit.

    Args:
        rows: unit_key, line_code, basis, amount and ``day``; the years before the change among them.

    Returns:
        the columns of ``rows``, low_amount, high_amount (equal to it: a proportion has no stated range) and
        is_assumed.
    """
    later = rows.filter(pl.col(day) > former)
    until = later[day].max()
    origins = _origins(authority, rows, former, until if isinstance(until, dt.date) else former, day)
    split = later.join(origins, on=_KIND, how="left", maintain_order="left")
    stays = pl.col("_old").is_null()
    amount = pl.col("amount")
    piece = millionths(amount, pl.col("_upto")) - millionths(amount, pl.col("_from"))
    back = split.with_columns(
        pl.when(stays).then(pl.col("unit_key")).otherwise(pl.col("_old")).alias("unit_key"),
        pl.when(stays).then(amount).otherwise(piece).alias("amount"),
        (~stays & pl.col("_split")).fill_null(value=False).alias("is_assumed"),
    )
    own = rows.filter(pl.col(day) <= former).with_columns(pl.lit(value=False).alias("is_assumed"))
    both = pl.concat([own, back.select(own.columns)])
    return both.with_columns(
        pl.col("amount").alias("low_amount"), pl.col("amount").alias("high_amount")
    ).select(*rows.columns, "low_amount", "high_amount", "is_assumed")


def _origins(
    authority: Authority, rows: pl.DataFrame, former: dt.date, until: dt.date, day: str
) -> pl.DataFrame:
    """For each later unit, line and basis: whom its money came from, as runs of cumulative millionths."""
    month = authority.settings.fiscal_year_start_month
    years = fiscal_year(pl.col(day), month)
    last = authority.fiscal_year(former + dt.timedelta(days=1)) - 1
    before = rows.filter(pl.col(day) <= former, years == last)
    units = [unit.unit_key for unit in authority.units_on(former)]
    beyond = outside(authority)
    links = [
        (unit, part.unit_key, float(part.weight))
        for unit in units
        for part in parts_of(authority, unit, former, until)
        if part.unit_key not in beyond
    ]
    schema = {"_old": pl.String, "unit_key": pl.String, "_weight": pl.Float64}
    linked = pl.DataFrame(links, schema=schema, orient="row").filter(
        pl.col("_old").n_unique().over("unit_key") + (pl.col("_old") != pl.col("unit_key")) > 1
    )
    kinds = rows.select("line_code", "basis").unique()
    own = before.group_by(_KIND).agg(pl.col("amount").sum().alias("_own")).rename({"unit_key": "_old"})
    whole = before.group_by("unit_key", "basis").agg(pl.col("amount").sum().alias("_all"))
    grid = (
        linked.join(kinds, how="cross")
        .join(own, on=["_old", "line_code", "basis"], how="left")
        .join(whole.rename({"unit_key": "_old"}), on=["_old", "basis"], how="left")
    )
    brought = [pl.col("_weight") * pl.col(name).fill_null(0).clip(lower_bound=0) for name in ("_own", "_all")]
    sized = grid.with_columns(brought[0].alias("_of_kind"), brought[1].alias("_of_all")).with_columns(
        pl.when(pl.col("_of_kind").sum().over(_KIND) > 0)
        .then(pl.col("_of_kind"))
        .when(pl.col("_of_all").sum().over(_KIND) > 0)
        .then(pl.col("_of_all"))
        .otherwise(pl.col("_weight"))
        .alias("_size")
    )
    ordered = sized.sort(*_KIND, "_old").with_columns(
        (pl.col("_size").cum_sum().over(_KIND) / pl.col("_size").sum().over(_KIND)).alias("_share")
    )
    upto = (pl.col("_share") * _PARTS).round().cast(pl.Int64)
    return ordered.with_columns(upto.alias("_upto")).with_columns(
        pl.col("_upto").shift(1).over(_KIND).fill_null(0).alias("_from"),
        (pl.len().over(_KIND) > 1).alias("_split"),
    ).select(*_KIND, "_old", "_from", "_upto", "_split")  # fmt: skip


def history(authority: Authority, receipts: pl.DataFrame, until: dt.date) -> pl.DataFrame:
    """Monthly collections in the three views (``HISTORY_VIEWS``); empty while no land has passed.

    ``recorded``: by the unit that stood when the money came. ``current``: on the units of ``until``, parts
    outside the authority among them. ``former``: on the units before the last change. Each view's total is
    the recorded total, to the minor unit.

    Args:
        receipts: unit_key, line_code, basis, posting_date, amount.

    Returns:
        view, unit_key, line_code, basis, month, amount, low_amount, high_amount, is_assumed.
    """
    rows = receipts.select(*_KIND, "posting_date", "amount")
    rows = rows if changed(authority, until) else rows.clear()
    former = _day_before_last_change(authority, until)
    as_it_was = pl.col("amount").alias("low_amount"), pl.col("amount").alias("high_amount")
    views = (
        rows.with_columns(*as_it_was, pl.lit(value=False).alias("is_assumed")),
        carried(authority, rows, until, "posting_date"),
        back_on_units_of(authority, rows, former, "posting_date"),
    )
    values = [pl.col("amount", "low_amount", "high_amount").sum(), pl.col("is_assumed").any()]
    month = pl.col("posting_date").dt.month_start().alias("month")
    monthly = [
        part.group_by(pl.lit(view).alias("view"), *_KIND, month).agg(*values)
        for view, part in zip(HISTORY_VIEWS, views, strict=True)
    ]
    return pl.concat(monthly).sort("view", *_KIND, "month")


def _day_before_last_change(authority: Authority, until: dt.date) -> dt.date:
    days = [one.effective_on for one in authority.successions if one.effective_on <= until]
    return max(days, default=until + dt.timedelta(days=1)) - dt.timedelta(days=1)


def comparability(authority: Authority, until: dt.date, since: dt.date) -> dict[str, str]:
    """Units of ``until`` whose past since ``since`` is other units': ``carried``, or ``carried_assumed``.

    Assumed where any weight on the way was.
    """
    marks: dict[str, str] = {}
    ended = [unit for unit in authority.units if unit.valid_to is not None and unit.valid_to >= since]
    for unit in ended:
        for part in parts_of(authority, unit.unit_key, since - dt.timedelta(days=1), until):
            if part.unit_key != unit.unit_key and marks.get(part.unit_key) != "carried_assumed":
                marks[part.unit_key] = "carried_assumed" if part.assumed else "carried"
    return marks
