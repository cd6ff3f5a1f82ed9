"""Intake: one pass over the landing folder, and the register that answers for every file in it.

Joins landing, raw rows and staging. The register has the shape of ``core_delivery``; later steps of a night
know files only through it and the kept raw rows, never through the landing folder.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from authorities.forms import Dataset, ExtractForm
from authorities.model import ALL, Authority
from extracts.landing import Delivery, scan_landing
from extracts.raw import RawDelivery, kept_rows, read_delivery
from extracts.staging import amounts_of_rows, stage
from warehouse.projections import conform, polars_schema
from warehouse.tables.ledger import CORE_DELIVERY

Progress = Callable[[int, int, str], None]
"""Told after each file: how many are done, of how many, and which."""


def take_in(
    authority: Authority, landing: Path, store: Path, as_of: dt.date, progress: Progress | None = None
) -> pl.DataFrame:
    """Read what had arrived by ``as_of``, keep its raw rows in ``store``, and give the register.

    Raises:
        LandingError: the landing folder is missing or empty.
    """
    deliveries = scan_landing(authority, landing)
    rows = []
    for done, delivery in enumerate(deliveries, start=1):
        rows.append(_register_row(authority, delivery, store, as_of))
        if progress is not None:
            progress(done, len(deliveries), delivery.source_file)
    register = pl.DataFrame(rows, schema=polars_schema(CORE_DELIVERY), orient="row")
    return conform(register, CORE_DELIVERY)


def stage_dataset(
    authority: Authority, dataset: Dataset, register: pl.DataFrame, store: Path
) -> pl.DataFrame:
    """Staged rows of ``dataset`` from the kept raw rows of the deliveries that the register lists as read."""
    return stage(authority, dataset, _kept_deliveries(authority, dataset, register, store))


def _kept_deliveries(
    authority: Authority, dataset: Dataset, register: pl.DataFrame, store: Path
) -> Iterator[RawDelivery]:
    forms = {form.form_code: form for form in authority.forms}
    own = register.filter(pl.col("dataset") == dataset, pl.col("status") == "read").sort("delivery_order")
    for row in own.iter_rows(named=True):
        form = forms[row["form_code"]]
        kept = kept_rows(store, form, row["sha256"])
        delivery = Delivery(
            kept, row["source_file"], row["sha256"], row["file_bytes"], form, row["received_on"],
            row["scope_from"], row["scope_to"], row["delivery_order"],
        )  # fmt: skip
        yield RawDelivery(delivery, pl.read_parquet(kept))


def _register_row(
    authority: Authority, delivery: Delivery, store: Path, as_of: dt.date
) -> tuple[object, ...]:
    form = delivery.form
    status, problem, raw = _outcome(delivery, store, as_of)
    counts = _counts(authority, raw) if raw is not None else (0, 0, 0, 0, None)
    return (
        delivery.delivery_id, delivery.source_file, delivery.sha256, delivery.file_bytes,
        form.form_code if form else "", form.dataset if form else "", status, problem, _speaks_for(form),
        delivery.received_on, bool(form and (form.received.assumed or form.received.rule != "folder")),
        delivery.scope_from, delivery.scope_to, delivery.order, *counts,
    )  # fmt: skip


def _speaks_for(form: ExtractForm | None) -> str | None:
    return ALL if form is not None and form.period.of == "authority" else None


def _outcome(delivery: Delivery, store: Path, as_of: dt.date) -> tuple[str, str, RawDelivery | None]:
    """Status and problem of a delivery on the night, and its raw rows where they were read."""
    if delivery.form is None:
        return "unclaimed", (
            f"{delivery.source_file}: no form claims this file. Rename it as a known form expects, add a form, "
            "or move it out of the landing folder"
        ), None  # fmt: skip
    if delivery.received_on is not None and delivery.received_on > as_of:
        return "not_yet_received", "", None
    if delivery.repeats:
        return "repeated", f"{delivery.source_file}: the same bytes as {delivery.repeats}; counted once", None
    raw = read_delivery(delivery, store)
    return ("unreadable", str(raw.problem), None) if raw.problem else ("read", "", raw)


def _counts(authority: Authority, raw: RawDelivery) -> tuple[int, int, int, int, int | None]:
    """Rows received, data and not data; money of the data rows, and of the file's own total."""
    rows = raw.rows
    data = rows.filter(pl.col("row_kind") == "data")
    totals = rows.filter(pl.col("row_kind") == "total").sort("row_number").tail(1)
    digits = authority.settings.currency.minor_digits
    form = raw.delivery.form
    assert form is not None  # noqa: S101 - only claimed deliveries are read
    received = amounts_of_rows(data, form, digits).sum() or 0
    stated = amounts_of_rows(totals, form, digits).sum() if totals.height else None
    return rows.height, data.height, rows.height - data.height, int(received), stated
