"""Blurs, details and sums of planes, float32[b, side, side]."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from .types import Floats, floats

BLOCKS = 8
"""Along each axis, whatever the side."""


def blur(pictures: Floats, sigma: float) -> Floats:
    smooth = np.empty_like(pictures)
    for picture, target in zip(pictures, smooth, strict=True):
        cv2.GaussianBlur(picture, (0, 0), sigma, target)
    return smooth


def high_pass(pictures: Floats, sigma: float) -> Floats:
    """Returns the details: what a blur takes away."""
    return pictures - blur(pictures, sigma)


def halve(pictures: Floats) -> Floats:
    """Returns float32[b, side / 2, side / 2]: means of 2 x 2 pixels."""
    rows = pictures[:, ::2] + pictures[:, 1::2]
    return floats((rows[:, :, ::2] + rows[:, :, 1::2]) * np.float32(0.25))


def product_sums(a: Floats, b: Floats) -> Floats:
    """Returns float32[b]: sums over a * b, pixel by pixel."""
    total: Floats = np.einsum("bij,bij->b", a, b)
    return total


def mean_planes(total: Floats, area: Floats) -> Floats:
    """Returns float32[b, 1, 1]: totals over areas, to subtract from planes."""
    return floats(total / area)[:, None, None]


def block_sums(values: Floats) -> Floats:
    """Returns float32[b, 64]: sums over 8 x 8 blocks."""
    # A matrix product is three times faster than reshape and sum
    member = _block_members(values.shape[1])
    sums = np.matmul(np.matmul(member, values), member.T)
    return floats(sums.reshape(len(values), BLOCKS**2))


@cache
def _block_members(side: int) -> Floats:
    """Returns float32[8, side], 1 where a row or column belongs to a block."""
    return floats(np.kron(np.eye(BLOCKS), np.ones((1, side // BLOCKS))))
