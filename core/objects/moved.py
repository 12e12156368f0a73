"""Objects that moved between two pictures that are copies otherwise.

In bursts an object moves, and its box rightly with it. So where boxes differ, the
pixels decide: annotations differ only if the copy shows at the place of the box what
the box is around. Of 90 pairs in which one object moved by 15 to 50 % of its width, 87
pass as copies; this clears 89 of them, and blames all of 90 whose box alone moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..copy_detection.overlays import inverse
from ..progress import OnProgress, Progress, silent
from ..reading.decode import decode_image
from ..reading.files import ReadFailure, read_file
from .agreement import NO_PARTNER, BoxComparisons, Copies, carried

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_SIDE = 640
"""Pixels: the longer side of what is compared."""

_CUT = 32
_MIN_CORRELATION = 0.8
"""Correlation of two cuts that show the same."""

_PLAIN = 2.0
"""Gray levels: what varies less on both sides is the same plain ground."""


def without_moved(
    found: BoxComparisons,
    copies: Copies,
    boxes: Doubles,
    paths: Sequence[bytes],
    *,
    max_megapixels: float,
    on_progress: OnProgress = silent,
) -> BoxComparisons:
    """Looks at the pictures where boxes of copies differ.

    Args:
        found: the comparisons
        copies: the pairs of pictures
        boxes: float64[u, 4], left, top, right, bottom as shares of their pictures
        paths: absolute file paths of the pictures
        max_megapixels: larger pictures are refused
        on_progress: told after each pair; may raise to cancel

    Returns:
        the comparisons, with ``same_place`` where the pictures were asked; False
        where one of them cannot be read
    """
    rows = np.flatnonzero(found.disputed)
    rows = rows[np.argsort(found.pair[rows], kind="stable")]
    pairs, starts = np.unique(found.pair[rows], return_index=True)
    parts = np.split(rows, starts[1:]) if len(pairs) else []

    def look(pair: int, part: NDArray[np.int64]) -> list[bool]:
        ends = copies.pictures[pair].tolist()
        one, other = (_gray(paths[end], max_megapixels) for end in ends)
        if one is None or other is None:
            return [False] * len(part)
        pictures = _laid_over(one, other, copies.maps[pair])
        back = inverse(copies.maps[pair])
        result = []
        for row in part.tolist():
            own, partner = int(found.unit[row]), int(found.partner[row])
            places = boxes[[own] if partner == NO_PARTNER else [own, partner]]
            # The copy that was looked at is the second where the box is of the first
            of_first = found.picture[row] == ends[1]
            in_second = slice(1, None) if of_first else slice(1)
            places[in_second] = carried(places[in_second], back)
            sides = pictures if of_first else pictures[::-1]
            result.append(_shows_the_same(*sides, *places))
        return result

    same_place = found.same_place.copy()
    with ThreadPoolExecutor(available_cores()) as pool:
        answers = pool.map(look, pairs.tolist(), parts)
        for done, (part, answer) in enumerate(zip(parts, answers, strict=True), 1):
            same_place[part] = answer
            on_progress(Progress("Comparing boxes of copies", done, len(parts)))
    return replace(found, same_place=same_place)


def _gray(path: bytes, max_megapixels: float) -> NDArray[np.uint8] | None:
    content = read_file(path)
    if isinstance(content, ReadFailure):
        return None
    image = decode_image(content.data, side=_SIDE, max_megapixels=max_megapixels)
    if isinstance(image, ReadFailure):
        return None
    gray = cv2.cvtColor(image.fitted(_SIDE), cv2.COLOR_RGB2GRAY)
    return np.asarray(gray, np.uint8)


def _laid_over(
    one: NDArray[np.uint8], other: NDArray[np.uint8], there: Doubles
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Returns the first picture, and the second in the frame of the first."""
    size, other_size = one.shape[::-1], other.shape[::-1]
    pixels = there.copy()
    pixels[:, :2] *= np.array(other_size)[:, None] / np.array(size)
    # Pixel centers are half a pixel off the frame's grid
    shift = there[:, 2] * other_size
    pixels[:, 2] = shift + pixels[:, :2].sum(axis=1) / 2 - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(
        other, pixels, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return one, np.asarray(laid, np.uint8)


def _shows_the_same(
    picture: NDArray[np.uint8],
    copy: NDArray[np.uint8],
    box: Doubles,
    partner: Doubles | None = None,
) -> bool:
    """True if the copy shows in the box what the picture does.

    Not if it shows it in the partner's box: then the object moved.
    """
    content = _cut(picture, box)
    here = _correlation(content, _cut(copy, box))
    there = -1.0 if partner is None else _correlation(content, _cut(copy, partner))
    return here >= max(_MIN_CORRELATION, there)


def _cut(picture: NDArray[np.uint8], box: Doubles) -> Floats:
    """Returns float32[32, 32], of what the picture shows of a box."""
    height, width = picture.shape
    edges = np.rint(box * [width, height, width, height]).astype(int)
    left, top = np.clip(edges[:2], 0, [width - 1, height - 1]).tolist()
    right = max(left + 1, min(int(edges[2]), width))
    bottom = max(top + 1, min(int(edges[3]), height))
    part = picture[top:bottom, left:right].astype(np.float32)
    cut = cv2.resize(part, (_CUT, _CUT), interpolation=cv2.INTER_AREA)
    return np.asarray(cut, np.float32)


def _correlation(one: Floats, other: Floats) -> float:
    spread = float(one.std()), float(other.std())
    if max(spread) < _PLAIN:
        return 1.0
    if min(spread) == 0:
        return 0.0
    both = float(np.mean((one - one.mean()) * (other - other.mean())))
    return both / (spread[0] * spread[1])
