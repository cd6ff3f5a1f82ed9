"""The site of one night: pages that need nothing else, in every language, and the meeting's papers.

Each page carries its own styles, so that it can be sent by itself; the first language has the plain names,
the others their code before the ending (``index.html``, ``index.en.html``). Where the files are put is the
caller's affair.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from bulletins import cases, findings, forecast_record, positions, reconciled
from bulletins.news_item import news_items
from bulletins.night import Night
from bulletins.overview import overview, scales, top_of
from bulletins.page import Edition, Language, drawn_fan, edition_of, render, template_environment
from bulletins.review import Review, review
from bulletins.scored_warnings import scored_warnings
from bulletins.steps import Waterfall, warning_causes
from bulletins.typeset import review_pdf
from bulletins.unit_page import unit_story
from bulletins.validations import ValidationPage, told_checks, validation_pages
from bulletins.workbook import review_workbook

OVERVIEW, WARNINGS, ACCURACY, QUALITY, PAPERS = "index", "warnings", "accuracy", "quality", "papers"
SECTIONS = (OVERVIEW, WARNINGS, ACCURACY, QUALITY, PAPERS)
DICTIONARY = "dictionary.html"
Make = Callable[[], bytes]
Gather = Callable[[], Mapping[str, Any]]
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class _Shared:
    """What pages of every language show, gathered once."""

    units: positions.Table
    warnings: Mapping[str, tuple[cases.Warning, ...]]
    causes: Mapping[str, Waterfall]
    names: Mapping[str, str]
    """Unit → name of its page, without language and ending."""
    moved_since: dt.date | None


def render_site(night: Night) -> dict[str, bytes]:
    """Every file of the night's site by its name. The same input gives the same files."""
    return {name: made() for name, made in site_files(night).items()}


def site_files(night: Night) -> dict[str, Make]:
    """Name of every file of the night's site, and what makes it."""
    units = positions.units_table(night)
    names = page_names([row.key for row in units.rows])
    shared = _Shared(
        units, cases.warnings_by_unit(night), warning_causes(night), names,
        forecast_record.moved_since(night),
    )  # fmt: skip
    files: dict[str, Make] = {}
    for language in night.authority.settings.languages:
        files |= dict(_Language(night, language, shared).files())
    return files | {DICTIONARY: lambda: _dictionary(night)}


def page_names(unit_keys: list[str]) -> dict[str, str]:
    """Unit → a file's name that every system takes; keys that would share one get a number."""
    names: dict[str, str] = {}
    for key in unit_keys:
        name = plain = f"unit-{_UNSAFE.sub('-', key)}"
        number = 2
        while name in names.values():
            name, number = f"{plain}-{number}", number + 1
        names[key] = name
    return names


def file_name(page: str, language: str, languages: tuple[str, ...], ending: str = "html") -> str:
    """``index.html`` in the authority's first language, ``index.en.html`` in another."""
    return f"{page}.{ending}" if language == languages[0] else f"{page}.{language}.{ending}"


