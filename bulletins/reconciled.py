"""The treasury's books against the tax office's: what agrees, what does not, and what is left over.

What is compared and how is ``warehouse.reconciliation``'s.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from authorities.model import ALL
from bulletins.night import Night, Row
from bulletins.numbers import whole_parts

MATCHED, NOT_COMPARED = "matched", "not_compared"
_LARGEST = 10
_AMOUNTS = ("treasury_amount", "tax_amount", "difference_amount")


@dataclass(frozen=True)
class KindOfBreak:
    """Payments on which the two offices agree or differ in one way."""

    kind: str
    rows: int
    amount: Decimal
    residual: Decimal
    shown_residual: int = 0
    """In whole display units, adding up to the shown sum."""


@dataclass(frozen=True)
class Break:
    """One of the breaks of most money; the page names no payer and no document.

    ``amount`` is what it is about, in currency units: a payment under two units differs by nothing.
    """

    unit_key: str
    unit_name: str
    kind: str
    amount: Decimal
    difference: Decimal
    age_days: int


@dataclass(frozen=True)
class Reconciliation:
    """What agrees, the kinds of breaks with most money first, what is not compared yet, and the largest."""

    matched: KindOfBreak | None
    kinds: tuple[KindOfBreak, ...]
    not_compared: KindOfBreak | None
    largest: tuple[Break, ...]

    @property
    def shown_residual(self) -> int:
        """Treasury less tax office over all kinds that are compared, in whole display units."""
        return sum(one.shown_residual for one in self.kinds)


def reconciliation(night: Night) -> Reconciliation | None:
    """The night's comparison of the two books; None where there is none."""
    rows = night.rows("mart_reconciliation_summary", unit_key=ALL)
    if not rows:
        return None
    kinds = {row["break_kind"]: _kind(row) for row in rows}
    breaks = sorted(
        (kind for name, kind in kinds.items() if name not in (MATCHED, NOT_COMPARED)),
        key=lambda kind: (-abs(kind.amount), kind.kind),
    )
    residuals = [kind.residual for kind in breaks]
    scale = night.authority.settings.currency.display_scale
    shown, _ = whole_parts(residuals, sum(residuals, Decimal(0)), scale)
    told = tuple(replace(kind, shown_residual=part or 0) for kind, part in zip(breaks, shown, strict=True))
    return Reconciliation(kinds.get(MATCHED), told, kinds.get(NOT_COMPARED), _largest(night))


def _kind(row: Row) -> KindOfBreak:
    return KindOfBreak(row["break_kind"], row["rows"], row["amount"], row["residual_amount"])


def _largest(night: Night) -> tuple[Break, ...]:
    rows = night.rows("mart_reconciliation_break")
    rows.sort(key=lambda row: (-_amount(row), row["break_id"]))
    names = night.unit_names
    return tuple(
        Break(row["unit_key"], str(names.get(row["unit_key"]) or row["unit_key"]), row["break_kind"],
              _amount(row), row["difference_amount"], row["age_days"])
        for row in rows[:_LARGEST]
        if _amount(row)
    )  # fmt: skip


def _amount(row: Row) -> Decimal:
    """The money that a break is about, by whichever office has more of it."""
    amounts: list[Decimal] = [row[name] or Decimal(0) for name in _AMOUNTS]
    return max(map(abs, amounts))
