"""Copies of one picture that are annotated differently.

Where two pictures are copies, the comparison of their pixels knows how one lies over
the other (:class:`core.copy_detection.overlays.Overlays`). The boxes of one, carried
into the other, must lie on boxes of the same labels there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..copy_detection.orientations import MIRRORED_FROM
from .boxes import iou_of

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

AGREEMENTS = ("agrees", "other label", "shifted", "missing")
AGREES, OTHER_LABEL, SHIFTED, MISSING = range(len(AGREEMENTS))
NOT_COMPARED = -1

MIN_AGREEMENT = 0.8
"""IoU of a box with its partner below which it counts as shifted. Equal boxes carried
over have 0.93 and more in 99 of 100 cases (0.90 if they are 24 pixels wide); a box
that is off by 5 % of both sides has 0.82, by 7 % 0.76."""

_MIN_SHOWN = 0.6
"""Share of a box that both pictures must show: a crop may leave the rest out."""

_MIN_PARTNER = 0.3
"""IoU below which two boxes are not on one object."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """How one picture lies over another.

    Attributes:
        turn: how the first is turned, 0 to 7; see
            :mod:`core.copy_detection.orientations`
        warp: float64[2, 3], affine map of the frame of the turned first picture into
            that of the second; both frames are [0, 1] squared
    """

    turn: int
    warp: Doubles


@dataclass(frozen=True, eq=False)
class Agreement:
    """What the boxes of one picture find in the other.

    Attributes:
        kind: int8[k], index in :data:`AGREEMENTS`; ``NOT_COMPARED`` for boxes of which
            the other picture shows too little
        partner: int64[k], box of the other picture on the same object, or -1
        iou: float64[k], with the partner; 0 without one
    """

    kind: NDArray[np.int8]
    partner: Ints
    iou: Doubles


def carried(boxes: Doubles, overlay: Overlay) -> Doubles:
    """Carries boxes of the first picture into the frame of the second.

    Args:
        boxes: float64[k, 4], left, top, right, bottom as shares of the first picture
        overlay: how the first lies over the second

    Returns:
        float64[k, 4], the upright boxes around them, as shares of the second
    """
    left, top, right, bottom = boxes.T
    x = np.stack([left, right, right, left], axis=1)
    y = np.stack([top, top, bottom, bottom], axis=1)
    if overlay.turn >= MIRRORED_FROM:
        x = 1 - x
    for _ in range(overlay.turn % 4):  # counterclockwise, as np.rot90
        x, y = y, 1 - x
    (a, b, c), (d, e, f) = overlay.warp
    x, y = a * x + b * y + c, d * x + e * y + f
    around = [x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)]
    return np.stack(around, axis=1)


def compare_boxes(
    one: Doubles,
    one_labels: Ints,
    other: Doubles,
    other_labels: Ints,
    overlay: Overlay,
    *,
    min_agreement: float = MIN_AGREEMENT,
) -> tuple[Agreement, Agreement]:
    """Compares the boxes of two copies.

    Partners are those with the largest sum of IoU (Kuhn, 1955, by SciPy).

    Args:
        one, other: float64[k, 4] and float64[l, 4], left, top, right, bottom as shares
            of their pictures
        one_labels, other_labels: int64[k] and int64[l]
        overlay: how the first picture lies over the second
        min_agreement: IoU below which partners count as shifted

    Returns:
        what each box of the first picture finds, and each of the second
    """
    from scipy.optimize import linear_sum_assignment

    frame = np.array([[0.0, 0.0, 1.0, 1.0]])
    seen = _clipped(carried(frame, overlay), frame)
    sides = []
    for boxes in (carried(one, overlay), other):
        shown = _clipped(boxes, seen)
        share = np.divide(
            _area(shown), _area(boxes), out=np.zeros(len(boxes)), where=_area(boxes) > 0
        )
        sides.append((shown, share >= _MIN_SHOWN))
    (first, in_first), (second, in_second) = sides
    iou = iou_of(first[:, None], second[None])
    iou[~in_first] = 0
    iou[:, ~in_second] = 0
    rows, columns = linear_sum_assignment(np.where(iou >= _MIN_PARTNER, iou, 0), True)
    are_partners = iou[rows, columns] >= _MIN_PARTNER
    rows, columns = rows[are_partners], columns[are_partners]
    least, same = iou[rows, columns], one_labels[rows] == other_labels[columns]
    kinds = np.where(
        same, np.where(least < min_agreement, SHIFTED, AGREES), OTHER_LABEL
    )
    return (
        _agreement(in_first, rows, columns, least, kinds),
        _agreement(in_second, columns, rows, least, kinds),
    )


def _agreement(
    shown: Bools, rows: Ints, partners: Ints, iou: Doubles, kinds: Ints
) -> Agreement:
    kind = np.where(shown, MISSING, NOT_COMPARED).astype(np.int8)
    partner, ious = np.full(len(shown), -1, np.int64), np.zeros(len(shown))
    kind[rows], partner[rows], ious[rows] = kinds, partners, iou
    return Agreement(kind, partner, ious)


def _clipped(boxes: Doubles, frame: Doubles) -> Doubles:
    low = np.clip(boxes[:, :2], frame[:, :2], frame[:, 2:])
    high = np.clip(boxes[:, 2:], frame[:, :2], frame[:, 2:])
    return np.concatenate([low, high], axis=1)


def _area(boxes: Doubles) -> Doubles:
    area: Doubles = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return area
