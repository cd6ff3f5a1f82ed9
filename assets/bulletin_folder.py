"""Where the nights' sites lie, each replaced whole: a reader finds the old or the new one, never half.

``<night>`` and ``latest`` are links into ``.sites``, one of which is swung by one rename; a site that nothing
leads to any more is removed. What a site consists of is ``bulletins.site``'s.
"""

import contextlib
import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

LATEST = "latest"
_SITES = ".sites"
_READABLE = 0o755


def write_site(folder: Path, as_of: dt.date, files: Mapping[str, bytes], *, is_newest: bool) -> Path:
    """Put a night's files under its night, and under ``latest`` if no newer night has any.

    Returns:
        the folder that readers open.

    Raises:
        OSError: where the files cannot be written; what was there before still stands then.
    """
    sites = folder / _SITES
    sites.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{as_of}.", dir=sites))
    try:
        for name, content in files.items():
            (made / name).write_bytes(content)
        made.chmod(_READABLE)
        _lead(folder / as_of.isoformat(), made.relative_to(folder))
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    if is_newest:
        _lead(folder / LATEST, Path(as_of.isoformat()))
    for site in sites.glob(f"{as_of}.*"):
        if site != made:
            shutil.rmtree(site, ignore_errors=True)
    return folder / as_of.isoformat()


def _lead(link: Path, target: Path) -> None:
    """Let ``link`` lead to ``target`` from one moment to the next; a folder of an older version makes way."""
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    half = link.with_name(f".{link.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        half.unlink()
    half.symlink_to(target, target_is_directory=True)
    half.replace(link)
