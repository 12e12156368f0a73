"""The images that differ most from one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def diverse_order(
    vectors: NDArray[np.floating], count: int, given: Ints | None = None
) -> Ints:
    """Chooses images one by one, each the farthest from all that were chosen before.

    That is the greedy k-center of Gonzalez (1985): no other choice of as many images
    has a farthest image less than half as far (in Euclidean distance).

    Args:
        vectors: n x d, unit vectors; the order of the rows decides between equals
        count: images to choose, at most as many as there are
        given: rows that count as chosen before; None to begin with the image
            nearest to the mean

    Returns:
        int64[count], rows in the order in which they were chosen, without the given
    """
    table = vectors.astype(np.float32, copy=False)
    before = np.unique(given) if given is not None else np.zeros(0, np.int64)
    likeness = np.full(len(table), -np.inf, np.float32)
    for row in before.tolist():
        _take(table, likeness, row)
    chosen: list[int] = []
    for _ in range(min(count, len(table) - len(before))):
        if chosen or len(before):
            row = int(likeness.argmin())
        else:
            row = int((table @ table.mean(axis=0)).argmax())
        chosen.append(row)
        _take(table, likeness, row)
    return np.array(chosen, np.int64)


def _take(table: NDArray[np.float32], likeness: NDArray[np.float32], row: int) -> None:
    """Notes how like its nearest chosen image each is; infinite for a chosen one."""
    np.maximum(likeness, table @ table[row], out=likeness)
    likeness[row] = np.inf
