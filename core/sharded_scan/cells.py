"""Divides many pictures into cells, in which a search is exact and small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..storage.record_store import Vectors
from .searching import nearest_centers

ONE_CELL = 75_000
"""Pictures up to which one cell holds all: a scan's own limit of an exact search."""

HOME_ROWS = 3_000
"""Pictures at home in a cell, on average: 25,000 are then present in it."""

_SAMPLE, _ROUNDS = 40, 8
"""Pictures a cell that its center is learned from, and rounds of that."""


def centers_of(vectors: Vectors) -> NDArray[np.float32]:
    """Returns float32[c, d], the centers of the cells; c is 1 for few pictures.

    The same vectors in the same order give the same centers.

    Args:
        vectors: n x d of unit rows, in an order that means nothing
    """
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    count = len(vectors)
    if count <= ONE_CELL:
        return np.zeros((1, vectors.shape[1]), np.float32)
    cells = -(-count // HOME_ROWS)
    sample = to_single(vectors[np.arange(cells * _SAMPLE) * count // (cells * _SAMPLE)])
    centers: NDArray[np.float32] = sample[::_SAMPLE].copy()
    # Sums round differently with the number of threads
    with threadpool_limits(1, "blas"):
        for _ in range(_ROUNDS):
            own = nearest_centers(sample, centers, 1)[:, 0]
            order = np.argsort(own, kind="stable")
            ends = np.searchsorted(own[order], np.arange(cells + 1))
            for cell, (a, b) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
                if a < b:
                    middle = sample[order[a:b]].sum(axis=0)
                    centers[cell] = middle / max(np.linalg.norm(middle), 1e-12)
    return centers


def present_and_home(
    cells: NDArray[np.int32], count: int
) -> list[tuple[NDArray[np.int32], NDArray[np.int64]]]:
    """Returns of each cell the pictures present, and which of them are at home.

    Args:
        cells: int32[n, r], the cells that each picture is present in, nearest first
        count: number of cells

    Returns:
        a tuple a cell: int32[p], numbers of pictures, ascending, and int64[q], places
        among these
    """
    n, reach = cells.shape
    order = np.argsort(cells.ravel(), kind="stable")
    ends = np.searchsorted(cells.ravel()[order], np.arange(count + 1))
    # Numbers ascend within a cell, since the order is stable
    pictures = (order // reach).astype(np.int32)
    at_home = order % reach == 0
    return [
        (pictures[a:b], np.flatnonzero(at_home[a:b]))
        for a, b in zip(ends[:-1], ends[1:], strict=True)
    ]
