"""A publication that is killed, starved or raced leaves the last one as it was, and the next run succeeds."""

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.warehouse.publication_scenario import EARLIER, NIGHT, dimensions, facts, marts
from warehouse.engines import WarehouseError, open_warehouse, warehouse_url
from warehouse.publication_folder import PublicationFolder

ROOT = Path(__file__).parents[2]
BEFORE = ["check", "lock", "write mart_unit_position", "load dim_unit", "load mart_warning", "seal", "point"]
AFTER = ["prune", "unlock"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return warehouse_url(tmp_path / "home" / "wardcast.duckdb")


@pytest.fixture
def folder(tmp_path: Path) -> PublicationFolder:
    return PublicationFolder(tmp_path / "home" / "wardcast.duckdb")


def start(url: str, mode: str, argument: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.warehouse.publisher", url, str(NIGHT), mode, argument]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def published_amounts(url: str) -> dict[str, Decimal]:
    rows = (
        open_warehouse(url).query("SELECT publication_id, collected_amount FROM mart_district_brief").rows()
    )
    return dict(rows)


def names_in(folder: PublicationFolder) -> set[str]:
    return {path.name for path in folder.folder.iterdir()} - {"publishing.lock"}


def test_the_steps_named_here_are_the_steps_there_are(url: str) -> None:
    steps: list[str] = []
    open_warehouse(url, at_step=steps.append).publish(NIGHT, marts(), dimensions(), facts())
    assert [step for step in steps if step in BEFORE + AFTER] == BEFORE + AFTER
    assert {step.split()[0] for step in steps} == {step.split()[0] for step in BEFORE + AFTER}


@pytest.mark.parametrize("step", BEFORE)
def test_killed_before_the_link_moves_nothing_has_happened(
    url: str, folder: PublicationFolder, step: str
) -> None:
    open_warehouse(url).publish(NIGHT, marts(NIGHT, "7.00"), dimensions(), facts())
    child = start(url, "kill", step)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert folder.link.resolve().name == "2020-06-30.1.duckdb"
    assert published_amounts(url) == {"2020-06-30.1": Decimal("7.00")}

    again = open_warehouse(url).publish(NIGHT, marts(NIGHT, "8.00"), dimensions(), facts())
    assert published_amounts(url) == {again.publication_id: Decimal("8.00")}
    assert again.publication_id == "2020-06-30.2"
    assert names_in(folder) == {"2020-06-30.1", "2020-06-30.1.duckdb", "2020-06-30.2", "2020-06-30.2.duckdb"}


@pytest.mark.parametrize("step", AFTER)
def test_killed_after_the_link_moved_the_publication_stands(
    url: str, folder: PublicationFolder, step: str
) -> None:
    open_warehouse(url).publish(NIGHT, marts(NIGHT, "7.00"), dimensions(), facts())
    child = start(url, "kill", step)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert published_amounts(url) == {"2020-06-30.2": Decimal("1.00")}

    open_warehouse(url).publish(EARLIER, marts(EARLIER, "9.00"), dimensions(), facts())
    assert published_amounts(url) == {"2020-06-30.2": Decimal("1.00"), "2020-06-29.1": Decimal("9.00")}
    assert "2020-06-30.2.duckdb" in names_in(folder)


@pytest.mark.parametrize("step", ["write mart_unit_position", "point"])
def test_the_very_first_publication_may_be_killed(url: str, folder: PublicationFolder, step: str) -> None:
    child = start(url, "kill", step)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    assert not folder.link.exists()
    with pytest.raises(WarehouseError, match="nothing has been published"):
        published_amounts(url)
    open_warehouse(url).publish(NIGHT, marts(NIGHT, "8.00"), dimensions(), facts())
    assert names_in(folder) == {"2020-06-30.1", "2020-06-30.1.duckdb"}


def test_a_second_publisher_is_told_who_is_at_work_and_the_first_goes_on(url: str) -> None:
    first = start(url, "hold", "load dim_unit")
    assert first.stdout is not None
    assert first.stdout.readline() == "holding\n"
    with pytest.raises(
        WarehouseError, match=f"published to by run child of night 2020-06-30, process {first.pid}"
    ):
        open_warehouse(url).publish(EARLIER, marts(EARLIER), dimensions(), facts())
    first.communicate("go on\n", timeout=60)
    assert first.returncode == 0
    assert published_amounts(url) == {"2020-06-30.1": Decimal("1.00")}
    open_warehouse(url).publish(EARLIER, marts(EARLIER, "2.00"), dimensions(), facts())
    assert len(published_amounts(url)) == 2


# The smallest limit stops Parquet, the next one the DuckDB file, whose first blocks fit.
@pytest.mark.parametrize("limit", [512, 65536])
def test_a_full_disk_is_named_and_nothing_is_left_behind(
    url: str, folder: PublicationFolder, limit: int
) -> None:
    open_warehouse(url).publish(NIGHT, marts(NIGHT, "7.00"), dimensions(), facts())
    child = start(url, "limit", str(limit))
    _, said = child.communicate(timeout=60)
    assert child.returncode == 1, said
    assert "the disk is full; free space" in said
    assert "The last publication is as it was" in said
    assert "Traceback" not in said
    assert published_amounts(url) == {"2020-06-30.1": Decimal("7.00")}
    assert names_in(folder) == {"2020-06-30.1", "2020-06-30.1.duckdb"}
    open_warehouse(url).publish(NIGHT, marts(NIGHT, "8.00"), dimensions(), facts())
    assert published_amounts(url) == {"2020-06-30.2": Decimal("8.00")}


def test_a_torn_lock_record_does_not_stop_the_next_run(url: str, folder: PublicationFolder) -> None:
    open_warehouse(url).publish(NIGHT, marts(), dimensions(), facts())
    lock = folder.folder / "publishing.lock"
    lock.write_text(lock.read_text() + 'tail of a longer record"}')
    open_warehouse(url).publish(NIGHT, marts(), dimensions(), facts())
    lock.write_text('{"by": "run')
    open_warehouse(url).publish(NIGHT, marts(), dimensions(), facts())
    assert set(published_amounts(url)) == {"2020-06-30.3"}
