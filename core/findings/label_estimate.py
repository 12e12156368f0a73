"""How many labels are wrong, and which of them a threshold finds.

Some labels are changed in thought, as people mistake them, and judged again: neither
the votes nor the classifier knew the item's own label, so nothing need be learned
again. How these known flips score is how wrong labels score (the known errors of
capture and recapture).

Half of them are on pictures that look like two classes, half on any picture, to a
class that pictures of its label look like: people's errors are of both kinds
(instance-dependent noise: Xia et al., Part-dependent label noise, NeurIPS 2020; Wei et
al., Learning with noisy labels revisited, ICLR 2022).

How many are wrong follows from the lowest scores, which next to no right label has:
where a share F of the flips and a share G of all labels scores less, about G / F of the
labels are wrong, and no more; the least such bound counts (mixture proportion
estimation: Blanchard, Lee and Scott, Semi-supervised novelty detection, JMLR 2010).
Bounds where few flips are found are left out, since there chance and the very form of
the flips decide.

Measured on labels flipped as people flip them, what is expected of the threshold
that is chosen against the truth: precision .80 and .92, recall .46 and .45 (17,016
scenes, 9 % wrong); .80 and .81, .31 and .27 (12,750 pictures of 32 pixels, 9 %); .85
and .75, .27 and .40 (3 % of them); .91 and .87, .28 and .07 (20 %, all on pictures
that look like two classes). Labels changed to any class at random are not what the
flips are like: they are easier to find, and their number is overestimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .label_issues import judge_labels
from .label_support import Floats, Labels, Witnesses, class_support

AIMED_PRECISION = 0.8
"""Of the labels that are flagged by default so many are expected to be wrong."""

_FLIPS = 2000
"""Of each kind; the share below a score is known to 1 point."""

_FEWEST_LABELED = 1000
"""Of 325 pictures, ten of them with labels changed at random, 26 would be flagged."""

_HIGHEST_DEFAULT = 12.0
"""Another class has seven times the support. Higher ones are right only if wrong labels
are as hard to tell as the flips: of those changed at random to any class 12 finds 92 %
with a precision of .72, the threshold that the flips ask for 96 % with .53."""

_FEWEST_BELOW = 10
"""Labels that must score below a threshold before it bounds how many are wrong."""

_LEAST_RECALL = 0.25
"""Share of the flips, likewise."""

_EDGES = np.array([1, 2, 4, 7, 12, 20, 30, 50])
"""Scores between two of them are taken to be wrong equally often."""

SCORES = np.arange(1, 101) / 2
"""The thresholds that are tried: from 50 on no other class has more support."""


@dataclass(frozen=True, eq=False)
class LabelEstimate:
    """What a threshold on the label score is expected to find.

    Attributes:
        wrong: labels that are expected to be wrong, of all
        below: int64[100], labels that score less than each of :data:`SCORES`
        recall: float64[100], the share of the wrong ones that does
    """

    wrong: float
    below: NDArray[np.int64]
    recall: NDArray[np.float64]

    @property
    def precision(self) -> NDArray[np.float64]:
        """float64[100]: the share of the labels below that is wrong; never grows."""
        share = np.minimum(self.wrong * self.recall / np.maximum(self.below, 1), 1)
        # A lower threshold is as precise as a higher one, at least
        falling: NDArray[np.float64] = np.maximum.accumulate(share[::-1])[::-1]
        return falling

    def at(self, score: float) -> tuple[float, float]:
        """Returns precision and recall of the nearest threshold that was tried."""
        place = int(np.abs(SCORES - score).argmin())
        return float(self.precision[place]), float(self.recall[place])

    def threshold(self) -> float:
        """Returns the largest score up to 12 that keeps :data:`AIMED_PRECISION`."""
        precise = (self.precision >= AIMED_PRECISION) & (SCORES <= _HIGHEST_DEFAULT)
        enough = np.flatnonzero(precise)
        return float(SCORES[enough[-1]] if len(enough) else SCORES[0])


def estimate_labels(witnesses: Witnesses, scores: Floats) -> LabelEstimate | None:
    """Flips some labels and estimates from their scores what others mean.

    The same input gives the same flips.

    Args:
        witnesses: of m images
        scores: float32[m], what :func:`~core.findings.label_issues.judge_labels` says
            of the labels they vote with

    Returns:
        None for fewer than 1,000 labels that can be judged, or if too few have low
        scores to tell
    """
    labels = witnesses.labels
    item = np.flatnonzero(~np.isnan(scores))
    agreed = item[scores[item] > 50]
    classes = len(np.unique(labels[item]))
    if len(item) < _FEWEST_LABELED or classes < 2 or not len(agreed):
        return None
    random = np.random.default_rng(0)
    score = scores[item].astype(np.float64)
    # A label that nothing supports is wrong already
    right = np.minimum(score / 50, 1)
    unsure = right * (1 + 1e-6 - score / 100)
    drawn = random.choice(item, _FLIPS, p=right / right.sum())
    drawn_unsure = random.choice(item, _FLIPS, p=unsure / unsure.sum())
    like = _mistakable(drawn, agreed, scores, labels, random)
    flipped_item = np.concatenate([drawn, drawn_unsure])
    looks = np.concatenate([like, drawn_unsure])
    support = class_support(witnesses, looks)
    flipped = _mistaken(support, labels[flipped_item], random)
    flips = judge_labels(witnesses, np.stack([flipped_item, flipped], axis=1))
    return estimate(scores[item], flips.score)


def estimate(scores: Floats, flips: Floats) -> LabelEstimate | None:
    """Estimates how many labels are wrong.

    Args:
        scores: float32[q], of the labels
        flips: float32[f], of labels that are known to be wrong; NaN is not found

    Returns:
        None if too few labels have low scores to tell
    """
    below = (scores[:, None] < SCORES).sum(axis=0)
    recall = (flips[:, None] < SCORES).mean(axis=0)
    telling = (below >= _FEWEST_BELOW) & (recall >= _LEAST_RECALL)
    if not telling.any():
        return None
    wrong = float((below[telling] / recall[telling]).min())
    return LabelEstimate(min(wrong, len(scores)), below, recall)


def suggestion_confidence(
    estimate: LabelEstimate, scores: Floats, share: NDArray[np.floating]
) -> Floats:
    """Returns float32[q], how likely the suggested label is the right one.

    The label is wrong with the share of wrong ones among those of its score, and if
    it is, the suggestion is right with its share of the support of all other classes.

    Args:
        estimate: of the set
        scores: float32[q]
        share: float[q], see :class:`~core.findings.label_issues.LabelFindings`
    """
    place = np.searchsorted(SCORES, _EDGES)
    wrong = np.diff(estimate.wrong * estimate.recall[place], prepend=0)
    chance = np.minimum(
        wrong / np.maximum(np.diff(estimate.below[place], prepend=0), 1), 1
    )
    # A higher score is never wrong more often
    falling = np.maximum.accumulate(chance[::-1])[::-1]
    group = np.searchsorted(_EDGES, scores, side="right")
    likely: Floats = (falling[np.minimum(group, len(_EDGES) - 1)] * share).astype(
        np.float32
    )
    return likely


def _mistakable(
    item: NDArray[np.int64],
    agreed: NDArray[np.int64],
    scores: Floats,
    labels: Labels,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Draws for each item one of its label that looks like another class as well.

    Args:
        item: int64[f]
        agreed: int64[a], the items to draw from
        scores: float32[m]
        labels: int32[m]
        random: what draws

    Returns:
        int64[f]; the item itself where none has its label
    """
    order = agreed[np.argsort(labels[agreed], kind="stable")]
    ends = np.cumsum(100 + 1e-3 - scores[order].astype(np.float64))
    low = np.searchsorted(labels[order], labels[item], side="left")
    high = np.searchsorted(labels[order], labels[item], side="right")
    begin, end = np.append(0, ends)[low], np.append(0, ends)[high]
    place = np.searchsorted(ends, begin + random.random(len(item)) * (end - begin))
    place = np.clip(place, low, np.maximum(high - 1, low)).clip(0, len(order) - 1)
    drawn: NDArray[np.int64] = np.where(high > low, order[place], item)
    return drawn


def _mistaken(
    support: NDArray[np.float64],
    label: Labels,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Draws for each row of r x classes a class other than its label."""
    weight = support + 1e-4
    weight[np.arange(len(label)), label] = 0
    total = weight.cumsum(axis=1)
    drawn = random.random(len(label)) * total[:, -1]
    flipped: NDArray[np.int64] = (total > drawn[:, None]).argmax(axis=1)
    return flipped
