"""Updates neighbor lists of a previous search where a few rows are new or gone.

A row's list changes only where a new row is nearer than its last neighbor, or
where a neighbor is gone. So one matrix product, of the new rows with all, tells
both who enters the lists that are there and what the new rows' own lists are. It
is the same product for a thousand rows and for a million, and nothing is compiled.

Where the vectors are long and the product is large, it is made of their principal
components, as the search itself does, and candidates are ranked by all numbers.

The lists are what a search from nothing would find, or better: what an approximate
search missed among the old rows stays missed, what enters is found exactly (by the
components 0.996 of it: 250 new rows among 24,466).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.float16 import to_single
from ..storage.record_store import Vectors
from .brute_force import largest
from .knn_graph import NO_NEIGHBOR, NeighborGraph, ranked, row_products, search_space

SPARE_NEIGHBORS = 4
"""Neighbors that a list holds more than are asked for, so that a row which loses
one need not be searched again: with 40 in use, and 4 % of the rows gone, 3 % of the
lists lose more, in place of 80 %."""

_MOST_NEW = 0.2
"""Where a larger share of the rows has to be searched, all are searched anew."""

_MOST_WORK = 50e9
"""Products of two numbers that are made of whole vectors, in a CPU second."""

_ROWS_AT_ONCE, _ASKED_AT_ONCE, _WIDENED_AT_ONCE = 16_384, 256, 1_024
"""A product has 16 MB at most, and what is widened for it 5 MB."""

_SAMPLED = 4096
_SURELY_BELOW = 0.01
"""How rarely a neighbor may gain less by the components than is allowed for."""

_MORE = 4
"""Candidates that are taken in addition, so that rounding cannot cut off a tie."""

_ROUNDING = 1e-5
"""By which a large product may differ from the product of two rows."""

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]
Rows = NDArray[np.int64]


def updated_graph(
    vectors: Vectors,
    k: int,
    previous: NeighborGraph,
    previous_row: Rows,
    *,
    spare: int = 0,
) -> NeighborGraph | None:
    """Returns the k nearest neighbors of each row, updating previous lists.

    Args:
        vectors: n x d, unit length
        k: number of neighbors, no more than the previous lists have
        previous: the graph of the previous rows
        previous_row: int64[n], the row of each in that graph, ascending; -1 for a
            new one
        spare: so many of the last neighbors may be missing: they were lost, and
            nobody knows what comes after the others

    Returns:
        the graph, or None where so much is new that a search pays more
    """
    lists = _carried(previous, previous_row, k)
    new = np.flatnonzero(previous_row < 0)
    most = int(_MOST_NEW * len(vectors))
    if len(new) > most:
        return None
    if len(new):
        lists = _with_entering(vectors, lists, new)
    needed = min(k - spare, len(vectors) - 1)
    short = np.flatnonzero((lists.indices != NO_NEIGHBOR).sum(axis=1) < needed)
    if len(short) > most:
        return None
    if len(short):
        _search_again(vectors, lists, short)
    return NeighborGraph(lists.indices, lists.similarities)


@dataclass(frozen=True, eq=False)
class _Lists:
    """Lists of which it is known how far they are complete.

    Attributes:
        indices: int32[n, k], nearest first, -1 padded
        similarities: float32[n, k]
        complete_above: float32[n]; all neighbors more similar than it are listed. -inf
            where the list holds every other row, inf where nothing is known
        tie_row: int64[n]; of those that are just as similar, rows before this one are
            listed: equal similarities come in the order of their rows
    """

    indices: Indices
    similarities: Floats
    complete_above: Floats
    tie_row: Rows


def _carried(previous: NeighborGraph, previous_row: Rows, k: int) -> _Lists:
    """Returns the lists of the rows that were there, without those that are gone."""
    count, before = len(previous_row), len(previous.indices)
    now = np.full(before + 1, NO_NEIGHBOR, np.int32)  # The last: for NO_NEIGHBOR
    kept = np.flatnonzero(previous_row >= 0)
    now[previous_row[kept]] = kept
    indices = np.full((count, k), NO_NEIGHBOR, np.int32)
    similarities = np.full((count, k), -np.inf, np.float32)
    complete_above = np.full(count, np.inf, np.float32)
    tie_row = np.zeros(count, np.int64)
    following = np.append(kept, count)  # Of each row kept, and after the last
    for start in range(0, len(kept), _ROWS_AT_ONCE):
        rows = kept[start : start + _ROWS_AT_ONCE]
        listed = previous.indices[previous_row[rows], :k]
        cosine = previous.similarities[previous_row[rows], :k]
        length = (listed != NO_NEIGHBOR).sum(axis=1)
        end = np.maximum(length - 1, 0)[:, None]
        last = np.take_along_axis(cosine, end, 1)[:, 0]
        last = np.where(length > 0, last, np.inf)
        complete_above[rows] = np.where(length >= before - 1, -np.inf, last)
        last_row = np.take_along_axis(listed, end, 1)[:, 0]
        after = np.searchsorted(previous_row[kept], last_row, side="right")
        tie_row[rows] = following[after]
        near = now[listed]
        order = np.argsort(near == NO_NEIGHBOR, axis=1, kind="stable")
        near = np.take_along_axis(near, order, 1)
        cosine = np.take_along_axis(cosine, order, 1)
        indices[rows] = near
        similarities[rows] = np.where(near == NO_NEIGHBOR, -np.inf, cosine)
    return _Lists(indices, similarities, complete_above, tie_row)


def _with_entering(vectors: Vectors, lists: _Lists, new: Rows) -> _Lists:
    """Puts new rows into the lists of the others, and gives them their own."""
    k = lists.indices.shape[1]
    searched, wanted = _space(vectors, k, len(new))
    bound = lists.complete_above - np.float32(_ROUNDING)
    if searched is not vectors:
        bound += _least_gain(searched, lists)
    found, row, entering = _meet(searched, new, wanted, bound)
    cosine = row_products(vectors, row, vectors, entering)
    complete_above = lists.complete_above[row]
    enters = (cosine > complete_above) | (
        (cosine == complete_above) & (entering < lists.tie_row[row])
    )
    _enter(lists, row[enters], entering[enters], cosine[enters])
    _put(vectors, lists, new, found)
    return lists


def _search_again(vectors: Vectors, lists: _Lists, rows: Rows) -> None:
    """Replaces the lists of some rows by what is nearest to them among all."""
    searched, wanted = _space(vectors, lists.indices.shape[1], len(rows))
    found, _, _ = _meet(searched, rows, wanted, None)
    _put(vectors, lists, rows, found)


def _space(vectors: Vectors, k: int, asked: int) -> tuple[Vectors, int]:
    """Returns what to search in, and how many candidates to take from it."""
    if asked * len(vectors) * vectors.shape[1] <= _MOST_WORK:
        return vectors, k + 1 + _MORE
    return search_space(vectors, k + 1 + _MORE)


def _least_gain(searched: Vectors, lists: _Lists) -> Floats:
    """Returns float32[n]: by how much the cosines of a row surely grow in ``searched``.

    Noisy pictures lose more of their length to the components left out, and gain
    more: each row's own last neighbor tells its gain, and the middle neighbors of
    some rows how far others fall behind that.
    """
    length = (lists.indices != NO_NEIGHBOR).sum(axis=1)
    rows = np.flatnonzero(length)

    def gains(rows: Rows, place: Rows) -> Floats:
        near = lists.indices[rows, place]
        cosine = row_products(searched, rows, searched, near)
        return cosine - lists.similarities[rows, place]

    result = np.zeros(len(length), np.float32)
    result[rows] = gains(rows, length[rows] - 1)
    some = rows[:: max(1, len(rows) // _SAMPLED)]
    if len(some):
        behind = gains(some, length[some] // 2) - result[some]
        result += np.float32(np.quantile(behind, _SURELY_BELOW))
    return result


def _meet(
    searched: Vectors, asked: Rows, wanted: int, bound: Floats | None
) -> tuple[Indices, Rows, Rows]:
    """Multiplies some rows with all.

    Args:
        searched: n x d
        asked: int64[a], the rows that meet all
        wanted: candidates to return for each of them
        bound: float32[n]; None to return no pairs

    Returns:
        int32[a, wanted], the most similar rows, itself among them; and the pairs of
        a row and an asked one whose product reaches the row's bound
    """
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    wanted = min(wanted, len(searched))
    cores = available_cores()
    # A thread takes a part of the rows, which are read and widened once a block asked
    held = min(_ROWS_AT_ONCE, -(-len(searched) // cores))
    starts = range(0, len(searched), held)
    parts = [slice(first, min(first + held, len(searched))) for first in starts]

    def meet(
        queries: Floats, part: slice
    ) -> tuple[Indices, Floats, NDArray[np.int64], NDArray[np.int64]]:
        product = np.empty((len(queries), part.stop - part.start), np.float32)
        for first in range(part.start, part.stop, _WIDENED_AT_ONCE):
            last = min(first + _WIDENED_AT_ONCE, part.stop)
            here = slice(first - part.start, last - part.start)
            product[:, here] = queries @ to_single(searched[first:last]).T
        near = largest(product, min(wanted, product.shape[1]))
        hits = np.empty(0, np.int64)
        if bound is not None:
            # Few reach it, which flatnonzero is quick at
            hits = np.flatnonzero(product >= bound[part])
        end, row = np.divmod(hits, product.shape[1])
        cosine = np.take_along_axis(product, near, 1)
        return near + np.int32(part.start), cosine, end, row + part.start

    found = [np.empty((0, wanted), np.int32)]
    rows, ends = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores) as pool:
        for start in range(0, len(asked), _ASKED_AT_ONCE):
            some = asked[start : start + _ASKED_AT_ONCE]
            queries = to_single(searched[some])
            met = list(pool.map(partial(meet, queries), parts))
            near = np.hstack([one[0] for one in met])
            cosine = np.hstack([one[1] for one in met])
            kept = largest(cosine, wanted)
            found.append(np.take_along_axis(near, kept, 1))
            ends += [some[one[2]] for one in met]
            rows += [one[3] for one in met]
    return np.concatenate(found), np.concatenate(rows), np.concatenate(ends)


def _enter(lists: _Lists, row: Rows, entering: Rows, cosine: Floats) -> None:
    """Puts entering rows where they belong in the lists, in place."""
    order = np.argsort(row, kind="stable")
    row, entering, cosine = row[order], entering[order], cosine[order]
    changed, first, length = np.unique(row, return_index=True, return_counts=True)
    k = lists.indices.shape[1]
    for start in range(0, len(changed), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        rows, width = changed[part], int(length[part].max())
        place = first[part, None] + np.arange(width)
        filled = np.arange(width) < length[part, None]
        place = np.where(filled, place, 0)
        near = np.hstack(
            [lists.indices[rows], np.where(filled, entering[place], NO_NEIGHBOR)]
        )
        similarity = np.hstack(
            [lists.similarities[rows], np.where(filled, cosine[place], -np.inf)]
        )
        best = np.lexsort((near, -similarity))[:, :k]
        lists.indices[rows] = np.take_along_axis(near, best, 1)
        lists.similarities[rows] = np.take_along_axis(similarity, best, 1)


def _put(vectors: Vectors, lists: _Lists, rows: Rows, found: Indices) -> None:
    """Writes the lists of some rows, the best of their candidates."""
    candidates = np.where(found == rows[:, None], NO_NEIGHBOR, found)
    graph = ranked(vectors, vectors[rows], candidates, lists.indices.shape[1])
    lists.indices[rows] = graph.indices
    lists.similarities[rows] = graph.similarities
