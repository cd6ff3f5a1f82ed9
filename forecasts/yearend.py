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
from forecasts.seam import BASE_SCENARIO, ESTIMATES_SCHEMA, WITHOUT_SHOCKS, ForecastProblem, YearEndForecast
from forecasts.sharing import Sharing, sharing_of
from forecasts.shocks import LineShocks
from forecasts.together import combined
from forecasts.units import LinePart, UnitsTask, Variant, answer_units

METHODS = ("bank", "structural", *baselines.ARITHMETIC)
_DRAWS, _FEWER_DRAWS, _MANY_SERIES = 2000, 1000, 20_000
_ARRAYS, _ARRAYS_OF_SCENARIO = 4, 3
"""Arrays of a batch's draws held at once, and those of each scenario, bases counted in."""
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
    taken = sorted({BASE_SCENARIO, WITHOUT_SHOCKS} & set(problem.scenarios))
    if taken:
        raise ValueError(f"every forecast has a scenario {taken[0]!r}; give yours another name")

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
    units = _at_a_time(noise, spread.batch_bytes, len(lines.scenarios))
    for part in spread(answer_units, _sent(_tasks(keys, lines, estimates, method, noise, moves, units))):
        answer.take(part)
    told, places = lines.told(), lines.places
    del lines  # fits are large, and so are the frames to come
    return answer.closed(problem, method, told, places)


_Asked = tuple[int, tuple[shocks.ShockTerm, ...]]
"""A line's place and the shocks supposed for it."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """The panel by line: its series, the shocks declared for it, and fits by scenario (base first), the same
    object where series and shocks are the same. Methods without a model have no fits.

    places: name of a scenario → its place in `scenarios`, which has each different one once.
    """

    series: list[Panel]
    terms: list[LineShocks]
    scenarios: list[list[FittedLine]]
    places: dict[str, int]

    def told(self) -> list[LinesTold]:
        """By scenario, what the fits say of themselves."""
        if not self.scenarios[0]:
            return [
                LinesTold([rung for line in self.series for rung in arithmetic_rungs(line)], [], self.terms)
            ]
        return [
            LinesTold(
                [rung for one in fits for rung in one.fit.rungs],
                [one.watched for one in fits],
                [one.terms for one in fits],
            )
            for fits in self.scenarios
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
    """The first pass: each line once with every set of shocks that some scenario has for it."""
    series = [panel.take(panel.rows_of_line(code)) for code in sorted(set(panel.lines))]
    known = tuple(shock for shock in problem.shocks if shock.known_on(problem.as_of))
    length = panel.receipts.shape[1] + panel.horizon
    supposed = {BASE_SCENARIO: known, WITHOUT_SHOCKS: (), **problem.scenarios}
    terms = {
        name: [shocks.line_shocks(some, one.lines[0], one.units, panel.first_month, length) for one in series]
        for name, some in supposed.items()
    }
    base = terms[BASE_SCENARIO]
    if method in baselines.ARITHMETIC:
        return _Lines(series, base, [[]], dict.fromkeys(supposed, 0))
    tasks: dict[_Asked, LineTask] = {}
    for own in terms.values():
        for place, (one, line) in enumerate(zip(series, own, strict=True)):
            tasks.setdefault((place, line.terms), LineTask(method, one, line))
    made = dict(zip(tasks, spread(fit_line, list(tasks.values())), strict=True))
    asked = {
        name: tuple((place, line.terms) for place, line in enumerate(own)) for name, own in terms.items()
    }
    different = list(dict.fromkeys(asked.values()))
    places = {name: different.index(one) for name, one in asked.items()}
    return _Lines(series, base, [[made[key] for key in one] for one in different], places)


def _at_a_time(noise: Noise, batch_bytes: int, scenarios: int) -> int:
    """Units whose draws, a line at a time, take no more than a batch may."""
    arrays = _ARRAYS + _ARRAYS_OF_SCENARIO * max(scenarios, 2)
    return max(batch_bytes // (8 * arrays * max(noise.horizon, 1) * noise.draws), 1)


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
    fits = [one.fit for one in lines.scenarios[0]]
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
        fits = [scenario[place] for scenario in lines.scenarios if scenario]
        taken = {id(fit): Variant(fit.fit.take(rows), fit.terms.take(rows)) for fit in fits}
        variants = tuple(taken[id(fit)] for fit in fits)
        within = keys.unit_of[leaves][rows] - units[0]
        leaf = leaves.start + rows
        own = series.take(rows)
        moved = moves.of(own.units, own.lines) if moves is not None else None
        yield LinePart(place, leaf, within, own, estimates.take(leaf), variants, moved)


def _sent(tasks: Iterator[UnitsTask]) -> Iterator[tuple[UnitsTask, ...]]:
    while several := tuple(islice(tasks, _BATCHES_SENT)):
        yield several
