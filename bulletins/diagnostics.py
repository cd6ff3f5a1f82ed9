"""The diagnostics of one series as a self-contained page, or as one picture, for statisticians: in English.

Frames come from the caller, money already in units that read well; the charts are in
``bulletins.diagnostics_charts``, how the page looks in ``templates``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bulletins import diagnostics_charts as charts
from bulletins.charts import for_page
from bulletins.diagnostics_charts import Picture
from bulletins.page import template_environment

_TEMPLATES = Path(__file__).parent / "templates"
_LACKS = "–"
_LIKELIEST = 6


@dataclass(frozen=True)
class Table:
    """Rows of words and figures, as they are shown."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, and charts and tables in their order."""

    heading: str
    text: str
    blocks: Sequence[Picture | Table]


@dataclass(frozen=True)
class DiagnosticsPage:
    """What a page of diagnostics shows; ``notice`` is shown where money is not real."""

    title: str
    subtitle: str
    notice: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]


def receipts_section(receipts: pl.DataFrame, money: str, text: str) -> Section:
    """What came by month: month, received, usual, in units named ``money``."""
    return Section("Receipts", text, [charts.receipts(receipts, money)])


def study_section(title: str, text: str, frames: Mapping[str, pl.DataFrame]) -> Section:
    """One modelled series: the frames of a study on the reference path, by name."""
    likeliest = frames["weights"].sort("weight", descending=True).filter(pl.col("weight") >= 0.001)
    shown = likeliest.head(_LIKELIEST).select(
        pl.format("{}, level {}", "kind", "level").alias("model"),
        weight_pct=100 * pl.col("weight"),
    )
    return Section(
        title,
        text,
        [
            charts.components(frames["series"], frames["components"]),
            charts.innovations(frames["innovations"], frames["autocorrelation"]),
            _table("Tests of the standardised innovations, read at 5%", frames["tests"], 3),
            _table("The bank's matrices beside statsmodels: largest differences", frames["agreement"], None),
            _table(
                "Fits: standard deviations of logs in percent. Likelihoods from the same start can be "
                "compared; maximum likelihood knows one series, the bank its whole line",
                frames["fits"],
                2,
            ),
            charts.weights(frames["weights"]),
            _table(f"The {shown.height} models of most weight", shown, 1),
        ],
    )


def past_section(
    past: pl.DataFrame, coverage: pl.DataFrame, pit: pl.DataFrame, money: str, text: str
) -> Section:
    """Rolling origins: the unit's forecasts beside what came, and the line's calibration."""
    if past.is_empty() or coverage.is_empty():
        return Section("Past forecasts", "No year of the history is over with two years before it.", [])
    told = coverage.rename(lambda name: name.replace("_pct", ", %"))
    blocks = [charts.past(past, money), charts.calibration(coverage, pit)]
    return Section("Past forecasts", text, [*blocks, _table("Coverage of central ranges", told, 1)])


def render_page(page: DiagnosticsPage) -> str:
    """One HTML file that needs nothing else."""
    from markupsafe import Markup

    style = Markup((_TEMPLATES / "diagnostics.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file

    def draw(picture: Picture) -> Markup:
        return Markup(for_page(_svg(picture), picture.label))  # noqa: S704 - drawn here

    template = template_environment().get_template("diagnostics.html.j2")
    return template.render(page=page, style=style, draw=draw)


def render_picture(page: DiagnosticsPage) -> bytes:
    """All charts of a page below each other, as one PNG."""
    import altair as alt
    import vl_convert

    pictures = [(s.heading, block) for s in page.sections for block in s.blocks if isinstance(block, Picture)]
    named = [
        block.chart.properties(title=alt.Title(heading, subtitle=block.label, fontSize=15))
        for heading, block in pictures
    ]
    whole = alt.vconcat(*named, spacing=30).properties(
        title=alt.Title(page.title, subtitle=page.subtitle, fontSize=20)
    )
    drawing = charts.configured(whole).to_dict(validate=False)
    return bytes(vl_convert.vegalite_to_png(drawing, scale=1.5, allowed_base_urls=[]))


def _svg(picture: Picture) -> str:
    import vl_convert

    drawing = charts.configured(picture.chart).to_dict(validate=False)
    return str(vl_convert.vegalite_to_svg(drawing, allowed_base_urls=[]))


def _table(caption: str, frame: pl.DataFrame, digits: int | None) -> Table:
    """A frame's rows as words; without ``digits`` figures are as small as they come."""
    header = [name.replace("_pct", ", %").replace("_", " ") for name in frame.columns]
    numeric = [kind.is_numeric() or kind == pl.Null for kind in frame.dtypes]
    rows = [[_cell(value, digits) for value in row] for row in frame.iter_rows()]
    return Table(caption, header, rows, numeric)


def _cell(value: Any, digits: int | None) -> str:
    if value is None:
        return _LACKS
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1e}" if digits is None else f"{value:,.{digits}f}"
    return str(value)
