"""What a closer look compares of a picture: what its margins hold, in more detail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from .filters import gray_of, neighbor_steps
from .local_features import Corners, LocalFeatures, corners_of, local_features
from .signature import GRAY_SIDE, SIGNATURE_SIDE, signatures
from .views import find_margins

_MOST_FRAMES = 3
"""Frames around one another that are left aside, as of a letterbox in a window."""

_LEAST_INSIDE = 8
"""Pixels: what is narrower between its margins shows nothing."""

_FLAT_STEP = 2
_SHARPEST = 0.98


@dataclass(frozen=True, eq=False)
class CloserPicture:
    """What is compared of a picture: what its margins hold, in more detail.

    Attributes:
        picture: uint8[h, w, 3], RGB
        size: width and height of what is compared, of the picture as it was described
        framed: True if margins were left aside
        corners: its corners
    """

    picture: NDArray[np.uint8]
    size: tuple[int, int]
    framed: bool
    corners: Corners

    @cached_property
    def features(self) -> LocalFeatures:
        """Its local features, which cost five times as much as all the rest."""
        return local_features(gray_of(self.picture))

    @cached_property
    def squared(self) -> NDArray[np.uint8]:
        """uint8[128, 128, 3], RGB"""
        return _squared(self.picture)

    @cached_property
    def shown(self) -> Shown:
        """What lies on another picture is compared by."""
        squared, gray = self.squared, gray_of(self.squared)
        share = neighbor_steps(gray)
        return Shown(
            signature=signatures(squared[None])[0],
            gray=gray,
            flat=float(share[_FLAT_STEP]),
            edges=float(np.log1p(np.searchsorted(share, _SHARPEST))),
        )


@dataclass(frozen=True, eq=False)
class Shown:
    """What a picture shows at 128 x 128.

    Attributes:
        signature: uint8[4608]
        gray: uint8[128, 128]
        flat: share of neighboring pixels that differ by 2 gray levels at most
        edges: log of the gray levels by which one in fifty differs at least; drawings
            have both, soft photographs the first alone
    """

    signature: NDArray[np.uint8]
    gray: NDArray[np.uint8]
    flat: float
    edges: float


def closer_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> CloserPicture:
    """Prepares a picture.

    Args:
        picture: uint8[h, w, 3], RGB, upright
        size: width and height that are known of it, in pixels
    """
    framed, side = False, (GRAY_SIDE, GRAY_SIDE)
    gray = gray_of(picture)
    for _ in range(_MOST_FRAMES):
        how = cv2.INTER_AREA if min(gray.shape) >= GRAY_SIDE else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(gray, side, interpolation=how), np.uint8)
        margins = find_margins(small[None])
        left, top, right, low = margins.box[0]
        height, width = gray.shape
        across = slice(round(left * width), max(round(right * width), 1))
        along = slice(round(top * height), max(round(low * height), 1))
        inner = picture[along, across]
        if not margins.found[0] or min(inner.shape[:2]) < _LEAST_INSIDE:
            break
        picture, gray, framed = inner, gray[along, across], True
        size = (
            max(1, round(size[0] * float(right - left))),
            max(1, round(size[1] * float(low - top))),
        )
    return CloserPicture(picture, size, framed, corners_of(gray))


def _squared(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = min(picture.shape[:2]) >= SIGNATURE_SIDE
    how = cv2.INTER_AREA if large else cv2.INTER_LINEAR
    side = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    whole = np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(whole, side, interpolation=how), np.uint8)
