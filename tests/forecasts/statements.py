"""Statements of an office (ước thực hiện) made of whole numbers, for tests."""

from collections.abc import Callable, Iterable
from datetime import date

import polars as pl

from authorities.model import ALL
from forecasts import months
from forecasts.seam import OFFICE_SCHEMA


def statement(
    unit: str,
    line: str,
    amount: float,
    start: date,
    end: date,
    said: date,
    *,
    until: date | None = None,
    basis: str = "territory",
) -> tuple[object, ...]:
    """One row: what `amount` of the period the office expected on the day `said`, standing until a day."""
    return (unit, line, basis, start, end, said, said, until, round(amount))


def office(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Statements as the engine takes them."""
    return pl.DataFrame(rows, schema=OFFICE_SCHEMA, orient="row")


def year_statements(
    truth: pl.DataFrame,
    years: Iterable[int],
    err: Callable[[str, str, int], float],
    *,
    by: tuple[str, ...] = ("unit_key", "line_code"),
    said: tuple[int, int] = (6, 21),
) -> pl.DataFrame:
    """A statement a year of what each key brought, times an error.

    truth: history rows that reach the end of every year; by: columns kept, the others become 'ALL'.
    """
    yearly = (
        truth.with_columns([pl.lit(ALL).alias(name) for name in ("unit_key", "line_code") if name not in by])
        .group_by("unit_key", "line_code", pl.col("day").dt.year().alias("year"))
        .agg(pl.col("amount").sum())
    )
    rows = [
        statement(u, c, amount * err(u, c, year), date(year, 1, 1), date(year, 12, 31), date(year, *said))
        for u, c, year, amount in yearly.sort("unit_key", "line_code", "year").iter_rows()
        if year in set(years)
    ]
    return office(*rows)


def month_end(year: int, month: int) -> date:
    """Last day of a month."""
    return months.last_day(year * 12 + month - 1)
