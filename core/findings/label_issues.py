"""Which labels do not agree with the pictures around them.

Two sources support a label. The neighbors of an image vote, one vote per
duplicate cluster, near ones louder (k-nearest-neighbor label agreement, as in
fastdup's label_score, but over many neighbors and weighted). And a classifier
that was trained without the image, and without its copies, says how likely
each class is (out-of-fold probabilities, as in confident learning: Northcutt,
Jiang and Chuang, JAIR 2021). The geometric mean of the two is the support of a
class (the logarithmic opinion pool: Genest and Zidek, Statistical Science 1986).

Measured as average precision on 12,750 pictures of 32 pixels in ten classes (S) and
17,016 photographs of six kinds of scene (P), labels flipped as people flip them (half
between classes that are confused, half on the pictures that are): votes alone .45 and
.75, the classifier alone .52 and .79, their arithmetic mean .540 and .796, the
geometric one .552 and .799; with 3 % flips on any picture (P) .923 and .926. Tried and
dropped: soft votes of neighbors by their own evidence, a second round that leaves the
suspects out, a temperature (the classifier is calibrated: 0.95 to 1.0), weights
learned on the given labels, a correction for the frequency of the classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.memory import give_back
from ..progress import OnProgress, Progress, silent
from ..storage.record_store import Vectors
from .label_classifier import (
    FIT_ROWS,
    Inputs,
    Weights,
    chunks,
    fit,
    probabilities,
)
from .label_support import ClassEvidence, Floats, LabelEvidence, Labels, class_support
from .schema import NO_LABEL

FALLBACK_MIN_LABEL_SCORE = 5.0
"""Some other class has 19 times the support. For sets that are too small to estimate
a threshold of their own, see :mod:`core.findings.label_estimate`."""

_CLASSES_KEPT = 5
_FEWEST_LABELED = 10
"""Below it nothing can be learned: neighbors alone decide."""

_FOLDS = 5


@dataclass(frozen=True, eq=False)
class LabelFindings:
    """The judgment of q labels.

    Attributes:
        score: float32[q], 100 x support of the given label / (its support +
            that of the strongest other class): 100 all agree, 50 two classes
            are equal, 0 none agrees. NaN without a label, or where nothing
            can judge it: no other picture speaks for that class
        suggestion: int32[q], the class with most support where that is not
            the given one, else -1
        issue: bool[q], the score is below the threshold
        suggestion_share: float32[q], the share of the suggestion in the support of
            all classes but the given one; NaN without a suggestion
    """

    score: Floats
    suggestion: Labels
    issue: NDArray[np.bool_]
    suggestion_share: Floats


def label_evidence(
    vectors: Sequence[Vectors],
    labels: Labels,
    cluster: NDArray[np.int64],
    class_count: int,
    *,
    on_progress: OnProgress = silent,
) -> ClassEvidence:
    """Learns the classes and asks what each image looks like, out of fold.

    The classifier is that of :mod:`core.findings.label_classifier`. The cost stays
    bounded: it learns from at most 50,000 images, drawn evenly from all classes, and
    with hundreds of classes takes fewer steps (none leaves the discriminant analysis).

    The same input gives the same result whatever the number of threads; images
    must come in an order that means nothing, such as that of their digests,
    because folds and draws count along it.

    Args:
        vectors: the embeddings, each m x d of unit rows; each counts equally
        labels: int32[m], -1 without
        cluster: int64[m], duplicate cluster of each image, negative for none;
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
    if (labels != NO_LABEL).sum() < _FEWEST_LABELED or len(present) < 2:
        return result
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Sums round differently with the number of BLAS threads: one each, and
    # the folds side by side
    workers = min(_FOLDS, available_cores())
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        inputs = Inputs(vectors)
        give_back()
        # Absent classes would only cost time
        codes = np.searchsorted(present, labels).astype(np.int32)
        codes[labels == NO_LABEL] = NO_LABEL
        fold = _folds(codes, cluster)
        drawn = _draw(codes, len(present))
        ring, others = _around(fold, drawn)
        learned = inputs.rows(ring[: len(drawn)], again=len(ring) - len(drawn))
        place = np.full(count, -1, np.int64)
        place[ring[: len(drawn)]] = np.arange(len(drawn))

        def rows_of(rows: NDArray[np.int64]) -> Floats:
            """Returns the inputs of some rows, most of which are there already."""
            known = learned[place[rows]]
            missing = np.flatnonzero(place[rows] < 0)
            known[missing] = inputs.rows(rows[missing])
            return known

        on_progress(Progress("Learning labels", 0, _FOLDS))

        def learn(number: int) -> Weights | None:
            known = codes[ring[others[number]]]
            # All of the rest, or of all classes but one, may be one cluster
            if len(np.unique(known)) < 2:
                return None
            return fit(learned[others[number]], known, len(present))

        for number, weights in enumerate(pool.map(learn, range(_FOLDS))):
            if weights is not None:
                asked = np.flatnonzero(fold == number)
                _ask(rows_of, weights, codes, present, asked, result)
            on_progress(Progress("Learning labels", number + 1, _FOLDS))
    return result


