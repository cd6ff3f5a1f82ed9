"""Rows to be staged, held or lying in a file: the plan of them, and what their different values tell.

A date, a unit, a pseudonym is told once of each different value, found by one pass over its column; then the
plan is collected, and every row looked up. Of millions of rows the raw texts are never held: polars reads and
looks up piece by piece. Columns that are held anyway are in ``extracts.coded``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from extracts.coded import only_value

_MANY = 100_000
"""Rows from which on the work is done piece by piece; for fewer, setting that up takes longer."""
_LEAST_TIMES = 4
"""How often a value must come on average, or a column is better read whole."""
TIMES = "times"


@dataclass(frozen=True)
class Rows:
    """Rows as a plan.

    Attributes:
        plan: gives the rows when it is collected.
        height: how many there are.
        names: their columns.
        constants: the one value of each column that is known to be alike in all rows.
    """

    plan: pl.LazyFrame
    height: int
    names: frozenset[str]
    constants: Mapping[str, pl.Series] = field(default_factory=dict)
    _seen: dict[tuple[str, ...], pl.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def held(cls, rows: pl.DataFrame, looked_at: Iterable[str] = ()) -> "Rows":
        """Rows in memory; columns ``looked_at`` may turn out to be constant."""
        present = [name for name in looked_at if name in rows.columns]
        constants = {name: rows[name].head(1) for name in present if only_value(rows[name])}
        return cls(rows.lazy(), rows.height, frozenset(rows.columns), constants)

    @classmethod
    def lying(cls, rows: pl.LazyFrame, height: int, looked_at: Iterable[str] = ()) -> "Rows":
        """``height`` rows that lie in a file; columns ``looked_at`` may turn out to be constant."""
        found = cls(rows, height, frozenset(rows.collect_schema().names()))
        top = (
            rows.select(name for name in looked_at if name in found.names).head(1).collect(engine="streaming")
        )
        first = [column for column in top if column.len() and column[0] is not None]
        alike = found.collect(rows.select(pl.col(one.name).eq_missing(one[0]).all() for one in first))
        same = pl.DataFrame([one for one in first if alike[one.name].item()])
        # A column that is known need not be read.
        return found.having(*(pl.lit(one[0], one.dtype).alias(one.name) for one in same)).knowing(same)

    def collect(self, plan: pl.LazyFrame) -> pl.DataFrame:
        """Collects a plan over these rows the way that suits their number."""
        return plan.collect(engine="streaming" if self.height > _MANY else "in-memory")

    def having(self, *columns: pl.Expr) -> "Rows":
        """The rows with further columns; none that was constant may change."""
        return Rows(self.plan.with_columns(columns), self.height, self.names, self.constants)

    def changed(self, plan: pl.LazyFrame, columns: Collection[str]) -> "Rows":
        """As many rows by another plan, in which some ``columns`` are not what they were."""
        constants = {name: value for name, value in self.constants.items() if name not in columns}
        return Rows(plan, self.height, self.names, constants)

    def knowing(self, constants: pl.DataFrame) -> "Rows":
        """The rows, some columns of which are known to hold in all of them what the one row given holds."""
        known = {column.name: column for column in constants}
        return Rows(self.plan, self.height, self.names, {**self.constants, **known})

    def distinct(self, *names: str) -> pl.DataFrame:
        """The different values (together) of some columns, and how many ``times`` each comes."""
        if names not in self._seen:
            self._seen[names] = self._distinct(names)
        return self._seen[names]

    def _distinct(self, names: tuple[str, ...]) -> pl.DataFrame:
        open_names = [name for name in names if name not in self.constants]
        if open_names:
            seen = self.collect(self.plan.group_by(open_names).agg(pl.len().alias(TIMES)))
        else:
            seen = pl.DataFrame({TIMES: [self.height]}).head(self.height)
        known = [self.constants[name] for name in names if name not in open_names]
        return seen.with_columns(pl.lit(one[0], one.dtype).alias(one.name) for one in known).select(
            *names, TIMES
        )

    def telling(self, name: str, seen: pl.DataFrame, answers: pl.Series) -> "Rows":
        """The rows with a column ``name``: what the values ``seen`` of other columns tell (``told``)."""
        rows = self.having(told(seen, answers).alias(name))
        return rows.knowing(answers.head(1).to_frame(name)) if answers.n_unique() == 1 else rows

    def by_value(self, name: str, reading: Callable[[pl.Series], pl.Series], kind: pl.DataType) -> pl.Expr:
        """``reading`` of a column: of each value once, or row by row where most values are different."""
        seen = self.distinct(name)
        if seen.height * _LEAST_TIMES >= self.height:
            return pl.col(name).map_batches(reading, return_dtype=kind, is_elementwise=True)
        return told(seen.select(name), reading(seen[name]))


def told(seen: pl.DataFrame, answers: pl.Series) -> pl.Expr:
    """For each row what its values in the columns of ``seen`` tell.

    Args:
        seen: the different values, together, of one or several columns.
        answers: what each of them tells.
    """
    if answers.n_unique() <= 1:
        return pl.lit(answers[0] if answers.len() else None, answers.dtype)
    answers = answers.rename("")
    first, *others = deciding = _deciding(seen, answers)
    known = seen.with_columns(answers).unique(deciding)
    if others:
        places = [known[name].unique() for name in deciding]
        numbers = [pl.col(name).replace_strict(
            values, pl.int_range(values.len(), dtype=pl.Int64, eager=True), return_dtype=pl.Int64,
        ) for name, values in zip(deciding, places, strict=True)]  # fmt: skip
        number = numbers[0]
        for values, following in zip(places[1:], numbers[1:], strict=True):
            number = number * values.len() + following
        return number.replace_strict(known.select(number).to_series(), known[""], return_dtype=answers.dtype)
    if known[first].dtype == answers.dtype and known[first].equals(known[""]):
        return pl.col(first)
    return pl.col(first).replace_strict(known[first], known[""], return_dtype=answers.dtype)


def _deciding(seen: pl.DataFrame, answers: pl.Series) -> list[str]:
    """Columns that are enough to tell the answers apart: of a unit's code and name mostly the code alone."""
    names = [name for name in seen.columns if seen[name].n_unique() > 1]
    for name in names:
        rest = [other for other in names if other != name]
        if rest and seen.select(*rest, answers).unique().height == seen.select(rest).unique().height:
            names = rest
    return names
