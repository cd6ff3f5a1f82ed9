"""Splits a staged frame into rows accepted, rows counted as unallocated, and the quarantine.

The rules are declared in ``expectations.suites`` and ``expectations.shape``; Great Expectations is reached
through ``expectations.engine`` alone. Pure: what becomes of the parts is the ledger's and the assets' work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from authorities.model import UNALLOCATED, Words
from expectations.engine import Judgement, engine_name, judge
from expectations.rules import KEPT, VERDICT, RowRule
from expectations.shape import MEANINGS, faults, judge_shape, profile
from expectations.suites import suite_of
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

ResultKind = Literal["row", "shape", "conservation"]


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


@dataclass(frozen=True, eq=False)
class Validation:
    """One dataset's staged rows, split.

    ``accepted`` and ``unallocated`` have the staged schema; ``quarantine`` that of ``core_quarantine``
    without ``superseded_at``, with a row for every unallocated and every held row.
    """

    dataset: str
    accepted: pl.DataFrame
    unallocated: pl.DataFrame
    quarantine: pl.DataFrame
    results: tuple[ExpectationResult, ...]
    engine: str
    """The library that judged, and its release."""

    @property
    def success(self) -> bool:
        """Whether every blocking expectation held; rows in quarantine do not fail it."""
        return all(result.success for result in self.results if result.is_blocking)


def validate(dataset: str, staged: pl.DataFrame) -> Validation:
    """Holds the suite of ``dataset`` against its staged rows.

    Raises:
        KeyError: for a dataset without a suite.
        SchemaMismatchError: where columns or types are not the declared ones, as no row can then be judged.
        ExpectationRaisedError: naming an expectation that could not be evaluated.
        VerdictMismatchError: where Great Expectations counts other rows than were marked.
    """
    rules = suite_of(dataset)
    shape = _shape_results(dataset, staged)
    verdicts = _verdicts(staged, rules)
    tally = _tally(staged, verdicts)
    judgements = judge(dataset, _to_judge(verdicts), {rule.rule: rule.expectation() for rule in rules})
    rows = tuple(_row_result(dataset, rule, judgements[rule.rule], tally, staged.height) for rule in rules)
    accepted, unallocated, held = _split(staged, verdicts, rules)
    balance = _conservation(dataset, staged, accepted, unallocated, held)
    quarantine = _quarantine(dataset, staged, verdicts, rules)
    results = (*shape, *rows, balance)
    return Validation(dataset, accepted, unallocated, quarantine, results, engine_name())


def _shape_results(dataset: str, staged: pl.DataFrame) -> tuple[ExpectationResult, ...]:
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


def _verdicts(staged: pl.DataFrame, rules: Sequence[RowRule]) -> pl.Series:
    """The first rule each row breaks, or ``KEPT``."""
    kinds = pl.Enum([KEPT, *(rule.rule for rule in rules)])
    first = pl.coalesce(
        *(pl.when(rule.broken(staged)).then(pl.lit(rule.rule, dtype=kinds)) for rule in rules),
        pl.lit(KEPT, dtype=kinds),
    )
    return staged.select(first.alias(VERDICT))[VERDICT]


def _to_judge(verdicts: pl.Series) -> pl.DataFrame:
    """The verdicts on rows that broke a rule, and one on a row that was kept: a night has millions of those,
    all alike, and Great Expectations takes its rows one by one."""
    broken = verdicts.filter(verdicts != KEPT)
    return pl.concat([broken, verdicts.filter(verdicts == KEPT).head(1)]).to_frame()


def _tally(staged: pl.DataFrame, verdicts: pl.Series) -> dict[str, tuple[int, int]]:
    """Rows and money by verdict, those kept apart."""
    broken = verdicts != KEPT
    counted = (
        pl.DataFrame({VERDICT: verdicts.filter(broken), "amount": staged["amount"].filter(broken)})
        .group_by(VERDICT)
        .agg(pl.len().alias("rows"), pl.col("amount").sum())
    )
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


def _split(
    staged: pl.DataFrame, verdicts: pl.Series, rules: Sequence[RowRule]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Rows accepted, rows counted as unallocated with their unknowns filled, rows held."""
    soft = [rule.rule for rule in rules if rule.outcome == "unallocated"]
    is_soft, is_kept = verdicts.is_in(soft), verdicts == KEPT
    # Most nights every row is kept; copying millions of them would cost more than all the rules.
    accepted = staged if is_kept.all() else staged.filter(is_kept)
    return _settled(accepted), _placed(staged.filter(is_soft)), staged.filter(~is_kept & ~is_soft)


