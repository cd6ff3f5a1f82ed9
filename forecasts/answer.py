"""The answer while it is made: figures put into their rows as batches come in; totals and frames at last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from authorities.model import BASES
from forecasts import frames
from forecasts.arrays import Flags, Integers
from forecasts.effects import scenario_effects, shock_effects
from forecasts.frames import Grid
from forecasts.keys import Estimates, Keys
from forecasts.ladder import Rung
from forecasts.monitor import Watch
from forecasts.outcomes import PARTS
from forecasts.pace import pace_forecasts
from forecasts.panel import Panel
from forecasts.seam import BASE_SCENARIO, ForecastProblem, YearEndForecast
from forecasts.shocks import LineShocks
from forecasts.status import statuses
from forecasts.summary import Figures, total_figures
from forecasts.units import ShockSums, UnitsAnswer


@dataclass(frozen=True, slots=True)
class LinesTold:
    """What the fits of one scenario say of themselves: rungs by leaf, and by line watches and the shocks
    declared."""

    rungs: list[Rung]
    watched: list[Watch]
    terms: Sequence[LineShocks]


class Answer:
    """Figures of every row, by scenario; scenarios of other names may be the same."""

    def __init__(self, keys: Keys, panel: Panel, estimates: Estimates, draws: int, scenarios: int) -> None:
        ahead = 12 - min(max(panel.origin - panel.fiscal_start, 0), 12)
        self._keys, self._panel, self._estimates = keys, panel, estimates
        self._figures = [Figures.blank(keys.rows, len(BASES), ahead) for _ in range(scenarios)]
        shape = (len(BASES), len(keys.lines), ahead, draws)
        self._draws = [np.zeros(shape, dtype=np.int64) for _ in range(scenarios)]
        self._parts = np.zeros((keys.leaves, len(BASES), len(PARTS)), dtype=np.int64)
        self._effects: list[ShockSums] = []

    def take(self, part: UnitsAnswer) -> None:
        """Enter the answer of some batches."""
        units = self._keys.unit_rows.start + part.units
        for place, told in enumerate(part.scenarios):
            self._figures[place].put(part.leaves, told.leaves)
            self._figures[place].put(units, told.units)
            self._draws[place] += told.draws
        self._parts[part.leaves] = part.parts
        self._effects.extend(part.effects)

    def closed(
        self, problem: ForecastProblem, method: str, told: Sequence[LinesTold], places: Mapping[str, int]
    ) -> YearEndForecast:
        """Work out the totals and make the frames. `told` has as many scenarios as the answer; `places` says
        which of them is that of a name.
        """
        keys, panel = self._keys, self._panel
        actual = keys.summed(np.cumsum(panel.collected, axis=2).transpose(1, 0, 2))
        self._total(actual)
        names = tuple(sorted(places))
        figures = [self._figures[places[name]] for name in names]
        status = [self._status(told[places[name]]) for name in names]
        grid, collected = Grid(keys, names), actual[:, :, -1].copy()
        path = frames.path(grid, figures, actual, panel.fiscal_start, self._shown())
        del actual  # the path is by far the largest frame, and made while there are no others
        compared = sorted({BASE_SCENARIO, *problem.scenarios}) if problem.scenarios else []
        pace = pace_forecasts(keys, panel, collected)
        return YearEndForecast(
            year_end=frames.year_end(
                grid,
                figures,
                frames.Beside(collected, pace, self._estimates, status),
                method,
                problem.estimate_version,
            ),
            path=path,
            status=frames.status(keys, told[0].rungs),
            components=frames.components(keys, collected[: keys.leaves], self._parts),
            shock_effects=shock_effects(keys, told[0].terms, self._effects),
            scenario_effects=scenario_effects(
                keys, [(name, places[name], told[places[name]].terms) for name in compared], self._effects
            ),
            watch=frames.watches(told[0].watched),
            tails=frames.tails(grid, figures),
        )

    def _total(self, actual: Integers) -> None:
        """Figures of lines and of all, from the sums of the batches."""
        keys = self._keys
        for figures, draws in zip(self._figures, self._draws, strict=True):
            mean = keys.summed(figures.mean[: keys.leaves]).T
            figures.mean[:] = mean.T
            every = draws.sum(axis=1, keepdims=True)
            for rows, some in ((keys.line_rows, draws), (slice(keys.rows - 1, keys.rows), every)):
                past = actual[rows].transpose(1, 0, 2)
                figures.put(rows, total_figures(some, mean[:, rows], past, self._estimates.take(rows)))

    def _status(self, told: LinesTold) -> Integers:
        panel = self._panel
        sizes = np.maximum(panel.receipts[:, -12:].sum(axis=1), 0)
        suspected = {one.line_code for one in told.watched if one.suspected}
        lines: Flags = np.array([code in suspected for code in self._keys.lines], dtype=bool)
        return statuses(self._keys, told.rungs, sizes, lines)

    def _shown(self) -> int:
        """Months of the fiscal year of which something is known: those done, and one that has begun."""
        panel = self._panel
        done = min(max(panel.origin - panel.fiscal_start, 0), 12)
        begun = panel.pending[:, max(panel.fiscal_start - panel.origin, 0) :].any()
        return done + 1 if begun else done
