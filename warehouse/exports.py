"""Marts as files for other programs: Parquet for machines, CSV and XLSX for a Vietnamese Excel.

A folder is replaced whole, so that whoever reads it finds one publication. Results of queries on a terminal
are ``warehouse.query``'s; the Parquet that a publication itself leaves is ``warehouse.publication_folder``'s.
"""

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import polars as pl
import polars.selectors as cs

from warehouse.engines import Warehouse, WarehouseError
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS, PUBLICATION

ExportFormat = Literal["parquet", "csv", "xlsx"]
EXPORTED = tuple(table.name for table in (*MARTS, PUBLICATION, *DIMENSIONS))
MOST_SHEET_ROWS = 1_048_575
"""Rows of a sheet below its header."""
_BEGINS_A_FORMULA = r"^[=+\-@\t\r]"
"""What spreadsheets take for a formula when a text begins with it (OWASP, CSV Injection)."""


def export(
    warehouse: Warehouse, folder: Path, form: ExportFormat, names: Iterable[str], night: dt.date | None
) -> list[Path]:
    """Write tables of one night, one file each, into ``folder``, which is replaced whole.

    Args:
        names: of ``EXPORTED``.
        night: None for every night.

    Returns:
        the files written.

    Raises:
        WarehouseError: for an unknown name, a sheet too long for Excel, or a folder that holds other things.
    """
    chosen = list(dict.fromkeys(names))
    for name in chosen:
        if name not in EXPORTED:
            raise WarehouseError(f"there is no mart '{name}'; there are {', '.join(EXPORTED)}")
    dated = {table.name for table in MARTS if "as_of" in table.columns}
    with _replaced(folder, form) as half:
        for name in chosen:
            frame = warehouse.read_mart(name, night if name in dated else None)
            _WRITERS[form](frame, half / f"{name}.{form}")
    return [folder / f"{name}.{form}" for name in chosen]


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with an apostrophe before every text that a spreadsheet would take for a formula."""
    text = cs.string()
    return frame.with_columns(
        pl.when(text.str.contains(_BEGINS_A_FORMULA)).then("'" + text).otherwise(text).name.keep()
    )


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd")


def _write_csv(frame: pl.DataFrame, path: Path) -> None:
    """As a Vietnamese Excel opens it by a double click: BOM, semicolons, decimal commas."""
    guarded(frame).write_csv(path, include_bom=True, separator=";", decimal_comma=True)


def _write_xlsx(frame: pl.DataFrame, path: Path) -> None:
    if frame.height > MOST_SHEET_ROWS:
        raise WarehouseError(
            f"{path.stem} has {frame.height} rows, more than a sheet holds; export one night, or csv"
        )
    # Excel keeps 15 digits, which amounts of a state's budget fit; it knows no exact decimal and no zone.
    plain = guarded(frame).with_columns(
        cs.decimal().cast(pl.Float64), cs.datetime().dt.replace_time_zone(None)
    )
    plain.write_excel(
        path,
        worksheet=path.stem[:31],
        dtype_formats={pl.Date: "dd/mm/yyyy", pl.Float64: "#,##0.00"},
        freeze_panes=(1, 0),
        autofit=frame.height < 10_000,
        table_style="Table Style Light 1",
    )


_WRITERS: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    "parquet": _write_parquet, "csv": _write_csv, "xlsx": _write_xlsx,
}  # fmt: skip


@contextmanager
def _replaced(folder: Path, form: str) -> Iterator[Path]:
    """A folder to fill that takes the place of ``folder`` once it is whole; gone if filling fails."""
    strange = [path.name for path in folder.iterdir() if not _ours(path)] if folder.is_dir() else []
    if strange or (folder.exists() and not folder.is_dir()):
        raise WarehouseError(
            f"{folder} holds other things ({', '.join(strange[:3]) or 'it is a file'}) and an export "
            f"replaces its folder whole: name a new one, such as {folder / form}"
        )
    half, old = (folder.with_name(f".{folder.name}.{what}.{os.getpid()}") for what in ("new", "old"))
    half.mkdir(parents=True)
    try:
        yield half
        if folder.exists():
            folder.rename(old)
        half.rename(folder)
    except OSError as error:
        raise WarehouseError(f"the export to {folder} failed: {error.strerror or error}") from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _ours(path: Path) -> bool:
    return path.stem in EXPORTED and path.suffix.lstrip(".") in _WRITERS
