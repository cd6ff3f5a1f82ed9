"""Old runs and frames go with their files; runs whose process was killed are closed, living ones are not."""

import datetime as dt
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from pipelines.dagster_home import open_instance
from pipelines.home import DAEMON_PATIENCE_SECONDS, HOLDS_TAG, SPILL_FOLDER, home_lock
from pipelines.settings import Places, Settings
from pipelines.upkeep import RUNS_KEPT_DAYS, close_interrupted, interrupted, prune_lake, prune_runs
from tests.pipelines.test_sensors import Watched

NOW = dt.datetime.now(dt.UTC)
LATER = NOW + dt.timedelta(days=RUNS_KEPT_DAYS + 1)
STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(Settings(authority=Path("authorities/long_bien"), home=tmp_path / "home"))


@pytest.fixture
def instance(places: Places) -> Iterator[dg.DagsterInstance]:
    with open_instance(places.dagster_home) as opened:
        yield opened


@dg.job
def nothing() -> None:
    pass


@dg.op
def says() -> None:
    sys.stdout.write("said")


@dg.job
def saying() -> None:
    says()


def under_way(
    instance: dg.DagsterInstance, tags: dict[str, str] | None = None, *, by_daemon: bool = False
) -> str:
    """A run that its records call started, as a killed process leaves it."""
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="pipelines.definitions"))
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), "nightly")
    run = instance.create_run_for_job(
        nothing, status=STARTED, tags=tags, remote_job_origin=origin if by_daemon else None
    )
    return run.run_id


def statuses(instance: dg.DagsterInstance) -> dict[str, dg.DagsterRunStatus]:
    return {run.run_id: run.status for run in instance.get_runs()}


def test_old_runs_go_with_all_that_they_left(places: Places, instance: dg.DagsterInstance) -> None:
    run_id = saying.execute_in_process(instance=instance).run_id
    left = {path for path in places.dagster_home.rglob("*") if run_id in path.name}
    assert len(left) >= 2
    assert prune_runs(instance, NOW) == 0
    assert run_id in statuses(instance)
    assert prune_runs(instance, LATER) == 1
    assert statuses(instance) == {}
    assert not [path for path in places.dagster_home.rglob("*") if run_id in path.name]


def test_a_run_that_has_not_ended_is_never_pruned(instance: dg.DagsterInstance) -> None:
    run_id = under_way(instance)
    assert prune_runs(instance, LATER) == 0
    assert run_id in statuses(instance)


def test_old_frames_go_and_new_ones_stay(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "2020-06-30.parquet").touch()
    written = (NOW - dt.timedelta(days=RUNS_KEPT_DAYS, hours=1)).timestamp()
    os.utime(tmp_path / "old" / "2020-06-30.parquet", (written, written))
    assert prune_lake(tmp_path, NOW) == 1
    assert [path.parent.name for path in tmp_path.rglob("*.parquet")] == ["new"]


def test_runs_of_the_command_and_runs_that_held_the_home_are_dead_once_it_is_free(
    instance: dg.DagsterInstance,
) -> None:
    by_command = under_way(instance)
    held = under_way(instance, {HOLDS_TAG: "yes"}, by_daemon=True)
    waiting = under_way(instance, by_daemon=True)
    assert close_interrupted(instance, NOW) == 2
    assert statuses(instance) == {by_command: FAILURE, held: FAILURE, waiting: STARTED}
    after = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2 * DAEMON_PATIENCE_SECONDS + 60)
    assert [run.run_id for run in interrupted(instance, after)] == [waiting]


def test_the_daemon_closes_what_looks_dead_twice_and_leaves_a_running_night(
    places: Places, instance: dg.DagsterInstance
) -> None:
    run_id = under_way(instance)
    watched = Watched(places, "upkeep", instance)
    with home_lock(places.home):
        for _ in range(2):
            watched.look()
    assert statuses(instance) == {run_id: STARTED}
    watched.look()
    assert statuses(instance) == {run_id: STARTED}
    watched.look()
    assert "1 killed runs closed" in watched.said
    assert statuses(instance) == {run_id: FAILURE}


def test_what_memory_was_short_for_lies_in_the_home_and_outlives_no_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POLARS_OOC_SPILL_DIR", raising=False)
    home = tmp_path / "home"
    left = home / SPILL_FOLDER / "column.ipc"
    left.parent.mkdir(parents=True)
    left.write_text("Trần Văn Kín", encoding="utf-8")

    with home_lock(home):
        assert not left.exists()
        assert os.environ["POLARS_OOC_SPILL_DIR"] == str(home / SPILL_FOLDER)
