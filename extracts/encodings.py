"""Bytes of a text file as UTF-8, by evidence: marks, NULs, valid sequences, and words that Vietnamese has.

Old encodings give nearly every byte a meaning, so that each "reads" the texts of the others. Of those that a
form admits, the one is taken under which most accented words are Vietnamese ones. The maps of TCVN3 and VNI
are in ``extracts.vietnamese``; splitting into cells is in ``extracts.sheets``.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from authorities.forms import OLD_ENCODINGS, OldEncoding
from extracts.problems import ExtractError
from extracts.vietnamese import TCVN3, VNI, from_tcvn3, from_vni, syllable_share

UTF8, UTF16, CP1258, CP1252 = "UTF-8", "UTF-16", "Windows-1258", "Windows-1252"
UNICODE = {UTF8, UTF16}
_PIECE = 64 * 1024**2
SAMPLE = 1024**2
"""Bytes up to which, and to the end of whose last line, a text's encoding is told."""
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LEAST_SHARE = 0.5
"""Share of accented words that must be Vietnamese ones; the others are foreign firms and abbreviations."""


def as_utf8(
    raw: bytes, shown: str, *, old: Sequence[OldEncoding] = OLD_ENCODINGS, thorough: bool = False
) -> tuple[bytes, str]:
    """A text file's bytes in UTF-8 (its mark may remain), and the encoding it came in.

    Of a long text that begins as UTF-8 only the beginning is looked at: reading it will find what is broken
    further on (``is_utf8`` tells then), at no cost where nothing is. ``old`` are the encodings that a text
    which is no Unicode may be in, likeliest first.

    Raises:
        ExtractError: binary, torn, or in an encoding that cannot be told, with the first row in doubt.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _from_utf16(raw, "utf-16", shown)
    if b"\x00" in raw:
        return _from_utf16(raw, _unmarked_utf16(raw, shown), shown)
    if is_utf8(raw if thorough else raw[: raw.find(b"\n", SAMPLE) + 1] or raw):
        return raw, UTF8
    if _mostly_utf8(raw[:SAMPLE]):
        row = _row_of_first_fault(raw)
        raise ExtractError(
            shown, "the text is UTF-8 up to here, and broken here",
            "Ask for the file again, saved as CSV UTF-8", row=row,
        )  # fmt: skip
    return _from_old(raw, shown, old)


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
    sample = raw[: SAMPLE - SAMPLE % 2]
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


def _from_old(raw: bytes, shown: str, old: Sequence[OldEncoding]) -> tuple[bytes, str]:
    """The text by the encoding that gives the most Vietnamese words; a western one needs no such words."""
    best, text, share = "", "", 0.0
    for name in old:
        called, reading = _OLD[name]
        read = reading(raw)
        if read is None:
            continue
        found = _LEAST_SHARE if name == "windows-1252" else syllable_share(read) or 0.0
        if found > share:
            best, text, share = called, read, found
    if share < _LEAST_SHARE:
        high = re.search(rb"[\x80-\xff]", raw)
        called = ", ".join(_OLD[name][0] for name in old)
        raise ExtractError(
            shown, f"the encoding is neither UTF-8, UTF-16 nor one of {called}; letters would be misread",
            "Save it as CSV UTF-8, or name its encoding in the form",
            row=raw[: high.start() if high else 0].count(b"\n") + 1,
        )  # fmt: skip
    return unicodedata.normalize("NFC", text).encode(), best


def _by_codec(codec: str) -> Callable[[bytes], str | None]:
    def reading(raw: bytes) -> str | None:
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            return None

    return reading


_OLD: dict[OldEncoding, tuple[str, Callable[[bytes], str | None]]] = {
    "windows-1258": (CP1258, _by_codec("cp1258")),
    "tcvn3": (TCVN3, from_tcvn3),
    "vni": (VNI, from_vni),
    "windows-1252": (CP1252, _by_codec("cp1252")),
}
