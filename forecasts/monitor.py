"""Watches for a common shock that no declaration answers for.

Where what a line's units share moves far outside its range, a model takes the blow for the new level and its
ranges are not to be trusted until a shock is declared, or the declared one is given a fitting strength.
Judged on receipts already cleaned of the shocks declared.
"""

from dataclasses import dataclass

import numpy as np

from forecasts.arrays import Floats
from forecasts.shocks import LineShocks

_MONTHS = 3
_LEAST_HISTORY = 24
ONE_MONTH = 4.5
TOGETHER = 3.5
"""Robust deviations: of one of the last three months, and of their sum over its own deviation."""


@dataclass(frozen=True, slots=True)
class Watch:
    """A line's last three months beside their range.

    surprise: the month furthest out, in robust standard deviations, signed; together: the months' sum over
    its own deviation; declared: whether a shock known on the night touches any of them; suspected: outside
    the range.
    """

    line_code: str
    surprise: float
    together: float
    declared: bool
    suspected: bool

    @property
    def reason(self) -> str:
        """Why the line's ranges are not to be trusted; empty where they are."""
        if not self.suspected:
            return ""
        known = "the declared shock does not explain it" if self.declared else "no shock is declared"
        return f"ranges not to be trusted: the line moved {self.surprise:+.1f} deviations and {known}"


def watch(line_code: str, surprises: Floats, line: LineShocks) -> Watch:
    """Judge a line's innovations (T, NaN where unknown, on any scale) at their end, the last full month."""
    recent, before = surprises[-_MONTHS:], surprises[:-_MONTHS]
    known, before = recent[np.isfinite(recent)], before[np.isfinite(before)]
    touched = line.exposure[:, max(len(surprises) - _MONTHS, 0) : len(surprises)]
    declared = bool((touched > 0).any())
    spread = 1.4826 * float(np.median(np.abs(before))) if len(before) >= _LEAST_HISTORY else 0.0
    if not len(known) or spread <= 0:
        return Watch(line_code, 0.0, 0.0, declared, suspected=False)
    scaled = known / spread
    largest = float(scaled[np.abs(scaled).argmax()])
    together = float(scaled.sum() / np.sqrt(len(scaled)))
    return Watch(line_code, largest, together, declared, abs(largest) > ONE_MONTH or abs(together) > TOGETHER)
