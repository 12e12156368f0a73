"""How the frame of a picture lies over that of its copy, as one affine map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import used_in
from .orientations import MIRRORED_FROM
from .overlays import STILL, after, inverse
from .planes import Pictures
from .refine_alignment import align, align_finely, align_roughly
from .types import Doubles, Ints, Signatures
from .verify import lay_views_over
from .views import views_of

_PAIRS_AT_ONCE = 256
_MIRRORED = np.array([[-1.0, 0, 1], [0, 1, 0]])
_QUARTER = np.array([[0.0, 1, 0], [-1, 0, 1]])
"""Counterclockwise, as ``np.rot90``: (x, y) comes to lie at (y, 1 - x)."""


def frame_maps(
    signatures: Signatures, pairs: NDArray[np.int32], sizes: NDArray[np.int32]
) -> Doubles:
    """Finds how the pictures of copies lie over one another.

    The steps are those of :func:`core.copy_detection.verify.verify_pairs`, without
    its tests: of pictures that are no copies the maps mean nothing.

    Args:
        signatures: uint8[m, 4608], one a picture
        pairs: int32[p, 2] of pictures that are copies
        sizes: int32[m, 2], width and height of each picture

    Returns:
        float64[p, 2, 3], affine maps of the frame of the first picture into that of
        the second; both frames are [0, 1] squared, of upright pictures
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    maps = np.empty((len(pairs), 2, 3))
    # Sums round differently with the number of BLAS threads
    with threadpool_limits(1, "blas"):
        for start in range(0, len(pairs), _PAIRS_AT_ONCE):
            part = pairs[start : start + _PAIRS_AT_ONCE]
            used, ends = used_in(part)
            pictures = Pictures(signatures[used], sizes[used])
            maps[start : start + len(part)] = _maps(pictures, ends)
    return maps


def turn_map(turn: int) -> Doubles:
    """Returns float64[2, 3]: how a frame comes to lie when its picture is turned.

    Args:
        turn: 0 to 7, see :mod:`core.copy_detection.orientations`
    """
    result = _MIRRORED if turn >= MIRRORED_FROM else STILL
    for _ in range(turn % 4):
        result = after(_QUARTER, result)
    return result


def _maps(pictures: Pictures, pairs: Ints) -> Doubles:
    views = views_of(pictures.signatures, pictures.sizes)
    # Of each picture, then of each of its views: what it is part of, and which part
    whole = np.arange(len(pictures.sizes))
    picture = np.concatenate([whole, views.picture])
    everything = np.tile([0.0, 0, 1, 1], (len(whole), 1))
    box = np.concatenate([everything, views.box[views.picture]])
    pictures, overlays, _ = lay_views_over(pictures, pairs)
    overlays, correlation = align_roughly(pictures, overlays)
    overlays, _ = align(pictures, overlays, correlation)
    moved = np.flatnonzero(overlays.moved)
    overlays.warp[moved] = align_finely(pictures, overlays.at(moved)).warp
    turns = np.stack([turn_map(turn) for turn in overlays.turn.tolist()])
    there = after(overlays.warp, after(turns, inverse(_into(box[overlays.inner]))))
    there = after(_into(box[overlays.outer]), there)
    is_first = picture[overlays.inner] == pairs[:, 0]
    return np.where(is_first[:, None, None], there, inverse(there))


def _into(boxes: Doubles) -> Doubles:
    """Returns float64[b, 2, 3]: maps of a frame into boxes (left, top, right, low)."""
    maps = np.zeros((len(boxes), 2, 3))
    maps[:, [0, 1], [0, 1]] = boxes[:, 2:] - boxes[:, :2]
    maps[:, :, 2] = boxes[:, :2]
    return maps
