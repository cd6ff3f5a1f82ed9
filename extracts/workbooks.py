"""Workbooks opened as sheets of text cells, whatever ending their name has.

Numbers are written the way the form writes numbers, so that one reading serves workbooks and text files. Text
files, and what both have in common, are in ``extracts.sheets``.
"""

import datetime as dt
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal

from extracts.problems import ExtractError

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def is_workbook(raw: bytes) -> bool:
    """Whether the bytes begin as a workbook does (xlsx, xlsb and ods are zip files; xls is OLE)."""
    return raw.startswith((_ZIP, _OLE))


def workbook_cells(
    raw: bytes, shown: str, *, decimal: str, wanted: str | None
) -> Iterator[tuple[str, list[list[str]]]]:
    """Name and text cells, row by row from the sheet's first, of every sheet whose name fits ``wanted``.

    Raises:
        ExtractError: damaged, protected by a password, or without a sheet that fits.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        names = {name: unicodedata.normalize("NFC", name).strip() for name in workbook.sheet_names}
        chosen = [name for name, bare in names.items() if wanted is None or re.search(wanted, bare)]
        if not chosen:
            raise no_sheet_fits(shown, wanted or "", names.values())
        for name in chosen:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            yield names[name], [[_cell_text(cell, decimal) for cell in row] for row in rows]
    except PasswordError as error:
        raise ExtractError(
            shown, "the workbook is protected by a password", "Ask for it without one"
        ) from error
    except (CalamineError, OSError, ValueError) as error:
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


def _cell_text(cell: object, decimal: str) -> str:
    if isinstance(cell, str):
        return cell.strip()
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
