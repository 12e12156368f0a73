"""Which labels do not agree with the pictures around them.

Two witnesses are asked of each image. Its neighbours vote, one vote a
duplicate cluster, near ones louder (k-nearest-neighbour label agreement, as in
fastdup's label_score, but over many neighbours and weighted). And a classifier
that was trained without the image, and without its copies, says how likely
each class is (out-of-fold probabilities, as in confident learning: Northcutt,
Jiang and Chuang, JAIR 2021). The mean of the two is the support of a class.

Measured on 25,000 images with 500 planted label errors: average precision
0.83 for votes alone, 0.89 for the classifier alone, 0.945 together. A second
round that leaves the suspects out, and a correction for the frequency of the
classes, made it worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cores import available_cores
from .half_precision import to_single
from .neighbors import NO_NEIGHBOR, NeighborGraph, Vectors
from .progress import OnProgress, Progress, silent
from .store import equal_rows
from .strangers import strangers

NO_LABEL = -1
VOTERS = 40
"""Neighbours to ask of the feature graph."""

COPY_VOTERS = 10
"""Of the copy graph: the head that finds copies sees other likenesses."""

DEFAULT_MIN_LABEL_SCORE = 5.0
"""Some other class has 19 times the support.

Of what it flags 72 to 98 % were planted errors on three sets, and it flags 73
to 90 % of them; 10 flags 85 to 95 % of them, at 55 to 94 %.
"""

_VOTE_POWER = 16
_COPY_VOTE_POWER = 4
"""Votes weigh similarity to this power.

