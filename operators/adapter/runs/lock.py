"""One Winnow run at a time on a data set; where it is, and how to stop it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import fiftyone as fo
from filelock import FileLock, Timeout

from ....core.errors import Cancelled, CurationError
from ....core.progress import OnProgress, Progress
from ....core.storage.cache import cache_folder
from ..dataset.internals import dataset_id

_NOTE_SECONDS = 0.5
_AT_WORK = Progress("Winnow is at work", 0, 0)


@contextlib.contextmanager
def exclusive_run(dataset: fo.Dataset) -> Iterator[None]:
    """Refuses to start while another run works on the data set.

    The lock is held by the process and dies with it, so that a killed run
    locks nothing.

    Raises:
        CurationError: another run is at work, or the cache cannot be used
    """
    # The panel may just be looking whether a run is at work
    with _held(dataset, seconds=0.1) as free:
        if not free:
            raise CurationError(
                f"Another Winnow run is active on '{dataset.name}'. Wait until it "
                "is done, or stop it, and start again."
            )
        for note in (_progress_file(dataset), _stop_file(dataset)):
            note.unlink(missing_ok=True)
        yield


def report_progress_to_file(dataset: fo.Dataset, on_progress: OnProgress) -> OnProgress:
    """Returns a reporter that also lets others see the progress, and stop it.

    For whoever holds the lock. The reporter raises :class:`Cancelled` once
    :func:`stop` was called.
    """
    file, stopped = _progress_file(dataset), _stop_file(dataset)
    last = 0.0

    def report(progress: Progress) -> None:
        nonlocal last
        on_progress(progress)
        if time.monotonic() - last < _NOTE_SECONDS:
            return
        last = time.monotonic()
        if stopped.exists():
            raise Cancelled("It was stopped before it was finished.")
        part = file.with_suffix(".part")
        # A full disk ends a scan where it matters, not here
        with contextlib.suppress(OSError):
            part.write_text(json.dumps(asdict(progress)), encoding="utf-8")
            part.replace(file)

    return report


def running(dataset: fo.Dataset) -> Progress | None:
    """Returns where the run is that works on a data set, None without one."""
    with _held(dataset) as free:
        if free:
            return None
    try:
        return Progress(**json.loads(_progress_file(dataset).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        # An action, or a scan that has not begun to read
        return _AT_WORK


def stop(dataset: fo.Dataset) -> None:
    """Asks the scan that works on a data set to stop."""
    _stop_file(dataset).touch()


def _progress_file(dataset: fo.Dataset) -> Path:
    return cache_folder() / "runs" / f"{dataset_id(dataset)}.progress"


def _stop_file(dataset: fo.Dataset) -> Path:
    return cache_folder() / "runs" / f"{dataset_id(dataset)}.stop"


@contextlib.contextmanager
def _held(dataset: fo.Dataset, seconds: float = 0) -> Iterator[bool]:
    """Holds the lock of a data set's runs; yields False if another has it.

    Args:
        seconds: to wait for it
    """
    folder = cache_folder() / "runs"
    # Not by thread: the App runs the steps of an operator in any of its threads
    lock = FileLock(folder / f"{dataset_id(dataset)}.lock", thread_local=False)
    free = True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=seconds, poll_interval=0.02)
    except Timeout:
        free = False
    except OSError as error:
        raise CurationError(
            f"The cache folder {cache_folder()} cannot be written ({error.strerror}). "
            "Set WINNOW_CACHE to a folder with space where you may write."
        ) from error
    try:
        yield free
    finally:
        lock.release()
