"""Who paid, without saying who: keyed hashes of taxpayers' numbers and names, and the key.

Staging puts a pseudonym in place of a taxpayer and carries no further what the file said. A keyed hash, as
plain ones of ten-digit numbers are found by trying them all. When the names in raw rows themselves go is in
``extracts.erasure``.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import polars as pl

from extracts.problems import ExtractError
from extracts.text import fold
from warehouse.tables.staging import PSEUDONYM

TAXPAYER = ("taxpayer_name", "taxpayer_no")
"""Raw columns that speak of a person or firm; no staged row has them."""
KEY_FILE = "pseudonym.key"
KEY_VARIABLE = "WARDCAST_PSEUDONYM_KEY"
_KEY_BYTES = 32
_FEWEST_CHARACTERS = 32
_Frame = TypeVar("_Frame", pl.DataFrame, pl.LazyFrame)
_DIGEST_BYTES = 8
"""64 bits: among a million taxpayers two share one with a probability of 3 in 10⁸."""


@dataclass(frozen=True)
class PseudonymKey:
    """The secret. ``fingerprint`` tells two keys apart without saying either."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """Short name of the key."""
        return hashlib.blake2b(b"fingerprint", key=self.secret, digest_size=4).hexdigest()

    def pseudonym(self, said: str) -> int:
        """A whole number of 64 bits for a taxpayer as told."""
        digest = hashlib.blake2b(said.encode(), key=self.secret, digest_size=_DIGEST_BYTES).digest()
        return int.from_bytes(digest, "little", signed=True)


def pseudonym_key(store: Path, given: str | None = None) -> PseudonymKey:
    """The key: ``given`` by the environment, else that in the store, made at first use for the owner alone.

    Raises:
        ExtractError: the given key is short enough to be guessed, or the kept one is damaged.
        OSError: the store cannot be written.
    """
    if given:
        if len(given) < _FEWEST_CHARACTERS:
            raise ExtractError(
                KEY_VARIABLE, f"the key has {len(given)} characters, which could be guessed",
                f"Give {_FEWEST_CHARACTERS} or more, such as  openssl rand -hex 32  makes",
            )  # fmt: skip
        return PseudonymKey(hashlib.blake2b(given.encode(), digest_size=_KEY_BYTES).digest())
    path = store / KEY_FILE
    if not path.is_file():
        _make(path)
    secret = path.read_bytes()
    if len(secret) != _KEY_BYTES:
        raise ExtractError(
            KEY_FILE, f"the key file has {len(secret)} bytes instead of {_KEY_BYTES}",
            f"Delete {path}: a new one is made, and taxpayers get new pseudonyms",
        )  # fmt: skip
    return PseudonymKey(secret)


def _make(path: Path) -> None:
    """Written beside and linked into place: of two processes at once, the first one's key stands."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_name(f"{path.name}.{os.getpid()}.half")
    half.touch(mode=0o600)
    try:
        half.write_bytes(secrets.token_bytes(_KEY_BYTES))
        with suppress(FileExistsError):
            path.hardlink_to(half)
    finally:
        half.unlink(missing_ok=True)


def with_pseudonyms(rows: _Frame, key: PseudonymKey) -> _Frame:
    """Raw rows with ``taxpayer_key`` in place of the taxpayer's columns.

    The number tells who it is, however it is punctuated; the name only where there is no number. Null where
    the row names nobody. Rows without those columns are given back as they are.
    """
    names = rows.collect_schema().names()
    told = [name for name in _READINGS if name in names]
    if not told:
        return rows
    unsaid: pl.LazyFrame | pl.DataFrame = rows
    keys = [pl.lit(None, pl.Int64)]
    for name in told:
        seen = _collected(unsaid.select(pl.col(name).unique())).to_series()
        own = _pseudonyms(seen, key)
        if own.null_count() < own.len():
            keys.append(pl.col(name).replace_strict(seen, own, default=None, return_dtype=pl.Int64))
        if not own.null_count():
            break
        unsaid = unsaid.filter(pl.col(name).is_in(seen.filter(own.is_null()).implode(), nulls_equal=True))
    said = pl.coalesce(keys[1:] or keys).alias(PSEUDONYM)
    return rows.with_columns(said).drop(TAXPAYER, strict=False)


def _collected(rows: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    return rows if isinstance(rows, pl.DataFrame) else rows.collect(engine="streaming")


def _pseudonyms(seen: pl.Series, key: PseudonymKey) -> pl.Series:
    """The pseudonym of each different text; null where it names nobody."""
    said = seen.to_frame().select(_READINGS[seen.name]).to_series()
    return pl.Series([None if who is None else key.pseudonym(fold(who)) for who in said], dtype=pl.Int64)


def _filled(said: pl.Expr) -> pl.Expr:
    return pl.when(said != "").then(said)


_READINGS = {
    "taxpayer_no": _filled(pl.col("taxpayer_no").str.replace_all(r"[^0-9A-Za-z]", "")),
    "taxpayer_name": _filled(pl.col("taxpayer_name").str.strip_chars()),
}
"""What tells who it is, the surer first."""
