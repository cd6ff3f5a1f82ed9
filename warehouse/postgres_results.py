"""Results of PostgreSQL as frames: Arrow comes from the driver, exact decimals are made here.

The driver hands on ``numeric`` as text, with the declared precision where there is one.
"""

from typing import Any

import polars as pl
import pyarrow as pa

_MOST_DIGITS = 38


class ResultTypeError(Exception):
    """A column of a result has a type that cannot be shown; the message says what to write."""


def result_frame(table: pa.Table) -> pl.DataFrame:
    """``table`` with ``numeric`` as Decimal: of the declared precision, else 38 digits and the largest scale.

    Raises:
        ResultTypeError: for a type without counterpart, or a number of more than 38 digits.
    """
    series = [_series(field, table.column(place)) for place, field in enumerate(table.schema)]
    return pl.DataFrame(
        [one.alias(name) for one, name in zip(series, _apart(table.column_names), strict=True)]
    )


def _apart(names: list[str]) -> list[str]:
    """Names of which some are the same, told apart as DuckDB does: the second ``a`` is ``a_1``."""
    told: list[str] = []
    for name in names:
        again = (f"{name}_{place}" for place in range(1, len(names) + 1))
        told.append(name if name not in told else next(one for one in again if one not in told))
    return told


def _series(field: pa.Field, values: pa.ChunkedArray) -> pl.Series:
    try:
        if not isinstance(field.type, pa.BaseExtensionType):
            return pl.Series(field.name, values)
        stored = pl.Series(field.name, values.cast(field.type.storage_type), dtype=pl.String)
        return _decimal(stored, field.metadata or {}) if _is_numeric(field) else stored
    except (pa.ArrowException, pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise ResultTypeError(
            f"column '{field.name}' of the query has a type that cannot be shown ({_kind(field)}); "
            "use CAST(… AS text) or CAST(… AS double precision)"
        ) from error


def _kind(field: pa.Field) -> str:
    known = (field.metadata or {}).get(b"POSTGRESQL:type") or str(field.type).encode()
    return str(known.decode())


def _is_numeric(field: pa.Field) -> bool:
    return getattr(field.type, "type_name", "") == "numeric"


def _decimal(stored: pl.Series, metadata: dict[bytes, bytes]) -> pl.Series:
    modifier = int(metadata.get(b"POSTGRESQL:typmod", b"-1")) - 4
    precision, scale = (modifier >> 16) & 0xFFFF, modifier & 0x7FF
    if modifier < 0 or not 0 < precision <= _MOST_DIGITS:
        precision, scale = _MOST_DIGITS, _largest_scale(stored)
    return stored.cast(pl.Decimal(precision, scale))


def _largest_scale(stored: pl.Series) -> int:
    decimals: Any = stored.str.extract(r"\.(\d+)$").str.len_chars().max()
    return int(decimals or 0)
