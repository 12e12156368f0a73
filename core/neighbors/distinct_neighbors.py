"""Distinct neighbors: outside the own duplicate cluster, one per other cluster.

Ten copies of a picture are one picture: they neither keep each other company
when outliers are sought, nor outvote the rest when labels are judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .knn_graph import NO_NEIGHBOR, NeighborGraph

_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, eq=False)
class DistinctNeighbors:
    """Of each image's neighbors the nearest distinct ones, told when they are asked.

    A neighbor from the image's own duplicate cluster is dropped, and of
    several neighbors from one other cluster only the nearest stays.

    Attributes:
        graph: of m images
        group: int64[m], equal for images of one duplicate cluster
        count: number of neighbors to keep at most
    """

    graph: NeighborGraph
    group: NDArray[np.int64]
    count: int

    def of(self, rows: slice | NDArray[np.int64]) -> NeighborGraph:
        """Returns the neighbors of some images, a row each."""
        width = min(self.count, self.graph.k)
        near, similarities = self.graph.indices[rows], self.graph.similarities[rows]
        other = self.group[near]
        kept = (near != NO_NEIGHBOR) & (other != self.group[rows, None])
        kept &= _first_of_its_kind(other)
        order = np.argsort(~kept, axis=1, kind="stable")[:, :width]
        kept = np.take_along_axis(kept, order, 1)
        near = np.take_along_axis(near, order, 1)
        similarities = np.take_along_axis(similarities, order, 1)
        return NeighborGraph(
            np.where(kept, near, np.int32(NO_NEIGHBOR)),
            np.where(kept, similarities, np.float32(-np.inf)),
        )

    def parts(self) -> Iterator[slice]:
        """Yields the rows of all images, so many that their neighbors take little."""
        for start in range(0, len(self.group), _ROWS_AT_ONCE):
            yield slice(start, start + _ROWS_AT_ONCE)


def distinct_neighbors(
    graph: NeighborGraph, cluster: NDArray[np.int64], count: int
) -> DistinctNeighbors:
    """Returns what tells each image's distinct neighbors.

    Args:
        graph: of m images
        cluster: int64[m], the duplicate cluster of each image, negative for none
        count: number of neighbors to keep at most
    """
    # Images without a cluster are clusters of their own
    group = np.where(cluster >= 0, cluster, -1 - np.arange(len(cluster)))
    return DistinctNeighbors(graph, group, count)


def _first_of_its_kind(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Marks in each row the first of equal values."""
    order = np.argsort(values, axis=1, kind="stable")
    sorted_values = np.take_along_axis(values, order, 1)
    first = np.ones(values.shape, bool)
    first[:, 1:] = sorted_values[:, 1:] != sorted_values[:, :-1]
    result = np.empty_like(first)
    np.put_along_axis(result, order, first, 1)
    return result
