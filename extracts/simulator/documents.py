"""Documents: monthly money split into the treasury's lines: day, item, chapter, payer, number.

Payments crowd before the due day of their line. The frame made here is what was truly paid; faults are
planted in ``faults`` and the text is written in ``tables``.
"""

import datetime as dt

import numpy as np
import polars as pl

from extracts.simulator.frame import WORKING_DAYS_AT_MOST, Floats, Frame, Ints
from extracts.simulator.settings import LineProfile
from extracts.simulator.taxpayers import KINDS, POOL

_EPOCH = dt.date(1970, 1, 1)


def split_into_documents(
    frame: Frame, block: range, amounts: Floats, *, months: range | None = None
) -> pl.DataFrame:
    """Documents that add up to ``amounts`` (units of ``block`` × lines × months), but for rounding.

    Returns one row a document, by day: ``unit``, ``line`` and ``month`` (places in the frame), ``day``,
    ``item_code``, ``chapter``, ``payer`` (place in the pool), ``amount`` in đồng.
    """
    chosen = range(len(frame.months)) if months is None else months
    rng = frame.stream("documents", block.start, chosen.start)
    window = amounts[:, :, chosen.start : chosen.stop]
    counts = _document_counts(frame, block, window, chosen, rng)
    cell = np.repeat(np.arange(window.size), counts.ravel())
    unit, line, month = np.unravel_index(cell, window.shape)
    value = _split_amounts(window.ravel(), counts.ravel(), rng) if len(cell) else np.zeros(0)
    day = _days(frame, line, month + chosen.start, rng)
    documents = pl.DataFrame(
        {
            "unit": (unit + block.start).astype(np.int32),
            "line": line.astype(np.int32),
            "month": (month + chosen.start).astype(np.int32),
            "day": pl.Series(day).cast(pl.Date),
            "amount": _rounded(frame, value, line),
            "payer": _payers(frame, unit + block.start, line, rng),
            **_items(frame, line, month + chosen.start, rng),
        }
    )
    return documents.sort("day", "unit", "line", "amount", maintain_order=True)


def numbered(documents: pl.DataFrame, first: int = 1) -> pl.DataFrame:
    """Documents of one year with the treasury's running number, two digits of the year before it."""
    running = pl.int_range(first, first + pl.len()).cast(pl.String).str.zfill(8)
    return documents.with_columns(document_no=pl.col("day").dt.strftime("%y") + running)


def _document_counts(
    frame: Frame, block: range, window: Floats, chosen: range, rng: np.random.Generator
) -> Ints:
    """Documents in each cell: at least one where there is money."""
    density = np.array([profile.documents for profile in frame.lines])
    season = np.array([profile.months for profile in frame.lines])
    season = season / season.mean(axis=1, keepdims=True)
    of_year = np.array([month % 12 for month in chosen])
    sizes = np.sqrt(frame.sizes[block.start : block.stop])
    mean = sizes[:, None, None] * density[None, :, None] * np.sqrt(season[:, of_year])[None]
    counts: Ints = np.where(window >= 1, np.maximum(rng.poisson(mean), 1), 0)
    return counts


def _split_amounts(totals: Floats, counts: Ints, rng: np.random.Generator) -> Floats:
    """Each total divided unevenly among its documents."""
    weights = rng.gamma(1.4, 1.0, int(counts.sum())) + 0.02
    group = np.repeat(np.arange(len(totals)), counts)
    sums = np.bincount(group, weights, minlength=len(totals))
    shares: Floats = weights / sums[group] * totals[group]
    return shares


def _rounded(frame: Frame, value: Floats, line: Ints) -> Ints:
    step = np.array([profile.round_to for profile in frame.lines])[line]
    rounded: Ints = (np.maximum(np.rint(value / step), 1) * step).astype(np.int64)
    return rounded


def _days(frame: Frame, line: Ints, month: Ints, rng: np.random.Generator) -> Ints:
    """A working day for each document, as days since 1970."""
    chances = _day_chances(frame)
    numbers = np.zeros((len(frame.months), WORKING_DAYS_AT_MOST), dtype=np.int32)
    for place, days in enumerate(frame.working_days):
        numbers[place, : len(days)] = [(day - _EPOCH).days for day in days]
        numbers[place, len(days) :] = (days[-1] - _EPOCH).days
    draw = rng.random(len(line))
    picked = np.zeros(len(line), dtype=np.int64)
    for position in range(WORKING_DAYS_AT_MOST - 1):
        picked += draw > chances[line, month, position]
    found: Ints = numbers[month, picked].astype(np.int64)
    return found


def _day_chances(frame: Frame) -> Floats:
    """Cumulative chance of each working day, lines × months × days."""
    chances = np.ones((len(frame.lines), len(frame.months), WORKING_DAYS_AT_MOST))
    for place, days in enumerate(frame.working_days):
        of_month = np.array([day.day for day in days])
        for line, profile in enumerate(frame.lines):
            weights = np.cumsum(_crowding(profile, of_month))
            chances[line, place, : len(days)] = weights / weights[-1]
    return chances


def _crowding(profile: LineProfile, of_month: Ints) -> Floats:
    """Weight of each working day: even, and rising towards the due days."""
    weights = np.full(len(of_month), 0.5 if profile.due_days else 1.0)
    for due in profile.due_days:
        before = min(due, int(of_month[-1])) - of_month
        weights += np.where(before >= 0, 4.0 * np.exp(-np.maximum(before, 0) / 3.0), 0.0)
    return weights


def _payers(frame: Frame, unit: Ints, line: Ints, rng: np.random.Generator) -> Ints:
    """Places in the pool: each unit draws from a stretch of its own."""
    kind = np.array([KINDS.index(profile.payer) for profile in frame.lines])[line]
    payers: Ints = (kind * POOL + (unit * 277 + rng.integers(0, 260, len(line))) % POOL).astype(np.int64)
    return payers


def _items(frame: Frame, line: Ints, month: Ints, rng: np.random.Generator) -> dict[str, pl.Series]:
    """Item and chapter of each document, by the line's weights in its year."""
    item, chapter = np.zeros(len(line), dtype=np.int64), np.zeros(len(line), dtype=np.int64)
    codes: list[str] = []
    chapters: list[str] = []
    year = month // 12 + frame.first_year
    draw, which = rng.random(len(line)), rng.random(len(line))
    for place, profile in enumerate(frame.lines):
        for number in frame.years:
            at = np.flatnonzero((line == place) & (year == number))
            used = [entry for entry in profile.items if entry.first_year <= number <= entry.last_year]
            bounds = np.cumsum([entry.weight for entry in used]) / sum(entry.weight for entry in used)
            item[at] = len(codes) + np.searchsorted(bounds, draw[at], side="left")
            codes += [entry.code for entry in used]
        at = np.flatnonzero(line == place)
        chapter[at] = len(chapters) + (which[at] * len(profile.chapters)).astype(np.int64)
        chapters += profile.chapters
    return {"item_code": pl.Series(codes).gather(item), "chapter": pl.Series(chapters).gather(chapter)}
