"""Arrivals: which extracts were expected, which came and when, and how far each unit's data reaches.

Expected days follow the form's rhythm and the authority's working days. What a delivery states comes from
the register of deliveries and, for bulk listings and units' own reports, from the rows.
"""

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from authorities.forms import Expected, ExtractForm
from authorities.model import ALL, Authority
from warehouse.projections import polars_schema
from warehouse.tables.marts import MART_EXTRACT_ARRIVAL

_STATED = {
    "form_code": pl.String, "unit_key": pl.String, "scope_from": pl.Date, "scope_to": pl.Date,
    "received_on": pl.Date, "repeats": pl.Boolean,
}  # fmt: skip


_Period = dict[dt.date, tuple[dt.date, bool]]
"""Period end → day received, and whether what came were the bytes of an earlier period."""


@dataclass(frozen=True)
class _Arrival:
    expected_at: dt.date
    received_at: dt.date | None
    status: str


def statements(deliveries: pl.DataFrame, staged: list[pl.DataFrame]) -> pl.DataFrame:
    """Which period of which unit was stated by which form, and when.

    Args:
        deliveries: the register (``core_delivery``), for files whose name says the period.
        staged: staged frames, for bulk listings whose rows say it and for reports of single units.

    Returns:
        form_code, unit_key, scope_from, scope_to, received_on, repeats.
    """
    by_row = _stated_by_rows(deliveries, staged)
    named = deliveries.filter(pl.col("status").is_in(["read", "repeated"]), pl.col("scope_to").is_not_null())
    named = named.with_columns((pl.col("status") == "repeated").alias("repeats"))
    whole = named.filter(pl.col("unit_key") == ALL)
    # A repeated file has the delivery_id of the first, whose rows name the units.
    speakers = by_row.select("delivery_id", "unit_key").unique()
    own = named.filter(pl.col("unit_key").is_null(), pl.col("repeats")).drop("unit_key")
    names = list(_STATED)
    parts = [whole.select(names), own.join(speakers, on="delivery_id").select(names), by_row.select(names)]
    return pl.concat(parts).unique().select(pl.col(name).cast(kind) for name, kind in _STATED.items())


def _stated_by_rows(deliveries: pl.DataFrame, staged: list[pl.DataFrame]) -> pl.DataFrame:
    if not staged:
        return pl.DataFrame(schema={"delivery_id": pl.String, **_STATED})
    forms = deliveries.select("delivery_id", "form_code").unique()
    kept = ["delivery_id", "scope_unit", "scope_from", "scope_to", "recorded_at"]
    rows = pl.concat([frame.select(kept).unique() for frame in staged]).join(forms, on="delivery_id")
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
    ordered = known.sort("repeats", "received_on").select(
        "form_code", "unit_key", "scope_to", "received_on", "repeats"
    )
    for form_code, unit, end, received, repeats in ordered.iter_rows():
        for whose in {unit, ALL}:
            came.setdefault((form_code, whose), {}).setdefault(end, (received, repeats))
    return came


def _form_rows(
    authority: Authority,
    form: ExtractForm,
    expected: Expected,
    by_sender: dict[tuple[str, str], _Period],
    as_of: dt.date,
) -> Iterator[tuple[dt.date, str, str, dt.date, dt.date | None, str, dt.date | None, int]]:
    ends = _period_ends(authority, expected, as_of)
    dues = {end: due for end in ends if (due := _due(authority, end, expected)) <= as_of}
    for unit, own_ends in _senders(authority, expected, list(dues), as_of):
        came = by_sender.get((form.form_code, unit), {})
        missing = [end for end in own_ends if end not in came]
        if not own_ends:
            continue
        told = missing[0] if missing else own_ends[-1]
        arrival = _arrival(dues[told], came.get(told))
        yield (
            as_of, form.form_code, unit, arrival.expected_at, arrival.received_at, arrival.status,
            max(came, default=None), len(missing),
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


def _arrival(due: dt.date, came: tuple[dt.date, bool] | None) -> _Arrival:
    if came is None:
        return _Arrival(due, None, "missing")
    received, repeats = came
    return _Arrival(due, received, "unchanged" if repeats else "on_time" if received <= due else "late")


def _due(authority: Authority, end: dt.date, expected: Expected) -> dt.date:
    """Day by which a period's extract is due; weekends and holidays postpone it to the next working day."""
    due = end + dt.timedelta(days=expected.due_after_days)
    while not is_working_day(authority, due):
        due += dt.timedelta(days=1)
    return due


def _period_ends(authority: Authority, expected: Expected, as_of: dt.date) -> list[dt.date]:
    """Last days of the periods that extracts are expected for, from the form's start to the night."""
    since = dt.date.fromisoformat(expected.since)
    if expected.every == "working_day":
        days = (since + dt.timedelta(days=n) for n in range((as_of - since).days + 1))
        return [day for day in days if is_working_day(authority, day)]
    if expected.every == "month":
        months = ((year, month) for year in range(since.year, as_of.year + 1) for month in range(1, 13))
        ends = [dt.date(year, month, calendar.monthrange(year, month)[1]) for year, month in months]
    else:
        years = range(authority.fiscal_year(since), authority.fiscal_year(as_of) + 1)
        ends = [authority.fiscal_year_end(year) for year in years]
    return [end for end in ends if since <= end <= as_of]


def is_working_day(authority: Authority, day: dt.date) -> bool:
    """Whether offices are open: no weekend and no public holiday of the authority's country."""
    country = authority.settings.holidays_country
    return day.weekday() < 5 and (country is None or day not in _holidays(country, day.year))


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> frozenset[dt.date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))
