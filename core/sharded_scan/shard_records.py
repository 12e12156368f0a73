"""Records of pictures, in one file a shard, read by their positions."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..storage.record_store import ABSENT, dtype_before
from .job_folder import JobFolder

_FILE_BITS = 32
_FEWEST_MAPPED, _MOST_MAPPED = 256, 2**15
"""Files that are mapped at once, in a process: Linux allows 65,530 maps. Images stand
in the order of their digests, so that each thousand of them lies in all shards, and to
map a file anew takes thirty times as long as to read a row of it."""

_OTHER_FILES = 512

Positions = NDArray[np.int64]


class RecordsInMemory:
    """Records that one task makes, found by their keys."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._places: dict[bytes, int] = {}
        self._parts: list[NDArray[Any]] = []

    def position(self, key: bytes) -> int:
        """Returns the position of a key's record, or ``ABSENT``."""
        return self._places.get(key, ABSENT)

    def positions(self, keys: Sequence[bytes]) -> Positions:
        """Returns the position of each key's record, ``ABSENT`` without one."""
        return np.array([self.position(key) for key in keys], np.int64)

    def append(self, keys: Sequence[bytes], values: NDArray[Any]) -> Positions:
        """Stores one record a key that is not there; returns the positions of all."""
        fresh: dict[bytes, int] = {}
        for row, key in enumerate(keys):
            if key not in self._places and key not in fresh:
                fresh[key] = row
        for key in fresh:
            self._places[key] = len(self._places)
        self._parts.append(values[list(fresh.values())])
        return self.positions(keys)

    def read(self, positions: Positions, field: str) -> NDArray[Any]:
        """Returns one field of the records at ``positions``."""
        return np.asarray(self.records()[field][positions])

    def read_before(self, positions: Positions, field: str) -> NDArray[Any]:
        """Returns all that comes before a field in the records at ``positions``."""
        return _before(self.records()[positions], self.dtype, field)

    def records(self) -> NDArray[Any]:
        """Returns all records, in their order."""
        return np.concatenate([*self._parts, np.zeros(0, self.dtype)])


def as_file(records: NDArray[Any]) -> bytes:
    """Returns the file of a shard's records."""
    data = io.BytesIO()
    np.save(data, records, allow_pickle=False)
    return data.getvalue()


class ShardRecords:
    """Records of many shards. A position is the shard's number and the row in it.

    Args:
        folder: of the job
        names: of the shards' files
        dtype: of one record
    """

    def __init__(
        self, folder: JobFolder, names: Sequence[str], dtype: np.dtype[Any]
    ) -> None:
        self.dtype = dtype
        self._folder = folder
        self._paths: dict[int, Path] = {}
        self.names = list(names)

    def read(self, positions: Positions, field: str) -> NDArray[Any]:
        """Returns one field of the records at ``positions``, as a copy."""
        of_field = self.dtype[field]
        result = np.empty((len(positions), *of_field.shape), of_field.base)
        for some, records, rows in self._by_shard(positions):
            result[some] = records[field][rows]
        return result

    def read_before(self, positions: Positions, field: str) -> NDArray[Any]:
        """Returns all that comes before a field in the records at ``positions``, as a
        copy."""
        result = np.empty(len(positions), dtype_before(self.dtype, field))
        for some, records, rows in self._by_shard(positions):
            result[some] = _before(records[rows], self.dtype, field)
        return result

    def _by_shard(
        self, positions: Positions
    ) -> Iterator[tuple[Positions, NDArray[Any], Positions]]:
        """Yields some of the positions, the records of their shard, and the rows."""
        shards, rows = shard_and_row(positions)
        # Shard by shard, in the order of the rows in it: as the disk reads best
        order = np.argsort(positions, kind="stable")
        starts = np.flatnonzero(np.diff(shards[order], prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(order)], strict=False):
            some = order[start:end]
            records = _mapping()(self._path(int(shards[some[0]])))
            yield some, records, rows[some]

    def _path(self, shard: int) -> Path:
        known = self._paths.get(shard)
        if known is None:
            known = self._paths[shard] = self._folder.local(self.names[shard])
        return known

    def part(self, positions: Positions) -> tuple[list[str], Positions]:
        """Returns the files of some positions, and the positions among these alone."""
        shards, rows = shard_and_row(positions)
        used, number = np.unique(shards, return_inverse=True)
        return [self.names[shard] for shard in used], position_of(
            number.reshape(-1), rows
        )


def _before(records: NDArray[Any], dtype: np.dtype[Any], field: str) -> NDArray[Any]:
    part = dtype_before(dtype, field)
    result = np.empty(len(records), part)
    for name in part.names or ():
        result[name] = records[name]
    return result


def position_of(shard: Positions | int, row: Positions) -> Positions:
    """Returns int64[n]: where a shard's rows are."""
    return (np.asarray(shard, np.int64) << _FILE_BITS) | row.astype(np.int64)


def shard_and_row(positions: Positions) -> tuple[Positions, Positions]:
    """Returns int64[n], the shard's number, and int64[n], the row in it."""
    return positions >> _FILE_BITS, positions & (2**_FILE_BITS - 1)


@lru_cache(1)
def _mapping() -> Callable[[Path], NDArray[Any]]:
    """Returns what maps a file, and keeps as many as this process may have open."""
    return lru_cache(_most_mapped())(_mapped)


def _mapped(path: Path) -> NDArray[Any]:
    # A plain array: each field of a memmap would be one, which is slow
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _most_mapped() -> int:
    """Allows this process as many open files as it may allow itself; a map is one."""
    try:
        import resource
    except ImportError:  # Windows
        return _FEWEST_MAPPED
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_MAPPED + _OTHER_FILES
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        # Some systems have a limit of their own below
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            allowed = wanted
        wanted = allowed
    return max(_FEWEST_MAPPED, min(_MOST_MAPPED, wanted - _OTHER_FILES))
