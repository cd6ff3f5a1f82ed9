"""One year-end forecast from end to end: panel → fits by line → draws by batches of units → totals → frames.

Joins the parts; each part's arithmetic lives in its own module. Both passes go through one `BatchMap`, so
that what runs here runs in processes or on a cluster too, and says the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import polars as pl

from forecasts import baselines, shocks
from forecasts.answer import Answer, LinesTold
from forecasts.arrays import Integers
from forecasts.batches import BatchMap, InProcess
from forecasts.keys import Estimates, Keys, estimates_of
from forecasts.lines import FittedLine, LineTask, alike, fit_line
from forecasts.noise import Noise
from forecasts.opinions import Moves
from forecasts.outcomes import arithmetic_rungs
from forecasts.panel import Panel, build_panel
from forecasts.seam import ESTIMATES_SCHEMA, ForecastProblem, YearEndForecast
from forecasts.sharing import Sharing, sharing_of
from forecasts.shocks import LineShocks
from forecasts.together import combined
from forecasts.units import LinePart, UnitsTask, Variant, answer_units

METHODS = ("bank", "structural", *baselines.ARITHMETIC)
_DRAWS, _FEWER_DRAWS, _MANY_SERIES = 2000, 1000, 20_000
_ARRAYS = 10
"""Arrays of a batch's draws held at once, bases and scenarios counted in."""
_BATCHES_SENT = 16
"""Batches that go to a worker at a time, and come back as one answer."""


def draws_for(series: int) -> int:
    """How many draws a forecast of so many series takes: 2,000, and 1,000 from 20,000 series on."""
    return _DRAWS if series < _MANY_SERIES else _FEWER_DRAWS


def run(problem: ForecastProblem, method: str, batches: BatchMap | None = None) -> YearEndForecast:
    """See `forecasts.seam.forecast_year_end`."""
    if method not in METHODS:
        raise ValueError(f"unknown forecasting method {method!r}; there are {', '.join(METHODS)}")
    if problem.draws is not None and problem.draws < 1:
        raise ValueError(f"draws must be at least 1, not {problem.draws}")

    def made(asked: ForecastProblem, moves: Moves | None = None) -> YearEndForecast:
        return alone(asked, method, batches, moves)

    if problem.office is None or method in baselines.ARITHMETIC:
        return made(problem)
    return combined(problem, made)


