"""Seeded standard normal draws, shared as money is: by the district, by a line, by one series, by a shock.

Each stream has a seed made of the problem's and its own name, so that a series' draws do not depend on which
other series there are, and two scenarios of one night differ by their shocks alone.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Floats


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

    def district(self) -> Floats:
        """Horizon × draws, what all lines share."""
        return self.stream("district").standard_normal((self.horizon, self.draws))

    def line(self, line_code: str, cross: float) -> Floats:
        """Horizon × draws, what all units share in a line; `cross` is the correlation between lines, 0..1."""
        own = self.stream("line", line_code).standard_normal((self.horizon, self.draws))
        mixed: Floats = np.sqrt(cross) * self.district() + np.sqrt(1 - cross) * own
        return mixed

    def unit(self, line_code: str, unit_key: str) -> Floats:
        """Horizon × draws, a series' own."""
        return self.stream("unit", line_code, unit_key).standard_normal((self.horizon, self.draws))

    def strength(self, line_code: str, form: str) -> Floats:
        """Draws, how far a line's shocks of one form are from what is believed."""
        return self.stream("shock", line_code, form).standard_normal(self.draws)

    def year(self, line_code: str) -> Floats:
        """Draws in 0..1, which past year a draw repeats."""
        return self.stream("year", line_code).random(self.draws)
