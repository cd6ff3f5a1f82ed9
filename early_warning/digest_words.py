"""The words of a notification: subject, plain text and HTML, Vietnamese first and English below.

Says what the cases' own messages say, which come from the rules' templates and hold figures of units only:
no row, and so no taxpayer, gets here. Which cases are told is for ``early_warning.digest``.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from authorities import written
from authorities.model import Authority
from early_warning.channels import recipients_of
from early_warning.digest import Case, Due, Kind
from early_warning.figures import LANGUAGES, SEVERITY_WORDS, Language

RULE = "-" * 40
MOST_LISTED = 40
"""Cases written out in one list; of a province's hundreds the rest is counted."""
_HEADINGS: dict[Language, dict[str, str]] = {
    "vi": {
        "fresh": "Cảnh báo mới", "reminded": "Nhắc lại, chưa có phản hồi", "ended": "Đã chấm dứt",
        "others": "Vẫn đang mở",
    },
    "en": {
        "fresh": "New", "reminded": "Once more, as nobody has answered", "ended": "Ended",
        "others": "Still open",
    },
}  # fmt: skip
_STATES: dict[Language, dict[str, str]] = {
    "vi": {"acknowledged": "đã tiếp nhận", "explained": "đã giải trình", "reopened": "mở lại"},
    "en": {"acknowledged": "acknowledged", "explained": "explained", "reopened": "open again"},
}
_SENTENCES: dict[Language, dict[str, str]] = {
    "vi": {
        "opening": "Số liệu đến ngày {night}. Kính gửi: {recipients}.",
        "behind": "Đêm {night}, số liệu mới đến ngày {known}. Kính gửi: {recipients}.",
        "id": "mã {id}",
        "since": "từ ngày {day}",
        "stale": "tạm dừng theo dõi vì số liệu đã cũ",
        "more": "… và {count} cảnh báo khác, xem bản tin.",
        "unsure": "Tin của đêm {night} qua kênh {channel} không chắc đã tới nơi.",
        "already": "{count} cảnh báo khác vẫn mở, đã báo trong tin trước của đêm này.",
        "answer": 'Tiếp nhận: wardcast warnings acknowledge MÃ --who "họ tên" --why "lý do"',
        "bulletin": "Bản tin: ",
        "foot": "Tin tự động; nguyên nhân và toàn bộ danh sách nằm trong bản tin của đêm này.",
    },
    "en": {
        "opening": "Figures as of {night}.",
        "behind": "Night of {night}; figures reach {known} only.",
        "id": "id {id}",
        "since": "since {day}",
        "stale": "on hold, as its data is out of date",
        "more": "… and {count} more, see the bulletin.",
        "unsure": "The message of the night of {night} through {channel} may not have arrived.",
        "already": "{count} more still open, told by another message of this night.",
        "answer": 'To acknowledge: wardcast warnings acknowledge ID --who "your name" --why "the reason"',
        "bulletin": "Bulletin: ",
        "foot": "Sent automatically; causes and the whole list stand in this night's bulletin.",
    },
}
_HTML = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>{{ subject }}</title></head>
<body style="font-family: sans-serif; line-height: 1.45; max-width: 44em">
{%- for part in parts %}
{%- if not loop.first %}
<hr>{% endif %}
<section lang="{{ part.language }}">
<h1 style="font-size: 1.2em">{{ part.title }}</h1>
{%- for line in part.opening %}
<p>{{ line }}</p>{% endfor %}
{%- for heading, lines in part.lists %}
<h2 style="font-size: 1.05em">{{ heading }}</h2>
<ul>{% for line in lines %}
<li style="margin-bottom: 0.4em">{{ line }}</li>{% endfor %}
</ul>{% endfor %}
{%- for line in part.closing %}
<p>{{ line }}</p>{% endfor %}
<p>{{ part.bulletin_is }}
{%- if is_linked %}<a href="{{ bulletin }}">{{ bulletin }}</a>{% else %}{{ bulletin }}{% endif %}</p>
<p style="color: #555">{{ part.foot }}</p>
</section>
{%- endfor %}
</body></html>
"""


def in_words(
    authority: Authority,
    night: dt.date,
    role: str,
    kind: Kind,
    due: Due,
    bulletin: str,
    unsure: Sequence[Any],
) -> tuple[str, str, str]:
    """Subject, plain text and HTML.

    Args:
        bulletin: path or URL of the night's bulletin.
        unsure: (night, channel) of messages that may not have arrived.
    """
    from jinja2 import Environment

    subject = _subject(authority, night, kind, due)
    parts = [_part(authority, night, role, due, unsure, language) for language in LANGUAGES]
    page = Environment(autoescape=True).from_string(_HTML)  # names may hold whatever a folder holds
    is_linked = bulletin.startswith(("https://", "http://"))
    html = page.render(subject=subject, parts=parts, bulletin=bulletin, is_linked=is_linked)
    return subject, _text(parts, bulletin), html


def _subject(authority: Authority, night: dt.date, kind: Kind, due: Due) -> str:
    counted = [
        (len(due.fresh), "nghiêm trọng mới" if kind == "instant" else "mới"),
        (len(due.reminded), "nhắc lại"),
        (len(due.ended), "đã chấm dứt"),
        (len(due.others) + len(due.already), "đang mở"),
    ]
    said = ", ".join(f"{count} {what}" for count, what in counted if count).replace(" ", " cảnh báo ", 1)
    marks = ("[MÔ PHỎNG] " if authority.settings.sample else "") + ("KHẨN: " if kind == "instant" else "")
    return f"{marks}{authority.settings.title.vi}, {night:%d/%m/%Y}: {said}"


def _part(
    authority: Authority, night: dt.date, role: str, due: Due, unsure: Sequence[Any], language: Language
) -> dict[str, Any]:
    words, headings = _SENTENCES[language], _HEADINGS[language]
    settings = authority.settings
    recipients = recipients_of(authority, role)
    known = min((case.last_complete_day for case in due.standing if case.last_complete_day), default=night)
    said = words["behind" if known < night else "opening"]
    opening = [said.format(night=_day(night, language), known=_day(known, language), recipients=recipients)]
    if settings.sample is not None:
        opening.append(getattr(settings.sample.notice, language))
    opening += [words["unsure"].format(night=_day(day, language), channel=name) for day, name in unsure]
    closing = [words["already"].format(count=len(due.already))] if due.already else []
    closing += [words["answer"]] if due.standing else []
    lists = {
        "fresh": [_line(case, language) for case in due.fresh],
        "reminded": [_line(case, language) for case in due.reminded],
        "ended": [_ended_line(warning_id, case, language) for warning_id, case in due.ended],
        "others": [_line(case, language) for case in due.others],
    }
    return {
        "language": language,
        "title": getattr(settings.title, language),
        "opening": opening,
        "lists": [(headings[name], _short(lines, language)) for name, lines in lists.items() if lines],
        "closing": closing,
        "bulletin_is": words["bulletin"],
        "foot": words["foot"],
    }


def _day(day: dt.date, language: Language) -> str:
    """In figures where the day comes first for every reader, in words for who may expect the month."""
    return f"{day:%d/%m/%Y}" if language == "vi" else written.day(day, language)


def _line(case: Case, language: Language) -> str:
    since = _SENTENCES[language]["since"].format(day=_day(case.opened_on, language))
    state = _STATES[language].get(case.state)
    stale = None if case.suppressed_since is None else _SENTENCES[language]["stale"]
    own_id = _SENTENCES[language]["id"].format(id=case.warning_id)
    marks = ", ".join(filter(None, (SEVERITY_WORDS[language][case.severity], state, since, stale, own_id)))
    return f"{_message(case, language)} ({marks})"


def _ended_line(warning_id: str, case: Case | None, language: Language) -> str:
    own_id = _SENTENCES[language]["id"].format(id=warning_id)
    return own_id if case is None else f"{_message(case, language)} ({own_id})"


def _message(case: Case, language: Language) -> str:
    return str(getattr(case, f"message_{language}")).strip()


def _short(lines: list[str], language: Language) -> list[str]:
    if len(lines) <= MOST_LISTED:
        return lines
    return [*lines[:MOST_LISTED], _SENTENCES[language]["more"].format(count=len(lines) - MOST_LISTED)]


def _text(parts: list[dict[str, Any]], bulletin: str) -> str:
    said = []
    for part in parts:
        lines = [part["title"], "", *part["opening"]]
        for heading, items in part["lists"]:
            lines += ["", heading.upper(), *(f"- {item}" for item in items)]
        said.append(
            "\n".join([*lines, "", *part["closing"], f"{part['bulletin_is']}{bulletin}", part["foot"]])
        )
    return f"\n\n{RULE}\n\n".join(said) + "\n"
