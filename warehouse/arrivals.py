"""Arrivals: which extracts were expected, which came and when, and how far each unit's data reaches.

Expected days are ``warehouse.office_calendar``'s. Missing, zero and unchanged are three things: no file, a
file that says nothing came, a file with the bytes of an earlier period. What a delivery states comes from
the register of deliveries and, for bulk listings and units' own reports, from the rows.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from authorities.forms import Expected, ExtractForm
from authorities.model import ALL, Authority
from warehouse.ledger import AnyFrame
from warehouse.office_calendar import due_day, period_ends
from warehouse.projections import polars_schema
from warehouse.tables.marts import MART_EXTRACT_ARRIVAL, MARTS, ROWS_OWN_DATASET

_REACH = "last_complete_day"
_STATED = {
    "form_code": pl.String, "unit_key": pl.String, "scope_from": pl.Date, "scope_to": pl.Date,
    "received_on": pl.Date, "repeats": pl.Boolean, "is_zero": pl.Boolean,
}  # fmt: skip


class _Came(NamedTuple):
    """What came for a period: the day, whether in an earlier period's bytes, whether it says nothing."""

    received: dt.date
    repeats: bool
    is_zero: bool


_Period = dict[dt.date, _Came]
"""Period end → what came for it first."""


@dataclass(frozen=True)
class _Arrival:
    expected_at: dt.date
    received_at: dt.date | None
    status: str
    is_zero: bool | None


def statements(deliveries: pl.DataFrame, staged: Sequence[AnyFrame]) -> pl.DataFrame:
    """Which period of which unit was stated by which form, and when.

    Args:
        deliveries: the register (``core_delivery``), for files whose name says the period.
        staged: staged frames, for bulk listings whose rows say it and for reports of single units.

    Returns:
        form_code, unit_key, scope_from, scope_to, received_on, repeats, is_zero (it says that nothing came).
    """
    by_row = _stated_by_rows(deliveries, staged)
    named = deliveries.filter(pl.col("status").is_in(["read", "repeated"]), pl.col("scope_to").is_not_null())
    named = named.with_columns(
        (pl.col("status") == "repeated").alias("repeats"),
        ((pl.col("rows_data") == 0) | (pl.col("amount_received") == 0)).alias("is_zero"),
    )
    whole = named.filter(pl.col("unit_key") == ALL)
    # A repeated file has the delivery_id of the first, whose rows name the units.
    speakers = by_row.select("delivery_id", "unit_key").unique()
    own = named.filter(pl.col("unit_key").is_null(), pl.col("repeats")).drop("unit_key")
    names = list(_STATED)
    parts = [whole.select(names), own.join(speakers, on="delivery_id").select(names), by_row.select(names)]
    return pl.concat(parts).unique().select(pl.col(name).cast(kind) for name, kind in _STATED.items())


def _stated_by_rows(deliveries: pl.DataFrame, staged: Sequence[AnyFrame]) -> pl.DataFrame:
    if not staged:
        return pl.DataFrame(schema={"delivery_id": pl.String, **_STATED})
    forms = deliveries.select("delivery_id", "form_code").unique()
    kept = ["delivery_id", "scope_unit", "scope_from", "scope_to", "recorded_at"]
    nothing = (pl.col("amount").fill_null(0) == 0).all().alias("is_zero")
    stated = [frame.lazy().group_by(kept).agg(nothing) for frame in staged]
    rows = pl.concat(stated).collect(engine="streaming").join(forms, on="delivery_id")
    return rows.rename({"scope_unit": "unit_key", "recorded_at": "received_on"}).with_columns(
        pl.lit(False).alias("repeats")  # noqa: FBT003 - polars' literal
    )


def complete_days(authority: Authority, stated: pl.DataFrame, dataset: str, as_of: dt.date) -> pl.DataFrame:
    """Last day that the data of each unit reaches, by what had arrived on the night.

    A file with the bytes of an earlier period brings no data of its own.

    Returns:
        unit_key (units in force and ALL), last_complete_day; ALL is the earliest of the units', so that the
        authority's figure does not claim more than its slowest unit.
    """
    codes = [form.form_code for form in authority.forms if form.dataset == dataset]
    known = stated.filter(
        pl.col("form_code").is_in(codes), pl.col("received_on") <= as_of, ~pl.col("repeats")
    )
    last = dict(known.group_by("unit_key").agg(pl.col("scope_to").max()).iter_rows())
    shared = last.get(ALL)
    days: dict[str, dt.date | None] = {}
    for unit in authority.units_on(as_of):
        reached = [day for day in (shared, last.get(unit.unit_key)) if day is not None]
        days[unit.unit_key] = min(max(reached), as_of) if reached else None
    given = [day for day in days.values() if day is not None]
    days[ALL] = min(given) if given else None
    return pl.DataFrame(
        {"unit_key": list(days), "last_complete_day": list(days.values())},
        schema={"unit_key": pl.String, "last_complete_day": pl.Date},
    )


