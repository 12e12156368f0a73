"""Pairs that look more alike once one of the two is tilted by a few degrees.

The search by windows does not tilt: fine lines then lie beside one another everywhere,
and what is black in the corners moves the embedding away from the original. Here a disc
of each picture is tilted about its middle and laid over that of the other.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..common.pairs import used_in
from .filters import grid_sums
from .signature import brightness_of
from .types import Floats, Signatures, floats

_SIDE, _AROUND, _RADIUS = 32, 3.0, 0.42
_DEGREES = (-7.5, -5.0, -2.5, 2.5, 5.0, 7.5)
"""Pixels a side, sigma of what lies around a detail, in pixels, radius of the disc, in
sides, and degrees that it is tilted by."""

_COARSE_SIDE = 16
_LEAST_STRAIGHT = 0.4
"""Pixels a side, and correlation of two pictures as they are from which on they are
tilted: of 28 tilted copies of 6,096 photographs that a scan refuses all have as much,
and 752 of 10,455 other pairs."""

_FAINT = 0.5
"""Length of the details of a picture beside its side that says next to nothing."""

Vectors = NDArray[np.float32]


def tilted_likeness(signatures: Signatures, pairs: NDArray[np.integer]) -> Floats:
    """Returns how much two pictures look alike if one is tilted a little.

    Args:
        signatures: uint8[m, 4608]
        pairs: int[p, 2] of the pictures, a few thousand at most

    Returns:
        float32[p], -1 to 3: the largest correlation of the details of two discs, one of
        them tilted by 2.5 to 7.5 degrees, and by how much that is more than as they
        are; 0 where these hardly agree
    """
    result = np.zeros(len(pairs), np.float32)
    used, ends = used_in(pairs)
    coarse = _in_disc(_details(_small(signatures[used], _COARSE_SIDE)))
    rows = np.flatnonzero(_agreement(coarse, coarse, ends) >= _LEAST_STRAIGHT)
    used, ends = used_in(pairs[rows])
    details = _details(_small(signatures[used], _SIDE))
    straight = _in_disc(details)
    as_they_are = _agreement(straight, straight, ends)
    best = np.full(len(rows), -1, np.float32)
    for degrees in _DEGREES:
        tilted = _in_disc(_tilted(details, degrees))
        best = np.maximum(best, _agreement(tilted, straight, ends))
    result[rows] = best + (best - as_they_are)
    return result


def _small(signatures: NDArray[np.uint8], side: int) -> Floats:
    brightness = floats(brightness_of(signatures))
    return floats(grid_sums(brightness, side) / (brightness.shape[1] / side) ** 2)


def _details(pictures: Floats) -> Floats:
    """Returns what differs from what lies around: float32[m, side, side]."""
    sigma = _AROUND * pictures.shape[1] / _SIDE
    result = np.empty_like(pictures)
    for one, detail in zip(pictures, result, strict=True):
        detail[:] = one - cv2.GaussianBlur(one, (0, 0), sigma)
    return result


def _tilted(details: Floats, degrees: float) -> Floats:
    side = details.shape[1]
    tilt = cv2.getRotationMatrix2D(((side - 1) / 2,) * 2, degrees, 1)
    result = np.empty_like(details)
    for one, tilted in zip(details, result, strict=True):
        tilted[:] = cv2.warpAffine(one, tilt, (side, side))
    return result


def _in_disc(details: Floats) -> Vectors:
    """Returns float32[m, d], what lies in the disc as vectors of length 1 or less."""
    side = details.shape[1]
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    vectors = details[:, np.hypot(y, x) <= _RADIUS * side]
    vectors -= vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return floats(vectors / (lengths + _FAINT * side))


def _agreement(one: Vectors, other: Vectors, ends: NDArray[np.int64]) -> Floats:
    return floats(np.einsum("ij,ij->i", one[ends[:, 0]], other[ends[:, 1]]))
