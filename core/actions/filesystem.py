"""Every system call that can change a person's files, in one place.

Files are reached one folder at a time, never through a symbolic link and
never above the root, and a rename never replaces what is there. All other
modules of this package go through a :class:`Disk`, so that tests can stop it
at any call.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import hashlib
import os
import stat
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ActionError, UnsafePathError
from ..reading.files import open_flags

_SAFE = ("O_NOFOLLOW", "O_CLOEXEC")
_FOLDER = open_flags("O_RDONLY", "O_DIRECTORY", *_SAFE)
# O_NONBLOCK: a pipe that took the file's place would hang the open
_FILE = open_flags("O_RDONLY", "O_NONBLOCK", *_SAFE)
_NEW = open_flags("O_WRONLY", "O_CREAT", "O_EXCL", *_SAFE)
_APPEND = open_flags("O_RDWR", "O_APPEND", "O_CREAT", *_SAFE)
_HASHED_AT_ONCE = 2**20
_OPEN_FOLDERS = 12
_RENAME_NOREPLACE = 1  # Linux
_RENAME_EXCL = 4  # macOS


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What the file system says of a regular file.

    ``changed_ns`` (the inode's own time) betrays an edit whose modification
    time was put back; a rename moves it too.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    mode: int
    links: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileIdentity:
        return cls(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_mode,
            status.st_nlink,
        )

    @classmethod
    def from_json(cls, values: list[int]) -> FileIdentity:
        return cls(*values)

    def to_json(self) -> list[int]:
        return [
            self.device,
            self.inode,
            self.size,
            self.modified_ns,
            self.changed_ns,
            self.mode,
            self.links,
        ]

    @property
    def is_regular(self) -> bool:
        return stat.S_ISREG(self.mode)

    def same_file(self, other: FileIdentity) -> bool:
        """True for two names of one file."""
        return (self.device, self.inode) == (other.device, other.inode)

    def same_but_renamed(self, other: FileIdentity) -> bool:
        """True for one file, unedited; a rename changes the inode's time."""
        return replace(other, changed_ns=self.changed_ns) == self

    def same_content(self, other: FileIdentity) -> bool:
        """True if size and time say so, which outlive a move to a new disk."""
        return (self.size, self.modified_ns) == (other.size, other.modified_ns)


def check_system() -> None:
    """Raises :class:`ActionError` where files cannot be moved safely.

    That is on Windows: its Python cannot open a folder and work inside of it.
    """
    if not hasattr(os, "O_DIRECTORY") or os.open not in os.supports_dir_fd:
        raise ActionError(
            "Winnow does not move, put back or delete files on this system, because "
            "it cannot make sure here that nothing else is replaced meanwhile: do "
            "that on Linux or macOS, or export the clean set, which copies."
        )


class Disk:
    """The system calls. Each raises ``OSError`` as the system does.

    Raises:
        ActionError: see :func:`check_system`
    """

    def __init__(self) -> None:
        check_system()

    def open_folder(self, name: str, parent: int | None = None) -> int:
        return os.open(name, _FOLDER, dir_fd=parent)

    def make_folder(self, name: str, parent: int, mode: int = 0o777) -> None:
        os.mkdir(name, mode, dir_fd=parent)

    def remove_empty_folder(self, name: str, parent: int) -> None:
        os.rmdir(name, dir_fd=parent)

    def identity(self, name: str, parent: int) -> FileIdentity:
        return FileIdentity.of(os.stat(name, dir_fd=parent, follow_symlinks=False))

    def read_identity(self, name: str, parent: int) -> tuple[FileIdentity, str]:
        """Returns what a regular file is and the SHA-256 of its bytes."""
        file = os.open(name, _FILE, dir_fd=parent)
        try:
            before = FileIdentity.of(os.fstat(file))
            if not before.is_regular:
                raise OSError(errno.EINVAL, "not a regular file", name)
            digest = hashlib.sha256()
            left = before.size
            while left > 0 and (part := os.read(file, min(left, _HASHED_AT_ONCE))):
                digest.update(part)
                left -= len(part)
            if left or FileIdentity.of(os.fstat(file)) != before:
                raise OSError(errno.EBUSY, "changed while it was read", name)
        finally:
            os.close(file)
        return before, digest.hexdigest()

    def rename(self, name: str, parent: int, new_name: str, new_parent: int) -> None:
        """Renames, and fails with ``EEXIST`` rather than replace a file."""
        result = _rename_without_replacing()(
            parent, os.fsencode(name), new_parent, os.fsencode(new_name)
        )
        if result != 0:
            number = ctypes.get_errno()
            if number in (errno.EINVAL, errno.ENOSYS):
                # The flag, not the names: those were looked up before
                what = "this file system cannot rename without replacing"
                raise OSError(errno.ENOTSUP, what, name)
            raise OSError(number, os.strerror(number), name)

    def remove(self, name: str, parent: int) -> None:
        """Destroys a file. Called by the purge alone."""
        os.unlink(name, dir_fd=parent)

    def open_new(self, name: str, parent: int) -> int:
        return os.open(name, _NEW, 0o600, dir_fd=parent)

    def open_append(self, name: str, parent: int) -> int:
        return os.open(name, _APPEND, 0o600, dir_fd=parent)

    def write(self, file: int, data: bytes) -> int:
        return os.write(file, data)

    def truncate(self, file: int, size: int) -> None:
        os.ftruncate(file, size)

    def sync(self, file: int) -> None:
        """Returns when a file's bytes, or a folder's names, are on the disk."""
        os.fsync(file)

    def write_all(self, file: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self.write(file, view.tobytes()) :]


