"""How pictures lie over one another: a turn, then an affine map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np

from .orientations import turn_each
from .types import Bools, Doubles, Floats, Ints, floats

STILL = np.eye(2, 3)
"""The map of a frame that does not move."""

_LEVEL = 1e-12
_SLACK = 1e-9
"""A slope that is none, in frames a frame, and how far outside a frame is inside."""


@dataclass(frozen=True, eq=False)
class Overlays:
    """How the pictures of each pair lie over one another.

    Attributes:
        inner: int64[b], picture whose whole frame is looked for
        outer: int64[b], picture that it is looked for in
        turn: int64[b], how the inner picture is turned first
        warp: float64[b, 2, 3], affine map of the frame of the turned inner
            picture into that of the outer; both frames are [0, 1] squared
        inverted: bool[b], the inner picture is looked at as a negative
        framed: bool[b], margins of another width are left aside
        regrounded: bool[b], their grounds differ and are left aside
        margined: bool[b], both have plain margins, as drawings and products have
    """

    inner: Ints
    outer: Ints
    turn: Ints
    warp: Doubles
    inverted: Bools
    framed: Bools
    regrounded: Bools
    margined: Bools

    def at(self, rows: Ints | Bools | slice) -> Overlays:
        return Overlays(
            self.inner[rows],
            self.outer[rows],
            self.turn[rows],
            self.warp[rows],
            self.inverted[rows],
            self.framed[rows],
            self.regrounded[rows],
            self.margined[rows],
        )

    def with_rows(self, rows: Ints, others: Overlays) -> Overlays:
        """Returns these overlays with others in place of some rows."""
        own = {}
        for field in fields(self):
            own[field.name] = getattr(self, field.name).copy()
            own[field.name][rows] = getattr(others, field.name)
        return Overlays(**own)

    def warped(self, warp: Doubles) -> Overlays:
        return replace(self, warp=warp)

    def inner_of(self, planes: Floats, white: float = 0) -> Floats:
        """Returns planes of the inner pictures, turned and inverted as asked.

        Args:
            planes: float32[m, ..., side, side], of all pictures
            white: what black becomes in a negative: 255, 0 for differences
        """
        turned = planes[self.inner]
        rows = np.flatnonzero(self.turn)
        turned[rows] = turn_each(turned[rows], self.turn[rows])
        turned[self.inverted] = np.float32(white) - turned[self.inverted]
        return turned

    @property
    def through_view(self) -> Bools:
        """bool[b], where one is looked at otherwise than it is."""
        return self.inverted | self.framed | self.regrounded

    @property
    def moved(self) -> Bools:
        """bool[b], where the frames do not lie exactly on one another."""
        moved: Bools = np.abs(self.warp - STILL).max(axis=(1, 2)) > 1e-6
        return moved


def joined(parts: Sequence[Overlays]) -> Overlays:
    """Returns the overlays of all parts, in this order; of at least one part."""
    columns = (
        np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Overlays)
    )
    return Overlays(*columns)


def corners(warp: Doubles) -> Doubles:
    """Returns where the corners of frames come to lie: float64[b, 2, 4].

    Across, then down; the corners in reading order.
    """
    frame = np.array([[0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]])
    result: Doubles = np.matmul(warp, frame)
    return result


def inverse(warp: Doubles) -> Doubles:
    """Returns the maps back: float64[..., 2, 3]."""
    back = np.linalg.inv(warp[..., :2])
    result: Doubles = np.concatenate([back, -np.matmul(back, warp[..., 2:])], axis=-1)
    return result


def after(second: Doubles, first: Doubles) -> Doubles:
    """Returns the maps that apply the first, then the second: float64[..., 2, 3]."""
    linear = np.matmul(second[..., :2], first[..., :2])
    shift = np.matmul(second[..., :2], first[..., 2:]) + second[..., 2:]
    result: Doubles = np.concatenate([linear, shift], axis=-1)
    return result


def sample(pictures: Floats, warp: Doubles) -> Floats:
    """Samples pictures where the warps point to, bilinearly."""
    side = pictures.shape[1]
    pixels = warp.copy()
    # From frames of [0, 1] to pixel centers
    pixels[:, :, 2] = side * warp[:, :, 2] + warp[:, :, :2].sum(axis=2) / 2 - 0.5
    result: Floats = np.empty_like(pictures)
    is_still = (warp == STILL).all(axis=(1, 2))
    result[is_still] = pictures[is_still]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size, border = (side, side), cv2.BORDER_REPLICATE
    for row in np.flatnonzero(~is_still).tolist():
        cv2.warpAffine(pictures[row], pixels[row], size, result[row], flags, border)
    return result


def inside(warp: Doubles, side: int, margin: float, border: int = 0) -> Floats:
    """Returns 1 where a warp stays ``margin`` pixels inside the frame, else 0.

    Args:
        warp: float64[b, 2, 3]
        side: of the frame, in pixels; 128 at most
        margin: in pixels of the frame that is pointed to
        border: pixels along the edge of the own frame that are 0 as well

    Returns:
        float32[b, side, side]
    """
    edge, place = margin / side - _SLACK, (np.arange(side) + 0.5) / side
    # Along a row both coordinates grow evenly: what is inside is one run of pixels
    slope = warp[:, :, 0]
    slope = np.where(np.abs(slope) < _LEVEL, _LEVEL, slope)[:, :, None]
    start = warp[:, :, 1, None] * place + warp[:, :, 2, None]
    one, other = (edge - start) / slope, (1 - edge - start) / slope
    low = np.minimum(one, other).max(axis=1) * side - 0.5
    high = np.maximum(one, other).min(axis=1) * side - 0.5
    first = np.clip(np.ceil(low), border, side)
    length = np.clip(np.floor(high), -1, side - 1 - border) - first + 1
    length[:, :border] = length[:, side - border :] = 0
    # In bytes, where what lies before the first becomes large
    after_first = np.arange(side, dtype=np.uint8) - first.astype(np.uint8)[:, :, None]
    return floats(after_first < np.maximum(length, 0).astype(np.uint8)[:, :, None])
