"""What watches, on real files and a real Dagster instance: the landing folder, failed runs, failed checks."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipelines.dagster_home import open_instance
from pipelines.definitions import build_definitions
from pipelines.notices import NOTICES_FILE
from pipelines.settings import Places, Settings


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(
        Settings(authority=Path("authorities/long_bien"), home=tmp_path / "home", landing=tmp_path / "in")
    )


@pytest.fixture
def instance(places: Places) -> Iterator[dg.DagsterInstance]:
    with open_instance(places.dagster_home) as opened:
        yield opened


class Watched:
    """A sensor looked at again and again, its cursor kept as the daemon keeps it."""

    def __init__(self, places: Places, name: str, instance: dg.DagsterInstance) -> None:
        self.definitions = build_definitions(places)
        self.sensor = self.definitions.resolve_sensor_def(name)
        self.instance = instance
        self.cursor: str | None = None
        self.said = ""

    def look(self) -> list[str | None]:
        """Nights asked for."""
        # Runs made in a test belong to no repository; what watches runs then has to belong to none too.
        asks = not isinstance(self.sensor, dg.RunStatusSensorDefinition)
        repository = self.definitions.get_repository_def() if asks else None
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=repository
        )
        seen = self.sensor.evaluate_tick(context)
        self.cursor = seen.cursor if seen.cursor is not None else self.cursor
        self.said = seen.skip_message or ""
        return [request.partition_key for request in seen.run_requests or []]


def test_a_changed_landing_folder_is_run_for_once_it_keeps_still(
    places: Places, instance: dg.DagsterInstance
) -> None:
    watched = Watched(places, "landing_folder", instance)
    places.landing.mkdir()
    (places.landing / "old.csv").write_text("1")
    assert watched.look() == []
    assert "nothing new" in watched.said
    growing = places.landing / "new.csv"
    for size in (1, 2):
        growing.write_text("x" * size)
        assert watched.look() == []
        assert "changing" in watched.said
    (night,) = watched.look()
    assert night is not None
    assert night > "2020-06-30"  # yesterday, not the sample's night
    assert watched.look() == []
    growing.unlink()
    assert watched.look() == []
    assert watched.look() == [night]  # back to an earlier state, which is no longer what was read last


def test_a_landing_folder_that_is_away_for_a_while_is_no_change(
    places: Places, instance: dg.DagsterInstance
) -> None:
    watched = Watched(places, "landing_folder", instance)
    assert watched.look() == []
    assert "does not exist" in watched.said
    places.landing.mkdir()
    (places.landing / "a.csv").write_text("1")
    assert watched.look() == []
    away = places.landing.with_name("away")
    places.landing.rename(away)
    assert [watched.look(), watched.look()] == [[], []]
    away.rename(places.landing)
    assert [watched.look(), watched.look()] == [[], []]
    assert "nothing new" in watched.said


def test_the_sample_is_run_for_its_own_night(
    tmp_path: Path, instance: dg.DagsterInstance, sample: Path
) -> None:
    places = Places(Settings(authority=Path("authorities/long_bien"), home=tmp_path / "home"))
    watched = Watched(places, "landing_folder", instance)
    shutil.copytree(sample / "landing" / "kho_bac" / "2020-06-30", places.landing)
    assert watched.look() == []
    (places.landing / "more.csv").write_text("1")
    assert [watched.look(), watched.look()] == [[], ["2020-06-30"]]


@dg.op
def stumbles() -> None:
    raise dg.Failure("thu.csv cannot be read; send it again")


@dg.job
def stumbling() -> None:
    stumbles()


@dg.asset(check_specs=[dg.AssetCheckSpec("sums_hold", asset="figures")])
def figures(config: dict[str, bool]) -> dg.MaterializeResult:
    result = dg.AssetCheckResult(
        passed=config["good"],
        severity=dg.AssetCheckSeverity.WARN,
        description="row 7 of thu.csv",
        check_name="sums_hold",
    )
    return dg.MaterializeResult(check_results=[result])


def make_figures(instance: dg.DagsterInstance, *, good: bool) -> str:
    config = {"ops": {"figures": {"config": {"good": good}}}}
    made = dg.materialize([figures], instance=instance, run_config=config)
    assert made.success
    return made.run_id


def notices(places: Places) -> list[dict[str, object]]:
    path = places.home / NOTICES_FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_failed_run_is_told_of_once_in_its_own_words(places: Places, instance: dg.DagsterInstance) -> None:
    watched = Watched(places, "tell_of_failed_run", instance)
    watched.look()
    failed = stumbling.execute_in_process(instance=instance, raise_on_error=False)
    before = watched.cursor
    watched.look()
    watched.cursor = before  # as after a daemon that was stopped before it noted how far it had looked
    watched.look()
    (notice,) = notices(places)
    assert (notice["kind"], notice["run_id"]) == ("run_failed", failed.run_id)
    assert notice["lines"] == ["stumbles: thu.csv cannot be read; send it again"]


def test_failed_checks_of_a_run_that_went_through_are_told_of(
    places: Places, instance: dg.DagsterInstance
) -> None:
    watched = Watched(places, "tell_of_failed_checks", instance)
    watched.look()
    make_figures(instance, good=True)
    watched.look()
    assert notices(places) == []
    run_id = make_figures(instance, good=False)
    watched.look()
    (notice,) = notices(places)
    assert (notice["kind"], notice["run_id"]) == ("checks_failed", run_id)
    assert notice["lines"] == ["figures, sums_hold: row 7 of thu.csv"]


def test_what_tells_is_on_by_itself_and_what_runs_is_not(places: Places) -> None:
    on = {
        sensor.name
        for sensor in build_definitions(places).sensors or []
        if sensor.default_status is dg.DefaultSensorStatus.RUNNING
    }
    assert on == {"tell_of_failed_run", "tell_of_failed_checks", "upkeep"}
