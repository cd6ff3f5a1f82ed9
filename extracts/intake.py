"""Intake: one pass over the landing folder, and the register that answers for every file in it.

Joins landing, raw rows and staging. The register has the shape of ``core_delivery``; later steps of a night
know files only through it and the kept raw rows, never through the landing folder.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from authorities.forms import Dataset, ExtractForm
from authorities.model import ALL, Authority
from extracts.completeness import with_doubts
from extracts.kept_files import KeptFile, kept_files, remember
from extracts.kept_staging import Awaited, configuration_digest, delivery_digest, staged_rows
from extracts.landing import Delivery, LandingError, kept_of, scan_landing
from extracts.misplaced import named_like
from extracts.problems import ExtractError
from extracts.pseudonyms import TAXPAYER, PseudonymKey, with_pseudonyms
from extracts.raw import HELD_BYTES, RawDelivery, keep_delivery, kept_by_digest, read_kept, scan_kept, sweep
from extracts.remembered import Counts, Remembered, remembered
from extracts.row_kinds import data_rows
from extracts.staging import amounts_of_rows, amounts_only, stage
from extracts.text import fold
from warehouse.projections import conform, polars_schema
from warehouse.tables.ledger import CORE_DELIVERY
from warehouse.tables.staging import PSEUDONYM

UrlOf = Callable[[str], str | None]
Judging = Callable[[pl.DataFrame], pl.DataFrame]
_Outcome = tuple[str, str, str, Counts]
"""Status and problem of a delivery; notes and counts where it was read."""
_Reading = str | tuple[Counts, Sequence[str]]
"""Why a file cannot be read, or the counts and notes of its rows."""
_READERS = 2
"""Files read side by side; readers of workbooks and polars let go of the interpreter for most of the time."""
_PIECE_ROWS = 2**18
"""Rows of a big delivery of which the amounts are read at a time."""
_NOTHING: Counts = (0, 0, 0, 0, None)
_TOO_MUCH = 10**18
"""Minor units that no DECIMAL(20,2) holds."""
_ROWS_DATA = list(polars_schema(CORE_DELIVERY)).index("rows_data")


def _no_url(_variable: str) -> str | None:
    return None


def take_in(
    authority: Authority, landing: Path, store: Path, as_of: dt.date, url_of: UrlOf = _no_url
) -> pl.DataFrame:
    """Read what had arrived by ``as_of``, keep its raw rows in ``store``, and give the register.

    Args:
        url_of: the URL of a database by the name of the environment variable that holds it, for forms whose
            rows come from one.

    Raises:
        LandingError: the landing folder is missing or empty, or a database could not be asked.
    """
    if any(form.database for form in authority.forms):
        from extracts.database import fetch

        try:
            fetch(authority.forms, store, as_of, authority.settings.limits, url_of)
        except ExtractError as refused:
            raise LandingError(str(refused)) from refused
    sweep(store)
    rows: list[tuple[object, ...]] = []
    read: set[str] = set()
    before = kept_files(store)
    scanned: list[KeptFile] = []
    counting: list[KeptFile] = []
    memory = _memory(authority, store)
    night = _Night(authority, store, as_of, unit_names(authority), _raw_places(authority, store), memory)
    deliveries = scan_landing(authority, landing, before, store, memory)
    ahead = _read_ahead(night, deliveries)
    for delivery in deliveries:
        # A copy of a file that could not be read is its own first delivery.
        is_own = not delivery.repeats or delivery.repeats in read
        known = delivery if is_own else delivery._replace(repeats="")
        status, row = _register_row(night, known, ahead.get(delivery.order))
        rows.append(row)
        # Files without a row are alike whatever their period, which each states for itself.
        if status == "read" and row[_ROWS_DATA]:
            read.add(delivery.source_file)
        scanned.append(kept_of(delivery))
        counting += scanned[-1:] if status in {"read", "repeated"} else []
    _remember(store, before, scanned, counting)
    memory.keep(store)
    register = pl.DataFrame(rows, schema=polars_schema(CORE_DELIVERY), orient="row")
    return conform(register, CORE_DELIVERY)


def _memory(authority: Authority, store: Path) -> Remembered:
    """What nights before found out, by the same currency, forms and fiscal year."""
    start = authority.settings.fiscal_year_start_month
    forms = "".join(form.model_dump_json() for form in authority.forms)
    return remembered(store, authority.settings.currency.model_dump_json(), f"{start}{forms}")


def _remember(
    store: Path, before: Sequence[KeptFile], scanned: Sequence[KeptFile], counting: Sequence[KeptFile]
) -> None:
    """What counts this night, and what is kept from nights that knew more (this one may be in the past)."""
    names = {file.source_file for file in counting}
    later = set(before) & set(scanned)
    remember(store, [*counting, *(file for file in later if file.source_file not in names)])


def stage_dataset(
    authority: Authority,
    dataset: Dataset,
    register: pl.DataFrame,
    store: Path,
    key: PseudonymKey | None = None,
) -> pl.DataFrame:
    """Staged rows of ``dataset`` from the kept raw rows of the deliveries that the register lists as read.

    All are staged anew and held in memory; a night calls ``scan_dataset``.

    Args:
        key: gives taxpayers their pseudonyms; where None they are not even read.
    """
    deliveries = (one for one, _ in _kept_deliveries(authority, dataset, register, store))
    staged = stage(authority, dataset, (_raw_rows(delivery, key) for delivery in deliveries))
    return with_doubts(authority, dataset, staged.lazy(), register).collect()


def scan_dataset(
    authority: Authority, dataset: Dataset, register: pl.DataFrame, store: Path, kept: Path,
    judged: Judging, key: PseudonymKey | None = None,
) -> pl.LazyFrame:  # fmt: skip
    """The same as a plan over what is kept from night to night: only what is new is staged, and judged.

    Args:
        kept: folder in which staged rows are kept.
        judged: gives staged rows with the rules they break by themselves.
    """
    configuration = configuration_digest(authority) + (key.fingerprint if key else "")
    awaited = [
        Awaited(
            _digest(configuration, delivery), delivery.delivery_id, delivery.source_file, delivery.order,
            rows, partial(_raw_rows, delivery, key),
        )
        for delivery, rows in _kept_deliveries(authority, dataset, register, store)
    ]  # fmt: skip

    def staged(raw: list[RawDelivery]) -> pl.DataFrame:
        return judged(stage(authority, dataset, raw))

    return with_doubts(authority, dataset, staged_rows(dataset, awaited, kept / dataset, staged), register)


def _kept_deliveries(
    authority: Authority, dataset: Dataset, register: pl.DataFrame, store: Path
) -> Iterator[tuple[Delivery, int]]:
    """Deliveries of which the raw rows are kept, where these lie as their path, and their rows of data."""
    forms = {form.form_code: form for form in authority.forms}
    raw_of = _raw_places(authority, store)
    own = register.filter(pl.col("dataset") == dataset, pl.col("status") == "read").sort("delivery_order")
    for form, sha256, name, size, received, first, last, order, rows in own.select(
        "form_code", "sha256", "source_file", "file_bytes", "received_on", "scope_from", "scope_to",
        "delivery_order", "rows_data",
    ).iter_rows():  # fmt: skip
        path = raw_of[form](sha256)
        yield Delivery(path, name, sha256, size, forms[form], received, first, last, order), rows


def _raw_places(authority: Authority, store: Path) -> dict[str, Callable[[str], Path]]:
    """For each form, where the raw rows of a file lie, by the file's digest."""
    names = unit_names(authority)
    return {form.form_code: kept_by_digest(store, form, names) for form in authority.forms}


