"""Pictures with a mark all over them, which hides most corners and much of the detail.

A watermark of text or lines lets the picture be seen between its strokes, in place and
unchanged, and under them it makes all lighter, or all darker. Nothing else does: what
moved, or another moment, is lighter here and darker there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .filters import high_pass, neighbor_steps

_DIFFERENT = 10
_OF_COLOR = 0.7
"""Gray levels beside what both pictures differ by in the middle, and what a level of
red, green or blue counts: JPEG stays below."""

_LEAST_BARE = 0.35
_LEAST_CORRELATION = 0.35
_LEAST_TEXTURE = 1.5
_LEAST_ONE_WAY = 0.95
"""Share of the pixels that stay what they were, with those around them; correlation of
their details, and how far these go (gray levels); share of the other pixels that became
lighter, or darker. Of 120 photographs of scenes, marked in ways of all kinds, 93 have
all, of 720 look-alikes, 40 and more of which have each alone, two, before what is
framed is left aside; of 313 labeled pairs of scenes that are no copies none, whose
correlation reaches 0.97."""

_PLACES, _LEAST_PLACES = 4, 8
_MARKED_PLACE = 0.02
"""Cells along each axis, how many of all must have a part of the mark, and which share
of a cell it is: less is a caption, or a thing that came into the picture."""

_SQUARE = np.ones((9, 9), np.uint8)
_MOST_THICK = 0.25
"""Share of the changed pixels that lie in whole squares of 9 x 9: of 115 marked
photographs one has more, of two designs on other grounds or in other frames both."""

_MOST_OF_ONE_TONE = 0.5
_ONE_TONE = 2
"""Share of the pixels within so many gray levels of the commonest: pages and drawings
have more, and a form that is filled in is marked all over, too."""

_FLAT_STEP, _EDGE_STEP = 2, 30
_MOST_FLAT, _EDGES = 0.7, 0.02
"""Gray levels between neighbors, at most and at least, and shares of them: drawings
have many of both, as playing cards with other ornaments; soft photographs no edges."""

_DETAIL_SIGMA = 2.0

U8 = NDArray[np.uint8]


def is_marked_copy(one: U8, other: U8) -> bool:
    """True for a picture and the same with a mark over all of it.

    Args:
        one, other: uint8[s, s, 3], RGB
    """
    grays = [_gray(picture) for picture in (one, other)]
    if max(map(_share_of_one_tone, grays)) > _MOST_OF_ONE_TONE:
        return False
    if all(map(_is_drawn, grays)):
        return False
    first, second = (gray.astype(np.float32) for gray in grays)
    change = second - first
    middle = np.median(change)
    change -= middle
    of_colors = np.abs(other.astype(np.float32) - one - middle).max(axis=2)
    size = np.maximum(np.abs(change), of_colors * _OF_COLOR)
    bare = np.asarray(cv2.dilate(size, np.ones((3, 3)))) < _DIFFERENT
    changed = size > _DIFFERENT
    if bare.mean() < _LEAST_BARE or not changed.any():
        return False
    lighter = float((change[changed] > 0).mean())
    if max(lighter, 1 - lighter) < _LEAST_ONE_WAY:
        return False
    strokes = changed.astype(np.uint8)
    thick = cv2.morphologyEx(strokes, cv2.MORPH_OPEN, _SQUARE)
    if np.asarray(thick).sum() > _MOST_THICK * strokes.sum():
        return False
    cell = len(one) // _PLACES
    cells = changed.reshape(_PLACES, cell, _PLACES, cell).mean(axis=(1, 3))
    if (cells > _MARKED_PLACE).sum() < _LEAST_PLACES:
        return False
    details = high_pass(np.stack([first, second]), _DETAIL_SIGMA)[:, bare]
    energy, moved = (float(np.square(detail).mean()) for detail in details)
    if min(energy, moved) < _LEAST_TEXTURE**2:
        return False
    both = float((details[0] * details[1]).mean())
    return both >= _LEAST_CORRELATION * float(np.sqrt(energy * moved))


def _gray(picture: U8) -> U8:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _share_of_one_tone(picture: U8) -> float:
    levels = np.bincount(picture.ravel(), minlength=256)
    near = np.convolve(levels, np.ones(2 * _ONE_TONE + 1))
    return float(near.max() / picture.size)


def _is_drawn(picture: U8) -> bool:
    steps = neighbor_steps(picture)
    edges = 1 - steps[_EDGE_STEP - 1]
    return bool(steps[_FLAT_STEP] > _MOST_FLAT and edges > _EDGES)
