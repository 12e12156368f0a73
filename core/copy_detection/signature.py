"""What is kept of a picture to compare it later: 4,608 bytes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIGNATURE_SIDE = 128
"""Pixels of the square that a signature is made from."""

GRAY_SIDE = 64
COLOR_SIDE = 16
"""Pixels of the square of brightness, and of those of both color differences."""

_SIDES = (GRAY_SIDE, COLOR_SIDE, COLOR_SIDE)
SIGNATURE_BYTES = GRAY_SIDE**2 + 2 * COLOR_SIDE**2
SIGNATURE_VERSION = 1


def brightness_of(signatures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns uint8[b, 64, 64], the brightness in signatures, uint8[b, 4608]."""
    return signatures[:, : GRAY_SIDE**2].reshape(-1, GRAY_SIDE, GRAY_SIDE)


def signatures(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns what :func:`~core.copy_detection.verify_pairs` needs to know of each
    picture.

    Args:
        pixels: uint8[b, 128, 128, 3], RGB, the whole picture squashed to a
            square

    Returns:
        uint8[b, 4608]: brightness, then red and blue difference, row by row
    """
    result = np.empty((len(pixels), SIGNATURE_BYTES), np.uint8)
    ycrcb = np.empty((SIGNATURE_SIDE, SIGNATURE_SIDE, 3), np.uint8)
    # Plane by plane: OpenCV shrinks two channels at once ten times slower. Into planes
    # that are there: OpenCV splits into new ones eight times slower
    planes = [np.empty(ycrcb.shape[:2], np.uint8) for _ in _SIDES]
    for picture, signature in zip(pixels, result, strict=True):
        split = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb, ycrcb), planes)
        end = 0
        for plane, side in zip(split, _SIDES, strict=True):
            start, end = end, end + side * side
            small = signature[start:end].reshape(side, side)
            cv2.resize(plane, (side, side), small, interpolation=cv2.INTER_AREA)
    return result
