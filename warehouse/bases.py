"""The three bases of a unit's money: on its territory, kept by its own budget, free for recurrent spending.

``territory`` is all that is collected (thu trên địa bàn); ``entitled`` the sharing percentage of it (thu được
hưởng; Thông tư 344/2016/TT-BTC, điều 3 và 9); ``recurrent`` the entitled part of the lines that count for
recurrent spending. Percentages and lines are the authority's dated configuration.
"""

import datetime as dt

import polars as pl

from authorities.model import BASES, UNALLOCATED, Authority
from warehouse.ledger import AnyFrame

_HUNDREDTHS = 10_000
"""Sharing percentages carry two decimals: 10 000 hundredths of a percent are the whole."""


def shares_on(authority: Authority, day: dt.date) -> pl.DataFrame:
    """Share of each unit's lines that belongs to each basis on ``day``.

    Returns:
        unit_key, line_code, basis, share (0..1), for all units and UNALLOCATED, and the authority's lines. An
        item outside the catalogue (line UNALLOCATED) has no known share: it is in ``territory`` alone, as in
        ``by_basis``.
    """
    schema = {"unit_key": pl.String, "line_code": pl.String, "basis": pl.String, "share": pl.Float64}
    rows = [
        (unit, line, basis, hundredths / _HUNDREDTHS)
        for unit, line, entitled, recurrent in _entries(authority, day)
        for basis, hundredths in zip(bases_of(authority), (_HUNDREDTHS, entitled, recurrent), strict=False)
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def bases_of(authority: Authority) -> tuple[str, ...]:
    """The bases that the authority's marts have."""
    return tuple(BASES) if authority.settings.has_recurrent_basis else tuple(BASES[:2])


def by_basis(authority: Authority, rows: AnyFrame, day: str, by: list[str]) -> pl.DataFrame:
    """Sums of ``rows`` once a basis, each row's part rounded half away from zero to the minor unit.

    Args:
        rows: unit_key, line_code, amount (minor units) and the date column ``day``, whose rules hold; they
            may be millions, and a plan.
        by: columns of ``rows`` that stay.

    Returns:
        ``by``, basis, amount.
    """
    eras = _eras(authority)
    dated = rows.lazy().with_columns(_era_of(pl.col(day), eras).alias("_era"))
    keys = ["unit_key", "line_code", "_era"]
    joined = dated.join(_entries_by_era(authority, eras).lazy(), on=keys, how="left")
    amount, bases = pl.col("amount").cast(pl.Int64), bases_of(authority)
    parts = [_part(amount, pl.col(f"_{basis}").fill_null(0)).sum().alias(basis) for basis in bases[1:]]
    summed = joined.group_by(by).agg(amount.sum().alias(bases[0]), *parts)
    sums = summed.collect(engine="streaming")
    return sums.unpivot(list(bases), index=by, variable_name="basis", value_name="amount")


def _entries_by_era(authority: Authority, eras: list[dt.date]) -> pl.DataFrame:
    rows = [
        (unit, line, era, entitled, recurrent)
        for era, first in enumerate([dt.date.min, *eras])
        for unit, line, entitled, recurrent in _entries(authority, first)
    ]
    kinds = {"unit_key": pl.String, "line_code": pl.String, "_era": pl.Int32}
    schema = {**kinds, "_entitled": pl.Int64, "_recurrent": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _part(amount: pl.Expr, hundredths: pl.Expr) -> pl.Expr:
    """Integers only, in two steps, so that no sum of money in a state's budget overflows."""
    size = amount.abs()
    whole, rest = size // _HUNDREDTHS * hundredths, size % _HUNDREDTHS * hundredths
    rounded = whole + (rest + _HUNDREDTHS // 2) // _HUNDREDTHS
    return pl.when(amount < 0).then(-rounded).otherwise(rounded)


def _eras(authority: Authority) -> list[dt.date]:
    """Days on which any rule changes."""
    dated = (*authority.sharing_rules, *authority.recurrent_lines)
    starts = {one.valid_from for one in dated}
    ends = {one.valid_to + dt.timedelta(days=1) for one in dated if one.valid_to is not None}
    return sorted(starts | ends)


def _era_of(day: pl.Expr, eras: list[dt.date]) -> pl.Expr:
    return (
        pl.sum_horizontal([(day >= first).cast(pl.Int32) for first in eras]) if eras else pl.lit(0, pl.Int32)
    )


def _entries(authority: Authority, day: dt.date) -> list[tuple[str, str, int, int]]:
    """Unit, line, hundredths of a percent entitled and recurrent on ``day``.

    A unit's own rule goes before the general one; everything is entitled where there is no sharing at all.
    """
    shared: dict[tuple[str, str], int] = {}
    for rule in authority.sharing_rules:
        if rule.holds_on(day):
            shared.setdefault((rule.unit_code, rule.line_code), int(rule.share_pct * 100))
    otherwise = 0 if authority.sharing_rules else _HUNDREDTHS
    counting = {mark.line_code for mark in authority.recurrent_lines if mark.counts and mark.holds_on(day)}
    units = [(unit.unit_key, unit.code) for unit in authority.units]
    entries = []
    for unit_key, code in (*units, (UNALLOCATED, "")):
        for line in authority.lines:
            general = shared.get(("*", line.line_code), otherwise)
            entitled = shared.get((code, line.line_code), general)
            entries.append(
                (unit_key, line.line_code, entitled, entitled if line.line_code in counting else 0)
            )
    return entries