def alone(
    problem: ForecastProblem, method: str, batches: BatchMap | None = None, moves: Moves | None = None
) -> YearEndForecast:
    """The method's own forecast; where `moves` are given, with the draws that they move."""
    chosen, spread = _estimates(problem), batches or InProcess()
    panel = build_panel(problem)
    keys = Keys.of(panel)
    estimates = estimates_of(keys, chosen)
    noise = Noise(problem.seed, panel.horizon, problem.draws or draws_for(keys.leaves))
    lines = _fitted(panel, problem, method, spread)
    answer = Answer(keys, panel, estimates, noise.draws, len(lines.scenarios))
    units = _at_a_time(noise, spread.batch_bytes)
    for part in spread(answer_units, _sent(_tasks(keys, lines, estimates, method, noise, moves, units))):
        answer.take(part)
    told = lines.told()
    del lines  # fits are large, and so are the frames to come
    return answer.closed(problem, method, told)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The panel by line: its series, the shocks declared for it, and fits by scenario (base first), None
    where they are those of the base. Methods without a model have no fits."""

    series: list[Panel]
    terms: list[LineShocks]
    scenarios: list[list[FittedLine | None]]

    def holding(self, scenario: int) -> list[FittedLine]:
        """The fits that hold in a scenario."""
        both = zip(self.scenarios[scenario], self.scenarios[0], strict=True)
        return [fit for own, base in both if (fit := own or base) is not None]

    def told(self) -> list[LinesTold]:
        """By scenario, what the fits say of themselves."""
        if not any(self.scenarios[0]):
            return [
                LinesTold([rung for line in self.series for rung in arithmetic_rungs(line)], [], self.terms)
            ]
        return [
            LinesTold(
                [rung for one in self.holding(place) for rung in one.fit.rungs],
                [one.watched for one in self.holding(place)],
                self.terms,
            )
            for place in range(len(self.scenarios))
        ]


def _estimates(problem: ForecastProblem) -> pl.DataFrame:
    frame = problem.estimates
    missing = [column for column in ESTIMATES_SCHEMA if column not in frame.columns]
    if missing:
        raise ValueError(
            f"estimates: column {missing[0]!r} is missing; it needs {', '.join(ESTIMATES_SCHEMA)}"
        )
    return frame.filter(pl.col("estimate_version") == problem.estimate_version).drop_nulls("estimate_amount")


def _fitted(panel: Panel, problem: ForecastProblem, method: str, spread: BatchMap) -> _Lines:
    """The first pass. A scenario without shocks is fitted for the lines that have any."""
    series = [panel.take(panel.rows_of_line(code)) for code in sorted(set(panel.lines))]
    known = tuple(shock for shock in problem.shocks if shock.known_on(problem.as_of))
    length = panel.receipts.shape[1] + panel.horizon
    declared, none = (
        [shocks.line_shocks(some, one.lines[0], one.units, panel.first_month, length) for one in series]
        for some in (known, ())
    )
    if method in baselines.ARITHMETIC:
        return _Lines(series, declared, [[None] * len(series)])
    touched = [place for place, terms in enumerate(declared) if terms.terms]
    tasks = [LineTask(method, one, terms) for one, terms in zip(series, declared, strict=True)]
    tasks += [LineTask(method, series[place], none[place]) for place in touched]
    made = list(spread(fit_line, tasks))
    scenarios: list[list[FittedLine | None]] = [list(made[: len(series)])]
    if touched:
        without = dict(zip(touched, made[len(series) :], strict=True))
        scenarios.append([without.get(place) for place in range(len(series))])
    return _Lines(series, declared, scenarios)


def _at_a_time(noise: Noise, batch_bytes: int) -> int:
    """Units whose draws, a line at a time, take no more than a batch may."""
    return max(batch_bytes // (8 * _ARRAYS * max(noise.horizon, 1) * noise.draws), 1)


def _tasks(
    keys: Keys,
    lines: _Lines,
    estimates: Estimates,
    method: str,
    noise: Noise,
    moves: Moves | None,
    size: int,
) -> Iterator[UnitsTask]:
    """The second pass, in batches of `size` units; only those on their way are in memory."""
    sharings = (_sharing(lines),) * len(lines.scenarios)
    for begin in range(0, len(keys.units), size):
        units = np.arange(begin, min(begin + size, len(keys.units)))
        parts = tuple(_parts(keys, lines, estimates, units, moves))
        yield UnitsTask(
            method,
            noise,
            sharings,
            len(keys.lines),
            units,
            parts,
            estimates.take(keys.unit_rows.start + units),
        )


def _sharing(lines: _Lines) -> Sharing:
    """What lines, and units' lines, share: one for all scenarios, which differ by their shocks alone."""
    fits = [one.fit for one in lines.holding(0)]
    units = [series.units for series in lines.series][: len(fits)]
    return sharing_of([fit.past for fit in fits], units, alike([fit.surprises for fit in fits]))


def _parts(
    keys: Keys, lines: _Lines, estimates: Estimates, units: Integers, moves: Moves | None
) -> Iterator[LinePart]:
    """The lines of a batch of units (neighbours in order)."""
    for place, series in enumerate(lines.series):
        leaves = keys.leaves_of(place)
        rows = np.arange(*np.searchsorted(keys.unit_of[leaves], [units[0], units[-1] + 1]))
        if not len(rows):
            continue
        fits = [scenario[place] for scenario in lines.scenarios]
        variants = tuple(
            None if fit is None else Variant(fit.fit.take(rows), fit.terms.take(rows)) for fit in fits
        )
        within = keys.unit_of[leaves][rows] - units[0]
        leaf = leaves.start + rows
        own = series.take(rows)
        moved = moves.of(own.units, own.lines) if moves is not None else None
        yield LinePart(place, leaf, within, own, estimates.take(leaf), variants, moved)


def _sent(tasks: Iterator[UnitsTask]) -> Iterator[tuple[UnitsTask, ...]]:
    while several := tuple(islice(tasks, _BATCHES_SENT)):
        yield several
