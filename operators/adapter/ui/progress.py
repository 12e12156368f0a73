"""Carries the core's progress to where the person is: terminal or App."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

import fiftyone as fo

from ....core.errors import Cancelled
from ....core.progress import OnProgress, Progress

Result = TypeVar("Result")
ProgressOption = bool | None | Callable[[Progress], None]


@contextlib.contextmanager
def progress_bars(progress: ProgressOption) -> Iterator[OnProgress]:
    """Shows one FiftyOne progress bar a stage.

    Args:
        progress: True, False, None for FiftyOne's own default, or a function
            that is called with each :class:`~core.progress.Progress`
    """
    if callable(progress):
        yield progress
        return
    bars = _Bars(progress)
    try:
        yield bars.show
    finally:
        bars.close()


class _Bars:
    def __init__(self, progress: bool | None) -> None:
        self._progress = progress
        self._stage: str | None = None
        self._bar: fo.ProgressBar | None = None

    def show(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            self.close()
            self._stage = progress.stage
            self._bar = fo.ProgressBar(
                total=progress.total,
                progress=self._progress,
                iters_str="it",
                start_msg=progress.stage,
            )
            self._bar.start()
        if self._bar is not None:
            self._bar.set_iteration(progress.done)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def steps(
    work: Callable[[OnProgress], Result],
) -> Generator[Progress, None, Result]:
    """Runs ``work`` in a thread and yields its progress as it comes.

    Closing the generator (a closed browser tab does that) makes the next
    report raise :class:`Cancelled` inside ``work``.

    Returns:
        what ``work`` returned; its exception is raised here
    """
    reports: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
    closed = threading.Event()
    outcome: list[Result] = []
    errors: list[BaseException] = []

    def report(progress: Progress) -> None:
        if closed.is_set():
            raise Cancelled("It was stopped before it was finished.")
        reports.put(progress)

    def run() -> None:
        try:
            outcome.append(work(report))
        # Raised again on the thread that waits
        except BaseException as error:
            errors.append(error)
        finally:
            reports.put(None)

    thread = threading.Thread(target=run, name="winnow-steps", daemon=True)
    thread.start()
    try:
        while (progress := reports.get()) is not None:
            yield progress
    finally:
        closed.set()
        thread.join()
    if errors:
        raise errors[0]
    return outcome[0]
