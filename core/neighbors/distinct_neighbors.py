"""Distinct neighbors: outside the own duplicate cluster, one per other cluster.

Ten copies of a picture are one picture: they neither keep each other company
when outliers are sought, nor outvote the rest when labels are judged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .knn_graph import NO_NEIGHBOR, NeighborGraph

_ROWS_AT_ONCE = 65_536


def distinct_neighbors(
    graph: NeighborGraph, cluster: NDArray[np.int64], count: int
) -> NeighborGraph:
    """Keeps of each image's neighbors the nearest distinct ones.

    A neighbor from the image's own duplicate cluster is dropped, and of
    several neighbors from one other cluster only the nearest stays.

    Args:
        graph: of m images
        cluster: int64[m], the duplicate cluster of each image, negative for none
        count: number of neighbors to keep at most

    Returns:
        a graph of m rows and at most ``count`` columns
    """
    rows, width = len(graph.indices), min(count, graph.k)
    # Images without a cluster are clusters of their own
    group = np.where(cluster >= 0, cluster, -1 - np.arange(rows))
    indices = np.full((rows, width), NO_NEIGHBOR, np.int32)
    similarities = np.full((rows, width), -np.inf, np.float32)
    for start in range(0, rows if width else 0, _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        near = graph.indices[part]
        other = group[near]
        kept = (near != NO_NEIGHBOR) & (other != group[part, None])
        kept &= _first_of_its_kind(other)
        order = np.argsort(~kept, axis=1, kind="stable")[:, :width]
        kept = np.take_along_axis(kept, order, 1)
        indices[part] = np.where(kept, np.take_along_axis(near, order, 1), NO_NEIGHBOR)
        similarities[part] = np.where(
            kept, np.take_along_axis(graph.similarities[part], order, 1), -np.inf
        )
    return NeighborGraph(indices, similarities)


def _first_of_its_kind(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Marks in each row the first of equal values."""
    order = np.argsort(values, axis=1, kind="stable")
    sorted_values = np.take_along_axis(values, order, 1)
    first = np.ones(values.shape, bool)
    first[:, 1:] = sorted_values[:, 1:] != sorted_values[:, :-1]
    result = np.empty_like(first)
    np.put_along_axis(result, order, first, 1)
    return result
