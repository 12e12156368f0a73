"""The pictures of a batch, read from their signatures, at several sizes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..common.lazy import lazy
from .filters import BLOCKS, block_sums, cached_rows, halve, high_pass, level_counts
from .signature import COLOR_SIDE, GRAY_SIDE, brightness_of
from .types import Bools, Floats, Ints, floats

_VISIBLE_DETAIL = 4.0
_LEAST_BLOCKS = 3
"""Of 36 blocks, how many must vary by 2 gray levels. A tone curve turns any sky
into any other; all but 1 of 1,322 planted copies found show more."""

_TONE_STEPS = 32
"""Of eight gray levels each."""

WHITE = 255.0
DETAIL_SIGMA = 3.0
"""Pixels: what a blur of this width takes away counts as detail."""


class Pictures:
    """Some pictures at several sizes, each made when it is first asked for.

    Every plane is float32[m, side, side]; ``color`` is float32[m, 2, 16, 16].
    """

    def __init__(self, signatures: NDArray[np.uint8], sizes: NDArray[np.int32]) -> None:
        self.signatures = signatures
        self.sizes = sizes

    def with_others(
        self, signatures: NDArray[np.uint8], sizes: NDArray[np.int32]
    ) -> Pictures:
        """Returns these pictures, then others."""
        return Pictures(
            np.concatenate([self.signatures, signatures]),
            np.concatenate([self.sizes, sizes]),
        )

    def at(self, rows: Ints | slice) -> Pictures:
        return Pictures(self.signatures[rows], self.sizes[rows])

    @lazy
    def gray(self) -> Floats:
        return floats(brightness_of(self.signatures))

    @lazy
    def gray32(self) -> Floats:
        result = np.empty((len(self.sizes), GRAY_SIDE // 2, GRAY_SIDE // 2), np.float32)
        for rows in cached_rows(len(result), GRAY_SIDE):
            result[rows] = halve(floats(brightness_of(self.signatures[rows])))
        return result

    @lazy
    def gray16(self) -> Floats:
        return halve(self.gray32)

    @lazy
    def detail(self) -> Floats:
        return high_pass(self.gray, DETAIL_SIGMA)

    @lazy
    def detail32(self) -> Floats:
        result = np.empty_like(self.gray32)
        for rows in cached_rows(len(result), GRAY_SIDE // 2):
            result[rows] = high_pass(self.gray32[rows], DETAIL_SIGMA)
        return result

    @lazy
    def shows_something(self) -> Bools:
        """bool[m], False for blank walls and skies, which are all alike."""
        size = 32 // BLOCKS
        energy = np.empty((len(self.sizes), BLOCKS**2), np.float32)
        for rows in cached_rows(len(energy), GRAY_SIDE // 2):
            energy[rows] = block_sums(self.detail32[rows] ** 2)
        # A slope leaves details at the border only
        blocks = energy.reshape(-1, BLOCKS, BLOCKS)
        inside = blocks[:, 1:-1, 1:-1] > _VISIBLE_DETAIL * size**2
        shows: Bools = inside.sum(axis=(1, 2)) >= _LEAST_BLOCKS
        return shows

    @lazy
    def color(self) -> Floats:
        planes = floats(self.signatures[:, GRAY_SIDE**2 :]) - np.float32(128)
        return floats(planes.reshape(-1, 2, COLOR_SIDE, COLOR_SIDE))

    @lazy
    def tones(self) -> Floats:
        return tones_of(self.signatures)


def is_blank(signatures: NDArray[np.uint8]) -> Bools:
    """Returns which pictures show next to nothing: bool[m] of uint8[m, 4608]."""
    shows = Pictures(signatures, np.ones((len(signatures), 2), np.int32))
    blank: Bools = ~shows.shows_something
    return blank


def tones_of(signatures: NDArray[np.uint8]) -> Floats:
    """Returns log(1 + number of tones), the number by the entropy of 32 steps."""
    counts = np.zeros((len(signatures), _TONE_STEPS), np.int64)
    for row, gray in enumerate(brightness_of(signatures)):
        counts[row] = level_counts(gray, _TONE_STEPS)
    share = counts / GRAY_SIDE**2
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    return floats(np.log1p(np.exp(-(share * logs).sum(axis=1))))
