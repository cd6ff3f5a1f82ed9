"""A retry where it can help, and nowhere else."""

import errno
from pathlib import Path

import dagster as dg
import pytest

from assets.retries import may_pass, retry_or_fail
from pipelines.dagster_home import open_instance
from pipelines.outcome import failure_lines
from warehouse.engines import WarehouseBusyError, WarehouseError
from warehouse.publication_folder import PublicationFolder


def tries(needed: int, counter: Path, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """An asset that goes well at the try ``needed``, with two retries; tries are counted in a file."""

    @dg.asset
    def share(context: dg.AssetExecutionContext) -> None:
        with counter.open("a") as file:
            file.write("x")
        if counter.stat().st_size < needed:
            raise retry_or_fail(context, "the share is away", retries=2, wait_seconds=0)

    return dg.materialize([share], instance=instance, raise_on_error=False)


@pytest.mark.parametrize(("needed", "tried", "success"), [(1, 1, True), (3, 3, True), (9, 3, False)])
def test_tried_again_so_often_and_then_said(tmp_path: Path, needed: int, tried: int, success: bool) -> None:
    with open_instance(tmp_path / "dagster") as instance:
        result = tries(needed, tmp_path / "counter", instance)
        assert result.success is success
        assert (tmp_path / "counter").stat().st_size == tried
        assert failure_lines(instance, result.run_id) == ([] if success else ["share: the share is away"])


@pytest.mark.parametrize(
    ("number", "helps"),
    [
        (errno.EIO, True),
        (errno.ESTALE, True),
        (errno.ETIMEDOUT, True),
        (errno.EACCES, False),
        (errno.ENOSPC, False),
        (errno.EROFS, False),
    ],
)
def test_rights_and_a_full_disk_do_not_pass_by_waiting(number: int, helps: bool) -> None:
    assert may_pass(OSError(number, "said")) is helps


def test_only_a_warehouse_held_by_another_is_worth_waiting_for(tmp_path: Path) -> None:
    folder = PublicationFolder(tmp_path / "wardcast.duckdb")
    with (
        folder.publishing("another run"),
        pytest.raises(WarehouseError) as held,
        folder.publishing("this run"),
    ):
        pytest.fail("held twice")
    assert isinstance(held.value, WarehouseBusyError)
    folder.link.write_text("not ours")
    with pytest.raises(WarehouseError) as strange:
        folder.pointed()
    assert not isinstance(strange.value, WarehouseBusyError)
