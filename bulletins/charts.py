"""The fan chart of the year as SVG for the page, drawn by Vega-Lite without a browser or the network.

The drawing is written in Vega-Lite's own words: to have Altair write them takes ten times as long as to draw.
What it shows is in ``bulletins.fan``; the small bars of the tables are in the templates.
"""

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
_AXIS = {
    "labelColor": INK, "labelFontSize": 12, "gridColor": "#e1e5eb", "domainColor": "#8a919e",
    "tickColor": "#8a919e",
}  # fmt: skip
_HEADROOM = 1.06


@dataclass(frozen=True)
class Frame:
    """Width of a chart's plot in pixels, and how many months lie between two labels of its axis."""

    width: int
    months_apart: int = 1


WIDE, NARROW = Frame(560), Frame(205, months_apart=3)
FRAMES = {"wide": WIDE, "narrow": NARROW}
HEIGHT = 255


def fan_svgs(fan: Fan, figures: Figures, words: dict[str, str], label: str) -> dict[str, str]:
    """The chart as SVG elements ``wide`` and ``narrow``; ``label`` is what a screen reader says of it.

    ``words`` gives the labels of the lines: actual, estimate, low, median, high.
    """
    drawing = _Drawing(fan, figures, words)
    return {
        name: for_page(drawn_svg(drawing.specification(frame), figures.language), label)
        for name, frame in FRAMES.items()
    }


