"""What policy shocks do to receipts: terms by month, cleaning of the past, effect on the future.

A term gives the exposure of months in the past and in the future from one and the same declaration. Timing
conserves the total by construction: what a leg withholds from one month is added to another, draw by draw.
What a shock *is* and when it may be known stands in `authorities.shocks`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from authorities.shocks import PolicyShock
from forecasts import months
from forecasts.arrays import Flags, Floats, Integers

_MOST_WITHHELD = 0.95


@dataclass(frozen=True, slots=True)
class ShockTerm:
    """One shock as a regressor: how much of each month it touches, 0..1."""

    shock: PolicyShock

    def in_sample(self, first_month: int, length: int) -> Floats:
        """Exposure of `length` months from the month with ordinal `first_month`."""
        return self._exposure(range(first_month, first_month + length))

    def out_of_sample(self, steps: int, origin: int) -> Floats:
        """Exposure of the `steps` months from `origin` on."""
        return self._exposure(range(origin, origin + steps))

    def _exposure(self, span: range) -> Floats:
        shock = self.shock
        if shock.form == "deferral":
            due = {months.ordinal(leg.due_month) for leg in shock.legs}
            return np.array([float(month in due) for month in span])
        if shock.effective_from is None:
            return np.zeros(len(span))
        return np.array([months.share_of_month(m, shock.effective_from, shock.effective_to) for m in span])

    def __str__(self) -> str:
        return f"{self.shock.form} {self.shock.code}"


@dataclass(frozen=True, slots=True)
class Strength:
    """How hard each shock of a line hits: fraction withheld or multiplier, shocks × draws (1 for the central
    value), or shocks × series × draws where units differ.
    """

    values: Floats

    @property
    def draws(self) -> int:
        """Number of alternatives."""
        return int(self.values.shape[-1])

    @property
    def by_series(self) -> Floats:
        """Shocks × series × draws; one for all series where they do not differ."""
        return self.values if self.values.ndim == 3 else self.values[:, None]


@dataclass(frozen=True, slots=True)
class ShockedReceipts:
    """Receipts after the shocks, and what each shock did to the months in view, in minor units.

    receipts: series × months × draws; moved, lost: shocks × series × draws, over the months counted; beyond:
    of what was moved, and from whenever, that which arrives after the last month.
    """

    receipts: Floats
    moved: Floats
    lost: Floats
    beyond: Floats


@dataclass(frozen=True)
class LineShocks:
    """The shocks of one line over an axis of `length` months from `first_month`, and the series each
    concerns.

    applies: shocks × series.
    """

    terms: tuple[ShockTerm, ...]
    applies: Flags
    first_month: int
    length: int

    def take(self, rows: Integers) -> "LineShocks":
        """The same shocks over some of the series."""
        return replace(self, applies=self.applies[:, rows])

    @cached_property
    def exposure(self) -> Floats:
        """Shocks × months."""
        rows = [term.in_sample(self.first_month, self.length) for term in self.terms]
        return np.array(rows).reshape(len(rows), self.length)

    def of_form(self, form: str) -> Integers:
        """Positions of the shocks of one form."""
        return np.array([i for i, term in enumerate(self.terms) if term.shock.form == form], dtype=np.int64)

    def declared(self, bound: str = "value") -> Strength:
        """The declared strengths: `value`, `low` or `high`."""
        given = [term.shock.fraction or term.shock.multiplier for term in self.terms]
        return Strength(np.array([[getattr(one, bound) if one else 0.0] for one in given]).reshape(-1, 1))

    def masked(self) -> Flags:
        """Series × months that teach nothing: transient shocks and closures."""
        rows = np.concatenate([self.of_form("transient"), self.of_form("closure")])
        touched = self.exposure[rows] > 0
        masked: Flags = (self.applies[rows][:, :, None] & touched[:, None, :]).any(axis=0)
        return masked

    def fractions(self, strength: Strength, month: int) -> Floats:
        """Deferrals × series × draws, the part of a month's dues that each puts off; together at most 95%."""
        rows = self.of_form("deferral")
        parts = (
            self.applies[rows, :, None] * self.exposure[rows, month][:, None, None] * strength.by_series[rows]
        )
        bounded: Floats = parts * (_MOST_WITHHELD / np.maximum(parts.sum(axis=0), _MOST_WITHHELD))
        return bounded

    def withheld(self, strength: Strength, month: int) -> Floats:
        """Series × draws, the fraction of a month's dues that is paid later."""
        total: Floats = self.fractions(strength, month).sum(axis=0)
        return total

    def multiplier(self, strength: Strength, month: int) -> Floats:
        """Series × draws, what is left of a month's receipts after rate changes."""
        rows = self.of_form("rate_change")
        cut = self.exposure[rows, month][:, None, None] * (1 - strength.by_series[rows])
        kept: Floats = np.prod(1 - self.applies[rows, :, None] * cut, axis=0)
        return kept

    def closed(self, month: int) -> Floats:
        """Series × 1, the share of a month in which something may be collected at all."""
        rows = self.of_form("closure")
        kept: Floats = np.prod(1 - self.applies[rows] * self.exposure[rows, month][:, None], axis=0)
        return kept[:, None]

    def first_touched(self) -> int:
        """Index of the first month any shock touches (`length` if none)."""
        touched = self.exposure.any(axis=0)
        return int(touched.argmax()) if touched.any() else self.length


