"""Finding a form's header in a sheet: searched by its words, not counted.

Gives which cell column holds which meaning. The form's words are data (``authorities.forms``).
"""

from dataclasses import dataclass

from authorities.forms import ExtractForm, FormColumn
from extracts.encodings import UNICODE
from extracts.problems import ExtractError
from extracts.sheets import Sheet
from extracts.text import fold


@dataclass(frozen=True)
class Header:
    """Where the table begins: ``end`` rows are title and header; ``places`` maps columns to positions."""

    sheet: Sheet
    """The sheet as split by the delimiter under which the header was found."""
    end: int
    places: tuple[tuple[FormColumn, int], ...]
    keep_place: int | None
    """Position of the row filter's column, where the form has one."""
    width: int
    """Cells of the header's longest row."""

    def title(self, place: int) -> str:
        """The header's own words over a column, the lowest that are given."""
        rows = self.sheet.head[: self.end]
        return next((row[place] for row in reversed(rows) if place < len(row) and row[place]), "")


@dataclass(frozen=True)
class Lack:
    """The row that came nearest to a form's header: how many columns it has, its number, what it lacks."""

    found: int
    row: int
    missing: tuple[str, ...]


def find_header(form: ExtractForm, sheet: Sheet, shown: str) -> Header:
    """The first row (or stack of rows) of ``sheet`` that carries every column the form needs.

    Raises:
        ExtractError: naming the row that came nearest and the header words it lacks.
    """
    found = header_or_lack(form, sheet)
    if isinstance(found, Header):
        return found
    if found is not None:
        raise ExtractError(
            shown, f"the header lacks {', '.join(found.missing)}{_misread(sheet)}",
            f"Restore the column, or add its new title to form '{form.form_code}'",
            sheet=sheet.name, row=found.row,
        )  # fmt: skip
    words = ", ".join(f"'{column.header[0]}'" for column in form.columns if not column.optional)
    raise ExtractError(
        shown, f"no header row of form '{form.form_code}' found in the first {len(sheet.head)} rows "
        f"(looked for {words}){_misread(sheet)}",
        "Check that it is the right file, or mend the form's header words", sheet=sheet.name,
    )  # fmt: skip


def header_or_lack(form: ExtractForm, sheet: Sheet) -> Header | Lack | None:
    """The form's header in ``sheet``, else what came nearest to it; None where no column of it is there."""
    misses = []
    for split in (sheet, *sheet.others):
        header, nearest = _search(form, split)
        if header is not None:
            return header
        if nearest is not None:
            misses.append(nearest)
    return max(misses, key=lambda miss: miss.found) if misses else None


def _misread(sheet: Sheet) -> str:
    """A doubt about the encoding, where the text was not in one that shows itself."""
    if not sheet.encoding or sheet.encoding in UNICODE:
        return ""
    return (
        f"; its encoding is no Unicode and was taken for {sheet.encoding}: if that is wrong, save it as "
        "CSV UTF-8"
    )


def _search(form: ExtractForm, sheet: Sheet) -> tuple[Header | None, Lack | None]:
    nearest: Lack | None = None
    for start in range(len(sheet.head)):
        rows = sheet.head[start : start + form.header_rows]
        labels = _labels(rows)
        places, missing = _match(form, labels)
        keep_place = None
        if form.keep is not None:
            keep_place = next((n for n, label in enumerate(labels) if fold(form.keep.header) in label), None)
            missing += [f"'{form.keep.header}'"] if keep_place is None else []
        if not missing:
            return Header(sheet, start + len(rows), tuple(places), keep_place, len(labels)), None
        if places and (nearest is None or len(places) > nearest.found):
            nearest = Lack(len(places), start + 1, tuple(missing))
    return None, nearest


def _labels(rows: list[list[str]]) -> list[set[str]]:
    """What each column may be called: its own words at any level, and the levels joined by ' / '.

    Merged cells stand only in their first column, so what stands above another title is carried to the right.
    """
    width = max((len(row) for row in rows), default=0)
    levels = [[fold(row[place]) if place < len(row) else "" for place in range(width)] for row in rows]
    carried = [_carried(level) for level in levels[:-1]]
    labels = []
    for place in range(width):
        own = [level[place] for level in levels if level[place]]
        lowest = levels[-1][place]
        above = [level[place] for level in carried if level[place]] if lowest else own[:-1]
        labels.append({own[-1], " / ".join([*above, own[-1]])} if own else set())
    return labels


def _carried(level: list[str]) -> list[str]:
    full: list[str] = []
    for words in level:
        full.append(words or (full[-1] if full else ""))
    return full


def _match(form: ExtractForm, labels: list[set[str]]) -> tuple[list[tuple[FormColumn, int]], list[str]]:
    """Places of the form's columns, and what is missing; a title that two columns bear is no evidence."""
    places: list[tuple[FormColumn, int]] = []
    missing: list[str] = []
    taken: set[int] = set()
    for column in form.columns:
        found = _places_of(column, labels, taken)
        if len(found) == 1 or (found and column.field == "ignored"):
            taken.add(found[0])
            places.append((column, found[0]))
        elif found:
            at = " and ".join(str(place + 1) for place in found)
            missing.append(f"one '{column.header[0]}' (columns {at} are both called so)")
        elif not column.optional:
            missing.append(f"'{column.header[0]}'")
    return places, missing


def _places_of(column: FormColumn, labels: list[set[str]], taken: set[int]) -> list[int]:
    """Columns called by the first of the form's titles that any column bears."""
    for title in column.header:
        wanted = fold(title)
        found = [place for place, label in enumerate(labels) if place not in taken and wanted in label]
        if found:
            return found
    return []
