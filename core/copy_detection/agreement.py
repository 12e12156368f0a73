"""Where two pictures agree, place by place.

A caption or a sticker hides one place of a copy; the rest still agrees in all its
details. Other moments of a scene, filled-in forms and two things on one ground
differ in many places, or agree only where there is nothing to see.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .filters import (
    BLOCKS,
    block_moves,
    block_sums,
    masked_high_pass,
    weighted_quantile,
)
from .signature import GRAY_SIDE
from .tone_curve import Shown, ToneCurve
from .types import Bools, Floats, Ints, floats

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

_LONGEST_MOVE = 2.0
"""Pixels: beyond, one step says nothing."""

_AROUND = np.ones((3, 3), np.uint8)
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
        patch: share of what is seen that the largest unexplained patch covers
        inward: pixels of 64 x 64 from that patch to the nearest edge of the frame
        scattered: share of what is seen that the other patches cover
        least_alike: correlation that three quarters of the blocks exceed, by how
            much there is to see in each, -1 to 1
        detail: log of the number of blocks with something to see
        one_sided: how far all unexplained places differ in one direction, brighter or
            darker, 0 to 1; a mark laid over a picture does so everywhere
        spread: share of the 8 x 8 blocks in which something is unexplained
        drift: pixels of 64 x 64 that four fifths of the blocks would have to move
            at most to agree; views and moments of a scene move apart, copies do not
        bare, bare_alike, bare_unlike, bare_least: the mean correlation, then the same
            as ``alike``, ``unlike`` and ``least_alike``, of what is explained alone,
            as if the rest were covered in both
    """

    alike: Floats
    unlike: Floats
    rest: Floats
    places: Floats
    patch: Floats
    inward: Floats
    scattered: Floats
    least_alike: Floats
    detail: Floats
    one_sided: Floats
    spread: Floats
    drift: Floats
    bare: Floats
    bare_alike: Floats
    bare_unlike: Floats
    bare_least: Floats


def agreement(shown: Shown, curve: ToneCurve) -> Agreement:
    """Compares the details of pairs that are laid over one another."""
    unexplained = (curve.fit < _UNEXPLAINED) & (shown.seen > 0)
    places, patch, inward, scattered, beside = _patches(unexplained, shown.seen)
    error = curve.error * unexplained
    sides = np.abs(error.sum(axis=(1, 2))) / (np.abs(error).sum(axis=(1, 2)) + 1e-6)
    details = _details(shown.inner, shown.outer, curve.gain, shown.seen)
    seen = _blocks(*details, curve.gain, shown.seen)
    # Where all is explained nothing is left out
    differs = np.flatnonzero(unexplained.any(axis=(1, 2)))
    explained = shown.seen[differs] * ~_widened(unexplained[differs])
    gain = curve.gain[differs]
    some = _details(shown.inner[differs], shown.outer[differs], gain, explained)
    bare = seen.with_rows(differs, _blocks(*some, gain, explained))
    rest = seen.weight * (block_sums(beside) > 0.5 * block_sums(shown.seen))
    return Agreement(
        alike=seen.alike(),
        unlike=seen.unlike(),
        rest=_mean(seen.correlation, rest),
        places=places,
        patch=patch,
        inward=inward,
        scattered=scattered,
        least_alike=weighted_quantile(seen.correlation, seen.weight, 0.25),
        detail=floats(np.log1p(seen.weight.sum(axis=1))),
        one_sided=floats(sides),
        spread=floats((block_sums(floats(unexplained)) > 0).mean(axis=1)),
        drift=weighted_quantile(_moves(*details, shown.seen), seen.weight, 0.8),
        bare=_mean(bare.correlation, bare.weight),
        bare_alike=bare.alike(),
        bare_unlike=bare.unlike(),
        bare_least=weighted_quantile(bare.correlation, bare.weight, 0.25),
    )


