"""Every file below a folder, looked at anew each night: there are thousands, so each is asked little.

Which form claims a file is told in ``extracts.landing``.
"""

import os
import unicodedata
from pathlib import Path

FoundFile = tuple[Path, str, OSError | None]
"""A file, its path below the folder for show; or a folder that cannot be listed, and why."""


def files_below(folder: Path) -> list[FoundFile]:
    """Every file below the folder, linked folders included, with its name for show, and folders that cannot
    be listed with what is wrong.

    Raises:
        OSError: the landing folder itself cannot be listed.
    """
    found: list[FoundFile] = []
    seen: set[object] = set()
    waiting = [(os.fspath(folder), "")]
    while waiting:
        at, below = waiting.pop()
        try:
            if (place := _place_of(at)) in seen:  # a link back to a folder above
                continue
            seen.add(place)
            with os.scandir(at) as entries:
                listed = [(entry.name, entry.path, entry.is_dir()) for entry in entries]
        except OSError as error:
            if not below:
                raise
            found.append((Path(at), _shown(below.removesuffix("/")), error))
            continue
        found.extend((Path(path), _shown(below + name), None) for name, path, is_dir in listed if not is_dir)
        folders = sorted(((path, f"{below}{name}/") for name, path, is_dir in listed if is_dir), reverse=True)
        waiting.extend(folders)
    return sorted(found, key=lambda file: file[1])


def _place_of(folder: str) -> object:
    """What tells a folder from any other, whichever link leads to it."""
    facts = os.stat(folder)  # noqa: PTH116 - thousands of dated folders, each looked at every night
    return (facts.st_dev, facts.st_ino) if facts.st_ino else os.path.realpath(folder)


def _shown(name: str) -> str:
    """Path below the folder, composed, with bytes that are no UTF-8 escaped: tables and pages show it."""
    if name.isascii():
        return name
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))
