"""The frames of a forecast: rows gathered line by line, closed into the shapes the seam declares."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from authorities.model import ALL, BASES
from forecasts import baselines, months
from forecasts.arrays import Floats
from forecasts.ladder import Rung
from forecasts.monitor import Watch
from forecasts.panel import Panel
from forecasts.seam import (
    BASE_SCENARIO,
    COMPONENT_SCHEMA,
    PATH_SCHEMA,
    QUANTILES,
    SHOCK_EFFECT_SCHEMA,
    STATUS_SCHEMA,
    TAIL_SCHEMA,
    WATCH_SCHEMA,
    YEAR_END_SCHEMA,
    YearEndForecast,
)
from forecasts.shocks import LineShocks, ShockedReceipts
from forecasts.summary import LEVELS, Row

_PATH_QUANTILES = ("p10", "p50", "p90")
_LARGEST = 2**62
_TELLING_PART = 0.1


@dataclass(frozen=True, slots=True)
class Effect:
    """What one shock does to one series in the fiscal year, minor units; timing and loss are both ≥ 0."""

    unit_key: str
    line_code: str
    shock_code: str
    timing: int
    loss: int
    low: int
    high: int
    back_by: object


def effects_of(line: Panel, terms: LineShocks, shocked: ShockedReceipts) -> list[Effect]:
    """Per shock: each unit it concerns and their total, means and the 5% and 95% quantiles of the draws."""
    found = []
    for row, term in enumerate(terms.terms):
        back = max(
            (months.last_day(months.ordinal(leg.deferred_to)) for leg in term.shock.legs), default=None
        )
        code = term.shock.code
        concerned = np.flatnonzero(terms.applies[row] & line.allocated())
        for unit in concerned.tolist():
            moved, lost = shocked.moved[row, unit], shocked.lost[row, unit]
            found.append(_effect(line.units[unit], line.lines[0], code, moved, lost, back))
        moved, lost = shocked.moved[row, concerned].sum(axis=0), shocked.lost[row, concerned].sum(axis=0)
        found.append(_effect(ALL, line.lines[0], code, moved, lost, back))
    return found


def _effect(unit: str, line: str, code: str, moved: Floats, lost: Floats, back: object) -> Effect:
    low, high = np.quantile(moved + lost, [0.05, 0.95])
    return Effect(
        unit, line, code, _whole(moved.mean()), _whole(lost.mean()), _whole(low), _whole(high), back
    )


def _whole(amount: float) -> int:
    return int(np.rint(np.clip(amount, -_LARGEST, _LARGEST)))


class Book:
    """Gathers the rows of all lines and scenarios; `close` gives the frames."""

    def __init__(self, panel: Panel, method: str, estimate_version: str) -> None:
        self._panel, self._method, self._version = panel, method, estimate_version
        self._rows: dict[str, list[Row]] = {}
        self._rungs: list[tuple[str, str, Rung]] = []
        self._components: list[tuple[str, str, str, str, int]] = []
        self._effects: list[Effect] = []
        self._watches: list[Watch] = []

    def line(self, scenario: str, line: Panel, rows: list[Row], rungs: list[Rung]) -> None:
        """Take a line's rows; rungs are those of the base scenario."""
        self._rows.setdefault(scenario, []).extend(rows)
        if scenario == BASE_SCENARIO:
            self._rungs.extend(zip(line.units, line.lines, rungs, strict=True))

    def totals(self, scenario: str, rows: list[Row]) -> None:
        """Take the rows over all lines."""
        self._rows.setdefault(scenario, []).extend(rows)

    def repeat(self, scenario: str, other: str) -> None:
        """Let another scenario be the same, where it has nothing of its own."""
        self._rows[other] = self._rows.get(scenario, [])

    def effects(self, effects: list[Effect]) -> None:
        """Take what shocks do to a line."""
        self._effects.extend(effects)

    def watch(self, watched: Watch | None) -> None:
        """Take the judgement on a line's last months, where there is one."""
        if watched is not None:
            self._watches.append(watched)

    def components(self, line: Panel, plain: Floats, remaining: Floats) -> None:
        """Split each mean into what is collected, what is expected without shocks, and what shocks change."""
        skipped = max(line.fiscal_start - line.origin, 0)
        expected, whole = (part[:, skipped:].sum(axis=1).mean(axis=1) for part in (plain, remaining))
        for position, basis in enumerate(BASES):
            collected, share = line.collected[position].sum(axis=1), line.shares[position]
            later = np.rint(share * whole).astype(np.int64)
            ordinary = np.rint(share * expected).astype(np.int64)
            parts = {"collected": collected, "expected": ordinary, "shocks": later - ordinary}
            for name, amounts in parts.items():
                for unit, amount in zip(line.units, amounts.tolist(), strict=True):
                    self._components.append((unit, line.lines[0], basis, name, amount))

    def close(self) -> YearEndForecast:
        """All rows as frames, sorted by their keys."""
        return YearEndForecast(
            self._year_end(),
            self._path(),
            self._status(),
            self._component(),
            self._effect(),
            self._watch(),
            self._tails(),
        )

    def _year_end(self) -> pl.DataFrame:
        suspected = {one.line_code for one in self._watches if one.suspected}
        pace = _pace(self._panel)
        status = _overall(self._rungs, _untrusted(self._panel, self._rungs, suspected))
        table = [
            (
                row.unit_key,
                row.line_code,
                row.basis,
                scenario,
                None if row.estimate is None else self._version,
                row.estimate,
                int(row.actual[-1]),
                row.mean,
                *_at_the_end(row)[: len(QUANTILES)],
                pace[row.unit_key, row.line_code, row.basis],
                row.shortfall_probability,
                row.expected_shortfall,
                row.half_year_below,
                self._method,
                status[row.unit_key, row.line_code],
            )
            for scenario, rows in self._rows.items()
            for row in rows
        ]
        frame = pl.DataFrame(table, schema=YEAR_END_SCHEMA, orient="row")
        return frame.sort("unit_key", "line_code", "basis", "scenario")

    def _path(self) -> pl.DataFrame:
        panel = self._panel
        done = min(max(panel.origin - panel.fiscal_start, 0), 12)
        shown = done + 1 if panel.pending[:, max(panel.fiscal_start - panel.origin, 0) :].any() else done
        days = [months.first_day(panel.fiscal_start + month) for month in range(12)]
        picks = [list(QUANTILES).index(name) for name in _PATH_QUANTILES]
        table = []
        for scenario, rows in self._rows.items():
            for row in rows:
                past, ahead = row.actual.tolist(), row.ahead[:, picks].tolist()
                key = (row.unit_key, row.line_code, row.basis, scenario)
                for month, day in enumerate(days):
                    known = past[month] if month < shown else None
                    spread = [past[month]] * 3 if month < done else ahead[month - done]
                    table.append((*key, day, known, *spread))
        frame = pl.DataFrame(table, schema=PATH_SCHEMA, orient="row")
        return frame.sort("unit_key", "line_code", "basis", "scenario", "month")

    def _status(self) -> pl.DataFrame:
        table = [(u, code, r.name, r.converged, r.reason, r.months_of_history) for u, code, r in self._rungs]
        return pl.DataFrame(table, schema=STATUS_SCHEMA, orient="row").sort("unit_key", "line_code")

    def _component(self) -> pl.DataFrame:
        leaves = pl.DataFrame(self._components, schema=COMPONENT_SCHEMA, orient="row")
        all_units, all_lines = pl.lit(ALL).alias("unit_key"), pl.lit(ALL).alias("line_code")
        levels = [
            leaves,
            leaves.with_columns(all_units),
            leaves.with_columns(all_lines),
            leaves.with_columns(all_units, all_lines),
        ]
        keys = ["unit_key", "line_code", "basis", "component"]
        return pl.concat(levels).group_by(keys).agg(pl.col("amount").sum()).sort(keys)

    def _effect(self) -> pl.DataFrame:
        table = [
            (e.unit_key, e.line_code, e.shock_code, e.timing, e.loss, e.low, e.high, e.back_by)
            for e in self._effects
        ]
        frame = pl.DataFrame(table, schema=SHOCK_EFFECT_SCHEMA, orient="row")
        return frame.sort("unit_key", "line_code", "shock_code")

    def _tails(self) -> pl.DataFrame:
        table = [
            (row.unit_key, row.line_code, row.basis, scenario, *_at_the_end(row)[len(QUANTILES) :])
            for scenario, rows in self._rows.items()
            for row in rows
        ]
        frame = pl.DataFrame(table, schema=TAIL_SCHEMA, orient="row")
        return frame.sort("unit_key", "line_code", "basis", "scenario")

    def _watch(self) -> pl.DataFrame:
        table = [
            (w.line_code, w.surprise, w.together, w.declared, w.suspected, w.reason) for w in self._watches
        ]
        return pl.DataFrame(table, schema=WATCH_SCHEMA, orient="row").sort("line_code")


