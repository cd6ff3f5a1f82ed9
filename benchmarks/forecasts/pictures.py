"""Pictures of what was measured: errors beside the pace rule, and what ranges held of what they promise."""

from dataclasses import asdict, dataclass
from pathlib import Path

import altair as alt
import polars as pl

_METHODS = {"bank": "bank", "naive": "last year's rest", "growth": "growth", "structural": "structural"}
_DARK, _PALE = "#1b3a57", "#8aa4bd"


@dataclass(frozen=True)
class Measured:
    """One block's line: WAPE over pace's, and percent of year-ends inside the central 80% and 95%."""

    panel: str
    month: int
    method: str
    wape_over_pace: float
    in80: float
    in95: float


def draw(measured: list[Measured], folder: Path) -> None:
    """Write `forecast_errors.png` and `forecast_ranges.png` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pl.DataFrame([asdict(one) for one in measured]).with_columns(
        pl.col("panel").str.replace_all("_", " ").str.split(", ").list.join(", "),
        pl.col("month").cast(pl.String) + " months",
    )
    _errors(rows).save(folder / "forecast_errors.png", scale_factor=1.6)
    _ranges(rows.filter(method="bank")).save(folder / "forecast_ranges.png", scale_factor=1.6)


def _panels() -> alt.Row:
    header = alt.Header(labelAngle=0, labelAlign="left", labelAnchor="start", labelOrient="top")
    return alt.Row("panel:N", title=None, sort=None, header=header)


def _errors(rows: pl.DataFrame) -> alt.Chart:
    shown = rows.filter(pl.col("method").is_in(list(_METHODS))).with_columns(
        pl.col("method").replace(_METHODS)
    )
    base = alt.Chart(shown)
    scale = alt.Scale(domain=[0, 1.4], clamp=True)
    marks = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("wape_over_pace:Q", title="WAPE of the year's end ÷ that of the pace rule", scale=scale),
        y=alt.Y("month:N", title=None),
        shape=alt.Shape("method:N", title=None, sort=list(_METHODS.values())),
        color=alt.condition("datum.method == 'bank'", alt.value(_DARK), alt.value(_PALE)),
    )
    rule = base.mark_rule(strokeDash=[3, 3], color="#555").encode(x=alt.datum(1.0))
    return alt.layer(rule, marks).properties(width=420, height=60).facet(row=_panels(), spacing=4)  # type: ignore[return-value]


def _ranges(rows: pl.DataFrame) -> alt.Chart:
    base = alt.Chart(rows)
    scale = alt.Scale(domain=[50, 100])
    marks = [
        base.mark_point(filled=True, size=70, opacity=1, color=colour, shape=shape).encode(
            x=alt.X(
                f"{name}:Q", title="% of year-ends inside the range (lines: what is promised)", scale=scale
            ),
            y=alt.Y("month:N", title=None),
        )
        for name, colour, shape in (("in80", _DARK, "circle"), ("in95", _PALE, "diamond"))
    ]
    rules = [
        base.mark_rule(strokeDash=[3, 3], color=colour).encode(x=alt.datum(level))
        for level, colour in ((80, _DARK), (95, _PALE))
    ]
    return alt.layer(*rules, *marks).properties(width=420, height=60).facet(row=_panels(), spacing=4)  # type: ignore[return-value]
