"""How near a file comes to each form: for a file that no form claims, or that its form cannot read.

Gives values; ``wardcast doctor FILE`` says them. Nothing of a row's content is kept. Drafting a form for what
no form knows is in ``extracts.drafting``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from authorities.forms import ExtractForm
from authorities.model import Authority
from extracts.archives import Member
from extracts.headers import Header, header_or_lack
from extracts.opening import Manner, open_sheets
from extracts.problems import ExtractError
from extracts.sheets import Sheet

_STEP = re.compile(r"/(?![^\[]*\])")
"""A slash of a path in a pattern; one in a class such as ``[^/]`` is none."""


@dataclass(frozen=True)
class FormView:
    """A file as one form sees it.

    Attributes:
        name_fits: the form's pattern fits the path.
        only_folder: the pattern fits but for the folder the file lies in.
        sheet: sheet that comes nearest; empty for texts.
        row: row of the header, or of what comes nearest to it; None where nothing does.
        found: columns of the form that the row has.
        missing: titles that it lacks.
        problem: why the file could not be opened as this form opens files.
    """

    form: ExtractForm
    name_fits: bool
    only_folder: bool
    sheet: str = ""
    row: int | None = None
    found: int = 0
    missing: tuple[str, ...] = ()
    problem: str = ""

    @property
    def columns_fit(self) -> bool:
        """Whether the form would find its whole header."""
        return self.row is not None and not self.missing

    @property
    def share_found(self) -> float:
        """Part of the form's needed columns that are there, 0…1."""
        needed = self.found + len(self.missing)
        return self.found / needed if needed else 0.0

    @property
    def reasons(self) -> list[str]:
        """Why the form does not claim the file, or could not read it, one clause each."""
        pattern = self.form.recognise.file_name
        said = []
        if self.only_folder:
            said.append(f"its name fits, but it lies in another folder than {pattern}")
        elif not self.name_fits:
            said.append(f"its path does not fit {pattern}")
        if self.problem:
            said.append(self.problem)
        elif self.missing:
            said.append(f"row {self.row} lacks {', '.join(self.missing)}")
        elif self.row is None:
            said.append("none of its header words was found")
        return said


def nearest_forms(
    authority: Authority, path: Path, names: Sequence[str], shown: str, member: Member | None = None
) -> list[FormView]:
    """Every form of the authority by how near the file comes to it, nearest first.

    Args:
        names: paths by which a form may know the file.
        shown: the path for messages.
    """
    opened: dict[Manner, list[Sheet] | ExtractError] = {}
    views = []
    for form in authority.forms:
        manner = Manner.of(form, authority.settings.limits)
        if manner not in opened:
            opened[manner] = _opened(path, shown, manner, member)
        views.append(_view(form, names, opened[manner]))
    return sorted(
        views,
        key=lambda view: (-view.columns_fit, -view.only_folder, -view.name_fits, -view.share_found),
    )


def _opened(path: Path, shown: str, manner: Manner, member: Member | None) -> list[Sheet] | ExtractError:
    try:
        return open_sheets(path, shown, manner, member)
    except ExtractError as problem:
        return problem


def _view(form: ExtractForm, names: Sequence[str], opened: list[Sheet] | ExtractError) -> FormView:
    fits = any(form.recognise.claims(name) for name in names)
    folder = not fits and any(_fits_but_for_folder(form, name) for name in names)
    if isinstance(opened, ExtractError):
        return FormView(form, fits, folder, problem=opened.problem)
    views = [_sheet_view(form, fits, folder, sheet) for sheet in opened]
    return max(views, key=lambda view: (view.columns_fit, view.found))


def _sheet_view(form: ExtractForm, fits: bool, folder: bool, sheet: Sheet) -> FormView:
    found = header_or_lack(form, sheet)
    if found is None:
        return FormView(form, fits, folder, sheet.name)
    if isinstance(found, Header):
        return FormView(form, fits, folder, sheet.name, found.end, len(found.places))
    return FormView(form, fits, folder, sheet.name, found.row, found.found, found.missing)


def _fits_but_for_folder(form: ExtractForm, name: str) -> bool:
    """Whether the last step of the form's pattern, taken alone, fits the file's own name."""
    last = _STEP.split(form.recognise.file_name)[-1]
    try:
        return bool(last) and re.search(f"^{last}", name.rpartition("/")[2]) is not None
    except re.error:  # the pattern does not part at its slashes
        return False
