"""Charts of a series' diagnostics, for statisticians: drawn from frames, without a browser or the network.

Which charts stand on a page, and in what words, is for ``bulletins.diagnostics``; what the frames hold is
worked out by the engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from bulletins.charts import BAND, BLUE, FONT, INK, RED

WIDE, HALF = 985, 455
SOFT = "#8a919e"
_HIGH, _LOW, _SQUARE = 200, 85, 210
_BINS = 21
_FURTHEST = 4.0


@dataclass(frozen=True)
class Picture:
    """One chart: what a screen reader says of it, what it shows in a sentence, and the Altair chart."""

    label: str
    caption: str
    chart: Any
    is_narrow: bool = False
    """Whether it leaves room for a table beside it."""


def configured(chart: Any) -> Any:
    """The chart in the bulletin's type and colours; for a chart that is not part of another."""
    chart = chart.configure(font=FONT, background="white").configure_view(stroke=None)
    chart = chart.configure_title(fontSize=12, anchor="start", color=INK, fontWeight="bold")
    return chart.configure_axis(
        labelColor=INK, titleColor=INK, titleFontWeight="normal", gridColor="#e9ecf1", domainColor=SOFT,
        tickColor=SOFT, labelFontSize=11, titleFontSize=11,
    )  # fmt: skip


def _altair() -> Any:
    """Loaded when a chart is drawn, not before."""
    import altair as alt

    return alt


def _chart(frame: pl.DataFrame) -> Any:
    alt = _altair()
    rows = frame.with_columns(pl.col(pl.Date).cast(pl.String)).to_dicts()
    return alt.Chart(alt.Data(values=rows))


def _months() -> Any:
    alt = _altair()
    axis = alt.Axis(format="%Y", tickCount="year", grid=True)
    return alt.X("month:T", scale=alt.Scale(type="utc"), axis=axis, title=None)


def _axis(column: str, title: str | None, **scale: Any) -> Any:
    alt = _altair()
    return alt.Y(f"{column}:Q", title=title, scale=alt.Scale(zero=False, **scale), axis=alt.Axis(tickCount=5))


def receipts(frame: pl.DataFrame, money: str) -> Picture:
    """What came by month, and what the model takes as usual where shocks were declared."""
    alt = _altair()
    base = _chart(frame)
    usual = base.transform_filter("datum.usual != datum.received").mark_point(color=RED, size=34, filled=True)
    chart = alt.layer(
        base.mark_line(color=INK, strokeWidth=1.4).encode(x=_months(), y=_axis("received", money)),
        usual.encode(x=_months(), y=alt.Y("usual:Q")),
    )
    return Picture(
        "Receipts by month",
        "What came (line). Red: what is taken as usual where a declared shock was undone.",
        chart.properties(width=WIDE, height=_HIGH),
    )


def components(series: pl.DataFrame, frame: pl.DataFrame) -> Picture:
    """The series with its smoothed level, then each other component, one above the other."""
    alt = _altair()
    names = frame["component"].unique(maintain_order=True).to_list()
    parts = []
    for name in names:
        base = _chart(frame.filter(pl.col("component") == name))
        line = base.mark_line(color=BLUE, strokeWidth=1.8).encode(x=_months(), y=_axis("value", "log"))
        band = base.mark_area(color=BAND).encode(x=_months(), y=_axis("low", "log"), y2="high:Q")
        layers = [band, line]
        if name == "level":
            seen = _chart(series).mark_line(color=SOFT, strokeWidth=1, point={"size": 12, "color": SOFT})
            layers.insert(1, seen.encode(x=_months(), y=_axis("value", "log")))
        title = "series (grey) and its level" if name == "level" else name
        height = _HIGH if name == "level" else _LOW
        parts.append(alt.layer(*layers).properties(width=WIDE, height=height, title=title))
    return Picture(
        "Smoothed components",
        "Components smoothed by statsmodels at the bank's likeliest point, with their central 95%.",
        alt.vconcat(*parts, spacing=8),
    )


