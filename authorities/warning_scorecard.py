"""What an authority's warnings are scored against on past years: the model of ``warning_scorecard``.

Holds what counts as a shortfall, how early a warning must stand to be of use, and what a missed shortfall
costs beside a false alarm. The scoring itself is in ``early_warning.scorecard``.
"""

from typing import Annotated, Literal

from pydantic import Field

from authorities.base import Model

FLAT_HALF, ALWAYS = "flat_half", "always"
"""Plain rules that stand beside the authority's own: below half of the estimate at mid-year, and every unit
from the year's first night on. Their codes, and those with a basis behind, are theirs alone."""


def is_plain_rule(code: str) -> bool:
    """Whether a code is that of a plain rule, on whichever basis."""
    bases = ("", "_entitled", "_recurrent")
    return code in {f"{kind}{basis}" for kind in (FLAT_HALF, ALWAYS) for basis in bases}


class ShortfallEvent(Model):
    """What a warning should have told of: a unit's fiscal year that ended short of its estimate.

    A unit's year end is the last day of the fiscal year; units that did not stand on both its first and its
    last day, or have no such estimate, are not scored.
    """

    estimate_version: Literal["initial", "supplemented", "adjusted"] = "initial"
    """The version that the year is held against, or where a unit has none the one before it."""
    short_by_pct: Annotated[float, Field(ge=0, lt=100)] = 0.0
    """Percent of the estimate that must lack: above 0, a year that ends just below it is none."""
    basis: Literal["of_rule", "territory", "entitled", "recurrent"] = "of_rule"
    """Which part of a unit's money falls short; ``of_rule`` is the one that each rule itself looks at."""


class WarningScorecard(Model):
    """How warnings are scored: ``warning_scorecard`` in ``authority.yaml``."""

    event: ShortfallEvent = ShortfallEvent()
    least_lead_days: Annotated[int, Field(ge=0, le=365)] = 30
    """Days before the year's end by which a warning must stand to count; later nothing can be done."""
    miss_costs: Annotated[float, Field(gt=0, le=1000)] = 4.0
    """What a missed shortfall costs the office, in false alarms."""
    assumed: bool = True
    """Whether these are our choice rather than the office's own."""
    source: str = ""

    @property
    def preference(self) -> float:
        """Sarlin's μ: the weight of missed shortfalls, 1 − μ being that of false alarms."""
        return self.miss_costs / (1 + self.miss_costs)
