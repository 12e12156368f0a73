"""The folder beside a data set's root that holds what was quarantined.

``<above the root>/.winnow-quarantine/<data set's id>/<time>-<plan's id>/``
has a plan, a journal, ``restore.py`` and the files of one action. It is on
the file system of the root, so that a file gets there by a rename, and
outside of the root, so that no importer finds it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..errors import ActionError, UnsafePathError
from ..reading.files import open_flags
from .filesystem import Disk, mount_of
from .plan import ActionPlan, open_plan

FOLDER_NAME = ".winnow-quarantine"
_LOCK = open_flags("O_RDWR", "O_CREAT", "O_NOFOLLOW", "O_CLOEXEC")
PLAN, JOURNAL, RESTORE, FILES = "plan.jsonl", "journal.jsonl", "restore.py", "files"


@dataclass(frozen=True)
class ActionFolder:
    """The folder of one action.

    Attributes:
        path: absolute
        plan: that was applied
    """

    path: Path
    plan: ActionPlan

    @property
    def key(self) -> str:
        """Names the action: its time and the plan's id."""
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / JOURNAL

    @property
    def target_root(self) -> str:
        return self.plan.target_root or str(self.path)


def quarantine_of(dataset_id: str, base: str) -> str:
    """Returns the quarantine of a data set in a folder."""
    return os.path.join(base, FOLDER_NAME, dataset_id)


def is_quarantined(path: str) -> bool:
    """True for a path inside of any quarantine."""
    return f"{os.sep}{FOLDER_NAME}{os.sep}" in path


def check_quarantine(quarantine: str, root: str) -> None:
    """Raises :class:`ActionError` if files of the root cannot be put there.

    Changes nothing.
    """
    base = str(Path(quarantine).parents[1])
    hint = (
        f"Give quarantine=FOLDER on the disk of {root}, for example '{root}' itself "
        f"(and leave its {FOLDER_NAME} out when you import it again)."
    )
    if not os.path.isdir(base):
        raise ActionError(f"There is no folder {base} for the quarantine. {hint}")
    if not os.access(base, os.W_OK | os.X_OK):
        raise ActionError(f"Nothing can be written to {base}. {hint}")
    if not on_one_disk(base, root):
        raise ActionError(
            f"{base} is on another disk than {root}, and a file is only ever renamed, "
            f"never copied. {hint}"
        )


def on_one_disk(one: str, other: str) -> bool:
    """True if files can be renamed from one folder into the other."""
    folders = [os.open(path, os.O_RDONLY) for path in (one, other)]
    try:
        return len({mount_of(folder) for folder in folders}) == 1
    finally:
        for folder in folders:
            os.close(folder)


@contextlib.contextmanager
def locked_quarantine(disk: Disk, quarantine: str) -> Iterator[int]:
    """Opens the quarantine, for one process at a time.

    The lock dies with the process that holds it.

    Yields:
        the open folder

    Raises:
        UnsafePathError: it is a link, or another user's
        ActionError: another action is at work, or the disk failed
    """
    try:
        with _lock(_open_private(disk, quarantine)) as folder:
            yield folder
    except OSError as error:
        where = f" at {error.filename!r}" if error.filename else ""
        raise ActionError(
            f"The disk failed{where}: {error.strerror or error}. No file is "
            "lost. The next action, or undo, completes or reverts what was started."
        ) from error


@contextlib.contextmanager
def _lock(folder: int) -> Iterator[int]:
    """Locks an open folder, and closes it in the end."""
    import fcntl  # not on Windows, where no Disk is made

    with contextlib.ExitStack() as stack:
        stack.callback(os.close, folder)
        lock = os.open("lock", _LOCK, 0o600, dir_fd=folder)
        stack.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 100, 0).decode(errors="replace").strip()
            raise ActionError(
                f"Another action is running on this data set ({holder}). Wait until "
                "it is done, and look at the plan again."
            ) from None
        # A child that was forked meanwhile holds the file open, and so the lock
        stack.callback(fcntl.flock, lock, fcntl.LOCK_UN)
        since = datetime.now(timezone.utc).isoformat(timespec="seconds")
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()}, since {since}".encode(), 0)
        yield folder


def action_folders(quarantine: str | Path) -> list[ActionFolder]:
    """Returns the actions of a quarantine, oldest first.

    A folder without a whole plan is left out: nothing was moved into it.
    """
    found = []
    for path in sorted(Path(quarantine).glob(f"*/{PLAN}")):
        with contextlib.suppress(ActionError):
            found.append(ActionFolder(path.parent, open_plan(path)))
    return found


def _open_private(disk: Disk, quarantine: str) -> int:
    """Opens, or makes, the quarantine and the folder it lies in."""
    outer, name = os.path.split(quarantine)
    base, middle = os.path.split(outer)
    top = disk.open_folder(base)
    try:
        folder = _enter_private(disk, top, middle, outer)
    finally:
        os.close(top)
    try:
        return _enter_private(disk, folder, name, quarantine)
    finally:
        os.close(folder)


def _enter_private(disk: Disk, parent: int, name: str, path: str) -> int:
    with contextlib.suppress(FileExistsError):
        disk.make_folder(name, parent, 0o700)
    # Also of one that was there: whoever made it may have died before this
    disk.sync(parent)
    try:
        folder = disk.open_folder(name, parent)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise UnsafePathError(
            f"The quarantine {path} is not a real folder ({error.strerror}), so "
            "nothing is put there. Remove it, or give quarantine=FOLDER."
        ) from None
    status = os.fstat(folder)
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
        os.close(folder)
        raise UnsafePathError(
            f"The quarantine {path} belongs to, or can be written by, somebody else, "
            "so nothing is put there. Give quarantine=FOLDER of your own."
        )
    return folder
