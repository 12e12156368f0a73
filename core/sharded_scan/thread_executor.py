"""Runs tasks in threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ..common.cpu import available_cores
from ..errors import Cancelled
from ..progress import Progress
from .tasks import Receipt, perform

ATTEMPTS = 3
"""Of a task, before it is given up: a storage may be away for a moment."""

_LOOK_SECONDS = 0.2


class ThreadExecutor:
    """As many threads as there are cores, a task each.

    An image holds the interpreter's lock for a seventh of its time, so beyond seven
    cores a local cluster is faster; and what kills a process ends the job.
    """

    def __init__(self) -> None:
        self.cores = available_cores()

    def run(
        self,
        work: str,
        address: str,
        names: Sequence[str],
        on_done: Callable[[Receipt], None],
    ) -> dict[str, str]:
        """See :class:`~core.sharded_scan.tasks.Executor`."""
        stop = threading.Event()

        def unless_stopped(_: Progress) -> None:
            if stop.is_set():
                raise Cancelled("The job was stopped.")

        def attempt(name: str) -> Receipt | str:
            for left in reversed(range(ATTEMPTS)):
                try:
                    unless_stopped(Progress("", 0, 0))
                    return perform(work, address, name, 1, unless_stopped)
                except (OSError, MemoryError) as error:
                    if not left:
                        return f"{type(error).__name__}: {error}"
            raise AssertionError

        # Imported here: it comes with scikit-learn, which few callers need
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        failures: dict[str, str] = {}
        # Around all: a task that ends would give back the threads of the others
        with (
            threadpool_limits(1, "blas"),
            ThreadPoolExecutor(self.cores, "winnow-task") as pool,
        ):
            waiting: dict[Future[Receipt | str], str] = {
                pool.submit(attempt, name): name for name in names
            }
            try:
                while waiting:
                    # Not for ever: Ctrl-C is noticed between two looks
                    done, _ = wait(waiting, _LOOK_SECONDS, FIRST_COMPLETED)
                    for future in done:
                        name, outcome = waiting.pop(future), future.result()
                        if isinstance(outcome, str):
                            failures[name] = outcome
                        else:
                            on_done(outcome)
            finally:
                stop.set()
                pool.shutdown(cancel_futures=True)
        return failures
