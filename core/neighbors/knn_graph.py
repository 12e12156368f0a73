"""Nearest neighbors of unit vectors, exact for small sets, approximate above.

Three ways stand behind :func:`neighbor_graph`: exact brute force; brute force that
takes its candidates, ranked afterwards, from rounded numbers and principal components;
a graph. Vectors are compared by cosine similarity, which for unit vectors orders like
the Euclidean distance.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.float16 import to_single
from ..common.pairs import places_in_runs
from ..storage.record_store import StoredColumn, Vectors
from .brute_force import most_similar
from .int8_search import probably_above, probably_most_similar
from .nn_descent import compile_ahead, nearly_most_similar

NO_NEIGHBOR = -1
"""Pads :attr:`NeighborGraph.indices` where there are fewer than k."""

_EXACT_BELOW = 75_000
"""Rows up to which every search is exact."""

_BRUTE_FORCE_BELOW = 120_000
"""Rows up to which brute force is no more work than pynndescent with its compile time,
where long vectors are searched by their principal components and no row is searched
again. Made vectors, 100,000 of 256 and of 1,280 numbers, two cores with AVX2: 59 and 49
CPU-seconds, against 77 and 67; 0.4 GB less, which is what compiling leaves behind."""

_EXACT_TO_QUERY = 9_000
"""Rows that any number of queries is compared with one by one: 6.5 ns a pair of 256
numbers, where the approximate search takes 58 microseconds a query."""

_MOST_DIMS = 512
_PROJECTED_DIMS = 128
_PROJECTION_SPARE = 20
"""Longer vectors are searched by their first 128 principal components (not
centered, unit length again), with 20 spare neighbors that are ranked by the
full vectors. Measured on 25,000 x 1,280: of the 20 nearest 0.992 to 0.999 are
found, in 5 CPU-seconds instead of 43."""

_AXES_ROWS = 8_192
"""Rows, evenly spread, that the principal components are learned from."""

_PROJECTED_ABOVE = 4_000
"""Rows from which the projection saves more than it costs."""

_SPARE = 4
"""Extra neighbors fetched, so that float rounding cannot cut off a tie."""

_INTEGERS_ABOVE = 2_000
_INTEGER_SPARE = 20
_SHORT_SPARE = 50
"""Rows from which products of integers pay, and the extra neighbors they need, of long
vectors and of those of up to 512 numbers, whose rounding errs more. Of 24,288 scenes
2 % are searched again by 1,280 numbers; by 256 with 20 to spare 45 %, in 7.0
CPU-seconds, with 40 4 % in 3.8, and with 60 0.1 % in 3.6."""

_MOST_ABOVE = 64
"""Rows a query that may be similar enough; of more the nearest are searched."""

_NUMBERS_AT_ONCE = 2**18
"""Numbers that are gathered at once to multiply rows: what a cache holds."""

_NUMBERS_HELD, _MOST_PARTS = 2**24, 6
"""Numbers of stored vectors, 32 MB, that are in memory while candidates among them are
ranked; more of so many that parts of them would be many: a million are 0.4 GB."""

_QUERIES_AT_ONCE = 1_024

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class NeighborGraph:
    """The k nearest neighbors of n rows.

    A row is never its own neighbor. Rows are sorted nearest first, equal
    similarities by index. Missing neighbors are ``NO_NEIGHBOR`` / -inf.

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


def prepare_search(count: int) -> None:
    """Gets ready, in the background, to search so many rows soon."""
    if count > _BRUTE_FORCE_BELOW:
        compile_ahead()


def neighbor_graph(
    vectors: Vectors, k: int, *, exact: bool | None = None
) -> NeighborGraph:
    """Finds the k nearest neighbors of each row among the other rows.

    Args:
        vectors: n x d, unit length; rows should differ (collapse equal rows
            first: copies of one vector would fill each other's lists)
        k: neighbors a row; fewer exist when n <= k
        exact: force brute force or approximation; None lets n decide
    """
    count = len(vectors)
    if _is_exact(count, count, exact):
        return exact_neighbors(vectors, np.arange(count), k)
    searched, wanted = search_space(vectors, k + 1)
    if exact is None and count <= _BRUTE_FORCE_BELOW:
        wanted = min(wanted + _INTEGER_SPARE, count)
        found = probably_most_similar(searched, searched, wanted)[0]
    else:
        found = _search_approximately(to_single(searched[:]), None, min(wanted, count))
    # The ranking needs the memory
    del searched
    return ranked(vectors, vectors, _without_own(found, np.arange(count)), k)


def exact_neighbors(vectors: Vectors, rows: NDArray[np.int64], k: int) -> NeighborGraph:
    """Finds the k nearest other rows of some rows, by brute force.

    A row's list does not depend on which rows are asked with it.

    Args:
        vectors: n x d, unit length
        rows: int64[q], those that are asked
        k: neighbors a row

    Returns:
        a graph of q rows whose indices point into ``vectors``
    """
    every = len(rows) == len(vectors) and bool((rows == np.arange(len(rows))).all())
    return _searched_exactly(vectors, vectors if every else vectors[rows], rows, k)


