"""Blurs, details and sums of planes, float32[b, side, side]."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .types import Doubles, Floats, Ints, floats

BLOCKS = 8
"""Along each axis, whatever the side."""

_SMALL, _MIDDLING, _WIDE = 32, 64, 2.0
"""Pixels of a side up to which two products of matrices blur faster than OpenCV, and up
to which they do by so wide a Gaussian, in pixels: in 7.5 instead of 15 microseconds by
three pixels, and in 7.5 instead of 9 by one and a half."""

_PIXELS_AT_ONCE = 2**17
"""Of a plane of some pictures: several such planes stay in the cache."""

_NEXT_TO_NOTHING = np.float32(1e-6)


def cached_rows(count: int, side: int) -> Iterator[slice]:
    """Yields the rows of so many pictures that stay in the cache, run by run.

    Args:
        count: of pictures
        side: of each, in pixels
    """
    at_once = max(1, _PIXELS_AT_ONCE // side**2)
    for start in range(0, count, at_once):
        yield slice(start, min(start + at_once, count))


def blur(pictures: Floats, sigma: float) -> Floats:
    """Returns pictures blurred by a Gaussian, mirrored at their edges."""
    side = pictures.shape[1]
    if side <= _SMALL or (side <= _MIDDLING and sigma >= _WIDE):
        across = _blurring(side, sigma)
        return floats(np.matmul(np.matmul(across, pictures), across.T))
    return blur_each(pictures, np.full(len(pictures), sigma))


def blur_each(pictures: Floats, sigmas: Doubles) -> Floats:
    """Returns pictures that are blurred as :func:`blur` does, each by its own sigma.

    Args:
        pictures: float32[b, side, side]
        sigmas: float64[b], in pixels
    """
    smooth = np.empty_like(pictures)
    for row, sigma in enumerate(sigmas.tolist()):
        cv2.GaussianBlur(pictures[row], (0, 0), sigma, smooth[row])
    return smooth


def high_pass(pictures: Floats, sigma: float) -> Floats:
    """Returns the details: what a blur takes away."""
    around = blur(pictures, sigma)
    return np.subtract(pictures, around, out=around)


def gray_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns uint8[h, w]: the brightness of uint8[h, w, 3], RGB."""
    whole = np.ascontiguousarray(picture)
    return np.asarray(cv2.cvtColor(whole, cv2.COLOR_RGB2GRAY), np.uint8)


def level_counts(gray: NDArray[np.uint8], steps: int = 256) -> Ints:
    """Returns int64[steps]: how many pixels have each level, or one of so many equal
    steps of them.

    NumPy makes wide numbers of the levels first, and takes five times as long.

    Args:
        gray: uint8[h, w]
    """
    counts = cv2.calcHist([gray], [0], None, [steps], [0, 256])
    return counts.ravel().astype(np.int64)


def commonest(gray: NDArray[np.uint8], reach: int) -> float:
    """Returns how many pixels lie within so many levels of the commonest level.

    Args:
        gray: uint8[h, w]
        reach: levels
    """
    return float(np.convolve(level_counts(gray), np.ones(2 * reach + 1)).max())


