"""What a person's own model says of the images: evidence, and findings of its own.

Its probabilities are out of sample: the model did not learn the images that it
predicts (cross-validation). One that did repeats the labels it was given, right and
wrong ones alike; :func:`seems_to_repeat` tells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

NO_CLASS = -1
KEPT = 5
"""The likeliest classes of an image; the rest is shared by all others."""

_HARDEST = 0.05
"""Share of the predictions that are the hardest."""

_FEWEST = 10
_AGREED, _REPEATED = 0.98, 0.9
"""Of all labels, and of those that all else contradicts, so many are confirmed by a
model that learned them. Out-of-fold models confirmed 0 to 24 % of the latter (scenes,
pictures of 32 pixels), but one that knows far more than all else may confirm most."""

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model says of n images.

    Attributes:
        classes: int32[n, k], the likeliest classes, likeliest first; -1 for a class
            that no label has, and where there is no prediction
        probabilities: float32[n, k], theirs; 0 where there is no prediction
        weight: of the model in a pool with other evidence, 0 to 1
    """

    classes: Labels
    probabilities: Floats
    weight: float = 0.5

    @property
    def known(self) -> NDArray[np.bool_]:
        """bool[n], there is a prediction."""
        known: NDArray[np.bool_] = self.probabilities[:, 0] > 0
        return known

    def of(self, rows: NDArray[np.int64]) -> Predictions:
        """Returns those of some images; of none for a negative row."""
        absent = rows < 0
        classes, probabilities = self.classes[rows], self.probabilities[rows]
        classes[absent], probabilities[absent] = NO_CLASS, 0
        return replace(self, classes=classes, probabilities=probabilities)

    def spread(self, class_count: int) -> NDArray[np.float64]:
        """Returns n x classes: the probabilities, the rest shared by the others.

        Args:
            class_count: number of classes; all rows have the same chance where there
                is no prediction
        """
        count, kept = self.classes.shape
        said = np.where(self.classes == NO_CLASS, 0, self.probabilities)
        unsaid = np.maximum(class_count - (self.classes != NO_CLASS).sum(axis=1), 1)
        rest = np.maximum(1 - self.probabilities.sum(axis=1, dtype=np.float64), 0)
        chances = np.repeat((rest / unsaid)[:, None], class_count, axis=1)
        rows = np.arange(count)
        for place in range(kept):
            named = self.classes[:, place] != NO_CLASS
            chances[rows[named], self.classes[named, place]] = said[named, place]
        return chances


def hardness(predictions: Predictions, class_count: int) -> Floats:
    """Returns float32[n]: 0 for a model that is sure, 1 for a guess, NaN without.

    It is the entropy of the probabilities, by that of a guess.

    Args:
        predictions: of n images
        class_count: number of classes
    """
    found = np.full(len(predictions.classes), np.nan, np.float32)
    known = np.flatnonzero(predictions.known)
    if class_count < 2:
        return found
    # It takes a second to import, and only this needs it
    from scipy.special import entr

    # Classes that are not named share the rest evenly: no matrix of all is needed
    some = predictions.of(known)
    named = some.classes != NO_CLASS
    said = np.where(named, some.probabilities, 0).astype(np.float64)
    unnamed = class_count - named.sum(axis=1)
    rest = np.maximum(1 - some.probabilities.sum(axis=1, dtype=np.float64), 0)
    entropy = entr(said).sum(axis=1)
    entropy += unnamed * entr(rest / np.maximum(unnamed, 1))
    found[known] = entropy / np.log(class_count)
    return np.clip(found, 0, 1)


def hardest(values: Floats) -> NDArray[np.bool_]:
    """Returns bool[n]: the twentieth of the images that are hardest, by hardness."""
    known = ~np.isnan(values)
    if not known.any():
        return known
    least = np.quantile(values[known], 1 - _HARDEST)
    return known & (np.nan_to_num(values) >= max(float(least), 1e-6))


def confidently_wrong(predictions: Predictions, labels: Labels) -> NDArray[np.bool_]:
    """Returns bool[n]: the model is as sure of another class as it is when right.

    That is, at least as sure as it is on average of images with that label (the
    confident joint: Northcutt, Jiang and Chuang, Confident learning, JAIR 2021).

    Args:
        predictions: of n images
        labels: int32[n], -1 without
    """
    top, sure = predictions.classes[:, 0], predictions.probabilities[:, 0]
    asked = predictions.known & (labels != NO_CLASS) & (top != NO_CLASS)
    size = int(max(labels.max(initial=0), top.max(initial=0))) + 1
    own = np.where(predictions.classes == labels[:, None], predictions.probabilities, 0)
    counts = np.bincount(labels[asked], minlength=size)
    sums = np.bincount(labels[asked], own[asked].sum(axis=1), minlength=size)
    usual = np.where(counts > 0, sums / np.maximum(counts, 1), 1)
    wrong: NDArray[np.bool_] = asked & (top != labels)
    wrong &= sure >= usual[np.maximum(top, 0)]
    return wrong


def seems_to_repeat(
    predictions: Predictions, labels: Labels, doubtful: NDArray[np.bool_]
) -> bool:
    """True if the model confirms labels that all else contradicts, as if it knew them.

    Args:
        predictions: of n images
        labels: int32[n], -1 without
        doubtful: bool[n], the images that look like another class, without the model
    """
    asked = predictions.known & (labels != NO_CLASS)
    confirmed = predictions.classes[:, 0] == labels
    doubted = asked & doubtful
    return bool(
        doubted.sum() >= _FEWEST
        and confirmed[asked].mean() >= _AGREED
        and confirmed[doubted].mean() >= _REPEATED
    )
