"""What the mean of a year-end consists of: parts in logs that methods carry along, then money that adds up.

The parts of a forecast in logs add up; in money they multiply. So money is attributed in a fixed order, each
part being what it adds to those before it:

    level           the months to come at the series' own level
    season          what their season makes of that
    common_factor   what the movement of the line's common factor adds, against its last twelve months' mean
    past_years      instead of these, where past years are repeated and nothing is modelled
    spread          what uncertainty adds to a mean, since receipts scatter upwards (drawn mean − the above)
    shocks          what declared measures change of the mean

Of a month that is in part in, the parts stand for what is still to come of it, in proportion. How the parts
in logs come about belongs to the methods; shocks and draws to `forecasts.outcomes`, rows and bases to
`forecasts.frames`.
"""

from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Flags, Floats, Integers

EXPECTED = ("level", "season", "common_factor", "past_years", "spread")
"""What is still expected without shocks, in the order in which it is attributed."""
_LARGEST_LOG = 300.0
_YEAR = 12


@dataclass(frozen=True, slots=True)
class LogParts:
    """Parts of the mean of logs of n series' months to come, n × H each, which add up to it.

    level: the series' own, carried on, with what is left of its last deviation; season; common: the movement
    of what its line has in common.
    """

    level: Floats
    season: Floats
    common: Floats

    @classmethod
    def nothing(cls, count: int, horizon: int) -> "LogParts":
        """Parts still to be filled in."""
        return cls(*(np.zeros((count, horizon)) for _ in range(3)))

    def enter(self, rows: Integers, parts: "LogParts") -> None:
        """Fill in the parts of some rows."""
        for ours, theirs in zip(
            (self.level, self.season, self.common), (parts.level, parts.season, parts.common), strict=True
        ):
            ours[rows] = theirs

    def take(self, rows: Integers) -> "LogParts":
        """The parts of some rows only."""
        return LogParts(self.level[rows], self.season[rows], self.common[rows])

    def later(self, skipped: int) -> "LogParts":
        """The parts without the first `skipped` months."""
        return LogParts(self.level[:, skipped:], self.season[:, skipped:], self.common[:, skipped:])

    def moved(self, level: Floats, common: Floats) -> "LogParts":
        """The parts after news that moves level and common factor (n × H)."""
        return LogParts(self.level + level, self.season, self.common + common)

    def in_money(self) -> Floats:
        """3 × n × H, minor units: what level, season and common factor each add, in this order."""
        sums = np.cumsum([self.level, self.season, self.common], axis=0)
        amounts = np.exp(np.minimum(sums, _LARGEST_LOG))
        steps: Floats = np.diff(amounts, axis=0, prepend=0.0)
        return steps


def beside_factor(factor: Floats, line: Floats, line_season: Floats, own: LogParts) -> LogParts:
    """Parts of series that follow a factor (T, NaN where unknown) whose months to come have mean `line` (H)
    and season `line_season` (H); `own` are the parts of their residuals over it.

    The factor's own size says nothing: its mean over the last twelve months that are known belongs to the
    series' level, and the common part is how far the line will have moved from there.
    """
    known = factor[np.isfinite(factor)][-_YEAR:]
    lately = known.mean() if len(known) else 0.0
    movement = np.broadcast_to(line - line_season - lately, own.level.shape)
    return LogParts(own.level + lately, own.season + line_season, own.common + movement)


def still_left(due: Floats, plain: Floats) -> Floats:
    """The share of months to come that is still outstanding, 0..1, where `due` of them is in and `plain` is
    the mean of what is not (arrays of one shape, minor units)."""
    whole = plain + due
    with np.errstate(invalid="ignore", divide="ignore"):
        left: Floats = np.where((due != 0) & (whole > 0), np.clip(plain / whole, 0.0, 1.0), 1.0)
    return left


def expected_parts(parts: LogParts | None, modelled: Flags, left: Floats, expected: Floats) -> Floats:
    """Split what is still expected without shocks into the parts `EXPECTED`.

    Args:
        parts: in logs; None for methods that model nothing.
        modelled: n, series whose logs are modelled.
        left: n × H, share of each month that is outstanding.
        expected: n, mean of what is still to come, minor units.

    Returns:
        5 × n, minor units; over the first axis they add up to `expected`.
    """
    found = np.zeros((len(EXPECTED), len(expected)))
    repeated = np.ones_like(modelled) if parts is None else ~modelled
    if parts is not None:
        found[:3] = np.where(modelled, (parts.in_money() * left).sum(axis=2), 0.0)
    found[EXPECTED.index("past_years")] = np.where(repeated, expected, 0.0)
    found[EXPECTED.index("spread")] = np.where(repeated, 0.0, expected - found[:3].sum(axis=0))
    return found
