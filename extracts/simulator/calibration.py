"""Calibration: the half-year's growth and the annual estimates, so that the sample adds up to the news item.

Works on the generated documents and estimates before anything is written. Targets are the sample's, in
``authority.yaml``; the pipeline never reads them.
"""

import datetime as dt

import numpy as np
import polars as pl

from extracts.simulator.faults import DeliveryPlan, is_counted
from extracts.simulator.frame import Floats, Frame, Ints, counts_as_recurrent, share_pct
from extracts.simulator.monthly import PlantedEffect

_MARGIN_PP = 0.9
"""How far from the threshold any unit's share stays, in percentage points."""
_STEP = 1000
"""Estimates are written in triệu đồng with three decimals."""


def same_day_last_year(day: dt.date) -> dt.date:
    """The same day of the year before."""
    return (
        dt.date(day.year - 1, day.month, day.day)
        if (day.month, day.day) != (2, 29)
        else dt.date(day.year - 1, 2, 28)
    )


def calibrate_growth(
    frame: Frame, documents: pl.DataFrame, plan: DeliveryPlan, target_pct: float
) -> tuple[pl.DataFrame, list[PlantedEffect]]:
    """Scale the driver's line until the year to date is ``target_pct`` % of the same period of last year."""
    day = pl.col("day")
    start, before = dt.date(frame.as_of.year, 1, 1), same_day_last_year(frame.as_of)
    current, counted = day.is_between(start, frame.as_of), is_counted(plan)
    driver = frame.line_index(frame.settings.driver.line_code)
    step = frame.lines[driver].round_to
    moved = current & (pl.col("line") == driver)
    scaled = moved & counted & pl.col("fault").is_null()
    last_year = _sum(documents.filter(counted & day.is_between(dt.date(before.year, 1, 1), before)))
    wanted = round(last_year * target_pct / 100)
    fixed = _sum(documents.filter(counted & current & ~scaled))
    factor = (wanted - fixed) / _sum(documents.filter(scaled))
    if factor <= 0:
        raise ValueError(
            f"growth of {target_pct}% cannot be reached by '{frame.settings.driver.line_code}' alone"
        )
    value = (pl.col("amount") * factor / step).round().cast(pl.Int64) * step
    grown = documents.with_columns(amount=pl.when(moved).then(value).otherwise("amount"))
    gap = wanted - fixed - _sum(grown.filter(scaled))
    place = int(grown.with_row_index("place").filter(scaled).sort("amount", "place")["place"][-1])
    grown = grown.with_columns(
        amount=pl.when(pl.int_range(pl.len()) == place).then(pl.col("amount") + gap).otherwise("amount")
    )
    return grown, _driver_effects(frame, documents.filter(moved), grown.filter(moved))


def draw_towards_plan(
    frame: Frame, documents: pl.DataFrame, estimates: Ints
) -> tuple[pl.DataFrame, list[PlantedEffect]]:
    """Scale each unit's driver line after the as-of day, so that its year ends nearer to its estimate.

    Half of the distance remains. Nothing that has landed changes.
    """
    driver = frame.line_index(frame.settings.driver.line_code)
    step = frame.lines[driver].round_to
    of_year = (pl.col("day").dt.year() == frame.as_of.year) & (
        pl.col("fault").fill_null("") != "duplicate_line"
    )
    moved = of_year & (pl.col("day") > frame.as_of) & (pl.col("line") == driver)
    actual = by_unit_and_line(frame, documents.filter(of_year)).sum(axis=1)
    rest = by_unit_and_line(frame, documents.filter(moved)).sum(axis=1)
    planned = estimates.sum(axis=1)
    wanted = rest + (planned - actual) / 2
    factor = np.clip(wanted / np.maximum(rest, 1), 0.2, 4.0)
    factors = pl.Series(factor[documents["unit"].to_numpy()])
    value = ((pl.col("amount") * factors / step).round().cast(pl.Int64) * step).clip(lower_bound=step)
    drawn = documents.with_columns(amount=pl.when(moved).then(value).otherwise("amount"))
    return drawn, _driver_effects(frame, documents.filter(moved), drawn.filter(moved))


def _sum(documents: pl.DataFrame) -> int:
    return int(documents["amount"].sum())


def _driver_effects(frame: Frame, before: pl.DataFrame, after: pl.DataFrame) -> list[PlantedEffect]:
    monthly = [part.group_by("month").agg(pl.col("amount").sum()).sort("month") for part in (before, after)]
    driver = frame.settings.driver
    return [
        PlantedEffect(driver.code, "driver", driver.line_code, f"{frame.months[month]:%Y-%m}", new - old)
        for (month, old), (_, new) in zip(monthly[0].iter_rows(), monthly[1].iter_rows(), strict=True)
    ]


def by_unit_and_line(frame: Frame, documents: pl.DataFrame) -> Ints:
    """Money of ``documents``, units × lines, đồng."""
    cells = documents.group_by("unit", "line").agg(pl.col("amount").sum())
    table = np.zeros((len(frame.units), len(frame.lines)), dtype=np.int64)
    table[cells["unit"].to_numpy(), cells["line"].to_numpy()] = cells["amount"].to_numpy()
    return table


