"""One Winnow run at a time on a data set; where it is, and how to stop it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

import fiftyone as fo

from ...core.cache import cache_folder
from ...core.errors import Cancelled, CurationError
from ...core.progress import OnProgress, Progress

_NOTE_SECONDS = 0.5
_LOOKS = 5
_AT_WORK = Progress("Winnow is at work", 0, 0)


@contextlib.contextmanager
def only_run_on(dataset: fo.Dataset) -> Iterator[None]:
    """Refuses to start while another run works on the data set.

    The lock is held by the process and dies with it, so that a killed run
    locks nothing.

    Raises:
        CurationError: another run is at work, or the cache cannot be used
    """
    with _lock_file(dataset) as file:
        for look in range(_LOOKS):
            if _lock(file):
                break
            # The panel may just be looking whether a run is at work
            if look < _LOOKS - 1:
                time.sleep(0.02)
        else:
            raise CurationError(
                f"Another Winnow run is at work on '{dataset.name}'. Wait until it "
                "is done, or stop it, and start again."
            )
        for note in (_progress_file(dataset), _stop_file(dataset)):
            note.unlink(missing_ok=True)
        yield


def noted(dataset: fo.Dataset, on_progress: OnProgress) -> OnProgress:
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
            part.write_text(json.dumps(asdict(progress)))
            part.replace(file)

    return report


def running(dataset: fo.Dataset) -> Progress | None:
    """Returns where the run is that works on a data set, None without one."""
    with _lock_file(dataset) as file:
        if _lock(file):
            return None
    try:
        return Progress(**json.loads(_progress_file(dataset).read_text()))
    except (OSError, ValueError, TypeError):
        # An action, or a scan that has not begun to read
        return _AT_WORK


def stop(dataset: fo.Dataset) -> None:
    """Asks the scan that works on a data set to stop."""
    _stop_file(dataset).touch()


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _progress_file(dataset: fo.Dataset) -> Path:
    return cache_folder() / "runs" / f"{dataset._doc.id}.progress"


def _stop_file(dataset: fo.Dataset) -> Path:
    return cache_folder() / "runs" / f"{dataset._doc.id}.stop"


def _lock_file(dataset: fo.Dataset) -> IO[str]:
    folder = cache_folder() / "runs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / f"{dataset._doc.id}.lock").open("w")
    except OSError as error:
        raise CurationError(
            f"The cache folder {cache_folder()} cannot be written ({error.strerror}). "
            "Set WINNOW_CACHE to a folder with space where you may write."
        ) from error
