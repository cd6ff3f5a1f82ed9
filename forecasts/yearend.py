"""One year-end forecast from end to end: panel → method → shocks → part of a month → rows → frames.

Joins the parts; each part's arithmetic lives in its own module.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from authorities.shocks import PolicyShock
from forecasts import banked, baselines, frames, futures, nowcast, shocks, structural
from forecasts.arrays import Flags, Floats
from forecasts.beliefs import strengths
from forecasts.fits import LineFit, mean_correlation
from forecasts.ladder import Rung
from forecasts.monitor import Watch, watch
from forecasts.noise import Noise
from forecasts.panel import Panel, build_panel
from forecasts.seam import BASE_SCENARIO, ESTIMATES_SCHEMA, WITHOUT_SHOCKS, ForecastProblem, YearEndForecast
from forecasts.shocks import LineShocks
from forecasts.summary import Estimates, Row, Tally

METHODS = ("bank", "structural", *baselines.ARITHMETIC)
_MOST_ALIKE = 0.8
_SURE_OF_PART = 0.05


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What a method says of one line: remaining and (without the shocks to come) plain, series × months ×
    draws.
    """

    line: Panel
    remaining: Floats
    plain: Floats
    rungs: list[Rung]
    effects: list[frames.Effect]
    watched: Watch | None = None


def run(problem: ForecastProblem, method: str) -> YearEndForecast:
    """See `forecasts.seam.forecast_year_end`."""
    if method not in METHODS:
        raise ValueError(f"unknown forecasting method {method!r}; there are {', '.join(METHODS)}")
    if problem.draws < 1:
        raise ValueError(f"draws must be at least 1, not {problem.draws}")
    panel, estimates = build_panel(problem), _estimates(problem)
    known = tuple(shock for shock in problem.shocks if shock.known_on(problem.as_of))
    book = frames.Book(panel, method, problem.estimate_version)
    _enter(book, BASE_SCENARIO, panel, _answers(panel, known, method, problem), estimates, problem.draws)
    if known and method not in baselines.ARITHMETIC:
        _enter(book, WITHOUT_SHOCKS, panel, _answers(panel, (), method, problem), estimates, problem.draws)
    else:
        book.repeat(BASE_SCENARIO, WITHOUT_SHOCKS)
    return book.close()


def _enter(
    book: frames.Book,
    scenario: str,
    panel: Panel,
    answers: Iterator[LineAnswer],
    estimates: Estimates,
    draws: int,
) -> None:
    tally = Tally(panel, estimates, draws)
    for answer in answers:
        rows: list[Row] = list(tally.line_rows(answer.line, answer.remaining))
        book.line(scenario, answer.line, rows, answer.rungs)
        if scenario == BASE_SCENARIO:
            book.components(answer.line, answer.plain, answer.remaining)
            book.effects(answer.effects)
            book.watch(answer.watched)
    book.totals(scenario, list(tally.total_rows()))


def _estimates(problem: ForecastProblem) -> Estimates:
    frame = problem.estimates
    missing = [column for column in ESTIMATES_SCHEMA if column not in frame.columns]
    if missing:
        raise ValueError(
            f"estimates: column {missing[0]!r} is missing; it needs {', '.join(ESTIMATES_SCHEMA)}"
        )
    chosen = frame.filter(pl.col("estimate_version") == problem.estimate_version).drop_nulls(
        "estimate_amount"
    )
    keys = chosen.select("unit_key", "line_code", "basis", "estimate_amount").iter_rows()
    return {(unit, line, basis): int(amount) for unit, line, basis, amount in keys}


def _answers(
    panel: Panel, known: tuple[PolicyShock, ...], method: str, problem: ForecastProblem
) -> Iterator[LineAnswer]:
    noise = Noise(problem.seed, panel.horizon, problem.draws)
    lines = [panel.take(panel.rows_of_line(code)) for code in sorted(set(panel.lines))]
    if method in baselines.ARITHMETIC:
        yield from (_baseline(line, method, noise) for line in lines)
        return
    length = panel.receipts.shape[1] + panel.horizon
    declared = [
        shocks.line_shocks(known, line.lines[0], line.units, panel.first_month, length) for line in lines
    ]
    fit_line = banked.fit_line if method == "bank" else structural.fit_line
    fits = [fit_line(line, terms) for line, terms in zip(lines, declared, strict=True)]
    cross = alike([fit.surprises for fit in fits])
    for line, terms, fit in zip(lines, declared, fits, strict=True):
        yield _modelled(line, terms, fit, noise, cross)


def _baseline(line: Panel, method: str, noise: Noise) -> LineAnswer:
    remaining = baselines.remaining_draws(line, method, noise)
    length = line.receipts.shape[1]
    rungs = [
        Rung("pace", "", length - int(seen)) if allocated else Rung("none", "money placed nowhere", 0)
        for seen, allocated in zip(line.first_seen, line.allocated(), strict=True)
    ]
    return LineAnswer(line, remaining, remaining, rungs, [])


def _modelled(line: Panel, terms: LineShocks, fit: LineFit, noise: Noise, cross: float) -> LineAnswer:
    fit = nowcast.informed(line, fit, terms)
    future = futures.draw_line(line, fit, noise, cross)
    modelled = np.array([rung.name in ("full", "line_factor") for rung in fit.rungs], dtype=bool)
    plain = still_to_come(line, future, modelled)
    watched = watch(line.lines[0], fit.surprises, terms)
    if not terms.terms:
        return LineAnswer(line, plain, plain, fit.rungs, [], watched)
    strength = strengths(terms, fit.beliefs, futures.strength_noise(line.lines[0], fit.beliefs, noise))
    counted_from = line.fiscal_start - line.first_month
    shocked = shocks.applied(terms, line.receipts, future, strength, counted_from)
    effects = frames.effects_of(line, terms, shocked)
    return LineAnswer(
        line,
        still_to_come(line, _of_allocated(line, shocked.receipts), modelled),
        plain,
        fit.rungs,
        effects,
        watched,
    )


def _of_allocated(line: Panel, receipts: Floats) -> Floats:
    return receipts * line.allocated()[:, None, None]


def still_to_come(line: Panel, future: Floats, modelled: Flags) -> Floats:
    """Whole months to come (series × months × draws) less what has come of them already, never below nothing.

    Models know of the part of a month that is in (`forecasts.nowcast`). For other series, where a share p of
    the month usually is in by now, what is left of it is (1 − p) of the month expected and of the month that
    receipts so far point to, weighing the latter by p².
    """
    arrived = line.pending[:, :, None]
    left = np.where(arrived != 0, np.maximum(future - arrived, np.minimum(future, 0)), future)
    if not line.complete_days or not line.horizon:
        return left
    part = line.elapsed[:, None]
    pointed = line.so_far[:, None] * (1 - part) / np.maximum(part, _SURE_OF_PART)
    blended = part**2 * pointed + (1 - part**2) * (1 - part) * future[:, 0]
    left[:, 0] = np.where(modelled[:, None] | (part <= 0), left[:, 0], blended)
    return left


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