@dataclass(frozen=True, eq=False)
class _Blocks:
    """What is to be seen in 8 x 8 blocks; float32[b, 64] each.

    Attributes:
        correlation: of the details, -1 to 1
        weight: how much there is to see, 0 to 1
    """

    correlation: Floats
    weight: Floats

    def with_rows(self, rows: Ints, others: _Blocks) -> _Blocks:
        """Returns these blocks with others in place of some pairs'."""
        correlation, weight = self.correlation.copy(), self.weight.copy()
        correlation[rows], weight[rows] = others.correlation, others.weight
        return _Blocks(correlation, weight)

    def alike(self) -> Floats:
        return floats((self.weight * (self.correlation > _ALIKE)).sum(axis=1))

    def unlike(self) -> Floats:
        return _mean(floats(self.correlation < _UNLIKE), self.weight)


def _details(
    inner: Floats, outer: Floats, gain: Floats, mask: Floats
) -> tuple[Floats, Floats]:
    """Returns what a mask leaves of both, of the same contrast: float32[b, 64, 64]."""
    inner, outer = masked_high_pass((inner, outer), mask, _DETAIL_SIGMA)
    outer *= gain[:, None, None]
    return inner, outer


def _blocks(inner: Floats, outer: Floats, gain: Floats, mask: Floats) -> _Blocks:
    """Compares the details of what a mask, float32[b, 64, 64], leaves to be seen."""
    # As if the picture of lower contrast had been stretched to the other's
    stretch = np.clip(1 / gain, 1, 3)[:, None] ** 2
    area = block_sums(mask) + 1e-6
    square, other = block_sums(inner * inner), block_sums(outer * outer)
    noise = _DETAIL_NOISE * area
    correlation = (block_sums(inner * outer) + noise) / np.sqrt(
        (square + noise) * (other + noise)
    )
    energy = np.maximum(square, other) / area * stretch
    weight = energy / (energy + _DETAIL_ENERGY)
    weight *= area > 0.3 * (GRAY_SIDE // BLOCKS) ** 2
    return _Blocks(floats(correlation), floats(weight))


def _mean(values: Floats, weight: Floats) -> Floats:
    total = weight.sum(axis=1) + 1e-6
    return floats((values * weight).sum(axis=1) / total)


def _widened(where: Bools) -> Bools:
    """Takes in the pixels around each, which are a blend: bool[b, 64, 64]."""
    wide = [cv2.dilate(picture.astype(np.uint8), _AROUND) for picture in where]
    result: Bools = np.array(wide, np.uint8).reshape(where.shape) > 0
    return result


def _moves(inner: Floats, outer: Floats, seen: Floats) -> Floats:
    """Returns by how many pixels each block would have to move: float32[b, 64]."""
    moves = block_moves(inner, outer, seen, BLOCKS, _DETAIL_NOISE / 4)
    far = np.minimum(np.hypot(*moves), _LONGEST_MOVE)
    return floats(far.reshape(len(inner), BLOCKS**2))


def _patches(where: Bools, seen: Floats) -> tuple[Floats, ...]:
    """Looks at the places that the tone curve does not explain.

    Args:
        where: bool[b, 64, 64], those places
        seen: float32[b, 64, 64], 0 or 1

    Returns:
        float32[b]: their number, the share of what is seen that the largest covers,
        how far it is from the frame, and the share that the others cover;
        float32[b, 64, 64]: what lies beside the largest
    """
    places, largest, inward, others = np.zeros((4, len(where)), np.float32)
    beside = seen.copy()
    unexplained = where.astype(np.uint8)
    for row in np.flatnonzero(unexplained.any(axis=(1, 2))).tolist():
        _, part, stats, _ = cv2.connectedComponentsWithStats(
            unexplained[row], connectivity=8
        )
        areas = stats[1:, cv2.CC_STAT_AREA]
        most = int(areas.argmax())
        beside[row][part == 1 + most] = 0
        largest[row], others[row] = areas[most], areas.sum() - areas[most]
        left, top, wide, tall = stats[1 + most, :4].tolist()
        ends = GRAY_SIDE - left - wide, GRAY_SIDE - top - tall
        inward[row] = min(left, top, *ends)
        if areas[most] < _PATCH:
            continue
        # The empty corners of a tilted picture lie at the edge of what is seen
        inner = cv2.erode(seen[row], _RIM, borderValue=0) > 0
        middle = np.bincount(part[inner], minlength=len(stats))[1:]
        places[row] = (middle >= _PATCH).sum()
    area = seen.sum(axis=(1, 2)) + np.float32(1e-6)
    return places, floats(largest / area), inward, floats(others / area), beside
