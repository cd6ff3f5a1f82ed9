"""``wardcast diff``: what moved between two publications, and the cause.

Finds the publications, reads their marts and what the home's lake still knows of receipts, and writes what
``warehouse.differences`` makes of it.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from assets.frames import frames_of, lake_at, read_frame
from authorities.model import ALL, UNALLOCATED
from pipelines.options import UnknownNameError, day_of
from pipelines.settings import Places
from warehouse.differences import (
    KEYS,
    NO_PARTS,
    Link,
    Pair,
    forecast_moves,
    position_moves,
    warning_moves,
    without_little,
)
from warehouse.engines import Publication, UnknownPublicationError, Warehouse, open_warehouse, shown_url
from warehouse.publication_register import Register
from warehouse.published import BASE, in_minor_units
from warehouse.query import format_result
from warehouse.receipt_causes import receipt_causes, restatement_alone
from warehouse.tables.declare import Table
from warehouse.tables.marts import (
    MART_FORECAST_NEWS,
    MART_LINE_POSITION,
    MART_RESTATEMENT,
    MART_YEAR_END_FORECAST,
)

LITTLE_PCT = 0.1
"""A figure that moved by less than this, % of itself, is left out unless everything is asked for."""
SHOWN_NIGHTS = 10
"""Nights named where another was asked for, the last ones."""
_LEDGERS = ("core_receipt", "core_quarantine")
_KEPT_BY_MART = "the night's ledger is no longer in the lake: mart_restatement tells causes, territory alone"
_NOT_APART = "neither the night's ledger nor mart_restatement tells new receipts from restated ones"


class DiffError(Exception):
    """The two cannot be compared; the message says why and what to do."""


@dataclass(frozen=True)
class Diff:
    """What moved between two publications.

    Attributes:
        moves: ``differences.MOVES_SCHEMA``, minor units: every figure that moved at all.
        remark: what could not be told apart, and why; empty where everything could.
    """

    pair: Pair
    moves: pl.DataFrame
    remark: str = ""


def compare(places: Places, first: str, second: str) -> Diff:
    """What moved between two publications, given by their ids or by nights, in any order.

    Raises:
        DiffError: both are the same publication.
        UnknownNameError: a night is not published.
        UnknownPublicationError: one is not known, or past its retention.
        WarehouseError: the warehouse cannot be read.
    """
    warehouse = open_warehouse(places.warehouse_url)
    pair = _pair(warehouse, first, second, shown_url(places.warehouse_url))
    both = (pair.earlier, pair.later)
    before, after = (_read(places, warehouse, MART_LINE_POSITION, one) for one in both)
    years = {places.authority.fiscal_year(one.as_of) for one in both}
    parts, remark = NO_PARTS, ""
    if len(years) == 1 and not pair.is_one_night:
        parts, remark = _receipt_parts(places, warehouse, pair, before, after)
    start, end = (_read(places, warehouse, MART_YEAR_END_FORECAST, one).filter(scenario=BASE) for one in both)
    links = list(_links(places, warehouse, pair))
    figures = pl.concat(
        [
            position_moves(before, after, parts, pair, same_year=len(years) == 1),
            forecast_moves(start, end, links, pair),
        ]
    )
    old, new = (warehouse.read_publication("mart_warning", one.publication_id) for one in both)
    return Diff(pair, pl.concat([figures, warning_moves(old, new, figures, pair)]), remark)


def _pair(warehouse: Warehouse, first: str, second: str, shown: str) -> Pair:
    made = warehouse.publications()
    found = [_publication(Register(made), one, shown) for one in (first, second)]
    if found[0] == found[1]:
        raise DiffError(
            f"'{first}' and '{second}' are both publication {found[0].publication_id}; name two, by their "
            "ids (2020-06-30.1) or nights (2020-06-30). The table publication lists them"
        )
    earlier, later = sorted(found, key=lambda one: (one.as_of, made.index(one)))
    return Pair(earlier, later)


def _publication(register: Register, named: str, shown: str) -> Publication:
    by_id = {one.publication_id: one for one in register.publications}
    nights, night = register.current(), day_of(named)
    if night is not None and night not in nights:
        raise UnknownNameError(_not_published(night, sorted(nights)))
    found = by_id.get(named) if night is None else nights[night]
    if found is None:
        raise UnknownPublicationError(named, shown, list(by_id), known=False)
    return found


def _not_published(night: dt.date, nights: list[dt.date]) -> str:
    shown = [*(["…"] if len(nights) > SHOWN_NIGHTS else []), *map(str, nights[-SHOWN_NIGHTS:])]
    return (
        f"no night of {night} is published (published: {', '.join(shown) or 'none'}). The ledger remembers "
        f"what was known then: run  wardcast nightly --as-of {night}  and ask again"
    )


def _read(places: Places, warehouse: Warehouse, table: Table, of: Publication) -> pl.DataFrame:
    rows = warehouse.read_publication(table.name, of.publication_id)
    return in_minor_units(rows, table, places.authority)


def _receipt_parts(
    places: Places, warehouse: Warehouse, pair: Pair, before: pl.DataFrame, after: pl.DataFrame
) -> tuple[pl.DataFrame, str]:
    """Causes of what is collected: by the later night's ledger, else by its mart, else by nothing."""
    previous, as_of = pair.earlier.as_of, pair.later.as_of
    ledgers = [_ledger(places, name, as_of) for name in _LEDGERS]
    if all(ledger is not None for ledger in ledgers):
        known = [ledger for ledger in ledgers if ledger is not None]
        return receipt_causes(places.authority, known[0], known[1], previous, as_of), ""
    restated = _read(places, warehouse, MART_RESTATEMENT, pair.later)
    start = places.authority.fiscal_year_start(places.authority.fiscal_year(as_of))
    own = restated.filter(pl.col("previous_as_of") == previous, pl.col("month") >= start)
    collected = [
        one.filter(estimate_version="initial").select(*KEYS, "collected_amount") for one in (before, after)
    ]
    both = collected[0].join(collected[1], on=KEYS, how="full", coalesce=True, suffix="_now").fill_null(0)
    change = both.select(*KEYS, change=pl.col("collected_amount_now") - pl.col("collected_amount"))
    if previous in _compared_with(warehouse, pair.later):
        return restatement_alone(own, change), _KEPT_BY_MART
    untold = change.select(*KEYS, cause=pl.lit("receipts"), amount="change").filter(pl.col("amount") != 0)
    return untold, _NOT_APART


