"""Work that is divided among threads and processes, with its results in order."""

from __future__ import annotations

import contextlib
import queue
import threading
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

_MOST_PROCESSES = 16
"""Each holds 125 MB where it compares pictures."""

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


def processes_for(count: int, share: int) -> int:
    """Returns how many processes so many parts are worth, this one among them.

    Those that were started for other work, see :func:`workers_kept`, are there already;
    they are used unless more threads would do the work here.

    Args:
        count: of what is to be done
        share: of it that is worth to start another process, which takes half a second
    """
    there = 1 + sum(worker.is_ready for worker in _kept.get() or ())
    if there < threads_of_short_calls():
        there = 1
    return max(there, min(available_cores(), _MOST_PROCESSES, count // share))


@contextlib.contextmanager
def workers_kept() -> Iterator[None]:
    """Keeps the processes that were started for some work for the work that follows."""
    if _kept.get() is not None:
        yield
        return
    workers: list[WorkerProcess] = []
    token = _kept.set(workers)
    try:
        yield
    finally:
        _kept.reset(token)
        _end(workers)


@contextlib.contextmanager
def side_by_side(
    work: Callable[[Part], Result], parts: Sequence[Part], threads: int
) -> Iterator[Iterator[tuple[Part, Result]]]:
    """Divides work among threads; the end of this context ends it.

    Where the caller stops, after a cancel, say, parts that run are waited for, and
    those that wait are not begun.

    Args:
        work: does a part
        parts: of the work
        threads: that do it

    Yields:
        each part with its result, in the order of the parts
    """
    pool = ThreadPoolExecutor(threads)
    try:
        yield zip(parts, pool.map(work, parts), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def in_parallel(
    maker: Callable[..., Callable[..., Result]],
    settings: tuple[Any, ...],
    parts: Sequence[Part],
    values_of: Callable[[Part], tuple[Any, ...]],
    *,
    most_threads: int,
    processes: int = 1,
) -> Iterator[Iterator[tuple[Part, Result]]]:
    """Divides work among threads and processes, see :func:`side_by_side`.

    Sums round differently with the number of BLAS threads, so each part has one, and
    the parts lie side by side. What a process cannot do, or dies of, is done here.

    Args:
        maker: a function or class at the top of one of our modules, which returns what
            does the work; called here and once in each process
        settings: that it is called with; plain and hashable for several processes
        parts: of the work
        values_of: the values with which the work is called for a part, plain ones for
            several processes; called from several threads at once
        most_threads: that do the work here, as each holds its own work space
        processes: see :func:`processes_for`; one thread does its share here then

    Yields:
        each part with its result, in the order of the parts

    Example:
        >>> with in_parallel(
        ...     Scaler, (2.0,), batches, lambda rows: (values[rows],), most_threads=4
        ... ) as scaled:
        ...     for rows, result in scaled: ...
    """
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    here, threads = maker(*settings), min(most_threads, threads_of_short_calls())
    # Also where processes die or cannot be started, for want of memory, say
    place_here = threading.BoundedSemaphore(threads)
    with (
        _workers(min(processes, len(parts)) - 1) as workers,
        threadpool_limits(1, "blas"),
    ):
        work = work_of(maker, *settings) if workers else None
        free: queue.SimpleQueue[WorkerProcess | None] = queue.SimpleQueue()
        for one in (*[None] * (1 if workers else threads), *workers):
            free.put(one)

        def do(part: Part) -> Result:
            worker = free.get()
            try:
                values = values_of(part)
                if worker is not None and work is not None:
                    is_done, result = worker.ask(work, *values) or (False, None)
                    if is_done:
                        return cast(Result, result)
                with place_here:
                    return here(*values)
            finally:
                free.put(worker)

        try:
            with side_by_side(do, parts, free.qsize()) as done:
                yield done
        finally:
            give_back()


@contextlib.contextmanager
def _workers(count: int) -> Iterator[list[WorkerProcess]]:
    """Yields so many processes, which start when they are first asked."""
    kept = _kept.get()
    workers = [] if kept is None else kept
    _end([one for one in workers if one.is_dead])
    workers[:] = [one for one in workers if not one.is_dead]
    workers += [WorkerProcess() for _ in range(count - len(workers))]
    try:
        yield workers[: max(count, 0)]
    finally:
        if kept is None:
            _end(workers)


def _end(workers: Sequence[WorkerProcess]) -> None:
    for worker in workers:
        worker.end()
