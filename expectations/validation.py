"""Splits a staged frame into rows accepted, rows counted as unallocated, and the quarantine.

The rules are declared in ``expectations.suites`` and ``expectations.shape``; Great Expectations is reached
through ``expectations.engine`` alone. Pure: what becomes of the parts is the ledger's and the assets' work.

A row is judged once, when it is staged; what was found is kept beside it. Only what other deliveries say of
its own is told anew every night, over all history at once: by a plan of polars, never by frames in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from authorities.model import UNALLOCATED, Words
from expectations.engine import Judgement, engine_name, judge
from expectations.rules import KEPT, VERDICT, RowRule
from expectations.shape import MEANINGS, faults, judge_shape, profile
from expectations.suites import DELIVERY_IS_WHOLE, suite_of
from warehouse.ledger import statement_columns
from warehouse.projections import SchemaMismatchError, column_rules, polars_schema
from warehouse.tables.ledger import QUARANTINE
from warehouse.tables.staging import STAGED

CONSERVATION = "rows_and_money_conserved"
"""Name of the result that says: what came in is what was accepted, left unallocated, or held."""
BALANCE = {
    CONSERVATION: Words(
        vi="Mọi dòng nhận được, và số tiền của nó, đều được chấp nhận, tính là chưa phân bổ, hoặc giữ lại.",
        en="Every row received, and its money, is accepted, counted as unallocated, or held.",
    )
}
"""What that result says, by its name."""

Fate = Literal["accepted", "unallocated", "held"]
ResultKind = Literal["row", "shape", "conservation"]
_QUARANTINED = [name for name in polars_schema(QUARANTINE) if not name.startswith("superseded")]


class VerdictMismatchError(RuntimeError):
    """Great Expectations counts other rows than were marked: the split cannot be trusted."""


@dataclass(frozen=True)
class ExpectationResult:
    """What became of one expectation: counts and money, never the values of a row.

    For ``row`` rules ``unexpected`` counts the rows whose first broken rule this is; for ``shape`` it counts
    columns, and ``columns`` are those at fault. ``unexpected_amount`` is the money of those rows in minor
    units, as far as it is a number. A failed ``is_blocking`` result must stop the night; the others have
    their rows in the quarantine.
    """

    dataset: str
    rule: str
    kind: ResultKind
    columns: tuple[str, ...]
    success: bool
    evaluated: int
    unexpected: int
    unexpected_amount: int
    is_blocking: bool
    explanation: str
    expectation_type: str
    """Great Expectations' name of what was asked; empty for what is summed here."""

    @property
    def column(self) -> str:
        """The columns in one text."""
        return ", ".join(self.columns)


@dataclass(frozen=True)
class Sums:
    """How many rows, and their money in minor units as far as it is a number."""

    rows: int
    amount: int

    def __sub__(self, other: "Sums") -> "Sums":
        return Sums(self.rows - other.rows, self.amount - other.amount)


@dataclass(frozen=True, eq=False)
class Validation:
    """One dataset's staged rows, split.

    ``counting`` has the staged schema and order: rows accepted, and rows counted as unallocated with their
    unknowns filled; a plan, as a night has millions of them. ``refused`` has a row for every unallocated and
    every held row: the columns of ``core_quarantine`` but for what superseded it, and those by which its
    delivery states a period.
    """

    dataset: str
    counting: pl.LazyFrame
    refused: pl.DataFrame
    sums: Mapping[Fate, Sums]
    """What became of the rows and their money."""
    results: tuple[ExpectationResult, ...]
    engine: str
    """The library that judged, and its release."""

    @property
    def success(self) -> bool:
        """Whether every blocking expectation held; rows in quarantine do not fail it."""
        return all(result.success for result in self.results if result.is_blocking)

    @property
    def accepted(self) -> pl.DataFrame:
        """The rows that broke no rule, in memory."""
        return self.counting.filter(pl.col(VERDICT).is_null()).collect()

    @property
    def unallocated(self) -> pl.DataFrame:
        """The rows that count without a known place, in memory."""
        return self.counting.filter(pl.col(VERDICT).is_not_null()).collect()

    @property
    def quarantine(self) -> pl.DataFrame:
        """``refused`` as ``core_quarantine`` has it, without what superseded it."""
        return self.refused.select(_QUARANTINED)


