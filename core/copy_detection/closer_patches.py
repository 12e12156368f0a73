"""Patches in which two pictures differ, and which of the two holds a thing there.

What is laid over a copy is in the copy alone: at the border of each patch that differs
one picture steps to another tone, and the other goes on as around it. Where things were
moved between two moments of a scene, each picture has a thing that the other has not;
where one thing took the place of another, both step.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .closer_pixels import Likened
from .types import Bools, floats

_JOINED = np.ones((5, 5), np.uint8)
_BAND, _BESIDE = np.ones((7, 7), np.uint8), np.ones((3, 3), np.uint8)
_RING = np.ones((13, 13), np.uint8)
_AROUND = 3.0
_REACH = 10
"""Pixels of 128: what is joined to one patch, and what it holds at least; the band
along its border, what is left aside beside it, and what lies around; the sigma that
tones around it are averaged with, and how far that reaches."""

_LEAST_AROUND, _FEWEST = 0.1, 8
"""Share of that average that is bare, and pixels of a band and a ring, at least."""

_DETAIL = 4.0
_NOISE = 1.0
"""Sigma of details, in pixels of 128, and squared gray levels that say little."""

_LEAST_AREA = 100
_ONE_TONE = 12
"""Pixels of a patch, at least, and gray levels that are close enough to be one tone."""

_MOVED_AREA, _MOVED_FILLED, _MOVED_ALIKE = 3000, 0.6, 0.6
_HOLDS, _LEAST_STEP = 3.0, 200.0
_STILL_NOISE = 2.5
_OF_ONE_TONE = 0.35
"""Pixels of a thing that moved, at most, of the rectangle around it, at least, and
correlation of the details there, at most; how many times as far as the other picture
the one that holds it steps beside what the ground does, and squared gray levels on top;
the median difference beside, in gray levels, at most; and the share of a thing that has
one tone, at most: of 194 pairs of copies of one photograph that pass, with a caption or
a sticker each, none is lost, and 45 without this bound. Of 36 other moments that pass
13 have such things in both pictures, and none of 950 copies with two to five changes;
without the noise and the likeness seven copies, most of them of 20 to 50 pixels."""

_REPLACED_FILLED, _REPLACED_ALIKE, _REPLACED_TONES = 0.55, 0.92, 0.8
_GROUNDS = 12.0
"""Share of the rectangle around it of a thing that another took the place of, and
correlations of their details and of their tones; how many times as far as the ground
around it does each picture steps, and squared gray levels as above on top. Of 25 pairs
of two things on one smooth ground that pass 22 have such a patch. Of 950 copies none of
those has one that have as few features."""

_LARGE_AREA, _LARGE_STEP = 2500, 3000.0
"""Pixels of a picture in a frame that is another one, and squared gray levels that both
step at the frame. Of 18 pairs of two pictures under one mark in one frame that pass 12
have both, and of 950 copies none; from 1,000 levels on three do."""

Plane = NDArray[np.float32]
Two = tuple[float, float]


class Patch(NamedTuple):
    """Where two pictures differ. Pairs of numbers are of the one and of the other.

    Attributes:
        area: pixels of 128 x 128
        filled: share of the rectangle around it
        steps: mean squared gray levels by which what lies along its border differs from
            what lies around
        grounds: the same of what lies around
        alike, alike_tones: correlations of the details and of the tones in it
        one_tone: shares of it that have one tone
    """

    area: int
    filled: float
    steps: Two
    grounds: Two
    alike: float
    alike_tones: float
    one_tone: Two


def patches(like: Likened) -> list[Patch]:
    """Returns the patches in which two pictures differ, and around which they do not.

    Args:
        like: the pictures, in one tone and sharpness
    """
    differs = np.abs(like.other - like.one) >= like.limit
    changed = (differs & like.shown).astype(np.uint8)
    closed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, _JOINED)
    thick = np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, _JOINED), np.uint8)
    thick[~like.shown] = 0
    count, part, stats, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
    free: Bools = (cv2.dilate(changed, _BESIDE) == 0) & like.shown
    found = []
    for number in range(1, count):
        left, top, wide, tall, area = stats[number].tolist()
        if area >= _LEAST_AREA:
            place = np.s_[
                max(0, top - _REACH) : top + tall + _REACH,
                max(0, left - _REACH) : left + wide + _REACH,
            ]
            both = like.one[place], like.other[place]
            filled = area / (wide * tall)
            one = _patch(*both, part[place] == number, free[place], filled)
            if one is not None:
                found.append(one)
    return found


def _patch(
    one: Plane, other: Plane, within: Bools, free: Bools, filled: float
) -> Patch | None:
    """Looks at one patch; None where too little lies around it.

    Args:
        one, other: float32[h, w], the patch and what lies around
        within: bool[h, w], the patch
        free: bool[h, w], where nothing differs
        filled: share of the rectangle around it
    """
    flags, bare = within.astype(np.uint8), free.astype(np.float32)
    share = _blurred(bare, _AROUND) + np.float32(1e-4)
    inner = cv2.erode(flags, _BAND, borderValue=1)
    band: Bools = within & (inner == 0) & (share > _LEAST_AROUND)
    ring: Bools = free & (cv2.dilate(flags, _RING) > 0)
    if min(band.sum(), ring.sum()) < _FEWEST:
        return None
    steps, grounds, one_tone, tones, details = [], [], [], [], []
    for picture in (one, other):
        step = np.square(picture - _blurred(picture * bare, _AROUND) / share)
        steps.append(float(step[band].mean()))
        grounds.append(float(step[ring].mean()))
        tones.append(picture[within])
        details.append((picture - _blurred(picture, _DETAIL, edge=False))[within])
        one_tone.append(_of_one_tone(tones[-1]))
    return Patch(
        area=int(within.sum()),
        filled=filled,
        steps=(steps[0], steps[1]),
        grounds=(grounds[0], grounds[1]),
        alike=_correlation(*details),
        alike_tones=_correlation(*tones),
        one_tone=(one_tone[0], one_tone[1]),
    )


def _of_one_tone(tones: Plane) -> float:
    """Returns the largest share of gray levels that lie close to one another."""
    levels = np.bincount(np.clip(tones, 0, 255).astype(np.int64), minlength=256)
    until = np.concatenate([np.zeros(_ONE_TONE, np.int64), levels.cumsum()])
    return float((until[_ONE_TONE:] - until[:-_ONE_TONE]).max() / len(tones))


def shows_things_moved(like: Likened, found: list[Patch]) -> bool:
    """Returns whether each of two pictures holds a thing that the other does not.

    Args:
        like: the pictures
        found: their patches
    """
    if like.noise > _STILL_NOISE:
        return False
    return {0, 1} <= {
        holder
        for one in found
        if one.area <= _MOVED_AREA
        and one.filled >= _MOVED_FILLED
        and one.alike <= _MOVED_ALIKE
        for holder in _holders(one)
        if one.one_tone[holder] <= _OF_ONE_TONE
    }


def _holders(patch: Patch) -> list[int]:
    """Returns which picture holds a thing in a patch, 0 or 1, if one does."""
    first, second = _beyond(patch, 1)
    return [
        holder
        for holder, (own, others) in enumerate([(first, second), (second, first)])
        if own > _HOLDS * max(others, 0) + _LEAST_STEP
    ]


def shows_another_thing(found: list[Patch]) -> bool:
    """Returns whether a thing on a smooth ground took the place of another.

    Args:
        found: the patches of a pair
    """
    return any(
        min(_beyond(one, _GROUNDS)) >= _LEAST_STEP for one in found if _is_replaced(one)
    )


def frames_another(found: list[Patch]) -> bool:
    """Returns whether a frame holds another picture.

    Args:
        found: the patches of a pair
    """
    return any(
        one.area >= _LARGE_AREA
        and min(one.steps) >= _LARGE_STEP
        and min(_beyond(one, _GROUNDS)) > 0
        for one in found
        if _is_replaced(one)
    )


def _is_replaced(patch: Patch) -> bool:
    compact = patch.filled >= _REPLACED_FILLED
    unlike = patch.alike <= _REPLACED_ALIKE and patch.alike_tones <= _REPLACED_TONES
    return compact and unlike and min(patch.one_tone) <= _OF_ONE_TONE


def _beyond(patch: Patch, grounds: float) -> Two:
    """Returns how far both pictures step beyond what the ground does so many times."""
    first, second = (
        step - grounds * ground
        for step, ground in zip(patch.steps, patch.grounds, strict=True)
    )
    return first, second


def _correlation(one: Plane, other: Plane) -> float:
    first, second = one - one.mean(), other - other.mean()
    energy = np.square(first).mean() * np.square(second).mean() + _NOISE
    return float((first * second).mean() / np.sqrt(energy))


def _blurred(picture: Plane, sigma: float, *, edge: bool = True) -> Plane:
    """Blurs a picture beside which is nothing (edge) or itself, mirrored."""
    border = cv2.BORDER_CONSTANT if edge else cv2.BORDER_REFLECT_101
    return floats(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=border))