def with_last_days(
    authority: Authority, stated: pl.DataFrame, as_of: dt.date, marts: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """``marts`` with ``last_complete_day`` on every row, by what each mart's declaration says it stands on.

    A row of what is no unit in force (money without a place, a unit of the past, the authority) has the day
    of ALL.
    """
    complete: dict[str, pl.DataFrame] = {}

    def reached(dataset: str) -> pl.DataFrame:
        if dataset not in complete:
            complete[dataset] = complete_days(authority, stated, dataset, as_of)
        return complete[dataset]

    told = dict(marts)
    for table in MARTS:
        if (reach := table.info.get("reach")) and table.name in marts:
            day = _last_day(marts[table.name], reach, reached)
            own = [pl.col(_REACH)] if _REACH in marts[table.name].columns else []
            told[table.name] = marts[table.name].with_columns(pl.coalesce(*own, day).alias(_REACH))
    return told


def _last_day(mart: pl.DataFrame, reach: tuple[str, ...], reached: Callable[[str], pl.DataFrame]) -> pl.Expr:
    if reach == ROWS_OWN_DATASET:
        days = {dataset: _day_of_all(reached(dataset)) for dataset in mart["dataset"].unique()}
        return pl.col("dataset").replace_strict(days, default=None, return_dtype=pl.Date)
    each = [reached(dataset) for dataset in reach]
    whole = [_day_of_all(one) for one in each]
    given = [day for day in whole if day is not None]
    if len(given) < len(whole) or "unit_key" not in mart.columns:
        return pl.lit(min(given) if len(given) == len(whole) else None, pl.Date)
    day = pl.col(_REACH)
    least = pl.concat(each).group_by("unit_key").agg(pl.when(day.has_nulls().not_()).then(day.min()))
    by_unit = dict(least.iter_rows())
    return pl.col("unit_key").replace_strict(by_unit, default=by_unit[ALL], return_dtype=pl.Date)


def _day_of_all(complete: pl.DataFrame) -> dt.date | None:
    day: dt.date | None = complete.filter(pl.col("unit_key") == ALL)[_REACH].item()
    return day


def extract_arrivals(authority: Authority, stated: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """One row a form and unit: the oldest expected extract that is missing, else the latest one due.

    Returns:
        ``mart_extract_arrival`` without its publication.
    """
    known = stated.filter(pl.col("received_on") <= as_of)
    by_sender = _by_sender(known)
    rows = [
        row
        for form in authority.forms
        if form.expected is not None
        for row in _form_rows(authority, form, form.expected, by_sender, as_of)
    ]
    schema = {k: v for k, v in polars_schema(MART_EXTRACT_ARRIVAL).items() if k != "publication_id"}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _by_sender(known: pl.DataFrame) -> dict[tuple[str, str], _Period]:
    """For each form and unit, when each period first came; the period's own bytes go before repeated ones.

    Under ALL stands what came for the authority or for any unit: a listing of all units, each for itself.
    """
    came: dict[tuple[str, str], _Period] = {}
    ordered = known.sort("repeats", "received_on", "is_zero").select(
        "form_code", "unit_key", "scope_to", "received_on", "repeats", "is_zero"
    )
    for form_code, unit, end, *what in ordered.iter_rows():
        for whose in {unit, ALL}:
            came.setdefault((form_code, whose), {}).setdefault(end, _Came(*what))
    return came


def _form_rows(
    authority: Authority,
    form: ExtractForm,
    expected: Expected,
    by_sender: dict[tuple[str, str], _Period],
    as_of: dt.date,
) -> Iterator[tuple[object, ...]]:
    dues = {end: due_day(authority, end, expected) for end in period_ends(authority, expected, as_of)}
    for unit, own_ends in _senders(authority, expected, list(dues), as_of):
        came = by_sender.get((form.form_code, unit), {})
        missing = [end for end in own_ends if end not in came]
        if not own_ends:
            continue
        told = missing[0] if missing else own_ends[-1]
        arrival = _arrival(dues[told], came.get(told))
        yield (
            as_of, form.form_code, unit, arrival.expected_at, arrival.received_at, arrival.status,
            max(came, default=None), len(missing), arrival.is_zero,
        )  # fmt: skip


def _senders(
    authority: Authority, expected: Expected, ends: list[dt.date], as_of: dt.date
) -> Iterator[tuple[str, list[dt.date]]]:
    """Who is to send, and for which periods: a unit for those at whose end it was in force."""
    if not expected.per_unit:
        yield ALL, ends
        return
    for unit in authority.units_on(as_of):
        yield unit.unit_key, [end for end in ends if unit.holds_on(end)]


def _arrival(due: dt.date, came: _Came | None) -> _Arrival:
    if came is None:
        return _Arrival(due, None, "missing", None)
    status = "unchanged" if came.repeats else "on_time" if came.received <= due else "late"
    return _Arrival(due, came.received, status, came.is_zero)
