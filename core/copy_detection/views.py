"""Other views of a picture: without its frame, and on a neutral ground.

A letterbox, a border or a plain ground says nothing of what is shown. Pictures
with plain margins on opposite sides are therefore compared by what lies inside
them, too: a framed copy with the bare original, and look-alikes in one frame by
what they frame. A cut-out whose transparent ground was made black in one file and
white in another is compared on gray.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from .signature import COLOR_SIDE, GRAY_SIDE, SIGNATURE_BYTES, brightness_of
from .types import Bools, Doubles, Floats, Ints, floats

_FLAT = 14
_SAME_LEVEL = 8
"""Gray levels, at 64 x 64: by how much the pixels of a row of a margin vary at most,
and how far its mean may be from that of the outermost row. JPEG of quality 10 stays
within them."""

_LINE = 2
"""Pixels of 64 at each edge that a thin line around a frame darkens."""

_LEAST_INSIDE = 12
"""Pixels of 64: what is smaller shows too little when it is enlarged."""

_OTHER_GROUND = 40
"""Gray levels from which on two grounds differ, so that both are made gray."""

_LEAST_GROUND = 0.04
"""Share of the view without margins that is ground: less is a rectangle's edge."""

SAME_FRAME = 0.03
"""By how much, in frames, margins differ at most that are not said to be a change."""

_MORE_GROUND = 0.02
_HELD = 0.9
"""Shares of a view that one's ground has more than the other's, and of that ground that
the larger holds, where a part of a picture was taken for ground. Of 180 cut-outs of
photographs on black, green and gray, most of them soft, 47 are found instead of 18, and
of 3,420 pairs of two of them none."""

_NEUTRAL = 128
NO_VIEW = -1


@dataclass(frozen=True, eq=False)
class Margins:
    """Where the margins of m pictures end.

    Attributes:
        box: float64[m, 4], left, top, right and lower edge of what is inside, in
            frames
        level: float32[m], gray level of the margins, 0 without
        all_round: bool[m], there are margins on all four sides
        found: bool[m], there are margins on opposite sides
    """

    box: Doubles
    level: Floats
    all_round: Bools
    found: Bools


def find_margins(gray: NDArray[np.uint8]) -> Margins:
    """Finds plain margins on opposite sides, or all round within a thin line.

    Args:
        gray: uint8[m, 64, 64]
    """
    bare, lined = _margins_within(gray, 0), _margins_within(gray, _LINE)
    use = ~bare.found & lined.found & lined.all_round
    return Margins(
        np.where(use[:, None], lined.box, bare.box),
        np.where(use, lined.level, bare.level),
        bare.all_round | use,
        bare.found | use,
    )


def _margins_within(gray: NDArray[np.uint8], line: int) -> Margins:
    """Finds margins on opposite sides, leaving ``line`` pixels at each edge aside."""
    count, side = len(gray), GRAY_SIDE
    margins = Margins(
        np.tile(np.array([0.0, 0, 1, 1]), (count, 1)),
        np.zeros(count, np.float32),
        np.zeros(count, bool),
        np.zeros(count, bool),
    )
    gray = gray[:, line : side - line, line : side - line]
    # Few pictures have two opposite edges that are flat: a tenth of the time
    edges = np.stack([gray[:, :, 0], gray[:, :, -1], gray[:, 0], gray[:, -1]])
    left, right, top, bottom = _is_flat(edges, 2)
    rows = np.flatnonzero((left & right) | (top & bottom))
    if len(rows):
        found = _margins_of(gray[rows], line)
        for one in fields(Margins):
            getattr(margins, one.name)[rows] = getattr(found, one.name)
    return margins


def _is_flat(gray: NDArray[np.uint8], axis: int) -> Bools:
    """Returns where gray levels hardly vary along an axis."""
    low, high = gray.min(axis=axis), gray.max(axis=axis)
    flat: Bools = high.astype(np.int16) - low <= _FLAT
    return flat


