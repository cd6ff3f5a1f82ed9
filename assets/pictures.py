"""Pictures for Dagster's UI: drawn by the bulletin's own chart, kept inside the event as a small data URI."""

import base64
import datetime as dt
from collections.abc import Mapping

import dagster as dg
import polars as pl

from authorities.model import ALL, Authority
from bulletins.charts import fan_svgs
from bulletins.fan import fan_of
from bulletins.night import BASE, TERRITORY, Night
from bulletins.numbers import Figures

_WORDS = {"actual": "Actual", "estimate": "Estimate", "low": "Low", "median": "Median", "high": "High"}


def fan_picture(
    authority: Authority, as_of: dt.date, marts: Mapping[str, pl.DataFrame]
) -> dict[str, dg.MarkdownMetadataValue]:
    """The authority's way through the year as metadata ``fan``; nothing where there is no forecast.

    ``marts`` holds mart_year_end_forecast and mart_forecast_path.
    """
    night = Night(authority, marts, {}, {"as_of": as_of})
    whole = night.rows("mart_year_end_forecast", unit_key=ALL, line_code=ALL, basis=TERRITORY, scenario=BASE)
    fan = fan_of(night, whole[0]["estimate_amount"] if whole else None)
    if fan is None:
        return {}
    label = f"Collections of fiscal year {night.fiscal_year} to {as_of}, and what may come to its end"
    figures = Figures("en", authority.settings.currency)
    encoded = base64.b64encode(fan_svgs(fan, figures, _WORDS, label)["wide"].encode()).decode()
    unit = figures.headline_scale(fan.largest).unit
    return {"fan": dg.MetadataValue.md(f"{label}; {unit}\n\n![{label}](data:image/svg+xml;base64,{encoded})")}
