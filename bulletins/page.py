"""The bulletin: one night's marts as a single HTML page that needs nothing else.

Vietnamese and English stand in the same page. What is said is gathered by the modules beside this one; how it
looks is in ``templates``; labels are in ``words.yaml``. Where the page is written to is the caller's affair.
"""

import base64
import hashlib
import math
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from authorities.model import Authority
from bulletins import findings, forecast_record, positions
from bulletins.charts import fan_svgs
from bulletins.fan import Fan, fan_of
from bulletins.night import Night
from bulletins.numbers import Figures

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
_TEMPLATES = _HERE / "templates"


def render_bulletin(
    authority: Authority,
    marts: Mapping[str, pl.DataFrame],
    dimensions: Mapping[str, pl.DataFrame],
    publication: Mapping[str, Any],
    explain: findings.Explain | None = None,
) -> str:
    """One self-contained HTML page of the night in ``publication``, in the authority's languages.

    ``marts`` and ``dimensions`` hold frames by table name, in currency units and percent, with or without
    ``publication_id``; what lacks or is empty is said to lack. ``publication`` is a row of that table; its
    night, id, code version and configuration digest are shown. ``explain`` words the rules of refused rows in
    each language; without it ``mart_quarantine`` has the word. The same input gives the same page.
    """
    from markupsafe import Markup

    night = Night(authority, marts, dimensions, publication)
    environment = template_environment()
    script = (_TEMPLATES / "switch.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.j2").render(
        editions=[
            _edition(environment, night, language, explain) for language in authority.settings.languages
        ],
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704
        script_hash=f"sha256-{digest}",
    )


@cache
def template_environment() -> "Environment":
    """Our own templates, escaping what is put into them; a name they lack is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def _words(language: str) -> dict[str, str]:
    """Labels of one language."""
    import yaml

    labels = yaml.safe_load((_HERE / "words.yaml").read_text(encoding="utf-8"))
    return {key: said[language] for key, said in labels.items()}


def _edition(
    environment: "Environment", night: Night, language: Literal["vi", "en"], explain: findings.Explain | None
) -> dict[str, Any]:
    """Everything the templates show in one language."""
    settings = night.authority.settings
    words, figures = _words(language), Figures(language, settings.currency)
    units, lines = positions.units_table(night), positions.lines_table(night, language)
    spending = findings.spending(night)
    need = positions.monthly_need(night, units.total)
    elapsed = positions.months_elapsed(night)
    edition = {
        "lang": language,
        "t": words,
        "figures": figures,
        "heading": f"{words['title']} – {getattr(settings.title, language)} – {figures.day(night.as_of)}",
        "authority_title": getattr(settings.title, language),
        "is_vietnam": settings.holidays_country == "VN",
        "as_of": night.as_of,
        "fiscal_year": night.fiscal_year,
        "calendar_year": settings.fiscal_year_start_month == 1,
        "whole_months": int(elapsed) if elapsed == int(elapsed) else 0,
        "publication": {"publication_id": "", "code_version": "", "config_sha256": ""}
        | dict(night.publication),
        "has_assumed": night.authority.has_assumed_values,
        "past_mid_year": positions.past_mid_year(night),
        "threshold": settings.half_year_threshold_pct,
        "threshold_text": f"{_short(figures, settings.half_year_threshold_pct)}%",
        "brief": next(iter(night.rows("mart_district_brief")), None),
        "units_table": units,
        "lines_table": lines,
        "outlook": units.total.outlook if units.total else None,
        "need": need,
        "months_left": _short(figures, float(need.months_left)) if need else "",
        "spending": spending,
        "shocks": findings.shock_effects(night),
        "warning_groups": findings.warning_groups(night, [row.key for row in reversed(units.rows)]),
        "marks": findings.gravest_by_unit(night),
        "arrivals": findings.arrivals(night),
        "quarantine": findings.quarantine(night, language, explain),
        "records": forecast_record.records(night),
        "moved": forecast_record.moved(night),
        "fits": findings.fit_counts(night, {row.key for row in units.rows}),
        **_unit_words(night, language),
        **_notice(night, language),
        **_scales(units, lines, spending),
    }
    marks = set(edition["marks"].values())
    edition["severities"] = [severity for severity in findings.SEVERITIES if severity in marks]
    return edition | _chart(
        environment, edition, fan_of(night, units.total.estimate if units.total else None)
    )


def _short(figures: Figures, value: float) -> str:
    """A number without a needless digit: 50, 5.5."""
    return figures.number(value, 0 if value == int(value) else 1)


def _unit_words(night: Night, language: str) -> dict[str, str]:
    """What a unit is called, one and many, small and with a capital."""
    one = getattr(night.authority.settings.unit_kind, language)
    many = one if language == "vi" else f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    return {
        "unit": one,
        "units": many,
        "unit_capital": one[:1].upper() + one[1:],
        "units_capital": many[:1].upper() + many[1:],
    }


def _notice(night: Night, language: str) -> dict[str, str]:
    """The sample's notice, empty for real figures; and what is left of it after its own first words."""
    sample = night.authority.settings.sample
    notice = getattr(sample.notice, language) if sample else ""
    opening = _words(language)["simulated"]
    rest = notice.removeprefix(opening).lstrip(" .:–-") if notice.startswith(opening) else notice
    return {"notice": notice, "notice_rest": rest[:1].upper() + rest[1:]}


