"""From the name of an image to its bytes: a path, a URL, or a member of a tar file.

Whatever goes wrong with one is a :class:`~core.reading.files.ReadFailure`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any

from ..errors import InputError
from ..reading.files import MAX_FILE_BYTES, FileContent, ReadFailure, read_file
from ..reading.image_names import IMAGE_SUFFIXES
from .remote import file_system, is_url

MEMBER = "::"
"""Between a tar file and the name of its member."""

_CLASS, _RECORD = ".cls", ".json"
_BROKEN = (OSError, tarfile.TarError, EOFError, ValueError)


def is_local(locator: bytes) -> bool:
    """True for a path, which is no URL and no member of a tar file."""
    text = os.fsdecode(locator)
    return not is_url(text) and MEMBER not in text


def shown_path(locator: bytes) -> str:
    """Returns a locator as tables have it, whatever bytes it has."""
    return locator.decode("utf-8", "backslashreplace")


def read_source(locator: bytes) -> FileContent | ReadFailure:
    """Reads an image whole.

    Args:
        locator: a path, a URL, or ``shard.tar::member`` of either
    """
    text = os.fsdecode(locator)
    tar, found, member = text.rpartition(MEMBER)
    if found and tar.lower().endswith(".tar"):
        return _read_member(tar, member)
    if not is_url(text):
        return read_file(locator)
    try:
        system, path = file_system(text)
        data = system.cat_file(path)
    except FileNotFoundError:
        return ReadFailure("missing", "there is no such file")
    except PermissionError:
        return ReadFailure("no_permission", "permission denied")
    except InputError as error:
        return ReadFailure("read_error", str(error))
    # Each file system has errors of its own
    except Exception as error:
        return ReadFailure("read_error", f"{type(error).__name__}: {error}"[:200])
    return _content(data)


@dataclass(frozen=True, eq=False)
class Member:
    """An image in a tar file.

    Attributes:
        locator: of the image
        content: of the file
        size: in bytes
        modified: seconds since 1970
        label: of a ``.cls`` file, or ``label`` of a ``.json`` file, beside it
    """

    locator: bytes
    content: FileContent | ReadFailure
    size: int
    modified: float
    label: str | None


def tar_members(locator: str) -> Iterator[Member]:
    """Yields the images of a tar file in one pass, as webdataset lays them out.

    Files of one name and different endings belong together, one after the other. A
    tar that breaks off yields what is whole, then a failure under its own name.
    """
    group: list[tuple[tarfile.TarInfo, bytes]] = []
    try:
        with _opened(locator) as file, tarfile.open(fileobj=file, mode="r|") as tar:
            for info in tar:
                part = tar.extractfile(info) if info.isreg() else None
                if part is None:
                    continue
                if group and _stem(info.name) != _stem(group[0][0].name):
                    yield from _images(locator, group)
                    group = []
                data = part.read() if info.size <= MAX_FILE_BYTES else b""
                group.append((info, data))
        yield from _images(locator, group)
    except _BROKEN as error:
        yield from _images(locator, group)
        missing = isinstance(error, FileNotFoundError)
        status = "missing" if missing else "corrupt"
        failure = ReadFailure(status, f"the tar file: {error}"[:200])
        yield Member(os.fsencode(locator), failure, 0, 0.0, None)


def _images(
    locator: str, group: list[tuple[tarfile.TarInfo, bytes]]
) -> Iterator[Member]:
    label = None
    for info, data in group:
        ending = os.path.splitext(info.name)[1].lower()
        with contextlib.suppress(ValueError):
            if ending == _CLASS:
                label = data.decode().strip() or None
            elif ending == _RECORD and label is None:
                label = _label_of(json.loads(data))
    for info, data in group:
        if os.path.splitext(info.name)[1].lower() in IMAGE_SUFFIXES:
            name = f"{locator}{MEMBER}{info.name}"
            content = _content(data, info.size)
            yield Member(os.fsencode(name), content, info.size, info.mtime, label)


def _label_of(record: Any) -> str | None:
    label = record.get("label") if isinstance(record, dict) else None
    return str(label) if isinstance(label, str | int) else None


def _stem(name: str) -> str:
    # As webdataset: the ending begins at the first dot of the file's name
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.split(".")[0]


def _opened(locator: str) -> IO[bytes]:
    if not is_url(locator):
        return open(locator, "rb")
    system, path = file_system(locator)
    file: IO[bytes] = system.open(path, "rb")
    return file


@lru_cache(8)
def _places(tar: str) -> dict[str, tuple[int, int]]:
    """Returns where each member of a tar file begins, and its size."""
    with _opened(tar) as file, tarfile.open(fileobj=file, mode="r:") as members:
        return {one.name: (one.offset_data, one.size) for one in members}


def _read_member(tar: str, member: str) -> FileContent | ReadFailure:
    try:
        place = _places(tar).get(member)
        if place is None:
            return ReadFailure("missing", "the tar file has no such member")
        with _opened(tar) as file:
            file.seek(place[0])
            return _content(file.read(place[1]), place[1])
    except FileNotFoundError:
        return ReadFailure("missing", "there is no such tar file")
    except _BROKEN as error:
        return ReadFailure("corrupt", f"the tar file: {error}"[:200])


def _content(data: bytes, size: int | None = None) -> FileContent | ReadFailure:
    size = len(data) if size is None else size
    if size == 0:
        return ReadFailure("empty", "the file is empty")
    if size > MAX_FILE_BYTES:
        return ReadFailure("too_large", f"the file has {size // 2**20} MiB")
    if len(data) < size:
        return ReadFailure("truncated", "the tar file ends within it")
    return FileContent(data, hashlib.sha256(data).digest())