def _margins_of(gray: NDArray[np.uint8], line: int) -> Margins:
    """Measures the margins of pictures of which ``line`` pixels were cut off."""
    side = GRAY_SIDE
    counts, levels = [], []
    for axis in (1, 2):
        # Of each column (axis 1) or row (axis 2), over the other axis
        mean = gray.mean(axis=axis, dtype=np.float32)
        flat = _is_flat(gray, axis)
        for lines, means in ((flat, mean), (flat[:, ::-1], mean[:, ::-1])):
            even = lines & (np.abs(means - means[:, :1]) <= _SAME_LEVEL)
            count = np.minimum.accumulate(even, axis=1).sum(axis=1)
            # The line after the last is a blend of margin and picture
            counts.append((count + 1 + line) * (count > 0))
            levels.append(means[:, 0])
    left, right, top, bottom = counts
    across = (left > 0) & (right > 0) & (np.abs(levels[0] - levels[1]) <= _SAME_LEVEL)
    along = (top > 0) & (bottom > 0) & (np.abs(levels[2] - levels[3]) <= _SAME_LEVEL)
    left, right = left * across, right * across
    top, bottom = top * along, bottom * along
    width, height = side - left - right, side - top - bottom
    found = (across | along) & (np.minimum(width, height) >= _LEAST_INSIDE)
    box = np.stack([left, top, side - right, side - bottom], axis=1) / side
    level = floats(np.where(across, levels[0] + levels[1], levels[2] + levels[3]) / 2)
    alike = np.abs(levels[0] - levels[2]) <= _SAME_LEVEL
    return Margins(box, level, across & along & alike, found)


@dataclass(frozen=True, eq=False)
class Views:
    """Signatures of other views of some of m pictures.

    Attributes:
        signatures: uint8[v, 4608]
        sizes: int32[v, 2], width and height
        picture: int64[v], of which picture
        inside: int64[m], row of the view without margins, ``NO_VIEW`` without
        on_gray: int64[m], row of the view without margins on a neutral ground, that
            of the view without margins where there is no ground
        level: float32[m], gray level of the margins
        box: float64[m, 4], what lies inside the margins, in frames
        grounds: bool[64, 64] by picture, what was made gray of the view without margins
    """

    signatures: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    picture: Ints
    inside: Ints
    on_gray: Ints
    level: Floats
    box: Doubles
    grounds: dict[int, Bools]


def views_of(signatures: NDArray[np.uint8], sizes: NDArray[np.int32]) -> Views:
    """Makes the other views of pictures with margins."""
    margins = find_margins(brightness_of(signatures))
    rows = np.flatnonzero(margins.found)
    made = [_inside(signatures[row], margins.box[row]) for row in rows]
    inside = np.full(len(signatures), NO_VIEW)
    inside[rows] = np.arange(len(rows))
    on_gray, grounds = inside.copy(), {}
    for row in rows[margins.all_round[rows]].tolist():
        view = made[inside[row]]
        ground = _ground_of(view, float(margins.level[row]))
        if ground is not None:
            on_gray[row], grounds[row] = len(made), ground
            made.append(_on_gray(view, ground))
    picture = np.concatenate([rows, np.flatnonzero(on_gray != inside)])
    shares = margins.box[picture, 2:] - margins.box[picture, :2]
    small = np.maximum(1, np.rint(shares * sizes[picture])).astype(np.int32)
    stacked = np.array(made, np.uint8).reshape(-1, SIGNATURE_BYTES)
    return Views(
        stacked, small, picture, inside, on_gray, margins.level, margins.box, grounds
    )


def without_margins(signatures: NDArray[np.uint8]) -> Views:
    """Returns the other views of pictures whose sizes do not matter."""
    return views_of(signatures, np.ones((len(signatures), 2), np.int32))


