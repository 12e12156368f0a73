"""The items that are most similar to each, and those that may be copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.memory import give_back
from ..copy_detection import CANDIDATE_NEIGHBORS
from ..findings.outliers import NEIGHBORS_NEEDED
from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph, nearest
from ..progress import OnProgress, Progress
from ..storage.record_store import Vectors, equal_rows
from .previous_scan import NO_EARLIER_SCAN, PreviousScan

_CROSS_SPLIT_NEIGHBORS = 5
"""Measured on 25,000 images: 5 hold as many of the planted copies as 10."""

Pairs = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SimilarItems:
    """What the search of items found.

    Attributes:
        by_features: nearest items by features, and some to spare
        by_copies: nearest items by copy vectors; no columns if they are the
            features
        candidates: int32[p, 2], items that may be copies of each other
    """

    by_features: NeighborGraph
    by_copies: NeighborGraph
    candidates: Pairs


def search_images(
    copies: NDArray[np.floating],
    features: Vectors,
    present: NDArray[np.bool_],
    min_similarity: float,
    neighbors: int | None,
    on_progress: OnProgress,
    earlier: PreviousScan = NO_EARLIER_SCAN,
) -> SimilarItems:
    """Searches the items that are most similar to each, in both ways.

    Args:
        copies: i x c, copy vectors of the items
        features: i x f, their features
        present: bool[s, i], which split holds which item
        min_similarity: cosine of copy vectors that copies need at least
        neighbors: to find for each item; None for as many as findings ask for
        on_progress: told after each step; may raise to cancel
        earlier: scan, whose lists are taken over where they still hold
    """
    wanted = neighbors or NEIGHBORS_NEEDED
    steps = "Searching similar images"
    on_progress(Progress(steps, 0, 3))
    most = max(wanted, CANDIDATE_NEIGHBORS)
    by_copies = earlier.graph(copies, most, by_copies=True)
    on_progress(Progress(steps, 1, 3))
    candidates = candidate_pairs(by_copies.first(most), copies, present, min_similarity)
    on_progress(Progress(steps, 2, 3))
    give_back()
    if equal_rows(copies, features):
        by_features, by_copies = by_copies, by_copies.first(0)
    else:
        by_features = earlier.graph(features, wanted, by_copies=False)
    on_progress(Progress(steps, 3, 3))
    return SimilarItems(by_features, by_copies, candidates)


def candidate_pairs(
    by_copies: NeighborGraph,
    copies: NDArray[np.floating],
    present: NDArray[np.bool_],
    min_similarity: float,
) -> Pairs:
    """Returns the pairs of items that may be copies, each once, sorted."""
    every_item = np.arange(len(copies), dtype=np.int32)
    similar = by_copies.similarities >= min_similarity
    near = np.where(similar, by_copies.indices, NO_NEIGHBOR)
    found = [_edges(every_item, near[:, :CANDIDATE_NEIGHBORS])]
    # Asked for each split: 40 copies in train would otherwise fill the list of
    # the one in test, and hide another train image
    for split in range(len(present)):
        others = np.asarray(np.delete(present, split, axis=0).any(axis=0))
        inside = (near != NO_NEIGHBOR) & present[split][near] & others[:, None]
        first = inside & (inside.cumsum(axis=1) <= _CROSS_SPLIT_NEIGHBORS)
        found.append(_edges(every_item, np.where(first, near, NO_NEIGHBOR)))
        # Only a list full of similar ones may hide more of them
        hidden = inside.sum(axis=1) < _CROSS_SPLIT_NEIGHBORS
        hidden &= others & similar.all(axis=1)
        asked, held = np.flatnonzero(hidden), np.flatnonzero(present[split])
        if len(asked) and len(held):
            across = nearest(copies[held], copies[asked], _CROSS_SPLIT_NEIGHBORS)
            enough = across.similarities >= min_similarity
            others_of = np.where(enough, held[across.indices], NO_NEIGHBOR)
            found.append(_edges(every_item[asked], others_of.astype(np.int32)))
    return distinct_pairs(*found)


def distinct_pairs(*found: Pairs) -> Pairs:
    """Returns each pair once, smaller item first, sorted."""
    pairs = np.sort(np.concatenate(found), axis=1)
    return np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)


def _edges(sources: NDArray[np.int32], neighbors: NDArray[np.int32]) -> Pairs:
    """Returns int32[e, 2]: a source and each of its neighbors."""
    row, column = np.nonzero(neighbors != NO_NEIGHBOR)
    return np.stack([sources[row], neighbors[row, column]], axis=1)
