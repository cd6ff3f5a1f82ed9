"""The home of an authority: made for its owner alone, and held by one night at a time.

Both ways of running a night hold the same lock: the command around all that it does, Dagster's daemon through
the resource ``lake_of_held_home``. Where the home lies is in ``pipelines.settings``.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import Places

if TYPE_CHECKING:
    import dagster as dg

LOCK_FILE = "night.lock"
HOLDS_TAG = "wardcast/holds_home"
"""Tag of the daemon's runs that got the lock, and so cannot be waiting for it any more."""
SPILL_FOLDER = "spill"
"""Where polars puts columns that memory is short for, taxpayers' names among them: in the home, which is its
owner's alone, and emptied by the next night where one was killed."""
_SPILL_VARIABLE = "POLARS_OOC_SPILL_DIR"
DAEMON_PATIENCE_SECONDS = 3600
"""How long a run of the daemon waits for the night before it; the command refuses at once."""


class NightRefusedError(Exception):
    """The night cannot start; the message says why and what to do."""


def make_home(home: Path) -> None:
    """The home is for its owner alone: raw rows with taxpayers' names lie in it.

    Raises:
        NightRefusedError: the folder cannot be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / LOCK_FILE).touch(mode=0o600)
    except OSError as error:
        raise NightRefusedError(
            f"home folder {home} cannot be written ({error.strerror}). Give another with --home"
        ) from error


def unwritable(places: Places) -> Path | None:
    """What of the home, or of Dagster's records in it, a night could not write to; None where all is well.

    Dagster writes to its records even to read them.
    """
    home = next(folder for folder in (places.home, *places.home.parents) if folder.exists())
    records = sorted(places.dagster_home.glob("*/*.db"))
    held = [home, places.dagster_home, *(path.parent for path in records), *records]
    return next((path for path in held if path.exists() and not os.access(path, os.W_OK)), None)


@contextmanager
def home_lock(home: Path, patience_seconds: int = 0) -> Iterator[None]:
    """Hold ``home`` as its only night; the lock goes with the process, however it ends.

    Raises:
        NightRefusedError: another night of the home is running and has not ended within the patience.
    """
    make_home(home)
    os.environ[_SPILL_VARIABLE] = str(home / SPILL_FOLDER)
    with (home / LOCK_FILE).open("a+") as file:
        for _ in range(patience_seconds):
            if _taken(file.fileno()):
                break
            time.sleep(1)
        else:
            if not _taken(file.fileno()):
                file.seek(0)
                raise NightRefusedError(
                    f"another night is running in {home} (process {file.read().strip() or 'unknown'}). "
                    "Wait for it to end"
                )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        shutil.rmtree(home / SPILL_FOLDER, ignore_errors=True)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def lake_of_held_home(
    places: Places, patience_seconds: int = DAEMON_PATIENCE_SECONDS
) -> "dg.IOManagerDefinition":
    """The lake as the daemon's runs get it: home locked for the whole run, sample made where it is asked for.

    Every asset needs the lake, and a run in one process sets it up once: to hold it is to hold the run.
    """
    import dagster as dg

    from assets.frames import lake_at
    from assets.lake import LakeIOManager
    from pipelines.sample import ensure_sample

    @dg.io_manager(  # type: ignore[arg-type]  # takes generators, though its signature does not say so
        description="Frames between steps; while a run has it, no other night of the home runs"
    )
    def lake(context: dg.InitResourceContext) -> Iterator[LakeIOManager]:
        with home_lock(places.home, patience_seconds):
            if context.instance is not None and context.run is not None:
                context.instance.add_run_tags(context.run.run_id, {HOLDS_TAG: "yes"})
            if places.uses_sample and ensure_sample(places) and context.log is not None:
                context.log.info(f"simulated sample written to {places.sample}")
            yield LakeIOManager(lake_at(places.lake))

    return lake
