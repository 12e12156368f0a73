"""Fixed-size records on disk, found again by a 32-byte key.

Two append-only files hold a store: ``values.bin``, one record after the
other, and ``keys.bin``, for each record its key and a checksum. A record
counts when both parts are whole and the checksum fits, so a crash at any
moment loses at most the records being written. Several processes may append,
and anybody may delete the files at any time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import weakref
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ..errors import CacheError

KEY_BYTES = 32
ABSENT = -1
"""The position of a key that the store does not hold."""

_ATTEMPTS = 10
"""To lock files that are still there: each failure is a deletion by others."""

_POLL_SECONDS = 0.002
_ROWS_COMPARED = 1024
_KEYS_AT_ONCE = 2**16

_KEY = np.dtype([("key", "u1", (KEY_BYTES,)), ("checksum", "<u4")])


class Records(Protocol):
    """Records of one dtype, read by their positions."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of one record."""

    def read(self, positions: NDArray[np.int64], field: str) -> NDArray[Any]:
        """Returns one field of the records at ``positions``, as a copy."""

    def read_before(self, positions: NDArray[np.int64], field: str) -> NDArray[Any]:
        """Returns all that comes before a field in the records at ``positions``: a
        structured array, as a copy."""


class WritableRecords(Records, Protocol):
    """Records that are found, and stored, by 32-byte keys."""

    def position(self, key: bytes) -> int:
        """Returns the position of a key's record, or ``ABSENT``."""

    def positions(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Returns the position of each key's record, ``ABSENT`` without one."""

    def append(self, keys: Sequence[bytes], values: NDArray[Any]) -> NDArray[np.int64]:
        """Stores one record a key that is not there; returns the positions of all."""


class RecordStore:
    """Records of one dtype under 32-byte keys; thread-safe.

    A position stands for one record as long as the store is open. When the
    files are deleted meanwhile, the store starts afresh and its new positions
    follow the old ones, so that an old one never finds another key's record.

    Args:
        folder: where the two files lie; created if needed
        dtype: of one record, without Python objects

    Raises:
        CacheError: the folder cannot be used; any method may raise it
    """

    def __init__(self, folder: Path, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._folder = folder
        self._lock = threading.RLock()
        with _explained(folder):
            self._files = _FilePair(folder, dtype, 0)
        self.refresh()

    def position(self, key: bytes) -> int:
        """Returns the position of a key's record, or ``ABSENT``."""
        return int(self.positions([key])[0])

    def positions(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Returns the position of each key's record, ``ABSENT`` without one."""
        # New files are the rule in a first scan: of them nothing is asked of the disk
        if not any(key in self._files.positions for key in keys):
            return np.full(len(keys), ABSENT, np.int64)
        if not self._files.are_in_place():
            self.refresh()
        with _explained(self._folder):
            files = self._files
            places = [files.positions.get(key, ABSENT) for key in keys]
            files.check([one - files.first for one in places if one != ABSENT])
            return np.array([self._sound_position(key) for key in keys], np.int64)

    def append(self, keys: Sequence[bytes], values: NDArray[Any]) -> NDArray[np.int64]:
        """Stores one record a key, unless the key is there already.

        Returns:
            int64[len(keys)], the positions, old and new
        """
        with _explained(self._folder), self._exclusive():
            self._files.load_new_keys()
            fresh: dict[bytes, int] = {}
            for row, key in enumerate(keys):
                if self._sound_position(key) == ABSENT:
                    fresh.setdefault(key, row)
            if fresh:
                self._files.append(list(fresh), values[list(fresh.values())])
            return np.array([self._files.positions[key] for key in keys], np.int64)

    def read(self, positions: NDArray[np.int64], field: str) -> NDArray[Any]:
        """Returns one field of the records at ``positions``, as a copy."""
        assert self.dtype.fields is not None
        return self._read(positions, *self.dtype.fields[field][:2])

    def read_before(self, positions: NDArray[np.int64], field: str) -> NDArray[Any]:
        """Returns all that comes before a field in the records at ``positions``: a
        structured array, as a copy."""
        return self._read(positions, dtype_before(self.dtype, field), 0)

    def _read(
        self, positions: NDArray[np.int64], part: np.dtype[Any], offset: int
    ) -> NDArray[Any]:
        files = self._files
        with _explained(self._folder):
            values = files.values.parts(positions - files.first, part, offset)
        if values is None:
            raise CacheError(
                f"The cache {self._folder} was deleted during the scan; scan again."
            )
        return values

    def _sound_position(self, key: bytes) -> int:
        """Looks a key up; forgets it if its record does not fit its checksum."""
        files = self._files
        position = files.positions.get(key, ABSENT)
        if position == ABSENT or files.is_sound(position - files.first):
            return position
        with self._lock:
            # Unless another thread has stored a sound one by now
            if files.positions.get(key) == position:
                del files.positions[key]
        return ABSENT

    def refresh(self) -> None:
        """Takes in what other processes have appended."""
        with _explained(self._folder), self._exclusive():
            self._files.load_new_keys()

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keeps others from appending, to the files that are there now."""
        with self._lock:
            for _ in range(_ATTEMPTS):
                # Others hold it for a fraction of a millisecond
                lock = FileLock(self._folder / "lock")
                with lock.acquire(poll_interval=_POLL_SECONDS):
                    # Checked under the lock: we may have waited for it while
                    # the files were deleted, and another process made new ones
                    if self._files.are_in_place():
                        yield
                        return
                first = self._files.first + self._files.rows
                self._files = _FilePair(self._folder, self.dtype, first)
            raise OSError(errno.ESTALE, "its files keep vanishing")


_RECORDS_AT_ONCE = 128
_SHORTEST_RUN = 16
_SPARSEST_RUN = 2
"""Records, 1 MB of pictures, that are read whole where one field of each second of them
is asked for at least: one system call takes as long as to copy two records."""


class StoredColumn:
    """One field of some records, read when rows of it are asked for.

    Args:
        store: that holds the records
        positions: int64[m], of the records
        field: name of the field
    """

    def __init__(
        self, store: Records, positions: NDArray[np.int64], field: str
    ) -> None:
        self._store = store
        self._field = field
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def shape(self) -> tuple[int, ...]:
        """As that of an array: rows, then the shape of the field."""
        return (len(self), *self._store.dtype[self._field].shape)

    @property
    def nbytes(self) -> int:
        """As that of an array."""
        return len(self) * self._store.dtype[self._field].itemsize

    def __getitem__(self, rows: NDArray[np.integer] | slice) -> NDArray[Any]:
        """Returns the values of these rows, as a copy."""
        return self._store.read(self.positions[rows], self._field)

    def at(self, rows: NDArray[np.integer]) -> StoredColumn:
        """Returns the column of these rows only; reads nothing."""
        return StoredColumn(self._store, self.positions[rows], self._field)


Vectors: TypeAlias = NDArray[np.floating] | StoredColumn
"""n x d. Stored ones are read in parts: a million are never in memory at once."""


def held_in_memory(vectors: Vectors, most_bytes: int = 2**26) -> Vectors:
    """Returns stored vectors in memory if they take up so little, else as they are.

    Rows stand in another order than they were stored in: of what is gone through
    several times each would be a system call every time.
    """
    if isinstance(vectors, StoredColumn) and vectors.nbytes <= most_bytes:
        return vectors[:]
    return vectors


def stored_order(
    column: NDArray[Any] | StoredColumn, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns int64[r], the order in which some rows of a column are read fastest."""
    if isinstance(column, StoredColumn):
        return np.argsort(column.positions[rows], kind="stable")
    return np.arange(len(rows))


def equal_rows(one: Vectors, other: Vectors) -> bool:
    """True if both hold the same values; reads on until one differs."""
    return one is other or (
        one.shape == other.shape
        and all(
            np.array_equal(
                one[start : start + _ROWS_COMPARED],
                other[start : start + _ROWS_COMPARED],
            )
            for start in range(0, len(one), _ROWS_COMPARED)
        )
    )


def dtype_before(dtype: np.dtype[Any], field: str) -> np.dtype[Any]:
    """Returns the type of what comes before a field of packed records."""
    assert dtype.names is not None
    names = dtype.names[: dtype.names.index(field)]
    return np.dtype([(name, dtype[name]) for name in names])


class _FilePair:
    """The two files from their opening to their deletion.

    Attributes:
        first: position of the first record
        rows: records that are taken in
        positions: of the keys taken in
    """

    def __init__(self, folder: Path, dtype: np.dtype[Any], first: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.keys = _RecordFile(folder / "keys.bin", _KEY)
        self.values = _RecordFile(folder / "values.bin", dtype)
        self.first = first
        self.rows = 0
        self.positions: dict[bytes, int] = {}
        self._checked = bytearray()

    def are_in_place(self) -> bool:
        return self.keys.is_in_place(self.rows) and self.values.is_in_place(self.rows)

    def load_new_keys(self) -> None:
        """Takes in what others appended and cuts a torn tail off."""
        rows = min(self.keys.rows(), self.values.rows())
        self.keys.cut(rows)
        self.values.cut(rows)
        for start in range(self.rows, rows, _KEYS_AT_ONCE):
            entries = self.keys.records(range(start, min(start + _KEYS_AT_ONCE, rows)))
            if entries is None:
                raise OSError(errno.ESTALE, "its files are being cut off")
            keys = np.frombuffer(entries, _KEY)["key"].tobytes()
            self._add(
                [keys[i : i + KEY_BYTES] for i in range(0, len(keys), KEY_BYTES)],
                are_checked=False,
            )

    def append(self, keys: list[bytes], values: NDArray[Any]) -> None:
        entries = np.zeros(len(keys), _KEY)
        entries["key"] = np.frombuffer(b"".join(keys), np.uint8).reshape(
            len(keys), KEY_BYTES
        )
        entries["checksum"] = [zlib.crc32(value.tobytes()) for value in values]
        # Values first: a key without its value would be believed
        self.values.append(values)
        self.keys.append(entries)
        self._add(keys, are_checked=True)

    def is_sound(self, row: int) -> bool:
        """True if a record fits its checksum.

        Checked when a record is first asked for: to check a million when the
        store is opened takes 10 seconds.
        """
        if not self._checked[row]:
            here = range(row, row + 1)
            entry, value = self.keys.records(here), self.values.records(here)
            if entry is None or value is None:
                return False
            checksum = np.frombuffer(entry, _KEY)["checksum"][0]
            self._checked[row] = zlib.crc32(value) == int(checksum)
        return bool(self._checked[row])

    def check(self, rows: list[int]) -> None:
        """Looks which of some records are sound, by one call for those side by side.

        What cannot be read, or does not fit, is left to :meth:`is_sound`.
        """
        unchecked = sorted(row for row in rows if not self._checked[row])
        start, size = 0, self.values.size
        for end, row in enumerate(unchecked, 1):
            is_next = end < len(unchecked) and unchecked[end] - row <= _SPARSEST_RUN
            if is_next and end - start < _RECORDS_AT_ONCE:
                continue
            run, start = unchecked[start:end], end
            span = range(run[0], run[-1] + 1)
            entries, values = self.keys.records(span), self.values.records(span)
            if entries is None or values is None:
                continue
            checksums = np.frombuffer(entries, _KEY)["checksum"].tolist()
            records = memoryview(values)
            for row in run:
                at = row - span.start
                found = zlib.crc32(records[at * size : (at + 1) * size])
                self._checked[row] = found == checksums[at]

    def _add(self, keys: list[bytes], are_checked: bool) -> None:
        # Flags first: other threads look keys up without the lock. A key that
        # is there twice replaces a record that was found damaged.
        self._checked += bytes([are_checked]) * len(keys)
        start = self.first + self.rows
        self.positions.update(zip(keys, range(start, start + len(keys)), strict=True))
        self.rows += len(keys)


class _RecordFile:
    """An append-only file of records of one dtype.

    It stays open, so that its inode is not given to another file and what it
    holds can be read after its deletion. It is read by system calls: to touch what
    was cut off a mapped file is fatal, and pages of scattered records fill the memory;
    giving them back now and then measured five times as slow.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        # Unbuffered: a buffer that failed to be written would be tried again
        self.file = open(path, "a+b", buffering=0)  # noqa: SIM115
        weakref.finalize(self, self.file.close)
        self._path = path
        self._dtype = dtype
        self.size = dtype.itemsize
        self._place = threading.Lock()
        self._descriptor = self.file.fileno()
        self._status = os.fstat(self._descriptor)

    def is_in_place(self, rows: int) -> bool:
        """False if the file was deleted, replaced or cut below ``rows``."""
        try:
            status = self._path.stat()
        except OSError:
            return False
        whole = status.st_size >= rows * self._dtype.itemsize
        return whole and os.path.samestat(status, self._status)

    def rows(self) -> int:
        """Counts whole records; another process may be writing the next."""
        return os.fstat(self._descriptor).st_size // self._dtype.itemsize

    def records(self, rows: range) -> bytearray | None:
        """Returns the bytes of successive records, or None if one is not there."""
        size = self._dtype.itemsize
        found = bytearray(len(rows) * size)
        return found if self._fill(memoryview(found), rows.start * size) else None

    def parts(
        self, rows: NDArray[np.int64], part: np.dtype[Any], offset: int
    ) -> NDArray[Any] | None:
        """Returns a part of some records, or None if one is not there."""
        result = np.empty((len(rows), *part.shape), part.base)
        if not len(rows):
            return result
        if rows.min() < 0:
            return None
        alone = np.arange(len(rows))
        if len(rows) >= _SHORTEST_RUN:
            alone = self._read_runs(rows, part, offset, result)
        into, size = result.view(np.uint8).data.cast("B"), part.itemsize
        places = rows[alone] * self._dtype.itemsize + offset
        for start, place in zip((alone * size).tolist(), places.tolist(), strict=True):
            if not self._fill(into[start : start + size], place):
                return None
        return result

    def _read_runs(
        self,
        rows: NDArray[np.int64],
        part: np.dtype[Any],
        offset: int,
        result: NDArray[Any],
    ) -> NDArray[np.int64]:
        """Fills in the parts of records that lie close together, run by run.

        Returns:
            int64[r], which rows are still to be read
        """
        record = np.dtype(
            {
                "names": ["part"],
                "formats": [part],
                "offsets": [offset],
                "itemsize": self._dtype.itemsize,
            }
        )
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        starts = np.flatnonzero(np.diff(ordered // _RECORDS_AT_ONCE, prepend=-1))
        ends = np.append(starts[1:], len(ordered))
        lengths = ordered[ends - 1] + 1 - ordered[starts]
        close = (ends - starts) * _SPARSEST_RUN >= np.maximum(lengths, _SHORTEST_RUN)
        alone = [order[:0]]
        # One for all runs: to get and clear memory takes as long as to read into it
        run = np.empty(lengths.max(), record)
        runs = np.stack([starts, ends, ordered[starts], lengths, close], axis=1)
        for start, end, first, length, is_close in runs.tolist():
            records = run[:length].view(np.uint8).data
            if not is_close or not self._fill(records, first * self._dtype.itemsize):
                alone.append(order[start:end])
                continue
            result[order[start:end]] = run["part"][ordered[start:end] - first]
        return np.concatenate(alone)

    def _fill(self, into: memoryview, place: int) -> bool:
        """Reads until a buffer is full; False if the file ends before."""
        while count := self._read(into, place):
            if count == len(into):
                return True
            # Network file systems may return less than there is
            into, place = into[count:], place + count
        return False

    def _read(self, into: memoryview, place: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [into], place)
        # Windows has one place in the file for all threads; what is appended goes
        # to the end all the same
        with self._place:
            self.file.seek(place)
            return self.file.readinto(into)

    def append(self, records: NDArray[Any]) -> None:
        rest = memoryview(records.tobytes())
        while rest:
            rest = rest[self.file.write(rest) :]

    def cut(self, rows: int) -> None:
        size = rows * self._dtype.itemsize
        if os.fstat(self._descriptor).st_size > size:
            self.file.truncate(size)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turns what the disk says into a sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise CacheError(
            f"The cache folder {folder} cannot be used: {reason}. Make space or "
            "give write permission there, or set WINNOW_CACHE to a folder with space."
        ) from error
