"""The rows of an answer: every leaf (unit × line), every line over its units, every unit over its lines, and
all.

Everything an answer tells has one value per row, in this order, so that rows are places in arrays and names
are only put to them when frames are made. What the values are is worked out elsewhere.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from authorities.model import ALL, BASES
from forecasts.arrays import Codes, Flags, Integers, Numbers
from forecasts.panel import Panel


@dataclass(frozen=True)
class Keys:
    """n leaves sorted by line, then unit; L lines; U units: n + L + U + 1 rows.

    unit_of, line_of: n, each leaf's place among units and lines.
    """

    units: tuple[str, ...]
    lines: tuple[str, ...]
    unit_of: Integers
    line_of: Integers

    @classmethod
    def of(cls, panel: Panel) -> "Keys":
        """The rows that a panel's series make."""
        units, lines = tuple(sorted(set(panel.units))), tuple(sorted(set(panel.lines)))
        unit_at, line_at = ({name: place for place, name in enumerate(names)} for names in (units, lines))
        return cls(
            units,
            lines,
            np.array([unit_at[name] for name in panel.units], dtype=np.int64),
            np.array([line_at[name] for name in panel.lines], dtype=np.int64),
        )

    @property
    def leaves(self) -> int:
        """n."""
        return len(self.unit_of)

    @property
    def rows(self) -> int:
        """n + L + U + 1."""
        return self.leaves + len(self.lines) + len(self.units) + 1

    @property
    def line_rows(self) -> slice:
        """The rows of lines over their units."""
        return slice(self.leaves, self.leaves + len(self.lines))

    @property
    def unit_rows(self) -> slice:
        """The rows of units over their lines."""
        return slice(self.leaves + len(self.lines), self.rows - 1)

    def leaves_of(self, line: int) -> slice:
        """The leaves of one line, which lie together, units in order."""
        begin, end = np.searchsorted(self.line_of, [line, line + 1])
        return slice(int(begin), int(end))

    @cached_property
    def unit_codes(self) -> Integers:
        """Rows, each one's place among the units; U stands for ALL."""
        everywhere = len(self.units)
        lines, units = np.full(len(self.lines), everywhere), np.arange(everywhere)
        return np.concatenate([self.unit_of, lines, units, [everywhere]])

    @cached_property
    def line_codes(self) -> Integers:
        """Rows, each one's place among the lines; L stands for ALL."""
        everything = len(self.lines)
        lines, units = np.arange(everything), np.full(len(self.units), everything)
        return np.concatenate([self.line_of, lines, units, [everything]])

    @cached_property
    def in_order(self) -> Integers:
        """The rows sorted by the names of unit and line."""
        return np.lexsort((_ranks(self.lines)[self.line_codes], _ranks(self.units)[self.unit_codes]))

    def summed(self, values: Numbers) -> Numbers:
        """Rows × …, from leaves × …: the leaves and their sums; whole numbers add up exactly."""
        made: Numbers = np.zeros((self.rows, *values.shape[1:]), dtype=values.dtype)
        made[: self.leaves] = values
        np.add.at(made[self.line_rows], self.line_of, values)
        np.add.at(made[self.unit_rows], self.unit_of, values)
        made[-1] = values.sum(axis=0)
        return made

    def frame(self) -> pl.DataFrame:
        """unit_key, line_code and row of every row."""
        return pl.DataFrame(
            {
                "unit_key": named(self.units, self.unit_codes),
                "line_code": named(self.lines, self.line_codes),
                "row": np.arange(self.rows),
            }
        )


def _ranks(names: tuple[str, ...]) -> Integers:
    """Place of each name, and of ALL after them, among all of them in order."""
    order = np.argsort(np.array([*names, ALL], dtype=np.str_), kind="stable")
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def named(names: tuple[str, ...], codes: Codes) -> pl.Series:
    """The names that codes stand for, ALL for the last."""
    return pl.Series([*names, ALL], dtype=pl.String).gather(codes.astype(np.uint32, copy=False))


@dataclass(frozen=True, slots=True)
class Estimates:
    """What rows are compared with: amounts (rows × bases, minor units) and whether there is one."""

    amount: Integers
    given: Flags

    def take(self, rows: Integers | slice) -> "Estimates":
        """Those of some rows."""
        return Estimates(self.amount[rows], self.given[rows])


def estimates_of(keys: Keys, frame: pl.DataFrame) -> Estimates:
    """Estimates (unit_key, line_code, basis, estimate_amount) in their places; of several the last."""
    amount = np.zeros((keys.rows, len(BASES)), dtype=np.int64)
    given = np.zeros((keys.rows, len(BASES)), dtype=bool)
    known = frame.unique(["unit_key", "line_code", "basis"], keep="last", maintain_order=True)
    placed = known.join(keys.frame(), on=["unit_key", "line_code"])
    for position, basis in enumerate(BASES):
        part = placed.filter(pl.col("basis") == basis)
        amount[part["row"].to_numpy(), position] = part["estimate_amount"].to_numpy()
        given[part["row"].to_numpy(), position] = True
    return Estimates(amount, given)
