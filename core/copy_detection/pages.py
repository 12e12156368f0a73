"""Two pages looked at in full: copies of one, or forms that differ in a word.

A signature of 64 x 64 shows neither a digit of a form nor a word of a text. Where
pictures are so plain that it proves nothing, what can be read in them is compared.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .types import Bools, Floats, floats

PAGE_SIDE = 1600
"""Longer side, in pixels, at which pages are compared: 137 dots an inch of A4."""

SAME, OTHER, UNSURE = "same", "other", "unsure"

_FLAT_STEP = 2
_MIN_FLAT = 0.4
_GROUND = 4
_MIN_GROUND = 0.5
"""Gray levels between neighbors on a flat, and around the ground's, and the shares of
a page that are so. Of drawn pages of seven kinds, also after JPEG, all have more of
both, of 2,000 photographs two."""

_MAX_ASPECT = 0.02
_READ = 3
_READ_COLOR = 9
"""Pixels, sides of the squares over which a difference is averaged: noise is finer,
and that of color, which JPEG keeps at half the size, is coarser."""

_MAX_NOISE = 40.0
_MAX_LOST = 70.0
_MIN_CHANGE = 60.0
"""Levels by which copies differ at most, at the size of the smaller and of the larger,
and others at least. Pages saved as JPEG with quality 30 or resized differ by up to 33
and, at three quarters of the size, by 63 at the larger size; pages that differ in one
entry by 100 or more there, whichever is smaller."""

_BLOCK = 16
_INK = 40.0
_MAX_CHANGED = 0.6
_MAX_CHANGED_RESIZED = 0.2
"""Pixels; levels between the brightest and the darkest of a block that shows
something; shares of such blocks beyond which pages do not lie on one another."""

Picture = NDArray[np.uint8]


def is_page(picture: Picture) -> bool:
    """True for text, drawings and charts on one even ground.

    Args:
        picture: uint8[h, w, 3]
    """
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if min(gray.shape) < 2:
        return False
    count = np.bincount(gray.ravel(), minlength=256)
    ground = np.convolve(count, np.ones(2 * _GROUND + 1)).max()
    flat = cv2.absdiff(gray[:-1, 1:], gray[:-1, :-1]) <= _FLAT_STEP
    flat &= cv2.absdiff(gray[1:, :-1], gray[:-1, :-1]) <= _FLAT_STEP
    return bool(ground >= _MIN_GROUND * gray.size and flat.mean() >= _MIN_FLAT)


def compare_pages(one: Picture, other: Picture) -> str:
    """Says whether two pages of one frame show the same.

    Args:
        one: uint8[h, w, 3], upright
        other: uint8[h, w, 3], at a size of its own

    Returns:
        ``SAME`` if no place differs more than by compression and resizing; ``OTHER``
        if most is the same and some place is clearly not; else ``UNSURE``
    """
    width, height = min(one.shape[1::-1], other.shape[1::-1])
    aspects = [side[1] / side[0] for side in (one.shape, other.shape)]
    if abs(np.log(aspects[0] / aspects[1])) > _MAX_ASPECT:
        return UNSURE
    differs, inked = _differences(one, other, width, height)
    largest = max(one.shape[1::-1], other.shape[1::-1])
    if differs.max() <= _MAX_NOISE:
        # What is made smaller loses digits: the same only if they can still be read
        lost = _differences(one, other, *largest)[0].max()
        return SAME if lost <= _MAX_LOST else UNSURE
    changed = _by_block(np.maximum, differs) > _MAX_NOISE
    same_size = largest == (width, height)
    most = _MAX_CHANGED if same_size else _MAX_CHANGED_RESIZED
    lies_on = (changed & inked).sum() <= most * inked.sum()
    return OTHER if lies_on and differs.max() >= _MIN_CHANGE else UNSURE


def _differences(
    one: Picture, other: Picture, width: int, height: int
) -> tuple[Floats, Bools]:
    """Returns float32[height, width] in levels, and which blocks show something."""
    a, b = (_planes(picture, width, height) for picture in (one, other))
    differs = np.abs(cv2.blur(a[0] - b[0], (_READ, _READ)))
    for plane, color in zip(a[1:], b[1:], strict=True):
        blurred = cv2.blur(plane - color, (_READ_COLOR, _READ_COLOR))
        differs = np.maximum(differs, np.abs(blurred))
    return differs, _has_ink(a[0]) | _has_ink(b[0])


def _planes(picture: Picture, width: int, height: int) -> list[Floats]:
    """Returns float32[h, w] of brightness, then of both color differences."""
    enlarged = width > picture.shape[1]
    how = cv2.INTER_CUBIC if enlarged else cv2.INTER_AREA
    resized = cv2.resize(picture, (width, height), interpolation=how)
    planes = cv2.split(cv2.cvtColor(resized, cv2.COLOR_RGB2YCrCb))
    return [floats(plane) for plane in planes]


def _has_ink(page: Floats) -> Bools:
    """Returns which blocks show something."""
    brightest = _by_block(np.maximum, page)
    inked: Bools = brightest - _by_block(np.minimum, page) > _INK
    return inked


def _by_block(largest_or_least: np.ufunc, plane: Floats) -> Floats:
    """Returns one value a block of 16 x 16, those cut off at the end included."""
    for axis in (0, 1):
        starts = np.arange(0, plane.shape[axis], _BLOCK)
        plane = largest_or_least.reduceat(plane, starts, axis=axis)
    return plane
