"""The paragraph that the district's news writes after each quarterly meeting, again from the marts.

One for the night itself, and one for each night before it that ended a quarter and was published.
"""

import datetime as dt
from dataclasses import dataclass

from bulletins.night import Night
from bulletins.page import Edition, said
from bulletins.positions import months_elapsed
from bulletins.review import quarter_ends


@dataclass(frozen=True)
class NewsItem:
    """A paragraph, the night it tells of, and the publication it is taken from."""

    night: dt.date
    publication_id: str
    text: str


def news_items(night: Night, edition: Edition) -> tuple[NewsItem, ...]:
    """The night's paragraph, then those of earlier quarters, newest first; none where there is no brief."""
    start = night.authority.settings.fiscal_year_start_month
    own = [row | {"publication_id": night.publication.get("publication_id", "")}
           for row in night.rows("mart_district_brief")]  # fmt: skip
    past = [
        row
        for row in night.past.rows("mart_district_brief")
        if row["as_of"] < night.as_of and quarter_ends(row["as_of"], start)
    ]
    past.sort(key=lambda row: row["as_of"], reverse=True)
    return tuple(_item(night, edition, row) for row in [*own, *past])


def _item(night: Night, edition: Edition, row: dict[str, object]) -> NewsItem:
    day = row["as_of"]
    assert isinstance(day, dt.date)  # noqa: S101 - a mart's own column
    then = Night(night.authority, {}, {}, {"as_of": day})
    elapsed = months_elapsed(then)
    told = edition | {
        "as_of": day,
        "data_until": day,
        "fiscal_year": then.fiscal_year,
        "whole_months": int(elapsed) if elapsed == int(elapsed) else 0,
        "brief": row,
    }
    return NewsItem(day, str(row.get("publication_id") or ""), said("news", told))
