"""How good the warning rules were in past years, as the page of warnings tells it.

Figures only; how they are said is in ``templates/scorecard.html.j2``.
"""

from dataclasses import dataclass

from authorities.model import Words
from authorities.warning_scorecard import ALWAYS, FLAT_HALF
from bulletins.night import Night, Row

ALL_YEARS = 0
_PLAIN = {
    FLAT_HALF: Words(vi="Chỉ xét mốc nửa dự toán vào giữa năm", en="Only half of the estimate, at mid-year"),
    ALWAYS: Words(vi="Lúc nào cũng cảnh báo", en="Always warn"),
}  # fmt: skip
_OF_BASIS = {
    "territory": Words(vi="", en=""),
    "entitled": Words(vi=" (thu được hưởng)", en=" (entitled revenue)"),
    "recurrent": Words(vi=" (thu để chi thường xuyên)", en=" (revenue for recurrent spending)"),
}
_VERSIONS = {
    "initial": Words(vi="dự toán giao đầu năm", en="the start-of-year estimate"),
    "supplemented": Words(vi="dự toán sau bổ sung", en="the supplemented estimate"),
    "adjusted": Words(vi="dự toán điều chỉnh", en="the adjusted estimate"),
}


@dataclass(frozen=True)
class ScoredRule:
    """One rule over all years scored; shares in percent, None where there was nothing to divide by."""

    title: Words
    is_plain: bool
    hits: int
    shortfalls: int
    told: int
    recall: tuple[float | None, float | None, float | None]
    precision: tuple[float | None, float | None, float | None]
    lead_days: float | None
    false_alarms: float
    """How often a warning began for nothing, a unit-year."""
    usefulness: float | None


@dataclass(frozen=True)
class Scored:
    """All rules, and what they were scored against.

    years: first and last fiscal year. unit_years, shortfalls: on the basis of the first rule.
    """

    years: tuple[int, int]
    unit_years: int
    shortfalls: int
    version: Words
    short_by_pct: float
    least_lead_days: int
    miss_costs: float
    is_assumed: bool
    rules: tuple[ScoredRule, ...]


def scored_warnings(night: Night) -> Scored | None:
    """The night's scorecard, the authority's rules in their order, then the plain ones; None without one."""
    rows = night.rows("mart_warning_scorecard")
    years = sorted({row["fiscal_year"] for row in rows} - {ALL_YEARS})
    whole = {row["rule_code"]: row for row in rows if row["fiscal_year"] == ALL_YEARS}
    if not years or not whole:
        return None
    titles = {rule.rule_code: rule.title for rule in night.authority.settings.warning_rules}
    order = [code for code in titles if code in whole] + sorted(code for code in whole if code not in titles)
    first = whole[order[0]]
    return Scored(
        years=(years[0], years[-1]),
        unit_years=first["unit_years"],
        shortfalls=first["hits"] + first["misses"],
        version=_VERSIONS[first["estimate_version"]],
        short_by_pct=first["short_by_pct"],
        least_lead_days=first["least_lead_days"],
        miss_costs=first["miss_costs"],
        is_assumed=night.authority.settings.warning_scorecard.assumed,
        rules=tuple(_scored(code, whole[code], titles.get(code)) for code in order),
    )


def _scored(code: str, row: Row, title: Words | None) -> ScoredRule:
    return ScoredRule(
        title=title or _plain_title(code, row["basis"]),
        is_plain=title is None,
        hits=row["hits"],
        shortfalls=row["hits"] + row["misses"],
        told=row["hits"] + row["false_alarms"],
        recall=_share(row, "recall"),
        precision=_share(row, "precision"),
        lead_days=row["median_lead_days"],
        false_alarms=row["false_alarms_per_unit_year"],
        usefulness=row["usefulness"],
    )


def _share(row: Row, name: str) -> tuple[float | None, float | None, float | None]:
    value, low, high = (
        None if row[column] is None else 100 * float(row[column])
        for column in (name, f"{name}_low", f"{name}_high")
    )
    return value, low, high


def _plain_title(code: str, basis: str) -> Words:
    said = next((words for kind, words in _PLAIN.items() if code.startswith(kind)), Words(vi=code, en=code))
    return Words(vi=said.vi + _OF_BASIS[basis].vi, en=said.en + _OF_BASIS[basis].en)
