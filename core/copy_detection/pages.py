"""Two pages looked at in full: copies of one, or forms that differ in a word.

A signature of 64 x 64 shows neither a digit of a form nor a word of a text. Where
pictures are so plain that it proves nothing, what can be read in them is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .filters import commonest, gray_of
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
_SQUARES = (_READ, _READ_COLOR, _READ_COLOR)
"""Pixels, sides of the squares over which a difference is averaged: noise is finer,
and that of color, which JPEG keeps at half the size, is coarser."""

_STRIP = 64
"""Rows that are compared at once: what is held of them stays in the cache."""

_MAX_NOISE = 40.0
_MAX_LOST = 70.0
_MIN_CHANGE = 60.0
"""Levels by which copies differ at most, at the size of the smaller and of the larger,
and others at least. Pages saved as JPEG with quality 30 or resized differ by up to 33
and, at three quarters of the size, by 63 at the larger size; pages that differ in one
entry by 100 or more there, whichever is smaller."""

_BROAD = 16
_MAX_BROAD = 12.0
_MAX_GAIN = 1.15
_NO_COLOR, _COLORLESS = 128, 8.0
"""Pixels, sides of squares whose means differ by so many levels at most in copies, once
one is as bright as the other and of its contrast, which a copy changes by such a factor
at most; level of a color difference without color, and how near to it is none, as of
copies in gray. JPEG and WebP of quality 30 leave up to 9 levels. Discs of other shades
of one color on one ground differ by 13 to 35, no pixel more than noise may."""

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
    gray = gray_of(picture)
    if min(gray.shape) < 2:
        return False
    # As most photographs end
    if commonest(gray, _GROUND) < _MIN_GROUND * gray.size:
        return False
    flat = cv2.absdiff(gray[:-1, 1:], gray[:-1, :-1]) <= _FLAT_STEP
    flat &= cv2.absdiff(gray[1:, :-1], gray[:-1, :-1]) <= _FLAT_STEP
    return bool(flat.mean() >= _MIN_FLAT)


def compare_pages(one: Picture, other: Picture, *, may_differ: bool = True) -> str:
    """Says whether two pages of one frame show the same.

    Args:
        one: uint8[h, w, 3], upright
        other: uint8[h, w, 3], at a size of its own
        may_differ (True): whether ``OTHER`` is worth to be told; if not, the first
            place that differs ends it

    Returns:
        ``SAME`` if no place differs more than by compression and resizing, and none is
        of another shade; ``OTHER`` if most is the same and some place is clearly not;
        else ``UNSURE``
    """
    size = min(one.shape[1::-1], other.shape[1::-1])
    aspects = [side[1] / side[0] for side in (one.shape, other.shape)]
    if abs(np.log(aspects[0] / aspects[1])) > _MAX_ASPECT:
        return UNSURE
    if not may_differ and _differ_at_the_top(one, other):
        return UNSURE
    a, b = _planes(one, size), _planes(other, size)
    strips = []
    for strip in _differences(a, b):
        if not may_differ and strip.max() > _MAX_NOISE:
            return UNSURE
        strips.append(strip)
    differs = np.concatenate(strips)
    largest = max(one.shape[1::-1], other.shape[1::-1])
    if differs.max() <= _MAX_NOISE:
        # What is made smaller loses digits: the same only if they can still be read
        is_lost = largest != size and any(
            strip.max() > _MAX_LOST
            for strip in _differences(_planes(one, largest), _planes(other, largest))
        )
        return UNSURE if is_lost or _differ_broadly(a, b) else SAME
    if differs.max() < _MIN_CHANGE:
        return UNSURE
    changed = _by_block(np.maximum, differs) > _MAX_NOISE
    inked = _has_ink(a[0]) | _has_ink(b[0])
    most = _MAX_CHANGED if largest == size else _MAX_CHANGED_RESIZED
    lies_on = (changed & inked).sum() <= most * inked.sum()
    return OTHER if lies_on else UNSURE


def _differ_at_the_top(one: Picture, other: Picture) -> bool:
    """True if the first strip of two pictures of one size differs, as most do."""
    if one.shape != other.shape:
        return False
    tops = [picture[: _STRIP + _READ_COLOR // 2] for picture in (one, other)]
    a, b = (_planes(top, top.shape[1::-1]) for top in tops)
    return bool(next(_differences(a, b)).max() > _MAX_NOISE)


def _differ_broadly(a: list[Picture], b: list[Picture]) -> bool:
    """True if some square of both is of another shade, however faintly.

    Args:
        a, b: see :func:`_planes`, of one size
    """
    size = [-(-side // _BROAD) for side in a[0].shape[1::-1]]
    for index, planes in enumerate(zip(a, b, strict=True)):
        one, other = (
            floats(cv2.resize(floats(plane), size, interpolation=cv2.INTER_AREA))
            for plane in planes
        )
        is_color = index > 0
        if is_color and (_is_colorless(one) or _is_colorless(other)):
            continue
        gain = (other.std() + 1) / (one.std() + 1)
        apart = other - one * np.clip(gain, 1 / _MAX_GAIN, _MAX_GAIN)
        if np.abs(apart - np.median(apart)).max() > _MAX_BROAD:
            return True
    return False


def _is_colorless(plane: Floats) -> bool:
    return bool(np.abs(plane - _NO_COLOR).max() < _COLORLESS)


def _differences(a: list[Picture], b: list[Picture]) -> Iterator[Floats]:
    """Yields float32[rows, width] in levels, a strip of the pages after the other.

    Args:
        a, b: see :func:`_planes`, of one size
    """
    height, halo = len(a[0]), _READ_COLOR // 2
    for top in range(0, height, _STRIP):
        above, below = max(0, top - halo), min(height, top + _STRIP + halo)
        own = slice(top - above, min(height, top + _STRIP) - above)
        strip: Floats | None = None
        for plane, color, side in zip(a, b, _SQUARES, strict=True):
            apart = cv2.subtract(
                plane[above:below], color[above:below], dtype=cv2.CV_32F
            )
            blurred = floats(cv2.blur(apart, (side, side))[own])
            np.abs(blurred, out=blurred)
            strip = blurred if strip is None else np.maximum(strip, blurred, out=strip)
        if strip is not None:
            yield strip


def _planes(picture: Picture, size: tuple[int, ...]) -> list[Picture]:
    """Returns uint8[h, w] of brightness, then of both color differences.

    Args:
        picture: uint8[h, w, 3]
        size: width and height that it is brought to
    """
    if size != picture.shape[1::-1]:
        enlarged = size[0] > picture.shape[1]
        how = cv2.INTER_CUBIC if enlarged else cv2.INTER_AREA
        picture = np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)
    planes = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb))
    return [np.asarray(plane, np.uint8) for plane in planes]


def _has_ink(page: Picture) -> Bools:
    """Returns which blocks show something."""
    brightest, darkest = (_by_block(one, page) for one in (np.maximum, np.minimum))
    inked: Bools = brightest - darkest > _INK
    return inked


def _by_block(largest_or_least: np.ufunc, plane: NDArray[Any]) -> NDArray[Any]:
    """Returns one value a block of 16 x 16, those cut off at the end included."""
    for axis in (0, 1):
        starts = np.arange(0, plane.shape[axis], _BLOCK)
        plane = largest_or_least.reduceat(plane, starts, axis=axis)
    return plane
