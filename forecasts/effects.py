"""What declared shocks do, as a frame: units from their batches, and lines' totals from the batches' sums."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from authorities.model import ALL
from authorities.shocks import PolicyShock
from forecasts import months
from forecasts.arrays import Integers
from forecasts.keys import Keys, named
from forecasts.seam import SCENARIO_EFFECT_SCHEMA, SHOCK_EFFECT_SCHEMA
from forecasts.shocks import LineShocks
from forecasts.units import ShockSums

_KEYS = ["unit_key", "line_code", "shock_code"]
_SCHEMA = pl.Schema([*SHOCK_EFFECT_SCHEMA.items(), ("next_year_amount", pl.Int64())])


def shock_effects(keys: Keys, terms: Sequence[LineShocks], found: Sequence[ShockSums]) -> pl.DataFrame:
    """`SHOCK_EFFECT_SCHEMA`: per shock of each line (`terms`, by line) the units it concerns and their total.

    Amounts are means, low and high the 5% and 95% quantiles of the draws; timing and loss are both ≥ 0.
    """
    return _effects(keys, terms, [one for one in found if 0 in one.scenarios]).select(
        SHOCK_EFFECT_SCHEMA.names()
    )


def scenario_effects(
    keys: Keys, terms: Iterable[tuple[str, int, Sequence[LineShocks]]], found: Sequence[ShockSums]
) -> pl.DataFrame:
    """`SCENARIO_EFFECT_SCHEMA`: the same for scenarios, by name, place among the answer's, and terms."""
    parts = [
        _effects(keys, own, [one for one in found if place in one.scenarios]).with_columns(
            scenario=pl.lit(name)
        )
        for name, place, own in terms
    ]
    every = pl.concat([pl.DataFrame(schema=SCENARIO_EFFECT_SCHEMA), *(_in_order(part) for part in parts)])
    return every.sort("scenario", *_KEYS)


def _in_order(part: pl.DataFrame) -> pl.DataFrame:
    return part.select(SCENARIO_EFFECT_SCHEMA.names())


def _effects(keys: Keys, terms: Sequence[LineShocks], found: Sequence[ShockSums]) -> pl.DataFrame:
    parts = [pl.DataFrame(schema=_SCHEMA)]
    for line, one in enumerate(terms):
        batches = [batch for batch in found if batch.line == line]
        if batches:
            shocks = [term.shock for term in one.terms]
            parts.extend(_units(keys, shocks, batch) for batch in batches)
            draws = np.sum([batch.draws for batch in batches], axis=0)
            parts.append(_total(keys.lines[line], shocks, draws))
    return pl.concat(parts).sort(_KEYS)


def _units(keys: Keys, shocks: Sequence[PolicyShock], batch: ShockSums) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "unit_key": named(keys.units, keys.unit_of[batch.leaves]),
            "line_code": named(keys.lines, keys.line_of[batch.leaves]),
            **_dated(shocks, batch.shock),
            "timing_amount": batch.timing,
            "loss_amount": batch.loss,
            "low_amount": batch.low,
            "high_amount": batch.high,
            "next_year_amount": batch.beyond,
        }
    ).select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())


def _total(line: str, shocks: Sequence[PolicyShock], draws: Integers) -> pl.DataFrame:
    """draws: shocks × 3 (timing, loss, beyond the year's end) × draws."""
    timing, loss, beyond = np.rint(draws.mean(axis=2)).astype(np.int64).T
    both = draws[:, :2].sum(axis=1)
    low, high = np.rint(np.quantile(both, [0.05, 0.95], axis=1)).astype(np.int64)
    return pl.DataFrame(
        {
            "unit_key": [ALL] * len(shocks),
            "line_code": [line] * len(shocks),
            **_dated(shocks, np.arange(len(shocks))),
            "timing_amount": timing,
            "loss_amount": loss,
            "low_amount": low,
            "high_amount": high,
            "next_year_amount": beyond,
        }
    ).select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())


def _dated(shocks: Sequence[PolicyShock], which: Integers) -> dict[str, pl.Series]:
    """Code, and the last day on which something put off comes back."""
    back = [
        max((months.last_day(months.ordinal(leg.deferred_to)) for leg in shock.legs), default=None)
        for shock in shocks
    ]
    places = which.astype(np.uint32)
    return {
        "shock_code": pl.Series([shock.code for shock in shocks], dtype=pl.String).gather(places),
        "expected_back_by": pl.Series(back, dtype=pl.Date).gather(places),
    }
