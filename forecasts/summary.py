"""From joint draws to rows: quantiles, probabilities, cumulative paths, for series and for their totals.

Draws become whole minor units series by series and are added up as integers, so that the draws of units add
up to the authority's, exactly. How draws come about belongs elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from authorities.model import ALL, BASES
from forecasts.arrays import Floats, Integers
from forecasts.panel import Panel
from forecasts.seam import QUANTILES, TAILS

LEVELS = QUANTILES | TAILS
Estimates = dict[tuple[str, str, str], int]


@dataclass(frozen=True, slots=True)
class Row:
    """One unit × line (or a total) in one basis: cumulative within the fiscal year, minor units.

    actual: 12 months, collected by the end of each month; ahead: months to come × quantiles; whole: quantiles
    of the year-end; the rest is scalar.
    """

    unit_key: str
    line_code: str
    basis: str
    actual: Integers
    ahead: Integers
    mean: int
    estimate: int | None
    shortfall_probability: float | None
    expected_shortfall: int | None
    half_year_below: float | None


class Tally:
    """Takes the draws line by line, gives the rows of that line, and keeps what the totals need.

    months_done: whole months of the fiscal year behind (0..12).
    """

    def __init__(self, panel: Panel, estimates: Estimates, draws: int) -> None:
        self.months_done = min(max(panel.origin - panel.fiscal_start, 0), 12)
        self._panel, self._estimates = panel, estimates
        self._units = {unit: place for place, unit in enumerate(sorted(set(panel.units)))}
        shape = (len(BASES), len(self._units))
        self._unit_draws = np.zeros((*shape, 12 - self.months_done, draws), dtype=np.int64)
        self._unit_means = np.zeros(shape, dtype=np.int64)
        self._unit_actual = np.zeros((*shape, 12), dtype=np.int64)

    def line_rows(self, line: Panel, remaining: Floats) -> Iterator[Row]:
        """Rows of one line's units and of their total; `remaining` is series × months to come × draws."""
        skipped = max(self._panel.fiscal_start - self._panel.origin, 0)
        ahead = np.cumsum(remaining[:, skipped:], axis=1)
        places = np.array([self._units[unit] for unit in line.units], dtype=np.int64)
        for position, basis in enumerate(BASES):
            actual = np.cumsum(line.collected[position], axis=1)
            share = line.shares[position]
            draws = (
                np.rint(share[:, None, None] * ahead).astype(np.int64) + actual[:, self.months_done :, None]
            )
            means = actual[:, -1] + np.rint(
                share * (ahead[:, -1].mean(axis=1) if ahead.shape[1] else 0)
            ).astype(int)
            self._unit_draws[position, places] += draws
            self._unit_means[position, places] += means
            self._unit_actual[position, places] += actual
            code = line.lines[0]
            for row, unit in enumerate(line.units):
                yield self._row((unit, code, basis), actual[row], draws[row], int(means[row]))
            yield self._row((ALL, code, basis), actual.sum(axis=0), draws.sum(axis=0), int(means.sum()))

    def total_rows(self) -> Iterator[Row]:
        """Rows of every unit over all lines, and of the authority."""
        for position, basis in enumerate(BASES):
            actual, draws, means = (
                part[position] for part in (self._unit_actual, self._unit_draws, self._unit_means)
            )
            for unit, row in self._units.items():
                yield self._row((unit, ALL, basis), actual[row], draws[row], int(means[row]))
            yield self._row((ALL, ALL, basis), actual.sum(axis=0), draws.sum(axis=0), int(means.sum()))

    def _row(self, key: tuple[str, str, str], actual: Integers, draws: Integers, mean: int) -> Row:
        """`draws` is months to come × draws, cumulative; empty when the year is over."""
        estimate = self._estimates.get(key)
        whole = draws[-1] if len(draws) else actual[-1:]
        ahead = quantiles(draws)
        if estimate is None:
            return Row(*key, actual, ahead, mean, None, None, None, None)
        short = np.maximum(estimate - whole, 0)
        half = actual[5:6] if self.months_done > 5 else draws[5 - self.months_done]
        return Row(
            *key,
            actual,
            ahead,
            mean,
            estimate,
            float((whole < estimate).mean()),
            int(np.rint(short.mean())),
            float((2 * half <= estimate).mean()),
        )


def quantiles(draws: Integers) -> Integers:
    """Months × quantiles (in the order of `LEVELS`) of months × draws, to whole minor units."""
    if not len(draws):
        return np.zeros((0, len(LEVELS)), dtype=np.int64)
    levels = np.array(list(LEVELS.values()))
    ordered = np.sort(draws, axis=1)
    place = levels * (draws.shape[1] - 1)
    below, above = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
    low, high = ordered[:, below], ordered[:, above]
    between: Integers = low + np.rint((high - low) * (place - below)).astype(np.int64)
    return between
