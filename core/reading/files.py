"""Reads one file once: its bytes, their digest, what the file system says.

A file is opened without blocking and must be a regular one. Whatever goes
wrong with it is a :class:`ReadFailure`, never an exception.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

MAX_FILE_BYTES = 512 * 2**20
"""Of larger files nothing is read, but for videos."""

_PART_BYTES = 2**20


def open_flags(*names: str) -> int:
    """Joins flags of ``os.open``; one that the system does not have is left out."""
    flags = 0
    for name in names:
        flags |= getattr(os, name, 0)
    return flags


# Windows alone has O_BINARY, and neither of the others
_READ = open_flags("O_RDONLY", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")


@dataclass(frozen=True)
class ReadFailure:
    """Why a file has no picture.

    Attributes:
        status: one word for the field ``scan_status``: ``missing``,
            ``no_permission``, ``not_regular``, ``empty``, ``unsupported``,
            ``too_large``, ``truncated``, ``corrupt``, ``nonfinite`` or
            ``read_error``
        reason: a few words for a person
    """

    status: str
    reason: str


@dataclass(frozen=True)
class FileContent:
    """The bytes of a regular file and what the file system says of it.

    Attributes:
        data: the whole file
        digest: SHA-256 of ``data``, 32 bytes
    """

    data: bytes
    digest: bytes


ReadContent = Callable[[bytes], FileContent | ReadFailure]
"""What reads the file of a path; :func:`read_file` for one on a disk."""


class FileIdentity(NamedTuple):
    """What the file system says of a path.

    Attributes:
        key: of the state of the file, 32 bytes
        status: of the file, not of the link to it
        is_link: whether the path is a symbolic link
    """

    key: bytes
    status: os.stat_result
    is_link: bool


def file_identity(path: bytes) -> FileIdentity | ReadFailure:
    """Returns a key that changes whenever the file may have changed.

    Path, device, inode, size, and the nanosecond times of content and inode
    make up the key (as git's index does), so that a file seen before need
    not be read again.
    """
    try:
        status = os.lstat(path)
        is_link = stat.S_ISLNK(status.st_mode)
        if is_link:
            status = os.stat(path)
    except OSError as error:
        return _failure_of_os_error(error)
    parts = (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
    key = hashlib.sha256(path + b"\0" + repr(parts).encode()).digest()
    return FileIdentity(key, status, is_link)


def read_file(path: bytes) -> FileContent | ReadFailure:
    """Reads a regular file whole, never waiting on a pipe or a device."""
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        return _failure_of_os_error(error)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return ReadFailure("not_regular", "not a regular file")
        if status.st_size == 0:
            return ReadFailure("empty", "the file is empty")
        if status.st_size > MAX_FILE_BYTES:
            megabytes = status.st_size // 2**20
            return ReadFailure("too_large", f"the file has {megabytes} MiB")
        data = _read_whole(descriptor, status.st_size)
    except OSError as error:
        return _failure_of_os_error(error)
    finally:
        os.close(descriptor)
    return FileContent(data, hashlib.sha256(data).digest())


def _read_whole(descriptor: int, size: int) -> bytes:
    """Reads what a file holds, at most so many bytes."""
    data = os.read(descriptor, size)
    if len(data) == size:
        return data
    # Network file systems may return less than there is
    parts = [data]
    while data and (size := size - len(data)):
        data = os.read(descriptor, size)
        parts.append(data)
    return b"".join(parts)


def digest_file(path: bytes) -> bytes | ReadFailure:
    """Returns the SHA-256 of a regular file of any size, read part by part."""
    digest = hashlib.sha256()
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        return _failure_of_os_error(error)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ReadFailure("not_regular", "not a regular file")
        while part := os.read(descriptor, _PART_BYTES):
            digest.update(part)
    except OSError as error:
        return _failure_of_os_error(error)
    finally:
        os.close(descriptor)
    return digest.digest()


def first_bytes(path: bytes, count: int) -> bytes:
    """Returns how a regular file begins; nothing of what cannot be read."""
    return _some_bytes(path, count, at_end=False)


def last_bytes(path: bytes, count: int) -> bytes:
    """Returns how a regular file ends; nothing of what cannot be read."""
    return _some_bytes(path, count, at_end=True)


def _some_bytes(path: bytes, count: int, *, at_end: bool) -> bytes:
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        return b""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return b""
        if at_end:
            os.lseek(descriptor, max(0, status.st_size - count), os.SEEK_SET)
        return os.read(descriptor, count)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _failure_of_os_error(error: OSError) -> ReadFailure:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return ReadFailure("missing", "there is no such file")
    if isinstance(error, PermissionError):
        return ReadFailure("no_permission", "permission denied")
    if isinstance(error, IsADirectoryError):
        return ReadFailure("not_regular", "a folder, not a file")
    return ReadFailure("read_error", os.strerror(error.errno or 0))
