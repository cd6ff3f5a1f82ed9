"""The fan chart of the year as SVG for the page, drawn by Altair without a browser or the network.

What it shows is in ``bulletins.fan``; the small bars of the tables are in the templates.
"""

import copy
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bulletins.fan import MONTHS, Fan
from bulletins.numbers import Figures

INK, BAND, BLUE, RED = "#1f2430", "#cfdcea", "#0b4f8a", "#a3301c"
"""Colours that stay apart in grey and for the colour-blind; dashes and labels say the same again."""
FONT = "Arial, 'Liberation Sans', 'Noto Sans', 'DejaVu Sans', sans-serif"
LABEL_GAP = 15
"""Pixels that two labels at the right edge keep apart."""
_SVG = "http://www.w3.org/2000/svg"
_SEPARATORS = {"vi": (",", "."), "en": (".", ",")}


@dataclass(frozen=True)
class Frame:
    """Width of a chart's plot in pixels, and how many months lie between two labels of its axis."""

    width: int
    months_apart: int = 1


WIDE, NARROW = Frame(560), Frame(205, months_apart=3)
HEIGHT = 255


def fan_svgs(fan: Fan, figures: Figures, words: dict[str, str], label: str) -> dict[str, str]:
    """The chart as SVG elements ``wide`` and ``narrow``; ``label`` is what a screen reader says of it.

    ``words`` gives the labels of the lines: actual, estimate, low, median, high.
    """
    import vl_convert

    drawing = _Drawing(fan, figures, words).specification()
    decimal, thousands = _SEPARATORS[figures.language]
    locale = {"decimal": decimal, "thousands": thousands, "grouping": [3], "currency": ["", ""]}
    return {
        name: for_page(
            vl_convert.vegalite_to_svg(_fitted(drawing, frame), allowed_base_urls=[], format_locale=locale),
            label,
        )
        for name, frame in (("wide", WIDE), ("narrow", NARROW))
    }


def _fitted(drawing: dict[str, Any], frame: Frame) -> dict[str, Any]:
    """The drawing in a frame's width and with its months; to build it twice takes much longer."""
    fitted = copy.deepcopy(drawing) | {"width": frame.width}
    for layer in fitted["layer"]:
        layer["encoding"]["x"]["axis"]["values"] = list(
            range(frame.months_apart, MONTHS + 1, frame.months_apart)
        )
    return fitted


def for_page(drawn: str, label: str) -> str:
    """The drawing as a picture that scales with the page and speaks with one voice."""
    ET.register_namespace("", _SVG)
    root = ET.fromstring(drawn)  # noqa: S314 - made by the line above, not received
    for element in root.iter():
        for name in [name for name in element.attrib if name == "role" or name.startswith("aria-")]:
            del element.attrib[name]
    root.attrib |= {"role": "img", "aria-label": label}
    root.attrib.pop("class", None)
    return ET.tostring(root, encoding="unicode")


