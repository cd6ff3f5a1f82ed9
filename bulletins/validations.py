"""What Great Expectations found of each dataset, for its page: rules, counts, money and the files to mend.

Figures only. The rows come from ``expectations`` as the night hands them on; no value of a row is among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from bulletins.night import Night, Row

_FILES_SHOWN = 12
_JUDGED = "accepted_"
"""Opens the name of what a check on a dataset's rows is about."""


@dataclass(frozen=True)
class Place:
    """Where rows that a rule refused stand tonight: a file, how many, and the first."""

    file: str
    rows: int
    first_row: int
    amount: Decimal


@dataclass(frozen=True)
class Found:
    """One expectation: what it asks, of how many rows or columns, how many do not meet it, their money."""

    expectation: str
    expectation_type: str
    outcome: str
    columns: str
    is_met: bool
    meaning: str
    remedy: str
    evaluated: int
    unexpected: int
    amount: Decimal
    places: tuple[Place, ...] = ()
    """The files with most rows; those that a later file has replaced are not among them."""
    more_places: int = 0

    @property
    def share(self) -> float | None:
        """Percent of what was judged that does not keep it."""
        return self.unexpected / self.evaluated * 100 if self.evaluated else None


@dataclass(frozen=True)
class ValidationPage:
    """One dataset's expectations, on rows and on the table as a whole, and what became of the rows."""

    dataset: str
    engine: str
    rows: tuple[Found, ...]
    whole: tuple[Found, ...]
    judged: int

    @property
    def met(self) -> int:
        """How many of the expectations were met."""
        return sum(one.is_met for one in (*self.rows, *self.whole))

    @property
    def asked(self) -> int:
        """How many expectations there are."""
        return len(self.rows) + len(self.whole)

    def fate(self, outcome: str) -> int:
        """Rows that were held, or left unallocated."""
        return sum(one.unexpected for one in self.rows if one.outcome == outcome)

    def money(self, outcome: str) -> Decimal:
        """The money of those rows."""
        return sum((one.amount for one in self.rows if one.outcome == outcome), Decimal(0))

    @property
    def accepted(self) -> int:
        """Rows that broke no rule."""
        return self.judged - self.fate("held") - self.fate("unallocated")


def validation_pages(night: Night, language: str) -> tuple[ValidationPage, ...]:
    """The page of every dataset of which rows were judged; none where nobody told."""
    if night.validations is None:
        return ()
    places = _places(night)
    parts = night.validations.partition_by("dataset", maintain_order=True)
    pages = [_page(night, part, places, language) for part in parts]
    return tuple(page for page in pages if page.judged)


@dataclass(frozen=True)
class ToldCheck:
    """A check that did not hold, in the reader's language as far as it is known in it.

    dataset: whose validation page tells more; empty for what is no rule on rows. said: what the check itself
    said, in English.
    """

    code: str
    title: str
    dataset: str
    said: str


def told_checks(
    night: Night, pages: Sequence[ValidationPage], words: Mapping[str, str]
) -> tuple[ToldCheck, ...] | None:
    """The night's checks that did not hold; None where nobody told. ``words`` has titles as ``check_…``."""
    if night.failed_checks is None:
        return None
    meanings = {(page.dataset, one.expectation): one.meaning for page in pages for one in page.rows}
    told = []
    for check in night.failed_checks:
        dataset = check.subject.removeprefix(_JUDGED)
        meaning = meanings.get((dataset, check.name))
        title = meaning or words.get(f"check_{check.name}", "")
        told.append(
            ToldCheck(f"{check.subject}: {check.name}", title, dataset if meaning else "", check.said)
        )
    return tuple(told)


def _page(
    night: Night, part: pl.DataFrame, places: dict[tuple[str, str], list[Place]], language: str
) -> ValidationPage:
    scale = night.authority.settings.currency.minor_per_unit
    told = [
        (row, _found(row, places.get((row["dataset"], row["expectation"]), ()), scale, language))
        for row in part.to_dicts()
    ]
    rows = tuple(one for row, one in told if row["kind"] == "row")
    return ValidationPage(
        dataset=told[0][0]["dataset"],
        engine=told[0][0]["engine"],
        rows=rows,
        whole=tuple(one for row, one in told if row["kind"] != "row"),
        judged=max((one.evaluated for one in rows), default=0),
    )


def _found(row: Row, places: Sequence[Place], minor_per_unit: int, language: str) -> Found:
    return Found(
        expectation=row["expectation"],
        expectation_type=row["expectation_type"],
        outcome=row["outcome"],
        columns=row["columns"],
        is_met=row["is_met"],
        meaning=row[f"meaning_{language}"],
        remedy=row[f"remedy_{language}"],
        evaluated=row["evaluated"],
        unexpected=row["unexpected"],
        amount=Decimal(row["unexpected_amount"]) / minor_per_unit,
        places=tuple(places[:_FILES_SHOWN]),
        more_places=max(len(places) - _FILES_SHOWN, 0),
    )


def _places(night: Night) -> dict[tuple[str, str], list[Place]]:
    """Dataset and rule → the files whose refused rows still stand, those with most rows first."""
    found: dict[tuple[str, str], list[Place]] = {}
    for row in night.rows("mart_quarantine"):
        place = Place(row["source_file"], row["rows"], row["first_row_number"], row["amount"])
        found.setdefault((row["dataset"], row["rule"]), []).append(place)
    for told in found.values():
        told.sort(key=lambda place: (-place.rows, place.file))
    return found
