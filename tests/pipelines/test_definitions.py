"""What Dagster loads: valid, cheap to import, described, with columns and checks as they are declared."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from authorities.forms import DATASETS
from expectations.suites import suite_of
from pipelines.dagster_home import DAGSTER_YAML, open_instance, prepare, write_settings
from pipelines.definitions import NIGHTLY, build_definitions
from pipelines.home import HOLDS_TAG, NightRefusedError, home_lock, lake_of_held_home
from pipelines.outcome import failure_lines
from pipelines.settings import Places, Settings
from tests.pipelines.conftest import NIGHT
from warehouse.projections import column_rules
from warehouse.tables.ledger import CORE_DELIVERY, LEDGER, QUARANTINE
from warehouse.tables.marts import MARTS, PUBLICATION
from warehouse.tables.staging import STAGED

DECLARED = {"raw_delivery": CORE_DELIVERY} | {
    table.name: table for table in (*STAGED.values(), *LEDGER.values(), QUARANTINE, *MARTS, PUBLICATION)
}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(Places(Settings(home=tmp_path_factory.mktemp("home"))))


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def checks(definitions: dg.Definitions) -> list[dg.AssetCheckSpec]:
    graph = definitions.resolve_asset_graph()
    return [graph.get_check_spec(key) for key in graph.asset_check_keys]


@pytest.mark.parametrize("name", ["long_bien", "ukraine_cities"])
def test_the_definitions_of_every_shipped_authority_load(tmp_path: Path, name: str) -> None:
    places = Places(Settings(authority=Path("authorities") / name, home=tmp_path))
    dg.Definitions.validate_loadable(build_definitions(places))
    dg.Definitions.validate_loadable(build_definitions(places, lake_of_held_home(places)))


def test_importing_reads_no_environment_and_no_heavy_library() -> None:
    """With an authority that does not exist, importing goes well and building says what is wrong."""
    script = (
        "import sys, pipelines.definitions as d\n"
        "heavy = {'great_expectations', 'statsmodels', 'altair', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "print('imported', flush=True)\n"
        "d.defs()\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"WARDCAST_AUTHORITY": "/nowhere/at/all"},
        capture_output=True,
        text=True,
    )
    assert answer.stdout == "imported\n", answer.stderr
    assert "AuthorityError" in answer.stderr
    assert "/nowhere/at/all" in answer.stderr


def test_every_asset_has_a_description_a_group_and_a_layer(specs: dict[str, dg.AssetSpec]) -> None:
    assert len(specs) >= 50
    lacking = [
        name
        for name, spec in specs.items()
        if not spec.description or spec.group_name in (None, "default") or not spec.tags.get("layer")
    ]
    assert lacking == []


def test_the_columns_tab_is_the_declaration(specs: dict[str, dg.AssetSpec]) -> None:
    assert set(DECLARED) <= set(specs)
    for name, table in DECLARED.items():
        schema = specs[name].metadata["dagster/column_schema"]
        nullable = {rule.column: rule.nullable for rule in column_rules(table)}
        assert {one.name: one.constraints.nullable for one in schema.columns} == nullable
        for column in schema.columns:
            comment, unit = table.columns[column.name].comment, table.columns[column.name].info.get("unit")
            assert comment
            assert column.description.startswith(comment)
            assert unit is None or column.description.endswith(unit)


def test_every_rule_is_a_check_of_its_dataset(checks: list[dg.AssetCheckSpec]) -> None:
    named = {(check.asset_key.to_user_string(), check.name): check for check in checks}
    for dataset in DATASETS:
        for rule in suite_of(dataset):
            check = named[f"accepted_{dataset}", rule.rule]
            assert not check.blocking
            assert check.description == rule.explanation("en")


def test_what_must_stop_a_night_blocks_and_nothing_else(checks: list[dg.AssetCheckSpec]) -> None:
    blocking = {(check.asset_key.to_user_string(), check.name) for check in checks if check.blocking}
    shape = {
        (f"accepted_{dataset}", name)
        for dataset in DATASETS
        for name in ("declared_types_hold", "rows_are_accounted_for")
    }
    accounts = {(f"core_{dataset}", "files_are_accounted_for") for dataset in DATASETS}
    assert blocking == {("raw_delivery", "whole_extracts_readable"), *shape, *accounts}


def test_the_night_is_one_job_in_one_process_with_a_partition_a_night(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def(NIGHTLY)
    assert job.executor_def is dg.in_process_executor
    assert definitions.executor is dg.in_process_executor
    assert job.tags["wardcast/authority"] == "long_bien"
    assert job.partitions_def is not None
    assert job.partitions_def.get_first_partition_key() == "2013-01-01"
    assert NIGHT in job.partitions_def.get_partition_keys()


def test_nothing_is_sent_and_one_run_goes_at_a_time(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs == 1
        assert [limit["key"] for limit in queue.tag_concurrency_limits] == ["wardcast/authority"]
        assert instance.run_monitoring_enabled


def test_settings_of_our_own_are_renewed_and_those_of_others_kept(tmp_path: Path) -> None:
    settings = tmp_path / "dagster.yaml"
    settings.write_text(f"{DAGSTER_YAML}\n# of an older version")
    write_settings(tmp_path)
    assert settings.read_text() == DAGSTER_YAML
    settings.write_text("telemetry: {enabled: false}\n")
    write_settings(tmp_path)
    assert settings.read_text() == "telemetry: {enabled: false}\n"


def test_the_home_of_the_ui_is_the_commands_and_its_owners_alone(tmp_path: Path) -> None:
    places = Places(Settings(home=tmp_path / "home"))
    folder = prepare(places)
    assert folder == places.dagster_home == tmp_path / "home" / "dagster"
    assert places.home.stat().st_mode & 0o077 == 0


def take_in(places: Places, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The first asset of a night, as the daemon's runs get their lake; waiting one second for the home."""
    job = build_definitions(places, lake_of_held_home(places, patience_seconds=1)).resolve_job_def(NIGHTLY)
    return job.execute_in_process(
        instance=instance,
        partition_key=NIGHT,
        asset_selection=[dg.AssetKey("raw_delivery")],
        raise_on_error=False,
    )