class _Drawing:
    """The layers of one fan chart, from the band at the bottom to the labels on top."""

    def __init__(self, fan: Fan, figures: Figures, words: dict[str, str]) -> None:
        import altair as alt

        self.alt: Any = alt
        self.fan, self.figures, self.words = fan, figures, words
        self.scale = figures.headline_scale(fan.largest)
        self.top = self.shown(fan.largest) * 1.06 or 1.0
        self.came = [{"x": 0.0, "y": 0.0}] + [
            {"x": min(point.place, fan.now), "y": self.shown(point.actual)} for point in fan.came
        ]

    def specification(self) -> dict[str, Any]:
        """The chart in Vega-Lite's words."""
        layers = [
            *self.band(),
            *self.median_without_shocks(),
            *self.estimate(),
            *self.actual(),
            *self.labels(),
        ]
        chart = self.alt.layer(*layers).properties(height=HEIGHT, background="transparent")
        chart = chart.configure(font=FONT).configure_view(stroke=None)
        chart = chart.configure_axis(
            labelColor=INK, labelFontSize=12, gridColor="#e1e5eb", domainColor="#8a919e", tickColor="#8a919e"
        )
        return dict(chart.to_dict(validate=False))

    def shown(self, amount: Decimal | None) -> float:
        return float((amount or Decimal(0)) / self.scale.size)

    def chart(self, rows: Iterable[dict[str, Any]]) -> Any:
        return self.alt.Chart(self.alt.Data(values=list(rows)))

    def places(self, column: str = "y") -> dict[str, Any]:
        """Encodings along the year and up the money, shared by every layer."""
        names = ["", *(self.figures.month(month) for month in self.fan.months)]
        months = self.alt.Axis(title=None, labelExpr=f"{names}[datum.value]", grid=False)
        money = self.alt.Axis(title=None, format=",.0f" if self.top > 5 else ",.1f", tickCount=5)
        return {
            "x": self.alt.X("x:Q", scale=self.alt.Scale(domain=[0, MONTHS], nice=False), axis=months),
            "y": self.alt.Y(
                f"{column}:Q", scale=self.alt.Scale(domain=[0, self.top], nice=False), axis=money
            ),
        }

    def ahead(self) -> list[dict[str, Any]]:
        """From what came to each later month's end: low, median, high."""
        start = self.came[-1]
        return [start | {"low": start["y"], "high": start["y"]}] + [
            {"x": p.place, "low": self.shown(p.low), "y": self.shown(p.median), "high": self.shown(p.high)}
            for p in self.fan.may_come
        ]

    def band(self) -> list[Any]:
        if not self.fan.may_come:
            return []
        chart, edge = self.chart(self.ahead()), {"color": BLUE, "strokeWidth": 1, "strokeDash": [2, 2]}
        return [
            chart.mark_area(color=BAND, opacity=1).encode(**self.places("low"), y2="high:Q"),
            chart.mark_line(**edge).encode(**self.places("low")),
            chart.mark_line(**edge).encode(**self.places("high")),
            chart.mark_line(color=BLUE, strokeWidth=2.2, strokeDash=[7, 4]).encode(**self.places()),
        ]

    def median_without_shocks(self) -> list[Any]:
        if not self.fan.without_shocks or not self.fan.may_come:
            return []
        rows = [self.came[-1]] + [{"x": place, "y": self.shown(y)} for place, y in self.fan.without_shocks]
        return [
            self.chart(rows).mark_line(color=INK, strokeWidth=1.4, strokeDash=[1, 3]).encode(**self.places())
        ]

    def estimate(self) -> list[Any]:
        if self.fan.estimate is None:
            return []
        rows = [{"x": x, "y": self.shown(self.fan.estimate)} for x in (0, MONTHS)]
        return [self.chart(rows).mark_line(color=RED, strokeWidth=1.8).encode(**self.places())]

    def actual(self) -> list[Any]:
        chart = self.chart(self.came)
        return [
            chart.mark_line(color=INK, strokeWidth=2.6).encode(**self.places()),
            chart.mark_point(color=INK, fill=INK, size=24, opacity=1).encode(**self.places()),
        ]

    def labels(self) -> list[Any]:
        """The last value of each line at its right end, and what came at the night."""
        ends = [(name, amount) for name, amount in self._ends() if amount is not None]
        apart = self._kept_apart([self.shown(amount) for _, amount in ends])
        rows = [
            {"x": MONTHS, "y": y, "text": f"{self.words[name]} {self._written(amount)}"}
            for (name, amount), y in zip(ends, apart, strict=True)
        ]
        now = self.came[-1] | {"text": f"{self.words['actual']} {self._written(self.fan.collected)}"}
        style = {"baseline": "middle", "fontSize": 12, "color": INK}
        return [
            self.chart(rows).mark_text(align="left", dx=7, **style).encode(**self.places(), text="text:N"),
            self.chart([now]).mark_text(align="right", dx=-8, dy=-9, fontWeight="bold", **style)
            .encode(**self.places(), text="text:N"),
        ]  # fmt: skip

    def _ends(self) -> list[tuple[str, Decimal | None]]:
        ends: list[tuple[str, Decimal | None]] = [("estimate", self.fan.estimate)]
        if self.fan.may_come:
            last = self.fan.may_come[-1]
            ends += [("low", last.low), ("median", last.median), ("high", last.high)]
        return sorted(ends, key=lambda end: end[1] or 0)

    def _written(self, amount: Decimal) -> str:
        value = amount / self.scale.size
        return self.figures.number(value, 0 if abs(value) >= 100 else 1)

    def _kept_apart(self, heights: list[float]) -> list[float]:
        """Rising heights moved up as far as their labels would touch, then down again from the top."""
        gap = LABEL_GAP / HEIGHT * self.top
        for place in range(1, len(heights)):
            heights[place] = max(heights[place], heights[place - 1] + gap)
        ceiling = self.top
        for place in range(len(heights) - 1, -1, -1):
            heights[place] = min(heights[place], ceiling)
            ceiling = heights[place] - gap
        return heights
