"""Annual estimates of revenue and spending: those of past years, the current one, and its supplement.

Amounts are đồng, units × lines or units × kinds. The current initial estimate is bent to the targets in
``calibration`` (revenue) and ``spending``.
"""

import numpy as np

from extracts.simulator.calibration import rounded_estimates
from extracts.simulator.frame import Floats, Frame, Ints


def past_estimates(frame: Frame, year: int, actual: Floats | Ints) -> Ints:
    """What was expected of a year that is over: outturns between about 95 and 110 %, lines less exact."""
    rng = frame.stream("estimate", year)
    common = rng.uniform(0.99, 1.05)
    unit = np.clip(common * rng.normal(1, 0.025, len(actual)), 0.95, 1.10)
    guess = actual * rng.lognormal(0, 0.08, actual.shape)
    guess *= (actual.sum(axis=1) / unit / guess.sum(axis=1))[:, None]
    return rounded_estimates(guess)


def natural_estimates(frame: Frame, last_year: Floats | Ints, this_year: Floats | Ints) -> Floats:
    """What an office would expect of the current year: last year grown; of the driver, what it planned."""
    rng = frame.stream("estimate", frame.as_of.year)
    growth = np.array([1 + line.growth_pct / 100 for line in frame.lines])
    guess = last_year * growth * rng.lognormal(0, 0.06, last_year.shape)
    driver = frame.line_index(frame.settings.driver.line_code)
    guess[:, driver] = this_year[:, driver] * rng.lognormal(0, 0.12, len(last_year))
    expected: Floats = np.maximum(guess, 1_000_000)
    return expected


def supplemented_estimates(frame: Frame, initial: Ints) -> Ints:
    """The whole estimate as revised in May: more from the driver, less from what the measures take."""
    rng = frame.stream("supplement")
    hit = {loss.line_code for measure in frame.settings.measures for loss in measure.losses}
    factor = np.array([0.94 if line.line_code in hit else 1.0 for line in frame.lines])
    factor[frame.line_index(frame.settings.driver.line_code)] = 1.12
    return rounded_estimates(initial * factor * rng.normal(1, 0.005, initial.shape))
