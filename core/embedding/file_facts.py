"""What the file system says of files, one row a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.rows import distinct_rows
from ..reading.files import FileIdentity
from ..storage.record_store import ABSENT

_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, eq=False)
class FileFacts:
    """n files.

    Attributes:
        file_bytes: int64[n], 0 where the file is missing
        modified: float64[n], seconds since 1970, NaN where missing or unknown
        inodes: int64[n, 2], equal for names of one file; ``ABSENT`` where missing,
            a number of its own where nothing is known of other names
        is_link: bool[n], the path is a symbolic link
    """

    file_bytes: NDArray[np.int64]
    modified: NDArray[np.float64]
    inodes: NDArray[np.int64]
    is_link: NDArray[np.bool_]

    @classmethod
    def unknown(cls, count: int) -> FileFacts:
        """Returns so many rows of which nothing is known."""
        return cls(
            np.zeros(count, np.int64),
            np.full(count, np.nan),
            np.full((count, 2), ABSENT, np.int64),
            np.zeros(count, bool),
        )

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> FileFacts:
        """Returns the rows that :meth:`to_arrays` gave."""
        return cls(*(arrays[one.name] for one in fields(cls)))

    @classmethod
    def joined(cls, parts: Sequence[FileFacts]) -> FileFacts:
        """Returns the rows of all parts; numbers of their own stay so."""
        arrays = [part.to_arrays() for part in (*parts, cls.unknown(0))]
        facts = cls.of_arrays(
            {name: np.concatenate([one[name] for one in arrays]) for name in arrays[0]}
        )
        own = facts.inodes[:, 1] < ABSENT
        facts.inodes[own, 1] = ABSENT - 1 - np.flatnonzero(own)
        return facts

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Returns the arrays by their names."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def note(self, row: int, identity: FileIdentity) -> None:
        """Takes in what the file system says of a path."""
        status = identity.status
        self.file_bytes[row] = status.st_size
        self.modified[row] = status.st_mtime
        # Inode numbers may exceed int64; only their equality matters
        # 0 stands for no number: then nothing is known of other names of the file
        inode = status.st_ino & _INT64_MAX or ABSENT - 1 - row
        self.inodes[row] = status.st_dev & _INT64_MAX, inode
        self.is_link[row] = identity.is_link

    def note_member(self, row: int, size: int, modified: float) -> None:
        """Takes in what is known of a file that lies in another, or far away."""
        self.file_bytes[row], self.modified[row] = size, modified
        self.inodes[row] = ABSENT, ABSENT - 1 - row

    def file_ids(self) -> NDArray[np.int64]:
        """Returns int64[n], equal for names of one file; -1 where missing."""
        ids = distinct_rows(self.inodes)[1]
        return np.where(self.inodes[:, 1] == ABSENT, ABSENT, ids)
