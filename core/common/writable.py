"""Asks a disk, before any work, whether it will take what is to be written."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from ..errors import InputError
from .text import size_text

_TRIED = 65_536
"""Bytes that are written to try: what a block or a quota might still refuse."""


def expanded(path: str | os.PathLike[str]) -> Path:
    """Returns a path with ``~`` replaced by the home folder.

    Raises:
        InputError: it needs a home folder, and there is none
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = Path(path).parts[0].removeprefix("~")
        if user:
            raise InputError(
                f"'{path}' begins with the home folder of a user '{user}', whom the "
                "system does not know. Write the whole path."
            ) from error
        raise InputError(
            "There is no home folder: HOME is not set, and the system knows no name "
            "for this user. FiftyOne keeps its settings there. Set HOME to a folder "
            "that you may write."
        ) from error


def check_writable(folder: Path, what: str, remedy: str, free: int = 0) -> None:
    """Makes a folder, if need be, and writes a file there that vanishes again.

    Args:
        folder: to write into
        what: it is for, as a sentence begins: "The cache folder"
        remedy: what to do otherwise, a sentence
        free: bytes that must be free

    Raises:
        InputError: nothing can be written there
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_TRIED))
            file.flush()
            os.fsync(file.fileno())
        there = shutil.disk_usage(folder).free
    except OSError as error:
        raise InputError(
            f"{what} '{folder}' cannot be written ({_reason(error, folder)}). {remedy}"
        ) from error
    if there < free:
        raise InputError(
            f"{what} '{folder}' has {size_text(there)} left on its disk, and about "
            f"{size_text(free)} are needed. {remedy}"
        )


def _reason(error: OSError, folder: Path) -> str:
    for place in (folder, *folder.parents):
        if place.is_symlink() and not place.exists():
            return f"'{place}' is a link to '{place.readlink()}', which does not exist"
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "it is a file, or lies in one"
    return os.strerror(error.errno) if error.errno else str(error)


FULL_OR_CLOSED = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EFBIG,
)
"""What a disk says that takes no more, in the middle of the work."""
