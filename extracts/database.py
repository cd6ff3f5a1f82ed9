"""Extracts straight from a database: a form's query, asked once a night and kept like a file that came then.

The one module of this floor that talks SQL. What the query gave lies as Parquet of texts below ``database/``
in the raw store, a folder a night, and is read from there as any delivery, on this night and on every later
one: the database itself is not asked again about a night.
"""

import datetime as dt
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from authorities.forms import DATABASE_FOLDER, DatabaseSource, ExtractForm, ReadingLimits
from extracts.archives import beyond
from extracts.problems import ExtractError

_BATCH_ROWS = 20_000
_LONGEST_REASON = 200


def fetch(
    forms: Iterable[ExtractForm], store: Path, night: dt.date, limits: ReadingLimits,
    url_of: Callable[[str], str | None],
) -> None:  # fmt: skip
    """Ask the database of each form that has one, and keep what it gives as received on ``night``.

    A night that was asked before, or that lies before one that was, is not asked again: what a database says
    today is no evidence of what it said then.

    Args:
        forms: an authority's forms; those of files are passed over.
        store: the raw store.
        night: the night that is run.
        limits: what no extract may exceed.
        url_of: SQLAlchemy URL by the name of the environment variable that holds it.

    Raises:
        ExtractError: the URL is missing or unusable, the database refuses, or it gives too much or nothing.
        OSError: the raw store cannot be written.
    """
    for form in forms:
        if form.database is None or any(asked >= night for asked in _nights(store, form)):
            continue
        shown = f"{DATABASE_FOLDER}/{night}/{form.form_code}.parquet"
        with _connected(form.database, shown, url_of) as connection:
            _keep(_batches(connection, form.database, night, shown), store / shown, shown, limits)


def _nights(store: Path, form: ExtractForm) -> list[dt.date]:
    kept = (store / DATABASE_FOLDER).glob(f"*/{form.form_code}.parquet")
    return [dt.date.fromisoformat(path.parent.name) for path in kept]


@contextmanager
def _connected(
    source: DatabaseSource, shown: str, url_of: Callable[[str], str | None]
) -> Iterator[Connection]:
    """A connection that only reads where the database lets one say so; every error in a clerk's words."""
    given = url_of(source.url_variable)
    if not given:
        raise ExtractError(
            shown, f"the environment variable {source.url_variable} is not set",
            "Set it to the database's SQLAlchemy URL",
        )  # fmt: skip
    try:
        url = make_url(given)
        engine = create_engine(url, poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise ExtractError(
            shown,
            f"{source.url_variable} is no usable SQLAlchemy URL ({type(error).__name__})",
            "Write it as dialect+driver://user:password@host/name, and install the driver it names",
        ) from None  # the message would hold the password
    try:
        with engine.connect() as connection:
            if url.get_backend_name() == "postgresql":
                yield connection.execution_options(postgresql_readonly=True)
            else:
                yield connection
    except SQLAlchemyError as error:
        raise ExtractError(
            shown,
            f"the database named by {source.url_variable} refuses: {_reason(error, url.password)}",
            "Check that it runs and that its user may read what the form's query asks for",
        ) from None
    finally:
        engine.dispose()


def _reason(error: SQLAlchemyError, password: object) -> str:
    """The driver's own first line, without the statement and without the password."""
    said = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()[0]
    return said.replace(str(password), "…")[:_LONGEST_REASON] if password else said[:_LONGEST_REASON]


def _batches(
    connection: Connection, source: DatabaseSource, night: dt.date, shown: str
) -> Iterator[pa.RecordBatch]:
    statement = text(source.query)
    given = {"night": night} if "night" in statement.compile().params else {}
    streaming = connection.execution_options(stream_results=True, yield_per=_BATCH_ROWS)
    result = streaming.execute(statement, given)
    if not result.returns_rows:
        raise ExtractError(shown, "the form's query gives no rows", "Write a query that selects")
    names = list(result.keys())
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    for rows in result.partitions(_BATCH_ROWS):
        columns = zip(*rows, strict=True)
        yield pa.record_batch([[_text(cell, shown) for cell in column] for column in columns], schema=schema)


def _text(cell: Any, shown: str) -> str | None:
    """A value as text: numbers in plain digits with a point, dates as year-month-day."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool | int):
        return str(cell)
    if isinstance(cell, float | Decimal):
        exact = Decimal(repr(cell)) if isinstance(cell, float) else cell
        return format(exact, "f") if exact.is_finite() else None
    if isinstance(cell, dt.date):
        return cell.isoformat()[:10]
    if isinstance(cell, bytes | Sequence | dict):
        raise ExtractError(
            shown, "a column holds lists or bytes rather than values", "Select plain columns in the query"
        )
    return str(cell)


def _keep(batches: Iterator[pa.RecordBatch], path: Path, shown: str, limits: ReadingLimits) -> None:
    """Write batch by batch beside and rename, so that a killed night leaves no half file."""
    first = next(batches, None)
    if first is None:
        raise ExtractError(
            shown, "the form's query gave no rows", "If nothing was collected, let it give a row of 0"
        )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.touch(mode=0o600)
    rows = 0
    try:
        with pq.ParquetWriter(half, first.schema) as writer:
            for batch in chain([first], batches):
                rows += batch.num_rows
                if rows * batch.num_columns > limits.table_cells:
                    said = f"the query gives over {rows:,} rows and {batch.num_columns:,} columns"
                    raise beyond(shown, said, "table_cells", limits)
                writer.write_batch(batch)
        half.chmod(0o400)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
