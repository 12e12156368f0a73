"""How much speaks for each class of a picture: the pool of all evidence.

Neighbors and a classifier, and the predictions of a person's model where there are
some. See :mod:`core.findings.label_issues` for what they are and what each adds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..neighbors.distinct_neighbors import DistinctNeighbors, distinct_neighbors
from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph
from .predictions import Predictions
from .schema import NO_LABEL

VOTERS = 40
"""Neighbors to ask of the feature graph."""

COPY_VOTERS = 10
"""Of the copy graph: the head that finds copies sees other similarities."""

_LEAST_VOTE, _LEAST_PROBABILITY = 0.02, 0.001
"""Added to each kind of evidence: none may rule out a class alone."""

LEAST_SCORE = 100 * math.sqrt(_LEAST_VOTE * _LEAST_PROBABILITY)
"""What a label scores, in percent, of which votes and classifier say nothing at all."""

_VOTE_POWER = 16
_COPY_VOTE_POWER = 4
"""Votes weigh similarity to this power.

Of 4 to 20 the best for each graph on three sets; 2 more or less change the
average precision by less than 0.005. Cosines of the copy vectors fall faster,
so they need less of it.
"""

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ClassEvidence:
    """What a classifier that never saw an image or its copies says of it.

    Attributes:
        classes: int32[m, 5], the likeliest classes, likeliest first, -1 padded
        probabilities: float32[m, 5], theirs
        given: float32[m], that of the image's label; NaN where the classifier
            has no say: no label, or too little to learn from
    """

    classes: Labels
    probabilities: Floats
    given: Floats


@dataclass(frozen=True, eq=False)
class LabelEvidence:
    """The evidence for the classes of m images.

    Attributes:
        classifier: what one says that saw neither an image nor its copies
        voters: distinct neighbors of the m images, and the power that weighs their
            similarity
        labels: int32[m], the labels that vote, -1 without
        cluster: int64[m], duplicate cluster of each image, negative for none
        class_count: number of classes
        predictions: of the m images, by a model of the person's; None without
    """

    classifier: ClassEvidence
    voters: Sequence[tuple[DistinctNeighbors, int]]
    labels: Labels
    cluster: NDArray[np.int64]
    class_count: int
    predictions: Predictions | None = None


def gather_evidence(
    evidence: ClassEvidence,
    graph: NeighborGraph,
    labels: Labels,
    cluster: NDArray[np.int64],
    class_count: int,
    *,
    copy_graph: NeighborGraph | None = None,
    predictions: Predictions | None = None,
) -> LabelEvidence:
    """Returns the evidence for the classes of m images.

    Args:
        evidence: of a classifier that saw neither an image nor its copies
        graph: of the feature vectors, :data:`VOTERS` neighbors per image
        labels: int32[m], the labels that vote, -1 without
        cluster: int64[m], duplicate cluster of each image, negative for none
        class_count: number of classes
        copy_graph: of the copy vectors, :data:`COPY_VOTERS` neighbors
        predictions: of the m images, by a model of the person's
    """
    voters = [(distinct_neighbors(graph, cluster, VOTERS), _VOTE_POWER)]
    if copy_graph is not None:
        near = distinct_neighbors(copy_graph, cluster, COPY_VOTERS)
        voters.append((near, _COPY_VOTE_POWER))
    return LabelEvidence(evidence, voters, labels, cluster, class_count, predictions)


def class_support(
    evidence: LabelEvidence, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Returns rows x classes: how much speaks for each class, whatever the label.

    Args:
        evidence: of m images
        rows: int64[r], some of them
    """
    classifier, labels = evidence.classifier, evidence.labels
    votes = np.zeros((len(rows), evidence.class_count))
    for voters, power in evidence.voters:
        votes += _votes(voters, rows, labels, power, evidence.class_count)
    heard = votes.sum(axis=1)
    votes[heard > 0] /= heard[heard > 0, None]

    asked = ~np.isnan(classifier.given[rows])
    likely = np.zeros_like(votes)
    line = np.arange(len(rows))
    for classes, probability in zip(
        classifier.classes[rows].T, classifier.probabilities[rows].T, strict=True
    ):
        named = asked & (classes != NO_LABEL)
        likely[line[named], classes[named]] = probability[named]
    likely[line[asked], labels[rows[asked]]] = classifier.given[rows[asked]]

    # Evidence of one kind is taken as it is
    found: NDArray[np.float64] = np.where(asked[:, None], likely, votes)
    both = asked & (heard > 0)
    found[both] = np.sqrt(
        (votes[both] + _LEAST_VOTE) * (likely[both] + _LEAST_PROBABILITY)
    )
    if evidence.predictions is not None:
        _add_predictions(found, evidence.predictions.of(rows))
    return found


def _add_predictions(found: NDArray[np.float64], predictions: Predictions) -> None:
    """Pools support of r x classes with predictions of the r, in place."""
    known = predictions.known
    alone = known & (found.sum(axis=1) == 0)
    both = known & ~alone & (predictions.weight > 0)
    said = predictions.spread(found.shape[1])
    found[alone] = said[alone]
    own, other = log_support(found[both]), log_support(said[both])
    found[both] = np.exp(own + predictions.weight * (other - own))


def log_support(support: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the logarithm of support; none of it is not the end of a class."""
    logs: NDArray[np.float64] = np.log(support + _LEAST_PROBABILITY)
    return logs


def _votes(
    voters: DistinctNeighbors,
    rows: NDArray[np.int64],
    labels: Labels,
    power: int,
    class_count: int,
) -> NDArray[np.float64]:
    """Returns rows x classes, rows that sum to 1, or to 0 without voters."""
    graph = voters.of(rows)
    label = np.where(graph.indices == NO_NEIGHBOR, NO_LABEL, labels[graph.indices])
    weight = np.maximum(graph.similarities, 0).astype(np.float64) ** power
    weight[label == NO_LABEL] = 0
    cell = np.arange(len(rows))[:, None] * class_count + np.maximum(label, 0)
    votes = np.bincount(
        cell.ravel(), weight.ravel(), minlength=len(rows) * class_count
    ).reshape(len(rows), class_count)
    total = votes.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(
        votes, total, out=np.zeros_like(votes), where=total > 0
    )
    return shares
