"""Small forecasting problems made of whole numbers, for tests."""

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from authorities.shocks import Assumption, BilingualTitle, DeferralLeg, PolicyShock
from forecasts import months
from forecasts.seam import ESTIMATES_SCHEMA, HISTORY_SCHEMA, SHARES_SCHEMA, ForecastProblem

SEASON = np.array([1.3, 0.7, 0.9, 1.2, 0.8, 1.0, 1.3, 0.8, 0.9, 1.2, 0.8, 1.1])


def seasonal(
    unit: str, line: str, first: date, last: date, level: float = 1e9, noise: float = 0.05, seed: int = 0
) -> pl.DataFrame:
    """Monthly receipts on the 20th, with a season and a little noise, from one month to another."""
    rng = np.random.default_rng([seed, *unit.encode(), *line.encode()])
    span = range(months.ordinal(first), months.ordinal(last) + 1)
    amounts = [level * SEASON[m % 12] * np.exp(noise * rng.standard_normal()) for m in span]
    return rows(
        unit, line, {months.first_day(m).replace(day=20): a for m, a in zip(span, amounts, strict=True)}
    )


def rows(unit: str, line: str, amounts: dict[date, float]) -> pl.DataFrame:
    """History rows of one series."""
    return pl.DataFrame(
        [(unit, line, day, round(amount)) for day, amount in amounts.items()],
        schema=HISTORY_SCHEMA,
        orient="row",
    )


def changed(history: pl.DataFrame, change: Callable[[str, str, date, int], float]) -> pl.DataFrame:
    """The same rows with other amounts."""
    return pl.DataFrame(
        [(u, c, d, round(change(u, c, d, a))) for u, c, d, a in history.iter_rows()],
        schema=HISTORY_SCHEMA,
        orient="row",
    )


def district(
    units: int = 3, lines: tuple[str, ...] = ("vat", "fees"), to: date = date(2020, 6, 30)
) -> pl.DataFrame:
    """Eight and a half years of a few wards and lines."""
    parts = [
        seasonal(f"u{u}@2004", line, date(2012, 1, 1), to, level=1e8 * (u + 1))
        for u in range(units)
        for line in lines
    ]
    return pl.concat([pl.DataFrame(schema=HISTORY_SCHEMA), *parts])


def problem(history: pl.DataFrame, as_of: date = date(2020, 6, 30), **other: object) -> ForecastProblem:
    """A problem with shares of 1, 0.3 and 0.25 and no estimates, few draws, unless told otherwise."""
    leaves = history.select("unit_key", "line_code").unique()
    given = {"territory": 1.0, "entitled": 0.3, "recurrent": 0.25}
    shares = [leaves.with_columns(basis=pl.lit(basis), share=pl.lit(share)) for basis, share in given.items()]
    asked: dict[str, object] = {
        "last_complete_day": as_of,
        "fiscal_year_start_month": 1,
        "shares": pl.concat(shares).cast(dict(SHARES_SCHEMA)),
        "estimates": pl.DataFrame(schema=ESTIMATES_SCHEMA),
        "shocks": (),
        "seed": 20200630,
        "draws": 300,
    }
    return ForecastProblem(history=history, as_of=as_of, **(asked | other))  # type: ignore[arg-type]


def estimate(
    unit: str, line: str, amount: int, basis: str = "territory", version: str = "initial"
) -> pl.DataFrame:
    """One row of estimates."""
    return pl.DataFrame([(unit, line, basis, version, amount)], schema=ESTIMATES_SCHEMA, orient="row")


def deferral(
    code: str = "grace",
    announced: date = date(2020, 4, 8),
    low: float = 0.1,
    value: float = 0.3,
    high: float = 0.5,
    legs: tuple[tuple[str, str], ...] = (
        ("2020-04", "2020-09"),
        ("2020-05", "2020-10"),
        ("2020-06", "2020-11"),
    ),
    line: str = "vat",
) -> PolicyShock:
    """A deferral of VAT like that of spring 2020."""
    return PolicyShock(
        code=code,
        title=BilingualTitle(vi="Gia hạn", en="Deferral"),
        kind="timing",
        form="deferral",
        line_codes=(line,),
        announced_on=announced,
        legal_source="test",
        legs=tuple(DeferralLeg.model_validate({"due_month": d, "deferred_to": t}) for d, t in legs),
        fraction=Assumption(value=value, low=low, high=high),
    )


def loss(
    code: str,
    form: str = "rate_change",
    value: float = 0.8,
    since: date = date(2020, 7, 1),
    until: date | None = date(2020, 12, 31),
    line: str = "vat",
    units: tuple[str, ...] = (),
    announced: date = date(2020, 6, 1),
) -> PolicyShock:
    """A rate change by `value`, a closure or a transient shock."""
    bent = Assumption(value=value, low=value, high=value) if form == "rate_change" else None
    return PolicyShock(
        code=code,
        title=BilingualTitle(vi="Giảm", en="Cut"),
        kind="timing" if form == "transient" else "loss",
        form=form,  # type: ignore[arg-type]
        line_codes=(line,),
        unit_codes=units,
        announced_on=announced,
        legal_source="test",
        multiplier=bent,
        effective_from=since,
        effective_to=until,
    )
