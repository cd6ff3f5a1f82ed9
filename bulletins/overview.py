"""The first page: the brief, key figures, every unit beside the others, and what else leaders ask about."""

import math
from collections.abc import Iterable
from typing import Any

from authorities.model import ALL
from bulletins import cases, findings, pictures, positions
from bulletins.fan import fan_of
from bulletins.forecast_record import moved
from bulletins.night import Night
from bulletins.page import Edition, drawn_fan, short


def overview(night: Night, edition: Edition, units: positions.Table) -> dict[str, Any]:
    """What the overview shows besides the edition's own; ``units`` are ``positions.units_table``'s."""
    language = edition["lang"]
    lines, spending = positions.lines_table(night, language), findings.spending(night)
    need = positions.monthly_need(night, units.total)
    marks = cases.gravest_by_unit(night)
    known = set(marks.values())
    fan = fan_of(night, units.total.estimate if units.total else None)
    return {
        "brief": next(iter(night.rows("mart_district_brief")), None),
        "units_table": units,
        "lines_table": lines,
        "without": positions.without_lines(night, language),
        "outlook": units.total.outlook if units.total else None,
        "is_doubted": "untrusted" in findings.fit_counts(night, {ALL}),
        "need": need,
        "months_left": short(edition["figures"], float(need.months_left)) if need else "",
        "spending": spending,
        "shocks": findings.shock_effects(night),
        "warning_groups": cases.warning_groups(night, [row.key for row in reversed(units.rows)], language),
        "closed_cases": cases.closed_by_people(night),
        "marks": marks,
        "severities": [severity for severity in cases.SEVERITIES if severity in known],
        "arrivals": findings.arrivals(night, language),
        "moved": moved(night),
        "smalls": pictures.small_multiples(night, units.rows),
        "small_size": (pictures.WIDTH, pictures.HEIGHT),
        "strip": pictures.strip(night, units.rows, language),
        **scales(units, lines, spending),
        **drawn_fan(edition, fan, edition["authority_title"]),
    }


def scales(
    units: positions.Table, lines: positions.Table, spending: findings.Spending | None
) -> dict[str, Any]:
    """Upper ends of the small bars, one for each column, and both ends of the forecast column."""
    rows = [*units.rows, *([units.total] if units.total else [])]
    shares = [share for row in rows for share in (row.share, row.recurrent_share)]
    spent = (
        [row.share for _, row in spending.units] + [row.share for row in spending.kinds] if spending else []
    )
    lows = [row.outlook.shares[0] for row in rows if row.outlook]
    highs = [row.outlook.shares[2] for row in rows if row.outlook]
    return {
        "share_top": top_of(shares, at_least=100.0),
        "line_top": top_of((row.share for row in lines.rows), at_least=100.0),
        "spending_top": top_of(spent, at_least=100.0),
        "outlook_bottom": bottom_of(lows),
        "outlook_top": top_of(highs, at_least=110.0),
        "shows_pace": any(row.pace is not None for row in rows),
    }


def top_of(shares: Iterable[float | None], *, at_least: float) -> float:
    """The next ten above nine tenths of the shares, so that one outlier does not flatten all others."""
    known = sorted(share for share in shares if share is not None)
    return max(at_least, math.ceil(known[(len(known) - 1) * 9 // 10] / 10) * 10.0) if known else at_least


def bottom_of(shares: Iterable[float | None]) -> float:
    """The ten below the lowest share, 90% at most."""
    lowest = min((share for share in shares if share is not None), default=90.0)
    return max(0.0, math.floor(min(lowest, 90.0) / 10) * 10.0)
