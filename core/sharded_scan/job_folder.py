"""The files of a job: each is whole, or it is not there."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..common.texts import PackedTexts
from ..common.writable import check_writable
from ..errors import InputError
from .remote import file_system, is_url

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

_REMEDY = "Choose another OUT, or give yourself permission there."
_TRIED = ".winnow-tried"


class JobFolder:
    """A folder, or a URL of one, that all who work on a job can reach.

    A local file is renamed into place when it is whole; an object is put at once. What
    lies behind a URL is copied to this machine when it is read, once.

    Args:
        address: of the folder

    Raises:
        InputError: nothing can open such a URL
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._system: Any = None
        if is_url(address):
            self._system, self._root = file_system(address)
            name = hashlib.sha256(address.encode()).hexdigest()[:16]
            self._here = Path(tempfile.gettempdir()) / f"winnow-job-{name}"
        else:
            self._here = Path(address).expanduser().absolute()
            self.address = str(self._here)

    @property
    def here(self) -> Path:
        """The folder on this machine: itself, or that of the copies."""
        return self._here

    def check_writable(self) -> None:
        """Writes a file and removes it.

        Raises:
            InputError: it cannot be written
        """
        if self._system is None:
            return check_writable(self._here, "OUT", _REMEDY)
        try:
            self.write(_TRIED, b"Winnow")
            self._system.rm_file(self._there(_TRIED))
        # Each file system has errors of its own
        except Exception as error:
            raise InputError(
                f"OUT '{self.address}' cannot be written ({_words(error)}). {_REMEDY}"
            ) from error
        return None

    def exists(self, name: str) -> bool:
        """True if a file is there, and so is whole."""
        if self._system is None:
            return (self._here / name).exists()
        return bool(self._system.exists(self._there(name)))

    def read(self, name: str) -> bytes:
        """Returns a file's bytes."""
        return self.local(name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Writes a file; who looks sees all of it, or what was there before."""
        if self._system is None:
            return _put(self._here / name, data)
        self._system.makedirs(self._there(name).rpartition("/")[0], exist_ok=True)
        self._system.pipe_file(self._there(name), data)
        # What was copied before is old
        (self._here / name).unlink(missing_ok=True)
        return None

    def write_by(self, name: str, write: Callable[[Path], None]) -> None:
        """Writes a file that may be too large to be held.

        Args:
            name: of the file
            write: writes what it is given, which is whole or not there
        """
        if self._system is None:
            return write(self._here / name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            write(path)
            self._system.makedirs(self._there(name).rpartition("/")[0], exist_ok=True)
            self._system.put_file(str(path), self._there(name))
        (self._here / name).unlink(missing_ok=True)
        return None

    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        if self._system is not None:
            with contextlib.suppress(FileNotFoundError):
                self._system.rm_file(self._there(name))
        (self._here / name).unlink(missing_ok=True)

    def local(self, name: str) -> Path:
        """Returns a file on this machine with the same bytes."""
        path = self._here / name
        if self._system is not None and not path.exists():
            _put(path, self._system.cat_file(self._there(name)))
        return path

    def local_anew(self, name: str) -> Path:
        """Returns :meth:`local` of a file that is written again by a later run."""
        if self._system is not None:
            (self._here / name).unlink(missing_ok=True)
        return self.local(name)

    def write_arrays(self, name: str, arrays: Arrays) -> None:
        """Writes arrays under their names."""
        data = io.BytesIO()
        named: dict[str, Any] = dict(arrays)
        np.savez(data, **named)
        self.write(name, data.getvalue())

    def read_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Returns what :meth:`write_arrays` wrote."""
        with (
            self.local(name).open("rb") as file,
            np.load(file, allow_pickle=False) as stored,
        ):
            return {part: stored[part] for part in stored.files}

    def _there(self, name: str) -> str:
        return f"{self._root}/{name}"


def _put(path: Path, data: bytes) -> None:
    """Writes a local file beside its place, and renames it once it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two may write one file at the same time; both write the same
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def packed(texts: Sequence[bytes], name: str) -> dict[str, NDArray[Any]]:
    """Returns texts as two arrays, for :meth:`JobFolder.write_arrays`."""
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return {
        name: np.frombuffer(b"".join(texts), np.uint8),
        f"{name}_ends": ends.reshape(-1),
    }


def unpacked(arrays: Arrays, name: str) -> PackedTexts:
    """Returns the texts of :func:`packed`."""
    return PackedTexts([(arrays[name].tobytes(), arrays[f"{name}_ends"])])
