"""Seeded draws of unit variance, shared as money is: by the district, by a line, by one series, by a shock.

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

    def _shocks(self, *names: str) -> Floats:
        """Horizon × draws: normal months, those of one draw larger or smaller together (Student's t)."""
        stream = self.stream(*names)
        months = stream.standard_normal((self.horizon, self.draws))
        size = np.sqrt((FREEDOM - 2) / stream.chisquare(FREEDOM, self.draws))
        return months * size[None, :]

    def district(self) -> Floats:
        """Horizon × draws, what all lines share."""
        return self._shocks("district")

    def line(self, line_code: str, cross: float) -> Floats:
        """Horizon × draws, what all units share in a line; `cross` is the correlation between lines, 0..1."""
        own = self._shocks("line", line_code)
        mixed: Floats = np.sqrt(cross) * self.district() + np.sqrt(1 - cross) * own
        return mixed

    def unit(self, line_code: str, unit_key: str) -> Floats:
        """Horizon × draws, a series' own."""
        return self._shocks("unit", line_code, unit_key)

    def strength(self, line_code: str, form: str) -> Floats:
        """Draws, how far a line's shocks of one form are from what is believed."""
        return self.stream("shock", line_code, form).standard_normal(self.draws)

    def year(self, line_code: str) -> Floats:
        """Draws in 0..1, which past year a draw repeats."""
        return self.stream("year", line_code).random(self.draws)
