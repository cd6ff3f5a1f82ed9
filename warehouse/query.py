"""Reading the marts with SQL, and writing a result as a table, CSV or JSON.

Only what reads is let through, and only the marts can be read. Where the marts lie is the engine's affair.
"""

import io
import json
import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from warehouse.chosen_rows import no_such_table
from warehouse.engines import WarehouseError, open_warehouse

MOST_ROWS_SHOWN = 200
WIDEST_CELL = 60


def run_query(url: str, sql: str) -> pl.DataFrame:
    """Result of ``sql``, one reading statement, on the warehouse at ``url``.

    Plain table names give all nights, ``latest.<table>`` the newest night. Times are UTC.

    Raises:
        WarehouseError: for what is not one reading statement, names what is not there, or would touch a
            file; and where nothing has been published.
    """
    return open_warehouse(url).query(sql)


def read_one_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    """Result of the one reading statement in ``sql``; see ``run_query``."""
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise WarehouseError(f"the query cannot be understood: {error}") from error
    # PIVOT comes apart into a helper type, which bears no text of its own, and the SELECT.
    written = [one for one in statements if one.type != duckdb.StatementType.CREATE or one.query]
    if len(written) != 1:
        raise WarehouseError(f"a query is one SELECT; this holds {len(written)} statements")
    if written[0].type != duckdb.StatementType.SELECT:
        raise WarehouseError(
            f"the warehouse is only read here: {written[0].type.name} is refused; write one SELECT"
        )
    try:
        return connection.execute(sql).pl()
    except duckdb.CatalogException as error:
        # DuckDB's own guess may be a table of its own.
        unknown = re.search(r"Table with name (\S+) does not exist", str(error))
        raise WarehouseError(
            no_such_table(unknown[1]) if unknown else f"the query failed: {error}"
        ) from error
    except duckdb.Error as error:
        raise WarehouseError(f"the query failed: {error}") from error
    except pl.exceptions.PolarsError as error:
        raise WarehouseError(
            f"the query gives a column of a type that cannot be shown ({error}); use CAST(… AS VARCHAR)"
        ) from error


def format_result(
    frame: pl.DataFrame, form: str, *, most_rows: int = MOST_ROWS_SHOWN, width: int | None = None
) -> str:
    """``frame`` as text, ending in a line break.

    ``table``: aligned for a terminal, of at most ``most_rows`` rows, saying how many were left out; null is
    empty. Where it would be wider than ``width``, if given, each row stands below the other, a column a line.
    ``csv``: RFC 4180 quoting, UTF-8, lines ending in ``\\n``; null is an empty field, empty text is
    ``""``. ``json``: a list of objects; dates and times ISO 8601; decimals as numbers with all their digits
    (read them as decimals, a double holds 15 of them); null, NaN and infinity are ``null``.

    Raises:
        WarehouseError: for another name.
    """
    formats: dict[str, Callable[[], str]] = {
        "table": lambda: _table(frame, most_rows, width),
        "csv": lambda: _csv(frame),
        "json": lambda: _json(frame),
    }
    if form not in formats:
        raise WarehouseError(f"unknown format '{form}'; choose from {', '.join(formats)}")
    return formats[form]()


def _plain(value: Any) -> str:
    """A value as text that a program reads back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict):
        return _json_text(value)
    return str(value)


def _csv(frame: pl.DataFrame) -> str:
    out = io.StringIO()
    # QUOTE_NOTNULL exists from Python 3.12 only, so null and empty text are told apart by hand.
    for row in (frame.columns, *frame.iter_rows()):
        line = ",".join("" if value is None else _csv_field(_plain(value)) for value in row)
        out.write((line or '""') + "\n")  # a lone null: readers skip an empty line
    return out.getvalue()


def _csv_field(text: str) -> str:
    if text and not any(character in text for character in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def _json(frame: pl.DataFrame) -> str:
    rows = (_json_text(row) for row in frame.iter_rows(named=True))
    return "[" + ",\n ".join(rows) + "]\n"


def _json_text(value: Any) -> str:
    """JSON by hand, as the standard writer knows no exact decimal."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_json_text(str(key))}: {_json_text(one)}" for key, one in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_json_text(one) for one in value) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return json.dumps(str(value))
    return json.dumps(value if isinstance(value, str) else _plain(value), ensure_ascii=False)


def _table(frame: pl.DataFrame, most_rows: int, widest: int | None) -> str:
    shown = [frame.columns, *([_cell(value) for value in row] for row in frame.head(most_rows).iter_rows())]
    rows = [[_on_one_line(cell) for cell in row] for row in shown]
    widths = [max(_width(row[place]) for row in rows) for place in range(frame.width)]
    if widest is not None and sum(widths) + 2 * (len(widths) - 1) > widest:
        lines = _one_below_the_other(rows)
    else:
        to_the_right = [kind.is_numeric() for kind in frame.dtypes]
        lines = ["  ".join(map(_padded, row, widths, to_the_right)).rstrip() for row in rows]
        lines.insert(1, "  ".join("─" * width for width in widths))
    left_out = frame.height - most_rows
    counted = f"({frame.height} row{'' if frame.height == 1 else 's'})"
    if left_out > 0:
        counted = f"({most_rows} of {frame.height} rows; --format csv gives all)"
    return "\n".join([*lines, counted]) + "\n"


def _one_below_the_other(rows: list[list[str]]) -> list[str]:
    """A line a column and a rule between rows, for more columns than a terminal is wide."""
    columns, *values = rows
    names = max(map(_width, columns))
    return [
        line
        for number, row in enumerate(values, 1)
        for line in (
            f"── row {number} " + "─" * names,
            *(
                f"{_padded(name, names, to_the_right=False)}  {cell}".rstrip()
                for name, cell in zip(columns, row, strict=True)
            ),
        )
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.10g}" if isinstance(value, float) else _plain(value)


def _on_one_line(text: str) -> str:
    """Without what would break the line or speak to the terminal, and not too wide."""
    clean = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
    return clean if len(clean) <= WIDEST_CELL else clean[: WIDEST_CELL - 1] + "…"


def _width(text: str) -> int:
    """Columns on a terminal: combining marks take none, wide East Asian letters two."""
    marks = sum(unicodedata.category(character) in ("Mn", "Me", "Cf") for character in text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) - marks + wide


def _padded(text: str, width: int, to_the_right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if to_the_right else text + blanks
