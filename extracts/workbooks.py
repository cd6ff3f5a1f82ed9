"""Workbooks opened as sheets of text cells, whatever ending their name has.

Numbers are written the way the form writes numbers, so that one reading serves workbooks and text files. Text
files, and what both have in common, are in ``extracts.sheets``.
"""

import datetime as dt
import io
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from zipfile import BadZipFile

from authorities.forms import ReadingLimits
from extracts.archives import ZIP
from extracts.problems import ExtractError
from extracts.vietnamese import TCVN3, VNI, from_tcvn3, from_vni, syllable_share
from extracts.workbook_extent import refuse_oversized

OLE = b"\xd0\xcf\x11\xe0"
_UNICODE_SHARE, _OLD_SHARE = 0.5, 0.8
"""Shares of accented words that are Vietnamese: below the first cells are in doubt, above the second sure."""
_SAMPLE_ROWS = 500
_EXACT = 10**15
"""Below, a whole number in a cell has no digits that its sheet does not show."""


def is_workbook(raw: bytes) -> bool:
    """Whether the bytes begin as a workbook does (xlsx, xlsb and ods are zip files; xls is OLE)."""
    return raw.startswith((ZIP, OLE))


def workbook_cells(
    raw: bytes, shown: str, *, decimal: str, wanted: str | None, limits: ReadingLimits
) -> Iterator[tuple[str, list[list[str]]]]:
    """Name and text cells, row by row from the sheet's first, of every sheet whose name fits ``wanted``.

    Raises:
        ExtractError: beyond a limit, damaged, protected by a password, or without a sheet that fits.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        if raw.startswith(ZIP):
            refuse_oversized(raw, shown, limits)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = {name: unicodedata.normalize("NFC", name).strip() for name in workbook.sheet_names}
        chosen = [name for name, bare in names.items() if wanted is None or re.search(wanted, bare)]
        if not chosen:
            raise no_sheet_fits(shown, wanted or "", names.values())
        for name in chosen:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            # Most cells are texts; the name of a type is quicker to ask for than what it descends from.
            yield (
                names[name],
                [
                    [cell.strip() if type(cell) is str else _cell_text(cell, decimal) for cell in row]
                    for row in rows
                ],
            )
    except PasswordError as error:
        raise ExtractError(
            shown, "the workbook is protected by a password", "Ask for it without one"
        ) from error
    except (CalamineError, BadZipFile, SyntaxError, zlib.error, EOFError, OSError, ValueError) as error:
        raise ExtractError(
            shown,
            "the workbook is damaged or cut short",
            "Open it in Excel, save it again, or ask for it again",
        ) from error


def no_sheet_fits(shown: str, wanted: str, names: Iterable[str]) -> ExtractError:
    """The error for a file none of whose sheets the form names."""
    there = ", ".join(f"'{name}'" for name in names)
    problem = f"no sheet fits '{wanted}' of the form (there are {there or 'no sheets'})"
    return ExtractError(shown, problem, "Name the sheet as the form expects")


def in_unicode(rows: list[list[str]]) -> tuple[list[list[str]], str]:
    """Cells whose letters only a TCVN3 or VNI font makes Vietnamese, as Unicode; and what they were, if so.

    Such a workbook holds ``Sè tiÒn`` for ``Số tiền``. It is told by the words, of all its cells together.
    """
    sampled = rows[:: max(1, len(rows) // _SAMPLE_ROWS)]
    words = {cell for row in [*rows[:60], *sampled] for cell in row if not cell.isascii()}
    share = syllable_share(" ".join(words))
    if share is None or share >= _UNICODE_SHARE:
        return rows, ""
    for name, reading in ((TCVN3, from_tcvn3), (VNI, from_vni)):
        read = {cell: _read_as(cell, reading) for cell in words}
        if (syllable_share(" ".join(read.values())) or 0) >= _OLD_SHARE:
            return [
                [cell if cell.isascii() else _read_as(cell, reading) for cell in row] for row in rows
            ], name
    return rows, ""


def _read_as(cell: str, reading: Callable[[bytes], str | None]) -> str:
    try:
        return reading(cell.encode("latin-1")) or cell
    except UnicodeEncodeError:
        return cell


def _cell_text(cell: object, decimal: str) -> str:
    if type(cell) is float and cell and -_EXACT < cell < _EXACT and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, int | float):
        exact = Decimal(repr(cell))
        if not exact.is_finite():
            return str(cell)
        plain = format(exact.to_integral_value() if exact == exact.to_integral_value() else exact, "f")
        return plain.replace(".", decimal)
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()[:10]
    return str(cell).strip()
