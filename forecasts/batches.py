"""The one seam through which work is spread: in this process, over processes, or on a cluster.

Work is a function of a module and its tasks are values, so that both can be sent elsewhere; answers come back
in the order of the tasks, with only a few tasks on their way at a time. Linear algebra runs on one thread
wherever a task runs: processes do not fight over cores, and every place gives the same bits. What the work is
stands in `forecasts.lines` and `forecasts.units`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Task = TypeVar("Task")
Answer = TypeVar("Answer")

BATCH_BYTES = 2**24
"""What the draws of one batch may take, unless told otherwise: small enough to stay near the processor."""
_AHEAD = 2
"""Tasks on their way per worker: one being worked on and one waiting."""


class BatchError(RuntimeError):
    """The work could not be spread, or was lost on the way."""


class BatchMap(Protocol):
    """Maps a module's function over tasks; answers in the tasks' order. Used as a context, it closes what it
    opened."""

    @property
    def workers(self) -> int:
        """How many tasks are worked on at a time."""
        ...

    @property
    def batch_bytes(self) -> int:
        """What the draws of one batch may take; answers do not depend on it."""
        ...

    def __call__(self, work: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
        """The answers, lazily."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


def one_thread() -> AbstractContextManager[object]:
    """A context in which linear algebra keeps to one thread."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits


class InProcess:
    """One task after the other, here."""

    workers = 1

    def __init__(self, batch_bytes: int = BATCH_BYTES) -> None:
        self.batch_bytes = batch_bytes

    def __call__(self, work: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
        """The answers, each worked out when it is asked for."""
        for task in tasks:
            with one_thread():
                answer = work(task)
            yield answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Nothing to close."""


class Processes:
    """A pool of processes of this machine, started when first needed and kept until closed."""

    def __init__(self, workers: int, batch_bytes: int = BATCH_BYTES) -> None:
        if workers < 1:
            raise BatchError(f"forecasting needs at least 1 process, not {workers}")
        self.workers, self.batch_bytes = workers, batch_bytes
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, work: Callable[[Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
        """The answers in order, two tasks per process on their way. Raises BatchError where a process is
        gone."""
        from concurrent.futures.process import BrokenProcessPool

        pool = self._started()
        try:
            yield from in_order(lambda task: pool.submit(work, task), tasks, self.workers)
        except BrokenProcessPool as gone:
            self.close()
            raise BatchError(
                "a forecasting process ended before its answer, most likely for want of memory; "
                "use fewer workers, or give the machine more memory"
            ) from gone

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _started(self) -> "ProcessPoolExecutor":
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        if self._pool is None:  # not by fork: polars and OpenBLAS hold threads that a fork would lose
            context = get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=keep_to_one_thread)
        return self._pool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def keep_to_one_thread() -> None:
    """Limit this process' linear algebra to one thread for good; numpy's and scipy's libraries alike."""
    from importlib import import_module

    from threadpoolctl import threadpool_limits

    for library in ("numpy", "scipy.linalg"):  # loaded now, so that it is there to be limited
        import_module(library)
    threadpool_limits(limits=1, user_api="blas")


def in_order(
    submit: Callable[[Task], "Future[Answer]"], tasks: Iterable[Task], workers: int
) -> Iterator[Answer]:
    """Answers in the tasks' order, with at most two tasks per worker made and sent ahead."""
    waiting: deque[Future[Answer]] = deque()
    for task in tasks:
        waiting.append(submit(task))
        if len(waiting) >= _AHEAD * workers:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def batch_map(where: str) -> BatchMap:
    """The map that a setting names: a number of processes (`1` is this one), or a Dask scheduler's address.

    Raises BatchError for anything else, and where the `cluster` extra is missing.
    """
    if where.isdecimal():
        return InProcess() if where == "1" else Processes(int(where))
    if "://" in where:
        from forecasts.cluster import OnCluster

        return OnCluster(where)
    raise BatchError(
        f"forecast workers {where!r}: write a number of processes, such as 2, or the address of a Dask "
        "scheduler, such as tcp://scheduler:8786"
    )
