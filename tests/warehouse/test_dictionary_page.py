"""The dictionary that is searched: every column is on it, and the search finds what people type."""

from pathlib import Path

from warehouse.dictionary import DICTIONARY_TABLES
from warehouse.dictionary_page import dictionary_html
from warehouse.tables.declare import METADATA, declare, text


def columns_shown(page) -> list[str]:
    return [cell.inner_text() for cell in page.locator("tbody tr:visible td:first-child").all()]


def test_every_column_is_there_and_markup_in_a_comment_is_text() -> None:
    name = "mart_of_this_test"
    try:
        table = declare(name, "<script>alert(1)</script>", text("a", "x < y & z", grain=True), layer="mart")
        page = dictionary_html([table])
    finally:
        METADATA.remove(METADATA.tables[name])
    assert "&lt;script&gt;alert(1)" in page
    assert "x &lt; y &amp; z" in page

    whole = dictionary_html()
    for table in DICTIONARY_TABLES:
        assert f'<section id="{table.name}">' in whole
        for column in table.columns:
            assert f"<code>{column.name}</code>" in whole


def test_the_search_finds_tables_columns_and_words_without_accents(opened) -> None:
    page = opened(dictionary_html())
    every = page.locator("section:visible").count()
    assert every == len(DICTIONARY_TABLES)

    page.fill("#words", "mart_unit_position pace")
    assert {"pace_pct", "pace_gap_pp"} == set(columns_shown(page))

    page.fill("#words", "thong tu 344")
    assert page.locator("#found").inner_text().split()[0] == str(len(columns_shown(page)))
    assert "basis" in columns_shown(page)

    page.fill("#words", "no such word anywhere")
    assert columns_shown(page) == []
    page.fill("#words", "")
    assert page.locator("section:visible").count() == every


def test_on_a_phone_nothing_runs_over_the_edge(opened, tmp_path: Path) -> None:
    page = opened(dictionary_html(), 390)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.screenshot(path=tmp_path / "phone.png")
    assert width <= 390
