"""What the finance office says the quarter and the year will come to (ước thực hiện), sent before the 22nd.

An honest office: it has what has come to the day, knows due days, transfers and its own plans, and errs on
what is still to come; measures announced later, or never, are not in its figures. Amounts are đồng, units ×
lines. How the workbooks look is the business of ``finance``.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from extracts.simulator.calibration import by_unit_and_line
from extracts.simulator.frame import Floats, Frame, Ints
from extracts.simulator.monthly import PlantedEffect
from extracts.simulator.settings import OfficeEstimateProfile


@dataclass(frozen=True)
class OfficeEstimate:
    """One statement: the day it was made, and what quarter and year will come to, units × lines, đồng."""

    stated_on: dt.date
    quarter: int
    of_quarter: Ints
    of_year: Ints


def office_estimates(
    frame: Frame, documents: pl.DataFrame, effects: Sequence[PlantedEffect]
) -> Iterator[OfficeEstimate]:
    """The statements of every quarter from the profile's first year to the as-of year's end, in order.

    Args:
        frame: the simulation's ground; without a profile in its settings there are none.
        documents: what was truly paid, every document once.
        effects: planted effects in those documents, by measure, line and month.
    """
    profile = frame.settings.office_estimate
    if profile is None:
        return
    for year in range(max(profile.first_year, frame.first_year), frame.as_of.year + 1):
        paid = documents.filter(pl.col("day").dt.year() == year)
        for quarter in range(1, 5):
            yield _statement(frame, profile, paid, effects, year, quarter)


def _statement(
    frame: Frame,
    profile: OfficeEstimateProfile,
    paid: pl.DataFrame,
    effects: Sequence[PlantedEffect],
    year: int,
    quarter: int,
) -> OfficeEstimate:
    month = (year - frame.first_year) * 12 + 3 * quarter - 1
    stated_on = max(day for day in frame.working_days[month] if day.day <= profile.latest_day)
    came = _between(frame, paid, None, stated_on)
    before = _between(frame, paid.filter(pl.col("month") > month - 3), None, stated_on)
    in_quarter = _between(frame, paid.filter(pl.col("month") <= month), stated_on, None)
    after = _between(frame, paid.filter(pl.col("month") > month), None, None)
    rng = frame.stream("office estimate", year, quarter)
    quarter_err, year_err = (_errors(frame, profile, rng) for _ in range(2))
    soon = in_quarter * quarter_err
    later = after * _unforeseen(frame, effects, after, month, stated_on) * year_err
    return OfficeEstimate(
        stated_on,
        quarter,
        _as_said(before + soon, profile.round_to),
        _as_said(came + soon + later, profile.round_to),
    )


def _between(frame: Frame, paid: pl.DataFrame, after: dt.date | None, until: dt.date | None) -> Ints:
    chosen = paid if after is None else paid.filter(pl.col("day") > after)
    chosen = chosen if until is None else chosen.filter(pl.col("day") <= until)
    return by_unit_and_line(frame, chosen)


def _errors(frame: Frame, profile: OfficeEstimateProfile, rng: np.random.Generator) -> Floats:
    """Factors on what is still to come, units × lines: a little low, and further off where lines stray."""
    units, lines = len(frame.units), len(frame.lines)
    own = np.array([profile.own_error * line.own_noise for line in frame.lines])
    shared = np.array([profile.shared_error * line.shared_noise for line in frame.lines])
    logs = rng.normal(0, own, (units, lines)) + rng.normal(0, shared, lines)
    factors: Floats = np.exp(logs) * (1 - profile.caution_pct / 100)
    return factors


def _unforeseen(
    frame: Frame, effects: Sequence[PlantedEffect], after: Ints, month: int, stated_on: dt.date
) -> Floats:
    """By line, what later months would have been worth, over what they are, without the measures that were
    not announced by the day; the driver is the office's own plan."""
    announced = {shock.code: shock.announced_on for shock in frame.authority.shocks}
    factors = np.ones(len(frame.lines))
    for place, line in enumerate(frame.lines):
        unknown = sum(
            effect.amount
            for effect in effects
            if effect.line_code == line.line_code
            and effect.kind != "driver"
            and _is_later(frame, effect, month)
            and announced.get(effect.code, dt.date.max) > stated_on
        )
        total = int(after[:, place].sum())
        factors[place] = max((total - unknown) / total, 0.0) if total > 0 else 1.0
    return factors


def _is_later(frame: Frame, effect: PlantedEffect, month: int) -> bool:
    """Whether the effect falls into the same year's months after ``month``."""
    at = frame.month_index(effect.month)
    return at is not None and month < at < month - month % 12 + 12


def _as_said(amounts: Floats, step: int) -> Ints:
    said: Ints = (np.rint(np.maximum(amounts, 0) / step) * step).astype(np.int64)
    return said