def _raw_rows(delivery: Delivery, key: PseudonymKey | None) -> RawDelivery:
    """Raw rows as staging gets them: with taxpayers' pseudonyms, or without taxpayers."""
    without = () if key else (*TAXPAYER, PSEUDONYM)
    if delivery.path.stat().st_size > HELD_BYTES:
        scan = scan_kept(delivery.path).select(pl.exclude(without))
        return RawDelivery(delivery, pl.DataFrame(), scan=with_pseudonyms(scan, key) if key else scan)
    rows = read_kept(delivery.path, without=without)
    return RawDelivery(delivery, with_pseudonyms(rows, key) if key else rows)


def _digest(configuration: str, delivery: Delivery) -> str:
    """Of all that staging a delivery reads; its part of a period follows from its name and form."""
    told = (delivery.source_file, delivery.received_on, delivery.scope_from, delivery.scope_to)
    return delivery_digest(configuration, delivery.path, told)


def unit_names(authority: Authority) -> frozenset[str]:
    """Folded names of the units, which are no totals whatever they begin with."""
    return frozenset(fold(name) for unit in authority.units for name in (unit.name, *unit.name_variants))


@dataclass(frozen=True)
class _Night:
    """What reading any delivery of the night needs."""

    authority: Authority
    store: Path
    as_of: dt.date
    names: frozenset[str]
    raw_of: dict[str, Callable[[str], Path]]
    memory: Remembered


