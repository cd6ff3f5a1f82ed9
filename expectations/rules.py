"""What a row rule is, and the words in which its breaking is explained to people.

Which rules a dataset has, and in what order, is declared in ``expectations.suites``; how they are run is
``expectations.validation``'s work. A rule is a polars expression or mask saying which rows break it, so that
five million rows cost one pass, and Great Expectations is asked about the verdicts, never about the values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl

from authorities.model import Words
from expectations.engine import never_among
from warehouse.tables.staging import BROKEN_RULE

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Outcome = Literal["held", "unallocated"]

VERDICT = BROKEN_RULE
"""Name of the one column Great Expectations judges: the first rule a row broke, or ``KEPT``."""
KEPT = "none"
"""What it is told of a row that broke no rule."""

FILE_ORDER = ("delivery_id", "sheet", "row_number", "source_column")
"""The order in which a reader of the file meets its rows."""


@dataclass(frozen=True)
class RowRule:
    """One rule every row of a dataset must keep.

    ``broken`` gives, for a staged frame, the rows that break it (true: broken; null counts as kept).
    ``columns`` are the staged columns it looks at.
    """

    rule: str
    columns: tuple[str, ...]
    outcome: Outcome
    broken: Callable[[pl.DataFrame], pl.Expr]
    meaning: Words
    fate: Words
    """What became of the row's money."""
    remedy: Words

    def expectation(self) -> "Expectation":
        """The Great Expectations form: no row's first broken rule is this one."""
        return never_among(VERDICT, [self.rule])

    def explanation(self, language: Literal["vi", "en"] = "en") -> str:
        """What the rule means, what became of the money, and what to do; never a row's content."""
        return " ".join(getattr(words, language) for words in (self.meaning, self.fate, self.remedy))


def is_missing(column: str) -> Callable[[pl.DataFrame], pl.Expr]:
    """Rows whose ``column`` could not be read or resolved."""
    return lambda _: pl.col(column).is_null()


def where(condition: pl.Expr) -> Callable[[pl.DataFrame], pl.Expr]:
    """Rows for which a condition holds."""
    return lambda _: condition


def is_repeated(keys: Sequence[str], among: pl.Expr) -> Callable[[pl.DataFrame], pl.Expr]:
    """Rows that say again what an earlier one of the same delivery said: all but the first of equal ``keys``.

    Only rows for which ``among`` holds are compared. "Earlier" is by sheet and row, whatever the frame's
    order.
    """

    def broken(staged: pl.DataFrame) -> pl.Expr:
        return pl.lit(_repeats(staged, ["delivery_id", "delivery_order", *keys], among))

    return broken


def _repeats(staged: pl.DataFrame, keys: list[str], among: pl.Expr) -> pl.Series:
    """True where an earlier row has the same keys.

    Grouping millions of rows by six columns takes seconds. A hash of the keys, sorted, finds the few rows
    that may be repeats in a tenth of one; only these are then compared in full, so a chance collision does
    no harm.
    """
    mixed = pl.col(keys[0]).hash(0)
    for seed, key in enumerate(keys[1:], start=1):
        mixed = mixed ^ pl.col(key).hash(seed)
    hashes = staged.select(pl.when(among).then(mixed).alias("hash"))["hash"]
    ordered = hashes.drop_nulls().sort()
    twice = ordered.filter(ordered == ordered.shift()).unique()
    if twice.is_empty():
        return pl.repeat(value=False, n=staged.height, dtype=pl.Boolean, eager=True)
    suspects = (
        staged.with_row_index("place")
        .filter(hashes.is_in(twice.implode()).fill_null(value=False))
        .sort(FILE_ORDER)
        .filter(~pl.struct(keys).is_first_distinct())["place"]
    )
    return pl.int_range(staged.height, dtype=pl.UInt32, eager=True).is_in(suspects.implode())
