"""How many labels are wrong, and which of them a threshold finds.

Some labels are changed in thought, as people mistake them, and judged again: neither
the votes nor the classifier knew the item's own label, so nothing need be learned
again. How these known flips score is how wrong labels score (the known errors of
capture and recapture).

Half of them are on pictures that look like two classes, half on any picture, to a
class that pictures of its label look like: people's errors are of both kinds
(instance-dependent noise: Xia et al., Part-dependent label noise, NeurIPS 2020; Wei et
al., Learning with noisy labels revisited, ICLR 2022).

The scores of all labels are then taken apart into those of wrong ones, which score as
the flips do, and the tail of the right ones: of a picture that looks like another
class with a chance of s the label is that class about as often, and few pictures look
like two, so that right labels below a score grow a little faster than the score. Where
classes overlap by nature that tail is thick and explains the low scores alone: then
nothing is promised. The counts of both are those that make the counts a score most
likely (expectation maximization for Poisson mixtures: Shepp and Vardi, IEEE Trans.
Med. Imaging 1982), and their 95 % interval is that of 200 redrawn counts (parametric
bootstrap: Efron and Tibshirani, An introduction to the bootstrap, 1993).

Measured on labels changed in four ways (to any class, between confused classes, on
pictures that look like two classes, half and half of the last two), 3 and 9 % of them,
in 17,016 scenes, 2,524 photographs of waste, 5,001 of dishes and 2,800 of satellites,
where given labels that a person called wrong count as wrong: of the labels that the
threshold for a precision of .8 flags .815 are expected to be wrong in the mean and .815
are, .63 to .94 (benchmarks/labels.md). Where all lie on pictures that look like two
classes next to nothing is flagged. How many of them do nobody can tell by the pictures:
that half of all do is assumed, so the recall is right within .2 only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .label_issues import judge_labels
from .label_support import LEAST_SCORE, Floats, LabelEvidence, Labels, class_support

AIMED_PRECISION = 0.8
"""Of the labels that are flagged by default so many are expected to be wrong."""

_SURE_PRECISION = 0.6
"""The lower end of its interval. Of nine labels of coins that were flagged without this
bound (0.45) a person calls three wrong, and four of 11 of dishes (0.58)."""

_FLIPS = 2000
"""Of each kind; the share below a score is known to 1 point."""

_FEWEST_LABELED = 1000
"""Of 325 pictures, ten of them with labels changed at random, 26 would be flagged."""

_HIGHEST_DEFAULT = 20.0
"""Another class has four times the support."""

_MOST_UNSURE = 0.25
"""Share of the wrong labels that is taken from flips of pictures that look like two
classes: more of these look just like right labels."""

_TAIL = 1.5
"""Right labels below a score grow with this power of it.

Those that a person called right grow with 1.3 to 1.5 in four sets; given labels, wrong
ones among them, with 0.9 to 1.3. Where .81 is expected, the true precision of 24 trials
is .89 in the mean with 1.3, .84 with 1.5 and .81 with 1.6; in another draw of the
changes .815 with 1.5 (benchmarks/labels.md).
"""

_BINS = np.array([0, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 6.5, 8, 10, 12, 16, 20, 25, 30])
"""Scores between which labels are counted. Above 30 right labels are not of a tail."""

_STEPS, _REDRAWN = 400, 200

_MODEL_ERROR = 0.15
"""Twice the root mean square by which the precision is wrong beside chance."""

_EDGES = np.array([1, 2, 4, 7, 12, 20, 30, 50])
"""Scores between two of them are taken to be wrong equally often."""

SCORES = np.arange(1, 101) / 2
"""The thresholds that are tried: from 50 on no other class has more support."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LabelEstimate:
    """What a threshold on the label score is expected to find.

    Attributes:
        wrong: labels that are expected to be wrong, of all
        wrong_below: float64[100], those of them that score less than each of
            :data:`SCORES`
        right_below: float64[100], right labels that do
        precision_interval: float64[2, 100], 95 % interval of :attr:`precision`
    """

    wrong: float
    wrong_below: Doubles
    right_below: Doubles
    precision_interval: Doubles

    @property
    def precision(self) -> Doubles:
        """float64[100]: the share of the labels below that is wrong; never grows."""
        return _falling(_share(self.wrong_below, self.right_below))

    @property
    def recall(self) -> Doubles:
        """float64[100]: the share of the wrong labels that is below."""
        return self.wrong_below / max(self.wrong, 1e-9)

    def at(self, score: float) -> tuple[float, float]:
        """Returns precision and recall of the nearest threshold that was tried."""
        place = _place(score)
        return float(self.precision[place]), float(self.recall[place])

    def interval_at(self, score: float) -> tuple[float, float]:
        """Returns the 95 % interval of the precision."""
        low, high = self.precision_interval[:, _place(score)].tolist()
        return low, high

    def threshold(self) -> float | None:
        """Returns the largest score up to 20 that keeps :data:`AIMED_PRECISION`.

        None if no score does, or none surely enough: a handful of low scores may be
        the tail of the right labels.
        """
        precise = (self.precision >= AIMED_PRECISION) & (SCORES <= _HIGHEST_DEFAULT)
        precise &= self.precision_interval[0] >= _SURE_PRECISION
        enough = np.flatnonzero(precise)
        return float(SCORES[enough[-1]]) if len(enough) else None