def _ledger(places: Places, name: str, as_of: dt.date) -> pl.DataFrame | None:
    """The night's own ledger, else a later one, which knows what was known then too."""
    frames = frames_of(lake_at(places.lake), name)
    fit = [path for path in frames if path.stem >= as_of.isoformat()]
    return read_frame(fit[0]) if fit else None


def _compared_with(warehouse: Warehouse, of: Publication) -> set[dt.date]:
    """The nights that a publication's restatements surely compare with: the last before it, if any."""
    earlier = [night for night in Register(warehouse.publications()).current() if night < of.as_of]
    named = warehouse.read_publication(MART_RESTATEMENT.name, of.publication_id)["previous_as_of"]
    return {*named, *earlier[-1:]}


def _links(places: Places, warehouse: Warehouse, pair: Pair) -> Iterator[Link]:
    """The news of each published night after the earlier publication, up to the later one."""
    current = Register(warehouse.publications()).current()
    between = [one for night, one in current.items() if pair.earlier.as_of < night < pair.later.as_of]
    before = pair.earlier
    for publication in [*between, pair.later] if not pair.is_one_night else []:
        yield Link(Pair(before, publication), _read(places, warehouse, MART_FORECAST_NEWS, publication))
        before = publication


def chosen(places: Places, diff: Diff, unit: str | None, *, everything: bool) -> pl.DataFrame:
    """The moves to show: of the authority and its units with lines together, but for little ones; of one
    unit with its lines; or all there are.

    Raises:
        UnknownNameError: no unit is meant by ``unit``.
    """
    moves = diff.moves if everything else without_little(diff.moves, LITTLE_PCT)
    if unit is not None:
        return moves.filter(pl.col("unit_key") == _unit_key(places, unit, diff.pair.later.as_of))
    lines_together = pl.col("line_code").is_null() | (pl.col("line_code") == ALL)
    return moves if everything else moves.filter(lines_together)


def _unit_key(places: Places, unit: str, night: dt.date) -> str:
    if unit.upper() in (ALL, UNALLOCATED):
        return unit.upper()
    from pipelines.diagnose import find_unit

    return find_unit(places.authority, unit, night).unit_key


def told(places: Places, diff: Diff, rows: pl.DataFrame, form: str) -> str:
    """The moves as text: tables in the unit that people read, or CSV or JSON in currency units."""
    minor = places.authority.settings.currency.minor_per_unit
    names = {unit.unit_key: unit.name for unit in places.authority.units}
    names[ALL] = places.authority.settings.title.vi
    named = rows.with_columns(pl.col("unit_key").replace(names).alias("unit_name"))
    ordered = named.select("what", "unit_key", "unit_name", pl.exclude("what", "unit_key", "unit_name"))
    if form != "table":
        return format_result(_scaled(ordered, Decimal(minor), 2), form)
    currency = places.authority.settings.currency
    readable = _scaled(ordered, Decimal(minor * currency.display_scale), 1)
    lines = [_heading(diff.pair), f"amounts in {currency.display_unit.en}"]
    for what, columns in _SECTIONS.items():
        own = readable.filter(pl.col("what") == what).select(columns)
        lines.append(f"\n{what}s: " + (f"\n{format_result(own, 'table')}" if own.height else "none moved"))
    hidden = diff.moves.height - rows.height
    lines += [f"\n{hidden} rows of lines or of little moves are left out; --all shows them"] if hidden else []
    return "\n".join([*lines, *([f"\n{diff.remark}"] if diff.remark else [])]) + "\n"


_FIGURES = {
    "unit_name": "unit", "line_code": "line", "basis": "basis", "measure": "measure",
    "before_amount": "before", "after_amount": "after", "change_amount": "change",
    "cause": "cause", "cause_amount": "by_cause",
}  # fmt: skip
_CASES = {
    "unit_name": "unit", "measure": "warning_id", "before_state": "before", "after_state": "after",
    "cause": "cause",
}  # fmt: skip
_SECTIONS = {
    what: [pl.col(old).alias(new) for old, new in columns.items()]
    for what, columns in {"position": _FIGURES, "forecast": _FIGURES, "warning": _CASES}.items()
}


def _heading(pair: Pair) -> str:
    same = [
        f"{what} {'is the same' if same else 'is another one'}"
        for what, same in (
            ("code", pair.earlier.code_version == pair.later.code_version),
            ("configuration", pair.earlier.config_sha256 == pair.later.config_sha256),
        )
    ]
    return f"from {pair.earlier.publication_id} to {pair.later.publication_id}; {', '.join(same)}"


def _scaled(rows: pl.DataFrame, scale: Decimal, digits: int) -> pl.DataFrame:
    amounts = [name for name in rows.columns if name.endswith("_amount")]
    return rows.with_columns(
        (pl.col(name).cast(pl.Decimal(38, 6)) / pl.lit(scale)).round(digits).cast(pl.Decimal(20, digits))
        for name in amounts
    )
