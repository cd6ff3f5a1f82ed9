"""Finding a form's header in a sheet: searched by its words, not counted.

Gives which cell column holds which meaning. The form's words are data (``authorities.forms``).
"""

from dataclasses import dataclass

from authorities.forms import ExtractForm, FormColumn
from extracts.problems import ExtractError
from extracts.sheets import Sheet
from extracts.text import fold


@dataclass(frozen=True)
class Header:
    """Where the table begins: ``end`` rows are title and header; ``places`` maps columns to positions."""

    end: int
    places: tuple[tuple[FormColumn, int], ...]
    keep_place: int | None
    """Position of the row filter's column, where the form has one."""
    width: int


def find_header(form: ExtractForm, sheet: Sheet, shown: str) -> Header:
    """The first row (or stack of rows) of ``sheet`` that carries every column the form needs.

    Raises:
        ExtractError: naming the row that came nearest and the header words it lacks.
    """
    nearest: tuple[int, int, list[str]] | None = None
    for start in range(len(sheet.head)):
        labels = _labels(sheet.head[start : start + form.header_rows])
        places, missing = _match(form, labels)
        if not missing:
            return _header(form, start, labels, places, sheet)
        if places and (nearest is None or len(places) > nearest[1]):
            nearest = (start + 1, len(places), missing)
    if nearest is None:
        words = ", ".join(f"'{column.header[0]}'" for column in form.columns if not column.optional)
        raise ExtractError(
            shown, f"no header row of form '{form.form_code}' found (looked for {words})",
            "Check that it is the right file, or mend the form's header words", sheet=sheet.name,
        )  # fmt: skip
    raise ExtractError(
        shown, f"the header lacks {', '.join(nearest[2])}",
        f"Restore the column, or add its new title to form '{form.form_code}'", sheet=sheet.name, row=nearest[0],
    )  # fmt: skip


def _header(
    form: ExtractForm, start: int, labels: list[set[str]], places: list[tuple[FormColumn, int]], sheet: Sheet
) -> Header:
    keep_place = None
    if form.keep is not None:
        wanted = fold(form.keep.header)
        keep_place = next((place for place, label in enumerate(labels) if wanted in label), None)
    width = max(len(labels), *(len(row) for row in sheet.head))
    return Header(start + form.header_rows, tuple(places), keep_place, width)


def _labels(rows: list[list[str]]) -> list[set[str]]:
    """What each column may be called: its own words at any level, and the levels joined by ' / '.

    Merged cells stand only in their first column, so all but the lowest level are carried to the right.
    """
    if not rows:
        return []
    width = max(len(row) for row in rows)
    levels = [[fold(row[place]) if place < len(row) else "" for place in range(width)] for row in rows]
    for level in levels[:-1]:
        for place in range(1, width):
            level[place] = level[place] or level[place - 1]
    labels = []
    for place in range(width):
        words = [level[place] for level in levels if level[place]]
        own = {words[-1]} if words else set()
        labels.append(own | {" / ".join(words)} - {""})
    return labels


def _match(form: ExtractForm, labels: list[set[str]]) -> tuple[list[tuple[FormColumn, int]], list[str]]:
    places: list[tuple[FormColumn, int]] = []
    missing: list[str] = []
    taken: set[int] = set()
    for column in form.columns:
        wanted = {fold(title) for title in column.header}
        found = next((n for n, label in enumerate(labels) if n not in taken and wanted & label), None)
        if found is not None:
            taken.add(found)
            places.append((column, found))
        elif not column.optional:
            missing.append(f"'{column.header[0]}'")
    return places, missing