def line_shocks(
    shocks: tuple[PolicyShock, ...], line_code: str, units: tuple[str, ...], first_month: int, length: int
) -> LineShocks:
    """The terms of one line. A unit is named by its code or by its key (code@year)."""
    names = [(unit, unit.split("@")[0]) for unit in units]
    terms = tuple(ShockTerm(s) for s in shocks if any(_touches(s, line_code, name) for name in names))
    applies = [[_touches(term.shock, line_code, name) for name in names] for term in terms]
    return LineShocks(
        terms, np.array(applies, dtype=bool).reshape(len(terms), len(units)), first_month, length
    )


def _touches(shock: PolicyShock, line_code: str, name: tuple[str, str]) -> bool:
    return shock.concerns(name[0], line_code) or shock.concerns(name[1], line_code)


def cleaned(shocks: LineShocks, observed: Floats, strength: Strength) -> Floats:
    """Past receipts (series × months) as they would have been: dues put back, repayments taken out, rates
    undone.

    `strength` has one draw. Months of transient shocks and closures become NaN.
    """
    base, walk = observed.copy(), _Walk(shocks, strength, counted_from=shocks.length)
    for month in range(shocks.first_touched(), observed.shape[1]):
        base[:, month] = walk.undo(month, observed[:, month, None])[:, 0]
    base[shocks.masked()[:, : observed.shape[1]]] = np.nan
    return base


def applied(
    shocks: LineShocks, observed: Floats, future: Floats, strength: Strength, counted_from: int
) -> ShockedReceipts:
    """The future with the shocks.

    Args:
        shocks: over the axis of `observed` followed by `future`.
        observed: series × past months, as collected (under the shocks).
        future: series × months to come × draws, without any shock.
        strength: shocks × draws.
        counted_from: index on the axis from which moved and lost amounts are counted (the fiscal year's
        start).
    """
    past, walk, receipts = observed.shape[1], _Walk(shocks, strength, counted_from), future.copy()
    for month in range(shocks.first_touched(), shocks.length):
        if month < past:
            walk.undo(month, observed[:, month, None])
        else:
            receipts[:, month - past] = walk.do(month, future[:, month - past])
    return ShockedReceipts(receipts, walk.moved, walk.lost, walk.beyond)


class _Walk:
    """One pass over the months, carrying what is still to arrive: series × draws by month."""

    def __init__(self, shocks: LineShocks, strength: Strength, counted_from: int) -> None:
        self.shocks, self.strength, self.counted_from = shocks, strength, counted_from
        self.arriving: dict[int, Floats] = {}
        shape = (len(shocks.terms), shocks.applies.shape[1], strength.draws)
        self.moved, self.lost, self.beyond = np.zeros(shape), np.zeros(shape), np.zeros(shape)

    def undo(self, month: int, observed: Floats) -> Floats:
        """The base receipts behind a month that was observed under the shocks (0 where nothing could be
        paid).
        """
        kept, on_time = self._left(month)
        base = np.divide(
            observed - self._due_in(month), on_time, out=np.zeros(self._shape), where=on_time > 0
        )
        self._book(month, base, kept)
        return base

    def do(self, month: int, base: Floats) -> Floats:
        """What the shocks make of a month's base receipts."""
        kept, on_time = self._left(month)
        self._book(month, base, kept)
        receipts: Floats = base * on_time + self._due_in(month)
        return receipts

    @property
    def _shape(self) -> tuple[int, int]:
        return self.shocks.applies.shape[1], self.strength.draws

    def _left(self, month: int) -> tuple[Floats, Floats]:
        kept = self.shocks.multiplier(self.strength, month) * self.shocks.closed(month)
        on_time = kept * (1 - self.shocks.withheld(self.strength, month))
        return np.broadcast_to(kept, self._shape), np.broadcast_to(on_time, self._shape)

    def _due_in(self, month: int) -> Floats:
        return self.arriving.pop(month, np.zeros(self._shape))

    def _book(self, month: int, base: Floats, kept: Floats) -> None:
        """Send what is withheld to its later month and count what was moved and lost; refunds are not
        deferred.
        """
        receipts = np.maximum(base, 0)
        counts = float(month >= self.counted_from)
        deferred = self.shocks.fractions(self.strength, month) * receipts * kept
        for row, amount in zip(self.shocks.of_form("deferral"), deferred, strict=True):
            self._send(int(row), month, amount)
            self.moved[row] += amount * counts
        for row, term in enumerate(self.shocks.terms):
            if term.shock.form in ("rate_change", "closure"):
                part = 1.0 if term.shock.form == "closure" else 1 - self.strength.by_series[row]
                touched = self.shocks.applies[row][:, None] * self.shocks.exposure[row, month]
                self.lost[row] += touched * part * receipts * counts

    def _send(self, row: int, month: int, amount: Floats) -> None:
        for leg in self.shocks.terms[row].shock.legs:
            if months.ordinal(leg.due_month) - self.shocks.first_month == month:
                goal = months.ordinal(leg.deferred_to) - self.shocks.first_month
                self.beyond[row] += amount * float(goal >= self.shocks.length)
                self.arriving[goal] = self.arriving.get(goal, np.zeros(self._shape)) + amount
