"""How past year-ends went wrong together: what lines share with each other, and a unit's lines with each
other.

A month's surprises understate it: whole years are good or bad for all lines at once, and a place's own
economy moves all its lines. So correlations are those of past errors of the year-end (`forecasts.calibration`
makes them), shrunk while years are few. Totals over lines need them; a line's own units are
`forecasts.factors`' affair.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Flags, Floats, Integers

_MOST = 0.8
_LINES_PRIOR, _UNIT_PRIOR = 4.0, 2.0
"""Years of errors that the monthly surprises' correlation, and independence of a unit's lines, count for."""
_FURTHEST = 3.0


@dataclass(frozen=True, slots=True)
class PastErrors:
    """Errors of one line's past year-ends, of K years, the last one first; NaN where not known.

    line: K, what the units erred by together, in its own deviations; own: K × n, each unit's error beyond
    that, in its own deviations; at_stake: K × n, such a deviation in money.
    """

    line: Floats
    own: Floats
    at_stake: Floats

    @classmethod
    def nothing(cls, units: int, years: int = 0) -> "PastErrors":
        """Nothing known of so many units."""
        return cls(*(np.full(shape, np.nan) for shape in ((years,), (years, units), (years, units))))

    def take(self, rows: Integers) -> "PastErrors":
        """The same for some of the units."""
        return PastErrors(self.line, self.own[:, rows], self.at_stake[:, rows])

    def spread_over(self, rows: Integers, units: int) -> "PastErrors":
        """The same with its units at `rows` among so many; nothing is known of the others."""
        wide = PastErrors.nothing(units, len(self.line))
        wide.own[:, rows], wide.at_stake[:, rows] = self.own, self.at_stake
        return PastErrors(self.line, wide.own, wide.at_stake)


@dataclass(frozen=True, slots=True)
class Sharing:
    """Correlations, 0..1: of what two lines' units share, and of what is one unit's own in two lines."""

    lines: float = 0.0
    unit: float = 0.0


def sharing_of(errors: Sequence[PastErrors], units: Sequence[Sequence[str]], monthly: float = 0.0) -> Sharing:
    """From every line's past errors and its units' keys; `monthly`: the correlation of lines' surprises by
    month, which counts for four years of errors.
    """
    found, years = _between_lines(errors)
    lines = (years * found + _LINES_PRIOR * monthly) / (years + _LINES_PRIOR)
    own, own_years = _within_units(errors, units)
    unit = own_years * own / (own_years + _UNIT_PRIOR)
    return Sharing(float(np.clip(lines, 0, _MOST)), float(np.clip(unit, 0, _MOST)))


def _between_lines(errors: Sequence[PastErrors]) -> tuple[float, int]:
    table = _stacked([one.line for one in errors])
    return _correlation(table, np.ones_like(table))


def _within_units(errors: Sequence[PastErrors], units: Sequence[Sequence[str]]) -> tuple[float, int]:
    """Over all units and years together, lines weighed by the money they may go wrong by."""
    place = {unit: i for i, unit in enumerate(sorted({unit for line in units for unit in line}))}
    years = max((len(one.line) for one in errors), default=0)
    error, weight = (np.full((len(errors), years, len(place)), np.nan) for _ in range(2))
    for row, (one, names) in enumerate(zip(errors, units, strict=True)):
        where = [place[name] for name in names]
        error[row, : len(one.own), where] = one.own.T
        weight[row, : len(one.own), where] = one.at_stake.T
    cases = (len(errors), years * len(place))
    found, _ = _correlation(error.reshape(cases), weight.reshape(cases))
    told = (np.isfinite(error).sum(axis=0) > 1).any(axis=1) if len(errors) else np.zeros(0, dtype=bool)
    return found, int(told.sum())


def _stacked(rows: list[Floats]) -> Floats:
    """Rows of different length as one table, NaN at their ends."""
    table = np.full((len(rows), max((len(row) for row in rows), default=0)), np.nan)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _correlation(errors: Floats, weights: Floats) -> tuple[float, int]:
    """Mean correlation of rows (lines × cases, NaN where not known) over pairs of them, weighed; how many
    cases tell.

    In each case, the square of the weighed sum has in excess of the sum of squares what rows share.
    """
    known: Flags = np.isfinite(errors) & (np.nan_to_num(weights) > 0)
    several = known.sum(axis=0) > 1
    error = np.where(known, np.clip(np.nan_to_num(errors), -_FURTHEST, _FURTHEST), 0.0)[:, several]
    weight = np.where(known, np.nan_to_num(weights), 0.0)[:, several]
    if not error.size:
        return 0.0, 0
    weight = weight / weight.sum(axis=0)
    apart, alone = ((weight * error) ** 2).sum(axis=0), (weight**2).sum(axis=0)
    together = ((weight * error).sum(axis=0) ** 2 - apart).sum()
    size = apart.sum() / alone.sum()
    pairs = (1 - alone).sum()
    return (float(together / (pairs * size)) if size > 0 and pairs > 0 else 0.0), int(several.sum())
