"""Why tonight's year-end is not last night's: one thing changed at a time, and what each change moved.

Causes add up to the change of the mean, for every row. The order is fixed: what was known wrongly, what was
declared or configured otherwise, what came in. Estimates move no forecast and are no cause.
"""

from dataclasses import replace

import polars as pl

from forecasts.seam import BASE_SCENARIO, ForecastProblem, Method, YearEndForecast, forecast_year_end

NEWS_SCHEMA = pl.Schema(
    {
        "unit_key": pl.String,
        "line_code": pl.String,
        "basis": pl.String,
        "cause": pl.String,
        "amount": pl.Int64,
    }
)
CAUSES = ("restatement", "configuration", "new_receipts", "other")
_KEYS = ["unit_key", "line_code", "basis"]


def forecast_news(
    previous: ForecastProblem,
    current: ForecastProblem,
    before: YearEndForecast,
    after: YearEndForecast,
    method: Method = "bank",
) -> pl.DataFrame:
    """Changes of the mean in the base scenario (`NEWS_SCHEMA`, minor units), by cause; zero changes are left
    out.

    `restatement`: receipts up to the previous night, as known now. `configuration`: shares, shocks declared
    or announced since, seed and draws. `new_receipts`: what came, and did not come, since; on the first night
    of a fiscal year the year itself. `other`: what is left, such as the exact allocation of collections to
    bases. Costs four forecasts.

    Args:
        previous, current: the problems of two nights, in order.
        before, after: what was answered, by the same method.
    """
    told = current.history.filter(pl.col("day") <= previous.as_of)
    known = tuple(shock for shock in current.shocks if shock.known_on(current.as_of))
    plain = replace(previous, collected=None)
    restated = replace(plain, history=told)
    early = tuple(shock.model_copy(update={"announced_on": previous.as_of}) for shock in known)
    configured = replace(
        restated, shares=current.shares, shocks=early, seed=current.seed, draws=current.draws
    )
    steps = [_means(forecast_year_end(one, method)) for one in (plain, restated, configured)]
    steps.append(_means(forecast_year_end(replace(current, collected=None), method)))
    parts = [_change(old, new, cause) for old, new, cause in zip(steps, steps[1:], CAUSES, strict=False)]
    whole = _change(_means(before), _means(after), "whole")
    found = pl.concat(parts)
    sums = found.group_by(_KEYS).agg(pl.col("amount").sum().alias("explained"))
    rest = whole.join(sums, on=_KEYS, how="left").with_columns(
        cause=pl.lit("other"), amount=pl.col("amount") - pl.col("explained").fill_null(0)
    )
    every = pl.concat([found, rest.select(NEWS_SCHEMA.names())])
    return every.filter(pl.col("amount") != 0).sort(*_KEYS, "cause")


def _means(answer: YearEndForecast) -> pl.DataFrame:
    base = answer.year_end.filter(pl.col("scenario") == BASE_SCENARIO)
    return base.select(*_KEYS, amount="mean_amount")


def _change(before: pl.DataFrame, after: pl.DataFrame, cause: str) -> pl.DataFrame:
    both = before.join(after, on=_KEYS, how="full", coalesce=True, suffix="_after")
    change = pl.col("amount_after").fill_null(0) - pl.col("amount").fill_null(0)
    return both.select(*_KEYS, cause=pl.lit(cause), amount=change)
