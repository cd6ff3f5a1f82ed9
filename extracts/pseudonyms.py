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

import polars as pl

from extracts.coded import coded
from extracts.problems import ExtractError
from extracts.text import fold
from warehouse.tables.staging import PSEUDONYM

TAXPAYER = ("taxpayer_name", "taxpayer_no")
"""Raw columns that speak of a person or firm; no staged row has them."""
KEY_FILE = "pseudonym.key"
KEY_VARIABLE = "WARDCAST_PSEUDONYM_KEY"
_KEY_BYTES = 32
_FEWEST_CHARACTERS = 32
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


def with_pseudonyms(rows: pl.DataFrame, key: PseudonymKey) -> pl.DataFrame:
    """Raw rows with ``taxpayer_key`` in place of the taxpayer's columns.

    The number tells who it is, however it is punctuated; the name only where there is no number. Null where
    the row names nobody. Rows without those columns are given back as they are.
    """
    told = [(name, reading) for name, reading in _READINGS.items() if name in rows.columns]
    if not told:
        return rows
    found = pl.repeat(None, rows.height, dtype=pl.Int64, eager=True)
    for name, reading in told:
        if found.null_count() == 0 and rows.height:
            break
        texts = rows[name].set(found.is_not_null(), None) if found.null_count() < rows.height else rows[name]
        found = found.fill_null(_pseudonyms(texts, reading, key))
    return rows.drop(TAXPAYER, strict=False).with_columns(found.alias(PSEUDONYM))


def _pseudonyms(texts: pl.Series, reading: pl.Expr, key: PseudonymKey) -> pl.Series:
    """The pseudonym of each text, each different one read once; null where it names nobody."""
    if texts.null_count() == texts.len():
        return pl.repeat(None, texts.len(), dtype=pl.Int64, eager=True)
    found = coded(texts)
    said = found.values.to_frame(texts.name).select(reading).to_series()
    keys = [None if who is None else key.pseudonym(fold(who)) for who in said]
    return found.told(pl.Series(keys, dtype=pl.Int64))


def _filled(said: pl.Expr) -> pl.Expr:
    return pl.when(said != "").then(said)


_READINGS = {
    "taxpayer_no": _filled(pl.col("taxpayer_no").str.replace_all(r"[^0-9A-Za-z]", "")),
    "taxpayer_name": _filled(pl.col("taxpayer_name").str.strip_chars()),
}
"""What tells who it is, the surer first."""