def _scales(
    units: positions.Table, lines: positions.Table, spending: findings.Spending | None
) -> dict[str, float]:
    """Upper ends of the small bars, one for each column, and both ends of the forecast column."""
    rows = [*units.rows, *([units.total] if units.total else [])]
    shares = [share for row in rows for share in (row.share, row.recurrent_share)]
    spent = (
        [row.share for _, row in spending.units] + [row.share for row in spending.kinds] if spending else []
    )
    lows = [row.outlook.shares[0] for row in rows if row.outlook]
    highs = [row.outlook.shares[2] for row in rows if row.outlook]
    return {
        "share_top": _top(shares, at_least=60.0),
        "line_top": _top((row.share for row in lines.rows), at_least=100.0),
        "spending_top": _top(spent, at_least=100.0),
        "outlook_bottom": _bottom(lows),
        "outlook_top": _top(highs, at_least=110.0),
        "shows_pace": any(row.pace is not None for row in rows),
    }


def _top(shares: Iterable[float | None], *, at_least: float) -> float:
    """The next ten above nine tenths of the shares, so that one outlier does not flatten all others."""
    known = sorted(share for share in shares if share is not None)
    return max(at_least, math.ceil(known[(len(known) - 1) * 9 // 10] / 10) * 10.0) if known else at_least


def _bottom(shares: Iterable[float | None]) -> float:
    """The ten below the lowest share, 90% at most."""
    lowest = min((share for share in shares if share is not None), default=90.0)
    return max(0.0, math.floor(min(lowest, 90.0) / 10) * 10.0)


def _chart(environment: "Environment", edition: dict[str, Any], fan: Fan | None) -> dict[str, Any]:
    """The fan chart in two widths, or nothing to draw."""
    from markupsafe import Markup

    if fan is None:
        return {"fan": None}
    figures, words = edition["figures"], edition["t"]
    say: Any = environment.get_template("sentences.html.j2").module
    label = Markup(say.chart_label(edition | {"fan": fan}, figures, edition["lang"])).unescape()  # noqa: S704
    names = {key: words[key] for key in ("actual", "low", "median", "high")} | {
        "estimate": words["estimate_short"]
    }
    drawn = fan_svgs(fan, figures, names, " ".join(label.split()))
    return {
        "fan": fan,
        "fan_scale": figures.headline_scale(fan.largest),
        "fan_svgs": {name: Markup(svg) for name, svg in drawn.items()},  # noqa: S704 - numbers and our own words
    }
