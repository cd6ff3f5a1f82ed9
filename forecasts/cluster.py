"""The batch map over a Dask cluster that is already running; Dask is the optional extra `cluster`.

Workers need the same wardcast and the same libraries as the client: `dask worker` refuses nothing of itself,
so versions are compared when the map is opened.
"""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from forecasts.batches import BATCH_BYTES, BatchError, in_order, one_thread

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_PATIENCE = "30s"


class OnCluster:
    """Tasks sent to the workers of a Dask scheduler, e.g. `tcp://scheduler:8786`.

    Raises BatchError where Dask is not installed, nobody answers at the address for as long as `patience`
    says, or no worker is there.
    """

    def __init__(self, address: str, batch_bytes: int = BATCH_BYTES, patience: str = _PATIENCE) -> None:
        self._client = _connected(address, patience)
        self.address, self.batch_bytes = address, batch_bytes
        self.workers = sum(self._client.nthreads().values())
        if not self.workers:
            self._client.close()
            raise BatchError(f"the Dask scheduler at {address} has no workers; start some with `dask worker`")

    def __call__(self, work: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
        """The answers in order. A task goes to a worker as data, its work is run there on one thread."""
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker

        def submit(task: Task) -> Any:
            return self._client.submit(
                _quietly, work, self._client.scatter(task, hash=False), pure=False, key=None
            )

        try:
            yield from in_order(submit, tasks, self.workers)
        except (KilledWorker, CommClosedError) as gone:
            raise BatchError(f"the Dask cluster lost a task: {gone}") from gone

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Let go of the scheduler; the cluster stays."""
        self._client.close()


def _connected(address: str, patience: str) -> Any:
    try:
        import distributed
    except ImportError as missing:
        raise BatchError(
            f"forecasting on {address} needs Dask: install wardcast with its extra `cluster`"
        ) from missing
    try:
        connect: Any = distributed.Client
        client = connect(address, timeout=patience, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as silent:
        raise BatchError(f"no Dask scheduler answers at {address}: {silent}") from silent
    return client


def _quietly(work: Callable[[Task], Answer], task: Task) -> Answer:
    with one_thread():
        return work(task)
