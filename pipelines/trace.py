"""``wardcast trace``: a published figure, and the files, sheets and rows it adds up from.

Finds the figure in the warehouse and the night's ledgers in the home; what a figure consists of is told in
``warehouse.tracing_figures``. Shows no taxpayer: the ledger has none.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import polars as pl
from upath import UPath

from assets.frames import frames_of, lake_at, read_frame
from pipelines.options import UnknownNameError
from pipelines.settings import Places
from warehouse.engines import Warehouse, open_warehouse
from warehouse.projections import grain
from warehouse.tables.marts import MARTS
from warehouse.tracing_figures import FIGURES, NightBooks, by_place, figure_of, trace_rows

USUAL = {
    "basis": "territory", "estimate_version": "initial", "unit_key": "ALL", "line_code": "ALL",
    "spending_kind": "ALL", "scenario": "base",
}  # fmt: skip
"""What a key column is taken to be where nothing is said."""


class TraceError(Exception):
    """The figure cannot be found or followed; the message says why and what to do."""


@dataclass(frozen=True)
class Trace:
    """A figure and its rows.

    Attributes:
        figure: as published; None where it is empty.
        rows: source_file, sheet, row_ranges, rows, amount (currency units).
        total: what the rows add up to.
    """

    mart: str
    column: str
    key: Mapping[str, object]
    figure: Decimal | None
    rows: pl.DataFrame
    total: Decimal

    @property
    def adds_up(self) -> bool:
        """Whether the rows are the figure, to the minor unit."""
        return self.total == (self.figure or Decimal(0))


def trace(
    places: Places, mart: str, keys: Sequence[str], column: str | None, night: dt.date | None, *,
    each_row: bool = False,
) -> Trace:  # fmt: skip
    """Follow one figure.

    Args:
        mart: its name.
        keys: values of its key columns in their order (a unit, a line), or ``column=value``.
        column: a money column; by default the first that can be traced.
        night: by default the newest published one.

    Raises:
        TraceError: the figure is not one, or the night's ledgers are gone.
        NotTraceableError: the column is computed, and from what.
        WarehouseError: the warehouse cannot be read.
    """
    wanted = _wanted(mart, keys)
    column = column or next(iter(FIGURES.get(mart, {"figure": None})))
    figure_of(mart, column)
    warehouse, authority = open_warehouse(places.warehouse_url), places.authority
    as_of = night or _newest(warehouse)
    row = _figure_row(warehouse, mart, wanted, as_of)
    positions = warehouse.read_mart("mart_unit_position", as_of)
    first = positions.filter(pl.col("basis") == "territory", pl.col("estimate_version") == "initial")
    books = NightBooks(authority, as_of, _ledgers(lake_at(places.lake), as_of), first)
    found = by_place(trace_rows(books, mart, column, row), each_row=each_row)
    scale = authority.settings.currency.minor_digits
    total = Decimal(int(found["amount"].sum())).scaleb(-scale)
    money = (pl.col("amount").cast(pl.Decimal(22, 2)) / pl.lit(Decimal(10**scale))).cast(pl.Decimal(20, 2))
    key = {name: row[name] for name in _keys_of(mart)}
    return Trace(mart, column, key, row[column], found.with_columns(money), total)  # type: ignore[arg-type]


def _newest(warehouse: Warehouse) -> dt.date:
    published = [made.as_of for made in warehouse.publications()]
    if not published:
        raise TraceError("nothing has been published yet; run  wardcast nightly  first")
    return max(published)


def _keys_of(mart: str) -> list[str]:
    tables = {table.name: table for table in MARTS}
    if mart not in tables:
        raise UnknownNameError(f"there is no mart '{mart}'. Those that can be traced: {', '.join(FIGURES)}")
    return [name for name in grain(tables[mart]) if name != "as_of"]


def _wanted(mart: str, keys: Sequence[str]) -> dict[str, str]:
    """Key columns with their values; bare values go to those not named, in their order."""
    columns = _keys_of(mart)
    pairs = [key.split("=", 1) for key in keys if key.split("=", 1)[0] in {*columns, *USUAL} and "=" in key]
    # Options say what they usually are; a pair that comes with the keys goes before them.
    named = {name: value for name, value in reversed(pairs) if name in columns}
    bare = [key for key in keys if key.split("=", 1) not in pairs]
    free = [name for name in columns if name not in named and name not in {"basis", "estimate_version"}]
    if len(bare) > len(free):
        raise UnknownNameError(f"'{bare[-1]}' is no key of {mart}; its keys are {', '.join(columns)}")
    given = named | dict(zip(free, bare, strict=False))
    return {name: given.get(name, USUAL.get(name, "")) for name in columns}


def _figure_row(
    warehouse: Warehouse, mart: str, wanted: Mapping[str, str], as_of: dt.date
) -> dict[str, object]:
    """The newest publication's one row of the key."""
    rows = warehouse.read_mart(mart, as_of)
    rows = rows.filter(pl.col("publication_id") == pl.col("publication_id").last())
    told = {name: value for name, value in wanted.items() if value != ""}
    found = (
        rows.filter([pl.col(name).cast(pl.String) == value for name, value in told.items()]) if told else rows
    )
    if found.height == 1:
        return found.row(0, named=True)
    shown = ", ".join(f"{name}={value}" for name, value in told.items()) or "no key"
    if found.is_empty():
        raise TraceError(f"{mart} has no row with {shown} on the night of {as_of}")
    lacking = [name for name in wanted if name not in told]
    raise TraceError(f"{mart} has {found.height} rows with {shown}; say which by {', '.join(lacking)}")


def _ledgers(lake: UPath, as_of: dt.date) -> Callable[[str], pl.DataFrame]:
    """Gives a ledger by name from the home's frames: the night's own, else a later one that knows it too."""

    @lru_cache(maxsize=8)
    def ledger(name: str) -> pl.DataFrame:
        fit = [path for path in frames_of(lake, name) if path.stem >= as_of.isoformat()]
        if not fit:
            raise TraceError(
                f"the ledgers of the night of {as_of} are no longer in {lake}. Run the night again: "
                f"wardcast nightly --as-of {as_of}"
            )
        return read_frame(fit[0])

    return ledger


def told(found: Trace, form: str) -> str:
    """The trace as text: a table with its sum and the figure, or the rows alone as CSV or JSON."""
    from warehouse.query import format_result

    if form != "table":
        return format_result(found.rows, form)
    key = ", ".join(f"{name}={value}" for name, value in found.key.items())
    figure = "empty" if found.figure is None else f"{found.figure:,.2f}"
    files = found.rows["source_file"].n_unique()
    verdict = "which is the figure" if found.adds_up else "WHICH IS NOT THE FIGURE"
    return (
        f"{found.mart}.{found.column} ({key}): {figure}\n\n"
        + format_result(found.rows, form)
        + f"\n{int(found.rows['rows'].sum())} rows in {files} files add up to {found.total:,.2f}, {verdict}\n"
    )
