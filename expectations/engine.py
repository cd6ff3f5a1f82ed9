"""The one seam to Great Expectations: a small frame goes in, counts come out.

Nothing else in the project imports it. The context lives in memory, has no documents site, no progress
bars and no usage statistics; it reads no file, writes none and opens no connection. What is handed over are
verdicts and counts, never a staged row's values, and results are asked for without values besides.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.expectations.expectation import Expectation

_NO_VALUES: dict[str, Any] = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
}


class ExpectationRaisedError(RuntimeError):
    """An expectation could not be evaluated: a fault of the suite or of the library, not of the data."""


@dataclass(frozen=True)
class Judgement:
    """What Great Expectations says of one expectation."""

    success: bool
    evaluated: int
    unexpected: int
    expectation_type: str
    """The library's own name of what was asked."""


def quiet_context() -> "EphemeralDataContext":
    """A context in memory that sends and writes nothing.

    The environment variable is set before the library is first imported, for releases that read it then; the
    configuration says the same to those that do not.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    settings = DataContextConfig(
        # The default would make a temporary folder for a documents site.
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(mode="ephemeral", project_config=settings)


def engine_name() -> str:
    """Who judges: the library and its release."""
    import great_expectations as gx

    return f"Great Expectations {gx.__version__}"


def always_among(column: str, values: list[Any]) -> "Expectation":
    """Every value of ``column`` is one of ``values``."""
    from great_expectations.expectations.core.expect_column_values_to_be_in_set import (
        ExpectColumnValuesToBeInSet,
    )

    return ExpectColumnValuesToBeInSet(column=column, value_set=values)


def never_among(column: str, values: list[Any]) -> "Expectation":
    """No value of ``column`` is one of ``values``."""
    from great_expectations.expectations.core.expect_column_values_to_not_be_in_set import (
        ExpectColumnValuesToNotBeInSet,
    )

    return ExpectColumnValuesToNotBeInSet(column=column, value_set=values)


def always_equal(column: str, other: str) -> "Expectation":
    """Both columns say the same in every row."""
    from great_expectations.expectations.core.expect_column_pair_values_to_be_equal import (
        ExpectColumnPairValuesToBeEqual,
    )

    return ExpectColumnPairValuesToBeEqual(column_A=column, column_B=other)


def judge(name: str, frame: pl.DataFrame, expectations: Mapping[str, "Expectation"]) -> dict[str, Judgement]:
    """Holds ``expectations`` (by name) against ``frame``; ``name`` tells the suite apart in messages.

    Raises:
        ExpectationRaisedError: naming the suite and the expectation that could not be evaluated.
    """
    context = quiet_context()
    from great_expectations import ExpectationSuite, ValidationDefinition

    named = []
    for key, expectation in expectations.items():
        expectation.meta = {**(expectation.meta or {}), "name": key}
        named.append(expectation)
    batch = (
        context.data_sources.add_pandas(name="staged")
        .add_dataframe_asset(name=name)
        .add_batch_definition_whole_dataframe(name)
    )
    suite = context.suites.add(ExpectationSuite(name=name, expectations=named))
    definition = context.validation_definitions.add(ValidationDefinition(name=name, data=batch, suite=suite))
    run = definition.run(batch_parameters={"dataframe": frame.to_pandas()}, result_format=_NO_VALUES)
    return {_name_of(result): _read(name, result) for result in run.results}


def _name_of(result: "ExpectationValidationResult") -> str:
    config = result.expectation_config
    return str(config.meta["name"]) if config and config.meta else "unnamed"


def _read(suite: str, result: "ExpectationValidationResult") -> Judgement:
    """Counts of a result; one that raised comes back failed and without counts, which is no verdict."""
    name = _name_of(result)
    counts = result.result
    if _has_raised(result.exception_info) or "unexpected_count" not in counts:
        raise ExpectationRaisedError(
            f"expectation '{name}' of suite '{suite}' could not be evaluated: {_first_message(result)}. "
            f"The data were not judged; the suite or the installed Great Expectations is at fault"
        )
    return Judgement(
        bool(result.success), int(counts["element_count"]), int(counts["unexpected_count"]),
        result.expectation_config.type if result.expectation_config else "",
    )  # fmt: skip


def _has_raised(info: Mapping[str, Any]) -> bool:
    """Whether the exception information, flat or one entry a metric, tells of an exception."""
    entries = [info, *(entry for entry in info.values() if isinstance(entry, Mapping))]
    return any(entry.get("raised_exception") for entry in entries)


def _first_message(result: "ExpectationValidationResult") -> str:
    info = result.exception_info
    entries = [info, *(entry for entry in info.values() if isinstance(entry, Mapping))]
    messages = [str(entry["exception_message"]) for entry in entries if entry.get("exception_message")]
    return messages[0].splitlines()[0] if messages else "it returned no counts"
