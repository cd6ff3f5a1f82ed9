"""What is wrong with a file, said so that a clerk can act: file, sheet, row, what, remedy."""

from dataclasses import dataclass


@dataclass
class ExtractError(Exception):
    """A file, or a sheet in it, cannot be read as the form that claims it.

    Attributes:
        file: path below the landing folder.
        problem: what is wrong, one clause.
        remedy: what the clerk can do about it.
        sheet: sheet in the file, empty where there is none.
        row: row in the sheet, counted from 1; None where the whole file is meant.
    """

    file: str
    problem: str
    remedy: str
    sheet: str = ""
    row: int | None = None

    def __str__(self) -> str:
        place = self.file
        if self.sheet:
            place += f", sheet '{self.sheet}'"
        if self.row is not None:
            place += f", row {self.row}"
        return f"{place}: {self.problem}. {self.remedy}"
