"""Worker processes, and the blocks of files that they embed."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from ..common.worker import Work
from ..common.worker_process import WORKER, WorkerProcess

MIN_FILES = 1024
"""Fewer new files are embedded by threads: a process takes half a second to start."""

_WAIT_SECONDS = 0.1

Rows: TypeAlias = Sequence[int]
"""A block of files, by their rows in the paths."""


class WorkerPool:
    """Embeds blocks of files in processes of one thread each.

    A process that dies costs the file that killed it: its block is tried again in
    halves, down to that file. Where no process can be started, nothing is embedded
    here, and blocks come back as they are.

    Args:
        paths: absolute file paths
        work: that embeds a block, see :func:`~.file_pass.block_embedder`
        processes: how many are started, once there is enough to do
        stop: ends the work as soon as it is set
        command: starts one process
    """

    def __init__(
        self,
        paths: Sequence[bytes],
        work: Work,
        processes: int,
        stop: threading.Event,
        command: Sequence[str] = WORKER,
    ) -> None:
        self._paths = paths
        self._work = work
        self._processes = [WorkerProcess(command) for _ in range(processes)]
        self._threads: list[threading.Thread] = []
        self._stop = stop
        self._lock = threading.Lock()
        self._blocks: Iterator[Rows] = iter(())
        self._done: queue.SimpleQueue[tuple[Rows, bool]] = queue.SimpleQueue()

    def embedded(self, blocks: Iterator[Rows]) -> Iterator[tuple[Rows, bool]]:
        """Yields each block as soon as its files are embedded, in any order.

        Args:
            blocks: rows of files that have no record yet

        Returns:
            rows, and True for a row whose file kills the process that reads it. What
            could not be embedded for another reason has no record afterwards.
        """
        first: list[Rows] = []
        while sum(map(len, first)) < MIN_FILES and (rows := next(blocks, None)):
            first.append(rows)
        self._blocks = itertools.chain(first, blocks)
        if sum(map(len, first)) >= MIN_FILES:
            yield from self._embed_all()
        # All of them where there are few, or where no process can be started
        yield from ((rows, False) for rows in self._blocks)

    def close(self) -> None:
        """Ends the processes, whatever they are doing."""
        self._stop.set()
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join()

    def _embed_all(self) -> Iterator[tuple[Rows, bool]]:
        for process in self._processes:
            thread = threading.Thread(target=self._drive, args=[process], daemon=True)
            thread.start()
            self._threads.append(thread)
        while not self._stop.is_set():
            try:
                yield self._done.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                if not any(thread.is_alive() for thread in self._threads):
                    return

    def _drive(self, process: WorkerProcess) -> None:
        """Sends blocks to one process until there are no more."""
        process.start(self._work)
        while process.is_ready and (rows := self._next_rows()):
            self._embed(process, rows)
        process.end()

    def _next_rows(self) -> Rows | None:
        with self._lock:
            return None if self._stop.is_set() else next(self._blocks, None)

    def _embed(self, process: WorkerProcess, rows: Rows) -> None:
        """Embeds a block, or finds the file of it that kills the process."""
        paths = [self._paths[row] for row in rows]
        # One file is tried twice: memory may have been short for a moment
        for _ in range(2 if len(rows) == 1 else 1):
            if not process.is_ready or process.ask(self._work, paths):
                return self._done.put((rows, False))
            if self._stop.is_set():
                return None
            process.start(self._work)
        if len(rows) == 1:
            return self._done.put((rows, process.is_ready))
        half = len(rows) // 2
        self._embed(process, rows[:half])
        return self._embed(process, rows[half:])
