"""Nearest neighbours of unit vectors, exact for small sets, approximate above.

Both ways stand behind :func:`nearest`. Vectors are compared by cosine
similarity, which for unit vectors orders like the Euclidean distance.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cores import available_cores
from .exact_search import most_similar
from .half_precision import to_single

NO_NEIGHBOR = -1
"""Pads :attr:`NeighborGraph.indices` where there are fewer than k."""

_EXACT_BELOW = 60_000
"""Rows up to which brute force wins, pynndescent's compile time included.

Measured: see benchmarks/neighbors.md.
"""

_MOST_DIMS = 512
_PROJECTED_DIMS = 128
_PROJECTION_SPARE = 20
"""Longer vectors are searched by their first 128 principal components (not
centred, unit length again), with 20 spare neighbours that are ranked by the
full vectors. Measured on 25,000 x 1,280: of the 20 nearest 0.992 to 0.999 are
found, in 5 CPU-seconds instead of 43."""

_AXES_ROWS = 8_192
"""Rows, evenly spread, that the principal components are learned from."""

_PROJECTED_ABOVE = 4_000
"""Rows from which the projection saves more than it costs."""

_SPARE = 4
"""Extra neighbours fetched, so that float rounding cannot cut off a tie."""

_APPROXIMATE_EXTRA, _APPROXIMATE_LEAST = 6, 31
"""pynndescent keeps so many more than asked, and so many at least: recall@10 is
0.995 with 31 and 0.978 with 11; with 61 all 40 nearest of 200,000 are found, and
with 47 and 67 the ten nearest of a million (benchmarks/scale.md)."""

_QUERY_EPSILON = 0.3
"""How far a query looks beyond what seems nearest; the package's 0.1 misses
a twelfth of what lone queries should find."""

_SEED = 0
_NUMBERS_AT_ONCE = 2**20
"""Floats that are gathered at once to rank candidates: what a cache holds."""

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class NeighborGraph:
    """The k nearest neighbours of n rows.

    A row is never its own neighbour. Rows are sorted nearest first, equal
    similarities by index. Missing neighbours are ``NO_NEIGHBOR`` / -inf.

    Attributes:
        indices: int32[n, k]
        similarities: float32[n, k], cosine, larger is nearer
    """

    indices: Indices
    similarities: Floats

    def first(self, k: int) -> NeighborGraph:
        """Returns the nearest k of each row."""
        return NeighborGraph(self.indices[:, :k], self.similarities[:, :k])

    @property
    def k(self) -> int:
        return int(self.indices.shape[1])


def neighbor_graph(
    vectors: NDArray[np.floating], k: int, *, exact: bool | None = None
) -> NeighborGraph:
    """Finds the k nearest neighbours of each row among the other rows.

    Args:
        vectors: n x d, unit length; rows should differ (collapse equal rows
            first: copies of one vector would fill each other's lists)
        k: neighbours a row; fewer exist when n <= k
        exact: force brute force or approximation; None lets n decide
    """
    count = len(vectors)
    searched, wanted = search_space(vectors, k + 1)
    found = _search(searched, None, min(wanted, count), exact)
    own = found == np.arange(count, dtype=np.int32)[:, None]
    found = np.where(own, NO_NEIGHBOR, found)
    return ranked(vectors, vectors, found, k)


def nearest(
    vectors: NDArray[np.floating],
    queries: NDArray[np.floating],
    k: int,
    *,
    exact: bool | None = None,
) -> NeighborGraph:
    """Finds the k rows of ``vectors`` nearest to each query.

    Args:
        vectors: n x d, unit length
        queries: q x d, unit length
        k: neighbours a query; fewer exist when n < k
        exact: as in :func:`neighbor_graph`

    Returns:
        a graph of q rows whose indices point into ``vectors``
    """
    found = _search(vectors, queries, min(k, len(vectors)), exact)
    return ranked(vectors, queries, found, k)


def _search(
    vectors: NDArray[np.floating],
    queries: NDArray[np.floating] | None,
    k: int,
    exact: bool | None,
) -> Indices:
    """Returns int32[q, about k] candidate rows, unsorted, maybe -1."""
    asked = vectors if queries is None else queries
    if not len(asked) or k < 1:
        return np.full((len(asked), 0), NO_NEIGHBOR, np.int32)
    data = to_single(vectors)
    points = data if queries is None else to_single(queries)
    if exact is None:
        exact = len(data) <= _EXACT_BELOW
    if exact:
        return most_similar(data, points, min(k + _SPARE, len(data)))
    return _search_approximately(data, None if queries is None else points, k)


def search_space(
    vectors: NDArray[np.floating], k: int
) -> tuple[NDArray[np.floating], int]:
    """Returns what is searched for k candidates a row, and how many to take of it.

    The vectors themselves, or their principal components and some candidates more.
    """
    if vectors.shape[1] > _MOST_DIMS and len(vectors) > _PROJECTED_ABOVE:
        return _projected(vectors), k + _PROJECTION_SPARE
    return vectors, k


def _projected(vectors: NDArray[np.floating]) -> Floats:
    """Returns n x 128 unit rows that keep the order of neighbours nearly."""
    # Imported here: 0.1 s that only this function needs
    from scipy.linalg import eigh

    dims = vectors.shape[1]
    sample = to_single(vectors[:: max(1, len(vectors) // _AXES_ROWS)])
    last = (dims - _PROJECTED_DIMS, dims - 1)
    _, axes = eigh(sample.T @ sample, subset_by_index=last, driver="evr")
    projected = np.empty((len(vectors), _PROJECTED_DIMS), np.float32)
    for start in range(0, len(vectors), 4096):
        projected[start : start + 4096] = (
            to_single(vectors[start : start + 4096]) @ axes
        )
    projected /= np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-12)
    return projected


def _search_approximately(data: Floats, points: Floats | None, k: int) -> Indices:
    # Imported here: it compiles for 20 to 60 s in every new process
    from pynndescent import NNDescent

    wanted = max(k + _APPROXIMATE_EXTRA, _APPROXIMATE_LEAST)
    wanted = min(wanted, len(data) - 1)
    # One thread: with more, the farther neighbours depend on how many there are
    index = NNDescent(
        data, metric="euclidean", n_neighbors=wanted, random_state=_SEED, n_jobs=1
    )
    if points is None:
        nearest_first = index.neighbor_graph[0]
    else:
        nearest_first = index.query(points, k=wanted, epsilon=_QUERY_EPSILON)[0]
    found: Indices = nearest_first.astype(np.int32)
    queries = data if points is None else points
    # It leaves -1 where it found too few: ask the exact search there
    short = np.flatnonzero((found < 0).any(axis=1))
    if len(short):
        found[short] = most_similar(data, queries[short], wanted)
    return found


def ranked(
    vectors: NDArray[np.floating],
    queries: NDArray[np.floating],
    found: Indices,
    k: int,
) -> NeighborGraph:
    """Computes exact similarities of the candidates and keeps the best k.

    The searches round differently with the number of threads; ranking again
    by the same dot products makes the graph the same everywhere.
    """
    count = len(queries)
    indices = np.full((count, k), NO_NEIGHBOR, np.int32)
    similarities = np.full((count, k), -np.inf, np.float32)
    width = min(k, found.shape[1])
    step = max(1, _NUMBERS_AT_ONCE // max(1, found.shape[1] * vectors.shape[1]))

    def rank(start: int) -> None:
        rows = slice(start, min(start + step, count))
        candidates = _without_repeats(found[rows])
        near = to_single(vectors[candidates])
        cosine = np.einsum("qd,qkd->qk", to_single(queries[rows]), near)
        cosine[candidates == NO_NEIGHBOR] = -np.inf
        order = np.lexsort((candidates, -cosine))[:, :width]
        indices[rows, :width] = np.take_along_axis(candidates, order, 1)
        similarities[rows, :width] = np.take_along_axis(cosine, order, 1)

    with ThreadPoolExecutor(available_cores()) as pool:
        for _ in pool.map(rank, range(0, count if width else 0, step)):
            pass
    indices[np.isneginf(similarities)] = NO_NEIGHBOR
    return NeighborGraph(indices, similarities)


def _without_repeats(candidates: Indices) -> Indices:
    """Sorts each row and blanks what stands twice (approximate searches err)."""
    candidates = np.sort(candidates, axis=1)
    candidates[:, 1:][candidates[:, 1:] == candidates[:, :-1]] = NO_NEIGHBOR
    return candidates