def innovations(frame: pl.DataFrame, autocorrelation: pl.DataFrame) -> Picture:
    """Standardised innovations: over time, histogram, against normal quantiles, autocorrelation."""
    alt = _altair()
    top = alt.hconcat(_over_time(frame), _histogram(frame), spacing=28)
    below = alt.hconcat(_quantiles(frame), _autocorrelation(autocorrelation), spacing=28)
    return Picture(
        "Standardised innovations over time, histogram, normal quantiles and autocorrelation",
        "Standardised innovations. A model that fits leaves 19 of 20 within ±1.96 (dashed), a bell, points "
        "on the line, and no autocorrelation beyond the dashes.",
        alt.vconcat(top, below, spacing=14),
    )


def _rule(values: Sequence[float], **encode: str) -> Any:
    alt = _altair()
    place = next(iter(encode))
    rows = alt.Data(values=[{"at": value} for value in values])
    kind = {"y": alt.Y("at:Q"), "x": alt.X("at:Q")}[place]
    return alt.Chart(rows).mark_rule(color=SOFT, strokeDash=[4, 3]).encode(**{place: kind})


def _over_time(frame: pl.DataFrame) -> Any:
    alt = _altair()
    bars = _chart(frame).mark_bar(color=BLUE, width=2.5).encode(x=_months(), y=_axis("value", None))
    chart = alt.layer(bars, _rule([-1.96, 1.96], y="at"))
    return chart.properties(width=HALF, height=_HIGH, title="over time")


def _histogram(frame: pl.DataFrame) -> Any:
    """Shares by bins of a third, with the normal density."""
    alt = _altair()
    width, normal = 2 * _FURTHEST / (_BINS + 3), NormalDist()
    places = [-_FURTHEST + width * step for step in range(_BINS + 3)]
    values = np.clip(frame["value"].to_numpy(), -_FURTHEST, _FURTHEST - 1e-9)
    count = max(len(values), 1)
    bars = pl.DataFrame(
        {
            "low": places,
            "high": [place + width for place in places],
            "density": [float(np.sum((values >= p) & (values < p + width)) / count / width) for p in places],
        }
    )
    curve = pl.DataFrame({"x": [step / 20 for step in range(-80, 81)]}).with_columns(
        y=pl.col("x").map_elements(normal.pdf, return_dtype=pl.Float64)
    )
    drawn = _chart(bars).mark_bar(color=BAND, stroke=BLUE, strokeWidth=0.6)
    chart = alt.layer(
        drawn.encode(
            x=alt.X("low:Q", title=None, bin="binned", axis=alt.Axis(tickCount=8)),
            x2="high:Q",
            y=alt.Y("density:Q", title=None),
        ),
        _chart(curve).mark_line(color=RED, strokeWidth=1.4).encode(x="x:Q", y="y:Q"),
    )
    return chart.properties(width=HALF, height=_HIGH, title="histogram and normal density")


def _quantiles(frame: pl.DataFrame) -> Any:
    alt = _altair()
    ordered, normal = frame["value"].sort(), NormalDist()
    count = len(ordered)
    expected = [normal.inv_cdf((place + 0.5) / count) for place in range(count)]
    table = pl.DataFrame({"expected": expected, "value": ordered})
    ends = pl.DataFrame({"expected": [-2.7, 2.7], "value": [-2.7, 2.7]})
    across = alt.X("expected:Q", title="normal quantile")
    chart = alt.layer(
        _chart(ends).mark_line(color=SOFT, strokeDash=[4, 3]).encode(x=across, y=_axis("value", None)),
        _chart(table).mark_point(color=BLUE, size=16, filled=True).encode(x=across, y=_axis("value", None)),
    )
    return chart.properties(width=HALF, height=_HIGH, title="against normal quantiles")


def _autocorrelation(frame: pl.DataFrame) -> Any:
    alt = _altair()
    bound = frame["bound"][0] if frame.height else 0.0
    across = alt.X("lag:Q", title="lag, months", axis=alt.Axis(values=[1, 6, 12, 18, 24], grid=False))
    bars = _chart(frame).mark_bar(color=BLUE, width=5).encode(x=across, y=_axis("value", None))
    chart = alt.layer(bars, _rule([-bound, bound], y="at"))
    return chart.properties(width=HALF, height=_HIGH, title="autocorrelation")


