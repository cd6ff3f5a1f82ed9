"""The frames of a forecast: figures by row, basis and scenario, put into the shapes the seam declares.

Columns are made of whole arrays and already in the order of their keys; nothing here goes row by row. What
the figures are is worked out in `forecasts.units` and `forecasts.summary`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from authorities.model import BASES
from forecasts import months
from forecasts.arrays import Integers, Numbers
from forecasts.keys import Estimates, Keys, named
from forecasts.ladder import Rung
from forecasts.monitor import Watch
from forecasts.outcomes import PARTS
from forecasts.seam import (
    COMPONENT_SCHEMA,
    PATH_SCHEMA,
    QUANTILES,
    STATUS_SCHEMA,
    TAIL_SCHEMA,
    TAILS,
    WATCH_SCHEMA,
    YEAR_END_SCHEMA,
)
from forecasts.status import STATUSES
from forecasts.summary import LEVELS, PATH_LEVELS, Figures

_BASES_IN_ORDER = sorted(range(len(BASES)), key=BASES.__getitem__)


@dataclass(frozen=True)
class Grid:
    """Rows × bases × scenarios in the order of their names, and the columns that name them.

    scenarios must be given in the order of their names.
    """

    keys: Keys
    scenarios: tuple[str, ...]

    def columns(self, repeat: int = 1) -> dict[str, pl.Series]:
        """unit_key, line_code, basis and scenario, each row `repeat` times over."""
        each = len(BASES) * len(self.scenarios) * repeat
        units, lines = (
            np.repeat(codes[self.keys.in_order].astype(np.uint32), each)
            for codes in (self.keys.unit_codes, self.keys.line_codes)
        )
        bases = np.repeat(np.array(_BASES_IN_ORDER, dtype=np.uint32), len(self.scenarios) * repeat)
        scenarios = np.repeat(np.arange(len(self.scenarios), dtype=np.uint32), repeat)
        return {
            "unit_key": named(self.keys.units, units),
            "line_code": named(self.keys.lines, lines),
            "basis": _names(BASES, np.tile(bases, self.keys.rows)),
            "scenario": _names(self.scenarios, np.tile(scenarios, self.keys.rows * len(BASES))),
        }

    def by_basis(self, values: Numbers) -> Numbers:
        """Rows × bases × …, the same in every scenario → flat, in order."""
        return self.by_scenario([values] * len(self.scenarios))

    def by_scenario(self, values: list[Numbers]) -> Numbers:
        """Scenarios × rows × bases × … → flat, in order."""
        ordered = [one[self.keys.in_order][:, _BASES_IN_ORDER] for one in values]
        flat: Numbers = np.stack(ordered, axis=2)
        return flat.reshape(self.keys.rows * len(BASES) * len(values), *values[0].shape[2:])

    def by_row(self, values: list[Integers]) -> Integers:
        """Scenarios × rows → flat, in order."""
        spread = [np.repeat(one[:, None], len(BASES), axis=1) for one in values]
        return self.by_scenario(spread)


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a forecast's figures: rows × bases, and by scenario places in `STATUSES` by row."""

    collected: Integers
    pace: Integers
    estimates: Estimates
    status: list[Integers]


def year_end(grid: Grid, figures: list[Figures], beside: Beside, method: str, version: str) -> pl.DataFrame:
    """`YEAR_END_SCHEMA`, from figures by scenario."""
    whole = grid.by_scenario([one.whole for one in figures])
    given = pl.Series(grid.by_basis(beside.estimates.given))
    frame = pl.DataFrame(
        {
            **grid.columns(),
            "estimate_amount": grid.by_basis(beside.estimates.amount),
            "collected_amount": grid.by_basis(beside.collected),
            "mean_amount": grid.by_scenario([one.mean for one in figures]),
            **{f"{name}_amount": whole[:, place] for place, name in enumerate(LEVELS) if name in QUANTILES},
            "pace_forecast_amount": grid.by_basis(beside.pace),
            "shortfall_probability": grid.by_scenario([one.shortfall_probability for one in figures]),
            "expected_shortfall_amount": grid.by_scenario([one.expected_shortfall for one in figures]),
            "half_year_below_probability": grid.by_scenario([one.half_year_below for one in figures]),
            "fit_status": _names(STATUSES, grid.by_row(beside.status)),
        }
    )
    compared = pl.col(
        "estimate_amount", "shortfall_probability", "expected_shortfall_amount", "half_year_below_probability"
    )
    return frame.with_columns(
        pl.when(given).then(compared),
        estimate_version=pl.when(given).then(pl.lit(version)),
        method=pl.lit(method),
    ).select(YEAR_END_SCHEMA.names())