def validate(dataset: str, staged: pl.DataFrame) -> Validation:
    """Holds the suite of ``dataset`` against its staged rows.

    Raises:
        KeyError: for a dataset without a suite.
        SchemaMismatchError: where columns or types are not the declared ones, as no row can then be judged.
        ExpectationRaisedError: naming an expectation that could not be evaluated.
        VerdictMismatchError: where Great Expectations counts other rows than were marked.
    """
    shape = _shape_results(dataset, staged.lazy())
    return _settled(dataset, with_broken_rule(dataset, staged).lazy(), shape)


def settle(dataset: str, judged: pl.LazyFrame) -> Validation:
    """The same of rows that were judged one by one when they were staged (``with_broken_rule``).

    What is still to be told is what other deliveries say of a row's own: ``scope_doubt``.

    Raises:
        as ``validate``.
    """
    return _settled(dataset, judged, _shape_results(dataset, judged))


def with_broken_rule(dataset: str, staged: pl.DataFrame) -> pl.DataFrame:
    """``staged`` with the first rule that each row breaks; null for one that breaks none.

    Rows are looked at beside the others of their own delivery, and of no other.
    """
    rules = suite_of(dataset)
    first = pl.coalesce(pl.when(rule.broken(staged)).then(pl.lit(rule.rule)) for rule in rules)
    return staged.with_columns(first.alias(VERDICT))