def _at_the_end(row: Row) -> list[int]:
    """Quantiles of the year-end in the order of `LEVELS`; what is collected where the year is over."""
    found: list[int] = (row.ahead[-1] if len(row.ahead) else np.repeat(row.actual[-1:], len(LEVELS))).tolist()
    return found


def _pace(panel: Panel) -> dict[tuple[str, str, str], int]:
    """The pace forecast of every row, made at that row's own level as an office would."""
    past = baselines.past_years(panel)
    found: dict[tuple[str, str, str], int] = {}
    units, lines = np.array(panel.units, dtype=object), np.array(panel.lines, dtype=object)
    everywhere = np.full(len(units), ALL, dtype=object)
    for position, basis in enumerate(BASES):
        shared = past.scaled(panel.shares[position])
        to_date = panel.collected[position].sum(axis=1).astype(np.float64)
        for unit, line in (
            (units, lines),
            (everywhere, lines),
            (units, everywhere),
            (everywhere, everywhere),
        ):
            keys = list(zip(unit, line, strict=True))
            groups = {key: place for place, key in enumerate(dict.fromkeys(keys))} or {(ALL, ALL): 0}
            where = np.array([groups[key] for key in keys], dtype=np.int64)
            sums = baselines.grouped(to_date, where, len(groups))
            totals = baselines.pace_total(shared.grouped(where, len(groups)), sums).tolist()
            found.update({(*key, basis): _whole(total) for key, total in zip(groups, totals, strict=True)})
    return found


