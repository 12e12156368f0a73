"""What a closer look compares pixel by pixel, of pairs that are in doubt.

One picture is given the tones and the sharpness of the other; then most pixels of a
copy are what they were, whatever lies over the others. A caption or a sticker is one
patch with little beside it, a watermark is thin and makes all lighter, or all darker,
and neither follows the edges of the picture. What moved leaves them doubled.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .filters import grid_sums
from .marked_copies import common_tones
from .overlays import Overlays, inside, sample
from .planes import WHITE
from .types import Bools, Floats, floats

_EDGE = 1.5
_SOFTENED = 1.0
_SOFTENED_FOR_TONES = 1.5
"""Pixels of 128 that edges of what is seen are left aside; sigmas of the pictures, in
pixels of 128, and of those of 64 that tones are fitted to."""

_FEWEST = 100
"""Pixels of 64 x 64 that are seen, at least."""

_ROUNDS, _TOLERATED, _LEAST_TOLERATED = 4, 12.0, 4.0
_HELD = np.diag([1e-5, 1e-3, 0.1])
"""Rounds of the robust fit of tones, gray levels that have half a say in the first and
at least, and how strongly its level, gain and bend are held to where it begins."""

_BLURS = (0.0, 0.5, 1.0, 1.75)
"""Sigmas, in pixels of 64, that the sharper picture is blurred by."""

_DETAIL_SIGMA, _AROUND_SIGMA = 2.0, 1.5
_FAINT = 8.0
_LESS = 0.002
"""Sigmas, in pixels of 64, of details and of what lies around; squared gray levels of
details that say little, and how much better a stronger blur must fit."""

_NOISES, _LEAST_LIMIT, _MOST_LIMIT = 3.0, 6.0, 14.0
"""How many medians of what is left make a change, and gray levels between which that
lies."""

_EDGE_ENERGY = 9.0
_FINE_SIGMA = 3.0
_NOISE, _SOME_DETAIL = 16.0, 6.0
_ALIKE, _UNLIKE = 0.7, 0.5
_BLOCKS, _LEAST_BARE = 16, 16
"""Squared slopes that have half a say; sigma of details, in pixels of 128, squared gray
levels of a block's own noise and of what has half a say; correlations of blocks that
agree and do not; blocks along each axis, and pixels that are bare in one at least."""

_SQUARE, _BESIDE = np.ones((7, 7), np.uint8), np.ones((5, 5), np.uint8)
_AT, _STRONGEST = np.ones((3, 3), np.uint8), 80.0
_SOME_CHANGED, _SOME_THIN = 3, 20
"""Pixels: what is thick holds the first square, and what lies around it the second;
what an edge is next to, and gray levels that count at most; changed pixels that make a
block changed, and thin ones of which a direction can be told."""

_NOTHING = 1e-3

Plane = NDArray[np.float32]

NAMES = (
    "pixel_blocks",
    "pixel_apart",
    "pixel_kept",
    "pixel_left",
    "pixel_sided",
    "pixel_thin_sided",
    "pixel_largest",
    "pixel_filled",
    "pixel_thick",
    "pixel_strength",
    "pixel_unlike",
    "pixel_bare",
    "pixel_spread",
    "pixel_on_edges",
    "pixel_gain",
    "pixel_texture",
    "pixel_blur",
    "pixel_noise",
)


def pixel_evidence(gray: Floats, overlays: Overlays) -> dict[str, Floats]:
    """Returns what pixels say of pairs: float32[b] each.

    pixel_blocks: log of the number of blocks of 8 x 8 whose details agree, of what is
        bare in each
    pixel_apart: share of the blocks with bare details that do not
    pixel_kept: share of the edges of the picture that keeps fewer of them changed,
        beside what is thick; pixel_left: the same with it
    pixel_sided: share of all change that goes in one direction, lighter or darker;
        pixel_thin_sided: of what is thin
    pixel_largest, pixel_filled: share of what is seen that the largest thick change
        covers, and how much of the rectangle around it
    pixel_thick: share of what changed that is thick
    pixel_strength: mean change, in gray levels
    pixel_unlike: squared difference beside that of the details around, 0 to 1
    pixel_bare: share of what is seen that did not change
    pixel_spread: share of the blocks that something changed in
    pixel_on_edges: share of the change that lies on edges of both
    pixel_gain: log of the ratio of contrasts
    pixel_texture: log of the number of pixels on edges of the plainer picture
    pixel_blur: by how much one was blurred to be as sharp as the other
    pixel_noise: log of the median difference

    Args:
        gray: float32[m, 128, 128]
        overlays: of the b pairs of them
    """
    result = np.zeros((len(NAMES), len(overlays.inner)), np.float32)
    for row in range(len(overlays.inner)):
        like = likened(gray, overlays, row)
        if like is not None:
            result[:, row] = _evidence(like)
    return dict(zip(NAMES, result, strict=True))


class Likened(NamedTuple):
    """Two pictures of one tone and sharpness.

    Attributes:
        one, other: float32[128, 128], in gray levels of that of higher contrast
        gain: ratio of contrasts, other to one
        unlike: see :func:`pixel_evidence`
        blur: sigma, in pixels of 64
        seen: float32[128, 128], 1 where both frames show something, else 0
        shown: bool[128, 128], what is seen of both, without the edges of the frames
        noise: median difference, in gray levels
    """

    one: Plane
    other: Plane
    gain: float
    unlike: float
    blur: float
    seen: Plane
    shown: Bools
    noise: float

    @property
    def limit(self) -> float:
        """Gray levels from which on a difference is more than noise."""
        return float(np.clip(_NOISES * self.noise, _LEAST_LIMIT, _MOST_LIMIT))


def _evidence(like: Likened) -> list[float]:
    shown, limit = like.shown, like.limit
    change = like.other - like.one
    size = np.abs(change)
    changed: Bools = (size >= limit) & shown
    bare: Bools = (cv2.dilate(size, _AT) < limit) & shown
    blocks, apart = _blocks(like, bare)
    edges = [_edges(one) for one in (like.one, like.other)]
    flags = changed.astype(np.uint8)
    opened = cv2.morphologyEx(flags, cv2.MORPH_OPEN, _SQUARE)
    thick = np.asarray(opened, np.uint8)
    beside: Bools = cv2.dilate(thick, _BESIDE) == 0
    thin = changed & beside
    area = float(shown.sum())
    largest, filled = _largest(thick, float(like.seen.sum()))
    total = float(size[changed].sum()) + _NOTHING
    both = cv2.dilate(np.minimum(*edges), _AT)
    in_blocks = grid_sums(floats(flags)[None], _BLOCKS)[0]
    some = bool(changed.any())
    return [
        float(blocks),
        float(apart),
        max(_kept(one, changed, shown & beside) for one in edges),
        max(_kept(one, changed, shown) for one in edges),
        _sided(change[changed]) if some else 1.0,
        _sided(change[thin]) if thin.sum() > _SOME_THIN else 1.0,
        largest,
        filled,
        float(thick.sum() / (flags.sum() + 10)),
        float(np.minimum(size[changed], _STRONGEST).mean()) if some else 0.0,
        like.unlike,
        float(bare.sum() / area),
        float((in_blocks > _SOME_CHANGED).mean()),
        float((size * both)[changed].sum() / total),
        abs(float(np.log(max(like.gain, 0.05)))),
        float(np.log1p(min(one[shown].sum() for one in edges))),
        like.blur,
        float(np.log(like.noise + 0.5)),
    ]


def likened(gray: Floats, overlays: Overlays, row: int) -> Likened | None:
    """Gives one picture of a pair the tones of the other, and blurs the sharper.

    Args:
        gray: float32[m, 128, 128]
        overlays: of the b pairs of them
        row: which of them

    Returns:
        None if too little is seen of both
    """
    pair = overlays.at(np.array([row]))
    inner = pair.inner_of(gray, WHITE)[0]
    outer = sample(gray[pair.outer], pair.warp)[0]
    seen = inside(pair.warp, len(inner), _EDGE)[0]
    shown = cv2.erode(seen, _BESIDE) > 0
    small = _half(shown.astype(np.float32)) > _ALIKE
    if small.sum() < _FEWEST:
        return None
    one, other = _blurred(inner, _SOFTENED), _blurred(outer, _SOFTENED)
    halves = _half(one), _half(other)
    terms, middle = _tones(*halves, small)
    gain = float(terms[1])
    scale = np.float32(1 / np.clip(gain, 0.3, 1))
    first, second = _toned(halves[0], terms, middle) * scale, halves[1] * scale
    # At 64 x 64, where it costs a quarter
    best, which, sigma = np.inf, 0, 0.0
    sharp = [(one, _around(one)) for one in (first, second)]
    for blur in _BLURS:
        for side in (0, 1) if blur else (0,):
            soft = _blurred(sharp[side][0], blur)
            rest, around = sharp[1 - side]
            square = np.square(soft - rest)
            detail = _around(soft) + around + np.float32(_FAINT)
            unlike = float(np.minimum(square / detail, 1)[small].mean())
            if unlike < best - _LESS:
                best, which, sigma = unlike, side, blur
    both = [_toned(one, terms, middle) * scale, other * scale]
    # Pixels of 64 are twice as wide
    both[which] = _blurred(both[which], 2 * sigma)
    noise = float(np.median(np.abs(both[1] - both[0])[shown]))
    return Likened(both[0], both[1], gain, best, sigma, seen, shown, noise)


def _tones(one: Plane, other: Plane, seen: Bools) -> tuple[NDArray[np.float64], float]:
    """Fits other = a + b u + c u^2 / 128, u the tones beside the middle, robustly.

    It starts from what most pixels become, so that what lies over them is left aside.

    Args:
        one, other: float32[64, 64]
        seen: bool[64, 64]
    """
    given = _blurred(one, _SOFTENED_FOR_TONES)[seen]
    wanted = _blurred(other, _SOFTENED_FOR_TONES)[seen]
    gain, offset = common_tones(given[:, None], wanted[:, None])
    gain, middle = float(np.clip(gain, 0.25, 4)), float(np.median(given))
    tones = (given[::2] - middle).astype(np.float64)
    wanted = wanted[::2].astype(np.float64)
    planes = np.stack([np.ones_like(tones), tones, tones * tones / 128], axis=1)
    start = np.array([offset + gain * middle, gain, 0.0])
    held, terms = _HELD * len(tones), start
    for turn in range(_ROUNDS):
        limit = max(_LEAST_TOLERATED, _TOLERATED / (1 + turn)) * np.clip(gain, 1, 1.5)
        weight = 1 / (1 + np.square((wanted - planes @ terms) / limit))
        normal = (planes * weight[:, None]).T @ planes + held
        terms = np.linalg.solve(normal, planes.T @ (weight * wanted) + held @ start)
    return terms, middle


def _toned(picture: Plane, terms: NDArray[np.float64], middle: float) -> Plane:
    level, gain, bend = (np.float32(one) for one in terms)
    tones = picture - np.float32(middle)
    return floats(np.clip(level + tones * (gain + bend / 128 * tones), 0, 255))


def _around(picture: Plane) -> Plane:
    """Returns the energy of the details around each pixel."""
    detail = picture - _blurred(picture, _DETAIL_SIGMA)
    return _blurred(detail * detail, _AROUND_SIGMA)


def _blocks(like: Likened, bare: Bools) -> tuple[float, float]:
    """Compares what is bare: ``pixel_blocks`` and ``pixel_apart``."""
    mask = bare.astype(np.float32)
    share = _blurred(mask, _FINE_SIGMA) + np.float32(_NOTHING)
    one, other = (
        (each - _blurred(each * mask, _FINE_SIGMA) / share) * mask
        for each in (like.one, like.other)
    )
    planes = np.stack([one * one, other * other, one * other, mask])
    square, others, product, area = grid_sums(floats(planes), _BLOCKS)
    noise = np.float32(_NOISE)
    alike = (product + noise) / np.sqrt((square + noise) * (others + noise))
    energy = np.maximum(square, others) / (area + np.float32(_NOTHING))
    weight = energy / (energy + np.float32(_SOME_DETAIL)) * (area > _LEAST_BARE)
    agree = float((weight * (alike > _ALIKE)).sum())
    apart = float((weight * (alike < _UNLIKE)).sum() / (weight.sum() + 1))
    return float(np.log1p(agree)), apart


def _edges(picture: Plane) -> Plane:
    """Returns how far each pixel lies on an edge, 0 to 1."""
    across, along = cv2.Sobel(picture, -1, 1, 0), cv2.Sobel(picture, -1, 0, 1)
    slope = (np.square(across) + np.square(along)) * np.float32(1 / 64)
    return floats(slope / (slope + np.float32(_EDGE_ENERGY)))


def _kept(edges: Plane, changed: Bools, where: Bools) -> float:
    kept = float(edges[where & ~changed].sum())
    return kept / (float(edges[where].sum()) + 5)


def _sided(change: Plane) -> float:
    lighter = float(np.maximum(change, 0).sum())
    total = float(np.abs(change).sum()) + _NOTHING
    return max(lighter, total - lighter) / total


def _largest(thick: NDArray[np.uint8], area: float) -> tuple[float, float]:
    """Returns the share that the largest thick change covers, and how it is filled."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
    if len(stats) < 2:
        return 0.0, 1.0
    sizes = stats[1:, cv2.CC_STAT_AREA]
    _, _, wide, tall, size = stats[1 + int(sizes.argmax())].tolist()
    return size / area, size / (wide * tall)


def _half(picture: Plane) -> Plane:
    height, width = picture.shape
    half = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.float32)


def _blurred(picture: Plane, sigma: float) -> Plane:
    if not sigma:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