def nearest(
    vectors: Vectors,
    queries: Vectors,
    k: int,
    *,
    exact: bool | None = None,
) -> NeighborGraph:
    """Finds the k rows of ``vectors`` nearest to each query.

    Args:
        vectors: n x d, unit length
        queries: q x d, unit length
        k: neighbors a query; fewer exist when n < k
        exact: as in :func:`neighbor_graph`

    Returns:
        a graph of q rows whose indices point into ``vectors``
    """
    if _is_exact(len(queries), len(vectors), exact):
        return _searched_exactly(vectors, queries, None, k)
    data, points = to_single(vectors[:]), to_single(queries[:])
    found = _search_approximately(data, points, min(k, len(vectors)))
    return ranked(vectors, queries, found, k)


def nearest_above(
    vectors: Vectors,
    queries: Vectors,
    k: int,
    least: float,
    own: NDArray[np.int64] | None = None,
) -> NeighborGraph:
    """Finds the k rows nearest to each query, of those that are similar enough.

    Exact, and half the work of :func:`nearest` where few are. A query's list does not
    depend on which are asked with it.

    Args:
        vectors: n x d, unit length
        queries: q x d, unit length
        k: neighbors a query; fewer where fewer are similar enough
        least: cosine similarity; less similar rows may be missing
        own: int64[q], each query's own row, which is none of its neighbors

    Returns:
        a graph of q rows whose indices point into ``vectors``
    """
    if not len(queries) or len(vectors) <= _INTEGERS_ABOVE:
        return _searched_exactly(vectors, queries, own, k)
    query, row, crowded = probably_above(vectors, queries, least, _MOST_ABOVE)
    if own is not None:
        other = row != own[query]
        query, row = query[other], row[other]
    cosine = row_products(queries, query, vectors, row)
    order = np.lexsort((row, -cosine, query))
    query, row, cosine = query[order], row[order], cosine[order]
    place = places_in_runs(query)
    first = place < k
    indices = np.full((len(queries), k), NO_NEIGHBOR, np.int32)
    similarities = np.full((len(queries), k), -np.inf, np.float32)
    indices[query[first], place[first]] = row[first]
    similarities[query[first], place[first]] = cosine[first]
    if len(crowded):
        own = own if own is None else own[crowded]
        precise = _searched_exactly(vectors, queries[crowded], own, k)
        indices[crowded], similarities[crowded] = precise.indices, precise.similarities
    return NeighborGraph(indices, similarities)


def _is_exact(asked: int, count: int, exact: bool | None) -> bool:
    if exact is None:
        # A few queries of many rows are no more work than all of few rows
        return asked * count <= _EXACT_BELOW**2 or count <= _EXACT_TO_QUERY
    return exact


def _searched_exactly(
    vectors: Vectors, asked: Vectors, own: NDArray[np.int64] | None, k: int
) -> NeighborGraph:
    """Returns the nearest rows of each query, but for its own row if it has one."""
    if not len(asked) or not len(vectors) or k < 1:
        return ranked(vectors, asked, np.empty((len(asked), 0), np.int32), k)
    if len(vectors) <= _INTEGERS_ABOVE:
        return _precise_graph(vectors, asked, own, k)
    spare = _SHORT_SPARE if vectors.shape[1] <= _MOST_DIMS else _INTEGER_SPARE
    wanted = min(k + 1 + spare, len(vectors))
    found, reach = probably_most_similar(vectors, asked, wanted)
    graph = ranked(vectors, asked, _without_own(found, own), k)
    # Whoever might have a nearer one among the rest is searched again
    short = np.flatnonzero(graph.similarities[:, -1] < reach)
    if len(short):
        own = own if own is None else own[short]
        precise = _precise_graph(vectors, asked[short], own, k)
        graph.indices[short] = precise.indices
        graph.similarities[short] = precise.similarities
    return graph


def _precise_graph(
    vectors: Vectors, queries: Vectors, own: NDArray[np.int64] | None, k: int
) -> NeighborGraph:
    wanted = min(k + 1 + _SPARE, len(vectors))
    found = most_similar(vectors, queries, wanted)
    return ranked(vectors, queries, _without_own(found, own), k)


def _without_own(found: Indices, own: NDArray[np.int64] | None) -> Indices:
    """Blanks each query's own row among its candidates, in place."""
    if own is not None:
        found[found == own[:, None]] = NO_NEIGHBOR
    return found


def _search_approximately(data: Floats, points: Floats | None, k: int) -> Indices:
    """Returns int32[q, k or more] candidate rows, maybe -1."""
    found = nearly_most_similar(data, points, k)
    # It leaves -1 where it found too few: ask the exact search there
    short = np.flatnonzero((found < 0).any(axis=1))
    if len(short):
        queries = data if points is None else points
        found[short] = most_similar(data, queries[short], found.shape[1])
    return found


