"""Packed files, opened within limits: what a gzip or zip file holds is known before anything is unpacked.

A zip file's own directory says what its members unpack to, and no reader here takes more than it says; a gzip
file is counted through once without being kept. What the bytes mean is in ``extracts.sheets``.
"""

import contextlib
import gzip
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from authorities.forms import ReadingLimits
from extracts.problems import ExtractError

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
_EMPTY_ZIP = b"PK\x05\x06"
_PIECE = 1024**2
_HARMLESS = 64 * 1024**2
"""Bytes up to which it does not matter how tightly something was packed."""
_ENCRYPTED = 1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError)
"""What the standard library raises of a damaged archive, or of a way of packing that it does not know."""
_WORKBOOK_PARTS = {"[Content_Types].xml", "mimetype"}


@dataclass(frozen=True)
class Member:
    """A file in a zip file: its place there, its name with forward slashes, and its size unpacked."""

    place: int
    name: str
    unpacked_bytes: int


def refuse_large(path: Path, shown: str, limits: ReadingLimits) -> None:
    """Refuse a file whose bytes alone exceed ``limits.file_bytes``."""
    size = path.stat().st_size
    if size > limits.file_bytes:
        raise beyond(shown, f"the file has {size:,} bytes", "file_bytes", limits)


def beyond(shown: str, found: str, limit: str, limits: ReadingLimits, sheet: str = "") -> ExtractError:
    """The error for what exceeds a named limit, with how to raise it."""
    most = getattr(limits, limit)
    return ExtractError(
        shown, f"{found}, more than the limit '{limit}' of {most:,} allows; nothing of it was read",
        "Ask for it in smaller parts and without empty rows and columns, or raise the limit under "
        "'limits' in authority.yaml", sheet=sheet,
    )  # fmt: skip


def is_archive(path: Path) -> bool:
    """Whether a file is a zip file that is no workbook (workbooks are zip files too)."""
    with path.open("rb") as file:
        start = file.read(4)
    if start not in {ZIP, _EMPTY_ZIP}:
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return not _WORKBOOK_PARTS & set(archive.namelist())
    except _BROKEN:
        return path.suffix.lower() == ".zip"


def members_of(path: Path, shown: str, limits: ReadingLimits) -> list[Member]:
    """The files in a zip file, folders apart, in its own order.

    Raises:
        ExtractError: damaged, or beyond a limit.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except _BROKEN as error:
        raise _damaged_zip(shown) from error
    refuse_bomb(parts, shown, limits)
    return [
        Member(place, _member_name(part), part.file_size)
        for place, part in enumerate(parts)
        if not part.is_dir()
    ]


def refuse_bomb(parts: list[zipfile.ZipInfo], shown: str, limits: ReadingLimits) -> None:
    """Refuse what unpacks to too many files, too many bytes, or out of nearly nothing."""
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if len(parts) > limits.members:
        raise beyond(shown, f"it holds {len(parts):,} files", "members", limits)
    if unpacked > limits.unpacked_bytes:
        raise beyond(shown, f"it unpacks to {unpacked:,} bytes", "unpacked_bytes", limits)
    _refuse_ratio(packed, unpacked, shown, limits)


def _refuse_ratio(packed: int, unpacked: int, shown: str, limits: ReadingLimits) -> None:
    if unpacked > _HARMLESS and unpacked > limits.unpack_ratio * max(packed, 1):
        times = unpacked // max(packed, 1)
        raise beyond(shown, f"it unpacks to {times:,} times its size", "unpack_ratio", limits)


def read_member(path: Path, member: Member, shown: str) -> bytes:
    """The bytes of a member, no more than the directory says it has.

    Raises:
        ExtractError: damaged, in another shape than its directory says, or protected by a password.
    """
    return b"".join(_pieces_of_member(path, member, shown))


def each_piece(path: Path, member: Member, shown: str, use: Callable[[bytes], None]) -> None:
    """Hand a member's bytes on, a piece at a time."""
    for piece in _pieces_of_member(path, member, shown):
        use(piece)


def _pieces_of_member(path: Path, member: Member, shown: str) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            part = archive.infolist()[member.place]
            if part.flag_bits & _ENCRYPTED:
                raise ExtractError(shown, "it is protected by a password", "Ask for it without one")
            with archive.open(part) as file:
                yield from _pieces(file)
    except (*_BROKEN, IndexError) as error:
        raise _damaged_zip(shown) from error


def read_gzip(path: Path, shown: str, limits: ReadingLimits) -> bytes:
    """What a gzip file holds, after its size unpacked was counted.

    Raises:
        ExtractError: damaged, cut short, or beyond a limit.
    """
    packed, unpacked = path.stat().st_size, 0
    for piece in _gunzipped(path, shown):
        unpacked += len(piece)
        if unpacked > limits.unpacked_bytes:
            raise beyond(shown, f"it unpacks to more than {unpacked:,} bytes", "unpacked_bytes", limits)
        _refuse_ratio(packed, unpacked, shown, limits)
    return b"".join(_gunzipped(path, shown))


def _gunzipped(path: Path, shown: str) -> Iterator[bytes]:
    try:
        with gzip.open(path) as file:
            yield from _pieces(file)
    except (OSError, EOFError, zlib.error) as error:
        raise ExtractError(shown, "the gzip file is damaged or cut short", "Ask for it again") from error


def _pieces(file: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _damaged_zip(shown: str) -> ExtractError:
    return ExtractError(shown, "the zip file is damaged or cut short", "Ask for it again")


def _member_name(part: zipfile.ZipInfo) -> str:
    """Name as it is shown: composed, and read as UTF-8 where the archive does not say but it is."""
    name = part.filename
    if not part.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    safe = [step for step in re.split(r"[/\\]+", name) if step not in {"", ".", ".."}]
    return unicodedata.normalize("NFC", "/".join(safe)) or f"file {part.header_offset}"
