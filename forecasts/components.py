"""What the mean of a year-end consists of: parts in logs that methods carry along, then money that adds up.

The parts of a forecast in logs add up; in money they multiply. So money is attributed in a fixed order, each
part being what it adds to those before it:

    level           the months to come at the series' own level
    season          what their season makes of that
    common_factor   what the movement of the line's common factor adds, against its last twelve months' mean
    spread          what uncertainty adds to a mean, since receipts scatter upwards (drawn mean − the above)
    past_years      instead of all these, where past years are repeated and nothing is modelled
    shocks          what declared measures change of the mean

Of a month that is in part in, the parts stand for what is still to come of it, in proportion. How the parts
in logs come about belongs to the methods; which rows and bases there are, to `forecasts.frames`.
"""

from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Flags, Floats, Integers

COMPONENTS = ("collected", "level", "season", "common_factor", "spread", "past_years", "shocks")
"""Names in `mart_forecast_component`, in the order in which they are attributed."""
EXPECTED = COMPONENTS[1:]
"""All but what is in already."""
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


def expected_parts(parts: LogParts | None, modelled: Flags, due: Floats, plain: Floats) -> Floats:
    """Split what is still expected without shocks into the parts `EXPECTED` but the shocks.

    Args:
        parts: in logs; None for methods that model nothing.
        modelled: n, series whose logs are modelled.
        due: n × H, what has come already of the months to come, minor units.
        plain: n × H, mean of what is still to come, minor units.

    Returns:
        5 × n × H, minor units; over the first axis they add up to `plain`.
    """
    found = np.zeros((len(EXPECTED) - 1, *plain.shape))
    past = EXPECTED.index("past_years")
    found[past] = np.where(modelled[:, None], 0.0, plain)
    if parts is None:
        found[past] = plain
        return found
    whole = plain + due
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.where((due != 0) & (whole > 0), np.clip(plain / whole, 0.0, 1.0), 1.0)
    found[:3] = np.where(modelled[:, None], parts.in_money() * left, 0.0)
    found[3] = np.where(modelled[:, None], plain - found[:3].sum(axis=0), 0.0)
    return found


def whole_units(parts: Floats, total: Integers) -> Integers:
    """Parts (k × n, minor units) as whole minor units that add up to `total` (n), to the unit.

    Rounded along the running sum, so that no part is further than one from its own; the last takes what is
    left.
    """
    ends = np.rint(np.cumsum(parts, axis=0)).astype(np.int64)
    ends[-1] = total
    rounded: Integers = np.diff(ends, axis=0, prepend=np.int64(0))
    return rounded
