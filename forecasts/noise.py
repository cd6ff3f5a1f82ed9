"""Seeded draws of unit variance, shared as money is: by the district, a line, a unit, one series, a shock.

Each stream has a seed made of the problem's and its own name, so that a series' draws do not depend on which
other series there are, and two scenarios of one night differ by their shocks alone.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Floats

FREEDOM = 5.0
"""Degrees of freedom of Student's t: errors of receipts crowd the middle and stray further than normal ones.
"""
CENTRAL_80 = 1.1432
"""Half the width of the central 80% of that t at unit variance (1.2816 for a normal)."""
_FREEDOMS = np.array([2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 12.0, 20.0, 40.0])
_NINETIETH = np.array([1.7303, 1.6377, 1.5766, 1.5332, 1.4759, 1.4398, 1.3968, 1.3562, 1.3253, 1.3031])
_OUTER = np.array([3.5747, 3.1824, 2.9401, 2.7764, 2.5706, 2.4469, 2.3060, 2.1788, 2.0860, 2.0211])
"""The 90% and 97.5% points of Student's t with so many degrees of freedom."""


def tail_ratio(freedom: float) -> float:
    """How much wider the central 95% of Student's t is than its central 80%."""
    return float(np.interp(freedom, _FREEDOMS, _OUTER / _NINETIETH))


def freedom_of(ratio: float) -> float:
    """The degrees of freedom (2.5 to 40) of Student's t whose central 95% is so much wider than its 80%."""
    return float(np.interp(-ratio, -_OUTER / _NINETIETH, _FREEDOMS))


@dataclass(frozen=True, slots=True)
class Noise:
    """A source of named streams of `draws` alternatives over `horizon` months."""

    seed: int
    horizon: int
    draws: int

    def stream(self, *names: str) -> np.random.Generator:
        """A generator of its own for the names given."""
        words = [zlib.crc32(name.encode()) for name in names]
        return np.random.default_rng([abs(self.seed), *words])

    def _shocks(self, *names: str, freedom: float = FREEDOM) -> Floats:
        """Horizon × draws: normal months, those of one draw larger or smaller together (Student's t).

        Draws of the second half mirror those of the first in every stream: symmetric and surer of medians and
        means for half the work.

        Of unit variance with `FREEDOM`; with other degrees of freedom the central 80% is as wide, and only
        what lies outside strays more or less.
        """
        stream, pairs = self.stream(*names), -(-self.draws // 2)
        months = stream.standard_normal((self.horizon, pairs))
        inner = CENTRAL_80 / float(np.interp(freedom, _FREEDOMS, _NINETIETH))
        size = inner * np.sqrt(freedom / stream.chisquare(freedom, pairs))
        months *= size
        return np.concatenate([months, -months], axis=1)[:, : self.draws]

    def district(self) -> Floats:
        """Horizon × draws, what all lines share."""
        return self._shocks("district")

    def line(self, line_code: str, cross: float) -> Floats:
        """Horizon × draws, what all units share in a line; `cross` is the correlation between lines, 0..1."""
        own = self._shocks("line", line_code)
        mixed: Floats = np.sqrt(cross) * self.district() + np.sqrt(1 - cross) * own
        return mixed

    def across(self, unit_key: str) -> Floats:
        """Horizon × draws, what a unit's lines share beyond what other units have of them."""
        return self._shocks("across", unit_key)

    def unit(self, line_code: str, unit_key: str, freedom: float = FREEDOM) -> Floats:
        """Horizon × draws, a series' own."""
        return self._shocks("unit", line_code, unit_key, freedom=freedom)

    def strength(self, line_code: str, form: str) -> Floats:
        """Draws, how far a line's shocks of one form are from what is believed."""
        return self.stream("shock", line_code, form).standard_normal(self.draws)

    def apart(self, line_code: str, unit_key: str, form: str) -> Floats:
        """Draws, how far a unit's shocks of one form are from its line's."""
        return self.stream("shock", line_code, form, unit_key).standard_normal(self.draws)

    def year(self, line_code: str) -> Floats:
        """Draws in 0..1, which past year a draw repeats."""
        return self.stream("year", line_code).random(self.draws)
