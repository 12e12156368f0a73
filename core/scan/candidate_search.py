"""The neighbors of each unique image, and the pairs that may be copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.memory import give_back
from ..common.pairs import distinct_pairs
from ..copy_detection import CANDIDATE_NEIGHBORS, similar_enough
from ..findings.outliers import NEIGHBORS_NEEDED
from ..neighbors.incremental import SPARE_NEIGHBORS, updated_graph
from ..neighbors.knn_graph import (
    NO_NEIGHBOR,
    NeighborGraph,
    nearest,
    neighbor_graph,
)
from ..progress import OnProgress, Progress, silent
from ..storage.record_store import Vectors, equal_rows, held_in_memory
from .previous_scan import PreviousScan
from .scan_data import ImageGraphs
from .unique_images import DescribedImages

_CROSS_SPLIT_NEIGHBORS = 5
"""Measured on 25,000 images: 5 hold as many of the planted copies as 10."""

Pairs = NDArray[np.int32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NeighborSearch:
    """What the search for similar unique images found.

    Attributes:
        graphs: the nearest neighbors of each
        candidates: int32[p, 2], unique images that may be copies of each other
    """

    graphs: ImageGraphs
    candidates: Pairs


def search_neighbors(
    images: DescribedImages,
    split_holds: NDArray[np.bool_],
    min_similarity: float,
    neighbors: int | None = None,
    previous: PreviousScan | None = None,
    on_progress: OnProgress = silent,
) -> NeighborSearch:
    """Searches the unique images that are most similar to each.

    Args:
        images: i unique images
        split_holds: bool[s, i], which split holds which unique image
        min_similarity: least cosine of the descriptors of copies
        neighbors: number to find for each; None for as many as findings ask for
        previous: the previous scan, whose lists are updated where they still hold
        on_progress: told after each step; may raise to cancel
    """
    descriptors, features = held_in_memory(images.descriptors), images.features
    wanted = neighbors or NEIGHBORS_NEEDED
    stage = "Searching similar images"
    on_progress(Progress(stage, 0, 3))
    most = max(wanted, CANDIDATE_NEIGHBORS)
    by_descriptors = _graph(
        descriptors, most, previous, lambda graphs: graphs.of_descriptors
    )
    on_progress(Progress(stage, 1, 3))
    candidates = candidate_pairs(
        by_descriptors.first(most), descriptors, split_holds, min_similarity
    )
    on_progress(Progress(stage, 2, 3))
    give_back()
    if equal_rows(descriptors, features):
        graphs = ImageGraphs(by_descriptors, None, SPARE_NEIGHBORS)
    else:
        by_features = _graph(
            held_in_memory(features), wanted, previous, lambda graphs: graphs.features
        )
        graphs = ImageGraphs(by_features, by_descriptors, SPARE_NEIGHBORS)
    on_progress(Progress(stage, 3, 3))
    return NeighborSearch(graphs, candidates)


def _graph(
    vectors: Vectors,
    k: int,
    previous: PreviousScan | None,
    graph_of: Callable[[ImageGraphs], NeighborGraph],
) -> NeighborGraph:
    """Returns the k nearest neighbors of each unique image, and some to spare."""
    k += SPARE_NEIGHBORS
    if previous is not None and previous.graphs is not None:
        known = graph_of(previous.graphs)
        if known.k >= k:
            updated = updated_graph(
                vectors, k, known, previous.image, spare=SPARE_NEIGHBORS
            )
            if updated is not None:
                return updated
    return neighbor_graph(vectors, k)


def candidate_pairs(
    graph: NeighborGraph,
    descriptors: Vectors,
    split_holds: NDArray[np.bool_],
    min_similarity: float,
    rows: Rows | None = None,
) -> Pairs:
    """Returns the pairs of unique images that may be copies, each once, sorted.

    Args:
        graph: nearest neighbors of q unique images by descriptors
        descriptors: i x c
        split_holds: bool[s, i], which split holds which unique image
        min_similarity: least cosine of the descriptors of copies
        rows: int64[q], the images that the graph is of; None for all in their order
    """
    if rows is None:
        rows = np.arange(len(descriptors))
    images = rows.astype(np.int32)
    similar = similar_enough(graph.similarities, min_similarity)
    near = np.where(similar, graph.indices, NO_NEIGHBOR)
    found = [_edges(images, near[:, :CANDIDATE_NEIGHBORS])]
    # Asked for each split: 40 copies in train would otherwise fill the list of
    # the one in test, and hide another train image
    for split, held in enumerate(split_holds):
        elsewhere = np.delete(split_holds, split, axis=0)
        others = np.asarray(elsewhere[:, rows].any(axis=0))
        inside = (near != NO_NEIGHBOR) & held[near] & others[:, None]
        first = inside & (inside.cumsum(axis=1) <= _CROSS_SPLIT_NEIGHBORS)
        found.append(_edges(images, np.where(first, near, NO_NEIGHBOR)))
        # Only a list full of similar ones may hide more of them
        hidden = inside.sum(axis=1) < _CROSS_SPLIT_NEIGHBORS
        hidden &= others & similar.all(axis=1)
        asked, among = np.flatnonzero(hidden), np.flatnonzero(held)
        if len(asked) and len(among):
            across = nearest(
                descriptors[among], descriptors[rows[asked]], _CROSS_SPLIT_NEIGHBORS
            )
            enough = across.similarities >= min_similarity
            copies = np.where(enough, among[across.indices], NO_NEIGHBOR)
            found.append(_edges(images[asked], copies.astype(np.int32)))
    return distinct_pairs(*found)


def _edges(sources: NDArray[np.int32], neighbors: NDArray[np.int32]) -> Pairs:
    """Returns int32[e, 2]: a source and each of its neighbors."""
    row, column = np.nonzero(neighbors != NO_NEIGHBOR)
    return np.stack([sources[row], neighbors[row, column]], axis=1)