def counting_rows(dataset: str, judged: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``settle``'s that count: those accepted, and those unallocated with their unknowns filled."""
    return _counting(_with_verdict(judged), suite_of(dataset))


def _with_verdict(judged: pl.LazyFrame) -> pl.LazyFrame:
    doubted = pl.col("scope_doubt").is_not_null()
    verdict = pl.when(doubted).then(pl.lit(DELIVERY_IS_WHOLE)).otherwise(pl.col(VERDICT))
    return judged.with_columns(verdict.alias(VERDICT))


def _settled(dataset: str, judged: pl.LazyFrame, shape: tuple[ExpectationResult, ...]) -> Validation:
    rules = suite_of(dataset)
    told = _with_verdict(judged)
    counting = _counting(told, rules)
    all_rows, counted, refused = pl.collect_all(
        [judged.select(_SUMS), counting.select(_SUMS), _refused(dataset, told, rules)], engine="streaming"
    )
    refused = refused.sort("delivery_id", "sheet", "row_number", "source_column")
    outcome = pl.col("outcome")
    unallocated, held = (
        _sums(refused.filter(outcome == fate).select(_SUMS)) for fate in ("unallocated", "held")
    )
    staged, counts = _sums(all_rows), _sums(counted)
    to_judge = _to_judge(refused, any_kept=staged.rows > refused.height)
    judgements = judge(dataset, to_judge, {rule.rule: rule.expectation() for rule in rules})
    tally = _tally(refused)
    results = tuple(_row_result(dataset, rule, judgements[rule.rule], tally, staged.rows) for rule in rules)
    balance = _conservation(dataset, staged, staged - counts - held)
    sums: dict[Fate, Sums] = {"accepted": counts - unallocated, "unallocated": unallocated, "held": held}
    return Validation(dataset, counting, refused, sums, (*shape, *results, balance), engine_name())


_SUMS = pl.len().alias("rows"), pl.col("amount").cast(pl.Int128).sum()


def _sums(frame: pl.DataFrame) -> Sums:
    return Sums(*frame.row(0))


def _shape_results(dataset: str, staged: pl.LazyFrame) -> tuple[ExpectationResult, ...]:
    profiled = profile(staged, column_rules(STAGED[dataset]))
    judgements, told = judge_shape(dataset, profiled), faults(profiled)
    unusable = [*told["columns_as_declared"], *told["types_as_declared"]]
    if unusable:
        raise SchemaMismatchError(
            f"staged '{dataset}' is not as {STAGED[dataset].name} declares: {'; '.join(unusable)}"
        )
    return tuple(_shape_result(dataset, rule, judgements[rule], told[rule]) for rule in MEANINGS)


def _shape_result(dataset: str, rule: str, judgement: Judgement, told: tuple[str, ...]) -> ExpectationResult:
    at_fault = tuple(fault.split(" ")[0] for fault in told)
    return ExpectationResult(
        dataset, rule, "shape", at_fault, judgement.success, judgement.evaluated, judgement.unexpected, 0,
        is_blocking=True, explanation=_told(MEANINGS[rule].en, told),
        expectation_type=judgement.expectation_type,
    )  # fmt: skip


def _told(meaning: str, faults_told: tuple[str, ...]) -> str:
    """The meaning, followed by the columns at fault where there are any."""
    return f"{meaning.removesuffix('.')}: {', '.join(faults_told)}." if faults_told else meaning


def _to_judge(refused: pl.DataFrame, *, any_kept: bool) -> pl.DataFrame:
    """The verdicts on rows that broke a rule, and one on a row that was kept: a night has millions of those,
    all alike, and Great Expectations takes its rows one by one."""
    kept = pl.Series(VERDICT, [KEPT] * any_kept, pl.String)
    return pl.concat([refused["rule"].rename(VERDICT), kept]).to_frame()


def _tally(refused: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """Rows and money by the rule that they broke."""
    counted = refused.group_by("rule").agg(_SUMS)
    return {rule: (rows, amount) for rule, rows, amount in counted.iter_rows()}


def _row_result(
    dataset: str, rule: RowRule, judgement: Judgement, tally: dict[str, tuple[int, int]], judged: int
) -> ExpectationResult:
    rows, amount = tally.get(rule.rule, (0, 0))
    if judgement.unexpected != rows:
        raise VerdictMismatchError(
            f"dataset '{dataset}', rule '{rule.rule}': Great Expectations counts {judgement.unexpected} "
            f"rows, {rows} were marked"
        )
    return ExpectationResult(
        dataset, rule.rule, "row", rule.columns, judgement.success, judged, rows, amount,
        is_blocking=False, explanation=rule.explanation(), expectation_type=judgement.expectation_type,
    )  # fmt: skip


def _counting(told: pl.LazyFrame, rules: Sequence[RowRule]) -> pl.LazyFrame:
    """Rows accepted, and rows counted as unallocated with their unknowns filled.

    An accepted figure given by line rather than by item has an empty item: the ledger holds no nulls.
    """
    soft = pl.col(VERDICT).is_in([rule.rule for rule in rules if rule.outcome == "unallocated"])
    counting = told.filter(pl.col(VERDICT).is_null() | soft)
    known = {"unit_key", "item_code", "line_code"} & set(told.collect_schema())
    filled = [pl.col("unit_key").fill_null(UNALLOCATED)]
    if known >= {"item_code", "line_code"}:
        has_place = pl.col("line_code").is_not_null() | pl.col(VERDICT).is_null()
        filled += [
            pl.when(has_place)
            .then(pl.col("item_code").fill_null(""))
            .otherwise(pl.lit(UNALLOCATED))
            .alias("item_code"),
            pl.col("line_code").fill_null(UNALLOCATED),
        ]
    return counting.with_columns(filled)


def _refused(dataset: str, told: pl.LazyFrame, rules: Sequence[RowRule]) -> pl.LazyFrame:
    """Every row that broke a rule, with the first one."""
    outcomes = {rule.rule: rule.outcome for rule in rules}
    columns = told.collect_schema().names()
    dated = next((name for name in ("posting_date", "period_end") if name in columns), None)
    schema = {name: kind for name, kind in polars_schema(QUARANTINE).items() if name in _QUARANTINED}
    derived = {
        "dataset": pl.lit(dataset),
        "rule": pl.col(VERDICT),
        "outcome": pl.col(VERDICT).replace_strict(outcomes, default=None, return_dtype=pl.String),
        "posting_date": pl.col(dated) if dated else pl.lit(None),
    }
    if {"item_code", "line_code"} <= set(columns):
        # What the catalogue lacks may be any text, a taxpayer's name among it.
        derived["item_code"] = pl.when(pl.col("line_code").is_not_null()).then(pl.col("item_code"))
    absent = {name: pl.lit(None) for name in schema if name not in columns}
    spoken = absent | derived
    stated = [name for name in statement_columns(dataset) if name not in schema]
    return told.filter(pl.col(VERDICT).is_not_null()).select(
        *(spoken.get(name, pl.col(name)).cast(kind).alias(name) for name, kind in schema.items()), *stated
    )


def _conservation(dataset: str, staged: Sums, lost: Sums) -> ExpectationResult:
    """Rows in = rows that count + rows held, and likewise their money: nothing is ``lost``."""
    return ExpectationResult(
        dataset, CONSERVATION, "conservation", ("amount",), lost == Sums(0, 0), staged.rows,
        abs(lost.rows), lost.amount, is_blocking=True, explanation=BALANCE[CONSERVATION].en,
        expectation_type="",
    )  # fmt: skip
