"""What is wrong with boxes, told from their numbers alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .units import DEGENERATE, OUTSIDE, TINY, UNREAD, Units, corners

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

BOX_ISSUES = (
    "degenerate",
    "outside",
    "duplicate",
    "two_labels",
    "tiny",
    "odd_size",
    "odd_aspect_ratio",
    "whole_picture",
)
"""Names of the columns of :func:`box_issues`; the first three are mistakes, the others
hints."""

MISTAKES = BOX_ISSUES[:3]

MIN_BOX_OVERLAP = 0.85
"""IoU from which two boxes of one picture are one object: of 100 second boxes that lie
off by up to 3 % of their sides, 100 have it; at 0.9 83."""

_BEYOND_PIXELS, _BEYOND_SHARE = 1.0, 0.01
"""How far a box reaches out of its picture before it is said to: rounding does not."""

_MIN_OF_CLASS = 20
_ODD_RANGES = 2.0
"""Interquartile ranges outside the quartiles of a class (Tukey, 1977, "far out" is 3;
2 because sizes are compared as logarithms), of classes with so many objects."""

_MIN_ODD = 0.1
"""How far, as a logarithm, at least: of boxes that are all alike the rounding of one
is not odd."""

_MOST_ODD = 0.02
"""Of a class: where more are so far out, its objects have no usual size or shape. Of
670 playing cards 95 were, all of them sound, since cards lie in any direction."""

_WHOLE = 0.98
_PAIRS_AT_ONCE = 2**20


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of boxes of one picture that overlap.

    Attributes:
        pairs: int64[p, 2], rows of the boxes, the smaller number first, sorted
        iou: float64[p], area of their intersection over that of their union
    """

    pairs: Ints
    iou: Doubles


def box_issues(
    units: Units,
    boxes: Doubles,
    sizes: NDArray[np.int32],
    labels: Ints,
    attribute_count: Ints,
    *,
    min_overlap: float = MIN_BOX_OVERLAP,
) -> Bools:
    """Finds what is wrong with each box.

    Args:
        units: the u objects
        boxes: float64[u, 4], left, top, width and height as shares of the picture
        sizes: int32[n, 2], width and height of each picture in pixels
        labels: int64[u], class of each object, -1 without one
        attribute_count: int64[u], how much a person has said of each object: of two
            boxes on one object the poorer is the ``duplicate``, the later of equals
        min_overlap: IoU from which two boxes are on one object

    Returns:
        bool[u, 8], columns as in :data:`BOX_ISSUES`. A ``duplicate`` has the label of
        the box that stays; other pairs on one object are ``two_labels``, both of them
    """
    found = dict.fromkeys(BOX_ISSUES, np.zeros(len(boxes), bool))
    found["degenerate"] = units.status == DEGENERATE
    found["tiny"] = units.status == TINY
    pixels = corners(boxes) * np.tile(sizes[units.file], 2)
    found["outside"] = (units.status == OUTSIDE) | (
        units.can_be_cut & _reaches_out(pixels, sizes[units.file])
    )
    whole = ~np.isin(units.status, (DEGENERATE, OUTSIDE, UNREAD))
    found["whole_picture"] = whole & (boxes[:, 2:] >= _WHOLE).all(axis=1)
    alone = units.can_be_cut & (units.status == 0)
    pairs = overlaps(units.file, pixels, alone, min_overlap)
    found["duplicate"] = _second_boxes(pairs.pairs, labels, attribute_count)
    found["two_labels"] = _of_two_labels(pairs.pairs, labels, found["duplicate"])
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.log(boxes[:, 2] * boxes[:, 3])
        shape = np.log((pixels[:, 2] - pixels[:, 0]) / (pixels[:, 3] - pixels[:, 1]))
    # An object that the picture cuts off has whatever shape is left
    judged = units.can_be_cut & (labels >= 0) & ~_at_edge(pixels, sizes[units.file])
    found["odd_size"] = _odd(size, labels, judged)
    found["odd_aspect_ratio"] = _odd(shape, labels, judged)
    return np.stack([found[name] for name in BOX_ISSUES], axis=1)


