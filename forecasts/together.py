"""A year-end forecast in which the office's own estimate counts: the model alone, then with its draws moved.

Joins `forecasts.office` (what it says) and `forecasts.opinions` (what that weighs) with whatever makes a
forecast. The answer shows both parts.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import polars as pl

from authorities.model import ALL
from forecasts.office import KEYS, past_pairs, spoken
from forecasts.opinions import Moves, learnt, moves, told, with_weights
from forecasts.seam import BASE_SCENARIO, COMPONENT_SCHEMA, ForecastProblem, YearEndForecast

METHOD = "combined"
COMPONENT = "office"
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