def neighbor_steps(gray: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns float64[256]: the share of steps to the right of so many levels or less.

    Args:
        gray: uint8[h, w]
    """
    steps = np.asarray(cv2.absdiff(gray[:, 1:], gray[:, :-1]), np.uint8)
    shares: NDArray[np.float64] = level_counts(steps).cumsum() / steps.size
    return shares


def masked_high_pass(
    pictures: tuple[Floats, Floats], mask: Floats, sigma: float
) -> tuple[Floats, Floats]:
    """Returns the details inside a mask of 0 and 1, as if nothing lay outside.

    By normalized convolution (Knutsson and Westin, 1993): the edge of a caption, or of
    the empty corner of a tilted picture, would else show in all that lies beside it.

    Args:
        pictures: float32[b, side, side] each
        mask: float32[b, side, side]
        sigma: in pixels, see :func:`high_pass`
    """
    share = np.ones_like(mask)
    partly = np.flatnonzero(~mask.all(axis=(1, 2)))
    share[partly] = blur(mask[partly], sigma) + _NEXT_TO_NOTHING
    one, two = (_beside_what_is_around(each, mask, share, sigma) for each in pictures)
    return one, two


def _beside_what_is_around(
    pictures: Floats, mask: Floats, share: Floats, sigma: float
) -> Floats:
    """Returns the details of pictures, of whose surroundings a share is known."""
    around = blur(pictures * mask, sigma)
    around /= share
    details = np.subtract(pictures, around, out=around)
    details *= mask
    return details


def slopes(pictures: Floats) -> tuple[Floats, Floats]:
    """Returns how fast pictures rise downwards and to the right, a pixel.

    By central differences, as ``np.gradient``, in a third of its time.
    """
    count, side, _ = pictures.shape
    flat, half = pictures.reshape(count, side * side), np.float32(0.5)
    down, right = np.empty_like(flat), np.empty_like(flat)
    np.subtract(flat[:, 2 * side :], flat[:, : -2 * side], out=down[:, side:-side])
    # From row to row as well, instead of which the edges follow
    np.subtract(flat[:, 2:], flat[:, :-2], out=right[:, 1:-1])
    down[:, side:-side] *= half
    right[:, 1:-1] *= half
    result = floats(down.reshape(pictures.shape)), floats(right.reshape(pictures.shape))
    for slope, axis in zip(result, (1, 2), strict=True):
        to, along = np.swapaxes(slope, 1, axis), np.swapaxes(pictures, 1, axis)
        np.subtract(along[:, 1], along[:, 0], out=to[:, 0])
        np.subtract(along[:, -1], along[:, -2], out=to[:, -1])
    return result


def halve(pictures: Floats) -> Floats:
    """Returns float32[b, side / 2, side / 2]: means of 2 x 2 pixels."""
    count, side, _ = pictures.shape
    if not count:
        return np.empty((0, side // 2, side // 2), np.float32)
    # As one tall picture: no square of pixels belongs to two
    size = side // 2, count * (side // 2)
    tall = cv2.resize(pictures.reshape(-1, side), size, interpolation=cv2.INTER_AREA)
    return floats(tall.reshape(count, side // 2, side // 2))


def product_sums(a: Floats, b: Floats) -> Floats:
    """Returns float32[b]: sums over a * b, pixel by pixel."""
    total: Floats = np.einsum("bij,bij->b", a, b)
    return total


def mean_planes(total: Floats, area: Floats) -> Floats:
    """Returns float32[b, 1, 1]: totals over areas, to subtract from planes."""
    return floats(total / area)[:, None, None]


def block_sums(values: Floats) -> Floats:
    """Returns float32[b, 64]: sums over 8 x 8 blocks."""
    return grid_sums(values, BLOCKS).reshape(len(values), BLOCKS**2)


def grid_sums(values: Floats, blocks: int) -> Floats:
    """Returns float32[b, blocks, blocks]: sums over so many blocks along each axis."""
    # A matrix product is three times faster than reshape and sum
    member = _block_members(values.shape[1], blocks)
    return floats(np.matmul(np.matmul(member, values), member.T))


def block_moves(
    inner: Floats, outer: Floats, seen: Floats, blocks: int, noise: float
) -> tuple[Floats, Floats]:
    """Returns by how many pixels each block would have to move to agree.

    One step of Lucas and Kanade (1981) a block, damped by the blocks' own noise.

    Args:
        inner, outer: float32[b, side, side], details that lie on one another
        seen: float32[b, side, side], 0 or 1
        blocks: along each axis
        noise: squared slope, a pixel, that says nothing

    Returns:
        across and down: float32[b, blocks, blocks] each
    """
    slope_y, slope_x = slopes((inner + outer) * np.float32(0.5))
    slope_y *= seen
    slope_x *= seen
    left = inner - outer
    damped = np.float32(noise * (inner.shape[1] // blocks) ** 2)
    across = grid_sums(slope_x * slope_x, blocks) + damped
    along = grid_sums(slope_y * slope_y, blocks) + damped
    mixed = grid_sums(slope_x * slope_y, blocks)
    pull_x = grid_sums(slope_x * left, blocks)
    pull_y = grid_sums(slope_y * left, blocks)
    area = across * along - mixed * mixed
    return (
        floats((along * pull_x - mixed * pull_y) / area),
        floats((across * pull_y - mixed * pull_x) / area),
    )


def row_medians(values: Floats) -> Floats:
    """Returns float32[b, 1]: the median of each row of an even number of values."""
    half = values.shape[1] // 2
    # Seven times as fast as np.median, which partitions rows instead
    middle = np.sort(values, axis=1)[:, half - 1 : half + 1]
    return floats(middle.mean(axis=1, keepdims=True))


def weighted_quantile(values: Floats, weight: Floats, level: float) -> Floats:
    """Returns the weighted quantile of each row: float32[b] of float32[b, d]."""
    share = weight / (weight.sum(axis=1, keepdims=True) + 1e-6)
    # Which of equal ones comes first does not matter
    order = np.argsort(values, axis=1)
    below = np.take_along_axis(share, order, axis=1).cumsum(axis=1) < level
    at = np.minimum(below.sum(axis=1), values.shape[1] - 1)
    ordered = np.take_along_axis(values, order, axis=1)
    return floats(ordered[np.arange(len(values)), at])


@cache
def _blurring(side: int, sigma: float) -> Floats:
    """Returns float32[side, side], whose product with a column blurs it."""
    columns = np.eye(side, dtype=np.float32)
    blurred = [
        cv2.GaussianBlur(column[None], (0, 1), sigma, sigmaY=1) for column in columns
    ]
    return np.ascontiguousarray(np.concatenate(blurred).T)


@cache
def _block_members(side: int, blocks: int) -> Floats:
    """Returns float32[blocks, side], 1 where a row or column belongs to a block."""
    return floats(np.kron(np.eye(blocks), np.ones((1, side // blocks))))
