"""The rules of fastdup 2.54, on arrays.

fastdup calls a cosine similarity "distance"; here it is a similarity. Its core
is a binary: the rules were read off what it writes, and hold on every file it
wrote for us (tests/fixtures/fastdup-2.54, docs/from-fastdup.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..neighbors.knn_graph import NO_NEIGHBOR, neighbor_graph

NEIGHBORS = 2
"""fastdup's ``nearest_neighbors_k``."""
MIN_SIMILARITY = 0.9
"""fastdup's ``threshold``: less similar pairs are not in similarity.csv."""
MIN_COMPONENT_SIMILARITY = 0.96
"""fastdup's ``ccthreshold``."""
OUTLIER_SHARE = 0.05
"""fastdup's ``lower_threshold``."""
MIN_LABEL_SCORE = 51.0
"""Below it, a label is wrong by the rule of fastdup's own recipe."""
_MIN_LABEL_NEIGHBORS = 2
"""``min_items`` of fastdup's ``create_similarity_gallery``."""

Rows = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Edges:
    """Directed pairs of rows, an image and one that is near to it.

    Attributes:
        source: int32[e], fastdup's ``from``
        target: int32[e], fastdup's ``to``; never the source
        similarity: float32[e], cosine, fastdup's ``distance``
    """

    source: Rows
    target: Rows
    similarity: Floats

    def chosen(self, which: NDArray[np.generic]) -> Edges:
        """Returns some of the edges: a mask, or positions in their order."""
        return Edges(self.source[which], self.target[which], self.similarity[which])


@dataclass(frozen=True, eq=False)
class Components:
    """The connected components of n images.

    Attributes:
        component: int32[n], numbered from 0 by their first row
        count: int64[c], twice the directed edges inside, as fastdup counts
        mean: float64[c], of the similarities of those edges; 0 without any
        least: float64[c]
        most: float64[c]
    """

    component: Rows
    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]


def nearest_rows(
    vectors: NDArray[np.floating], k: int = NEIGHBORS
) -> tuple[Rows, Floats]:
    """Asks each row for its k + 1 nearest rows, itself among them.

    So does fastdup. Rows of equal vectors stand in the order of their number,
    so of four equal rows and k = 2 the fourth does not see itself and keeps
    three neighbors.

    Args:
        vectors: n x d, of any length; may be mapped from a file
        k: neighbors beside the row itself

    Returns:
        int32[n, k + 1], nearest first, -1 where there are fewer, and
        float32[n, k + 1], their cosines, -inf there
    """
    first, group = _equal_rows(vectors)
    unit = _unit_rows(vectors, first)
    graph = neighbor_graph(unit, min(k, max(len(first) - 1, 0)))
    members = np.argsort(group, kind="stable").astype(np.int32)
    start = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=len(first)))])
    own = np.arange(len(first), dtype=np.int32)[:, None]
    groups = np.hstack([own, graph.indices])
    cosine = np.hstack([np.ones((len(first), 1), np.float32), graph.similarities])
    indices = np.full((len(first), k + 1), NO_NEIGHBOR, np.int32)
    similarities = np.full((len(first), k + 1), -np.inf, np.float32)
    filled = np.zeros(len(first), np.int64)
    for column in range(groups.shape[1]):
        for offset in range(k + 1):
            near = groups[:, column]
            place = start[near] + offset
            has = np.flatnonzero(
                (near != NO_NEIGHBOR) & (filled <= k) & (place < start[near + 1])
            )
            indices[has, filled[has]] = members[place[has]]
            similarities[has, filled[has]] = cosine[has, column]
            filled[has] += 1
    return indices[group], similarities[group]


def edges_of(indices: Rows, similarities: Floats) -> Edges:
    """Returns the edges of each row to the others it found, row by row."""
    rows = np.arange(len(indices), dtype=np.int32)[:, None]
    source, column = np.nonzero((indices != NO_NEIGHBOR) & (indices != rows))
    return Edges(
        source.astype(np.int32), indices[source, column], similarities[source, column]
    )


def similar_edges(edges: Edges, min_similarity: float = MIN_SIMILARITY) -> Edges:
    """Returns the edges of similarity.csv, most similar first."""
    kept = edges.chosen(edges.similarity >= min_similarity)
    return kept.chosen(np.argsort(-kept.similarity, kind="stable"))