def estimate_labels(evidence: LabelEvidence, scores: Floats) -> LabelEstimate | None:
    """Flips some labels and estimates from their scores what others mean.

    The same input gives the same flips.

    Args:
        evidence: of m images
        scores: float32[m], what :func:`~core.findings.label_issues.judge_labels` says
            of the labels they vote with

    Returns:
        None for fewer than 1,000 labels that can be judged
    """
    labels = evidence.labels
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
    support = class_support(evidence, looks)
    flipped = mistaken(support, labels[flipped_item], random)
    flips = judge_labels(evidence, np.stack([flipped_item, flipped], axis=1))
    return estimate(scores[item], flips.score.reshape(2, _FLIPS))


def estimate(scores: Floats, flips: Floats) -> LabelEstimate:
    """Estimates how many labels are wrong, and how many of them have low scores.

    Args:
        scores: float32[q], of the labels
        flips: float32[2, f], of labels that are known to be wrong: on any picture, and
            on those that look like two classes; NaN is not found
    """
    wrong_shapes, right_shape = _shapes(flips, _BINS)
    steps = np.diff(np.vstack([wrong_shapes, right_shape]), axis=1)
    counts = np.histogram(scores, _BINS)[0].astype(np.float64)
    redrawn = np.random.default_rng(0).poisson(counts, (_REDRAWN, len(counts)))
    parts = _most_likely(np.vstack([counts, redrawn]), steps)
    wrong_shapes, right_shape = _shapes(flips, SCORES)
    wrong = parts[:, :-1] @ wrong_shapes
    right = parts[:, -1:] * right_shape
    above = _BINS[-1] < SCORES
    below = (scores[:, None] < SCORES[above]).sum(axis=0)
    right[:, above] = np.maximum(right[:, above], below - wrong[:, above])
    half = (flips < _BINS[-1]).mean()
    known = wrong[0, _place(_BINS[-1])]
    shares = np.array([_falling(one) for one in _share(wrong, right)])
    reach = np.quantile(shares[1:], (0.025, 0.975), axis=0) - shares[0]
    reach = np.hypot(reach, _MODEL_ERROR) * np.array([[-1], [1]])
    return LabelEstimate(
        min(float(known / half) if half else 0.0, len(scores)),
        wrong[0],
        right[0],
        np.clip(shares[0] + reach, 0, 1),
    )


def _shapes(flips: Floats, scores: Doubles) -> tuple[Doubles, Doubles]:
    """Returns how many labels score less than each of s scores.

    Returns:
        a tuple of

        -   float64[2, s], shares of wrong labels of two kinds: on any picture, and as
            many on pictures that look like two classes as are thought of at most
        -   float64[s], right labels, 1 at the end of the tail
    """
    anywhere, unsure = (flips[:, :, None] < scores).mean(axis=1)
    mixed = anywhere + _MOST_UNSURE * (unsure - anywhere)
    reach = np.maximum(scores - LEAST_SCORE, 0) / (_BINS[-1] - LEAST_SCORE)
    return np.stack([anywhere, mixed]), reach**_TAIL


def _most_likely(counts: Doubles, shapes: Doubles) -> Doubles:
    """Returns r x k, how much of k shapes makes each row of r x b counts most likely.

    Args:
        counts: r x b, each a draw from a Poisson distribution
        shapes: k x b, expected counts of one of each
    """
    shapes = shapes + 1e-9
    parts = np.repeat(counts.sum(axis=1, keepdims=True) + 1, len(shapes), axis=1)
    for _ in range(_STEPS):
        expected = np.maximum(parts @ shapes, 1e-9)
        parts = parts * ((counts / expected) @ shapes.T) / shapes.sum(axis=1)
    return parts


def _share(wrong: Doubles, right: Doubles) -> Doubles:
    share: Doubles = wrong / np.maximum(wrong + right, 1e-9)
    return share


def _falling(share: Doubles) -> Doubles:
    """Returns shares of which a lower score has as much as a higher one, at least."""
    falling: Doubles = np.maximum.accumulate(share[::-1])[::-1]
    return falling


def _place(score: float) -> int:
    return int(np.abs(SCORES - score).argmin())


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
    wrong, right = (
        np.maximum(np.diff(below[place], prepend=0), 0)
        for below in (estimate.wrong_below, estimate.right_below)
    )
    chance = _falling(_share(wrong, right))
    group = np.searchsorted(_EDGES, scores, side="right")
    likely: Floats = (chance[np.minimum(group, len(_EDGES) - 1)] * share).astype(
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


def mistaken(
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
