"""What a closer look compares of pictures that lie on one another.

How many local features agree and where; how blocks of 8 x 8 of 128 x 128 pixels agree,
and how far they would have to move to agree better. Copies agree to a fraction of a
pixel; another moment or view of a scene does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .filters import block_moves, grid_sums, masked_high_pass, weighted_quantile
from .local_features import TOLERANCE, FeatureMap
from .overlays import Overlays, inside, sample
from .planes import WHITE
from .same_scene import slide
from .types import Bools, Floats, Ints, floats

_CELLS = 16
"""Blocks along each axis, of 8 x 8 pixels of 128 x 128."""

_DETAIL_SIGMA = 3.0
_NOISE = 3.0
_ENERGY = 20.0
"""Pixels; gray levels squared: a block's own noise, and what has half a say."""

_ALIKE, _UNLIKE = 0.8, 0.5
_LONGEST_MOVE = 3.0
_SPREAD_CELLS = 4


def feature_evidence(maps: Sequence[FeatureMap | None]) -> dict[str, Floats]:
    """What the features say.

    agreed: log of the number of features in agreement
    agreed_share: their share of those that were compared
    agreed_cells: share of 4 x 4 cells, of the box of the features, that have one
    agreed_apart: how far they lie from where the map says, in pixels of 128
    """
    count, share, cells = np.zeros((3, len(maps)), np.float32)
    apart = np.full(len(maps), TOLERANCE, np.float32)
    for row, one in enumerate(maps):
        if one is not None:
            place = np.clip((one.at * _SPREAD_CELLS).astype(int), 0, _SPREAD_CELLS - 1)
            taken = np.unique(place @ np.array([1, _SPREAD_CELLS]))
            count[row], share[row] = len(one.at), len(one.at) / one.matches
            cells[row], apart[row] = len(taken) / _SPREAD_CELLS**2, one.apart
    return {
        "agreed": np.log1p(count),
        "agreed_share": share,
        "agreed_cells": cells,
        "agreed_apart": apart,
    }


def fine_evidence(gray: Floats, overlays: Overlays) -> dict[str, Floats]:
    """What shows at 128 x 128.

    contained: share of the picture that shows less which lies in the other
    fine_alike, fine_unlike: shares of blocks that agree, and that do not, by how much
        there is to see in each
    fine_least: correlation that three quarters of the blocks exceed
    fine_rest: mean correlation beside the largest group of unlike blocks
    fine_groups: log of the number of groups of unlike blocks
    fine_largest: share of what is seen that the largest group covers
    fine_others: share that the others cover
    fine_flat: share of the unlike blocks in which one of the two shows nothing
    fine_move: pixels by which half of the blocks would have to move at most
    fine_drift: pixels by which four fifths would
    fine_sway, fine_parallax: the same of blocks and those around them together: noise
        moves each its own way, another view all of a place
    slide: by how much, in frames, each shows what the other does not
    """
    side = gray.shape[1]
    inner = overlays.inner_of(gray, WHITE)
    outer = sample(gray[overlays.outer], overlays.warp)
    seen = inside(overlays.warp, side, 1.5)
    one, other = masked_high_pass((inner, outer), seen, _DETAIL_SIGMA)
    area = _sums(seen) + np.float32(1e-6)
    square, other_square = _sums(one * one), _sums(other * other)
    # As if the picture of lower contrast had been stretched to the other's
    both = _sums(one * other)
    gain = np.sqrt((square.sum(axis=(1, 2)) + 1) / (other_square.sum(axis=(1, 2)) + 1))[
        :, None, None
    ]
    other, other_square, both = other * gain, other_square * gain**2, both * gain
    noise = _NOISE * area
    correlation = (both + noise) / np.sqrt((square + noise) * (other_square + noise))
    larger = np.maximum(square, other_square) / area
    weight = larger / (larger + _ENERGY) * (area > 0.3 * (side // _CELLS) ** 2)
    total = weight.sum(axis=(1, 2)) + 1e-6
    unlike = (correlation < _UNLIKE) & (weight > 0.2)
    groups, largest, others, beside = _groups(unlike, area)
    faint = np.minimum(square, other_square) / area < _ENERGY / 4
    rest = weight * beside
    moves = block_moves(one, other, seen, _CELLS, _NOISE / 2)
    together = _together(moves, weight)
    flat_weight = weight.reshape(len(weight), -1)
    move, sway = (
        np.minimum(np.hypot(*both_ways), _LONGEST_MOVE).reshape(len(weight), -1)
        for both_ways in (moves, together)
    )
    return {
        "contained": floats(seen.mean(axis=(1, 2))),
        "fine_alike": floats(
            (weight * (correlation > _ALIKE)).sum(axis=(1, 2)) / total
        ),
        "fine_unlike": floats(
            (weight * (correlation < _UNLIKE)).sum(axis=(1, 2)) / total
        ),
        "fine_least": weighted_quantile(
            correlation.reshape(flat_weight.shape), flat_weight, 0.25
        ),
        "fine_rest": floats(
            (correlation * rest).sum(axis=(1, 2)) / (rest.sum(axis=(1, 2)) + 1e-6)
        ),
        "fine_groups": floats(np.log1p(groups)),
        "fine_largest": largest,
        "fine_others": others,
        "fine_flat": floats(
            (faint & unlike).sum(axis=(1, 2)) / (unlike.sum(axis=(1, 2)) + 1e-6)
        ),
        "fine_move": weighted_quantile(move, flat_weight, 0.5),
        "fine_drift": weighted_quantile(move, flat_weight, 0.8),
        "fine_sway": weighted_quantile(sway, flat_weight, 0.5),
        "fine_parallax": weighted_quantile(sway, flat_weight, 0.8),
        "slide": floats(np.clip(slide(overlays.warp), 0, 0.05)),
    }


def _sums(values: Floats) -> Floats:
    """Returns float32[b, 16, 16]: sums over blocks."""
    return grid_sums(values, _CELLS)


def _together(moves: tuple[Floats, Floats], weight: Floats) -> list[Floats]:
    """Returns how blocks move with those around them: float32[b, 16, 16] each."""
    around = [_box(one * weight) for one in moves]
    total = _box(weight) + np.float32(1e-6)
    return [one / total for one in around]


def _box(values: Floats) -> Floats:
    """Returns sums over 3 x 3."""
    wide = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    return floats(rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:])


def _groups(unlike: Bools, area: Floats) -> tuple[Ints, Floats, Floats, Bools]:
    """Looks at the groups of unlike blocks, bool[b, 16, 16].

    Returns:
        int64[b], their number; float32[b], the shares of what is seen that the largest
        and that the others cover; bool[b, 16, 16], what lies beside the largest
    """
    count = len(unlike)
    number = np.zeros(count, np.int64)
    largest, others = np.zeros((2, count), np.float32)
    beside = np.ones_like(unlike)
    for row in np.flatnonzero(unlike.any(axis=(1, 2))).tolist():
        parts, part, stats, _ = cv2.connectedComponentsWithStats(
            unlike[row].astype(np.uint8), connectivity=8
        )
        sizes = np.bincount(part.ravel(), weights=area[row].ravel(), minlength=parts)[
            1:
        ]
        most = int(sizes.argmax())
        whole = float(area[row].sum()) + 1e-6
        number[row] = parts - 1
        largest[row] = sizes[most] / whole
        others[row] = (sizes.sum() - sizes[most]) / whole
        beside[row] = part != 1 + most
    return number, largest, others, beside
