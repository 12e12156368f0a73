"""What the one pass over the files found, by file and by unique file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.lazy import lazy
from ..common.rows import order_of, words_of
from ..reading.files import ReadFailure
from ..storage.record_store import ABSENT, Records, StoredColumn

_MOST_HELD = 100_000
"""Unique files whose small fields are held, 17 MB."""


@dataclass(frozen=True, eq=False)
class FileTable:
    """What one pass over n files found of them.

    Files of equal bytes are one *unique file*; unique files are sorted by digest,
    so they do not depend on the order of the files.

    Attributes:
        unique_file: int64[n], row of each file in the unique files; -1 if unreadable
        failures: why a row is unreadable
        file_bytes: int64[n], 0 where the file is missing
        modified: float64[n], seconds since 1970, NaN where missing
        file_id: int64[n], equal for names of one file (hard links, symbolic
            links, the same path twice); -1 where missing
        is_link: bool[n], the path is a symbolic link
    """

    unique_file: NDArray[np.int64]
    failures: dict[int, ReadFailure]
    file_bytes: NDArray[np.int64]
    modified: NDArray[np.float64]
    file_id: NDArray[np.int64]
    is_link: NDArray[np.bool_]
    _positions: NDArray[np.int64]
    _store: Records

    def rows(self) -> NDArray[np.int64]:
        """Returns int64[m], a row of each unique file."""
        readable = np.flatnonzero(self.unique_file >= 0)
        rows = np.empty(int(self.unique_file.max()) + 1, np.int64)
        rows[self.unique_file[readable]] = readable
        return rows

    def stored(self, field: str) -> StoredColumn:
        """Returns one field of all records, to be read row by row."""
        return StoredColumn(self._store, self._positions, field)


class ImageTable(FileTable):
    """What one pass over n files of pictures found: a record of each unique file."""

    def column(self, field: str) -> NDArray[Any]:
        """Returns one field of all unique files.

        Fields: ``digest`` and ``picture_digest`` uint8[m, 32],
        ``is_pixel_digest`` bool[m], ``damage`` int8[m], ``first_digest`` uint8[m, 32],
        ``picture_count`` int32[m], ``decoded_pixels`` int64[m], ``orientation``
        uint8[m] (EXIF, 1 to 8), ``width`` and ``height`` int32[m], ``captured``
        float64[m] and ``camera`` uint32[m] (see :class:`core.reading.exif.Capture`),
        ``statistics`` float32[m, s], ``signature`` uint8[m, q], ``copy`` float16[m, c],
        ``features`` float16[m, f].
        """
        held = self._held_field(field)
        return self._store.read(self._positions, field) if held is None else held.copy()

    def values(self, field: str, unique_files: NDArray[np.int64]) -> NDArray[Any]:
        """Returns one field of these unique files, see :meth:`column`."""
        held = self._held_field(field)
        return (self.stored(field) if held is None else held)[unique_files]

    def _held_field(self, field: str) -> NDArray[Any] | None:
        held = self._held
        if held is None or field not in (held.dtype.names or ()):
            return None
        values: NDArray[Any] = held[field]
        return values

    @lazy
    def _held(self) -> NDArray[Any] | None:
        """All small fields of the unique files: twenty times one of them is asked for,
        and to read one takes as long as to read all. None of so many files that only
        those asked for may be in memory."""
        if len(self._positions) > _MOST_HELD:
            return None
        return self._store.read_before(self._positions, "signature")

    def sizes(self, unique_files: NDArray[np.int64]) -> NDArray[np.int32]:
        """Returns int32[c, 2], width and height of these unique files."""
        sides = [self.values(side, unique_files) for side in ("width", "height")]
        return np.stack(sides, axis=1)


def unique_records(
    positions: NDArray[np.int64], store: Records
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers the distinct records of n rows, sorted by digest.

    A position says which thread came first; the digest says nothing of this run, so
    everything after is independent of order and threads.

    Args:
        positions: int64[n], of records in the store; -1 without one
        store: that holds them

    Returns:
        a tuple of

        -   record: int64[n], number of each row's record; -1 without one
        -   positions: int64[m], of the distinct records
    """
    readable = np.flatnonzero(positions != ABSENT)
    distinct, inverse = np.unique(positions[readable], return_inverse=True)
    digests = store.read(distinct, "digest")
    order = order_of(words_of(digests)) if len(distinct) else distinct
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    record = np.full(len(positions), ABSENT, np.int64)
    record[readable] = rank[inverse.reshape(-1)]
    return record, distinct[order]