def drawn_svg(specification: dict[str, Any], language: str) -> str:
    """Vega-Lite's picture of a specification, its axes in the language's marks; no network is asked."""
    import vl_convert

    decimal, thousands = _SEPARATORS[language]
    locale = {"decimal": decimal, "thousands": thousands, "grouping": [3], "currency": ["", ""]}
    return str(vl_convert.vegalite_to_svg(specification, allowed_base_urls=[], format_locale=locale))


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
        self.fan, self.figures, self.words = fan, figures, words
        self.scale = figures.headline_scale(fan.largest)
        self.bottom = min(self.shown(fan.smallest) * _HEADROOM, 0.0)
        self.top = max(self.shown(fan.largest) * _HEADROOM, 0.0)
        if self.top <= self.bottom:
            self.top = self.bottom + 1.0
        self.names = ["", *(figures.month(month) for month in fan.months)]
        self.came = [{"x": 0.0, "y": 0.0}] + [
            {"x": min(point.place, fan.now), "y": self.shown(point.actual)} for point in fan.came
        ]

    def specification(self, frame: Frame) -> dict[str, Any]:
        """The chart in Vega-Lite's words."""
        parts = (self.band, self.median_without_shocks, self.estimate, self.actual, self.labels)
        return {
            "width": frame.width,
            "height": HEIGHT,
            "background": "transparent",
            "padding": {"left": 5, "top": 5, "bottom": 5, "right": 5 + self._room_for_wider_fonts()},
            "config": {"font": FONT, "view": {"stroke": None}, "axis": _AXIS},
            "layer": [layer for part in parts for layer in part(frame)],
        }

    def shown(self, amount: Decimal | None) -> float:
        return float((amount or Decimal(0)) / self.scale.size)

    def layer(
        self,
        frame: Frame,
        rows: Iterable[dict[str, Any]],
        mark: dict[str, Any],
        column: str = "y",
        **more: Any,
    ) -> dict[str, Any]:
        """Marks at places along the year and up the money, on the axes that every layer shares."""
        values = list(range(frame.months_apart, MONTHS + 1, frame.months_apart))
        months = {"title": None, "labelExpr": f"{self.names}[datum.value]", "grid": False, "values": values}
        money = {"title": None, "format": ",.0f" if self.top > 5 else ",.1f", "tickCount": 5}
        encoding = {
            "x": {"field": "x", "type": "quantitative", "axis": months,
                  "scale": {"domain": [0, MONTHS], "nice": False}},
            "y": {"field": column, "type": "quantitative", "axis": money,
                  "scale": {"domain": [self.bottom, self.top], "nice": False}},
        }  # fmt: skip
        return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding | more}

    def ahead(self) -> list[dict[str, Any]]:
        """From what came to each later month's end: low, median, high."""
        start = self.came[-1]
        return [start | {"low": start["y"], "high": start["y"]}] + [
            {"x": p.place, "low": self.shown(p.low), "y": self.shown(p.median), "high": self.shown(p.high)}
            for p in self.fan.may_come
        ]

    def band(self, frame: Frame) -> list[dict[str, Any]]:
        if not self.fan.may_come:
            return []
        edge = {"type": "line", "color": BLUE, "strokeWidth": 1, "strokeDash": [2, 2]}
        area = {"type": "area", "color": BAND, "opacity": 1}
        median = {"type": "line", "color": BLUE, "strokeWidth": 2.2, "strokeDash": [7, 4]}
        return [
            self.layer(frame, self.ahead(), area, "low", y2={"field": "high"}),
            self.layer(frame, self.ahead(), edge, "low"),
            self.layer(frame, self.ahead(), edge, "high"),
            self.layer(frame, self.ahead(), median),
        ]

    def median_without_shocks(self, frame: Frame) -> list[dict[str, Any]]:
        if not self.fan.without_shocks or not self.fan.may_come:
            return []
        rows = [self.came[-1]] + [{"x": place, "y": self.shown(y)} for place, y in self.fan.without_shocks]
        mark = {"type": "line", "color": INK, "strokeWidth": 1.4, "strokeDash": [1, 3]}
        return [self.layer(frame, rows, mark)]

    def estimate(self, frame: Frame) -> list[dict[str, Any]]:
        if self.fan.estimate is None:
            return []
        rows = [{"x": x, "y": self.shown(self.fan.estimate)} for x in (0, MONTHS)]
        return [self.layer(frame, rows, {"type": "line", "color": RED, "strokeWidth": 1.8})]

    def actual(self, frame: Frame) -> list[dict[str, Any]]:
        dots = {"type": "point", "color": INK, "fill": INK, "size": 24, "opacity": 1}
        return [
            self.layer(frame, self.came, {"type": "line", "color": INK, "strokeWidth": 2.6}),
            self.layer(frame, self.came, dots),
        ]

    def labels(self, frame: Frame) -> list[dict[str, Any]]:
        """The last value of each line at its right end, and what came at the night."""
        ends = [(name, amount) for name, amount in self._ends() if amount is not None]
        apart = self._kept_apart([self.shown(amount) for _, amount in ends])
        rows = [
            {"x": MONTHS, "y": y, "text": f"{self.words[name]} {self._written(amount)}"}
            for (name, amount), y in zip(ends, apart, strict=True)
        ]
        now = self.came[-1] | {"text": f"{self.words['actual']} {self._written(self.fan.collected)}"}
        style = {"type": "text", "baseline": "middle", "fontSize": 12, "color": INK}
        text = {"field": "text", "type": "nominal"}
        at_left = float(now["x"]) < MONTHS / 3
        below = float(now["y"]) < 0
        beside = {"align": "left" if at_left else "right", "dx": 8 if at_left else -8,
                  "dy": 14 if below else -9}  # fmt: skip
        return [
            self.layer(frame, rows, style | {"align": "left", "dx": 7}, text=text),
            self.layer(frame, [now], style | beside | {"fontWeight": "bold"}, text=text),
        ]

    def _ends(self) -> list[tuple[str, Decimal | None]]:
        ends: list[tuple[str, Decimal | None]] = [("estimate", self.fan.estimate)]
        if self.fan.may_come:
            last = self.fan.may_come[-1]
            ends += [("low", last.low), ("median", last.median), ("high", last.high)]
        return sorted(ends, key=lambda end: end[1] or 0)

    def _room_for_wider_fonts(self) -> int:
        """Pixels right of the labels: the reader's font may be wider than the one they were measured in."""
        longest = max((f"{self.words[name]} {self._written(amount)}" for name, amount in self._ends()
                       if amount is not None), key=len, default="")  # fmt: skip
        return 2 * len(longest)

    def _written(self, amount: Decimal) -> str:
        value = amount / self.scale.size
        return self.figures.number(value, 0 if abs(value) >= 100 else 1)

    def _kept_apart(self, heights: list[float]) -> list[float]:
        """Rising heights moved up as far as their labels would touch, then down again from the top."""
        gap = LABEL_GAP / HEIGHT * (self.top - self.bottom)
        for place in range(1, len(heights)):
            heights[place] = max(heights[place], heights[place - 1] + gap)
        ceiling = self.top
        for place in range(len(heights) - 1, -1, -1):
            heights[place] = min(heights[place], ceiling)
            ceiling = heights[place] - gap
        return heights
