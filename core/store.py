"""Fixed-size records on disk, found again by a 32-byte key.

Two append-only files hold a store: ``values.bin``, one record after the
other, and ``keys.bin``, for each record its key and a checksum. A record
counts when both parts are whole and the checksum fits, so a crash at any
moment loses at most the records being written. Several processes may append.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 32
ABSENT = -1
"""The position of a key that the store does not hold."""

_KEY = np.dtype([("key", "u1", (KEY_BYTES,)), ("checksum", "<u4")])


class RecordStore:
    """Records of one dtype under 32-byte keys; thread-safe.

    Positions are row numbers in the file and never change.

    Args:
        folder: where the two files lie; created if needed
        dtype: of one record, without Python objects
    """

    def __init__(self, folder: Path, dtype: np.dtype[Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.dtype = dtype
        self._keys_path = folder / "keys.bin"
        self._values_path = folder / "values.bin"
        self._lock = threading.Lock()
        self._positions: dict[bytes, int] = {}
        self._known = 0
        self._mapped: NDArray[Any] = np.empty(0, dtype)
        with self._exclusive():
            self._load_new_keys()

    def position(self, key: bytes) -> int:
        """Returns the position of a key's record, or ``ABSENT``."""
        return self._positions.get(key, ABSENT)

    def append(self, keys: Sequence[bytes], values: NDArray[Any]) -> NDArray[np.int64]:
        """Stores one record a key, unless the key is there already.

        Returns:
            int64[len(keys)], the positions, old and new
        """
        with self._lock, self._exclusive():
            self._load_new_keys()
            fresh: dict[bytes, int] = {}
            for row, key in enumerate(keys):
                if key not in self._positions and key not in fresh:
                    fresh[key] = row
            if fresh:
                self._append_fresh(list(fresh), values[list(fresh.values())])
            return np.array([self._positions[key] for key in keys], np.int64)

    def read(self, positions: NDArray[np.int64], field: str) -> NDArray[Any]:
        """Returns one field of the records at ``positions``, as a copy."""
        if not len(positions):
            return np.empty(0, self.dtype)[field]
        # The map is kept: opening it anew would dominate single look-ups
        records = self._mapped
        if len(records) <= positions.max():
            records = np.memmap(self._values_path, self.dtype, "r")
            self._mapped = records
        return np.asarray(records[field][positions])

    def _append_fresh(self, keys: list[bytes], values: NDArray[Any]) -> None:
        entries = np.zeros(len(keys), _KEY)
        entries["key"] = np.frombuffer(b"".join(keys), np.uint8).reshape(
            len(keys), KEY_BYTES
        )
        entries["checksum"] = [zlib.crc32(value.tobytes()) for value in values]
        # Values first: a key without its value would be believed
        for path, block in (
            (self._values_path, np.ascontiguousarray(values)),
            (self._keys_path, entries),
        ):
            with open(path, "ab") as file:
                file.write(block.tobytes())
        for key in keys:
            self._positions[key] = self._known
            self._known += 1

    def _load_new_keys(self) -> None:
        """Takes in what others appended and cuts a torn tail off."""
        key_rows = _size(self._keys_path) // _KEY.itemsize
        value_rows = _size(self._values_path) // self.dtype.itemsize
        rows = min(key_rows, value_rows)
        _cut(self._keys_path, rows * _KEY.itemsize)
        _cut(self._values_path, rows * self.dtype.itemsize)
        if rows <= self._known:
            return
        entries = np.fromfile(self._keys_path, _KEY, offset=self._known * _KEY.itemsize)
        values = np.memmap(self._values_path, self.dtype, "r")
        keys = entries["key"].tobytes()
        for row, checksum in enumerate(entries["checksum"]):
            if zlib.crc32(values[self._known + row].tobytes()) == checksum:
                key = keys[row * KEY_BYTES : (row + 1) * KEY_BYTES]
                self._positions[key] = self._known + row
        self._known = rows

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keeps other processes from appending meanwhile."""
        with open(self._keys_path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _cut(path: Path, size: int) -> None:
    if _size(path) > size:
        os.truncate(path, size)
