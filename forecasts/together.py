"""A year-end forecast in which the office's own estimate counts: the model alone, then with its draws moved.

Joins `forecasts.office` (what it says) and `forecasts.opinions` (what that weighs) with whatever makes a
forecast. The answer shows both parts.
"""

from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist
from typing import Protocol

import polars as pl

from authorities.model import ALL
from forecasts.office import KEYS, past_pairs, spoken
from forecasts.opinions import Moves, learnt, level, moves, told, with_weights
from forecasts.seam import (
    BASE_SCENARIO,
    COMPONENT_SCHEMA,
    QUANTILES,
    TAILS,
    YEAR_END_SCHEMA,
    ForecastProblem,
    YearEndForecast,
)

METHOD = "combined"
OFFICE = "office"
COMPONENT = "office"
_UNKNOWN_ERROR = 0.15
"""Standard deviation of the log of what an office says of which nothing has come yet."""
_PAST_DRAWS = 500
"""Draws of forecasts made again as of earlier years, of which only means are asked."""


class Alone(Protocol):
    """The model's own forecast of a problem, its draws moved where `moves` are given."""

    def __call__(self, problem: ForecastProblem, /, moves: Moves | None = None) -> YearEndForecast:
        """The answer, without the office where there are no moves."""
        ...


def combined(
    problem: ForecastProblem,
    alone: Alone,
    past_means: Callable[[ForecastProblem], pl.DataFrame] | None = None,
) -> YearEndForecast:
    """The forecast of a problem with statements of an office.

    Args:
        alone: makes the model's own.
        past_means: what the model said as of earlier days (unit_key, line_code, basis, mean_amount), where
            that is at hand; made again otherwise.
    """
    model = alone(problem)
    said = spoken(problem)
    if said.is_empty():
        return model
    base = model.year_end.filter(pl.col("scenario") == BASE_SCENARIO)
    taught = learnt(past_pairs(problem, past_means or (lambda then: _means(alone, then))))
    moving = moves(said, taught, base, problem.shares)
    together = _joined(model, alone(problem, moving), moving) if moving.by.height else model
    ends = together.year_end.filter(pl.col("scenario") == BASE_SCENARIO)
    return replace(together, opinions=told(with_weights(said, taught), moving.by, base, ends))


def _means(alone: Alone, then: ForecastProblem) -> pl.DataFrame:
    answer = alone(replace(then, office=None, draws=_PAST_DRAWS))
    return answer.year_end.filter(pl.col("scenario") == BASE_SCENARIO).select(*KEYS, "mean_amount")


def _joined(model: YearEndForecast, moved: YearEndForecast, moving: Moves) -> YearEndForecast:
    """The moved forecast, with what the office changed as a component and the rows that it is in marked."""
    touched = _touched(moving).with_columns(touched=pl.lit(value=True))
    marked = moved.year_end.join(touched, on=KEYS[:2], how="left", maintain_order="left")
    method = pl.when("touched").then(pl.lit(METHOD)).otherwise("method").alias("method")
    return replace(
        moved,
        year_end=marked.with_columns(method).select(moved.year_end.columns),
        components=_components(model, moved),
    )


def as_said(problem: ForecastProblem, said: pl.DataFrame) -> pl.DataFrame:
    """What the office says as a forecast like any other: `YEAR_END_SCHEMA` and the tails, base scenario.

    Its figure is the median, as said; the range is as wide as its past statements were off at this time of
    the year (lognormal). Columns that only a model can fill are null.
    """
    pairs = past_pairs(problem, _like_said)
    off = learnt(pairs).select("level", "basis", "line_code", "office_mse")
    usual = off.group_by("level", "basis").agg(usual_mse=pl.col("office_mse").mean())
    rows = (
        said.with_columns(level=level())
        .join(off, on=["level", "basis", "line_code"], how="left")
        .join(usual, on=["level", "basis"], how="left")
        .join(_compared(problem), on=KEYS, how="left")
    )
    deviation = pl.coalesce("office_mse", "usual_mse", _UNKNOWN_ERROR**2).sqrt().clip(lower_bound=1e-6)
    figure, estimate = pl.col("office_amount"), pl.col("estimate_amount")
    distance = ((estimate / figure).log() / deviation).map_batches(_normal_cdf, return_dtype=pl.Float64)
    amounts = {
        f"{name}_amount": (figure * (deviation * NormalDist().inv_cdf(part)).exp()).round().cast(pl.Int64)
        for name, part in (QUANTILES | TAILS).items()
    }
    known = rows.with_columns(
        **amounts,
        scenario=pl.lit(BASE_SCENARIO),
        mean_amount=figure,
        method=pl.lit(OFFICE),
        shortfall_probability=pl.when((estimate > 0) & (figure > 0)).then(distance),
    )
    wanted = {**YEAR_END_SCHEMA, **{f"{name}_amount": pl.Int64() for name in TAILS}}
    return known.select(
        (pl.col(name) if name in known.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in wanted.items()
    )


def _normal_cdf(values: pl.Series) -> pl.Series:
    return pl.Series([None if v is None else NormalDist().cdf(v) for v in values], dtype=pl.Float64)


def _like_said(then: ForecastProblem) -> pl.DataFrame:
    return spoken(then).select(*KEYS, mean_amount="office_amount")


def _compared(problem: ForecastProblem) -> pl.DataFrame:
    chosen = problem.estimates.filter(pl.col("estimate_version") == problem.estimate_version)
    return chosen.select(*KEYS, "estimate_version", "estimate_amount").drop_nulls("estimate_amount")


def _touched(moving: Moves) -> pl.DataFrame:
    """Units and lines of the rows whose draws are other ones now: leaves, and every total they are in."""
    leaves = pl.DataFrame({"unit_key": list(moving.unit_key), "line_code": list(moving.line_code)})
    leaves = leaves.filter(pl.Series((moving.shift != 0) | (moving.spread != 1)))
    whole = [pl.lit(ALL).alias(name) for name in leaves.columns]
    return pl.concat(
        [leaves, leaves.with_columns(whole[0]), leaves.with_columns(whole[1]), leaves.with_columns(whole)]
    ).unique()


def _components(model: YearEndForecast, moved: YearEndForecast) -> pl.DataFrame:
    """The model's components, and the difference that the office makes to each mean."""
    before, after = (
        one.year_end.filter(pl.col("scenario") == BASE_SCENARIO).select(*KEYS, "mean_amount")
        for one in (model, moved)
    )
    change = after.join(before, on=KEYS, suffix="_alone", maintain_order="left").select(
        *KEYS,
        component=pl.lit(COMPONENT),
        amount=pl.col("mean_amount") - pl.col("mean_amount_alone"),
    )
    every = pl.concat(
        [model.components, change.select(pl.col(name).cast(kind) for name, kind in COMPONENT_SCHEMA.items())]
    )
    return every.sort(*KEYS, "component")
