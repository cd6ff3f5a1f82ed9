"""The page as a browser shows it: nothing leaves it, nothing fails, nothing runs over the edge."""

import polars as pl
import pytest


def test_both_languages_are_a_click_away(opened, district_page):
    page = opened(district_page)
    assert page.locator("#edition-vi").is_visible()
    assert not page.locator("#edition-en").is_visible()
    page.click("label[for=choose-en]")
    assert page.locator("#edition-en").is_visible()
    assert not page.locator("#edition-vi").is_visible()
    assert page.evaluate("[document.documentElement.lang, document.title, location.hash]") == [
        "en", "Budget collection bulletin – Long Biên District, Hà Nội – 30 June 2020", "#en",
    ]  # fmt: skip


def test_a_link_can_name_the_language_and_the_keyboard_chooses_it(opened, district_page):
    page = opened(district_page, fragment="#en")
    assert page.locator("#edition-en").is_visible()
    page.focus("#choose-en")
    page.keyboard.press("ArrowUp")
    assert page.locator("#edition-vi").is_visible()


def test_the_languages_work_without_a_script(opened, district_page):
    page = opened(district_page, script=False)
    page.click("label[for=choose-en]")
    assert page.locator("#edition-en").is_visible()
    assert not page.locator("#edition-vi").is_visible()


@pytest.mark.parametrize(("width", "shown"), [(1280, "wide"), (375, "narrow")])
def test_the_fan_chart_is_there_with_words_for_those_who_do_not_see_it(width, shown, opened, district_page):
    page = opened(district_page, width)
    chart = page.locator(f"#edition-vi figure.{shown} svg")
    box = chart.bounding_box()
    assert box["width"] > 300
    assert box["height"] > 150
    assert chart.locator("path").count() > 15
    assert "dự báo cuối năm 2.422,9 tỷ đồng" in chart.get_attribute("aria-label")
    assert "T12" in chart.text_content()
    assert page.locator("#edition-vi figure svg[role=img]:visible").count() == 1


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("which", ["district", "cities"])
def test_nothing_runs_over_the_edge(which, language, opened, request):
    over = """[...document.querySelectorAll('main *')].filter(e =>
        e.offsetParent && !e.closest('.spoken, svg') && e.getBoundingClientRect().right > innerWidth + 1)
        .map(e => e.outerHTML.slice(0, 200))"""
    page = opened(request.getfixturevalue(f"{which}_page"))
    page.click(f"label[for=choose-{language}]")
    for width in (1280, 961, 960, 768, 375, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(over) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_names_with_markup_do_nothing(opened, district):
    nasty = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    positions = district.marts["mart_unit_position"]
    district.marts["mart_unit_position"] = positions.with_columns(unit_name=pl.lit(nasty))
    page = opened(district.render())
    assert page.locator("img").count() == 0
    assert nasty in page.locator("#edition-vi .units tbody th").first.text_content()


def test_the_first_printed_page_holds_all_wards(opened, district_page):
    page = opened(district_page)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 711, "height": 1030})  # A4 less its margins, at 96 dpi
    bottom = page.evaluate(
        "document.querySelector('#edition-vi .units table').getBoundingClientRect().bottom"
    )
    assert bottom <= 1030
    assert not page.locator("nav").is_visible()
