"""The quarterly review as PDF for print, set by Typst: no browser, its fonts inside the library.

Typst gets the texts and figures as data, so a name is never taken for its markup. How the pages look is in
``templates/review.typ``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bulletins.page import said
from bulletins.review import Review, ReviewRow, ReviewTable, UnitReview

_TEMPLATE = Path(__file__).parent / "templates" / "review.typ"


def review_pdf(edition: Mapping[str, Any], pack: Review) -> bytes:
    """The pack in the edition's language: brief, tables by basis, the year's chart, warnings, a table a unit.

    ``edition`` is that of the overview. The same input gives the same bytes, whatever fonts a machine has.
    """
    import typst

    data = json.dumps(_told(edition, pack), ensure_ascii=False)
    return bytes(typst.compile(_TEMPLATE.read_bytes(), sys_inputs={"data": data}, ignore_system_fonts=True))


def _told(edition: Mapping[str, Any], pack: Review) -> dict[str, Any]:
    words, figures = edition["t"], edition["figures"]
    columns = ("number", "place", "estimate", "collected", "in_period", "share", "same_period", "remaining")
    return {
        "lang": edition["lang"],
        "office": edition["authority_title"],
        "nation": [words["country"], words["motto"]] if edition["is_vietnam"] else [],
        "title": said("review_title", edition, pack),
        "dateline": f"{words['as_of']} {figures.long_day(edition['data_until'])}",
        "notice": edition["notice"],
        "brief": said("brief", edition) if edition["brief"] else words["no_rows"],
        "outlook": _outlook(edition),
        "provenance": said("provenance", edition),
        "unit_of_money": f"{words['unit_of_money']}: {figures.display.unit}",
        "columns": {name: words[f"column_{name}"] if name != "place" else "" for name in columns},
        "tables": [
            _table(edition, table, words[f"basis_{table.basis}"], edition["unit_capital"])
            for table in pack.tables
        ],
        "units": [_unit(edition, unit) for unit in pack.units],
        "chart": str(edition["fan_svgs"]["wide"]) if edition["fan"] else "",
        "chart_title": words["chart"],
        "chart_alt": said("chart_label", edition, edition["fan"], edition["authority_title"])
        if edition["fan"] else "",
        "warnings_title": words["warnings"],
        "no_warnings": words["no_warnings"],
        "warnings": [
            {
                "title": getattr(group.title, edition["lang"]),
                "said": [one.messages[edition["lang"]] for one in group.warnings],
                "advice": group.advice[edition["lang"]],
            }
            for group in edition["warning_groups"]
        ],
        "remarks": [words["rounding"], *([] if pack.knows_period else [words["no_period"]])],
        "no_rows": words["no_rows"],
    }  # fmt: skip


def _outlook(edition: Mapping[str, Any]) -> str:
    """What the overview says below its brief, and of how old the figures are."""
    behind = said("behind", edition) if edition["days_behind"] else ""
    without = said("without", edition, edition["without"])
    doubted = edition["t"]["doubted"] if edition["outlook"] and edition["is_doubted"] else ""
    return " ".join(filter(None, (behind, without, said("outlook", edition), doubted)))


def _unit(edition: Mapping[str, Any], unit: UnitReview) -> dict[str, Any]:
    heading = (
        f"{edition['unit_capital']} {unit.name}"
        if edition["lang"] == "vi"
        else f"{unit.name} {edition['unit']}"
    )
    return _table(edition, unit.lines, heading, edition["t"]["line"], "unallocated_lines")


def _table(
    edition: Mapping[str, Any], table: ReviewTable, heading: str, place: str, loose: str = "unallocated"
) -> dict[str, Any]:
    words = edition["t"]
    rows = [_cells(edition, row, str(number), row.name) for number, row in enumerate(table.rows, start=1)]
    if table.unallocated:
        rows.append(_cells(edition, table.unallocated, "", words[loose]))
    total = _cells(edition, table.total, "", words["total"]) if table.total else []
    return {"heading": heading, "place": place, "rows": rows, "total": total}


def _cells(edition: Mapping[str, Any], row: ReviewRow, number: str, name: str) -> list[str]:
    figures = edition["figures"]
    return [
        number,
        name,
        *(figures.number(row.shown[column]) for column in ("estimate", "collected", "in_period")),
        figures.percent(row.share, apart_from=edition["threshold"]),
        figures.percent(row.same_period),
        figures.number(row.shown["remaining"]),
    ]
