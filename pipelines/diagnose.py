"""``wardcast diagnose``: what a unit's forecast stands on, for a statistician, as a page or a picture.

Reads the landing folder as a night would, publishes nothing. The figures come from ``forecasts.diagnostics``,
the page from ``bulletins.diagnostics``; here the two are joined, and names people type are understood.
"""

import dataclasses
import datetime as dt
import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from authorities.model import Authority, RevenueLine, Unit
from bulletins.diagnostics import (
    DiagnosticsPage,
    Section,
    past_section,
    receipts_section,
    render_page,
    render_picture,
    study_section,
)
from forecasts.diagnostics import Diagnosis, UnknownSeriesError, diagnose
from forecasts.reference import Study
from forecasts.seam import ForecastProblem
from pipelines.backtest import landed_problem
from pipelines.options import UnknownNameError
from pipelines.settings import Places

Form = Literal["html", "png"]
_RUNGS = {
    "full": "full: a bank of models of its own",
    "line_factor": "line_factor: follows its line, which is modelled",
    "pace": "pace: past years over again, nothing is modelled",
    "none": "none: nothing more is expected",
}
_LIKE = 0.6


class DiagnoseError(Exception):
    """What was asked for is not there; the message says what is nearest."""


def run_diagnose(
    places: Places, as_of: dt.date, unit: str, line: str | None, folder: Path, form: Form
) -> list[Path]:
    """Write the diagnostics of a unit's line, or of every line it has receipts of, into ``folder``.

    Raises:
        UnknownNameError: there is no such unit or line.
        DiagnoseError: the unit's receipts are not known.
    """
    authority = places.authority
    one = find_unit(authority, unit, as_of)
    asked = None if line is None else find_line(authority, line)
    problem, _ = landed_problem(places, as_of)
    lines = [asked] if asked is not None else _lines_of(authority, problem, one)
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(authority, problem, one, line, folder, form) for line in lines]


def find_unit(authority: Authority, text: str, as_of: dt.date) -> Unit:
    """The unit people mean by a code, a key or a name, with or without accents; those in force come first."""
    ordered = sorted(authority.units, key=lambda unit: not unit.holds_on(as_of))
    known: dict[str, Unit] = {}
    for unit in ordered:
        for name in (unit.unit_key, unit.code, unit.name, *unit.name_variants, *unit.code_variants):
            known.setdefault(_plain(name), unit)
    names = [f"{unit.name} ({unit.code})" for unit in ordered if unit.holds_on(as_of)]
    found = known.get(_plain(text))
    if found is None:
        near = [known[name] for name in _near(text, known)]
        raise UnknownNameError(_unknown("unit", text, [f"{u.name} ({u.code})" for u in near], names))
    return found


def find_line(authority: Authority, text: str) -> RevenueLine:
    """The revenue line people mean by its code or a name, with or without accents."""
    known: dict[str, RevenueLine] = {}
    for line in authority.lines:
        for name in (line.line_code, line.name_en, line.name_vi):
            known.setdefault(_plain(name), line)
    found = known.get(_plain(text))
    if found is None:
        near = [known[name].line_code for name in _near(text, known)]
        raise UnknownNameError(
            _unknown("revenue line", text, near, [line.line_code for line in authority.lines])
        )
    return found


def _plain(text: str) -> str:
    """Lower-case letters without accents, so that names can be typed on any keyboard."""
    apart = unicodedata.normalize("NFD", text.strip().casefold().replace("đ", "d"))
    return "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")


def _near(text: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(_plain(text), list(known), n=3, cutoff=_LIKE)


def _unknown(kind: str, text: str, near: Sequence[str], every: Sequence[str]) -> str:
    nearest = list(dict.fromkeys(near))
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"there are: {', '.join(every)}"
    return f"{kind} '{text}' is not known; {hint}"


def _lines_of(authority: Authority, problem: ForecastProblem, unit: Unit) -> list[RevenueLine]:
    seen = set(problem.history.filter(pl.col("unit_key") == unit.unit_key)["line_code"])
    lines = [line for line in authority.lines if line.line_code in seen]
    if not lines:
        raise DiagnoseError(f"no receipts of {unit.name} ({unit.code}) are known on {problem.as_of}")
    return lines


def _write(
    authority: Authority, problem: ForecastProblem, unit: Unit, line: RevenueLine, folder: Path, form: Form
) -> Path:
    try:
        found = diagnose(problem, unit.unit_key, line.line_code)
    except UnknownSeriesError as error:
        lines = ", ".join(one.line_code for one in _lines_of(authority, problem, unit))
        message = (
            f"no receipts of {line.line_code} are known of {unit.name} on {problem.as_of}; it has {lines}"
        )
        raise DiagnoseError(message) from error
    page = page_of(authority, problem, unit, line, found)
    target = folder / f"{unit.code}-{line.line_code}.{form}"
    if form == "png":
        target.write_bytes(render_picture(page))
    else:
        target.write_text(render_page(page), encoding="utf-8")
    return target


def page_of(
    authority: Authority, problem: ForecastProblem, unit: Unit, line: RevenueLine, found: Diagnosis
) -> DiagnosticsPage:
    """What the page of one diagnosis shows."""
    currency = authority.settings.currency
    size = currency.minor_per_unit * currency.display_scale
    money = currency.display_unit.en
    scaled = [pl.col(name) / size for name in found.past.columns if name.endswith("_amount")]
    receipts = found.receipts.with_columns(pl.col("received", "usual") / size)
    return DiagnosticsPage(
        title=f"{unit.name} · {line.name_en}",
        subtitle=f"Diagnostics of the forecast as of {problem.as_of}, receipts complete to "
        f"{problem.last_complete_day}. {authority.settings.title.en}.",
        notice=authority.settings.sample.notice.en if authority.settings.sample else "",
        facts=_facts(found, unit, line),
        sections=[
            receipts_section(receipts, money, f"On the territory, net of refunds, {money} a month."),
            *(_study(one) for one in found.studies),
            past_section(
                found.past.with_columns(scaled),
                found.coverage,
                found.pit,
                money,
                "The same method as of earlier nights, knowing what was known then.",
            ),
        ],
    )


def _facts(found: Diagnosis, unit: Unit, line: RevenueLine) -> list[tuple[str, str]]:
    models = " and ".join(one.title[0].lower() + one.title[1:] for one in found.studies)
    return [
        ("Unit", f"{unit.name} ({found.unit_key})"),
        ("Revenue line", f"{line.name_en} ({line.line_code})"),
        ("Rung of the ladder", _RUNGS[found.rung.name]),
        ("Why", found.rung.reason or "regular receipts, long enough a past"),
        ("Months of history", str(found.rung.months_of_history)),
        ("Modelled", models or "nothing"),
    ]


def _study(one: Study) -> Section:
    frames = {
        field.name: getattr(one, field.name) for field in dataclasses.fields(one) if field.name != "title"
    }
    kind = one.weights.sort("weight", descending=True).row(0, named=True)
    text = (
        f"Likeliest of {one.weights.height} models: level's variance {kind['level']:g} of the irregular's, "
        f"{kind['kind']}; {100 * kind['weight']:.0f}% of the weight. Logs over {one.series.height} months."
    )
    return study_section(one.title, text, frames)
