"""Bytes of a text file as UTF-8, by evidence: marks, NULs, valid sequences, and letters that Vietnamese has.

Windows-1258 gives nearly every byte a meaning, so that it "reads" any old encoding; a text is taken for it
only where what comes out looks like Vietnamese. Splitting into cells is in ``extracts.sheets``.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator

import polars as pl

from extracts.problems import ExtractError

UTF8, UTF16, CP1258 = "UTF-8", "UTF-16", "Windows-1258"
_PIECE = 64 * 1024**2
_SAMPLE = 1024**2
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_VIETNAMESE = frozenset(
    "ăâđêôơưàảãáạèẻẽéẹìỉĩíịòỏõóọùủũúụỳỷỹýỵ₫–—‘’“”…«»°§·•\u00a0\u0300\u0301\u0303\u0309\u0323"
)
_ALIEN_SHARE = 0.1
"""Share of bytes above 127 that may be no Vietnamese letter (a foreign firm's name) in Windows-1258."""


def as_utf8(raw: bytes, shown: str, *, thorough: bool = False) -> tuple[bytes, str]:
    """A text file's bytes in UTF-8 (its mark may remain), and the encoding it came in.

    Of a long text that begins as UTF-8 only the beginning is looked at: reading it will find what is broken
    further on (``is_utf8`` tells then), at no cost where nothing is.

    Raises:
        ExtractError: binary, torn, or in an encoding that cannot be told, with the first row in doubt.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _from_utf16(raw, "utf-16", shown)
    if b"\x00" in raw:
        return _from_utf16(raw, _unmarked_utf16(raw, shown), shown)
    if is_utf8(raw if thorough else raw[: raw.find(b"\n", _SAMPLE) + 1] or raw):
        return raw, UTF8
    if _mostly_utf8(raw[:_SAMPLE]):
        row = _row_of_first_fault(raw)
        raise ExtractError(
            shown, "the text is UTF-8 up to here, and broken here",
            "Ask for the file again, saved as CSV UTF-8", row=row,
        )  # fmt: skip
    return _from_cp1258(raw, shown), CP1258


def _from_utf16(raw: bytes, codec: str, shown: str) -> tuple[bytes, str]:
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as error:
        row = raw[: error.start].decode(codec, errors="ignore").count("\n") + 1
        raise ExtractError(
            shown, "the text is UTF-16 and cut short or damaged",
            "Ask for the file again, saved as CSV UTF-8", row=row,
        ) from error  # fmt: skip
    if "\x00" in text:
        raise _torn(shown, text[: text.index("\x00")].count("\n") + 1)
    return text.encode(), UTF16


def _unmarked_utf16(raw: bytes, shown: str) -> str:
    """Byte order of a UTF-16 text without a mark: its ASCII letters have a NUL on one and the same side."""
    sample = raw[: _SAMPLE - _SAMPLE % 2]
    low, high = sample[0::2].count(0), sample[1::2].count(0)
    if high > 10 * low and high > len(sample) // 8:
        return "utf-16-le"
    if low > 10 * high and low > len(sample) // 8:
        return "utf-16-be"
    if raw.index(b"\x00") < 64:
        raise ExtractError(
            shown, "this is a binary file, not text", "Check the file's ending and send it again"
        )
    raise _torn(shown, raw[: raw.index(b"\x00")].count(b"\n") + 1)


def _torn(shown: str, row: int) -> ExtractError:
    return ExtractError(
        shown,
        "the text breaks off into NUL bytes, as in a copy that was cut short",
        "Copy the file again",
        row=row,
    )


def is_utf8(raw: bytes) -> bool:
    """Whether all of it is valid, a piece at a time: polars looks several times as fast as Python."""
    try:
        for start, end in _pieces(raw):
            pl.Series([raw[start:end]], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def _pieces(raw: bytes) -> Iterator[tuple[int, int]]:
    """Pieces that end at line ends, so that none cuts a letter in two."""
    start = 0
    while start < len(raw):
        end = raw.find(b"\n", start + _PIECE) + 1 or len(raw)
        yield start, end
        start = end


def _mostly_utf8(sample: bytes) -> bool:
    """Whether more than half of the bytes above 127 stand in valid UTF-8 sequences."""
    high = sum(byte > 127 for byte in sample)
    return 2 * sum(len(found) for found in _SEQUENCE.findall(sample)) > high


def _row_of_first_fault(raw: bytes) -> int:
    rows = 1
    for start, end in _pieces(raw):
        try:
            raw[start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            return rows + raw[start : start + error.start].count(b"\n")
        rows += raw[start:end].count(b"\n")
    return rows


def _from_cp1258(raw: bytes, shown: str) -> bytes:
    alien = _alien_bytes()
    ascii_only = bytes(range(128))
    high = len(raw.translate(None, ascii_only))
    strange = high - len(raw.translate(None, ascii_only + alien))
    if strange > _ALIEN_SHARE * high or raw.translate(None, _undefined_bytes()) != raw:
        found = re.search(b"[" + re.escape(alien) + b"]", raw)
        raise ExtractError(
            shown, "the encoding is neither UTF-8, UTF-16 nor Windows-1258; letters would be misread",
            "Save it as CSV UTF-8 (from TCVN3 or VNI fonts: convert it to Unicode first)",
            row=raw[: found.start() if found else 0].count(b"\n") + 1,
        )  # fmt: skip
    return unicodedata.normalize("NFC", raw.decode("cp1258")).encode()


def _undefined_bytes() -> bytes:
    return bytes(byte for byte in range(128, 256) if not bytes([byte]).decode("cp1258", errors="ignore"))


def _alien_bytes() -> bytes:
    """Bytes that stand for no Vietnamese letter, tone or common mark in Windows-1258, or for nothing."""
    letters = {byte: bytes([byte]).decode("cp1258", errors="ignore") for byte in range(128, 256)}
    return bytes(byte for byte, letter in letters.items() if letter.lower() not in _VIETNAMESE)
