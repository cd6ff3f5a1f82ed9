"""The validation document: what each expectation found, for a person to read.

Counts and money, no row values. Only rendering. The results come from ``expectations.validation``.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from expectations.validation import ExpectationResult

_HEAD = "| expectation | columns | held | rows judged | refused | money refused | what it means |"
_RULE = "|---|---|---|---:|---:|---:|---|"


def render_documents(
    results_by_dataset: Mapping[str, Sequence[ExpectationResult]], minor_per_unit: int = 1
) -> str:
    """Markdown, one section a dataset and one row an expectation; money in currency units.

    ``minor_per_unit`` is the currency's (1 for đồng, 100 for hryvnia).
    """
    sections = [
        "\n".join([f"## {dataset}", "", _HEAD, _RULE, *(_row(result, minor_per_unit) for result in results)])
        for dataset, results in results_by_dataset.items()
    ]
    return "\n\n".join(["# Validation", *sections]) + "\n"


def _row(result: ExpectationResult, minor_per_unit: int) -> str:
    held = "yes" if result.success else "no, stops the night" if result.is_blocking else "no"
    cells = (
        result.rule, result.column, held, f"{result.evaluated:,}", f"{result.unexpected:,}",
        f"{Decimal(result.unexpected_amount) / minor_per_unit:,}", result.explanation.replace("|", "\\|"),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"
