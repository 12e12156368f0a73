"""Disks that fail at a call: killed, with an error, or with the power cut."""

import errno
import os
import signal
import stat
from dataclasses import dataclass

from core.actions.filesystem import Disk

CALLS = (
    "open_folder",
    "make_folder",
    "remove_empty_folder",
    "identity",
    "read_identity",
    "rename",
    "remove",
    "open_new",
    "open_append",
    "write",
    "truncate",
    "sync",
)
"""Every method of the seam that is a system call."""

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EXDEV)


class SimulatedKill(BaseException):
    """The process ends here. No ``except`` of the code under test sees it."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and at which call.

    Attributes:
        what: ``kill`` (SIGKILL), ``stop`` (:class:`SimulatedKill`) or ``error``
        at: number of the call, from 1
        when: ``before`` it has an effect, ``half`` (a write), ``after``
        number: of the error
    """

    what: str
    at: int
    when: str = "before"
    number: int = 0

    def __str__(self):
        name = errno.errorcode[self.number] if self.number else self.what
        return f"{name} {self.when} call {self.at}"


class FaultyDisk(Disk):
    """Counts its calls and fails at one of them.

    Attributes:
        hooks: functions by name of a call, run before it
    """

    def __init__(self, fault=None):
        self.fault = fault
        self.calls = 0
        self.names = []
        self.hooks = {}
        self.fired = False

    def _call(self, name, *arguments, **more):
        self.calls += 1
        self.names.append(name)
        if name in self.hooks:
            self.hooks[name](*arguments)
        fault = self.fault
        hit = fault is not None and self.calls == fault.at
        self.fired |= hit
        if hit and name == "write" and fault.when != "after":
            # The worst way for a write to fail: a part of it is in the file
            file, data = arguments
            os.write(file, data[: len(data) // 2])
        if hit and fault.when != "after":
            self._fail(fault)
        try:
            result = getattr(Disk, name)(self, *arguments, **more)
        except OSError:
            # "There is no such file" is an answer, after which one may die too
            if hit:
                self._fail(fault)
            raise
        if hit:
            if fault.what == "error" and name in ("open_folder", "open_new"):
                os.close(result)
            self._fail(fault)
        return result

    def _fail(self, fault):
        if fault.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.what == "stop":
            raise SimulatedKill(str(fault))
        raise OSError(fault.number, os.strerror(fault.number))


def _counted(name):
    def call(self, *arguments, **more):
        return self._call(name, *arguments, **more)

    return call


for _name in CALLS:
    setattr(FaultyDisk, _name, _counted(_name))


class PowerCutDisk(FaultyDisk):
    """Knows what is not on the disk yet, and can take it back.

    A name (of a new, renamed or removed file or folder) is on the disk when
    its folder was synced; bytes are when their file was. That is what POSIX
    promises and less than any file system keeps. One object may outlive
    several killed processes, as the system's memory does.
    """

    def __init__(self, fault=None):
        super().__init__(fault)
        self._pending = []  # (kind, folder that must be synced, facts)
        self._synced = {}  # inode of a file with bytes at risk: length that is safe
        self._doomed = 0

    def restart(self, fault=None):
        """The next process, on the same system."""
        self.fault, self.calls, self.names, self.fired = fault, 0, [], False

    def make_folder(self, name, parent, mode=0o777):
        self._call("make_folder", name, parent, mode)
        self._add("folder", parent, _path(parent, name))

    def rename(self, name, parent, new_name, new_parent):
        self._call("rename", name, parent, new_name, new_parent)
        old, new = _path(parent, name), _path(new_parent, new_name)
        self._add("rename", new_parent, (old, new))

    def remove(self, name, parent):
        path = _path(parent, name)
        keep = os.path.join(self._attic(path), str(self._doomed))
        self._doomed += 1
        os.link(path, keep)
        self._call("remove", name, parent)
        self._add("remove", parent, (path, keep))

    def remove_empty_folder(self, name, parent):
        self._call("remove_empty_folder", name, parent)
        self._add("no folder", parent, _path(parent, name))

    def open_new(self, name, parent):
        file = self._call("open_new", name, parent)
        self._add("file", parent, _path(parent, name))
        return file

    def open_append(self, name, parent):
        path = _path(parent, name)
        new = not os.path.lexists(path)
        file = self._call("open_append", name, parent)
        if new:
            self._add("file", parent, path)
        return file

    def write(self, file, data):
        self._at_risk(file)
        return self._call("write", file, data)

    def truncate(self, file, size):
        self._at_risk(file)
        return self._call("truncate", file, size)

    def sync(self, file):
        self._call("sync", file)
        self.is_on_disk(file)

    def is_on_disk(self, file):
        """What was open is safe from a cut now."""
        status = os.fstat(file)
        if stat.S_ISREG(status.st_mode):
            self._synced.pop(os.readlink(f"/proc/self/fd/{file}"), None)
            return
        place = (status.st_dev, status.st_ino)
        self._pending = [entry for entry in self._pending if entry[1] != place]

    def cut(self, rng, keep_some):
        """Takes back what was not on the disk.

        Args:
            rng: decides what a file system happened to write on its own
            keep_some: False if it wrote nothing
        """
        for path, safe in self._synced.items():
            if os.path.exists(path):
                size = os.stat(path).st_size
                left = rng.randint(min(safe, size), size) if keep_some else safe
                os.truncate(path, min(left, size))
                if keep_some and left > safe and rng.random() < 0.3:
                    # Its length was on the disk already, a part of its bytes not
                    with open(path, "r+b") as file:
                        file.seek(rng.randint(safe, left - 1))
                        file.write(b"\0")
        back = [not keep_some or rng.random() < 0.5 for _ in self._pending]
        gone = [
            facts
            for (kind, _, facts), lost in zip(self._pending, back, strict=True)
            if lost and kind == "folder"
        ]
        for (kind, _, facts), lost in reversed(
            [*zip(self._pending, back, strict=True)]
        ):
            place = facts[-1] if kind == "rename" else str(facts)
            # No name can have been written into a folder that was not
            if lost or any(place.startswith(folder + "/") for folder in gone):
                _take_back(kind, facts)
        self._pending, self._synced = [], {}

    def _add(self, kind, folder, facts):
        status = os.fstat(folder)
        self._pending.append((kind, (status.st_dev, status.st_ino), facts))

    def _at_risk(self, file):
        path = os.readlink(f"/proc/self/fd/{file}")
        self._synced.setdefault(path, os.fstat(file).st_size)

    def _attic(self, path):
        # On the same file system, where no check looks
        attic = os.path.dirname(path).split("/.winnow-quarantine")[0] + "/attic"
        os.makedirs(attic, exist_ok=True)
        return attic


def _path(folder, name):
    return os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)


def _take_back(kind, facts):
    if kind == "rename":
        old, new = facts
        # If a later change of the same name stays, this one must have stayed too
        if (
            os.path.lexists(new)
            and not os.path.lexists(old)
            and os.path.isdir(os.path.dirname(old))
        ):
            os.rename(new, old)
    elif kind == "remove":
        path, keep = facts
        if not os.path.lexists(path) and os.path.isdir(os.path.dirname(path)):
            os.rename(keep, path)
    elif kind == "file":
        if os.path.lexists(facts):
            os.unlink(facts)
    elif kind == "folder":
        _lose(facts)
    elif not os.path.lexists(facts) and os.path.isdir(os.path.dirname(facts)):
        os.mkdir(facts)


def _lose(folder):
    """A folder whose name was never written: all that was put in it is lost."""
    if not os.path.isdir(folder):
        return
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            _lose(path)
        else:
            os.unlink(path)
    os.rmdir(folder)
