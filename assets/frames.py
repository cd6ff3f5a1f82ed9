"""Where the frames between steps lie, and reading them: a folder or S3-compatible storage, one kind of path.

Without Dagster, so that commands which only look into the lake are quick; the IO manager is ``assets.lake``.
"""

import os
from pathlib import Path

import polars as pl
from upath import UPath

_LONGEST_REASON = 200


class LakeError(Exception):
    """The lake cannot be used; the message says why and what to do."""


def lake_at(place: str) -> UPath:
    """The lake's folder: a path, or a URL such as ``s3://bucket/folder``.

    Raises:
        LakeError: for storage whose library is not installed.
    """
    try:
        return UPath(place)
    except (ImportError, ValueError) as error:
        raise LakeError(
            f"lake {place} cannot be used ({error}). For s3:// install the extra 's3'; else give a folder"
        ) from error


def check_lake(lake: UPath) -> None:
    """Write and remove a small file, so that a night does not begin what it cannot keep.

    Raises:
        LakeError: the storage is away, refuses, or has no such bucket.
    """
    probe = lake / f".probe-{os.getpid()}"
    try:
        probe.write_bytes(b"wardcast")
        probe.unlink()
    # Storage libraries raise errors of their own kinds beside those of the system.
    except Exception as error:  # noqa: BLE001
        said = f"{type(error).__name__}: {str(error)[:_LONGEST_REASON]}"
        raise LakeError(
            f"lake {lake} cannot be written ({said}). See that WARDCAST_LAKE names a bucket that is there, "
            "and that the environment has its credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and "
            "AWS_ENDPOINT_URL for storage of your own)"
        ) from None


def frames_of(lake: UPath, name: str) -> list[UPath]:
    """An asset's frames, by night."""
    return sorted((lake / name).glob("*.parquet"), key=lambda path: path.name)


def scan_frame(path: UPath) -> pl.LazyFrame:
    """A plan over a frame; where it lies on storage that is no folder, it is held in memory meanwhile."""
    return pl.scan_parquet(path if isinstance(path, Path) else path.read_bytes(), glob=False)


def read_frame(path: UPath) -> pl.DataFrame:
    """A frame, wherever it lies."""
    with path.open("rb") as file:
        return pl.read_parquet(file.read())
