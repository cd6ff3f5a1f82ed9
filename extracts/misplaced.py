"""A file whose name is a form's but which lies in a folder where that form does not look: a likely slip.

Only for telling people; nothing is read under a form that does not claim it.
"""

import re
from collections.abc import Sequence

from authorities.forms import ExtractForm

_DATED = r"\d{4}-\d{2}-\d{2}"
_ANYWHERE = re.compile(r"^(\^|\(\^\|/\))")


def split_pattern(pattern: str) -> tuple[str, str] | None:
    """What a form's pattern asks of folders and of the file's own name: before and behind its last slash.

    None where it asks nothing of folders, or where its last slash stands in a group.
    """
    cut, depth, in_class = -1, 0, False
    letters = iter(enumerate(pattern))
    for place, letter in letters:
        if letter == "\\" or (letter == "[" and pattern[place + 1 : place + 2] == "]"):
            next(letters, None)  # what is marked as plain, and a bracket that is the first of its class
            in_class |= letter == "["
        elif in_class or letter == "[":
            in_class = letter != "]"
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "/" and depth == 0:
            cut = place
    return (pattern[: cut + 1], pattern[cut + 1 :]) if cut >= 0 else None


def named_like(name: str, forms: Sequence[ExtractForm]) -> tuple[ExtractForm, str] | None:
    """The form that would claim the file if it lay elsewhere, and where; None where it is no form's anyway.

    The place is in words: ``kho_bac/YYYY-MM-DD/``.
    """
    own = name.rpartition("/")[2]
    for form in forms:
        parts = split_pattern(form.recognise.file_name)
        if parts and form.database is None and _fits(f"^{parts[1]}", own):
            folders = _ANYWHERE.sub("", parts[0]).replace(_DATED, "YYYY-MM-DD")
            return form, folders.replace("[^/]*", "…").replace("\\", "")
    return None


def _fits(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:  # a group that began among the folders
        return False
