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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .label_classifier import chunks
from .label_support import Floats, LabelEvidence, Labels, class_support
from .schema import NO_LABEL

FALLBACK_MIN_LABEL_SCORE = 5.0
"""Some other class has 19 times the support. For sets that are too small to estimate
a threshold of their own, see :mod:`core.findings.label_estimate`."""


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
