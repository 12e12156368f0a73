"""Tasks: named by their input, so that what was done is found again.

A task's name is a digest of its work and of its input. Its input lies in one file, its
result in another; when the result is there, the task is done. So a retry, a job that
goes on and a job that is begun again are the same thing.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import limited_to
from ..progress import OnProgress, silent
from .job_folder import Arrays, JobFolder

_SETTINGS = "settings"


@dataclass(frozen=True, eq=False)
class Result:
    """What a task leaves.

    Attributes:
        arrays: its result
        rows: units of progress that it did
        failures: images that could not be read
        files: further files by their names, which are there before the result is
    """

    arrays: Arrays
    rows: int
    failures: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """What is said of a task that is done.

    Attributes:
        name: of the task
        rows: units of progress that it did
        failures: images that could not be read
        cpu_seconds: that its thread took
        host: that did it
    """

    name: str
    rows: int
    failures: int
    cpu_seconds: float
    host: str


Work = Callable[[JobFolder, str, Mapping[str, Any], Arrays, OnProgress], Result]
"""Folder, the task's name, settings and arrays of its input -> its result."""


class Executor(Protocol):
    """What runs tasks: threads, or a cluster."""

    @property
    def cores(self) -> int:
        """How many tasks run at once, about."""

    def run(
        self,
        work: str,
        address: str,
        names: Sequence[str],
        on_done: Callable[[Receipt], None],
    ) -> dict[str, str]:
        """Runs tasks, each at least once, in any order.

        Args:
            work: module and function, such as ``core.sharded_scan.describing:run``
            address: of the job's folder
            names: of the tasks
            on_done: told of each that is done, on the caller's thread; may raise to
                cancel, which leaves the finished ones

        Returns:
            why a task could not be done after several attempts, by its name; the
            others are done

        Raises:
            CurationError: as a task raised it; no more tasks are begun
        """


def add_task(
    folder: JobFolder, work: str, settings: Mapping[str, Any], arrays: Arrays
) -> str:
    """Writes the input of a task, unless it is there; returns the task's name."""
    text = json.dumps(settings, sort_keys=True)
    digest = hashlib.sha256(f"{work}\n{text}".encode())
    for name, array in sorted(arrays.items()):
        digest.update(repr((name, array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    task = digest.hexdigest()[:24]
    if not folder.exists(_input(work, task)):
        stored = {**arrays, _SETTINGS: np.frombuffer(text.encode(), np.uint8)}
        folder.write_arrays(_input(work, task), stored)
    return task


def is_done(folder: JobFolder, work: str, task: str) -> bool:
    """True if the result of a task is there."""
    return folder.exists(_output(work, task))


def result_of(folder: JobFolder, work: str, task: str) -> dict[str, NDArray[Any]]:
    """Returns the result of a task that is done."""
    return folder.read_arrays(_output(work, task))


def input_of(
    folder: JobFolder, work: str, task: str
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Returns the settings and the arrays of a task's input."""
    arrays = folder.read_arrays(_input(work, task))
    settings: dict[str, Any] = json.loads(arrays.pop(_SETTINGS).tobytes())
    return settings, arrays


def put_result(folder: JobFolder, work: str, task: str, result: Result) -> None:
    """Writes what a task leaves, its result last."""
    for name, data in result.files.items():
        folder.write(name, data)
    folder.write_arrays(_output(work, task), result.arrays)


def perform(
    work: str, address: str, task: str, cores: int, on_progress: OnProgress = silent
) -> Receipt:
    """Does one task, wherever this runs.

    Args:
        work: module and function
        address: of the job's folder
        task: its name
        cores: that it may use
        on_progress: told after each batch; may raise to cancel
    """
    started = time.thread_time()
    folder = JobFolder(address)
    module, _, function = work.partition(":")
    do: Work = getattr(importlib.import_module(module), function)
    with limited_to(cores):
        result = do(folder, task, *input_of(folder, work, task), on_progress)
    put_result(folder, work, task, result)
    return Receipt(
        task,
        result.rows,
        result.failures,
        time.thread_time() - started,
        socket.gethostname(),
    )


def not_done(folder: JobFolder, work: str, tasks: Iterable[str]) -> list[str]:
    """Returns the tasks without a result."""
    return [task for task in tasks if not is_done(folder, work, task)]


def _input(work: str, task: str) -> str:
    return f"work/{_short(work)}/{task}.input.npz"


def _output(work: str, task: str) -> str:
    return f"work/{_short(work)}/{task}.npz"


def _short(work: str) -> str:
    return work.partition(":")[0].rpartition(".")[2]
