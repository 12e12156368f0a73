"""Whether a part of a picture differs from another one of the same camera.

What an embedding says of two pictures as a whole hides a small thing that came or went
between them. Here the brightness of overlapping parts is compared, each a sixteenth of
the width and the height.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .signature import GRAY_SIDE, brightness_of
from .types import Floats, Signatures

MIN_PART_CHANGE = 16.0
"""Gray levels by which a part differs where something came or went. By the noise of a
fixed camera parts differ by up to 11, by a car of which a bit of the roof is left by
24, by people of a tenth of the height by 50 to 160."""

_SIDE = 4
"""Of a part, in pixels of a signature."""

_ROWS_AT_ONCE = 4096

Levels = NDArray[np.int16]


def part_levels(signatures: Signatures) -> Levels:
    """Returns how bright the parts of pictures are, beside the whole picture.

    Args:
        signatures: of n pictures

    Returns:
        int16[n, p], sixteenths of gray levels above the mean of the picture; parts
        overlap by half
    """
    found = [np.empty((0, _part_count()), np.int16)]
    for start in range(0, len(signatures), _ROWS_AT_ONCE):
        gray = brightness_of(signatures[start : start + _ROWS_AT_ONCE])
        # By adding slices: NumPy reduces short axes ten times slower
        cells = _pairs_added(gray.astype(np.int16))
        shifted = cells[:, 1:-1, 1:-1]
        sums = [_pairs_added(one).reshape(len(gray), -1) for one in (cells, shifted)]
        whole = sums[0].mean(axis=1, dtype=np.float32).round().astype(np.int16)
        found.append(np.concatenate(sums, axis=1) - whole[:, None])
    return np.concatenate(found)


def part_change(levels: Levels, other: Levels) -> Floats:
    """Returns by how much the part differs that differs most.

    Args:
        levels: int16[n, p], see :func:`part_levels`
        other: int16[p], of the picture that they are compared with

    Returns:
        float32[n], gray levels
    """
    apart = np.abs(levels - other).max(axis=1, initial=0)
    change: Floats = apart.astype(np.float32) / _SIDE**2
    return change


def _pairs_added(levels: Levels) -> Levels:
    """Returns the sums of two by two: int16[n, h / 2, w / 2]."""
    rows = levels[:, ::2] + levels[:, 1::2]
    sums: Levels = rows[:, :, ::2] + rows[:, :, 1::2]
    return sums


def _part_count() -> int:
    across = GRAY_SIDE // _SIDE
    return across**2 + (across - 1) ** 2