def tails(grid: Grid, figures: list[Figures]) -> pl.DataFrame:
    """`TAIL_SCHEMA`."""
    whole = grid.by_scenario([one.whole for one in figures])
    ends = {f"{name}_amount": whole[:, place] for place, name in enumerate(LEVELS) if name in TAILS}
    return pl.DataFrame({**grid.columns(), **ends}, schema=TAIL_SCHEMA)


def path(grid: Grid, figures: list[Figures], actual: Integers, first_month: int, shown: int) -> pl.DataFrame:
    """`PATH_SCHEMA`: actual is rows × bases × 12, of which `shown` months have something to show."""
    days = pl.Series([months.first_day(first_month + month) for month in range(12)], dtype=pl.Date)
    month = np.tile(np.arange(12, dtype=np.uint32), grid.keys.rows * len(BASES) * len(grid.scenarios))
    past = grid.by_basis(actual)
    columns = {**grid.columns(repeat=12), "month": days.gather(month)}
    for place, name in enumerate(PATH_LEVELS):
        ahead = grid.by_scenario([one.path[..., place] for one in figures])
        columns[f"{name}_amount"] = pl.Series(
            np.concatenate([past[:, : 12 - ahead.shape[1]], ahead], axis=1).reshape(-1)
        )
    known = pl.when(pl.Series(month < shown)).then(pl.Series(past.reshape(-1)))
    return pl.DataFrame(columns).with_columns(actual_amount=known).select(PATH_SCHEMA.names())


def components(keys: Keys, collected: Integers, parts: Integers) -> pl.DataFrame:
    """`COMPONENT_SCHEMA`: collected is leaves × bases, parts leaves × bases × `PARTS`."""
    names = ("collected", *PARTS)
    order = sorted(range(len(names)), key=names.__getitem__)
    amounts = keys.summed(np.concatenate([collected[:, :, None], parts], axis=2))
    amounts = amounts[keys.in_order][:, _BASES_IN_ORDER][:, :, order]
    rows = np.repeat(keys.in_order, len(BASES) * len(names))
    bases = np.tile(np.repeat(np.array(_BASES_IN_ORDER), len(names)), keys.rows)
    return pl.DataFrame(
        {
            "unit_key": named(keys.units, keys.unit_codes[rows]),
            "line_code": named(keys.lines, keys.line_codes[rows]),
            "basis": _names(BASES, bases),
            "component": _names(names, np.tile(np.array(order), keys.rows * len(BASES))),
            "amount": amounts.reshape(-1),
        },
        schema=COMPONENT_SCHEMA,
    )


def status(keys: Keys, rungs: list[Rung]) -> pl.DataFrame:
    """`STATUS_SCHEMA`, one row per leaf."""
    frame = pl.DataFrame(
        {
            "unit_key": named(keys.units, keys.unit_of),
            "line_code": named(keys.lines, keys.line_of),
            "rung": [rung.name for rung in rungs],
            "converged": [rung.converged for rung in rungs],
            "reason": [rung.reason for rung in rungs],
            "months_of_history": [rung.months_of_history for rung in rungs],
        },
        schema=STATUS_SCHEMA,
    )
    return frame[keys.in_order[keys.in_order < keys.leaves]]


def watches(found: list[Watch]) -> pl.DataFrame:
    """`WATCH_SCHEMA`."""
    table = [(w.line_code, w.surprise, w.together, w.declared, w.suspected, w.reason) for w in found]
    return pl.DataFrame(table, schema=WATCH_SCHEMA, orient="row").sort("line_code")


def _names(names: tuple[str, ...], codes: Integers) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(np.asarray(codes, dtype=np.uint32))
