"""The validation document: what Great Expectations found of each rule, as rows for whoever shows them.

Counts, money and our own words, no value of any row: taxpayers' names lie in staged rows. The library's own
documents site is not used, since its pages ask a distant server for their styles and show the values found.
How the rows are shown is the bulletin's affair; what they say comes from ``expectations.validation``.
"""

from collections.abc import Mapping

import polars as pl

from authorities.model import Words
from expectations.rules import RowRule
from expectations.shape import MEANINGS
from expectations.suites import suite_of
from expectations.validation import BALANCE, ExpectationResult, Validation

DOCUMENT_SCHEMA = {
    "dataset": pl.String, "expectation": pl.String, "expectation_type": pl.String, "kind": pl.String,
    "outcome": pl.String, "columns": pl.String, "is_met": pl.Boolean, "evaluated": pl.Int64,
    "unexpected": pl.Int64, "unexpected_amount": pl.Int64, "meaning_vi": pl.String, "meaning_en": pl.String,
    "remedy_vi": pl.String, "remedy_en": pl.String, "engine": pl.String,
}  # fmt: skip
"""Columns of a document.

kind: row (``evaluated`` and ``unexpected`` count rows), shape (they count columns) or conservation (rows).
outcome: what becomes of the rows, held or unallocated; blocking where a failure stops the night.
expectation_type: Great Expectations' name of what was asked; empty where the sum was made without it.
unexpected_amount: money of the rows, in minor units. engine: the library and its version.
"""


def document(validation: Validation) -> pl.DataFrame:
    """One row an expectation of the dataset's suite, in the order in which they are asked.

    Raises:
        KeyError: for a rule that the dataset's suite does not declare.
    """
    rules = {rule.rule: rule for rule in suite_of(validation.dataset)}
    rows = [
        (*_counts(rules, result), *_words(rules, result), validation.engine) for result in validation.results
    ]
    return pl.DataFrame(rows, schema=DOCUMENT_SCHEMA, orient="row")


def _counts(rules: Mapping[str, RowRule], result: ExpectationResult) -> tuple[object, ...]:
    return (
        result.dataset, result.rule, result.expectation_type, result.kind,
        rules[result.rule].outcome if result.kind == "row" else "blocking", result.column,
        result.success, result.evaluated, result.unexpected, result.unexpected_amount,
    )  # fmt: skip


def _words(rules: Mapping[str, RowRule], result: ExpectationResult) -> tuple[str, ...]:
    """What the expectation asks, and what to do where rows do not meet it, in both languages."""
    if result.kind == "row":
        meaning, remedy = rules[result.rule].meaning, rules[result.rule].remedy
    else:
        meaning, remedy = {**MEANINGS, **BALANCE}[result.rule], Words(vi="", en="")
    return meaning.vi, meaning.en, remedy.vi, remedy.en
