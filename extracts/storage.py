"""What the system says when a file cannot be written, whoever was writing it.

polars tells of a full disk as of an error in computing; whoever decides on retries, and whoever reads the
message, needs the system's own word.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")


@contextmanager
def system_errors() -> Iterator[None]:
    """Within, an error of polars that the system caused is raised as the ``OSError`` that it is.

    Raises:
        OSError: with the system's number and words.
    """
    try:
        yield
    except pl.exceptions.PolarsError as error:
        found = _SYSTEM_ERROR.search(str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number)) from error
