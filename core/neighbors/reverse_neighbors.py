"""Takes into each row's neighbors the rows that have it as theirs.

A search in parts misses neighbors of a row that lies at the edge of its part. Most of
them find the row from their own parts: similarity is the same either way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .knn_graph import NeighborGraph

_ROWS_AT_ONCE = 2**16
_ROWS_ASKED = 2**13
"""Each may be in the lists of k others, which are looked through."""

_ROWS_OFFERED = 2**22
"""Rows whose offers are in memory at once, 12 bytes each; all lists are looked through
for each so many."""

Rows = NDArray[np.int32]
Similarities = NDArray[np.float32]


def with_reverse_neighbors(
    graph: NeighborGraph, into: NeighborGraph | None = None
) -> NeighborGraph:
    """Returns the k nearest of what each row found, and what found it.

    An exact graph stays as it is. The product of two rows must not depend on which of
    them asks, as those of :func:`core.neighbors.knn_graph.ranked` do not.

    Args:
        graph: of n rows among themselves; left as it is
        into: room for the result, of the same size; None to make it
    """
    result = into or NeighborGraph(
        np.empty_like(graph.indices), np.empty_like(graph.similarities)
    )
    count = len(graph.indices)
    for start in range(0, count, _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        result.indices[some] = graph.indices[some]
        result.similarities[some] = graph.similarities[some]
    # Side by side: what is asked for again and again
    least = graph.similarities[:, -1].copy()
    for first in range(0, count, _ROWS_OFFERED):
        _take_in(graph, least, range(first, min(first + _ROWS_OFFERED, count)), result)
    return result


def _take_in(
    graph: NeighborGraph, least: Similarities, among: range, result: NeighborGraph
) -> None:
    """Takes in what is offered to some rows.

    Args:
        graph: as it was found
        least: float32[n], the similarity of each row's last neighbor
        among: the rows
        result: changed in these rows
    """
    found = [part for part in _offers(graph, least, among) if len(part[0])]
    if not found:
        return
    asked, offered, similarity = map(np.concatenate, zip(*found, strict=True))
    order = np.argsort(asked, kind="stable")
    asked, offered, similarity = asked[order], offered[order], similarity[order]
    rows, starts = np.unique(asked, return_index=True)
    ends = np.append(starts[1:], len(asked))
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[at : at + _ROWS_AT_ONCE]
        new = slice(starts[at], ends[at + len(some) - 1])
        place = np.concatenate(
            [
                np.repeat(np.arange(len(some)), graph.k),
                np.searchsorted(some, asked[new]),
            ]
        )
        near = np.concatenate([graph.indices[some].ravel(), offered[new]])
        alike = np.concatenate([graph.similarities[some].ravel(), similarity[new]])
        best = np.lexsort((near, -alike, place))
        first = np.searchsorted(place[best], np.arange(len(some)))
        best = best[first[:, None] + np.arange(graph.k)]
        result.indices[some] = near[best]
        result.similarities[some] = alike[best]


def _offers(
    graph: NeighborGraph, least: Similarities, among: range
) -> Iterator[tuple[Rows, Rows, Similarities]]:
    """Yields rows, and rows that they lack and that are similar enough to them."""
    for start in range(0, len(graph.indices), _ROWS_ASKED):
        some = slice(start, start + _ROWS_ASKED)
        near, alike = graph.indices[some], graph.similarities[some]
        wanted = (near >= among.start) & (near < among.stop)
        row, column = np.nonzero(wanted & (alike >= least[near]))
        asked, offered = near[row, column], (start + row).astype(np.int32)
        lacks = (graph.indices[asked] != offered[:, None]).all(axis=1)
        yield asked[lacks], offered[lacks], alike[row, column][lacks]