def outlier_edges(
    indices: Rows, similarities: Floats, share: float = OUTLIER_SHARE
) -> Edges:
    """Returns the edges of outliers.csv, most similar first.

    They are the least similar share of all edges, of which fastdup counts one
    more for each row that does not find itself first: 615, not 609, of 6,096
    images, 120 of which equal an earlier one. So counted in four runs on
    images and six on random vectors.

    Args:
        indices: from :func:`nearest_rows`
        similarities: likewise
        share: of the edges, 0 to 1
    """
    edges = edges_of(indices, similarities)
    first = indices[:, 0] == np.arange(len(indices))
    counted = int((indices != NO_NEIGHBOR).sum() - first.sum())
    # The tiny addend: 0.1 x 30 edges are three, not 2.9999999999999996
    wanted = min(int(share * counted + 1e-9), len(edges.source))
    least = np.argsort(edges.similarity, kind="stable")[:wanted]
    return edges.chosen(least[::-1])


def components(
    edges: Edges, rows: int, min_similarity: float = MIN_COMPONENT_SIMILARITY
) -> Components:
    """Returns the connected components of the edges, as connected_components.csv.

    Args:
        edges: at or above the threshold of similarity.csv, or all of them
        rows: how many there are
        min_similarity: that an edge needs to connect
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    close = edges.chosen(edges.similarity >= min_similarity)
    ones = np.ones(len(close.source), np.int8)
    links = coo_array((ones, (close.source, close.target)), (rows, rows))
    # Numbered by their first row, as in fastdup
    number, component = connected_components(links, directed=False)
    of_edge = component[close.source]
    inside = np.bincount(of_edge, minlength=number)
    total = np.bincount(of_edge, close.similarity, minlength=number)
    least, most = np.full(number, np.inf), np.zeros(number)
    np.minimum.at(least, of_edge, close.similarity)
    np.maximum.at(most, of_edge, close.similarity)
    return Components(
        component,
        2 * inside.astype(np.int64),
        total / np.maximum(inside, 1),
        np.where(inside > 0, least, 0.0),
        most,
    )


def label_scores(edges: Edges, labels: NDArray[np.int32]) -> Floats:
    """Returns float32[n]: which share of the similar images have one's label.

    100 x (edges to the same label) / (edges), over the edges of similarity.csv
    (``do_create_similarity_gallery`` with ``slice="label_score"`` in fastdup's
    galleries.py); NaN with fewer than two edges or without a label. A
    neighbor without a label has another one.

    Args:
        edges: from :func:`similar_edges`
        labels: int32[n], -1 without
    """
    known = labels >= 0
    same = labels[edges.source] == labels[edges.target]
    length = np.bincount(edges.source, minlength=len(labels))
    agreeing = np.bincount(edges.source, same, minlength=len(labels))
    score = np.full(len(labels), np.nan, np.float32)
    judged = known & (length >= _MIN_LABEL_NEIGHBORS)
    score[judged] = 100 * agreeing[judged] / length[judged]
    return score


def _equal_rows(
    vectors: NDArray[np.floating],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the first row of each distinct vector, and each row's group.

    Groups are numbered by their first row. Rows are compared by a digest, so
    that no second copy of the vectors is made.
    """
    import hashlib

    group_of: dict[bytes, int] = {}
    first: list[int] = []
    group = np.empty(len(vectors), np.int64)
    for row, vector in enumerate(vectors):
        digest = hashlib.blake2b(vector.tobytes(), digest_size=16).digest()
        number = group_of.setdefault(digest, len(first))
        if number == len(first):
            first.append(row)
        group[row] = number
    return np.array(first, np.int64), group


def _unit_rows(vectors: NDArray[np.floating], rows: NDArray[np.int64]) -> Floats:
    unit = np.empty((len(rows), vectors.shape[1]), np.float32)
    for start in range(0, len(rows), 4096):
        part = rows[start : start + 4096]
        block = to_single(vectors[part])
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        unit[start : start + len(part)] = block / np.maximum(lengths, 1e-12)
    return unit
