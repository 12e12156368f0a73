"""Labeled objects as units of a scan: which part of which picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scan.scan_data import ScanData

Doubles = NDArray[np.float64]

STATUSES = ("ok", "tiny", "degenerate", "outside", "crowd", "unread")
OK, TINY, DEGENERATE, OUTSIDE, CROWD, UNREAD = range(len(STATUSES))

MIN_OBJECT_SIDE = 10
"""Pixels; fastdup leaves out smaller crops too."""

_LIKE_PIXELS = 1.5
"""Shares of width and height may reach a little out of the picture, not so far."""


@dataclass(frozen=True, eq=False)
class Units:
    """u objects, in the order in which they were given.

    Attributes:
        file: int64[u], row of the picture
        box: int32[u, 4], what is cut out of the upright picture at full size, in
            pixels: left, top, right, bottom; 0 where nothing can be cut out
        status: int8[u], index in :data:`STATUSES`
    """

    file: NDArray[np.int64]
    box: NDArray[np.int32]
    status: NDArray[np.int8]

    @property
    def can_be_cut(self) -> NDArray[np.bool_]:
        """bool[u], there is a crop to look at."""
        return np.isin(self.status, (OK, CROWD))


def picture_sizes(pictures: ScanData) -> NDArray[np.int32]:
    """Returns int32[n, 2], width and height of n upright pictures; 0 if unreadable."""
    files = pictures.files
    # The last value stands for no file
    sides = [np.append(side, np.int32(0)) for side in (files.width, files.height)]
    return np.stack([side[pictures.samples.unique_file] for side in sides], axis=1)


def corners(boxes: Doubles) -> Doubles:
    """Turns left, top, width, height into left, top, right, bottom; float64[u, 4]."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def look_like_pixels(boxes: Doubles) -> bool:
    """True if most coordinates are too large for shares of width and height.

    Args:
        boxes: float64[u, 4], left, top, width, height
    """
    finite = boxes[np.isfinite(boxes).all(axis=1)]
    return bool(finite.size) and float(np.mean(finite > _LIKE_PIXELS)) > 0.5


def units_of(
    file: NDArray[np.int64],
    boxes: Doubles,
    sizes: NDArray[np.int32],
    *,
    is_crowd: NDArray[np.bool_] | None = None,
    margin: float = 0.0,
    min_side: int = MIN_OBJECT_SIDE,
) -> Units:
    """Finds the pixels of each object.

    Args:
        file: int64[u], row of each object's picture
        boxes: float64[u, 4], left, top, width and height as shares of the upright
            picture; NaN where a box has other than four numbers
        sizes: int32[n, 2], width and height of each picture; 0 if it was not read
        is_crowd: bool[u], a box around many objects
        margin: what is shown beside the object, on each side, as a share of the box
        min_side: of a box in pixels; smaller ones are ``tiny``

    Returns:
        the units; the status of a box is judged without its margin
    """
    count = len(file)
    status = np.zeros(count, np.int8)
    size = sizes[file].astype(np.float64)
    with np.errstate(invalid="ignore"):
        whole = corners(boxes)
        inside = np.clip(whole, 0, 1)
        sides = (inside[:, 2:] - inside[:, :2]) * size
        is_bad = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2:] <= 0).any(axis=1)
        is_outside = (inside[:, 2:] <= inside[:, :2]).any(axis=1)
        is_tiny = sides.min(axis=1, initial=np.inf) < min_side
    # The worst last
    if is_crowd is not None:
        status[is_crowd] = CROWD
    status[is_tiny] = TINY
    status[is_outside] = OUTSIDE
    status[is_bad] = DEGENERATE
    status[(size == 0).any(axis=1)] = UNREAD

    box = np.zeros((count, 4), np.int32)
    rows = np.flatnonzero(np.isin(status, (OK, CROWD)))
    spread = boxes[rows, 2:] * margin
    shown = np.clip(
        whole[rows] + np.concatenate([-spread, spread], axis=1), 0, 1
    ) * np.tile(size[rows], 2)
    box[rows] = np.rint(shown)
    return Units(file, box, status)