def on_smaller_ground(
    views: Views, pairs: Ints
) -> tuple[Ints, Ints, NDArray[np.uint8]]:
    """Makes views in which the ground of both pictures of a pair is that of one.

    Where a part of a picture is as bright as its ground, it was made gray as well. On
    the ground of the other file it was not.

    Args:
        views: of m pictures
        pairs: int64[p, 2] of them, that stand on different grounds

    Returns:
        int64[q], the pairs in one frame of which one's ground holds the other's and
        more; int64[q], 0 or 1, the end that has more; uint8[q, 4608], the signature of
        its view on the other's ground
    """
    apart = np.abs(views.box[pairs[:, 0]] - views.box[pairs[:, 1]]).max(axis=1)
    rows, ends, made = [], [], []
    for row in np.flatnonzero(apart <= SAME_FRAME).tolist():
        a, b = pairs[row].tolist()
        if a not in views.grounds or b not in views.grounds:
            continue
        one, other = views.grounds[a], views.grounds[b]
        end = int(other.sum() > one.sum())
        small, large = (one, other) if end else (other, one)
        more = (large & ~small).mean()
        if more >= _MORE_GROUND and (small & large).sum() >= _HELD * small.sum():
            rows.append(row)
            ends.append(end)
            view = views.inside[pairs[row, end]]
            made.append(_on_gray(views.signatures[view], small))
    stacked = np.array(made, np.uint8).reshape(-1, SIGNATURE_BYTES)
    return np.array(rows, np.int64), np.array(ends, np.int64), stacked


def same_level(views: Views, a: Ints, b: Ints) -> Bools:
    """Returns which pairs have margins of the same brightness."""
    same: Bools = np.abs(views.level[a] - views.level[b]) <= _SAME_LEVEL
    return same


def other_ground(views: Views, a: Ints, b: Ints) -> Bools:
    """Returns which pairs stand on grounds of different brightness."""
    other: Bools = np.abs(views.level[a] - views.level[b]) > _OTHER_GROUND
    return other


def _planes(signature: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Returns the planes of one signature: brightness, two color differences."""
    color = signature[GRAY_SIDE**2 :].reshape(2, COLOR_SIDE, COLOR_SIDE)
    return [signature[: GRAY_SIDE**2].reshape(GRAY_SIDE, GRAY_SIDE), *color]


def _inside(signature: NDArray[np.uint8], box: Doubles) -> NDArray[np.uint8]:
    """Returns the signature of what lies in a box, stretched to the whole frame."""
    parts = []
    for plane in _planes(signature):
        side = len(plane)
        scale = box[2:] - box[:2]
        # From pixel centers of the view to pixel centers of the picture
        shift = side * box[:2] + scale / 2 - 0.5
        move = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        moved = cv2.warpAffine(
            plane, move, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        parts.append(moved.ravel())
    return np.concatenate(parts).astype(np.uint8)


def _ground_of(signature: NDArray[np.uint8], level: float) -> Bools | None:
    """Returns the ground that reaches the edge, bool[64, 64]; None where none does."""
    gray = _planes(signature)[0]
    plain = np.pad(np.abs(gray - np.float32(level)) <= _FLAT, 1, constant_values=True)
    _, part = cv2.connectedComponents(plain.astype(np.uint8), connectivity=4)
    ground: Bools = (part == part[0, 0])[1:-1, 1:-1]
    if ground.mean() < _LEAST_GROUND:
        return None
    # The edge of a cut-out is a blend with its ground
    wide = cv2.dilate(ground.astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(wide > 0)


def _on_gray(signature: NDArray[np.uint8], ground: Bools) -> NDArray[np.uint8]:
    """Makes a ground, bool[64, 64], gray."""
    gray, *colors = _planes(signature)
    gray = np.where(ground, _NEUTRAL, gray)
    share = cv2.resize(floats(ground), (COLOR_SIDE,) * 2, interpolation=cv2.INTER_AREA)
    colors = [np.where(share > 0, _NEUTRAL, color) for color in colors]
    planes = [plane.ravel() for plane in (gray, *colors)]
    return np.concatenate(planes).astype(np.uint8)
