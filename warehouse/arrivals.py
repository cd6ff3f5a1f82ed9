"""Arrivals: which extracts were expected, which came and when, and how far each unit's data reaches.

Expected days follow the form's rhythm and the authority's working days. What a delivery states comes from
the register of deliveries and, for bulk listings, from the rows.
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
    whole = deliveries.filter(
        pl.col("status").is_in(["read", "repeated"]), pl.col("scope_to").is_not_null(), pl.col("unit_key") == ALL
    ).select(
        "form_code", "unit_key", "scope_from", "scope_to", "received_on",
        (pl.col("status") == "repeated").alias("repeats"),
    )  # fmt: skip
    forms = deliveries.select("delivery_id", "form_code").unique()
    rows = [
        frame.select("delivery_id", "scope_unit", "scope_from", "scope_to", "recorded_at").unique()
        for frame in staged
    ]
    by_row = (
        pl.concat(rows)
        .join(forms, on="delivery_id")
        .select(
            "form_code",
            pl.col("scope_unit").alias("unit_key"),
            "scope_from",
            "scope_to",
            pl.col("recorded_at").alias("received_on"),
            pl.lit(False).alias("repeats"),
        )  # fmt: skip
        if rows
        else pl.DataFrame(schema=_STATED)
    )
    return (
        pl.concat([whole, by_row]).unique().select(pl.col(name).cast(kind) for name, kind in _STATED.items())
    )


def complete_days(authority: Authority, stated: pl.DataFrame, dataset: str, as_of: dt.date) -> pl.DataFrame:
    """Last day that the data of each unit reaches, by what had arrived on the night.

    Returns:
        unit_key (units in force and ALL), last_complete_day; ALL is the earliest of the units', so that the
        authority's figure does not claim more than its slowest unit.
    """
    codes = [form.form_code for form in authority.forms if form.dataset == dataset]
    known = stated.filter(pl.col("form_code").is_in(codes), pl.col("received_on") <= as_of)
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
    by_period: dict[tuple[str, str, dt.date], tuple[dt.date, bool]] = {}
    for form_code, unit, _, scope_to, received, repeats in known.sort(
        "received_on", "repeats", descending=True
    ).iter_rows():
        by_period[form_code, unit, scope_to] = (received, repeats)
    rows = [
        row
        for form in authority.forms
        if form.expected is not None
        for row in _form_rows(authority, form, form.expected, by_period, as_of)
    ]
    schema = {k: v for k, v in polars_schema(MART_EXTRACT_ARRIVAL).items() if k != "publication_id"}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _form_rows(
    authority: Authority,
    form: ExtractForm,
    expected: Expected,
    by_period: dict[tuple[str, str, dt.date], tuple[dt.date, bool]],
    as_of: dt.date,
) -> Iterator[tuple[dt.date, str, str, dt.date, dt.date | None, str, dt.date | None, int]]:
    units = [unit.unit_key for unit in authority.units_on(as_of)] if expected.per_unit else [ALL]
    ends = [end for end in _period_ends(authority, expected, as_of) if _due(end, expected) <= as_of]
    for unit in units:
        arrivals = {end: by_period.get((form.form_code, unit, end)) for end in ends}
        if not arrivals:
            continue
        missing = [end for end, came in arrivals.items() if came is None]
        told = _told(missing[0] if missing else ends[-1], arrivals, expected)
        covered = [end for (code, who, end) in by_period if code == form.form_code and who == unit]
        last = max(covered) if covered else None
        yield (
            as_of, form.form_code, unit, told.expected_at, told.received_at, told.status, last, len(missing)
        )  # fmt: skip


def _told(end: dt.date, arrivals: dict[dt.date, tuple[dt.date, bool] | None], expected: Expected) -> _Arrival:
    due = _due(end, expected)
    came = arrivals[end]
    if came is None:
        return _Arrival(due, None, "missing")
    received, repeats = came
    return _Arrival(due, received, "unchanged" if repeats else "on_time" if received <= due else "late")


def _due(end: dt.date, expected: Expected) -> dt.date:
    return end + dt.timedelta(days=expected.due_after_days)


def _period_ends(authority: Authority, expected: Expected, as_of: dt.date) -> list[dt.date]:
    """Last days of the periods that extracts are expected for, from the form's start to the night."""
    since = dt.date.fromisoformat(expected.since)
    if expected.every == "working_day":
        days = (since + dt.timedelta(days=n) for n in range((as_of - since).days + 1))
        return [day for day in days if is_working_day(authority, day)]
    if expected.every == "month":
        months = ((year, month) for year in range(since.year, as_of.year + 1) for month in range(1, 13))
        ends = (dt.date(year, month, calendar.monthrange(year, month)[1]) for year, month in months)
        return [end for end in ends if since <= end <= as_of]
    starts = range(authority.fiscal_year(since), authority.fiscal_year(as_of) + 1)
    return [authority.fiscal_year_end(year) for year in starts]


def is_working_day(authority: Authority, day: dt.date) -> bool:
    """Whether offices are open: no weekend and no public holiday of the authority's country."""
    country = authority.settings.holidays_country
    return day.weekday() < 5 and (country is None or day not in _holidays(country, day.year))


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> frozenset[dt.date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))