def _register_row(
    night: _Night, delivery: Delivery, ahead: _Reading | None
) -> tuple[str, tuple[object, ...]]:
    form = delivery.form
    status, problem, notes, counts = _outcome(night, delivery, ahead)
    return status, (
        delivery.delivery_id, delivery.source_file, delivery.sha256, delivery.file_bytes,
        form.form_code if form else "", form.dataset if form else "", status, problem, notes,
        _speaks_for(form), delivery.received_on,
        bool(form and (form.received.assumed or form.received.rule != "folder")),
        delivery.scope_from, delivery.scope_to, delivery.order, *counts,
    )  # fmt: skip


def _speaks_for(form: ExtractForm | None) -> str | None:
    return ALL if form is not None and form.period.of == "authority" else None


def _outcome(night: _Night, delivery: Delivery, ahead: _Reading | None) -> _Outcome:
    """What became of a delivery on the night, which may have been read ``ahead``."""
    if (passed := _passed_over(night, delivery)) is not None:
        return passed
    kept = night.raw_of[delivery.form.form_code](delivery.sha256) if delivery.form else Path()
    known = night.memory.counts_of(kept)
    if known is None:
        found = _read(night, delivery) if ahead is None else ahead
        if isinstance(found, str):
            return "unreadable", found, "", _NOTHING
        night.memory.counted(kept, *found)
        known = found
    counts, notes = known
    return "read", "", "; ".join(notes), counts


def _read_ahead(night: _Night, deliveries: Sequence[Delivery]) -> dict[int, _Reading]:
    """Readings of what nobody counted before, by place in the order of arrival; each file once."""
    chosen: dict[Path, Delivery] = {}
    for delivery in deliveries:
        if delivery.form is not None and not _passed_over(night, delivery):
            kept = night.raw_of[delivery.form.form_code](delivery.sha256)
            if not night.memory.knows(kept):
                chosen.setdefault(kept, delivery)
    with ThreadPoolExecutor(_READERS) as readers:
        readings = readers.map(partial(_read, night), chosen.values())
        return {one.order: reading for one, reading in zip(chosen.values(), readings, strict=True)}


def _read(night: _Night, delivery: Delivery) -> _Reading:
    raw = keep_delivery(delivery, night.store, night.names)
    if raw.problem or delivery.form is None:
        return str(raw.problem)
    digits = night.authority.settings.currency.minor_digits
    try:
        return counts_of(raw.rows, delivery.form, digits, delivery.source_file), raw.notes
    except ExtractError as problem:
        return str(problem)


