"""Which doubts of labels hold for objects: a crop is more than its object.

Of 25 labels of COCO128 that similar crops contradict, 20 were of classes with fewer
than 20 objects, and in most of the others a box of the suggested class lay in front (a
tie on a person, a bottle on a table); 2 or 3 were wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_OF_CLASS = 20
"""Distinct objects of a class below which nothing is said of its labels."""

_MOST_ALIKE, _FEW = 0.1, 2
"""Share of a class that may look like one other class before that may be its look,
where these are more than a few."""

_FAR_OFF, _NEARLY_ALL = 5.0, 2 / 3
"""Score below which an object looks like the other class and no more like its own, and
the share of such from which they are wrong labels after all: what looks like another
class by nature also does so more or less. Of COCO128 that share was 0.5 and less in all
of 19 pairs of classes (handbags and elephants that look like persons: of 8 issues none
was right); with 5 % other labels planted among blood cells 0.82 and 0.89."""

_MOSTLY = 0.3
"""Share of a box that another box covers from which its crop may show that object."""


def can_be_judged(labels: Ints, images: Ints) -> Bools:
    """Finds the objects whose class has enough of them to judge its labels.

    Args:
        labels: int64[u], class of each object, -1 without
        images: int64[u], equal for crops that show the same; -1 without one
    """
    known = (labels >= 0) & (images >= 0)
    distinct = np.unique(np.stack([labels[known], images[known]]), axis=1)[0]
    sizes = np.bincount(distinct, minlength=labels.max(initial=-1) + 1)
    result: Bools = np.append(sizes, 0)[labels] >= FEWEST_OF_CLASS
    return result & known


def looks_alike(labels: Ints, suggested: Ints, score: NDArray[np.floating]) -> Bools:
    """Finds objects whose suggestion many of their class share, more or less.

    Where a good part of a class looks like another one it is the look of the class: a
    crop of a bag shows who carries it. Unless nearly all of them are far off: those
    come from the other class.

    Args:
        labels: int64[u], class of each object, -1 without one that is judged
        suggested: int64[u], what similar objects are labeled; -1 for nothing else
        score: float[u], of each label, 0 to 100
    """
    known, doubted = labels >= 0, (labels >= 0) & (suggested >= 0)
    sizes = np.bincount(labels[known])
    pairs, place, counts = np.unique(
        np.stack([labels[doubted], suggested[doubted]]),
        axis=1,
        return_inverse=True,
        return_counts=True,
    )
    place = place.reshape(-1)
    far_off = np.bincount(place[score[doubted] < _FAR_OFF], minlength=len(counts))
    many = (counts > _FEW) & (counts > _MOST_ALIKE * sizes[pairs[0]])
    found = np.zeros(len(labels), bool)
    found[doubted] = (many & (far_off < _NEARLY_ALL * counts))[place]
    return found


def shows_another(rows: Ints, suggested: Ints, file: Ints, boxes: Doubles,
                  labels: Ints) -> Bools:  # fmt: skip
    """Finds crops in which a box of the suggested class lies, or around them.

    Args:
        rows: int64[r], the objects that are asked about
        suggested: int64[r], what similar objects are labeled; -1 for nothing
        file: int64[u], picture of each object
        boxes: float64[u, 4], left, top, right, bottom as shares of their pictures
        labels: int64[u], class of each object

    Returns:
        bool[r], for objects of which such a box covers a good part
    """
    order = np.argsort(file, kind="stable")
    ends = file[order]
    first, last = (
        np.searchsorted(ends, file[rows], side) for side in ("left", "right")
    )
    found = np.zeros(len(rows), bool)
    for place, row in enumerate(rows.tolist()):
        beside = order[first[place] : last[place]]
        others = boxes[beside[(labels[beside] == suggested[place]) & (beside != row)]]
        low = np.maximum(boxes[row, :2], others[:, :2])
        high = np.minimum(boxes[row, 2:], others[:, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        area = np.prod(boxes[row, 2:] - boxes[row, :2])
        found[place] = bool((shared >= _MOSTLY * area).any())
    return found