class _Language:
    """The files of one language: each is made when it is asked for, what several show only once."""

    def __init__(self, night: Night, language: Language, shared: _Shared) -> None:
        self.night, self.language, self.shared = night, language, shared
        self.languages = night.authority.settings.languages
        self.edition: Edition = edition_of(night, language) | {
            "href": {page: self.called(page) for page in SECTIONS} | {"dictionary": DICTIONARY},
            "unit_href": {key: self.called(name) for key, name in shared.names.items()},
            "unit_names": {row.key: row.name for row in shared.units.rows},
        }

    def called(self, page: str, ending: str = "html") -> str:
        """A file's name in this language."""
        return file_name(page, self.language, self.languages, ending)

    def files(self) -> Iterator[tuple[str, Make]]:
        """Every file's name, and what makes it."""
        sections: dict[str, Gather] = {
            OVERVIEW: lambda: self.first,
            WARNINGS: lambda: {name: self.first[name] for name in ("warning_groups", "marks", "closed_cases")}
            | {"causes": self.shared.causes, "scored": scored_warnings(self.night)},
            ACCURACY: lambda: {
                "records": forecast_record.records(self.night), "method": forecast_record.method(self.night),
            },
            QUALITY: self.quality,
            PAPERS: lambda: {
                "items": news_items(self.night, self.edition), "files": self.papers, "review": self.pack,
            },
        }  # fmt: skip
        for page, gather in sections.items():
            yield self.called(page), partial(self.page, f"{page}.html.j2", page, page, gather)
        for row in self.shared.units.rows:
            page = self.shared.names[row.key]
            yield self.called(page), partial(self.page, "unit.html.j2", page, "unit", partial(self.unit, row))
        for found in self.validations:
            name = f"validation-{found.dataset}"
            told = partial(dict[str, Any], validation=found)
            yield self.called(name), partial(self.page, "validation.html.j2", name, "validation", told)
        yield self.papers["pdf"], lambda: review_pdf(self.first, self.pack)
        yield self.papers["xlsx"], lambda: review_workbook(self.edition, self.pack)

    def page(self, template: str, name: str, kind: str, gather: Gather) -> bytes:
        """One page; ``name`` is its file's in every language, without code and ending."""
        others = {
            other: file_name(name, other, self.languages)
            for other in self.languages
            if other != self.language
        }
        return render(template, {**self.edition, **gather()}, page=kind, others=others).encode()

    @cached_property
    def papers(self) -> dict[str, str]:
        """Names of the meeting's papers."""
        return {ending: self.called(f"review-{self.night.as_of}", ending) for ending in ("pdf", "xlsx")}

    @cached_property
    def first(self) -> Edition:
        """What the overview shows, and the papers with it."""
        return self.edition | overview(self.night, self.edition, self.shared.units)

    @cached_property
    def validations(self) -> tuple[ValidationPage, ...]:
        """What the validation of each dataset found."""
        return validation_pages(self.night, self.language)

    @cached_property
    def pack(self) -> Review:
        """The quarterly review."""
        return review(self.night, self.language)

    def quality(self) -> dict[str, Any]:
        """What the page on the state of the data shows."""
        return {
            "units_table": self.shared.units,
            "arrivals": findings.arrivals(self.night, self.language),
            "quarantine": findings.quarantine(self.night, self.language),
            "reconciliation": reconciled.reconciliation(self.night),
            "restatements": findings.restatements(self.night, self.language),
            "failed_checks": told_checks(self.night, self.validations, self.edition["t"]),
            "validations": self.validations,
            "validation_href": {
                one.dataset: self.called(f"validation-{one.dataset}") for one in self.validations
            },
            "fits": findings.fit_counts(self.night, set(self.shared.names)),
        }

    def unit(self, row: positions.PlaceRow) -> dict[str, Any]:
        """What one unit's page shows."""
        story = unit_story(
            self.night, row, self.language, self.shared.warnings.get(row.key, ()), self.shared.causes
        )
        kind = self.edition["unit_capital"] if self.language == "vi" else self.edition["unit"]
        name = f"{kind} {row.name}" if self.language == "vi" else f"{row.name} {kind}"
        return {
            "story": story,
            "units_table": self.shared.units,
            "moved_since": self.shared.moved_since,
            "units_total": len(self.shared.units.rows),
            **scales(self.shared.units, story.lines, None),
            "share_top": top_of([one.share for one in story.bases], at_least=100.0),
            **drawn_fan(self.edition, story.fan, name),
        }


def _dictionary(night: Night) -> bytes:
    from markupsafe import Markup

    from warehouse.dictionary_page import dictionary_html

    languages = night.authority.settings.languages
    links = [(language, file_name(OVERVIEW, language, languages)) for language in languages]
    above = template_environment().get_template("dictionary_head.html.j2").render(links=links)
    return dictionary_html(above=Markup(above)).encode()  # noqa: S704 - our own template
