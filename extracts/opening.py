"""Any file opened as sheets, by what its bytes are and not by what its ending says.

Only here is it decided which reader a file goes to; limits are held against it before it is read.
"""

import codecs
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from authorities.forms import OLD_ENCODINGS, USUAL_LIMITS, ExtractForm, OldEncoding, ReadingLimits
from extracts.archives import GZIP, ZIP, Member, is_archive, members_of, read_gzip, read_member, refuse_large
from extracts.problems import ExtractError
from extracts.sheets import Sheet, sheet_of_cells, sheet_of_frame, sheet_of_workbook, text_sheet
from extracts.tables import PARQUET, parquet_cells
from extracts.web_pages import is_web_page, page_cells
from extracts.workbooks import OLE, in_unicode, is_workbook, no_sheet_fits, workbook_cells

READABLE = {
    ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".csv", ".txt", ".tsv", ".html", ".htm", ".parquet",
    ".zip", ".gz",
}  # fmt: skip


@dataclass(frozen=True)
class Manner:
    """How a form's files are written, and what they may not exceed.

    Attributes:
        decimal: the decimal separator, in which numeric cells of workbooks and tables are written too.
        wanted: pattern of the sheet names to open; all where None.
        old: encodings before Unicode that a text may be in.
        limits: what no file may exceed.
    """

    decimal: str = ","
    wanted: str | None = None
    old: Sequence[OldEncoding] = OLD_ENCODINGS
    limits: ReadingLimits = USUAL_LIMITS

    @classmethod
    def of(cls, form: ExtractForm, limits: ReadingLimits) -> "Manner":
        """The manner of one form's files."""
        return cls(form.numbers.decimal, form.recognise.sheet_name, form.encodings, limits)


def open_sheets(path: Path, shown: str, manner: Manner, member: Member | None = None) -> list[Sheet]:
    """The sheets of a file, or of a member of an archive.

    Args:
        path: the file.
        shown: its path below the landing folder, for messages.
        manner: how the form that claims it writes.
        member: the member meant, where the file is an archive.

    Raises:
        ExtractError: empty, truncated, beyond a limit, in an unknown format or encoding.
        OSError: the file cannot be read at all.
    """
    suffix = Path(shown).suffix
    if suffix.lower() not in READABLE:
        raise ExtractError(shown, f"files ending in '{suffix}' are not read", "Send it as xlsx or csv")
    refuse_large(path, shown, manner.limits)
    if member is None and _starts(path, PARQUET):
        return _table(path, shown, manner)
    return list(_sheets(_unpacked(path, shown, manner, member), shown, manner))


def _starts(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _unpacked(path: Path, shown: str, manner: Manner, member: Member | None) -> bytes:
    if member is not None:
        return read_member(path, member, shown)
    if _starts(path, GZIP) or shown.lower().endswith(".gz"):
        return read_gzip(path, shown, manner.limits)
    if _starts(path, ZIP) and is_archive(path):
        return _only_member(path, shown, manner)
    return path.read_bytes()


def _only_member(path: Path, shown: str, manner: Manner) -> bytes:
    """What an archive under another ending holds, if that is one file."""
    members = members_of(path, shown, manner.limits)
    if len(members) != 1:
        raise ExtractError(
            shown,
            f"this is an archive of {len(members)} files",
            "Let its name end in .zip; each is then read",
        )
    return read_member(path, members[0], shown)


def _sheets(raw: bytes, shown: str, manner: Manner) -> Iterator[Sheet]:
    if not raw:
        raise ExtractError(shown, "the file is empty", "Ask the sender to send it again")
    if raw.startswith(PARQUET):
        yield from _table(io.BytesIO(raw), shown, manner)
    elif raw.startswith(GZIP):
        raise ExtractError(shown, "this was packed twice", "Unpack it once and send it again")
    elif is_workbook(raw):
        yield from _workbook(raw, shown, manner)
    elif is_web_page(raw):
        rows, encoding = page_cells(raw, shown, decimal=manner.decimal, limits=manner.limits, old=manner.old)
        yield sheet_of_cells("", rows, "web page", encoding)
    elif raw.lstrip()[:1] == b"<":
        raise ExtractError(shown, "this is XML, whatever its ending", "Open it in Excel and save it as xlsx")
    elif manner.wanted is not None:
        raise no_sheet_fits(shown, manner.wanted, [])
    else:
        yield text_sheet(raw, shown, manner.old, manner.limits)


def is_plain_text(raw: bytes) -> bool:
    """Whether bytes begin as nothing else does that is read here."""
    is_marked_up = is_web_page(raw) or raw.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<"
    return bool(raw) and not (raw.startswith((PARQUET, GZIP)) or is_workbook(raw) or is_marked_up)


def _workbook(raw: bytes, shown: str, manner: Manner) -> Iterator[Sheet]:
    kind = "workbook (xls)" if raw.startswith(OLE) else "workbook"
    cells = workbook_cells(raw, shown, decimal=manner.decimal, wanted=manner.wanted, limits=manner.limits)
    for name, frame in cells:
        readable, old = in_unicode(frame)
        yield sheet_of_workbook(name, readable, kind, old)


def _table(source: Path | io.BytesIO, shown: str, manner: Manner) -> list[Sheet]:
    names, frame = parquet_cells(source, shown, decimal=manner.decimal, limits=manner.limits)
    return [sheet_of_frame(names, frame, "Parquet")]
