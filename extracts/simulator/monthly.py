"""Monthly money, units × lines × months: size, growth, season, noise, and the planted measures.

Seasons follow the legal due dates through each line's month weights (``simulation.yaml``). Amounts are đồng
as floats, before they are split into documents.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from extracts.simulator.frame import Floats, Frame
from extracts.simulator.settings import Leg, LineProfile


@dataclass(frozen=True)
class PlantedEffect:
    """What one measure does to one line in one month, over all units: the truth a forecast does not know.

    Attributes:
        kind: ``timing`` (effects of a measure add up to zero), ``loss`` or ``driver``.
    """

    code: str
    kind: str
    line_code: str
    month: str
    amount: int


@dataclass
class MonthlyMoney:
    """Expected receipts and what the measures did to them.

    Attributes:
        amounts: units × lines × months, đồng.
        effects: the planted measures' effects in those amounts.
    """

    amounts: Floats
    effects: list[PlantedEffect] = field(default_factory=list)


def simulate_months(frame: Frame, block: range) -> MonthlyMoney:
    """Monthly receipts of the units in ``block``, with the planted measures in them."""
    amounts = np.stack([_line_amounts(frame, profile, block) for profile in frame.lines], axis=1)
    money = MonthlyMoney(amounts)
    rng = frame.stream("measures", block.start)
    for measure in frame.settings.measures:
        for loss in measure.losses:
            for month, factor in loss.months.items():
                factors = np.where(_concerned(frame, block, loss.unit_codes), factor, 1.0)
                _multiply(frame, money, measure.code, "loss", loss.line_code, month, factors)
        for leg in measure.legs:
            _defer(frame, money, measure.code, leg, _concerned(frame, block, leg.unit_codes), rng)
    _drive_rest_of_year(frame, money)
    money.amounts = np.rint(money.amounts)
    return money


def _line_amounts(frame: Frame, profile: LineProfile, block: range) -> Floats:
    """One line's money, units × months: level × season × noise."""
    shared, own = (
        frame.stream("shared", profile.line_code),
        frame.stream("own", profile.line_code, block.start),
    )
    months, units = len(frame.months), len(block)
    growth = np.cumprod(1 + profile.growth_pct / 100 + shared.normal(0, 0.02, len(frame.years)))
    growth /= growth[min(max(frame.settings.base_year - frame.first_year, 0), len(frame.years) - 1)]
    level = np.repeat(growth, 12) * profile.amount
    common = np.exp(_persistent(shared.normal(0, profile.shared_noise, (1, months)), 0.4))
    drift = np.repeat(np.cumsum(own.normal(0, 0.025, (units, len(frame.years))), axis=1), 12, axis=1)
    leaning = own.lognormal(0, 0.25, (units, 1))
    noise = np.exp(own.normal(0, profile.own_noise, (units, months)) - profile.own_noise**2 / 2 + drift)
    sizes = frame.sizes[block.start : block.stop, None]
    amounts: Floats = sizes * leaning * level * _season(frame, profile) * common * noise
    if profile.sparse < 1:
        amounts *= (own.random((units, months)) < profile.sparse) / profile.sparse
    return amounts


def _season(frame: Frame, profile: LineProfile) -> Floats:
    """Share of the year in each month; what is paid at the counter follows the days it is open (Tết)."""
    weights = np.tile(np.array(profile.months), len(frame.years))
    if not profile.due_days:
        days = np.array([len(month) for month in frame.working_days])
        weights = weights * (days / days.mean()) ** 0.8
    yearly = weights.reshape(-1, 12)
    shares: Floats = (yearly / yearly.sum(axis=1, keepdims=True)).ravel()
    return shares


def _persistent(shocks: Floats, persistence: float) -> Floats:
    """Autoregressive noise of order one along the last axis."""
    out = shocks.copy()
    for month in range(1, out.shape[-1]):
        out[..., month] += persistence * out[..., month - 1]
    return out


def _multiply(
    frame: Frame,
    money: MonthlyMoney,
    code: str,
    kind: str,
    line_code: str,
    month: str,
    factor: Floats | float,
) -> None:
    line, at = frame.line_index(line_code), frame.month_index(month)
    if at is None:
        return
    before = money.amounts[:, line, at].copy()
    money.amounts[:, line, at] *= factor
    change = round(float((money.amounts[:, line, at] - before).sum()))
    money.effects.append(PlantedEffect(code, kind, line_code, month, change))


def _concerned(frame: Frame, block: range, unit_codes: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Which units of the block a measure concerns; all where it names none."""
    codes = [unit.code for unit in frame.units[block.start : block.stop]]
    return np.array([not unit_codes or code in unit_codes for code in codes])


def _defer(
    frame: Frame,
    money: MonthlyMoney,
    code: str,
    leg: Leg,
    concerned: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    """Move a fraction from the month due to the month paid; nothing is lost on the way."""
    line, due, paid = frame.line_index(leg.line_code), frame.month_index(leg.due), frame.month_index(leg.paid)
    if due is None or paid is None:
        return
    fraction = np.clip(leg.fraction * rng.normal(1, 0.10, len(money.amounts)), 0, 0.95) * concerned
    moved = np.rint(money.amounts[:, line, due] * fraction)
    money.amounts[:, line, due] -= moved
    money.amounts[:, line, paid] += moved
    total = int(moved.sum())
    money.effects.append(PlantedEffect(code, "timing", leg.line_code, leg.due, -total))
    money.effects.append(PlantedEffect(code, "timing", leg.line_code, leg.paid, total))


def _drive_rest_of_year(frame: Frame, money: MonthlyMoney) -> None:
    """The driver's effect after the as-of day; its effect until then is found in calibration."""
    driver, year = frame.settings.driver, frame.as_of.year
    for month in range(frame.as_of.month + 1, 13):
        _multiply(
            frame,
            money,
            driver.code,
            "driver",
            driver.line_code,
            f"{year}-{month:02d}",
            driver.rest_of_year_factor,
        )