Of 4 to 20 the best for each graph on three sets; 2 more or less change the
average precision by less than 0.005. Cosines of the copy vectors fall faster,
so they need less of it.
"""

_CLASSES_KEPT = 5
_FEWEST_LABELLED = 10
"""Below it nothing can be learned: neighbours alone decide."""

_FOLDS = 5
_DIMENSIONS = 128
"""Wider vectors are reduced to it: 128 to 256 do equally well."""

_FIT_ROWS = 50_000
_WORK = 150e6
"""Most rows x classes x steps of a fold: about 50 CPU seconds in all."""

_STEPS = 20
_PENALTY = 0.005
"""L2 weight, per row, on vectors of unit mean square; 0.003 to 0.01 are equal."""

_START_SHRINKAGE = 1.0
_START_TEMPERATURE = 2.0
_ROWS_AT_ONCE = 4096

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class ClassEvidence:
    """What a classifier that never saw an item or its copies says of it.

    Attributes:
        classes: int32[m, 5], the likeliest classes, likeliest first, -1 padded
        probabilities: float32[m, 5], theirs
        given: float32[m], that of the item's label; NaN where the classifier
            has no say: no label, or too little to learn from
    """

    classes: Labels
    probabilities: Floats
    given: Floats


@dataclass(frozen=True, eq=False)
class LabelFindings:
    """The judgement of q labels.

    Attributes:
        score: float32[q], 100 x support of the given label / (its support +
            that of the strongest other class): 100 all agree, 50 two classes
            are equal, 0 none agrees. NaN without a label, or where nothing
            can judge it: no other picture speaks for that class
        suggestion: int32[q], the class with most support where that is not
            the given one, else -1
        issue: bool[q], the score is below the threshold
    """

    score: Floats
    suggestion: Labels
    issue: NDArray[np.bool_]


def label_evidence(
    vectors: Sequence[Vectors],
    labels: Labels,
    cluster: NDArray[np.int64],
    class_count: int,
    *,
    on_progress: OnProgress = silent,
) -> ClassEvidence:
    """Learns the classes and asks what each item looks like, out of fold.

    The classifier is multinomial logistic regression with L2 penalty, started
    from linear discriminant analysis and improved by a few steps of L-BFGS.
    The cost stays bounded: it learns from at most 50,000 items, drawn evenly
    from all classes, and with hundreds of classes takes fewer steps (none
    leaves the discriminant analysis).

    The same input gives the same result whatever the number of threads; items
    must come in an order that means nothing, such as that of their digests,
    because folds and draws count along it.

    Args:
        vectors: the embeddings, each m x d of unit rows; each counts equally
        labels: int32[m], -1 without
        cluster: int64[m], duplicate cluster of each item, negative for none;
            a cluster is never split between learning and asking
        class_count: number of classes
        on_progress: told after each fold; may raise to cancel
    """
    count = len(labels)
    result = ClassEvidence(
        np.full((count, _CLASSES_KEPT), NO_LABEL, np.int32),
        np.zeros((count, _CLASSES_KEPT), np.float32),
        np.full(count, np.nan, np.float32),
    )
    present = np.unique(labels[labels != NO_LABEL])
    if (labels != NO_LABEL).sum() < _FEWEST_LABELLED or len(present) < 2:
        return result
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Sums round differently with the number of BLAS threads: one each, and
    # the folds side by side
    workers = min(_FOLDS, available_cores())
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        inputs = _Inputs(vectors)
        # Absent classes would only cost time
        codes = np.searchsorted(present, labels).astype(np.int32)
        codes[labels == NO_LABEL] = NO_LABEL
        fold = _folds(codes, cluster)
        drawn = _draw(codes, len(present))
        learned = inputs.rows(drawn)
        on_progress(Progress("Learning labels", 0, _FOLDS))

        def learn(number: int) -> Floats | None:
            others = fold[drawn] != number
            known = codes[drawn[others]]
            # All of the rest, or of all classes but one, may be one cluster
            if len(np.unique(known)) < 2:
                return None
            return _fit(learned[others], known, len(present))

        for number, weights in enumerate(pool.map(learn, range(_FOLDS))):
            if weights is not None:
                asked = np.flatnonzero(fold == number)
                _ask(inputs, weights, codes, present, asked, result)
            on_progress(Progress("Learning labels", number + 1, _FOLDS))
    return result


def judge_labels(
    evidence: ClassEvidence,
    graph: NeighborGraph,
    labels: Labels,
    cluster: NDArray[np.int64],
    class_count: int,
    *,
    judged: NDArray[np.int64] | None = None,
    copy_graph: NeighborGraph | None = None,
    min_label_score: float = DEFAULT_MIN_LABEL_SCORE,
) -> LabelFindings:
    """Scores each label by the support of neighbours and classifier.

    With one class only every score is 100. Without a classifier's word the
    votes decide alone, without votes the classifier.

    Args:
        evidence: from :func:`label_evidence`
        graph: of the feature vectors, :data:`VOTERS` neighbours an item
        labels: int32[m], the labels that vote, -1 without
        cluster: int64[m], duplicate cluster of each item, negative for none
        class_count: number of classes
        judged: int64[q, 2], the items and labels to judge; an item may have
            several labels, or others than it votes with. If None, each item
            with the label it votes with, so that q = m
        copy_graph: of the copy vectors, :data:`COPY_VOTERS` neighbours
        min_label_score: labels that score less are issues
    """
    if judged is None:
        judged = np.stack([np.arange(len(labels)), labels], axis=1)
    item, label = judged[:, 0], judged[:, 1]
    score = np.full(len(judged), np.nan, np.float32)
    suggestion = np.full(len(judged), NO_LABEL, np.int32)
    labelled = np.flatnonzero(label != NO_LABEL)
    classes = np.union1d(labels, label)
    if (classes != NO_LABEL).sum() < 2:
        score[labelled] = 100
        return LabelFindings(score, suggestion, np.zeros(len(judged), bool))
    voters = [(strangers(graph, cluster, VOTERS), _VOTE_POWER)]
    if copy_graph is not None:
        voters.append((strangers(copy_graph, cluster, COPY_VOTERS), _COPY_VOTE_POWER))
    judgeable = _has_other_picture(item, label, labels, cluster, class_count)
    for part in _chunks(len(labelled)):
        row = labelled[part]
        given_label = label[row]
        support = _support(item[row], voters, evidence, labels, class_count)
        given = _take(support, given_label)
        best = support.argmax(axis=1)
        best_support = _take(support, best)
        support[np.arange(len(row)), given_label] = 0
        other = support.max(axis=1)
        known = given + other > 0
        agree = np.full(len(row), np.nan)
        agree[known] = 100 * given[known] / (given + other)[known]
        score[row] = np.where(judgeable[row], agree, np.nan)
        disagree = (best != given_label) & (best_support > given)
        suggestion[row] = np.where(disagree, best, NO_LABEL)
    issue = np.nan_to_num(score, nan=100) < min_label_score
    return LabelFindings(score, suggestion, issue)


def _support(
    rows: NDArray[np.int64],
    voters: list[tuple[NeighborGraph, int]],
    evidence: ClassEvidence,
    labels: Labels,
    class_count: int,
) -> NDArray[np.float64]:
    """Returns rows x classes: the mean of votes and class probabilities."""
    votes = np.zeros((len(rows), class_count))
    for graph, power in voters:
        votes += _votes(graph, rows, labels, power, class_count)
    heard = votes.sum(axis=1)
    votes[heard > 0] /= heard[heard > 0, None]

    asked = ~np.isnan(evidence.given[rows])
    likely = np.zeros_like(votes)
    line = np.arange(len(rows))
    for classes, probability in zip(
        evidence.classes[rows].T, evidence.probabilities[rows].T, strict=True
    ):
        named = asked & (classes != NO_LABEL)
        likely[line[named], classes[named]] = probability[named]
    likely[line[asked], labels[rows[asked]]] = evidence.given[rows[asked]]

    witnesses = asked.astype(float) + (heard > 0)
    support: NDArray[np.float64] = (votes + likely) / np.maximum(witnesses, 1)[:, None]
    return support


def _votes(
    graph: NeighborGraph,
    rows: NDArray[np.int64],
    labels: Labels,
    power: int,
    class_count: int,
) -> NDArray[np.float64]:
    """Returns rows x classes, rows that sum to 1, or to 0 without voters."""
    near = graph.indices[rows]
    label = np.where(near == NO_NEIGHBOR, NO_LABEL, labels[near])
    weight = np.maximum(graph.similarities[rows], 0).astype(np.float64) ** power
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


def _has_other_picture(
    item: NDArray[np.int64],
    label: NDArray[np.int64],
    labels: Labels,
    cluster: NDArray[np.int64],
    class_count: int,
) -> NDArray[np.bool_]:
    """Tells of q judged labels if a picture outside the item's cluster votes so.

    Args:
        item: int64[q]
        label: int64[q], -1 without
        labels: int32[m], the labels that vote, -1 without
        cluster: int64[m], negative for none
        class_count: number of classes
    """
    # Items without a cluster are clusters of their own
    group = np.where(cluster >= 0, cluster, -1 - np.arange(len(cluster)))
    _, group = np.unique(group, return_inverse=True)
    key = group * np.int64(class_count)
    voting = labels != NO_LABEL
    carried = np.unique(key[voting] + labels[voting])
    pictures = np.bincount(carried % class_count, minlength=class_count)
    own = np.isin(key[item] + label, carried)
    other: NDArray[np.bool_] = (label != NO_LABEL) & (pictures[label] > own)
    return other


def _take(
    table: NDArray[np.float64], column: NDArray[np.integer]
) -> NDArray[np.float64]:
    picked: NDArray[np.float64] = table[np.arange(len(table)), column]
    return picked


class _Inputs:
    """The embeddings side by side, each with mean 0 and equal spread, and a 1.

    Learned from an even draw of the rows; made for the rows asked for, so that
    a million rows never stand in memory at once.
    """

    def __init__(self, vectors: Sequence[Vectors]) -> None:
        self._blocks: list[tuple[Vectors, Floats, Floats]] = []
        for number, block in enumerate(vectors):
            if any(equal_rows(block, other) for other in vectors[:number]):
                continue
            sample = block[:: max(1, len(block) // _FIT_ROWS)]
            mean, scatter = _moments(sample)
            axes = np.eye(block.shape[1], dtype=np.float32)
            if block.shape[1] > 2 * _DIMENSIONS:
                axes = _principal_axes(scatter, _DIMENSIONS)
            # The mean square of all numbers of the projected rows
            spread = np.sqrt(np.mean(((axes.T @ scatter) * axes.T).sum(axis=1)))
            self._blocks.append((block, mean, axes / np.float32(max(spread, 1e-12))))

    def rows(self, rows: NDArray[np.int64]) -> Floats:
        """Returns float32[rows, d + 1]."""
        result = np.ones((len(rows), self._width() + 1), np.float32)
        for part in _chunks(len(rows)):
            column = 0
            for block, mean, axes in self._blocks:
                end = column + axes.shape[1]
                centred = to_single(block[rows[part]]) - mean
                result[part, column:end] = centred @ axes
                column = end
        result[:, :-1] /= np.sqrt(len(self._blocks), dtype=np.float32)
        return result

    def _width(self) -> int:
        return sum(axes.shape[1] for _, _, axes in self._blocks)


def _moments(rows: NDArray[np.floating]) -> tuple[Floats, NDArray[np.float64]]:
    """Returns the mean of n x d rows, and d x d, the mean product of what is left."""
    mean = np.zeros(rows.shape[1])
    for part in _chunks(len(rows)):
        mean += to_single(rows[part]).sum(axis=0, dtype=np.float64) / len(rows)
    centre = mean.astype(np.float32)
    scatter = np.zeros((rows.shape[1], rows.shape[1]))
    for part in _chunks(len(rows)):
        centred = to_single(rows[part]) - centre
        scatter += centred.T @ centred
    return centre, scatter / len(rows)


def _principal_axes(scatter: NDArray[np.float64], count: int) -> Floats:
    """Returns d x count axes of largest variance, largest first."""
    # Imported here: 0.1 s that only this function needs
    from scipy.linalg import eigh

    dims = len(scatter)
    _, axes = eigh(scatter, subset_by_index=(dims - count, dims - 1))
    axes = axes[:, ::-1]
    # An axis has no sign of its own: make the largest entry positive
    largest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[largest, np.arange(count)])
    signed: Floats = (axes * signs).astype(np.float32)
    return signed


def _folds(labels: Labels, cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """Deals duplicate clusters to folds, class after class.

    The deal goes on where the last class ended: were each class to start at
    the first fold, classes of one picture would all lie in it.
    """
    rows = np.arange(len(labels))
    group = np.where(cluster >= 0, cluster, -1 - rows)
    _, first, member = np.unique(group, return_index=True, return_inverse=True)
    # A cluster goes by its first item: its place, and its label
    order = np.lexsort((first, labels[first]))
    fold = np.empty(len(order), np.int64)
    fold[order] = np.arange(len(order)) % _FOLDS
    return fold[member.reshape(-1)]


def _draw(labels: Labels, class_count: int) -> NDArray[np.int64]:
    """Returns the rows to learn from: all, or as many of each class as fit.

    Large classes give way first, so that small ones stay whole.
    """
    counts = np.bincount(labels[labels != NO_LABEL], minlength=class_count)
    most = _largest_share(counts, _FIT_ROWS)
    kept = []
    for code in np.flatnonzero(counts):
        rows = np.flatnonzero(labels == code)
        take = min(len(rows), most)
        kept.append(rows[np.arange(take) * len(rows) // take])
    return np.sort(np.concatenate(kept))


def _largest_share(counts: NDArray[np.int64], room: int) -> int:
    """Returns the largest c for which the sum of min(count, c) fits, or 1."""
    low, high = 1, int(counts.max())
    while low < high:
        middle = (low + high + 1) // 2
        if np.minimum(counts, middle).sum() <= room:
            low = middle
        else:
            high = middle - 1
    return low


def _fit(inputs: Floats, labels: Labels, class_count: int) -> Floats:
    """Returns d x classes weights; the last input is the constant 1."""
    # Imported here: 0.3 s that only a scan with labels needs
    from scipy.optimize import minimize

    rows = np.arange(len(labels))
    start = _discriminant(inputs, labels, class_count)
    steps = int(min(_STEPS, _WORK // (len(rows) * class_count)))
    if not steps:
        return start

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(start.shape).astype(np.float32)
        error, log_likelihood = _softmax(inputs @ weights, labels)
        value = -log_likelihood / len(rows)
        value += _PENALTY / 2 * float(np.square(weights[:-1], dtype=np.float64).sum())
        error[rows, labels] -= 1
        slope = (inputs.T @ error) / len(rows)
        slope[:-1] += _PENALTY * weights[:-1]
        return value, slope.ravel().astype(np.float64)

    found = minimize(
        loss,
        start.ravel().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps},
    )
    weights: Floats = found.x.reshape(start.shape).astype(np.float32)
    return weights


def _softmax(scores: Floats, labels: Labels) -> tuple[Floats, float]:
    """Returns probabilities, and the log likelihood of the labels."""
    scores -= scores.max(axis=1, keepdims=True)
    own = scores[np.arange(len(labels)), labels].sum(dtype=np.float64)
    np.exp(scores, out=scores)
    total = scores.sum(axis=1, keepdims=True)
    scores /= total
    return scores, float(own - np.log(total).sum(dtype=np.float64))


def _discriminant(inputs: Floats, labels: Labels, class_count: int) -> Floats:
    """Returns the weights of linear discriminant analysis, as logits.

    Classes share one covariance, shrunk towards a ball; its logits are too
    sure of themselves, so a temperature divides them.
    """
    x = inputs[:, :-1]
    counts = np.bincount(labels, minlength=class_count).astype(np.float64)
    order = np.argsort(labels, kind="stable")
    filled = np.flatnonzero(counts)
    starts = np.searchsorted(labels[order], filled)
    mean = np.zeros((class_count, x.shape[1]))
    mean[filled] = np.add.reduceat(x[order].astype(np.float64), starts, axis=0)
    mean[filled] /= counts[filled, None]
    within = (x.T @ x).astype(np.float64) - (mean.T * counts) @ mean
    within /= len(x)
    ball = max(float(np.trace(within)) / len(within), 1e-12)
    within += _START_SHRINKAGE * ball * np.eye(len(within))
    weights = np.linalg.solve(within, mean.T)
    bias = np.log(np.maximum(counts, 0.5) / len(x)) - (mean * weights.T).sum(1) / 2
    both = np.vstack([weights, bias]) / _START_TEMPERATURE
    return both.astype(np.float32)


def _ask(
    inputs: _Inputs,
    weights: Floats,
    codes: Labels,
    present: Labels,
    rows: NDArray[np.int64],
    result: ClassEvidence,
) -> None:
    """Writes what one fold's model says of the rows it did not see."""
    kept = min(_CLASSES_KEPT, len(present))
    for part in _chunks(len(rows)):
        asked = rows[part]
        chances, _ = _softmax(inputs.rows(asked) @ weights, np.maximum(codes[asked], 0))
        best = np.argsort(-chances, axis=1, kind="stable")[:, :kept]
        result.classes[asked, :kept] = present[best]
        result.probabilities[asked, :kept] = np.take_along_axis(chances, best, 1)
        known = codes[asked] != NO_LABEL
        result.given[asked[known]] = chances[known, codes[asked[known]]]


def _chunks(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)
