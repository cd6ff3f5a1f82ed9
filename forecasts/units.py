"""The second of two passes: batches of units, all their lines together, from fits to figures.

A batch holds the draws of its units only, so that memory does not grow with their number. What totals need
from it are sums of whole minor units, which come out the same in whatever batches they are added. A series'
draws depend on names, never on the batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from authorities.model import BASES
from forecasts import futures, outcomes
from forecasts.arrays import Floats, Integers
from forecasts.baselines import ARITHMETIC
from forecasts.fits import LineFit
from forecasts.keys import Estimates
from forecasts.noise import Noise
from forecasts.opinions import moved
from forecasts.outcomes import Outcome
from forecasts.panel import Panel
from forecasts.sharing import Sharing
from forecasts.shocks import LineShocks
from forecasts.summary import Figures, joined, leaf_figures, total_figures, whole_draws

_LARGEST = 2.0**62


@dataclass(frozen=True, slots=True)
class Variant:
    """How a line's series are forecast in one scenario: their fit, and the shocks applied to it."""

    fit: LineFit
    terms: LineShocks


@dataclass(frozen=True, slots=True)
class LinePart:
    """The series of one line in a batch.

    line: its place among the lines; leaves: rows of the series; units: their places in the batch; variants:
    one per scenario, the same object where fit and shocks are the same; empty for arithmetic methods; moved:
    shift and spread of the series' draws (`forecasts.opinions.moved`), or None.
    """

    line: int
    leaves: Integers
    units: Integers
    series: Panel
    estimates: Estimates
    variants: tuple[Variant, ...]
    moved: tuple[Floats, Floats] | None = None


@dataclass(frozen=True, slots=True)
class UnitsTask:
    """A batch of units with all their lines.

    sharings: per scenario, what lines share and what a unit's lines share; lines: how many there are in all;
    units: the batch's places among all units; estimates: those of the units.
    """

    method: str
    noise: Noise
    sharings: tuple[Sharing, ...]
    lines: int
    units: Integers
    parts: tuple[LinePart, ...]
    estimates: Estimates


@dataclass(frozen=True, slots=True)
class ShockSums:
    """What the shocks of one line do in a batch, whole minor units, in each of `scenarios`.

    leaves: of the units concerned by shock `shock` (both k); timing, loss, low, high: k, means and the 5% and
    95% quantiles; beyond: k, mean of what arrives after the year's end; draws: shocks × 3 (timing, loss,
    beyond) × draws, summed over those units.
    """

    scenarios: tuple[int, ...]
    line: int
    shock: Integers
    leaves: Integers
    timing: Integers
    loss: Integers
    low: Integers
    high: Integers
    beyond: Integers
    draws: Integers


@dataclass(frozen=True, slots=True)
class ScenarioSums:
    """A batch's answer in one scenario: figures of leaves and of units (rows as in `UnitsAnswer`), and lines'
    sums.

    draws: bases × lines × months to come × draws, still to come, cumulative.
    """

    leaves: Figures
    units: Figures
    draws: Integers


@dataclass(frozen=True, slots=True)
class UnitsAnswer:
    """An answer, scenario by scenario; leaves, units: their places among all; parts: leaves × bases × parts
    (`forecasts.outcomes.PARTS`), in the base scenario."""

    leaves: Integers
    units: Integers
    scenarios: tuple[ScenarioSums, ...]
    parts: Integers
    effects: tuple[ShockSums, ...]


def answer_units(batches: tuple[UnitsTask, ...]) -> UnitsAnswer:
    """Draw, add up and describe batches one after the other, as one answer."""
    answers = [_answer(batch) for batch in batches]
    by_scenario = zip(*(answer.scenarios for answer in answers), strict=True)
    return UnitsAnswer(
        np.concatenate([answer.leaves for answer in answers]),
        np.concatenate([answer.units for answer in answers]),
        tuple(_together(parts) for parts in by_scenario),
        np.concatenate([answer.parts for answer in answers]),
        tuple(effect for answer in answers for effect in answer.effects),
    )


def _together(parts: tuple[ScenarioSums, ...]) -> ScenarioSums:
    leaves, units = (joined([getattr(one, name) for one in parts]) for name in ("leaves", "units"))
    return ScenarioSums(leaves, units, np.sum([one.draws for one in parts], axis=0))


def _answer(task: UnitsTask) -> UnitsAnswer:
    sums = [_Sums(task) for _ in task.sharings]
    split: list[Integers] = []
    effects: list[ShockSums] = []
    across = futures.AcrossLines(task.noise, task.sharings[0].unit)
    for part in task.parts:
        for scenarios, outcome in _outcomes(task, part, across):
            if scenarios[0] == 0:
                split.append(whole_parts(outcome.upto, part.series.shares))
            effects.extend(_effects(part, scenarios, outcome))
            told = (
                outcome if part.moved is None else replace(outcome, ahead=moved(outcome.ahead, *part.moved))
            )
            _add([sums[scenario] for scenario in scenarios], part, told)
    leaves = np.concatenate([part.leaves for part in task.parts])
    scenarios_told = tuple(one.closed() for one in sums)
    return UnitsAnswer(leaves, task.units, scenarios_told, np.concatenate(split), tuple(effects))