def judge_labels(
    evidence: LabelEvidence,
    judged: NDArray[np.int64] | None = None,
    *,
    min_label_score: float = FALLBACK_MIN_LABEL_SCORE,
) -> LabelFindings:
    """Scores each label by the support of neighbors, classifier and predictions.

    With one class only every score is 100. Evidence that is missing leaves the
    decision to the others.

    Args:
        evidence: of m images
        judged: int64[q, 2], the images and labels to judge; an image may have
            several labels, or others than it votes with. If None, each image
            with the label it votes with, so that q = m
        min_label_score: labels that score less are issues
    """
    labels = evidence.labels
    if judged is None:
        judged = np.stack([np.arange(len(labels)), labels], axis=1)
    image, label = judged[:, 0], judged[:, 1]
    score = np.full(len(judged), np.nan, np.float32)
    suggestion = np.full(len(judged), NO_LABEL, np.int32)
    share = np.full(len(judged), np.nan, np.float32)
    labeled = np.flatnonzero(label != NO_LABEL)
    classes = np.union1d(labels, label)
    if (classes != NO_LABEL).sum() < 2:
        score[labeled] = 100
        return LabelFindings(score, suggestion, np.zeros(len(judged), bool), share)
    judgeable = _has_other_picture(image, label, evidence)
    for part in chunks(len(labeled)):
        row = labeled[part]
        given_label = label[row]
        found = class_support(evidence, image[row])
        given = _take(found, given_label)
        best = found.argmax(axis=1)
        best_support = _take(found, best)
        found[np.arange(len(row)), given_label] = 0
        other = found.max(axis=1)
        known = given + other > 0
        agree = np.full(len(row), np.nan)
        agree[known] = 100 * given[known] / (given + other)[known]
        score[row] = np.where(judgeable[row], agree, np.nan)
        disagree = (best != given_label) & (best_support > given)
        suggestion[row] = np.where(disagree, best, NO_LABEL)
        share[row[disagree]] = best_support[disagree] / found[disagree].sum(axis=1)
    issue = np.nan_to_num(score, nan=100) < min_label_score
    return LabelFindings(score, suggestion, issue, share)


def _has_other_picture(
    image: NDArray[np.int64], label: NDArray[np.int64], evidence: LabelEvidence
) -> NDArray[np.bool_]:
    """Returns bool[q]: whether a picture outside the own cluster votes for a label.

    Args:
        image: int64[q]
        label: int64[q], -1 without
        evidence: of the images
    """
    labels, cluster = evidence.labels, evidence.cluster
    class_count = evidence.class_count
    # Images without a cluster are clusters of their own
    group = np.where(cluster >= 0, cluster, -1 - np.arange(len(cluster)))
    _, group = np.unique(group, return_inverse=True)
    key = group * np.int64(class_count)
    voting = labels != NO_LABEL
    carried = np.unique(key[voting] + labels[voting])
    pictures = np.bincount(carried % class_count, minlength=class_count)
    own = np.isin(key[image] + label, carried)
    other: NDArray[np.bool_] = (label != NO_LABEL) & (pictures[label] > own)
    return other


def _take(
    table: NDArray[np.float64], column: NDArray[np.integer]
) -> NDArray[np.float64]:
    picked: NDArray[np.float64] = table[np.arange(len(table)), column]
    return picked


def _folds(labels: Labels, cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """Deals duplicate clusters to folds, class after class.

    The deal goes on where the last class ended: were each class to start at
    the first fold, classes of one picture would all lie in it.
    """
    rows = np.arange(len(labels))
    group = np.where(cluster >= 0, cluster, -1 - rows)
    _, first, member = np.unique(group, return_index=True, return_inverse=True)
    # A cluster goes by its first image: its place, and its label
    order = np.lexsort((first, labels[first]))
    fold = np.empty(len(order), np.int64)
    fold[order] = np.arange(len(order)) % _FOLDS
    return fold[member.reshape(-1)]


def _around(
    fold: NDArray[np.int64], drawn: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[slice]]:
    """Lays the drawn rows around, fold after fold, and most of them once more.

    So all folds but one lie side by side, and none is copied to learn from it.

    Returns:
        a tuple of

        -   the rows
        -   for each fold, where all the others are
    """
    sizes = np.bincount(fold[drawn], minlength=_FOLDS)
    begins = np.concatenate([[0], np.cumsum(np.tile(sizes, 2))]).tolist()
    ordered = drawn[np.argsort(fold[drawn], kind="stable")]
    again = ordered[: begins[_FOLDS - 2]]
    nexts = (np.arange(_FOLDS) + 1) % _FOLDS
    others = [slice(begins[after], begins[after + _FOLDS - 1]) for after in nexts]
    return np.concatenate([ordered, again]), others


def _draw(labels: Labels, class_count: int) -> NDArray[np.int64]:
    """Returns the rows to learn from: all, or as many of each class as fit.

    Large classes give way first, so that small ones stay whole.
    """
    counts = np.bincount(labels[labels != NO_LABEL], minlength=class_count)
    most = _largest_share(counts, FIT_ROWS)
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


def _ask(
    rows_of: Callable[[NDArray[np.int64]], Floats],
    weights: Weights,
    codes: Labels,
    present: Labels,
    rows: NDArray[np.int64],
    result: ClassEvidence,
) -> None:
    """Writes what one fold's model says of the rows it did not see."""
    kept = min(_CLASSES_KEPT, len(present))
    for part in chunks(len(rows)):
        asked = rows[part]
        chances = probabilities(rows_of(asked), weights)
        best = np.argsort(-chances, axis=1, kind="stable")[:, :kept]
        result.classes[asked, :kept] = present[best]
        result.probabilities[asked, :kept] = np.take_along_axis(chances, best, 1)
        known = codes[asked] != NO_LABEL
        result.given[asked[known]] = chances[known, codes[asked[known]]]