def recurrent_shares(frame: Frame, day: dt.date) -> Floats:
    """Part of each line that a unit may spend on recurrent tasks, units × lines, 0 to 1."""
    return np.array(
        [
            [
                share_pct(frame.authority, line.line_code, unit.code, day) / 100
                * counts_as_recurrent(frame.authority, line.line_code, day)
                for line in frame.lines
            ]
            for unit in frame.units
        ]
    )  # fmt: skip


def calibrate_estimates(frame: Frame, natural: Floats, collected: Ints, total_collected: int) -> Ints:
    """Initial estimates, units × lines, under which the targets hold.

    Args:
        natural: estimates as an office would have made them, đồng.
        collected: placed with a unit and line from the year's start to the as-of day.
        total_collected: that and the unallocated money, đồng.

    Lines that feed recurrent spending are scaled together until the unit's recurrent share holds, then the
    others until its territory share does.
    """
    sample = frame.authority.settings.sample
    targets = sample.targets if sample else {}
    weights = recurrent_shares(frame, dt.date(frame.as_of.year, 1, 1))
    feeds = weights > 0
    recurrent = (collected * weights).sum(axis=1)
    recurrent_wanted = (
        recurrent / _recurrent_targets(frame, recurrent / (natural * weights).sum(axis=1)) * 100
    )
    factor = recurrent_wanted / (natural * weights).sum(axis=1)
    estimates = np.where(feeds, natural * factor[:, None], natural)
    placed = collected.sum(axis=1)
    territory_wanted = _territory_estimates(
        frame,
        placed,
        placed / natural.sum(axis=1),
        total_collected / _number(targets, "share_of_estimate_pct") * 100,
    )
    rest = territory_wanted - np.where(feeds, estimates, 0).sum(axis=1)
    if (rest <= 0).any():
        raise ValueError("the targets leave no room for the lines that do not feed recurrent spending")
    factor = rest / np.where(feeds, 0, natural).sum(axis=1)
    return rounded_estimates(np.where(feeds, estimates, natural * factor[:, None]))


def rounded_estimates(estimates: Floats) -> Ints:
    """Estimates as written: whole thousands of đồng, at least one triệu where anything is expected."""
    whole: Ints = (np.rint(estimates / _STEP) * _STEP).astype(np.int64)
    return np.where(estimates > 0, np.maximum(whole, 1_000_000), 0)


def _number(targets: dict[str, float | list[str]], name: str) -> float:
    value = targets[name]
    if isinstance(value, list):
        raise TypeError(f"sample.targets.{name} must be a number")
    return float(value)


def _leaders(frame: Frame) -> list[int]:
    """Places of the units that the targets name, in their order."""
    sample = frame.authority.settings.sample
    named = sample.targets.get("leaders_recurrent", []) if sample else []
    names = [unit.name for unit in frame.units]
    return [names.index(name) for name in named] if isinstance(named, list) else []


def _recurrent_targets(frame: Frame, natural: Floats) -> Floats:
    """Recurrent share of each unit, %: leaders above the threshold in their order, the rest below by rank."""
    half, leaders = frame.authority.settings.half_year_threshold_pct, _leaders(frame)
    shares = np.zeros(len(natural))
    rng = frame.stream("recurrent shares")
    shares[leaders] = half + _MARGIN_PP + 2.9 * _descending(rng, len(leaders))
    rest = [unit for unit in np.argsort(-natural, kind="stable") if unit not in leaders]
    shares[rest] = half - _MARGIN_PP - 9.0 * _descending(rng, len(rest))[::-1]
    return shares


def _descending(rng: np.random.Generator, count: int) -> Floats:
    """Uneven steps down from about 1 to about 0, no two of them alike."""
    even = np.linspace(1, 0, count) if count > 1 else np.zeros(count)
    uneven: Floats = np.clip(even + rng.uniform(-0.35, 0.35, count) / max(count, 1), 0, None)
    return uneven


def _territory_estimates(frame: Frame, placed: Ints, natural: Floats, total: float) -> Floats:
    """Total estimate of each unit, đồng: as many units above the threshold as wanted, ``total`` in all."""
    sample, half = frame.authority.settings.sample, frame.authority.settings.half_year_threshold_pct
    above_wanted = int(_number(sample.targets if sample else {}, "units_above_half_territory"))
    leaders = _leaders(frame)
    others = [int(unit) for unit in np.argsort(-natural, kind="stable") if unit not in leaders]
    count = above_wanted - len(leaders)
    above = sorted([*leaders, *others[:count]], key=lambda unit: -natural[unit])
    below = others[count:]
    shares = np.zeros(len(natural))
    rng = frame.stream("territory shares")
    shares[above] = half + _MARGIN_PP + 7.0 * _descending(rng, len(above))
    steps = _descending(rng, len(below))[::-1]
    low, high = 0.0, 40.0
    for _ in range(200):
        spread = (low + high) / 2
        shares[below] = half - _MARGIN_PP - spread * steps
        low, high = (spread, high) if (placed / shares * 100).sum() < total else (low, spread)
    if abs(float((placed / shares * 100).sum()) / total - 1) > 1e-6:
        raise ValueError(
            "the share of the estimate in the targets cannot be reached with so many units above half"
        )
    return placed / shares * 100
