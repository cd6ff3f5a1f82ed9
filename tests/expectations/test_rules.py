"""Each rule of each dataset on a frame small enough to read: which row breaks it, and what becomes of it."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from authorities.forms import DATASETS
from expectations.suites import SUITES, explanation_of
from expectations.validation import validate
from tests.expectations.frames import staged
from warehouse.tables.staging import STAGED

GOOD: dict[str, Any] = {}
KNOWN_TWICE = [{"document_no": "17/KBNN"}, {"document_no": "17/KBNN"}]

# dataset, rule, outcome, rows of which only the last breaks a rule
CASES: list[tuple[str, str, str, list[dict[str, Any]]]] = [
    ("receipt", "amount_is_a_number", "held", [GOOD, {"amount": None}]),
    ("receipt", "posting_date_is_a_date", "held", [GOOD, {"posting_date": None}]),
    ("receipt", "posting_date_not_in_the_future", "held",
     [{"posting_date": dt.date(2020, 7, 1)}, {"posting_date": dt.date(2020, 7, 2)}]),
    ("receipt", "document_line_not_repeated", "held", KNOWN_TWICE),
    ("receipt", "figure_not_repeated", "held",
     [{"is_cumulative": True}, {"is_cumulative": True, "amount": 5}]),
    ("receipt", "unit_is_known", "unallocated", [GOOD, {"unit_key": None}]),
    ("receipt", "item_in_catalogue", "unallocated", [GOOD, {"item_code": "9999", "line_code": None}]),
    ("spending", "amount_is_a_number", "held", [GOOD, {"amount": None}]),
    ("spending", "posting_date_is_a_date", "held", [GOOD, {"posting_date": None}]),
    ("spending", "spending_kind_is_known", "held", [GOOD, {"spending_kind": None}]),
    ("spending", "figure_not_repeated", "held", [GOOD, {"amount": 7}]),
    ("spending", "unit_is_known", "unallocated", [GOOD, {"unit_key": None}]),
    ("estimate", "amount_is_a_number", "held", [GOOD, {"amount": None}]),
    ("estimate", "amount_not_negative", "held", [{"amount": 0}, {"amount": -1, "line_code": "cit"}]),
    ("estimate", "fiscal_year_is_known", "held", [GOOD, {"fiscal_year": None}]),
    ("estimate", "estimate_version_is_known", "held", [GOOD, {"estimate_version": "draft"}]),
    ("estimate", "unit_is_known", "held", [GOOD, {"unit_key": None}]),
    ("estimate", "figure_not_repeated", "held", [GOOD, {"amount": 7}]),
    ("estimate", "line_is_known", "unallocated", [GOOD, {"item_code": "9999", "line_code": None}]),
    ("spending_estimate", "amount_is_a_number", "held", [GOOD, {"amount": None}]),
    ("spending_estimate", "amount_not_negative", "held", [{"amount": 0}, {"amount": -1, "unit_key": "b@1"}]),
    ("spending_estimate", "spending_kind_is_known", "held", [GOOD, {"spending_kind": None}]),
    ("spending_estimate", "fiscal_year_is_known", "held", [GOOD, {"fiscal_year": None}]),
    ("spending_estimate", "estimate_version_is_known", "held", [GOOD, {"estimate_version": "draft"}]),
    ("spending_estimate", "unit_is_known", "held", [GOOD, {"unit_key": None}]),
    ("spending_estimate", "figure_not_repeated", "held", [GOOD, GOOD]),
    ("tax_collection", "amount_is_a_number", "held", [GOOD, {"amount": None}]),
    ("tax_collection", "posting_date_is_a_date", "held", [GOOD, {"posting_date": None}]),
    ("tax_collection", "posting_date_not_in_the_future", "held",
     [GOOD, {"posting_date": dt.date(2021, 1, 1)}]),
    ("tax_collection", "document_line_not_repeated", "held", KNOWN_TWICE),
    ("tax_collection", "unit_is_known", "unallocated", [GOOD, {"unit_key": None}]),
    ("tax_collection", "item_in_catalogue", "unallocated", [GOOD, {"line_code": None}]),
    ("tax_arrears", "amount_is_a_number", "held", [GOOD, {"amount": None}]),
    ("tax_arrears", "amount_not_negative", "held", [GOOD, {"amount": -1}]),
    ("tax_arrears", "period_end_is_a_date", "held", [GOOD, {"period_end": None}]),
    ("tax_arrears", "unit_is_known", "unallocated", [GOOD, {"unit_key": None}]),
    ("tax_arrears", "item_in_catalogue", "unallocated", [GOOD, {"line_code": None}]),
    ("office_estimate", "amount_is_a_number", "held", [GOOD, {"amount": None}]),
    ("office_estimate", "amount_not_negative", "held", [{"amount": 0}, {"amount": -1, "line_code": "cit"}]),
    ("office_estimate", "period_is_known", "held", [GOOD, {"period_end": None}]),
    ("office_estimate", "stated_on_not_after_received", "held",
     [{"stated_on": dt.date(2020, 7, 1)}, {"stated_on": dt.date(2020, 7, 2), "line_code": "cit"}]),
    ("office_estimate", "unit_is_known", "held", [GOOD, {"unit_key": None}]),
    ("office_estimate", "line_is_known", "held", [GOOD, {"line_code": None}]),
    ("office_estimate", "figure_not_repeated", "held",
     [GOOD, {"office": "tax_office", "amount": 7}, {"amount": 7}]),
]  # fmt: skip
CASES += [
    (dataset, "delivery_is_whole", "held", [GOOD, {"scope_doubt": "smaller_than_before", "line_code": "cit"}])
    for dataset in DATASETS
]


@pytest.mark.parametrize(
    ("dataset", "rule", "outcome", "rows"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES]
)
def test_rule_refuses_the_last_row_and_no_other(
    dataset: str, rule: str, outcome: str, rows: list[dict[str, Any]]
) -> None:
    split = validate(dataset, staged(dataset, *rows))
    assert split.quarantine.select("row_number", "rule", "outcome").rows() == [(len(rows) + 1, rule, outcome)]
    assert split.accepted["row_number"].to_list() == list(range(2, len(rows) + 1))
    assert split.unallocated.height == (outcome == "unallocated")
    told = next(result for result in split.results if result.rule == rule)
    assert (told.success, told.unexpected, told.evaluated) == (False, 1, len(rows))
    assert told.unexpected_amount == (rows[-1].get("amount", 1_000) or 0)
    assert split.success


def test_every_declared_rule_has_a_case() -> None:
    declared = {(dataset, rule.rule) for dataset, rules in SUITES.items() for rule in rules}
    assert {(case[0], case[1]) for case in CASES} == declared
    assert set(SUITES) == set(DATASETS)


def test_rules_look_at_declared_columns_and_holding_ones_come_first() -> None:
    for dataset, rules in SUITES.items():
        columns = set(STAGED[dataset].columns.keys())
        assert all(set(rule.columns) <= columns for rule in rules), dataset
        outcomes = [rule.outcome for rule in rules]
        assert outcomes == sorted(outcomes), (
            f"{dataset}: a rule that leaves money unallocated hides one that holds"
        )


def test_first_broken_rule_wins() -> None:
    split = validate("receipt", staged("receipt", {"amount": None, "posting_date": None, "unit_key": None}))
    assert split.quarantine["rule"].to_list() == ["amount_is_a_number"]


def test_a_known_unit_stays_and_an_unknown_item_is_unallocated() -> None:
    unknown_item, unknown_unit = {"item_code": "9999", "line_code": None}, {"unit_key": None}
    split = validate("receipt", staged("receipt", unknown_item, unknown_unit, unknown_item | unknown_unit))
    assert split.unallocated.select("unit_key", "item_code", "line_code").rows() == [
        ("00151@2004", "UNALLOCATED", "UNALLOCATED"),
        ("UNALLOCATED", "1701", "vat"),
        ("UNALLOCATED", "UNALLOCATED", "UNALLOCATED"),
    ]


def test_figures_given_by_line_have_an_empty_item_where_they_count() -> None:
    split = validate(
        "estimate", staged("estimate", {"item_code": None}, {"item_code": None, "line_code": "cit"})
    )
    assert split.quarantine.is_empty()
    assert split.accepted.select("item_code", "line_code").rows() == [("", "vat"), ("", "cit")]


@pytest.mark.parametrize(
    "rows",
    [
        [{"document_no": ""}, {"document_no": ""}],
        [{"document_no": "1", "amount": 1}, {"document_no": "1", "amount": 2}],
        [{"document_no": "1", "item_code": "1701"}, {"document_no": "1", "item_code": "1704"}],
        [{"document_no": "1", "delivery_id": "a"}, {"document_no": "1", "delivery_id": "b"}],
        [{"is_cumulative": True, "item_code": "1701"}, {"is_cumulative": True, "item_code": "1704"}],
        [{"is_cumulative": True, "delivery_id": "a"}, {"is_cumulative": True, "delivery_id": "b"}],
    ],
    ids=[
        "no document",
        "amounts differ",
        "items differ",
        "two deliveries",
        "figures of two items",
        "two reports",
    ],
)
def test_what_only_looks_like_a_repetition_counts(rows: list[dict[str, Any]]) -> None:
    assert validate("receipt", staged("receipt", *rows)).accepted.height == 2


def test_two_unknown_units_are_not_taken_for_one() -> None:
    rows = [{"unit_key": None, "is_cumulative": True, "amount": n} for n in (1, 2)]
    split = validate("receipt", staged("receipt", *rows))
    assert split.unallocated["amount"].to_list() == [1, 2]


def test_the_first_row_of_the_file_counts_whatever_the_order_of_the_frame() -> None:
    frame = staged("receipt", {"document_no": "1"}, {"document_no": "1"}, {"document_no": "1"})
    split = validate("receipt", frame.reverse())
    assert split.accepted["row_number"].to_list() == [2]
    assert split.quarantine["row_number"].to_list() == [3, 4]


def test_two_repetitions_among_ten_thousand_lines_of_one_document_are_found() -> None:
    lines = staged("receipt", {"document_no": "1"}).select(pl.all().repeat_by(10_000).explode())
    numbers = pl.int_range(10_000, dtype=pl.Int32, eager=True)
    frame = lines.with_columns(
        (numbers + 2).alias("row_number"),
        pl.when(numbers < 9_998).then(numbers).otherwise(numbers - 5_000).cast(pl.Int64).alias("amount"),
    )
    split = validate("receipt", frame)
    assert split.quarantine["row_number"].to_list() == [10_000, 10_001]
    assert split.quarantine["amount"].to_list() == [4_998, 4_999]


def test_plans_of_two_months_in_one_file_are_two_figures() -> None:
    rows = [{"scope_from": dt.date(2020, 5, 1), "scope_to": dt.date(2020, 5, 31)}, GOOD]
    assert validate("estimate", staged("estimate", *rows)).accepted.height == 2


def test_explanations_say_what_why_and_what_to_do_in_both_languages() -> None:
    for dataset, rules in SUITES.items():
        for rule in rules:
            english, vietnamese = (explanation_of(dataset, rule.rule, language) for language in ("en", "vi"))
            for words in (rule.meaning, rule.fate, rule.remedy):
                assert words.en in english
                assert words.vi in vietnamese
            counted = "is counted in the authority's total" in english or "is counted for its unit" in english
            assert counted == (rule.outcome == "unallocated"), (dataset, rule.rule)


def test_an_unknown_rule_or_dataset_is_named() -> None:
    with pytest.raises(KeyError, match="'receipt' has no rule 'tidy'"):
        explanation_of("receipt", "tidy")
    with pytest.raises(KeyError, match="no suite for dataset 'refund'; there are receipt, "):
        explanation_of("refund", "tidy")


def test_the_same_bytes_delivered_again_later_repeat_nothing_of_the_first() -> None:
    rows = staged(
        "receipt", {"document_no": "1", "delivery_order": 1}, {"document_no": "1", "delivery_order": 3}
    )

    assert validate("receipt", rows).quarantine.is_empty()
