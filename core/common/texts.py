"""Millions of texts that take little more than their own bytes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray


class _Texts(Sequence[bytes]):
    """Texts that are made when they are asked for."""

    def _text(self, row: int) -> bytes:
        raise NotImplementedError

    @overload
    def __getitem__(self, rows: int) -> bytes: ...
    @overload
    def __getitem__(self, rows: slice) -> list[bytes]: ...
    def __getitem__(self, rows: int | slice) -> bytes | list[bytes]:
        if isinstance(rows, slice):
            return [self._text(row) for row in range(len(self))[rows]]
        return self._text(range(len(self))[rows])


class PackedTexts(_Texts):
    """Texts, each as its bytes and 8 more.

    Args:
        parts: of the texts, in their order: the texts of one after the other, and
            int64[t], where each ends
    """

    def __init__(self, parts: Iterable[tuple[bytes, NDArray[np.int64]]]) -> None:
        self.parts = [part for part in parts if len(part[1])]
        self._ends = list(accumulate(len(ends) for _, ends in self.parts))

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> PackedTexts:
        """Returns texts, packed."""
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        return cls([(b"".join(texts), ends)])

    @classmethod
    def joined(cls, several: Iterable[PackedTexts]) -> PackedTexts:
        """Returns the texts of several, which are not copied."""
        return cls(part for one in several for part in one.parts)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[bytes]:
        for data, ends in self.parts:
            start = 0
            for end in ends.tolist():
                yield data[start:end]
                start = end

    def _text(self, row: int) -> bytes:
        number = bisect_right(self._ends, row)
        data, ends = self.parts[number]
        place = row - (self._ends[number - 1] if number else 0)
        start = int(ends[place - 1]) if place else 0
        return data[start : int(ends[place])]


class TakenTexts(_Texts):
    """Some of other texts.

    Args:
        texts: the others
        rows: int64[t], which of them
    """

    def __init__(self, texts: Sequence[bytes], rows: NDArray[np.int64]) -> None:
        self._all = texts
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def _text(self, row: int) -> bytes:
        return self._all[int(self._rows[row])]
