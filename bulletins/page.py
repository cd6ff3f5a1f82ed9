"""What every page of the bulletin has in common: templates, labels, and the head and foot of a page.

What the pages say is gathered by the modules beside this one; how they look is in ``templates``; labels are
in ``words.yaml``. Which pages there are is ``bulletins.site``'s.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bulletins.charts import fan_svgs
from bulletins.fan import Fan
from bulletins.night import Night
from bulletins.numbers import Figures
from bulletins.positions import months_elapsed, past_mid_year

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

Language = Literal["vi", "en"]
Edition = dict[str, Any]
"""What templates show of a night in one language."""
_HERE = Path(__file__).parent
_TEMPLATES = _HERE / "templates"


@cache
def template_environment() -> "Environment":
    """Our own templates, escaping what is put into them; a name they lack is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["linked"] = linked
    return environment


def linked(message: str, unit_keys: Sequence[str], edition: Edition) -> "Markup":
    """What is said of units, their names leading to their pages; those it does not name stand before it."""
    from markupsafe import Markup, escape

    names = {edition["unit_names"][key]: edition["unit_href"][key]
             for key in unit_keys if key in edition["unit_href"]}  # fmt: skip
    links = {name: Markup('<a href="{}">{}</a>').format(href, name) for name, href in names.items()}
    told, rest = Markup(""), message
    while found := _first_name(rest, names):
        name, place = found
        told += escape(rest[:place]) + links[name]
        rest = rest[place + len(name) :]
        del names[name]
    others = Markup(", ").join(links[name] for name in names)
    return Markup("{} – {}").format(others, told + rest) if names else told + rest


def _first_name(text: str, names: Iterable[str]) -> tuple[str, int] | None:
    """The name that comes first as words of their own, the longest where two begin alike, and its place."""
    found = [
        (match.start(), -len(name), name)
        for name in names
        if (match := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))
    ]
    return (min(found)[2], min(found)[0]) if found else None


def render(template: str, edition: Mapping[str, Any], **more: Any) -> str:
    """One whole HTML page in the edition's language, styles included; the same input gives the same page."""
    from markupsafe import Markup

    shown = {
        "e": {**edition, **more},
        "t": edition["t"],
        "f": edition["figures"],
        "lang": edition["lang"],
        "style": Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
    }
    return template_environment().get_template(template).render(shown)


def said(macro: str, edition: Mapping[str, Any], *arguments: Any) -> str:
    """A sentence of ``sentences.html.j2`` as plain text on one line."""
    from markupsafe import Markup

    say: Any = template_environment().get_template("sentences.html.j2").module
    marked = getattr(say, macro)(edition, edition["figures"], edition["lang"], *arguments)
    return " ".join(Markup(marked).striptags().split())  # noqa: S704 - our own sentences


@cache
def words_of(language: str) -> dict[str, str]:
    """Labels of one language."""
    import yaml

    labels = yaml.safe_load((_HERE / "words.yaml").read_text(encoding="utf-8"))
    return {key: label[language] for key, label in labels.items()}


def edition_of(night: Night, language: Language) -> Edition:
    """What every page shows in one language: names, the night, its publication, the sample's notice."""
    settings = night.authority.settings
    words, figures = words_of(language), Figures(language, settings.currency)
    elapsed = months_elapsed(night)
    return {
        "lang": language,
        "t": words,
        "figures": figures,
        "authority_title": getattr(settings.title, language),
        "is_vietnam": settings.holidays_country == "VN",
        "as_of": night.as_of,
        "data_until": night.data_until,
        "days_behind": night.days_behind,
        "fiscal_year": night.fiscal_year,
        "calendar_year": settings.fiscal_year_start_month == 1,
        "whole_months": int(elapsed) if elapsed == int(elapsed) else 0,
        "publication": {"publication_id": "", "code_version": "", "config_sha256": ""}
        | dict(night.publication),
        "has_assumed": night.authority.has_assumed_values,
        "past_mid_year": past_mid_year(night),
        "threshold": settings.half_year_threshold_pct,
        "threshold_text": f"{short(figures, settings.half_year_threshold_pct)}%",
        **_unit_words(night, language),
        **_notice(night, language),
    }


def short(figures: Figures, value: float) -> str:
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
    opening = words_of(language)["simulated"]
    rest = notice.removeprefix(opening).lstrip(" .:–-") if notice.startswith(opening) else notice
    return {"notice": notice, "notice_rest": rest[:1].upper() + rest[1:]}


def drawn_fan(edition: Edition, fan: Fan | None, name: str) -> dict[str, Any]:
    """The fan chart in two widths, or nothing to draw; ``name`` says whose year it is."""
    from markupsafe import Markup

    if fan is None:
        return {"fan": None}
    figures, words = edition["figures"], edition["t"]
    names = {key: words[key] for key in ("actual", "low", "median", "high")} | {
        "estimate": words["estimate_short"]
    }
    drawn = fan_svgs(fan, figures, names, said("chart_label", edition, fan, name))
    return {
        "fan": fan,
        "fan_scale": figures.headline_scale(fan.largest),
        "fan_svgs": {width: Markup(svg) for width, svg in drawn.items()},  # noqa: S704 - numbers, our own words
    }
