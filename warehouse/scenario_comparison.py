"""A scenario beside the base: where each unit's year ends under both, and what becomes of the difference.

A pure function on the published marts of one night. What is only moved to the next year is told apart from
what is lost. What makes the forecasts is in ``forecasts``.
"""

import polars as pl

from authorities.model import ALL
from warehouse.published import BASE

_TERRITORY = "territory"
_EFFECTS = {"next_year_amount": "moved_to_next_year_amount", "loss_amount": "lost_amount"}


def compared(
    year_ends: pl.DataFrame, effects: pl.DataFrame, units: pl.DataFrame, scenario: str
) -> pl.DataFrame:
    """One row for the authority and each unit, in the order of ``units``, on the territory, lines together.

    Args:
        year_ends, effects: ``mart_year_end_forecast`` and ``mart_scenario_effect`` of a night.
        units: ``dim_unit``.
        scenario: its code.

    Returns:
        unit_key, unit_name, estimate_amount, base_amount and scenario_amount (means of the year-end),
        difference_amount = −moved_to_next_year_amount − lost_amount + other_amount, each of them scenario
        less base, and the probability of a shortfall in both. `other` is what reading the past under other
        shocks changes: receipts taken for put off in one and for low in the other.
    """
    base, asked = (_means(year_ends, name) for name in (BASE, scenario))
    both = base.join(asked, on="unit_key", suffix="_asked", how="inner")
    moved = _effects(effects, scenario).join(
        _effects(effects, BASE), on="unit_key", how="full", coalesce=True
    )
    changes = moved.select(
        "unit_key",
        *(
            (pl.col(name).fill_null(0) - pl.col(f"{name}_right").fill_null(0)).alias(new)
            for name, new in _EFFECTS.items()
        ),
    )
    names = units.select("unit_key", "unit_name").with_row_index("_place")
    difference = pl.col("mean_amount_asked") - pl.col("mean_amount")
    taken = pl.col("moved_to_next_year_amount") + pl.col("lost_amount")
    return (
        both.join(changes, on="unit_key", how="left")
        .join(names, on="unit_key", how="left")
        .with_columns(pl.col(*_EFFECTS.values()).fill_null(0), difference.alias("difference_amount"))
        .with_columns((pl.col("difference_amount") + taken).alias("other_amount"))
        .sort(pl.col("unit_key") != ALL, "_place", "unit_key", nulls_last=True)
        .select(
            "unit_key",
            "unit_name",
            "estimate_amount",
            pl.col("mean_amount").alias("base_amount"),
            pl.col("mean_amount_asked").alias("scenario_amount"),
            "difference_amount",
            *_EFFECTS.values(),
            "other_amount",
            pl.col("shortfall_probability").alias("base_shortfall_probability"),
            pl.col("shortfall_probability_asked").alias("scenario_shortfall_probability"),
        )
    )


def _means(year_ends: pl.DataFrame, scenario: str) -> pl.DataFrame:
    return year_ends.filter(line_code=ALL, basis=_TERRITORY, scenario=scenario).select(
        "unit_key", "estimate_amount", "mean_amount", "shortfall_probability"
    )


def _effects(effects: pl.DataFrame, scenario: str) -> pl.DataFrame:
    own = effects.filter(pl.col("scenario") == scenario)
    return own.group_by("unit_key").agg(pl.col(name).sum() for name in _EFFECTS)
