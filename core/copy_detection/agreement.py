"""Where two pictures agree, place by place.

A caption or a sticker hides one place of a copy; the rest still agrees in all its
details. Other moments of a scene, filled-in forms and two things on one ground
differ in many places, or agree only where there is nothing to see.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .filters import BLOCKS, block_sums, high_pass
from .signature import GRAY_SIDE
from .tone_curve import Shown, ToneCurve
from .types import Floats, floats

_DETAIL_SIGMA = 3.0
_DETAIL_NOISE = 1.5
_DETAIL_ENERGY = 12.0
"""Gray levels squared, at 64 x 64: a block's own noise, and what has half a say."""

_ALIKE = 0.75
_UNLIKE = 0.5
"""Correlations of blocks that agree and that do not."""

_UNEXPLAINED = 0.35
"""Weight of the tone curve below which a pixel is not explained."""

_PATCH = 3
"""Pixels of 64 x 64."""

_RIM = np.ones((9, 9), np.uint8)
"""Twice as far as from the edge of what is seen, in pixels, empty corners reach."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well the details of pairs agree; float32[b] each.

    Attributes:
        alike: number of 8 x 8 blocks that agree
        unlike: share of blocks with something to see that do not agree
        rest: mean correlation of the details in blocks beside the largest
            unexplained patch, by how much there is to see in each, -1 to 1
        places: number of unexplained patches of three pixels or more that do not
            lie at the edge of what is seen
    """

    alike: Floats
    unlike: Floats
    rest: Floats
    places: Floats


def agreement(shown: Shown, curve: ToneCurve) -> Agreement:
    """Compares the details of pairs that are laid over one another."""
    inner = high_pass(shown.inner, _DETAIL_SIGMA) * shown.seen
    outer = high_pass(shown.outer, _DETAIL_SIGMA) * shown.seen
    outer *= curve.gain[:, None, None]
    # As if the picture of lower contrast had been stretched to the other's
    stretch = np.clip(1 / curve.gain, 1, 3)[:, None, None] ** 2
    area = block_sums(shown.seen) + 1e-6
    square, other = block_sums(inner * inner), block_sums(outer * outer)
    both = block_sums(inner * outer)
    noise = _DETAIL_NOISE * area
    correlation = (both + noise) / np.sqrt((square + noise) * (other + noise))
    energy = np.maximum(square, other) / area * stretch[:, :, 0]
    weight = energy / (energy + _DETAIL_ENERGY)
    weight *= area > 0.3 * (GRAY_SIDE // BLOCKS) ** 2
    total = weight.sum(axis=1) + 1e-6
    places, beside = _patches(curve.fit, shown.seen)
    rest = weight * (block_sums(beside) > 0.5 * area)
    rest_total = rest.sum(axis=1) + 1e-6
    return Agreement(
        alike=floats((weight * (correlation > _ALIKE)).sum(axis=1)),
        unlike=floats((weight * (correlation < _UNLIKE)).sum(axis=1) / total),
        rest=floats((correlation * rest).sum(axis=1) / rest_total),
        places=places,
    )


def _patches(fit: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Counts the unexplained places; returns what lies beside the largest patch."""
    places = np.zeros(len(fit), np.float32)
    beside = seen.copy()
    unexplained = ((fit < _UNEXPLAINED) & (seen > 0)).astype(np.uint8)
    for row in np.flatnonzero(unexplained.any(axis=(1, 2))).tolist():
        _, part, stats, _ = cv2.connectedComponentsWithStats(
            unexplained[row], connectivity=8
        )
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        beside[row][part == largest] = 0
        # The empty corners of a tilted picture lie at the edge of what is seen
        inner = cv2.erode(seen[row], _RIM, borderValue=0) > 0
        middle = np.bincount(part[inner], minlength=len(stats))[1:]
        places[row] = (middle >= _PATCH).sum()
    return places, beside
