"""Frames between steps: Parquet in the home's lake, one file an asset and night.

A step that takes ``pl.LazyFrame`` gets a plan over that file, and one may give a plan: what holds all history
is written and read without ever lying in memory as a whole.

Paths are universal (UPath): a local folder, or S3-compatible storage. Written plainly on Dagster's IO
manager: dagster-polars, tried first, cannot read with polars 2 and puts samples of rows into the event log;
Dagster's own UPathIOManager writes three log events a frame, a quarter of all of a night's.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import polars as pl
from upath import UPath

from assets.frames import read_frame, scan_frame
from extracts.storage import system_errors


class LakeIOManager(dg.IOManager):
    """Writes and reads frames as Parquet below one folder."""

    def __init__(self, folder: UPath) -> None:
        self._folder = folder

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame | pl.LazyFrame | None) -> None:
        """Write a frame, or what a plan gives; what stood there stays until all of it is written."""
        if obj is None:  # an asset that lives elsewhere, such as the bulletin
            return
        path = self._path(context)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(path, Path):
            half = path.with_name(f"{path.name}.half")
            _write(half, obj)
            half.replace(path)
            return
        with TemporaryDirectory() as folder:  # a plan that fails half-way must not be uploaded
            half = Path(folder, path.name)
            _write(half, obj)
            path.write_bytes(half.read_bytes())

    def load_input(self, context: dg.InputContext) -> pl.DataFrame | pl.LazyFrame:
        """Read a frame back, or plan to."""
        path = self._path(context)
        return scan_frame(path) if context.dagster_type.typing_type is pl.LazyFrame else read_frame(path)

    def _path(self, context: dg.InputContext | dg.OutputContext) -> UPath:
        """``<asset>/<night>.parquet``."""
        name = "__".join(context.asset_key.path)
        return self._folder / name / f"{context.asset_partition_key}.parquet"


def _write(path: Path, rows: pl.DataFrame | pl.LazyFrame) -> None:
    with system_errors():
        if isinstance(rows, pl.LazyFrame):
            rows.sink_parquet(path, compression="lz4")
        else:
            rows.write_parquet(path, compression="lz4")
