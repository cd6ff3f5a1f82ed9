"""Why something is as it is, step by step: parts that add up to a gap or a change, for a waterfall.

The same for warnings and for forecasts that moved. How a step is drawn is in the templates.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bulletins.night import Night, Row
from bulletins.numbers import whole_parts

CAUSE_KINDS = ("timing", "loss", "restatement", "one_off_last_year", "season", "plan", "unexplained")
"""Causes of a warning's gap, in the order told; kinds beyond these follow by name."""


@dataclass(frozen=True)
class Step:
    """One part: its amount in whole display units, where its bar begins and ends in percent of the width."""

    key: str
    amount: int
    begins: float
    ends: float
    back_by: dt.date | None = None

    @property
    def left(self) -> float:
        """Where the bar lies from."""
        return min(self.begins, self.ends)

    @property
    def width(self) -> float:
        """How wide the bar is."""
        return abs(self.ends - self.begins)


@dataclass(frozen=True)
class Waterfall:
    """Steps from nothing to their sum; ``zero`` is where nothing lies, in percent of the width."""

    steps: tuple[Step, ...]
    whole: Step
    zero: float


def waterfall(
    parts: Sequence[tuple[str, Decimal]], scale: int, back_by: Mapping[str, dt.date] | None = None
) -> Waterfall | None:
    """Parts in their order; None where there is nothing to tell. Shown amounts add up to the shown sum."""
    told = [(key, amount) for key, amount in parts if amount]
    if not told:
        return None
    total = sum((amount for _, amount in told), Decimal(0))
    shown, shown_total = whole_parts([amount for _, amount in told], total, scale)
    reached = [Decimal(0)]
    for _, amount in told:
        reached.append(reached[-1] + amount)
    bottom, top = min(reached), max(reached)

    def place(amount: Decimal) -> float:
        return float((amount - bottom) / (top - bottom) * 100)

    steps = tuple(
        Step(key, amount or 0, place(begins), place(ends), (back_by or {}).get(key))
        for (key, _), amount, begins, ends in zip(told, shown, reached, reached[1:], strict=False)
    )
    return Waterfall(
        steps, Step("whole", shown_total or 0, place(Decimal(0)), place(total)), place(Decimal(0))
    )


def warning_causes(night: Night) -> dict[str, Waterfall]:
    """Warning → why its gap is there, by kind of cause; warnings that nobody explained are left out."""
    by_warning: dict[str, list[Row]] = {}
    for row in night.rows("mart_warning_cause"):
        by_warning.setdefault(row["warning_id"], []).append(row)
    scale = night.authority.settings.currency.display_scale
    drawn = {key: _causes(rows, scale) for key, rows in by_warning.items()}
    return {key: steps for key, steps in drawn.items() if steps is not None}


def _causes(rows: Sequence[Row], scale: int) -> Waterfall | None:
    amounts: dict[str, Decimal] = {}
    back_by: dict[str, dt.date] = {}
    for row in rows:
        kind = row["cause_kind"]
        amounts[kind] = amounts.get(kind, Decimal(0)) + row["amount"]
        if row["expected_back_by"] is not None:
            back_by[kind] = max(back_by.get(kind, row["expected_back_by"]), row["expected_back_by"])
    return waterfall([(kind, amounts[kind]) for kind in in_order(amounts, CAUSE_KINDS)], scale, back_by)


def in_order(found: Iterable[str], usual: Sequence[str]) -> list[str]:
    """What was found, in the usual order; what that does not know last, by name."""
    known = set(found)
    return [*(name for name in usual if name in known), *sorted(known.difference(usual))]
