"""Keys of a night's tables, checked set-wise before anything is written.

DuckDB would check foreign keys row by row at eight times the cost of a bare load, so the marts carry no
constraints; this is what stands in for them. Types, nulls and order are ``projections.conform``'s affair.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl
from sqlalchemy import Table

from warehouse.engines import WarehouseError
from warehouse.projections import grain
from warehouse.tables.dimensions import DIMENSIONS
from warehouse.tables.marts import MARTS

EXAMPLES_SHOWN = 5
_REFERENCES = {"unit_key": "dim_unit", "line_code": "dim_line", "item_code": "dim_item"}


def check_whole(
    night: date, marts: Mapping[str, pl.DataFrame], dimensions: Mapping[str, pl.DataFrame]
) -> None:
    """Check that every declared table is there and none beside them.

    Raises:
        WarehouseError: naming them.
    """
    _refuse(
        night,
        [*_faults_of_names("mart", marts, MARTS), *_faults_of_names("dimension", dimensions, DIMENSIONS)],
    )


def check_keys(night: date, frames: Mapping[str, pl.DataFrame]) -> None:
    """Check that keys hold in the tables of a whole night, each sorted by its grain: every row of ``night``,
    every grain unique, every unit, line and item in its dimension.

    Raises:
        WarehouseError: naming table, key and examples, for all faults found.
    """
    faults: list[str] = []
    for table in (*MARTS, *DIMENSIONS):
        faults += _faults(table, frames[table.name], night, frames)
    _refuse(night, faults)


def _refuse(night: date, faults: list[str]) -> None:
    if faults:
        raise WarehouseError(
            f"night {night} was not published, its tables do not agree:\n  " + "\n  ".join(faults)
        )


def _faults_of_names(
    kind: str, frames: Mapping[str, pl.DataFrame], tables: tuple[Table, ...]
) -> Iterator[str]:
    names = {table.name for table in tables}
    for name in sorted(names - frames.keys()):
        yield f"{kind} {name} is missing; pass it without rows if there is nothing to say"
    for name in sorted(frames.keys() - names):
        yield f"{kind} {name} is not declared in warehouse.tables"


def _faults(
    table: Table, frame: pl.DataFrame, night: date, dimensions: Mapping[str, pl.DataFrame]
) -> Iterator[str]:
    keys = grain(table)
    # In order of its keys, a key's rows lie side by side: a fifth of the time of looking each up.
    as_before = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in keys)
    twice = frame.lazy().select(keys).filter(as_before).unique(maintain_order=True).collect()
    if twice.height:
        yield f"{table.name}: keys ({', '.join(keys)}) that stand more than once: {_examples(twice)}"
    if "as_of" in keys:
        strange = frame.filter(pl.col("as_of") != night).select("as_of").unique(maintain_order=True)
        if strange.height:
            yield f"{table.name}: rows of another night: {_examples(strange)}"
    for column, dimension in _REFERENCES.items():
        if column in frame.columns and table.name != dimension:
            known = dimensions[dimension].get_column(column).implode()
            unknown = frame.select(pl.col(column).drop_nulls().unique(maintain_order=True)).filter(
                ~pl.col(column).is_in(known)
            )
            if unknown.height:
                yield f"{table.name}: {column} not in {dimension}: {_examples(unknown)}"


def _examples(keys: pl.DataFrame) -> str:
    shown = "; ".join(" / ".join(str(value) for value in row) for row in keys.head(EXAMPLES_SHOWN).rows())
    return shown if keys.height <= EXAMPLES_SHOWN else f"{shown}; and {keys.height - EXAMPLES_SHOWN} more"