def _overall(
    rungs: list[tuple[str, str, Rung]], untrusted: set[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The status of each leaf, and of totals: the one that all their leaves with a forecast share, or
    `mixed`.
    """
    seen: dict[tuple[str, str], set[str]] = {(ALL, ALL): set()}
    for unit, line, rung in rungs:
        for key in ((unit, line), (ALL, line), (unit, ALL), (ALL, ALL)):
            seen.setdefault(key, set()).add(rung.name)
    return {key: "untrusted" if key in untrusted else _one(names) for key, names in seen.items()}


def _untrusted(panel: Panel, rungs: list[tuple[str, str, Rung]], lines: set[str]) -> set[tuple[str, str]]:
    """Leaves modelled with a line that is not to be trusted, and totals that such leaves are a tenth of."""
    size = np.maximum(panel.receipts[:, -12:].sum(axis=1), 0)
    weight: dict[tuple[str, str], tuple[float, float]] = {}
    found = {(u, code) for u, code, rung in rungs if code in lines and rung.name in ("full", "line_factor")}
    for unit, line, amount in zip(panel.units, panel.lines, size.tolist(), strict=True):
        bad = amount if (unit, line) in found else 0.0
        for key in ((ALL, line), (unit, ALL), (ALL, ALL)):
            before = weight.get(key, (0.0, 0.0))
            weight[key] = (before[0] + bad, before[1] + amount)
    return found | {key for key, (bad, whole) in weight.items() if bad > 0 and bad >= _TELLING_PART * whole}


def _one(names: set[str]) -> str:
    telling = names - {"none"}
    if not telling:
        return "none"
    return telling.pop() if len(telling) == 1 else "mixed"
