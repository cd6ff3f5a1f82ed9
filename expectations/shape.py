"""Type-level expectations, projected from a table's declaration: columns, types, required and listed values.

They are about the frame as a whole, so what is judged is a profile of it with one row a column. Rules about
single rows are in ``expectations.suites``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from authorities.model import Words
from expectations.engine import Judgement, always_among, always_equal, judge
from warehouse.projections import ColumnRule

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

MEANINGS = {
    "columns_as_declared": Words(
        vi="Bảng có đủ các cột đã khai báo và không có cột nào khác.",
        en="The frame has the declared columns and no others.",
    ),
    "types_as_declared": Words(
        vi="Mỗi cột có đúng kiểu dữ liệu đã khai báo.", en="Every column has its declared type."
    ),
    "required_values_present": Words(
        vi="Cột bắt buộc không có ô trống.", en="Columns declared without nulls have none."
    ),
    "values_as_listed": Words(
        vi="Cột có danh mục giá trị chỉ chứa giá trị trong danh mục.",
        en="Columns declared with a list of values hold no others.",
    ),
}
"""Type-level expectations and what each says, in the order in which they are reported."""


def profile(frame: pl.LazyFrame, declared: Sequence[ColumnRule]) -> pl.DataFrame:
    """One row for each column declared or found: what is wrong with it, in words and counts.

    Columns: column, presence (both, lacking, excess), declared_type, found_type, forbidden_nulls,
    unlisted_values. Types of columns that are not in both are left equal, so that each fault is told once.
    """
    found = frame.collect_schema()
    counted = _counted(frame, [rule for rule in declared if rule.column in found], found)
    rows = [
        (rule.column, "both", str(rule.polars_type), str(found[rule.column]), *counted[rule.column])
        if rule.column in found
        else (rule.column, "lacking", "", "", 0, 0)
        for rule in declared
    ]
    excess = [name for name in found if name not in {rule.column for rule in declared}]
    rows += [(name, "excess", "", "", 0, 0) for name in excess]
    schema = {
        "column": pl.String, "presence": pl.String, "declared_type": pl.String, "found_type": pl.String,
        "forbidden_nulls": pl.Int64, "unlisted_values": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _counted(
    frame: pl.LazyFrame, rules: Sequence[ColumnRule], found: pl.Schema
) -> dict[str, tuple[int, int]]:
    """For each column its forbidden nulls and unlisted values, in one pass over the rows."""
    told = []
    for rule in rules:
        column = pl.col(rule.column)
        is_listed = bool(rule.values) and found[rule.column] == pl.String
        nulls = pl.lit(0) if rule.nullable else column.null_count()
        unlisted = (~column.is_in(list(rule.values))).sum() if is_listed else pl.lit(0)
        told += [nulls.alias(f"nulls {rule.column}"), unlisted.alias(f"unlisted {rule.column}")]
    counts = frame.select(told).collect(engine="streaming").row(0, named=True) if told else {}
    return {
        rule.column: (counts[f"nulls {rule.column}"], counts[f"unlisted {rule.column}"]) for rule in rules
    }


def _expectations() -> dict[str, "Expectation"]:
    return {
        "columns_as_declared": always_among("presence", ["both"]),
        "types_as_declared": always_equal("declared_type", "found_type"),
        "required_values_present": always_among("forbidden_nulls", [0]),
        "values_as_listed": always_among("unlisted_values", [0]),
    }


def judge_shape(name: str, profiled: pl.DataFrame) -> dict[str, Judgement]:
    """Holds the type-level expectations against a ``profile``; counts are of columns, not of rows."""
    return judge(f"{name}_columns", profiled, _expectations())


def faults(profiled: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """For each type-level expectation the columns at fault and what is wrong; names and counts only."""
    at_fault = {
        "columns_as_declared": pl.when(pl.col("presence") != "both").then(
            pl.format("{} ({})", "column", "presence")
        ),
        "types_as_declared": pl.when(pl.col("declared_type") != pl.col("found_type")).then(
            pl.format("{} ({} instead of {})", "column", "found_type", "declared_type")
        ),
        "required_values_present": pl.when(pl.col("forbidden_nulls") > 0).then(
            pl.format("{} ({} null)", "column", "forbidden_nulls")
        ),
        "values_as_listed": pl.when(pl.col("unlisted_values") > 0).then(
            pl.format("{} ({} not listed)", "column", "unlisted_values")
        ),
    }
    return {
        rule: tuple(profiled.select(told.alias("fault"))["fault"].drop_nulls())
        for rule, told in at_fault.items()
    }