def test_a_run_of_the_daemon_holds_the_home_and_waits_for_it(sample: Path, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    shutil.copytree(sample / "landing" / "kho_bac" / NIGHT, landing / "kho_bac" / NIGHT)
    places = Places(Settings(home=tmp_path / "home", landing=landing))
    with open_instance(places.dagster_home) as instance:
        with home_lock(places.home):
            held = take_in(places, instance)
        assert not held.success
        assert "another night is running" in " ".join(failure_lines(instance, held.run_id))
        free = take_in(places, instance)
        assert free.success
        tags = {run.run_id: run.tags for run in instance.get_runs()}
        assert HOLDS_TAG not in tags[held.run_id]
        assert HOLDS_TAG in tags[free.run_id]
    with home_lock(places.home):  # let go of at the run's end
        pass


def test_a_home_is_held_until_it_is_let_go_of(tmp_path: Path) -> None:
    with (
        home_lock(tmp_path),
        pytest.raises(NightRefusedError, match=f"process {os.getpid()}"),
        home_lock(tmp_path),
    ):
        pytest.fail("held twice")


def test_a_password_in_the_warehouse_url_stays_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's UI shows a resource's configuration: it may name the variable, never the secret."""
    monkeypatch.setenv("WARDCAST_WAREHOUSE", "postgresql+psycopg://office:s3cret@localhost/budget")
    definitions = build_definitions(Places(Settings(home=tmp_path)))
    office = definitions.resources["office"]  # type: ignore[index]
    assert "s3cret" not in repr(office.get_resource_definition().config_schema.default_value)  # type: ignore[union-attr]
