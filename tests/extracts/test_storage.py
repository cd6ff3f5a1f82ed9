"""A full disk is told as a full disk, and nothing else as one."""

import errno

import polars as pl
import pytest

from extracts.storage import system_errors

ROWS = pl.DataFrame({"amount": range(1000)})


def _written(*, lazily: bool) -> None:
    with system_errors():
        if lazily:
            ROWS.lazy().sink_parquet("/dev/full")
        else:
            ROWS.write_parquet("/dev/full")


@pytest.mark.parametrize("lazily", [False, True])
def test_a_full_disk_is_the_system_s_error(lazily: bool) -> None:
    with pytest.raises(OSError, match="No space left on device") as told:
        _written(lazily=lazily)

    assert told.value.errno == errno.ENOSPC


def test_a_fault_of_the_plan_stays_one() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError), system_errors():
        pl.DataFrame({"code": ["A1"]}).select(pl.col("code").cast(pl.Int64))