def overlaps(file: Ints, boxes: Doubles, counts: Bools, least: float) -> Overlaps:
    """Finds the pairs of boxes of one picture that overlap.

    The IoU of two boxes is at most that of their extents from left to right. So of
    the boxes of a picture, sorted by their left edges, each is compared with those
    that begin in the first 1 - t of its width.

    Args:
        file: int64[u], picture of each box
        boxes: float64[u, 4], left, top, right, bottom in one unit
        counts: bool[u], boxes that are looked at
        least: IoU t, above 0
    """
    rows = np.flatnonzero(counts)
    rows = rows[np.lexsort((boxes[rows, 0], file[rows]))]
    left, right = boxes[rows, 0], boxes[rows, 2]
    # One sorted key for picture and left edge: where a row's candidates end
    _, picture = np.unique(file[rows], return_inverse=True)
    low = left.min(initial=0)
    step = right.max(initial=0) - low + 1
    key = picture * step + (left - low)
    reach = (1 - least) * (right - left) + 1e-9 * step
    ends = np.searchsorted(key, key + reach, "right")
    lengths = ends - np.arange(len(rows)) - 1
    found, ious = [np.zeros((0, 2), np.int64)], [np.zeros(0)]
    for part in _parts(lengths):
        one = np.repeat(part, lengths[part])
        first = np.repeat(np.cumsum(lengths[part]) - lengths[part], lengths[part])
        other = one + 1 + np.arange(len(one)) - first
        pairs = np.stack([rows[one], rows[other]], axis=1)
        iou = iou_of(boxes[pairs[:, 0]], boxes[pairs[:, 1]])
        found.append(np.sort(pairs[iou >= least], axis=1))
        ious.append(iou[iou >= least])
    pairs, iou = np.concatenate(found), np.concatenate(ious)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return Overlaps(pairs[order], iou[order])


def iou_of(one: Doubles, other: Doubles) -> Doubles:
    """Returns the intersection over union of boxes, row by row.

    Args:
        one, other: float64[..., 4], left, top, right, bottom
    """
    low = np.maximum(one[..., :2], other[..., :2])
    high = np.minimum(one[..., 2:], other[..., 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = [np.prod(box[..., 2:] - box[..., :2], axis=-1) for box in (one, other)]
    union = areas[0] + areas[1] - both
    iou: Doubles = np.divide(both, union, out=np.zeros_like(both), where=union > 0)
    return iou


def _parts(lengths: Ints) -> list[Ints]:
    """Cuts rows into runs of about ``_PAIRS_AT_ONCE`` pairs."""
    rows = np.flatnonzero(lengths)
    runs = np.cumsum(lengths[rows]) // _PAIRS_AT_ONCE
    return list(np.split(rows, np.flatnonzero(np.diff(runs)) + 1))


def _reaches_out(pixels: Doubles, sizes: NDArray[np.int32]) -> Bools:
    return np.asarray((_beyond(pixels, sizes) > _near(sizes)).any(axis=1))


def _at_edge(pixels: Doubles, sizes: NDArray[np.int32]) -> Bools:
    return np.asarray((_beyond(pixels, sizes) >= -_near(sizes)).any(axis=1))


def _beyond(pixels: Doubles, sizes: NDArray[np.int32]) -> Doubles:
    """Returns how far boxes reach beyond the edges; float64[u, 2], pixels."""
    result: Doubles = np.maximum(-pixels[:, :2], pixels[:, 2:] - sizes)
    return result


def _near(sizes: NDArray[np.int32]) -> Doubles:
    result: Doubles = np.maximum(_BEYOND_PIXELS, _BEYOND_SHARE * sizes)
    return result


def _second_boxes(pairs: Ints, labels: Ints, attribute_count: Ints) -> Bools:
    """Of boxes on one object with one label all but the one that says most."""
    second = np.zeros(len(labels), bool)
    pairs = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]]
    # Each pair names its better box first; the best of all boxes is decided first
    poorer = attribute_count[pairs[:, 1]] > attribute_count[pairs[:, 0]]
    pairs = np.where(poorer[:, None], pairs[:, ::-1], pairs)
    order = np.lexsort((pairs[:, 0], -attribute_count[pairs[:, 0]]))
    for better, other in pairs[order].tolist():
        if not second[better]:
            second[other] = True
    return second


def _of_two_labels(pairs: Ints, labels: Ints, second: Bools) -> Bools:
    found = np.zeros(len(labels), bool)
    differ = labels[pairs[:, 0]] != labels[pairs[:, 1]]
    found[pairs[differ & ~second[pairs].any(axis=1)].ravel()] = True
    return found


def _odd(values: Doubles, labels: Ints, judged: Bools) -> Bools:
    """Values far from those of their class."""
    odd = np.zeros(len(values), bool)
    for label in np.unique(labels[judged]):
        rows = np.flatnonzero(judged & (labels == label))
        if len(rows) < _MIN_OF_CLASS:
            continue
        low, high = np.quantile(values[rows], (0.25, 0.75))
        far = max(_ODD_RANGES * (high - low), _MIN_ODD)
        found = (values[rows] < low - far) | (values[rows] > high + far)
        odd[rows] = found & (found.sum() <= max(1, _MOST_ODD * len(rows)))
    return odd
