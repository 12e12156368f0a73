"""Pairs that look the same from afar though their embeddings differ.

A mark tiled over a photograph, or a large caption, moves the embedding by more than a
copy may differ. The coarse brightness stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import looks_of
from ..copy_detection.types import Signatures
from ..neighbors.knn_graph import NeighborGraph, exact_neighbors, nearest

_NEIGHBORS = 2
_MIN_ALIKE = 0.9
"""Cosine of the looks. On 24,300 photographs 8,300 pairs that no embedding proposed
lie above, and not one was called a copy; 8 of 10 marked copies lie above, each the
nearest."""

_MOST_PICTURES = 100_000
"""Beyond, a search of all by all would cost more than the comparison."""

Pairs = NDArray[np.int32]


def alike_candidates(signatures: Signatures) -> Pairs:
    """Returns pairs of pictures that look the same from afar.

    Args:
        signatures: uint8[m, 4608]

    Returns:
        int32[q, 2], neither in order nor distinct; none of more than 100,000 pictures
    """
    count = len(signatures)
    if not 1 < count <= _MOST_PICTURES:
        return np.zeros((0, 2), np.int32)
    rows = np.arange(count)
    graph = exact_neighbors(looks_of(signatures), rows, _NEIGHBORS)
    return _alike(rows, graph)


def alike_originals(signatures: Signatures, count: int) -> Pairs:
    """Returns pairs of made copies and the pictures that look like them.

    Args:
        signatures: uint8[m, 4608], of pictures, then of copies made of some
        count: how many are pictures

    Returns:
        int32[q, 2], the copy first
    """
    if count > _MOST_PICTURES:
        return np.zeros((0, 2), np.int32)
    looks = looks_of(signatures)
    graph = nearest(looks[:count], looks[count:], _NEIGHBORS, exact=True)
    return _alike(np.arange(count, len(signatures)), graph)


def _alike(rows: NDArray[np.int64], graph: NeighborGraph) -> Pairs:
    row, column = np.nonzero(graph.similarities >= _MIN_ALIKE)
    return np.stack([rows[row], graph.indices[row, column]], axis=1).astype(np.int32)
