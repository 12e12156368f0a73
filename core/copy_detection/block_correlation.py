"""The second test: whether the details are in the same places.

By normalized cross-correlation of small blocks (Lewis, Fast Template Matching,
1995), each for itself, so that a change in one place costs only that place.
"""

from __future__ import annotations

import numpy as np

from .filters import BLOCKS, block_sums, cached_rows
from .overlays import inside, sample
from .types import Doubles, Floats, floats

_DETAIL_NOISE = 1.0
_DETAIL_ENERGY = 20.0
"""Gray levels squared, at 32 x 32: what a block's own noise amounts to, and
from where on a block has a full say."""


def detail_correlation(inner: Floats, outer: Floats, warp: Doubles) -> Floats:
    """Returns the mean correlation of details in 8 x 8 blocks, in [-1, 1].

    Blocks count by how much there is to see in them, so that a text laid
    over a picture costs no more than its own blocks, and blank skies count
    for nothing.
    """
    result = np.empty(len(warp), np.float32)
    for rows in cached_rows(len(warp), inner.shape[1]):
        result[rows] = _detail_correlation(inner[rows], outer[rows], warp[rows])
    return result


def _detail_correlation(inner: Floats, outer: Floats, warp: Doubles) -> Floats:
    """Does what :func:`detail_correlation` says for a few pairs."""
    side = inner.shape[1]
    seen = inside(warp, side, 0.5)
    moved = sample(outer, warp)
    area = block_sums(seen)
    part = inner * seen
    square = block_sums(part * inner)
    both = block_sums(np.multiply(part, moved, out=part))
    moved_square = block_sums(np.multiply(moved, moved, out=moved) * seen)
    mean = _mean_correlation(square, both, moved_square, area, side)
    return floats(np.where(seen.mean(axis=(1, 2)) < 0.5, -1, mean))


def still_correlation(inner: Floats, outer: Floats) -> Floats:
    """Returns what :func:`detail_correlation` does of frames that do not move."""
    side = inner.shape[1]
    square, both, other = np.empty((3, len(inner), BLOCKS**2), np.float32)
    for rows in cached_rows(len(inner), side):
        one, two = inner[rows], outer[rows]
        product = one * one
        square[rows] = block_sums(product)
        both[rows] = block_sums(np.multiply(one, two, out=product))
        other[rows] = block_sums(np.multiply(two, two, out=product))
    area = np.full_like(square, (side // BLOCKS) ** 2)
    return floats(_mean_correlation(square, both, other, area, side))


def _mean_correlation(
    square: Floats, both: Floats, other: Floats, area: Floats, side: int
) -> Doubles:
    """Returns the mean correlation of sums over blocks, float32[b, 64] each."""
    noise = _DETAIL_NOISE * area
    correlation = (both + noise) / np.sqrt((square + noise) * (other + noise) + 1e-6)
    energy = np.maximum(square, other) / (area + 1e-6)
    weight = energy / (energy + _DETAIL_ENERGY)
    weight *= area > 0.5 * (side // BLOCKS) ** 2
    mean: Doubles = (correlation * weight).sum(axis=1) / (weight.sum(axis=1) + 1e-6)
    return mean
