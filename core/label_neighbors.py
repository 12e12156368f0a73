"""What a person looks at to judge a label: the pictures for and against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .evidence import Evidence, copy_graph, feature_graph, first_rows
from .gather import majority_labels
from .neighbors import NO_NEIGHBOR
from .settings import DEFAULTS

NO_ROW = -1

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelNeighbors:
    """The pictures for and against q labels.

    Attributes:
        agreeing: int64[q], the row of the most similar image of the same label;
            -1 where none of those that voted has it
        disagreeing: int64[q], the row of the most similar image of another
            label; -1 where all agree
        disagreeing_label: int32[q], that other label; -1 where all agree
    """

    agreeing: Rows
    disagreeing: Rows
    disagreeing_label: NDArray[np.int32]


def label_neighbors(
    evidence: Evidence,
    rows: Rows,
    *,
    min_copy_score: float = DEFAULTS.min_copy_score,
) -> LabelNeighbors:
    """Finds the most similar images of the same and of another label.

    Asked of those that voted (see :mod:`core.labels`): the neighbours by
    features, then by copy vectors, without the image's own copies. Quick for a
    handful of rows: nothing is searched.

    Args:
        evidence: of a scan with labels
        rows: int64[q] of readable, labelled images
        min_copy_score: pairs that score as much are copies
    """
    items = evidence.row_items
    votes = majority_labels(
        items, evidence.labels, len(evidence.first), len(evidence.classes)
    )
    named = first_rows(evidence)
    copies = evidence.pairs[evidence.pair_score >= min_copy_score]
    result = LabelNeighbors(
        np.full(len(rows), NO_ROW, np.int64),
        np.full(len(rows), NO_ROW, np.int64),
        np.full(len(rows), NO_ROW, np.int32),
    )
    for place, row in enumerate(rows.tolist()):
        near = _voters(evidence, int(items[row]), copies)
        near = near[votes[near] >= 0]
        same = votes[near] == evidence.labels[row]
        if same.any():
            result.agreeing[place] = named[near[same][0]]
        if not same.all():
            result.disagreeing[place] = named[near[~same][0]]
            result.disagreeing_label[place] = votes[near[~same][0]]
    return result


def _voters(evidence: Evidence, item: int, copies: NDArray[np.int32]) -> Rows:
    """Returns the items that voted on an item, the most similar first."""
    graphs = [feature_graph(evidence), copy_graph(evidence)]
    listed = [graph.indices[item] for graph in graphs if graph is not None]
    near = np.concatenate(listed).astype(np.int64)
    own = copies[(copies == item).any(axis=1)]
    voters: Rows = near[(near != NO_NEIGHBOR) & ~np.isin(near, own)]
    return voters