def search_space(vectors: Vectors, k: int) -> tuple[Vectors, int]:
    """Returns what is searched for k candidates a row, and how many to take of it.

    The vectors themselves, or their principal components and some candidates more.
    """
    if vectors.shape[1] > _MOST_DIMS and len(vectors) > _PROJECTED_ABOVE:
        return _projected(vectors), k + _PROJECTION_SPARE
    return vectors, k


def _projected(vectors: Vectors) -> Floats:
    """Returns n x 128 unit rows that keep the order of neighbors nearly."""
    # Imported here: 0.1 s that only this function needs
    from scipy.linalg import eigh

    dims = vectors.shape[1]
    sample = to_single(vectors[:: max(1, len(vectors) // _AXES_ROWS)])
    last = (dims - _PROJECTED_DIMS, dims - 1)
    _, axes = eigh(sample.T @ sample, subset_by_index=last, driver="evr")
    projected = np.empty((len(vectors), _PROJECTED_DIMS), np.float32)
    for start in range(0, len(vectors), 4096):
        rows = to_single(vectors[start : start + 4096]) @ axes
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        projected[start : start + 4096] = rows
    return projected


def ranked(vectors: Vectors, queries: Vectors, found: Indices, k: int) -> NeighborGraph:
    """Computes exact similarities of the candidates and keeps the best k.

    The searches round differently with the number of threads; ranking again
    by the same dot products makes the graph the same everywhere.

    Args:
        found: int32[q, c], candidates; sorted by the call
    """
    count = len(queries)
    _blank_repeats(found)
    cosine = np.full(found.shape, -np.inf, np.float32)
    indices = np.full((count, k), NO_NEIGHBOR, np.int32)
    similarities = np.full((count, k), -np.inf, np.float32)
    width = min(k, found.shape[1])
    blocks = [
        slice(start, start + _QUERIES_AT_ONCE)
        for start in range(0, count, _QUERIES_AT_ONCE)
    ]

    def order(rows: slice) -> None:
        best = np.lexsort((found[rows], -cosine[rows]))[:, :width]
        indices[rows, :width] = np.take_along_axis(found[rows], best, 1)
        similarities[rows, :width] = np.take_along_axis(cosine[rows], best, 1)

    with ThreadPoolExecutor(available_cores()) as pool:
        held = max(1, len(vectors))
        if isinstance(vectors, StoredColumn):
            held = _NUMBERS_HELD // max(1, vectors.shape[1])
            held = max(1, held, -(-len(vectors) // _MOST_PARTS))
        for first in range(0, len(vectors), held):
            part = vectors[first : first + held]
            compare = partial(_compare, part, first, queries, found, cosine)
            deque(pool.map(compare, blocks), 0)
        deque(pool.map(order, blocks), 0)
    indices[np.isneginf(similarities)] = NO_NEIGHBOR
    return NeighborGraph(indices, similarities)


def _compare(
    part: NDArray[np.floating],
    first: int,
    queries: Vectors,
    found: Indices,
    cosine: Floats,
    rows: slice,
) -> None:
    """Fills in the cosines of some queries and the candidates that are in a part.

    Args:
        part: p x d, the vectors from row ``first`` on
        queries: q x d
        found: int32[q, c]
        cosine: float32[q, c], filled in
        rows: of the queries
    """
    asked, candidates = to_single(queries[rows]), found[rows]
    here = (candidates >= first) & (candidates < first + len(part))
    counts = here.sum(axis=1)
    # Those that are in the part come first; a few of the rest are multiplied in vain
    column = np.argsort(~here, axis=1, kind="stable")
    near = np.take_along_axis(candidates, column, 1) - first
    near.clip(0, len(part) - 1, out=near)
    products = np.empty(near.shape, np.float32)
    dims = part.shape[1]
    step = max(1, _NUMBERS_AT_ONCE // max(1, dims * near.shape[1]))
    for start in range(0, len(asked), step):
        some = slice(start, start + step)
        width = counts[some].max()
        others = part[near[some, :width].ravel()]
        others = to_single(others).reshape(len(asked[some]), width, dims)
        products[some, :width] = np.einsum("qcd,qd->qc", others, asked[some])
    row, place = np.nonzero(np.arange(near.shape[1]) < counts[:, None])
    cosine[rows][row, column[row, place]] = products[row, place]


def row_products(
    one: Vectors,
    rows: NDArray[np.integer],
    other: Vectors,
    their_rows: NDArray[np.integer],
) -> Floats:
    """Returns float32[p], the dot products of pairs of rows.

    Args:
        one: n x d
        rows: int[p], of ``one``
        other: m x d
        their_rows: int[p], of ``other``
    """
    result = np.empty(len(rows), np.float32)
    step = max(1, _NUMBERS_AT_ONCE // max(1, one.shape[1]))
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        result[some] = np.einsum(
            "pd,pd->p", to_single(one[rows[some]]), to_single(other[their_rows[some]])
        )
    return result


def _blank_repeats(found: Indices) -> None:
    """Sorts each row and blanks what stands twice (approximate searches err)."""
    found.sort(axis=1)
    found[:, 1:][found[:, 1:] == found[:, :-1]] = NO_NEIGHBOR
