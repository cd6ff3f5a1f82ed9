"""Spending of the units by kind: months, the half-year's estimate (ước), and the annual estimates.

Amounts are đồng. Calibration to the targets is by computation here: the driver kind's first half is scaled,
then the annual estimate is set against it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from extracts.simulator.frame import Floats, Frame, Ints

_STEP = 1000


@dataclass(frozen=True)
class Spending:
    """All spending of a simulation.

    Attributes:
        months: units × kinds × months, đồng.
        expected_month: units × kinds, the as-of month as reported on its last day, before the books close.
        estimates: year → units × kinds, initial.
        supplemented: units × kinds, for the as-of year.
    """

    months: Ints
    expected_month: Ints
    estimates: dict[int, Ints]
    supplemented: Ints


def simulate_spending(frame: Frame, targets: dict[str, float | list[str]]) -> Spending:
    """Spending with its estimates; bent to ``targets`` where they name spending."""
    months = _months(frame)
    at = frame.month_index(f"{frame.as_of:%Y-%m}") or 0
    start = at - at % 12
    rng = frame.stream("spending estimate")
    error = rng.normal(1, 0.03, months.shape[:2])
    growth, share = targets.get("spending_same_period_pct"), targets.get("spending_share_pct")
    if isinstance(growth, float | int) and start >= 12:
        _scale_driver(frame, months, error, at, float(growth))
    expected = _reported(months[:, :, at] * error)
    half = int(months[:, :, start:at].sum() + expected.sum())
    yearly = months.reshape(*months.shape[:2], -1, 12).sum(axis=3)
    estimates = {
        year: _to_step(yearly[:, :, place] * rng.uniform(1.0, 1.05, months.shape[:2]))
        for place, year in enumerate(frame.years)
        if year <= frame.as_of.year
    }
    if isinstance(share, float | int):
        wanted = half / float(share) * 100
        estimates[frame.as_of.year] = _bent(frame, estimates[frame.as_of.year], wanted)
    initial = estimates[frame.as_of.year]
    return Spending(months, expected, estimates, _to_step(initial * rng.uniform(1.0, 1.06, initial.shape)))


def _months(frame: Frame) -> Ints:
    parts = []
    years = np.array(frame.years)
    for profile in frame.settings.spending:
        rng = frame.stream("spending", profile.kind)
        growth = (1 + profile.growth_pct / 100) ** (years - frame.settings.base_year)
        season = np.array(profile.months) / sum(profile.months)
        level = (profile.amount * growth[:, None] * season).ravel()
        noise = np.exp(
            rng.normal(0, profile.noise, (len(frame.units), len(frame.months))) - profile.noise**2 / 2
        )
        parts.append(frame.sizes[:, None] * level * noise)
    return _to_step(np.stack(parts, axis=1))


def _to_step(amounts: npt.NDArray[Any]) -> Ints:
    stepped: Ints = (np.rint(amounts / _STEP) * _STEP).astype(np.int64)
    return stepped


def _reported(amounts: Floats) -> Ints:
    """An estimate as a ward writes it: whole hundred thousands of đồng."""
    reported: Ints = (np.rint(amounts / 100_000) * 100_000).astype(np.int64)
    return reported


def _driver_kind(frame: Frame) -> int:
    return [profile.kind for profile in frame.settings.spending].index(frame.settings.spending_driver)  # type: ignore[arg-type]


def _scale_driver(frame: Frame, months: Ints, error: Floats, at: int, growth_pct: float) -> None:
    """Scale the driver kind from the year's start until the growth on last year holds, in place."""
    start, kind = at - at % 12, _driver_kind(frame)
    last_year = int(months[:, :, start - 12 : at - 11].sum())
    wanted = round(last_year * growth_pct / 100)
    reported = months[:, :, start : at + 1].astype(np.float64)
    reported[:, :, -1] *= error
    driver = float(reported[:, kind].sum())
    factor = (wanted - (float(reported.sum()) - driver)) / driver
    months[:, kind, start : at + 1] = _to_step(months[:, kind, start : at + 1] * factor)
    gap = wanted - int(months[:, :, start:at].sum() + _reported(months[:, :, at] * error).sum())
    months[int(months[:, kind, start].argmax()), kind, start] += gap
    # What the year's second half spends follows the push, at half its force.
    months[:, kind, at + 1 : start + 12] = _to_step(
        months[:, kind, at + 1 : start + 12] * (1 + (factor - 1) / 2)
    )


def _bent(frame: Frame, natural: Ints, wanted: float) -> Ints:
    """``natural`` estimates with the driver kind scaled until all add up to ``wanted``."""
    kind = _driver_kind(frame)
    others = int(natural.sum() - natural[:, kind].sum())
    bent = natural.copy()
    bent[:, kind] = _to_step(natural[:, kind] * ((wanted - others) / natural[:, kind].sum()))
    return bent
