"""The embedded sample in its home: made once, made again when what it is made from has changed.

The simulator is in ``extracts.simulator``; a night reads its landing folder and nothing else of it.
"""

import json
import shutil
from pathlib import Path

from authorities.model import Authority
from pipelines.settings import Places, code_version

STAMP_FILE = "made_from.json"


def ensure_sample(places: Places) -> bool:
    """Make the sample if it is not there or was made from something else; True where it was made.

    Made beside and renamed, so that a killed run leaves no half sample.
    """
    stamp = _stamp(places.authority)
    if _is_current(places.sample, stamp):
        return False
    from extracts.kept_files import forget
    from extracts.simulator.simulate import simulate

    half = places.sample.with_name(f"{places.sample.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    simulate(places.authority, half)
    (half / STAMP_FILE).write_text(json.dumps(stamp))
    shutil.rmtree(places.sample, ignore_errors=True)
    half.replace(places.sample)
    forget(places.home / "raw")  # files of another sample are not archived ones
    return True


def _stamp(authority: Authority) -> dict[str, str]:
    return {
        "authority": authority.code,
        "config_sha256": authority.config_sha256,
        "code_version": code_version(),
    }


def _is_current(folder: Path, stamp: dict[str, str]) -> bool:
    try:
        return bool(json.loads((folder / STAMP_FILE).read_text()) == stamp)
    except (OSError, ValueError):
        return False
