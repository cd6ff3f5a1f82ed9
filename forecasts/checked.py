"""Frames that a forecast can be asked with: columns there, values whole; the rest is refused by row.

Nothing is guessed and nothing is left out: an amount that is empty or not a number is an error to put right,
not a zero. What the values mean is the seam's affair.
"""

import polars as pl

_SHOWN = 3


def checked(frame: pl.DataFrame, schema: pl.Schema, name: str) -> pl.DataFrame:
    """The frame's columns of `schema`, in its types.

    Raises ValueError naming frame, column and the first rows at fault (counted from 1, with what else they
    say), for a column that is missing or of another kind, and for values that are empty, not a number,
    infinite, or would lose a fraction.
    """
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise ValueError(f"{name}: column {missing[0]!r} is missing; it needs {', '.join(schema)}")
    frame = frame.select(schema.names())
    for column, kind in schema.items():
        _refuse(frame, frame[column].is_null(), name, column, "is empty")
        if frame[column].dtype.is_float():
            _refuse(frame, ~frame[column].is_finite(), name, column, "is not a finite number")
            if kind.is_integer():
                _refuse(frame, frame[column] % 1 != 0, name, column, "is not in whole minor units")
    try:
        return frame.cast(schema)
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{name}: cannot be read as {dict(schema)}: {error}") from error


def _refuse(frame: pl.DataFrame, bad: pl.Series, name: str, column: str, what: str) -> None:
    if not bad.any():
        return
    rows = frame.with_row_index("row", offset=1).filter(bad)
    shown = "; ".join(
        f"row {row['row']} ({', '.join(str(row[key]) for key in frame.columns if key != column)})"
        for row in rows.head(_SHOWN).iter_rows(named=True)
    )
    more = f" and {rows.height - _SHOWN} more" if rows.height > _SHOWN else ""
    raise ValueError(f"{name}: column {column!r} {what} in {shown}{more}; correct the rows or leave them out")