def weights(frame: pl.DataFrame) -> Picture:
    """The grid's weights: the level's step across, the rest of the model downwards."""
    alt = _altair()
    kept = frame["kind"].unique(maintain_order=True).to_list()
    heaviest = max(frame["weight"].to_list())
    places = {"x": alt.X("level:O", title="level's variance ÷ irregular's", axis=alt.Axis(labelAngle=0))}
    places["y"] = alt.Y("kind:N", sort=kept, title=None, axis=alt.Axis(labelLimit=260))
    base = _chart(frame.with_columns(text=pl.when(pl.col("weight") >= 0.01).then(100 * pl.col("weight"))))
    shade = alt.Color("weight:Q", scale=alt.Scale(range=["#f4f6f9", BLUE], domain=[0, heaviest]), legend=None)
    ink = alt.condition(f"datum.weight > {0.6 * heaviest}", alt.value("white"), alt.value(INK))
    cells = base.mark_rect(stroke="white").encode(**places, color=shade)
    words = (
        base.transform_filter("isValid(datum.text)")
        .mark_text(fontSize=10)
        .encode(**places, text=alt.Text("text:Q", format=".0f"), color=ink)
    )
    return Picture(
        "Weights over the grid of models",
        "Weight of each model, %: likelihoods tempered and shrunk to what the line prefers. Season and "
        "slope: prior deviation; moving: variance of the season's steps; all beside an irregular of 1.",
        alt.layer(cells, words).properties(width=44 * 7, height=17 * len(kept)),
        is_narrow=True,
    )


def past(frame: pl.DataFrame, money: str) -> Picture:
    """What was forecast at each origin, with 80% and 95% ranges, and what the year came to."""
    alt = _altair()
    named = frame.with_columns(
        origin=pl.format("{} +{}", "fiscal_year", "months_elapsed"),
    )
    across = alt.X("origin:N", sort=None, title="fiscal year + months gone by", axis=alt.Axis(labelAngle=0))
    base = _chart(named)
    chart = alt.layer(
        base.mark_rule(color=BLUE, strokeWidth=1.2).encode(
            across, _axis("p025_amount", money), y2="p975_amount:Q"
        ),
        base.mark_bar(color=BAND, stroke=BLUE, strokeWidth=0.6, width=16).encode(
            across, _axis("p10_amount", money), y2="p90_amount:Q"
        ),
        base.mark_tick(color=BLUE, thickness=2.5, width=16).encode(across, _axis("p50_amount", money)),
        base.mark_point(color=RED, filled=True, size=52, shape="diamond", opacity=1).encode(
            across, _axis("actual_amount", money)
        ),
    )
    return Picture(
        "Past forecasts of the year's end beside what came",
        "Rolling origins of this unit: median, central 80% (box) and 95% (line); red: what the year came to.",
        chart.properties(width=WIDE, height=_HIGH),
    )


def calibration(coverage: pl.DataFrame, pit: pl.DataFrame) -> Picture:
    """Nominal beside actual coverage, and the PIT histogram, over all units of the line."""
    alt = _altair()
    percent = alt.Scale(domain=[0, 100])
    ends = pl.DataFrame({"nominal_pct": [0, 100], "actual_pct": [0, 100]})
    across = alt.X("nominal_pct:Q", title="nominal, %", scale=percent)
    upwards = alt.Y("actual_pct:Q", title="actual, %", scale=percent)
    base = _chart(coverage)
    covered = alt.layer(
        _chart(ends).mark_line(color=SOFT, strokeDash=[4, 3]).encode(across, upwards),
        base.mark_rule(color=BLUE).encode(across, alt.Y("low_pct:Q"), y2="high_pct:Q"),
        base.mark_point(color=BLUE, filled=True, size=46, opacity=1).encode(across, upwards),
    ).properties(width=_SQUARE + 60, height=_SQUARE, title="coverage of central ranges")
    bound = pit["bound"][0]
    bars = _chart(pit).mark_bar(color=BAND, stroke=BLUE, strokeWidth=0.6)
    place = alt.X("low:Q", title="where in its distribution the year's end lay", bin="binned")
    even = alt.layer(
        bars.encode(place, alt.Y("part:Q", title="share of forecasts"), x2="high:Q"),
        _rule([max(0.1 - bound, 0), 0.1 + bound], y="at"),
    ).properties(width=HALF, height=_SQUARE, title="PIT")
    return Picture(
        "Coverage and probability integral transform",
        "All units of the line, same origins. Right ranges lie on the diagonal and give an even histogram; "
        "a U says too narrow, a hump too wide, a slope biased. Dashes and bars: 95% of chance alone, if "
        "origins were independent.",
        alt.hconcat(covered, even, spacing=40),
    )
