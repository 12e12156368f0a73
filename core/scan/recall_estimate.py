"""What a threshold on the copy score means on the person's own images.

A sample of the pictures is copied, see :mod:`core.scan.copy_trial`: in sixteen known
ways, and with two to five changes at once, each at the size of a picture of the set.
The copies go through what every picture goes through: embedding, search,
comparison. The share of them that is found with their original is the recall to expect
(the "known copies against known non-copies" of detector calibration). Of what kind the
copies of a set are nobody knows, so three shares are told, each with its 95 % interval.

Which pictures are *no* copies nobody knows without labels, but some pairs are
sure: where the search proposes a made copy of A together with another picture
B, and A and B themselves, compared untouched, clearly differ. How many of these
pairs pass tells what the changes hide. It says nothing of look-alikes (two flags
that differ in a color), which score high untouched: the rate is a lower bound.

Measured on scenes of 150 pixels, photographs of 1,000, things of 32 and blood cells,
in which copies were planted by another generator, with one picture in 100 copied, where
it is one in 200 now: 10 of 12 shares lie in the interval.
One change .92, .91, .84, .83 (told: .70 to .95, .78 to .97, .50 to .89, .51 to .91);
two to five .77, .92, .46, .77 (.47 to .78, .35 to .78, .31 to .69, .39 to .81); with
something over or around them .34, .39, .13, .27 (.19 to .57, .05 to .45, .05 to .33,
.01 to .26). More than was told is found in the two others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..copy_detection.augmentations import AUGMENTATIONS, COVERED, UNCOVERED

_SURE = 0.975
"""Probability that the recall is below the upper end of its interval, and, likewise,
above the lower one."""

ACCEPTED_FALSE_RATE = 0.001
"""The share of known non-copies that a calibrated threshold lets pass at most."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CopyScores:
    """How known copies and known non-copies score.

    Attributes:
        copy_scores: float32[s, c], the score of each made copy against its
            original, a column a name of
            :data:`~core.copy_detection.augmentations.AUGMENTATIONS`; 0 where the
            search did not propose the pair
        composed_scores: float32[s, d], the same of copies with several changes
        covered_scores: float32[s, e], of those, with something over or around them
        negative_scores: float32[q], the scores of known non-copies
    """

    copy_scores: Floats
    composed_scores: Floats
    covered_scores: Floats
    negative_scores: Floats


NO_COPY_SCORES = CopyScores(
    np.zeros((0, len(AUGMENTATIONS)), np.float32),
    np.zeros((0, UNCOVERED), np.float32),
    np.zeros((0, COVERED), np.float32),
    np.zeros(0, np.float32),
)


def expected_recall(estimate: CopyScores, min_score: float) -> dict[str, float]:
    """Returns the share of made copies that is found, by change.

    Empty if none was made.
    """
    if not len(estimate.copy_scores):
        return {}
    found = (estimate.copy_scores >= np.float32(min_score)).mean(axis=0)
    return dict(zip(AUGMENTATIONS, found.tolist(), strict=True))


def recall_interval(
    scores: Floats, min_score: float, *, by_kind: bool
) -> tuple[float, float, float]:
    """Returns the share of made copies that is found, and its 95 % interval.

    Copies of one picture are found or missed together, so pictures are what is drawn,
    and so are kinds of change, since nobody knows which a set has: the score interval
    of Wilson (1927) with the effective number of copies (Kish, Survey sampling, 1965)
    and the quantile of Student's t.

    Args:
        scores: float32[s, c], s at least 1, of c copies of each picture
        min_score: the threshold
        by_kind: whether each column is a kind of change

    Returns:
        share, lower and upper end
    """
    # Imported here: few callers of this module need it
    from scipy.special import stdtrit

    found = scores >= np.float32(min_score)
    share, degrees = float(found.mean()), max(len(found) - 1, 1)
    variance = float(found.mean(axis=1).var() / degrees)
    if by_kind:
        variance += float(found.mean(axis=0).var() / max(found.shape[1] - 1, 1))
    spread = share * (1 - share)
    count = min(scores.size, spread / variance) if variance else float(scores.size)
    if not spread:
        count = len(found)
    quantile = float(stdtrit(degrees, _SURE)) ** 2 / count
    middle = (share + quantile / 2) / (1 + quantile)
    half = np.sqrt(quantile * (spread + quantile / 4)) / (1 + quantile)
    return share, max(0.0, float(middle - half)), min(1.0, float(middle + half))


def false_rate(estimate: CopyScores, min_score: float) -> float | None:
    """Returns the share of known non-copies that passes; None without any."""
    if not len(estimate.negative_scores):
        return None
    return float((estimate.negative_scores >= np.float32(min_score)).mean())


def calibrated_score(estimate: CopyScores, min_score: float) -> float:
    """Raises a threshold until few enough of the known non-copies pass.

    Few enough is :data:`ACCEPTED_FALSE_RATE`, but one pair is no share: up to
    one may pass. It is never lowered, because look-alikes, of which the estimate
    knows nothing, would pass first.
    """
    allowed = max(1, int(ACCEPTED_FALSE_RATE * len(estimate.negative_scores)))
    scores = np.sort(estimate.negative_scores)[::-1]
    if len(scores) <= allowed or scores[allowed] < np.float32(min_score):
        return min_score
    above = float(np.nextafter(scores[allowed], np.float32(2)))
    return min(1.0, float(np.ceil(above * 1000) / 1000))