def _settled(accepted: pl.DataFrame) -> pl.DataFrame:
    """An accepted figure given by line rather than by item has an empty item: the ledger holds no nulls."""
    if "item_code" not in accepted.columns or accepted["item_code"].null_count() == 0:
        return accepted
    return accepted.with_columns(pl.col("item_code").fill_null(""))


def _placed(unallocated: pl.DataFrame) -> pl.DataFrame:
    """Unknown unit, item and line filled with UNALLOCATED; what is known stays."""
    filled = unallocated.with_columns(pl.col("unit_key").fill_null(UNALLOCATED))
    if not {"item_code", "line_code"} <= set(filled.columns):
        return filled
    has_line = pl.col("line_code").is_not_null()
    return filled.with_columns(
        pl.when(has_line)
        .then(pl.col("item_code").fill_null(""))
        .otherwise(pl.lit(UNALLOCATED))
        .alias("item_code"),
        pl.col("line_code").fill_null(UNALLOCATED),
    )


def _quarantine(
    dataset: str, staged: pl.DataFrame, verdicts: pl.Series, rules: Sequence[RowRule]
) -> pl.DataFrame:
    """Every row that broke a rule, with the first one, in the order of the files."""
    outcomes = {rule.rule: rule.outcome for rule in rules}
    dated = next((name for name in ("posting_date", "period_end") if name in staged.columns), None)
    schema = {
        name: kind for name, kind in polars_schema(QUARANTINE).items() if not name.startswith("superseded")
    }
    derived = {
        "dataset": pl.lit(dataset),
        "rule": pl.col(VERDICT).cast(pl.String),
        "outcome": pl.col(VERDICT).cast(pl.String).replace_strict(outcomes, default=None),
        "posting_date": pl.col(dated) if dated else pl.lit(None),
    }
    absent = {name: pl.lit(None) for name in schema if name not in staged.columns}
    if {"item_code", "line_code"} <= set(staged.columns):
        # What the catalogue lacks may be any text, a taxpayer's name among it.
        derived["item_code"] = pl.when(pl.col("line_code").is_not_null()).then(pl.col("item_code"))
    told = absent | derived
    broken = verdicts != KEPT
    return (
        staged.filter(broken)
        .with_columns(verdicts.filter(broken))
        .select(told.get(name, pl.col(name)).cast(kind).alias(name) for name, kind in schema.items())
        .sort("delivery_id", "sheet", "row_number", "source_column")
    )


def _conservation(
    dataset: str, staged: pl.DataFrame, accepted: pl.DataFrame, unallocated: pl.DataFrame, held: pl.DataFrame
) -> ExpectationResult:
    """Rows in = accepted + unallocated + held, and likewise their money."""
    parts = (accepted, unallocated, held)
    rows = staged.height - sum(part.height for part in parts)
    money = int(staged["amount"].sum()) - sum(int(part["amount"].sum()) for part in parts)
    return ExpectationResult(
        dataset, CONSERVATION, "conservation", ("amount",), rows == 0 and money == 0, staged.height,
        abs(rows), money, is_blocking=True, explanation=BALANCE[CONSERVATION].en, expectation_type="",
    )  # fmt: skip
