"""Pictures with a mark all over them, which hides most corners and much of the detail.

A watermark of text or lines lets the picture be seen between its strokes, in place and
unchanged but for contrast and color, and under them it makes all lighter, or all
darker. Nothing else does: what moved, or another moment, is lighter here and darker
there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .filters import commonest, gray_of, high_pass, neighbor_steps
from .types import Floats

_DIFFERENT = 10
_OF_COLOR = 0.7
"""Gray levels beside what the commonest tones become, and what a level of red, green or
blue counts: JPEG stays below."""

_LEAST_BARE = 0.2
_LEAST_CORRELATION = 0.35
_LEAST_TEXTURE = 1.5
_LEAST_ONE_WAY = 0.92
"""Share of the pixels that stay what they were, with those around them; correlation of
their details, and how far these go (gray levels); share of all change of the other
pixels that makes them lighter, or darker. Of 300 photographs of scenes, marked in ways
of all kinds and saved as JPEG, 247 have all, and 139 of 300 whose contrast, gamma or
colors were changed or that were made noisy or soft before (39 % and few, when pixels
were counted, whatever they changed by, and no tone was looked for); of 1,800
look-alikes, and of 596 pairs of labeled scenes that are no copies, changed and not,
none."""

_GAINS = np.array(
    [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.12, 1.25, 1.4, 1.6, 1.8, 2.1], np.float32
)
_MOST_GAIN = 2.8
_ROW, _LOWEST = 1024, 640
_ROW_STARTS = (np.arange(_GAINS.size) * _ROW + _LOWEST).astype(np.float32)
_ONE_OFFSET = 9
_ON_THE_LINE = 8
_LEAST_ON_IT = 50
_LEAST_SPREAD = 4
"""Contrasts that are tried and the largest that is found; room for the offsets of each,
and for those below 0; gray levels that count as one offset, and up to which pixels lie
on the line that is fitted; pixels, and variance of their tones, that make a line."""

_PLACES, _LEAST_PLACES = 4, 8
_MARKED_PLACE = 0.02
_LEAST_CHANGED = 0.06
_LEAST_IN_GRAY = 0.4
"""Cells along each axis, how many of all must have a part of the mark, and which share
of a cell it is: less is a caption, or a thing that came into the picture. And which
share of all, and which share of it changed in brightness: of 357 marked photographs
five have less of the first and none of the second, of two textures in another color
each has less of one."""

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
_NOTHING = np.float32(1e-6)

U8 = NDArray[np.uint8]


def is_marked_copy(one: U8, other: U8) -> bool:
    """True for a picture and the same with a mark over all of it.

    Args:
        one, other: uint8[s, s, 3], RGB
    """
    grays = [gray_of(picture) for picture in (one, other)]
    if max(map(_share_of_one_tone, grays)) > _MOST_OF_ONE_TONE:
        return False
    if all(map(_is_drawn, grays)):
        return False
    first, second = (gray.astype(np.float32) for gray in grays)
    gain, offset = common_tones(first, second)
    if not 1 / _MOST_GAIN <= gain <= _MOST_GAIN:
        return False
    change = (second - gain * first - offset) / min(gain, 1)
    size = np.maximum(np.abs(change), _OF_COLOR * _most_of(one, other, gain, offset))
    bare = np.asarray(cv2.dilate(size, np.ones((3, 3)))) < _DIFFERENT
    changed = size > _DIFFERENT
    if bare.mean() < _LEAST_BARE or changed.mean() < _LEAST_CHANGED:
        return False
    changes = change[changed]
    if (np.abs(changes) > _DIFFERENT).mean() < _LEAST_IN_GRAY:
        return False
    lighter = float(np.maximum(changes, 0).sum() / (np.abs(changes).sum() + _NOTHING))
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


def common_tones(one: Floats, other: Floats) -> tuple[float, float]:
    """Returns the gain and the offset of most pixels, whatever becomes of the others.

    Not what is best for all: a mark covers many.

    Args:
        one, other: float32[s, s], gray levels
    """
    few, fewer = one[::2, ::2].ravel(), other[::2, ::2].ravel()
    # The offsets of each gain have a row of their own
    offsets = np.rint(fewer - _GAINS[:, None] * few) + _ROW_STARTS[:, None]
    counts = np.bincount(offsets.astype(np.int64).ravel(), minlength=_GAINS.size * _ROW)
    around = np.concatenate([np.zeros(_ONE_OFFSET, np.int64), counts.cumsum()])
    at = int((around[_ONE_OFFSET:] - around[:-_ONE_OFFSET]).argmax())
    tried, place = divmod(at - _ONE_OFFSET // 2, _ROW)
    gain, offset = float(_GAINS[tried]), float(place - _LOWEST)
    for _ in range(2):
        on_it = np.abs(fewer - gain * few - offset) < _ON_THE_LINE
        tones, become = few[on_it], fewer[on_it]
        if len(tones) < _LEAST_ON_IT or tones.var() < _LEAST_SPREAD:
            break
        together = ((tones - tones.mean()) * (become - become.mean())).mean()
        gain = float(together / tones.var())
        offset = float(become.mean() - gain * tones.mean())
    return gain, offset


def _most_of(one: U8, other: U8, gain: float, offset: float) -> Floats:
    """Returns by how much the color changes most beside a gain and an offset.

    float32[s, s]: red, green or blue.
    """
    most = np.zeros(one.shape[:2], np.float32)
    for first, second in zip(cv2.split(one), cv2.split(other), strict=True):
        change = second.astype(np.float32) - np.float32(gain) * first
        np.maximum(most, np.abs(change - np.float32(offset)), out=most)
    return most


def _share_of_one_tone(picture: U8) -> float:
    return commonest(picture, _ONE_TONE) / picture.size


def _is_drawn(picture: U8) -> bool:
    steps = neighbor_steps(picture)
    edges = 1 - steps[_EDGE_STEP - 1]
    return bool(steps[_FLAT_STEP] > _MOST_FLAT and edges > _EDGES)