def _passed_over(night: _Night, delivery: Delivery) -> _Outcome | None:
    """What becomes of a delivery that need not be opened; else None."""
    if delivery.form is None and delivery.problem is None:
        return "unclaimed", _unclaimed(delivery, night.authority), "", _NOTHING
    if delivery.received_on is not None and delivery.received_on > night.as_of:
        return "not_yet_received", "", "", _NOTHING
    if delivery.form is None or delivery.problem is not None:
        return "unreadable", str(delivery.problem), "", _NOTHING
    if delivery.repeats:
        said = f"{delivery.source_file}: the same bytes as {delivery.repeats}; counted once"
        return "repeated", said, "", _NOTHING
    return None


def _unclaimed(delivery: Delivery, authority: Authority) -> str:
    """Why no form claims a file, and what to do: it may only lie in the wrong folder."""
    name = delivery.unpacked_name or delivery.source_file
    if (meant := named_like(name, authority.forms)) is not None:
        form, place = meant
        return (
            f"{delivery.source_file}: named as form '{form.form_code}' expects, but it lies in another "
            f"folder. Move it to {place} in the landing folder"
        )
    return (
        f"{delivery.source_file}: no form claims this file. Rename it as a known form expects, add a form, "
        "or move it out of the landing folder"
    )


def counts_of(rows: pl.DataFrame | pl.LazyFrame, form: ExtractForm, digits: int, shown: str) -> Counts:
    """Rows received, data and not data; money of the data rows, and of the file's own totals, if it has any.

    A sheet's own total is the largest of its totals rows, as those of sections are part of it; the file has
    one where each of its sheets has.
    """
    counted = partial(_counted, form=form, digits=digits)
    if isinstance(rows, pl.DataFrame):
        pieces = [counted(rows)]
    else:
        with ThreadPoolExecutor(_READERS) as readers:
            pieces = list(readers.map(lambda piece: counted(piece.collect()), _in_pieces(rows)))
    received, data = sum(piece.rows for piece in pieces), sum(piece.data for piece in pieces)
    money = sum(piece.money for piece in pieces)
    sheets = set[str]().union(*(piece.sheets for piece in pieces))
    if abs(money) >= _TOO_MUCH:
        raise ExtractError(
            shown, "its amounts add up to more than money can be",
            f"Check which column form '{form.form_code}' takes for the amount",
        )  # fmt: skip
    stated = _stated(pl.concat([piece.totals for piece in pieces]), len(sheets), form, digits)
    return received, data, received - data, money, stated


def _in_pieces(rows: pl.LazyFrame) -> list[pl.LazyFrame]:
    """Raw rows that are still to be read, with their amounts alone, in order."""
    names = amounts_only(pl.DataFrame(schema=rows.collect_schema())).columns
    starts = range(0, rows.select(pl.len()).collect().item(), _PIECE_ROWS)
    return [rows.select(names).slice(start, _PIECE_ROWS) for start in starts]


class _Counted(NamedTuple):
    """Rows, rows of data and their money; the totals rows, and the sheets that there are."""

    rows: int
    data: int
    money: int
    totals: pl.DataFrame
    sheets: set[str]


def _counted(rows: pl.DataFrame, form: ExtractForm, digits: int) -> _Counted:
    amounts = amounts_only(rows)
    own = data_rows(amounts)
    money = int(amounts_of_rows(own, form, digits)["amount"].cast(pl.Int128).sum() or 0)
    totals = amounts.filter(pl.col("row_kind") == "total")
    return _Counted(rows.height, own.height, money, totals, set(rows["sheet"].unique()))


def _stated(totals: pl.DataFrame, sheets: int, form: ExtractForm, digits: int) -> int | None:
    by_row = amounts_of_rows(totals, form, digits).drop_nulls("amount")
    by_sheet = (
        by_row.group_by("sheet", "row_number")
        .agg(pl.col("amount").sum())
        .sort(pl.col("amount").abs(), "row_number")
        .group_by("sheet")
        .agg(pl.col("amount").last())
    )
    stated = by_sheet.height and by_sheet.height == sheets
    return int(by_sheet["amount"].sum()) if stated else None
