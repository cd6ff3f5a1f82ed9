"""The page for statisticians: self-contained, whole for any rung, and safe with whatever names there are."""

import datetime as dt
import re
import xml.etree.ElementTree as ET

import polars as pl
import pytest

from bulletins.diagnostics import (
    DiagnosticsPage,
    past_section,
    receipts_section,
    render_page,
    render_picture,
    study_section,
)

MONTHS = pl.date_range(dt.date(2016, 1, 1), dt.date(2019, 12, 1), "1mo", eager=True)
COUNT = len(MONTHS)
WAVE = [((place * 7919) % 97) / 24 - 2 for place in range(COUNT)]
RECEIPTS = pl.DataFrame(
    {
        "month": MONTHS,
        "received": [100.0 + value for value in WAVE],
        "usual": [100.0 + value + (place == 5) for place, value in enumerate(WAVE)],
    }
)
STUDY = {
    "series": pl.DataFrame({"month": MONTHS, "value": WAVE}),
    "components": pl.concat(
        pl.DataFrame(
            {"month": MONTHS, "value": WAVE, "low": WAVE, "high": [value + 1 for value in WAVE]}
        ).select("month", pl.lit(name).alias("component"), "value", "low", "high")
        for name in ("level", "season", "irregular")
    ),
    "innovations": pl.DataFrame({"month": MONTHS, "value": WAVE}),
    "autocorrelation": pl.DataFrame({"lag": range(1, 25), "value": [0.1] * 24, "bound": [0.2] * 24}),
    "tests": pl.DataFrame(
        {
            "test": ["Ljung–Box", "Jarque–Bera"],
            "statistic": [12.3456, None],
            "p_value": [0.41, None],
            "reading": ["nothing found", "too few months to say"],
        }
    ),
    "weights": pl.DataFrame(
        {
            "level": [0.0, 0.1, 0.0],
            "kind": ["no season", "no season", "season 3"],
            "weight": [0.2, 0.795, 0.005],
        }
    ),
    "fits": pl.DataFrame(
        {"fit": ["maximum likelihood"], "aic": [-12.345], "converged": [True], "ar": [None]}
    ),
    "agreement": pl.DataFrame({"quantity": ["log-likelihood"], "difference": [3.1e-13]}),
}
LEVELS = ("p025", "p05", "p10", "p25", "p50", "p75", "p90", "p95", "p975")
PAST = pl.DataFrame(
    {"fiscal_year": [2018, 2019], "months_elapsed": [3, 3]}
    | {f"{name}_amount": [10.0 * place, 11.0 * place] for place, name in enumerate(LEVELS, 1)}
    | {"actual_amount": [50.0, 90.0]}
)
COVERAGE = pl.DataFrame(
    {"nominal_pct": [80.0], "actual_pct": [76.5], "low_pct": [70.0], "high_pct": [83.0], "n": [168]}
)
PIT = pl.DataFrame({"low": [0.0, 0.5], "high": [0.5, 1.0], "part": [0.5, 0.5], "bound": [0.1, 0.1]})
STUDY_TITLE = "The series"


def page(*, modelled: bool = True, title: str = "Ngọc Thụy · Value added tax") -> DiagnosticsPage:
    studies = [study_section(STUDY_TITLE, "Likeliest of 3 models.", STUDY)] if modelled else []
    past = past_section(PAST, COVERAGE, PIT, "million VND", "As of earlier nights.")
    sections = [receipts_section(RECEIPTS, "million VND", "By month."), *studies, past]
    return DiagnosticsPage(title, "as of 2020-06-30", "Simulated data", [("Rung", "full")], sections)


@pytest.fixture(scope="module")
def drawn() -> str:
    return render_page(page())


def test_the_page_needs_nothing_else(drawn: str) -> None:
    assert "<script" not in drawn
    assert not re.search(r"(src|href)=", drawn.replace("xlink:href", ""))
    assert "default-src 'none'" in drawn
    assert not re.search(r"https?://(?!www\.w3\.org)", drawn)


def test_every_chart_is_a_drawing_with_words_for_those_who_cannot_see_it(drawn: str) -> None:
    labels = re.findall(r'<svg[^>]* aria-label="([^"]+)"', drawn)
    assert len(labels) == 6
    assert "Smoothed components" in labels
    for svg in re.findall(r"<svg.*?</svg>", drawn, flags=re.DOTALL):
        marks = [one for one in ET.fromstring(svg).iter() if one.tag.endswith(("path", "line", "rect"))]
        assert len(marks) > 10


def test_figures_of_the_tables_are_the_frames(drawn: str) -> None:
    for text in (
        "12.346",
        "0.410",
        "too few months to say",
        "-12.35",
        "3.1e-13",
        "79.5",
        "76.5",
        "168",
        "yes",
    ):
        assert f">{text}<" in drawn
    assert "no season, level 0.1" in drawn


def test_what_is_not_known_is_a_dash(drawn: str) -> None:
    row = re.search(r"Jarque–Bera</th>(.*?)</tr>", drawn, flags=re.DOTALL)
    assert row is not None
    assert row[1].count("–") == 2


def test_names_are_words_and_not_markup() -> None:
    told = render_page(page(modelled=False, title="<b>Phường</b>"))
    assert "<b>Phường" not in told
    assert "&lt;b&gt;Phường" in told


def test_the_same_frames_give_the_same_page(drawn: str) -> None:
    assert render_page(page()) == drawn


def test_where_nothing_is_modelled_or_over_the_page_says_so() -> None:
    nothing = past_section(PAST.clear(), COVERAGE.clear(), PIT.clear(), "million VND", "")
    told = render_page(DiagnosticsPage("a", "b", "", [], [nothing]))
    assert "No year of the history is over" in told
    assert "<svg" not in told
    assert 'class="notice"' not in told


def test_all_charts_in_one_picture() -> None:
    few, all_of_them = render_picture(page(modelled=False)), render_picture(page())
    assert few.startswith(b"\x89PNG")
    height_few, height_all = (int.from_bytes(one[20:24]) for one in (few, all_of_them))
    assert height_all > height_few > 500
