"""Frames between steps as steps ask for them: in memory, or as plans that read what they need."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from upath import UPath

from assets.lake import LakeIOManager
from assets.metadata import PLAN

ROWS = pl.DataFrame({"unit_key": ["00115@2004", "00118@2004", "ALL"], "amount": [5, None, 7]})
NIGHT = "2020-06-30"


def taken(lake: LakeIOManager, wanted: Any) -> pl.DataFrame | pl.LazyFrame:
    """What a step gets whose input is of the type ``wanted``."""
    kind = wanted if isinstance(wanted, dg.DagsterType) else dg.PythonObjectDagsterType(wanted)
    key, output = dg.AssetKey("core_receipt"), dg.build_output_context(asset_key="core_receipt")
    context = dg.build_input_context(
        asset_key=key, partition_key=NIGHT, upstream_output=output, dagster_type=kind
    )
    return lake.load_input(context)


def given(lake: LakeIOManager, rows: pl.DataFrame | pl.LazyFrame | None) -> None:
    lake.handle_output(dg.build_output_context(asset_key="core_receipt", partition_key=NIGHT), rows)


@pytest.mark.parametrize("rows", [ROWS, ROWS.lazy(), ROWS.clear().lazy()])
@pytest.mark.parametrize("place", ["folder", "memory://bucket/nights"])
def test_a_plan_is_written_and_read_as_the_frame_it_gives(
    rows: pl.DataFrame | pl.LazyFrame, place: str, tmp_path: Path
) -> None:
    lake = LakeIOManager(UPath(tmp_path / place) if place == "folder" else UPath(place))
    given(lake, rows)

    frame, plan = taken(lake, pl.DataFrame), taken(lake, PLAN)

    assert isinstance(frame, pl.DataFrame)
    assert isinstance(plan, pl.LazyFrame)
    assert_frame_equal(frame, rows.lazy().collect())
    assert_frame_equal(plan.collect(), frame)
    assert isinstance(taken(lake, pl.LazyFrame), pl.LazyFrame)


def test_what_lies_elsewhere_is_no_frame(tmp_path: Path) -> None:
    given(LakeIOManager(UPath(tmp_path)), None)

    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.parametrize("place", ["folder", "memory://bucket/kept"])
def test_a_plan_that_fails_leaves_what_stood_there(place: str, tmp_path: Path) -> None:
    lake = LakeIOManager(UPath(tmp_path / place) if place == "folder" else UPath(place))
    given(lake, ROWS)
    failing = ROWS.lazy().select(pl.col("unit_key").cast(pl.Int64))

    with pytest.raises(pl.exceptions.PolarsError):
        given(lake, failing)

    assert_frame_equal(taken(lake, pl.DataFrame).lazy().collect(), ROWS)
