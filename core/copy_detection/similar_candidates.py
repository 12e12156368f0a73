"""Pairs of pictures that are worth a look since their descriptors are alike."""

from __future__ import annotations

from .types import Bools, Floats

CANDIDATE_NEIGHBORS = 10
"""Neighbors by the embedding that are worth a look.

Measured on the bench (25,000 images, and two sets of 6,000), from a cosine of
0.75 on in the space of the default copy head: 0.994, 1.0 and 0.996 of the
planted near copies are among 56,000, 12,000 and 5,300 pairs.
"""

_NEAREST_MAY_LACK = 0.25
"""By how much less the nearest of all may be alike. Of 400 pairs of 32 pixels, cut and
changed in several ways, among 9,000 others, .745 are alike enough and .8925 are with
it, for 5,700 pairs more; the second nearest adds .0075 for 6,500."""

_FARTHER_MUST_ADD = ((3, 0.05), (5, 0.1))
"""From which neighbor on how much more alike they must be. Of 24,288 scenes 88,000
pairs are compared instead of 154,000, and the same 171 are copies; of the planted
copies of three sets and of 800 pairs of 32 pixels none is lost. If the fourth needed .1
more, one of 720 would be."""


def similar_enough(similarities: Floats, least: float) -> Bools:
    """Returns which neighbors may be copies: bool[q, k].

    All that are alike enough, of which the farther must be more so; and the nearest
    where it is somewhat less: pictures of few pixels that were cut and changed are most
    like one another, and not very.

    Args:
        similarities: float32[q, k], cosines of the descriptors, falling
        least: cosine from which on any may be
    """
    enough: Bools = similarities >= least
    enough[:, :1] |= similarities[:, :1] >= least - _NEAREST_MAY_LACK
    for first, more in _FARTHER_MUST_ADD:
        enough[:, first:] &= similarities[:, first:] >= least + more
    return enough