def _outcomes(
    task: UnitsTask, part: LinePart, across: futures.AcrossLines
) -> Iterator[tuple[list[int], Outcome]]:
    """Each different outcome of a line, with the scenarios it is that of."""
    every = list(range(len(task.sharings)))
    if task.method in ARITHMETIC:
        yield every, outcomes.arithmetic(part.series, task.method, task.noise)
        return
    wanted = np.any([~futures.on_rungs(variant.fit, ("none",)) for variant in part.variants], axis=0)
    own = futures.own_noise(part.series, task.noise, wanted, part.variants[0].fit.freedom, across)
    for scenarios in _alike(task, part):
        variant = part.variants[scenarios[0]]
        cross, shocked = task.sharings[scenarios[0]].lines, part.series.units if variant.terms.terms else ()
        shared = futures.line_noise(part.series.lines[0], task.noise, cross, shocked)
        yield scenarios, outcomes.modelled(part.series, variant.fit, variant.terms, shared, own)


def _alike(task: UnitsTask, part: LinePart) -> list[list[int]]:
    """Scenarios by what comes out of them: the same fit, shocks and correlation give the same."""
    groups: list[list[int]] = []
    for scenario, (variant, sharing) in enumerate(zip(part.variants, task.sharings, strict=True)):
        for group in groups:
            if variant is part.variants[group[0]] and sharing == task.sharings[group[0]]:
                group.append(scenario)
                break
        else:
            groups.append([scenario])
    return groups


class _Sums:
    """What a batch adds up to in one scenario, while its lines go by."""

    def __init__(self, task: UnitsTask) -> None:
        series, units = task.parts[0].series, len(task.estimates.amount)
        months = min(series.horizon, 12)
        self.estimates, self.leaves = task.estimates, list[Figures]()
        self.lines = np.zeros((len(BASES), task.lines, months, task.noise.draws), dtype=np.int64)
        self.units = np.zeros((len(BASES), units, months, task.noise.draws), dtype=np.int64)
        self.means = np.zeros((len(BASES), units), dtype=np.int64)
        self.actual = np.zeros((len(BASES), units, 12), dtype=np.int64)

    def closed(self) -> ScenarioSums:
        """The figures of leaves and units, and the lines' sums."""
        units = total_figures(self.units, self.means, self.actual, self.estimates)
        return ScenarioSums(joined(self.leaves), units, self.lines)


def _add(sums: list[_Sums], part: LinePart, outcome: Outcome) -> None:
    """Enter one line of a batch; afterwards the outcome's draws are in order of size."""
    actual, units = np.cumsum(part.series.collected, axis=2), _span(part.units)
    for basis, share in enumerate(part.series.shares):
        draws = whole_draws(outcome.ahead, share)
        together = draws.sum(axis=0)
        for one in sums:
            one.lines[basis, part.line] += together
            one.units[basis, units] += draws
            one.actual[basis, units] += actual[basis]
    figures = leaf_figures(outcome.ahead, part.series.shares, actual, part.estimates)
    for one in sums:
        one.leaves.append(figures)
        one.means[:, units] += figures.mean.T


def _span(places: Integers) -> Integers | slice:
    """Places as a slice where they are neighbours, so that sums are made in place."""
    together = len(places) and places[-1] - places[0] + 1 == len(places)
    return slice(int(places[0]), int(places[-1]) + 1) if together else places


def whole_parts(upto: Floats, shares: Floats) -> Integers:
    """n × bases × parts in whole minor units, from parts × n added up in turn on the territory."""
    rounded = np.rint(upto[:, None] * shares[None]).astype(np.int64)
    split: Integers = np.diff(rounded, axis=0, prepend=0).transpose(2, 1, 0)
    return split


def _effects(part: LinePart, scenarios: list[int], outcome: Outcome) -> Iterator[ShockSums]:
    """What a line's shocks do, where there are any; nothing is known of money placed nowhere."""
    if outcome.shocked is None:
        return
    concerned = part.variants[scenarios[0]].terms.applies & part.series.allocated()
    moved, lost, late = (
        np.rint(np.clip(one, -_LARGEST, _LARGEST)).astype(np.int64)
        for one in (outcome.shocked.moved, outcome.shocked.lost, outcome.shocked.beyond)
    )
    shock, unit = np.nonzero(concerned)
    both = moved[shock, unit] + lost[shock, unit]
    low, high = np.rint(np.quantile(both, [0.05, 0.95], axis=1)).astype(np.int64)
    timing, loss, beyond = (
        np.rint(one[shock, unit].mean(axis=1)).astype(np.int64) for one in (moved, lost, late)
    )
    kept = concerned[:, :, None]
    draws = np.stack([(one * kept).sum(axis=1) for one in (moved, lost, late)], axis=1)
    yield ShockSums(
        tuple(scenarios), part.line, shock, part.leaves[unit], timing, loss, low, high, beyond, draws
    )