@functools.cache
def _rename_without_replacing() -> Callable[..., int]:
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin" and hasattr(library, "renameatx_np"):
        return functools.partial(_call_rename, library.renameatx_np, _RENAME_EXCL)
    if hasattr(library, "renameat2"):
        return functools.partial(_call_rename, library.renameat2, _RENAME_NOREPLACE)
    raise ActionError(
        "This system cannot rename a file without the risk of replacing another, so "
        "no file is moved. Linux and macOS can."
    )


def _call_rename(function: Any, flag: int, *places: Any) -> int:
    return int(function(*places, ctypes.c_uint(flag)))


class Tree:
    """A root folder, and its subfolders as they are needed.

    Holds at most a few folders open, whatever the number of files. Use it as
    a context manager.
    """

    def __init__(self, disk: Disk, root: str) -> None:
        self.disk = disk
        self.root = root
        self._top = disk.open_folder(root)
        self._open: OrderedDict[str, int] = OrderedDict()
        self._changed: set[str] = set()

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *error: object) -> None:
        for folder in self._open.values():
            os.close(folder)
        os.close(self._top)

    def place(self, path: str, *, create: bool = False) -> tuple[str, int]:
        """Returns a file's name and its open folder.

        Args:
            path: relative to the root
            create: make missing folders

        Raises:
            UnsafePathError: the path leaves the root or goes through a link
            OSError: a folder is missing or cannot be opened
        """
        folder, name = os.path.split(path)
        if name in ("", ".", ".."):
            raise UnsafePathError(f"'{path}' does not name a file in {self.root}.")
        return name, self._folder(folder, create)

    def identity(self, path: str) -> FileIdentity | None:
        """Returns what is at the path; None if nothing is."""
        try:
            name, folder = self.place(path)
            return self.disk.identity(name, folder)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read_identity(self, path: str) -> tuple[FileIdentity, str]:
        name, folder = self.place(path)
        return self.disk.read_identity(name, folder)

    def rename(self, path: str, target: Tree, new_path: str) -> None:
        """Moves a file to a free name, in this tree or another."""
        name, folder = self.place(path)
        new_name, new_folder = target.place(new_path, create=True)
        self.sync_later(path)
        target.sync_later(new_path)
        self.disk.rename(name, folder, new_name, new_folder)

    def remove(self, path: str) -> None:
        name, folder = self.place(path)
        self.sync_later(path)
        self.disk.remove(name, folder)

    def remove_empty_folder(self, path: str) -> None:
        """Removes a folder; one that is not empty, or gone, stays as it is."""
        with contextlib.suppress(OSError, UnsafePathError):
            name, folder = self.place(path)
            if path in self._open:
                os.close(self._open.pop(path))
            self.disk.remove_empty_folder(name, folder)
            self._changed.discard(path)
            self.sync_later(path)

    def sync_later(self, path: str, *, above: bool = False) -> None:
        """Makes the next :meth:`sync` wait for the name of a file as well.

        Args:
            path: of the file
            above: also for the names of its folders, which may be new
        """
        folder = os.path.dirname(path)
        self._changed.add(folder)
        while above and folder:
            folder = os.path.dirname(folder)
            self._changed.add(folder)

    def sync(self) -> None:
        """Returns when all renames of this tree are on the disk."""
        for folder in sorted(self._changed):
            # A folder that went away meanwhile has no names to wait for
            with contextlib.suppress(FileNotFoundError, UnsafePathError):
                self.disk.sync(self._folder(folder, create=False))
        self._changed.clear()

    def _folder(self, path: str, create: bool) -> int:
        """Returns a folder, open until the next folder is asked for."""
        if not path:
            return self._top
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        parent, walked = self._top, ""
        for name in path.split("/"):
            if name in ("", ".", ".."):
                raise UnsafePathError(
                    f"'{path}' does not name a folder in {self.root}."
                )
            walked = f"{walked}/{name}" if walked else name
            if walked in self._open:
                self._open.move_to_end(walked)
            else:
                self._open[walked] = self._entered(name, parent, walked, create)
                if len(self._open) > _OPEN_FOLDERS:
                    os.close(self._open.popitem(last=False)[1])
            parent = self._open[walked]
        return parent

    def _entered(self, name: str, parent: int, path: str, create: bool) -> int:
        try:
            return self._enter(name, parent, path, create)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(name, parent):
                raise UnsafePathError(
                    f"'{os.path.join(self.root, path)}' is a symbolic link. Winnow "
                    "moves files only where their folders are real."
                ) from None
            raise

    def _enter(self, name: str, parent: int, path: str, create: bool) -> int:
        try:
            return self.disk.open_folder(name, parent)
        except FileNotFoundError:
            if not create:
                raise
        with contextlib.suppress(FileExistsError):
            self.disk.make_folder(name, parent)
            self.sync_later(path)
        return self.disk.open_folder(name, parent)


def mount_of(folder: int) -> int:
    """Returns a number that two folders share if files can be renamed between.

    A bind mount has its source's device number but is another mount, and
    Linux renames only within one.
    """
    facts = f"/proc/self/fdinfo/{folder}"
    with contextlib.suppress(OSError), open(facts, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("mnt_id:"):
                return int(line.split()[1])
    return os.fstat(folder).st_dev


def _is_link(name: str, parent: int) -> bool:
    with contextlib.suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    return False
