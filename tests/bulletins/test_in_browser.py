"""The site as a browser shows it: nothing leaves it, fails, or runs over the edge, and all can use it."""

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.bulletins.beside import with_everything
from tests.bulletins.cities import cities_input
from tests.bulletins.district import district_input
from tests.bulletins.frames import Site

UNIT = "unit-00148-2004"
PAGES = ("index", UNIT, "warnings", "accuracy", "quality", "papers", "validation-receipt")
OVER_THE_EDGE = """[...document.querySelectorAll('main *, nav *')].filter(e =>
    e.offsetParent && !e.closest('.spoken, svg, .wide-table') &&
    e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 200))"""
BEYOND_THE_PICTURE = """[...document.querySelectorAll('figure svg text')].filter(e => {
    const [label, picture] = [e.getBoundingClientRect(), e.ownerSVGElement.getBoundingClientRect()];
    return label.right > picture.right + 0.5 || label.left < picture.left - 0.5;
}).map(e => e.textContent)"""
PRINTED = {"width": 711, "height": 1030}
"""A4 less its margins, at 96 dpi."""
CUT = """[...document.querySelectorAll('table, tr, thead')].filter(e =>
    e.getBoundingClientRect().right > innerWidth + 1 ||
    e.matches('tr') && getComputedStyle(e).breakInside !== 'avoid' ||
    e.matches('thead') && getComputedStyle(e).display !== 'table-header-group'
).map(e => e.outerHTML.slice(0, 200))"""
"""Tables wider than the paper, rows that a page may end in, heads that the next page does not repeat."""
MOST_BYTES = 1_000_000


def pages_of(site: Site) -> list[str]:
    return [f"{page}{code}.html" for page in PAGES for code in ("", ".en")]


@pytest.fixture(scope="module")
def site() -> Site:
    return with_everything(district_input()).render_all()


def test_every_link_leads_on_and_the_other_language_is_a_click_away(visited, site):
    page = visited(site)
    page.click("text=Ngọc Thụy >> nth=0")
    assert page.locator("h1").text_content() == "Phường Ngọc Thụy"
    page.click(".languages a")
    assert page.locator("h1").text_content() == "Ngọc Thụy ward"
    assert page.evaluate("document.documentElement.lang") == "en"
    for link, title in (
        ("Warnings", "Early warnings"), ("Forecast accuracy", "How good past forecasts were"),
        ("State of the data", "State of the data"), ("Meeting papers", "Meeting papers"),
    ):  # fmt: skip
        page.click(f".pages >> text={link}")
        assert page.locator("h1").text_content() == title
    page.click(".pages >> text=Data dictionary")
    assert "Data dictionary" in page.title()
    page.click("text=Bản tin thu ngân sách")
    assert page.title().startswith("Bản tin thu ngân sách – Quận Long Biên")


def test_the_site_works_without_a_script(visited, site):
    page = visited(site, script=False)
    page.click("text=English")
    assert page.title() == "Budget collection bulletin – Long Biên District, Hà Nội – 30 June 2020"


def test_the_keyboard_comes_to_the_content_first(visited, site):
    page = visited(site)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    assert page.locator(".skip").bounding_box()["y"] >= 0


@pytest.mark.parametrize(("width", "shown"), [(1280, "wide"), (375, "narrow")])
@pytest.mark.parametrize(
    ("name", "said"), [("index.html", "2.422,9 tỷ đồng"), (f"{UNIT}.html", "115,6 tỷ đồng")]
)
def test_the_fan_chart_is_there_with_words_for_those_who_do_not_see_it(
    name, said, width, shown, visited, site
):
    page = visited(site, name, width)
    chart = page.locator(f"figure.{shown} svg")
    box = chart.bounding_box()
    assert box["width"] > 300
    assert box["height"] > 150
    assert chart.locator("path").count() > 15
    assert f"dự báo cuối năm {said}" in chart.get_attribute("aria-label")
    assert "T12" in chart.text_content()
    assert page.evaluate(BEYOND_THE_PICTURE) == [], "a label is cut off"
    assert page.locator("figure svg[role=img]:visible").count() == 1


@pytest.mark.parametrize("language", ["", ".en"])
@pytest.mark.parametrize("which", ["district", "cities"])
def test_nothing_runs_over_the_edge(which, language, visited, site, request):
    shown = site if which == "district" else request.getfixturevalue("cities_site")
    unit = next(name.partition(".")[0] for name in shown if name.startswith("unit-"))
    page = visited(shown)
    for name in (*(page for page in PAGES[2:] if f"{page}.html" in shown), "index", unit):
        page.goto(page.url.rpartition("/")[0] + f"/{name}{language}.html")
        for width in (1280, 961, 960, 768, 375, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(OVER_THE_EDGE) == [], (name, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)


def test_names_with_markup_do_nothing(visited, district):
    nasty = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    for name in ("mart_unit_position", "mart_line_position"):
        district.marts[name] = district.marts[name].with_columns(unit_name=pl.lit(nasty))
    district.dimensions["dim_unit"] = district.dimensions["dim_unit"].with_columns(unit_name=pl.lit(nasty))
    shown = district.render("index", UNIT, "warnings")
    page = visited(shown)
    assert page.locator("img").count() == 0
    assert nasty in page.locator(".units tbody th").first.text_content()
    for name in (f"{UNIT}.html", "warnings.en.html"):
        page.goto(page.url.rpartition("/")[0] + f"/{name}")
        assert nasty in page.locator("main").text_content()
        assert page.locator("img, script").count() == 0


def test_the_first_printed_page_holds_all_wards_and_what_the_marks_mean(visited, site):
    page = visited(site)
    page.emulate_media(media="print")
    page.set_viewport_size(PRINTED)
    bottom = page.evaluate("document.querySelector('.units .legend').getBoundingClientRect().bottom")
    assert bottom <= PRINTED["height"]
    assert not page.locator("nav").first.is_visible()


def test_no_table_is_cut_in_print(visited, site):
    page = visited(site)
    page.emulate_media(media="print")
    page.set_viewport_size(PRINTED)
    for name in pages_of(site):
        page.goto(page.url.rpartition("/")[0] + f"/{name}")
        assert page.evaluate(CUT) == [], name


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        f"{UNIT}.en.html",
        "warnings.html",
        "quality.en.html",
        "papers.html",
        "accuracy.html",
        "validation-receipt.html",
    ],
)
def test_axe_finds_no_barrier(name, width, visited, site):
    page = visited(site, name, width)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in found] == []


def test_every_page_is_light(site, cities_site):
    for shown in (site, cities_site):
        assert {name: len(file) for name, file in shown.items() if len(file) > MOST_BYTES} == {}


def test_a_district_of_many_wards_is_light_too_and_one_of_none_is_whole(visited):
    many = cities_input()
    page = visited(many.render("index", "papers"))
    assert page.locator(".smalls li").count() == 0
    assert page.locator(".units tbody tr").count() == 25
    none = district_input()
    for name, frame in none.marts.items():
        if "unit_key" in frame.columns:
            none.marts[name] = frame.filter(pl.col("unit_key") == "ALL")
    page = visited(none.render())
    assert "Chưa có phường nào có số liệu thu." in page.locator("main").text_content()
