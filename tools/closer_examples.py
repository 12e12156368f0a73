"""Pairs of pictures to learn the closer look from: copies, and what looks like them.

The kinds are those of ``pair_examples.py``; here the pictures themselves are kept, and
most are saved as JPEG, as files are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.look_alikes import (  # noqa: E402
    LOOK_ALIKES,
    other_moment,
    same_frame,
    same_mark,
    swayed,
)
from core.copy_detection import compositions as made  # noqa: E402
from core.copy_detection import verify_pairs  # noqa: E402
from tools.pair_examples import (  # noqa: E402
    Pair,
    Propose,
    _copy_weight,
    _look_the_same,
    changed_pair,
    describe,
    other_cuttings,
    small_pair,
    squared,
)

Lesson = tuple[list[Pair], list[float]]
"""Pairs, and the weight of each."""

_CHANGED_IN_CROWD = 1 / 3
_CHANGED_AGAIN = 0.4
_MOST_OF_CROWD = 1500
_UNKNOWN = 0.3
_MOMENTS = 0.3
_SAVED = 0.7


def saved(picture: made.U8, random: made.Random) -> made.U8:
    """Saves most pictures as a JPEG of ordinary quality."""
    if random.random() >= _SAVED:
        return picture
    return made.saved(picture, int(random.integers(60, 96)))


def _both_saved(pair: Pair, random: made.Random) -> Pair:
    return saved(pair[0], random), saved(pair[1], random)


def enlarged_cutting(photo: made.U8, random: made.Random) -> made.U8:
    """Returns a part of a photograph, enlarged to its size: softer than it is."""
    height, width = photo.shape[:2]
    share = random.uniform(0.35, 0.8)
    tall, wide = round(share * height), round(share * width)
    top, left = (
        int(random.integers(free + 1)) for free in (height - tall, width - wide)
    )
    part = photo[top : top + tall, left : left + wide]
    return made.resized(np.ascontiguousarray(part), width, height)


def soft_cutting(photo: made.U8, random: made.Random) -> made.U8:
    """Returns a small part of a photograph, enlarged to its size: plain and soft."""
    height, width = photo.shape[:2]
    share = float(np.exp(random.uniform(np.log(0.15), np.log(0.7))))
    tall, wide = max(16, round(share * height)), max(16, round(share * width))
    top, left = (
        int(random.integers(free + 1)) for free in (height - tall, width - wide)
    )
    part = np.ascontiguousarray(photo[top : top + tall, left : left + wide])
    softened = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.6), np.uint8)
    return made.resized(softened, width, height)


def copies(pictures: list[made.U8], random: made.Random, count: int) -> Lesson:
    pairs, weights = [], []
    for _ in range(count):
        pair, weight = changed_pair(pictures, random)
        pairs.append(_both_saved(pair, random))
        weights.append(weight)
    return pairs, weights


def small_copies(photos: list[made.U8], random: made.Random, count: int) -> Lesson:
    pairs, weights = [], []
    for _ in range(count):
        pair, names = small_pair(photos[int(random.integers(len(photos)))], random)
        pairs.append(_both_saved(pair, random))
        weights.append(_copy_weight(names))
    return pairs, weights


def covering_copies(
    photos: list[made.U8], random: made.Random, count: int, change: made.Change
) -> Lesson:
    """Copies of which parts are covered or cut off, some of them changed once more."""
    pairs: list[Pair] = []
    for _ in range(count):
        photo = photos[int(random.integers(len(photos)))]
        other = change(photo, random)
        if random.random() < _CHANGED_AGAIN:
            other = made.composed(other, random, 1)[0]
        pairs.append(_both_saved((photo, other), random))
    return pairs, [1.0] * count


def composed_copies(pictures: list[made.U8], random: made.Random, count: int) -> Lesson:
    """Pictures, and what becomes of them by two to five changes."""
    pairs: list[Pair] = []
    for _ in range(count):
        picture = pictures[int(random.integers(len(pictures)))]
        pairs.append(_both_saved((picture, made.composed(picture, random)[0]), random))
    return pairs, [1.0] * count


def changed_others(pairs: list[Pair], random: made.Random, each: int) -> Lesson:
    """Pairs that are no copies, one picture of each changed so many times."""
    changed = [
        _both_saved((one, made.composed(other, random, 4)[0]), random)
        for one, other in pairs
        for _ in range(each)
    ]
    return changed, [1.0] * len(changed)


def changed_views(photos: list[made.U8], random: made.Random, count: int) -> Lesson:
    """Photographs of which each place is moved, then changed two to five times."""
    pairs: list[Pair] = []
    for _ in range(count):
        photo = photos[int(random.integers(len(photos)))]
        share = float(np.exp(random.uniform(np.log(0.008), np.log(0.03))))
        other = made.composed(swayed(photo, share, random), random)[0]
        pairs.append(_both_saved((photo, other), random))
    return pairs, [1.0] * count


def same_surroundings(photos: list[made.U8], random: made.Random, count: int) -> Lesson:
    """Other photographs in one frame, or under one mark."""
    pairs: list[Pair] = []
    for turn in range(count):
        look = (same_frame, same_mark)[turn % 2]
        six = [photos[i] for i in random.integers(len(photos), size=6).tolist()]
        pair = look([squared(photo, 150) for photo in six], random)
        pairs.append(_both_saved(pair, random))
    return pairs, [1.0] * count


def cuttings(photos: list[made.U8], random: made.Random, count: int) -> Lesson:
    pairs: list[Pair] = []
    while len(pairs) < count:
        cut = other_cuttings(photos[int(random.integers(len(photos)))], random)
        if cut is not None:
            pairs.append(_both_saved(cut, random))
    return pairs, [1.0] * count


def look_alikes(photos: list[made.U8], random: made.Random, count: int) -> Lesson:
    pairs, weights = [], []
    for _ in range(count):
        look = LOOK_ALIKES[int(random.integers(len(LOOK_ALIKES)))]
        six = [photos[i] for i in random.integers(len(photos), size=6).tolist()]
        pair = look([squared(photo, 150) for photo in six], random)
        pairs.append(_both_saved(pair, random))
        weights.append(_MOMENTS if look is other_moment else 1.0)
    return pairs, weights


def other_views(photos: list[made.U8], random: made.Random, count: int) -> Lesson:
    """Photographs of which each place is moved a little, as another view moves it."""
    pairs: list[Pair] = []
    for _ in range(count):
        photo = photos[int(random.integers(len(photos)))]
        share = float(np.exp(random.uniform(np.log(0.004), np.log(0.03))))
        other = swayed(photo, share, random)
        if random.random() < _CHANGED_IN_CROWD:
            other = made.composed(other, random, 1)[0]
        pairs.append(_both_saved((photo, other), random))
    return pairs, [1.0] * count


def crowd(
    pictures: list[made.U8],
    random: made.Random,
    propose: Propose,
    *,
    all_differ: bool = False,
) -> Lesson:
    """Some pairs that are proposed among pictures, and that are no copies.

    See :func:`tools.pair_examples.crowd`.

    Args:
        pictures: to propose pairs of
        random: draws changes and pairs
        propose: what proposes them
        all_differ: whether two pictures that do not look the same at 16 x 16 differ
            even if they pass for copies, as drawings do
    """
    original, sizes = describe(pictures)
    changed = [
        saved(
            made.composed(picture, random)[0]
            if random.random() < _CHANGED_IN_CROWD
            else picture,
            random,
        )
        for picture in pictures
    ]
    shown, _ = describe(changed)
    found = propose(changed, shown)
    ends = np.unique(np.sort(found, axis=1), axis=0).astype(np.int32)
    ends = ends[np.sort(random.permutation(len(ends))[:_MOST_OF_CROWD])]
    ends = ends[~_look_the_same(original, ends)]
    if not all_differ:
        before = verify_pairs(original, ends, sizes)
        ends = ends[(before.scores < _UNKNOWN) & ~before.scenes]
    pairs = [(changed[a], changed[b]) for a, b in ends.tolist()]
    return pairs, [1.0] * len(pairs)
