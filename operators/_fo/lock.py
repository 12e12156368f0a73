"""One Winnow run at a time on a data set."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from typing import IO

import fiftyone as fo

from ...core.errors import CurationError
from .storage import cache_folder


@contextlib.contextmanager
def only_run_on(dataset: fo.Dataset) -> Iterator[None]:
    """Refuses to start while another run works on the data set.

    The lock is held by the process and dies with it, so that a killed run
    locks nothing.

    Raises:
        CurationError: another run is at work, or the cache cannot be used
    """
    with _lock_file(dataset) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CurationError(
                f"Another Winnow run is at work on '{dataset.name}'. Wait until it "
                "is done, or stop it, and start again."
            ) from None
        yield


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
