"""Copies of one picture that are annotated differently.

Where two pictures are copies, the comparison of their pixels knows how one lies over
the other (:func:`core.copy_detection.frame_maps`). The boxes of one, carried into the
other, must lie on boxes of the same labels there.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from .boxes import Overlaps, iou_of, overlaps

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

AGREEMENTS = ("agrees", "shifted", "missing", "other label")
AGREES, SHIFTED, MISSING, OTHER_LABEL = range(len(AGREEMENTS))
DISAGREEMENTS = AGREEMENTS[1:]
NOT_COMPARED = -1
NO_PARTNER = -1

MIN_AGREEMENT = 0.8
"""IoU of a box with its partner below which it counts as shifted. Equal boxes carried
over have 0.93 and more in 99 of 100 cases (0.90 if they are 24 pixels wide); a box
that is off by 5 % of both sides has 0.82, by 7 % 0.76."""

SURELY_AGREES = 0.9
"""IoU from which the pictures are not asked whether an object moved."""

_MIN_SHOWN = 0.6
"""Share of a box that both pictures must show: a crop may leave the rest out."""

MIN_PARTNER = 0.3
"""IoU below which two boxes are not on one object."""


@dataclass(frozen=True, eq=False)
class Copies:
    """p pairs of pictures that are copies.

    Attributes:
        pictures: int64[p, 2]
        maps: float64[p, 2, 3], affine maps of the frame of the first picture into that
            of the second; both frames are [0, 1] squared
    """

    pictures: Ints
    maps: Doubles


@dataclass(frozen=True, eq=False)
class BoxComparisons:
    """c comparisons, each of a box with the boxes of a copy of its picture.

    Attributes:
        unit: int64[c], the box
        pair: int64[c], the pair of copies
        picture: int64[c], the copy that was looked at
        partner: int64[c], its box on the same object, or ``NO_PARTNER``
        iou: float64[c], of both boxes, as far as both pictures show them; 0 without
        same_place: bool[c], the copy shows there what the box is around. An object
            that moved between two pictures, and its box with it, does not make the
            annotations differ
    """

    unit: Ints
    pair: Ints
    picture: Ints
    partner: Ints
    iou: Doubles
    same_place: Bools

    def at(self, rows: Bools) -> BoxComparisons:
        """Returns some of the comparisons."""
        return BoxComparisons(*(getattr(self, one.name)[rows] for one in fields(self)))

    @property
    def disputed(self) -> Bools:
        """bool[c], comparisons that depend on whether an object moved."""
        return self.iou < SURELY_AGREES


def carried(boxes: Doubles, maps: Doubles) -> Doubles:
    """Carries boxes into another frame.

    Of a tilted box the upright box around its corners is too large for most objects:
    carried is the ellipse that touches its sides, which is the box itself where
    nothing is tilted.

    Args:
        boxes: float64[k, 4], left, top, right, bottom as shares of a picture
        maps: float64[k, 2, 3] or float64[2, 3], of that picture's frame into another

    Returns:
        float64[k, 4], the upright boxes around the ellipses, as shares of the other
    """
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    linear, shift = maps[..., :2], maps[..., 2]
    middle = np.matmul(linear, middle[..., None])[..., 0] + shift
    half = np.sqrt(np.matmul(linear**2, half[..., None] ** 2)[..., 0])
    return np.concatenate([middle - half, middle + half], axis=1)


def compare_boxes(
    copies: Copies, picture: Ints, boxes: Doubles, counts: Bools
) -> BoxComparisons:
    """Compares the boxes of each picture with those of its copies.

    Partners are those with the largest sum of IoU (Kuhn, 1955, by SciPy). Boxes of
    which the copy shows too little are not compared.

    Args:
        copies: the pairs of pictures
        picture: int64[u], of each box
        boxes: float64[u, 4], left, top, right, bottom as shares of their pictures
        counts: bool[u], boxes that are compared

    Returns:
        as if nothing had moved; see :func:`core.objects.moved.without_moved`
    """
    units = np.flatnonzero(counts)
    units = units[np.argsort(picture[units], kind="stable")]
    sides = [_boxes_of(units, picture[units], side) for side in copies.pictures.T]
    unit = np.concatenate([found for found, _ in sides])
    pair = np.concatenate([pairs for _, pairs in sides])
    is_first = np.arange(len(unit)) < len(sides[0][0])
    whole = boxes[unit]
    whole[is_first] = carried(whole[is_first], copies.maps[pair[is_first]])
    frame = np.tile([0.0, 0, 1, 1], (len(copies.maps), 1))
    seen = _clipped(carried(frame, copies.maps), frame)
    shown = _clipped(whole, seen[pair])
    is_seen = _area(shown) >= _MIN_SHOWN * np.maximum(_area(whole), 1e-12)
    near = overlaps(pair, shown, is_seen, MIN_PARTNER)
    between = is_first[near.pairs[:, 0]] != is_first[near.pairs[:, 1]]
    partner = _partners(
        Overlaps(near.pairs[between], near.iou[between]), len(unit), is_first
    )
    rows = np.flatnonzero(is_seen)
    has = partner[rows] != NO_PARTNER
    iou = np.where(has, iou_of(shown[rows], shown[partner[rows]]), 0)
    return BoxComparisons(
        unit=unit[rows],
        pair=pair[rows],
        picture=copies.pictures[pair[rows], is_first[rows].astype(int)],
        partner=np.where(has, unit[partner[rows]], NO_PARTNER),
        iou=iou,
        same_place=np.ones(len(rows), bool),
    )


@dataclass(frozen=True, eq=False)
class Agreement:
    """What copies say of each box.

    Attributes:
        kind: int8[u], index in :data:`AGREEMENTS`, the gravest of what its copies say;
            ``NOT_COMPARED`` without a copy that shows its place
        label: int64[u], the other label, -1 without
        lacking: int64[n], boxes that a copy of the picture has and it lacks
        conflict: bool[n], the picture and a copy disagree on a box
        compared: bool[n], the picture has a copy
    """

    kind: NDArray[np.int8]
    label: Ints
    lacking: Ints
    conflict: Bools
    compared: Bools


def agree(
    found: BoxComparisons,
    copies: Ints,
    picture: Ints,
    picture_count: int,
    labels: Ints,
    exact: Bools,
    min_agreement: float = MIN_AGREEMENT,
) -> Agreement:
    """Says for each box whether the copies of its picture agree.

    Args:
        found: the comparisons
        copies: int64[p, 2], the pairs of pictures that were compared
        picture: int64[u], of each box
        picture_count: n
        labels: int64[u], -1 for unknown, which contradicts none
        exact: bool[u], False for boxes so small that their edges are not judged
        min_agreement: IoU below which partners count as shifted
    """
    unit, partner = found.unit, found.partner
    has = partner != NO_PARTNER
    known = has & (labels[unit] >= 0) & (labels[partner] >= 0)
    kind = np.full(len(unit), AGREES, np.int8)
    kind[
        has
        & (found.iou < min_agreement)
        & found.same_place
        & exact[unit]
        & exact[partner]
    ] = SHIFTED
    kind[~has] = np.where(found.same_place[~has], MISSING, NOT_COMPARED)
    kind[known & (labels[unit] != labels[partner])] = OTHER_LABEL
    gravest = np.full(len(picture), NOT_COMPARED, np.int8)
    np.maximum.at(gravest, unit, kind)
    label = np.full(len(picture), -1, np.int64)
    differ = kind == OTHER_LABEL
    # Of several the last assignment wins, which is that of the first pair
    label[unit[differ][::-1]] = labels[partner[differ]][::-1]
    lacking = np.zeros(picture_count, np.int64)
    missing = kind == MISSING
    # Several copies may have the same boxes: the copy that has most counts
    ends = np.stack([found.picture[missing], picture[unit[missing]]], axis=1)
    between, lacks = np.unique(ends, axis=0, return_counts=True)
    np.maximum.at(lacking, between[:, 0], lacks)
    conflict, compared = np.zeros((2, picture_count), bool)
    disagree = kind > AGREES
    conflict[found.picture[disagree]] = True
    conflict[picture[unit[disagree]]] = True
    compared[copies.ravel()] = True
    return Agreement(gravest, label, lacking, conflict, compared)


def _boxes_of(units: Ints, picture: Ints, wanted: Ints) -> tuple[Ints, Ints]:
    """Returns the boxes of each wanted picture in turn, and its place in the list.

    Args:
        units: int64[k], sorted by picture
        picture: int64[k], of each
        wanted: int64[p]
    """
    first = np.searchsorted(picture, wanted)
    length = np.searchsorted(picture, wanted, "right") - first
    place = np.repeat(np.arange(len(wanted)), length)
    within = np.arange(len(place)) - np.repeat(np.cumsum(length) - length, length)
    return units[first[place] + within], place


def _partners(near: Overlaps, count: int, is_first: Bools) -> Ints:
    """Returns int64[count], the partner of each box, -1 without.

    Boxes that overlap no others than each other need no search; of the rest each
    connected group is solved by itself.
    """
    # Imported here: half a second that only data sets with copies need
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    partner = np.full(count, NO_PARTNER, np.int64)
    flip = ~is_first[near.pairs[:, 0]]
    pairs = np.where(flip[:, None], near.pairs[:, ::-1], near.pairs)
    degree = np.bincount(pairs.ravel(), minlength=count)
    alone = (degree[pairs] == 1).all(axis=1)
    partner[pairs[alone, 0]], partner[pairs[alone, 1]] = pairs[alone].T[::-1]
    pairs, iou = pairs[~alone], near.iou[~alone]
    if not len(pairs):
        return partner
    links = coo_matrix((np.ones(len(pairs)), tuple(pairs.T)), (count, count))
    group = connected_components(links, directed=False)[1][pairs[:, 0]]
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        one, row = np.unique(pairs[rows, 0], return_inverse=True)
        other, column = np.unique(pairs[rows, 1], return_inverse=True)
        gain = np.zeros((len(one), len(other)))
        gain[row, column] = iou[rows]
        for r, c in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
            if gain[r, c] > 0:
                partner[one[r]], partner[other[c]] = other[c], one[r]
    return partner


def _clipped(boxes: Doubles, frame: Doubles) -> Doubles:
    low = np.clip(boxes[:, :2], frame[:, :2], frame[:, 2:])
    high = np.clip(boxes[:, 2:], frame[:, :2], frame[:, 2:])
    return np.concatenate([low, high], axis=1)


def _area(boxes: Doubles) -> Doubles:
    area: Doubles = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return area
