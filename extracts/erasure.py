"""When taxpayers' names go from the raw rows: after the authority's days, their pseudonyms stay.

Everything else of the raw rows stays as received, so that no figure of any ledger moves: what is made from
raw rows never reads the names. What a pseudonym is, is in ``extracts.pseudonyms``.
"""

import datetime as dt
import os
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from authorities.forms import DATABASE_FOLDER
from extracts.pseudonyms import TAXPAYER, PseudonymKey, with_pseudonyms
from extracts.raw import HELD_BYTES
from extracts.remembered import stamp_of, still_counted

_DONE = "erased.txt"
"""Files that hold no name any more, one a line, so that a night looks at what is due alone."""


def erase_taxpayers(
    store: Path, register: pl.DataFrame, night: dt.date, kept_days: int, key: PseudonymKey
) -> int:
    """Put pseudonyms in place of names and numbers in kept raw rows received over ``kept_days`` ago.

    Rows of files that the register does not know any more, such as ones that were overwritten, are due at
    once. What a database gave, which is kept beside its raw rows, goes whole.

    Args:
        register: of all files, in the shape of ``core_delivery``.
        night: the night that is run, from which the days count back.

    Returns:
        How many files hold no name since now.

    Raises:
        OSError: the store cannot be written.
    """
    before = night - dt.timedelta(days=kept_days)
    done = _done(store)
    young = set(register.filter((pl.col("received_on") >= before).fill_null(value=True))["sha256"])
    due = [
        path
        for path in sorted(store.glob("*/*-*.parquet"))
        if path.parent.name != DATABASE_FOLDER
        and path.name not in done
        and path.name.partition("-")[0] not in young
    ]
    as_counted = {path: stamp_of(path.stat()) for path in due}
    erased = [path for path in due if _erase(path, key)]
    if erased:
        still_counted(store, {path: as_counted[path] for path in erased})
    if due:
        _remember(store, done | {path.name for path in due})
    return len(erased) + _forget_fetched(store, before)


def _erase(path: Path, key: PseudonymKey) -> bool:
    """Written beside and renamed, notes and rights kept; False where the rows name nobody."""
    if not set(TAXPAYER) & set(pl.read_parquet_schema(path)):
        return False
    notes = {name: said for name, said in pl.read_parquet_metadata(path).items() if name != "ARROW:schema"}
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.touch(mode=0o600)
    scan = pl.scan_parquet(path, glob=False)
    is_large = path.stat().st_size > HELD_BYTES
    without = with_pseudonyms(scan, key) if is_large else with_pseudonyms(scan.collect(), key).lazy()
    without.sink_parquet(half, compression="lz4", statistics=False, metadata=notes)
    half.chmod(0o400)
    half.replace(path)
    return True


def _forget_fetched(store: Path, before: dt.date) -> int:
    """What databases gave on nights before ``before``; the last night of a form stays, as it says when it
    was asked."""
    folder = store / DATABASE_FOLDER
    newest = {path.name: path for path in sorted(folder.glob("*/*.parquet"))}
    old = [
        path
        for path in folder.glob("*/*.parquet")
        if dt.date.fromisoformat(path.parent.name) < before and path != newest[path.name]
    ]
    for path in old:
        path.unlink()
    return len(old)


def _done(store: Path) -> set[str]:
    path = store / _DONE
    return set(path.read_text(encoding="utf-8").split()) if path.is_file() else set()


def _remember(store: Path, names: Iterable[str]) -> None:
    half = store / f"{_DONE}.{os.getpid()}.half"
    half.touch(mode=0o600)
    half.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")
    half.replace(store / _DONE)
