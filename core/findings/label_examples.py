"""What a person looks at to judge a label: the pictures for and against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph
from .schema import NO_LABEL

_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, eq=False)
class LabelNeighbors:
    """The pictures for and against q labels.

    Attributes:
        agreeing: int32[q], the most similar image of the same label; -1 where
            none of those that voted has it
        contradicting: int32[q], the most similar image of the suggested label,
            or without a suggestion of any other; -1 where there is none
    """

    agreeing: NDArray[np.int32]
    contradicting: NDArray[np.int32]


def label_neighbors(
    graphs: Sequence[NeighborGraph],
    votes: NDArray[np.int32],
    cluster: NDArray[np.int64],
    judged: NDArray[np.int64],
    suggestion: NDArray[np.int32],
) -> LabelNeighbors:
    """Finds the most similar images of the same and of another label.

    Asked of those that voted (see :mod:`core.findings.label_issues`): without the
    image's own copies, the neighbors of the first graph before those of the next.

    Args:
        graphs: of i images, nearest first
        votes: int32[i], the label of each image, -1 without
        cluster: int64[i], the duplicate cluster of each image, negative for none
        judged: int64[q, 2], image and label
        suggestion: int32[q], the label suggested instead, -1 for none
    """
    count = len(judged)
    agreeing = np.full(count, NO_NEIGHBOR, np.int32)
    contradicting = np.full(count, NO_NEIGHBOR, np.int32)
    for start in range(0, count, _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        image, label = judged[part, 0], judged[part, 1, None]
        near = np.concatenate([graph.indices[image] for graph in graphs], axis=1)
        vote = np.where(near == NO_NEIGHBOR, NO_LABEL, votes[near])
        own = cluster[image, None]
        vote[(own >= 0) & (cluster[near] == own)] = NO_LABEL
        other = suggestion[part, None]
        against = np.where(other == NO_LABEL, vote != label, vote == other)
        agreeing[part] = _first(near, vote == label)
        contradicting[part] = _first(near, against & (vote != NO_LABEL))
    return LabelNeighbors(agreeing, contradicting)


def _first(near: NDArray[np.int32], wanted: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Returns of each row the first neighbor that is wanted, -1 without."""
    if not near.shape[1]:
        return np.full(len(near), NO_NEIGHBOR, np.int32)
    place = wanted.argmax(axis=1)[:, None]
    found: NDArray[np.int32] = np.where(
        np.take_along_axis(wanted, place, 1), np.take_along_axis(near, place, 1), -1
    )[:, 0]
    return found
