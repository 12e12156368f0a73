"""The types of array that the comparison works on."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


class Signatures(Protocol):
    """uint8[m, 4608], in memory or somewhere that reads rows when asked."""

    def __len__(self) -> int: ...
    def __getitem__(
        self, rows: NDArray[np.integer] | slice, /
    ) -> NDArray[np.uint8]: ...


def floats(values: ArrayLike) -> Floats:
    """Returns float32, of the same memory where it is that already."""
    return np.asarray(values, np.float32)
