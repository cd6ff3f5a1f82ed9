"""A publisher killed by SIGKILL as each of its steps begins, on both engines: the last publication or the new
one stands whole, and the next run succeeds."""

import multiprocessing
import signal
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.warehouse import publisher
from tests.warehouse.publication_scenario import NIGHT, dimensions, facts, marts
from warehouse.engines import Warehouse, open_warehouse, warehouse_url

# Children are forked from a process that has everything imported and runs no thread: a second each is saved.
_PROCESSES = multiprocessing.get_context("forkserver")
_IMPORTED = ("warehouse.publication", "warehouse.postgres", "adbc_driver_postgresql.dbapi", "pyarrow")
_PROCESSES.set_forkserver_preload([publisher.__name__, *_IMPORTED])
OLD, NEW = "7.00", "1.00"


@pytest.fixture(params=["duckdb", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "duckdb":
        return warehouse_url(tmp_path / "wardcast.duckdb")
    url: Callable[[], str] = request.getfixturevalue("database").url
    return url()


def killed_at(url: str, step: str) -> int | None:
    """How the child ended that was to kill itself as the step begins."""
    child = _PROCESSES.Process(target=publisher.main, args=(url, str(NIGHT), "kill", step))
    child.start()
    child.join(120)
    return child.exitcode


def amounts(warehouse: Warehouse) -> set[Decimal]:
    return {
        amount
        for mart in ("mart_district_brief", "mart_unit_position")
        for amount in warehouse.read_mart(mart)["collected_amount"]
    }


def test_whatever_step_it_dies_at_a_publication_stands_whole_and_the_next_run_succeeds(url: str) -> None:
    steps: list[str] = []
    open_warehouse(url, at_step=steps.append).publish(NIGHT, marts(NIGHT, OLD), dimensions(), facts())
    warehouse, survived = open_warehouse(url), {}
    for step in steps:
        assert killed_at(url, step) == -signal.SIGKILL, step
        found = amounts(warehouse)
        assert found in ({Decimal(OLD)}, {Decimal(NEW)}), step
        survived[step] = found == {Decimal(NEW)}
        warehouse.publish(NIGHT, marts(NIGHT, OLD), dimensions(), facts())
        assert amounts(warehouse) == {Decimal(OLD)}, step
    came_through = [step for step in steps if survived[step]]
    assert came_through == steps[-len(came_through) :], "once it is published it is published"
    assert came_through in (["prune", "unlock"], ["statistics"])
