"""The dictionary says what the declarations say, and the page in docs/ is the one they give."""

from pathlib import Path

from warehouse.dictionary import DICTIONARY_TABLES, dictionary_markdown
from warehouse.tables.declare import METADATA, declare, money, text
from warehouse.tables.marts import MART_UNIT_POSITION, MARTS, PUBLICATION

PAGE = Path(__file__).parents[2] / "docs" / "dictionary.md"


def test_the_page_in_docs_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary_markdown(), (
        "docs/dictionary.md differs from the declarations; run: wardcast dictionary > docs/dictionary.md"
    )


def test_every_declared_table_but_the_staged_ones_is_in_it() -> None:
    declared = {name for name, table in METADATA.tables.items() if table.info["layer"] != "staging"}
    assert {table.name for table in DICTIONARY_TABLES} == declared
    headings = {
        line.removeprefix("### ") for line in dictionary_markdown().splitlines() if line.startswith("### ")
    }
    assert headings == declared


def test_every_column_has_a_meaning_and_its_row() -> None:
    for table in DICTIONARY_TABLES:
        page = dictionary_markdown([table])
        assert table.comment
        for column in table.columns:
            row = next(line for line in page.splitlines() if line.startswith(f"| `{column.name}` |"))
            assert column.comment, f"{table.name}.{column.name} has no comment"
            assert column.comment.replace("|", "\\|").rstrip(".") in row
            assert row.count(" | ") == 5
            assert ("May be null." in row) == bool(column.nullable)


def test_grain_unit_source_example_and_values_are_told() -> None:
    page = dictionary_markdown([MART_UNIT_POSITION])
    assert "One row for each `as_of`, `unit_key`, `basis`, `estimate_version`." in page
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert "One of `territory`, `entitled`, `recurrent`. Grain." in rows["basis"]
    assert "Thông tư 344/2016/TT-BTC" in rows["basis"]
    assert "| DECIMAL(20,2) | currency unit |" in rows["collected_amount"]
    assert "`00151@2004`" in rows["unit_key"]


def test_a_column_added_to_a_declaration_changes_the_page() -> None:
    name = "mart_of_this_test"
    try:
        table = declare(name, "A | B", text("a", "Key | part", grain=True), money("b", "Sum"), layer="mart")
        page = dictionary_markdown([table])
    finally:
        METADATA.remove(METADATA.tables[name])
    assert "| `a` | VARCHAR |  | Key \\| part. Grain. |  |  |" in page
    assert "| `b` | DECIMAL(20,2) | currency unit | Sum. |" in page


def test_marts_come_first_and_the_register_among_them() -> None:
    page = dictionary_markdown()
    order = [page.index(f"### {table.name}\n") for table in (*MARTS, PUBLICATION)]
    assert order == sorted(order)
    assert page.index("## Marts") < page.index("## Dimensions") < page.index("## Ledger")
