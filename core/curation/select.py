"""Chooses images that stand for the rest: to label next, or to keep.

Facility location (Nemhauser, Wolsey and Fisher, 1978): an image is covered as well as
it resembles a chosen one, and greedily the image is chosen that adds most to what all
are covered by. So dense regions get an image each, before a second one, and single
strange images come late. Only the nearest neighbors of an image count, which a scan has
stored: a million images need no vectors.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph

Rows = NDArray[np.int64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int32]

_FLOOR = 0.1
"""Quantile of all similarities of neighbors that counts as no similarity."""


def representative_order(
    graph: NeighborGraph,
    count: int,
    *,
    may_be_chosen: Bools,
    counts: Bools,
    given: Bools,
    stratum: Codes | None = None,
) -> Rows:
    """Chooses images one by one, each the one that covers most anew.

    The same input gives the same result; of equals the first row is chosen.

    Args:
        graph: of i images, their nearest neighbors
        count: images to choose, fewer if there are not so many
        may_be_chosen: bool[i]
        counts: bool[i], what is to be covered
        given: bool[i], images that are there already: what resembles them is covered
        stratum: int32[i], such as the class; as many are chosen of each as can be,
            given ones included. Negative is a stratum as well. None for no balance

    Returns:
        int64, rows in the order in which they were chosen
    """
    coverage = _Coverage(graph, counts)
    for row in np.flatnonzero(given).tolist():
        coverage.take(row)
    if stratum is None:
        stratum = np.zeros(len(graph.indices), np.int32)
    free = may_be_chosen & ~given
    queues: dict[int, list[tuple[float, int]]] = {}
    have: dict[int, int] = {}
    for code in np.unique(stratum[free]).tolist():
        members = np.flatnonzero(free & (stratum == code)).tolist()
        queues[code] = [(-coverage.gain(row), row) for row in members]
        heapq.heapify(queues[code])
        have[code] = int((given & (stratum == code)).sum())
    chosen: list[int] = []
    while queues and len(chosen) < count:
        code = min(queues, key=lambda one: (have[one], one))
        row = _best(queues[code], coverage)
        coverage.take(row)
        chosen.append(row)
        have[code] += 1
        if not queues[code]:
            del queues[code]
    return np.array(chosen, np.int64)


class _Coverage:
    """How well each of i images is covered by those that were taken."""

    def __init__(self, graph: NeighborGraph, counts: Bools) -> None:
        rows = len(graph.indices)
        known = graph.indices != NO_NEIGHBOR
        source, column = np.nonzero(known)
        similarity = graph.similarities[source, column].astype(np.float64)
        floor = float(np.quantile(similarity, _FLOOR)) if len(similarity) else 0.0
        similarity = np.clip((similarity - floor) / max(1 - floor, 1e-9), 0, 1)
        one_way = csr_array(
            (similarity, (source, graph.indices[source, column])), shape=(rows, rows)
        )
        both = one_way.maximum(one_way.T).tocsr()
        both = (both + csr_array((np.ones(rows), (np.arange(rows),) * 2))).tocsr()
        both.sort_indices()
        self._begin, self._image = both.indptr, both.indices
        self._similarity = np.where(counts[both.indices], np.minimum(both.data, 1), 0)
        self._covered = np.zeros(rows)

    def gain(self, row: int) -> float:
        """Returns how much better all images would be covered with one more."""
        mine = slice(self._begin[row], self._begin[row + 1])
        more = self._similarity[mine] - self._covered[self._image[mine]]
        return float(more[more > 0].sum())

    def take(self, row: int) -> None:
        """Covers what resembles an image."""
        mine = slice(self._begin[row], self._begin[row + 1])
        image = self._image[mine]
        self._covered[image] = np.maximum(self._covered[image], self._similarity[mine])


def _best(queue: list[tuple[float, int]], coverage: _Coverage) -> int:
    """Takes the row of largest gain off a heap of gains as they once were.

    Gains only shrink (the objective is submodular: Minoux, 1978), so a row whose gain
    of today beats what the next one had is the best.
    """
    while True:
        _, row = heapq.heappop(queue)
        gain = coverage.gain(row)
        if not queue or (-gain, row) <= queue[0]:
            return row
        heapq.heappush(queue, (-gain, row))
