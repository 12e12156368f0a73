"""What a closer look compares of a picture: what its margins hold, in more detail."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..common.lazy import lazy
from .filters import gray_of, neighbor_steps
from .local_features import Corners, LocalFeatures, corners_of, local_features
from .signature import GRAY_SIDE, SIGNATURE_SIDE, signatures
from .views import find_margins

_MOST_FRAMES = 3
"""Frames around one another that are left aside, as of a letterbox in a window."""

_LEAST_INSIDE = 8
"""Pixels: what is narrower between its margins shows nothing."""

_TALLEST_BAR, _FLAT_BAR = 10, 14
"""Rows of 64 that a title bar has at most, and gray levels by which it varies."""

_FLAT_STEP = 2
_SHARPEST = 0.98


@dataclass(frozen=True, eq=False)
class CloserPicture:
    """What is compared of a picture: what its margins hold, in more detail.

    Attributes:
        picture: uint8[h, w, 3], RGB
        size: width and height of what is compared, of the picture as it was described
        framed: True if margins were left aside
    """

    picture: NDArray[np.uint8]
    size: tuple[int, int]
    framed: bool

    @lazy
    def corners(self) -> Corners:
        """Its corners."""
        return corners_of(gray_of(self.picture))

    @lazy
    def features(self) -> LocalFeatures:
        """Its local features, which cost twice as much as all the rest."""
        return local_features(gray_of(self.picture))

    @lazy
    def squared(self) -> NDArray[np.uint8]:
        """uint8[128, 128, 3], RGB"""
        return _squared(self.picture)

    @lazy
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
    framed, gray = False, gray_of(picture)
    for _ in range(_MOST_FRAMES):
        box = _inside(gray)
        if box is None:
            break
        left, top, right, low = box
        height, width = gray.shape
        across = slice(round(left * width), max(round(right * width), 1))
        along = slice(round(top * height), max(round(low * height), 1))
        inner = picture[along, across]
        if min(inner.shape[:2]) < _LEAST_INSIDE:
            break
        picture, gray, framed = inner, gray[along, across], True
        size = (
            max(1, round(size[0] * float(right - left))),
            max(1, round(size[1] * float(low - top))),
        )
    return CloserPicture(picture, size, framed)


def _inside(gray: NDArray[np.uint8]) -> tuple[float, ...] | None:
    """Returns what lies between margins, below a title bar if there is one.

    Args:
        gray: uint8[h, w]

    Returns:
        left, top, right and lower edge, in frames; None without margins
    """
    small = _resized(gray)
    margins = find_margins(small[None])
    if margins.found[0]:
        return tuple(margins.box[0].tolist())
    height, bar = len(gray), _title_bar(small)
    start = round(bar / GRAY_SIDE * height)
    if not 0 < start < height - _LEAST_INSIDE:
        return None
    margins = find_margins(_resized(gray[start:])[None])
    left, top, right, low = margins.box[0].tolist()
    if not margins.found[0] or top == 0:
        return None
    below = 1 - start / height
    return left, 1 - below * (1 - top), right, 1 - below * (1 - low)


def _title_bar(small: NDArray[np.uint8]) -> int:
    """Returns how many rows of a square picture are a window's title bar, 0 for none.

    It is plain but for a few words on the left, and a plain row ends it.
    """
    top = small[: _TALLEST_BAR + 2]
    bare = np.ptp(top, axis=1) <= _FLAT_BAR
    plain = np.ptp(top[:, GRAY_SIDE // 2 :], axis=1) <= _FLAT_BAR
    level = top[:, -1].astype(np.int16)
    plain &= np.abs(level - level[0]) <= _FLAT_BAR
    rows = int(np.minimum.accumulate(plain).sum())
    if not 0 < rows <= _TALLEST_BAR:
        return 0
    # Below words; of another tone than the bar, after a row of both
    ends = [row for row in range(1, rows + 2) if not bare[: min(row, rows)].all()]
    return next((end for end in ends if bare[end]), 0)


def _resized(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    how = cv2.INTER_AREA if min(gray.shape) >= GRAY_SIDE else cv2.INTER_LINEAR
    side = (GRAY_SIDE, GRAY_SIDE)
    return np.asarray(cv2.resize(gray, side, interpolation=how), np.uint8)


def _squared(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = min(picture.shape[:2]) >= SIGNATURE_SIDE
    how = cv2.INTER_AREA if large else cv2.INTER_LINEAR
    side = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    whole = np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(whole, side, interpolation=how), np.uint8)
