"""Work that is divided among threads and processes, with its results in order."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from .cpu import available_cores
from .memory import give_back
from .worker import work_of
from .worker_process import WorkerProcess

Part = TypeVar("Part")
Result = TypeVar("Result")

_kept: ContextVar[list[WorkerProcess] | None] = ContextVar("workers", default=None)


def threads_of_short_calls() -> int:
    """Returns how many threads make short calls of NumPy and OpenCV side by side.

    Each such call gives the interpreter's lock up, and threads that make them at once
    wake one another all the time. On a Xeon of two cores 16,142 pairs of look-alikes
    are compared in 19.7 CPU seconds by one thread, 19.5 by the clock, and in 27.3 and
    17.2 by two; 162 closer looks take 3.1 and 2.9, by two 4.0 and 2.6. All comparisons
    of 24,335 scenes take 46 and 40, by two 55 and 35. More cores were not measured.
    """
    return max(1, available_cores() // 2)


@contextlib.contextmanager
def workers_kept() -> Iterator[None]:
    """Keeps the processes that divided work has started for the work that follows."""
    token = _kept.set([])
    try:
        yield
    finally:
        _end(_kept.get() or [])
        _kept.reset(token)


def divided(
    maker: Callable[..., Callable[..., Result]],
    settings: tuple[Any, ...],
    parts: Sequence[Part],
    values_of: Callable[[Part], tuple[Any, ...]],
    *,
    most_threads: int,
    by_processes: bool = False,
) -> Iterator[tuple[Part, Result]]:
    """Yields each part with its result, in the order of the parts.

    Sums round differently with the number of BLAS threads, so each part has one, and
    the parts lie side by side. Where the caller stops, after a cancel, say, parts that
    run are waited for, and those that wait are not begun. What a process cannot do, or
    dies of, is done here.

    Args:
        maker: a function or class at the top of one of our modules, which returns what
            does the work; called here and once in each process
        settings: plain values that it is called with
        parts: of the work
        values_of: the values with which the work is called for a part, plain ones if it
            is divided among processes; called from several threads at once
        most_threads: as each of them holds its own work space
        by_processes: whether there is so much to do that a process for each further
            core pays, which takes half a second to start; without, threads
    """
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    here, work = maker(*settings), work_of(maker, *settings)
    count = min(available_cores(), len(parts)) - 1 if by_processes else 0
    with _workers(count) as workers, threadpool_limits(1, "blas"):
        own = 1 if workers else min(most_threads, threads_of_short_calls())
        free: queue.SimpleQueue[WorkerProcess | None] = queue.SimpleQueue()
        for one in (*[None] * own, *workers):
            free.put(one)

        def do(part: Part) -> Result:
            worker = free.get()
            try:
                values = values_of(part)
                answer = None if worker is None else worker.ask(work, *values)
                is_done, result = answer or (False, None)
                if is_done:
                    return cast(Result, result)
                return here(*values)
            finally:
                free.put(worker)

        pool = ThreadPoolExecutor(own + len(workers))
        try:
            yield from zip(parts, pool.map(do, parts), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)
            give_back()


@contextlib.contextmanager
def _workers(count: int) -> Iterator[list[WorkerProcess]]:
    """Yields so many processes, which start when they are first asked."""
    kept = _kept.get()
    workers = [] if kept is None else kept
    workers += [WorkerProcess() for _ in range(count - len(workers))]
    try:
        yield workers[: max(count, 0)]
    finally:
        if kept is None:
            _end(workers)


def _end(workers: Sequence[WorkerProcess]) -> None:
    for worker in workers:
        worker.end()
