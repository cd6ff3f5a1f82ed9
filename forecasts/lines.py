"""The first of two passes: each line is fitted, all its units together, with the shocks declared and without.

A pass over lines, since a line's units tell each other what is normal. The second pass goes over batches of
units (`forecasts.units`).
"""

from dataclasses import dataclass

import numpy as np

from forecasts import banked, nowcast, structural
from forecasts.arrays import Floats
from forecasts.fits import LineFit, mean_correlation
from forecasts.monitor import Watch, watch
from forecasts.panel import Panel
from forecasts.shocks import LineShocks

_MOST_ALIKE = 0.8


@dataclass(frozen=True, slots=True)
class LineTask:
    """One line to fit: its series, and the shocks that concern it in one scenario."""

    method: str
    series: Panel
    terms: LineShocks


@dataclass(frozen=True, slots=True)
class FittedLine:
    """A line's fit in one scenario, with the judgement on its last months."""

    fit: LineFit
    watched: Watch
    terms: LineShocks


def fit_line(task: LineTask) -> FittedLine:
    """Fit one line and read the part of a month that is in."""
    fit_one = banked.fit_line if task.method == "bank" else structural.fit_line
    fit = fit_one(task.series, task.terms)
    watched = watch(task.series.lines[0], fit.surprises, task.terms)
    return FittedLine(nowcast.informed(task.series, fit, task.terms), watched, task.terms)


def alike(surprises: list[Floats]) -> float:
    """Mean correlation (0..0.8) between lines' monthly surprises: what the whole authority shares."""
    varied = [one for one in surprises if np.isfinite(one).sum() > 12 and np.nanstd(one) > 0]
    if len(varied) < 2:
        return 0.0
    months = np.isfinite(varied).all(axis=0)
    table = np.array(varied)[:, months]
    if months.sum() < 12 or (table.std(axis=1) == 0).any():
        return 0.0
    return float(np.clip(mean_correlation(table), 0.0, _MOST_ALIKE))
