"""Pairs of pictures looked at once more, at twice the size of a signature.

What the search of turns and windows does not find, since a picture was cut, squeezed,
tilted and framed at once, its local features do. Laid over one another by those, a pair
is weighed as in :mod:`.verify`, and by what shows at 128 x 128 only: how many features
agree, where, and how far blocks of 8 x 8 pixels would have to move to agree. Copies
agree to a fraction of a pixel; another moment or view of a scene does not.

Measured in whole scans of 6,096 photographs and 6,000 mixed images with 240 planted
near copies each, at one head before it and at one after: recall .925 and .871, then
.933 and .892; wrong pairs 0 and 11, then 0 and 10; 14 % more processor time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .block_correlation import detail_correlation
from .boosted_trees import CLOSER_LOOK, learned_trees, log_odds
from .filters import grid_sums, masked_high_pass, weighted_quantile
from .frame_maps import turn_map
from .local_features import (
    FeatureMap,
    LocalFeatures,
    feature_map,
    local_features,
)
from .orientations import MIRRORED_FROM
from .overlays import Overlays, after, inside, inverse, sample
from .pair_classifier import (
    MAX_ZOOM,
    at_rows,
    brightness_evidence,
    contradicted,
    first_evidence,
)
from .planes import WHITE, Pictures
from .refine_alignment import align_finely
from .relations import name_relations
from .same_scene import of_one_place, shows_one_place, slide, tells_no_moments
from .signature import SIGNATURE_SIDE, brightness_of, signatures
from .types import Bools, Doubles, Floats, Ints, floats
from .verify import MIN_COPY_SCORE, PairScores
from .views import find_margins

_CELLS = 16
"""Blocks along each axis, of 8 x 8 pixels of 128 x 128."""

_DETAIL_SIGMA = 3.0
_NOISE = 3.0
_ENERGY = 20.0
"""Pixels; gray levels squared: a block's own noise, and what has half a say."""

_ALIKE, _UNLIKE = 0.8, 0.5
_LONGEST_MOVE = 3.0
_SPREAD_CELLS = 4

_SIMPLE_TONES = 2.75
_OTHER_COLORS = 0.15
_REDRAWN = 0.85
_COLOR_LOST = 0.2
_ALL_EXPLAINED = 0.99
"""Tones (a log) of drawings and textures, how far their colors and their brightness are
changed, and shares of them that one tone curve explains. Of 55 pairs of 6,000 mixed
images that the trees take for copies and that are none, two are left; of 24 planted
copies that they find there and on 6,096 photographs about four are lost."""

_FLAT_STEP = 2
_SHARPEST = 0.98


@dataclass(frozen=True, eq=False)
class CloserPicture:
    """What is compared of a picture: what its margins hold, in more detail.

    Attributes:
        features: its local features
        signature: uint8[4608]
        gray: uint8[128, 128]
        size: width and height of what is compared, of the picture as it was described
        framed: True if margins were left aside
        flat: share of neighboring pixels that differ by 2 gray levels at most
        edges: log of the gray levels by which one in fifty differs at least; drawings
            have both, soft photographs the first alone
    """

    features: LocalFeatures
    signature: NDArray[np.uint8]
    gray: NDArray[np.uint8]
    size: tuple[int, int]
    framed: bool
    flat: float
    edges: float


def closer_picture(picture: NDArray[np.uint8], size: tuple[int, int]) -> CloserPicture:
    """Prepares a picture.

    Args:
        picture: uint8[h, w, 3], RGB, upright
        size: width and height that are known of it, in pixels
    """
    squared = _squared(picture)
    margins = find_margins(brightness_of(signatures(squared[None])))
    framed = bool(margins.found[0])
    if framed:
        left, top, right, low = margins.box[0]
        height, width = picture.shape[:2]
        across = slice(round(left * width), max(round(right * width), 1))
        along = slice(round(top * height), max(round(low * height), 1))
        inner = picture[along, across]
        if min(inner.shape[:2]) >= 8:
            picture, squared = inner, _squared(inner)
            size = (
                max(1, round(size[0] * float(right - left))),
                max(1, round(size[1] * float(low - top))),
            )
        else:
            framed = False
    gray = np.asarray(
        cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY), np.uint8
    )
    shown = np.asarray(cv2.cvtColor(squared, cv2.COLOR_RGB2GRAY), np.uint8)
    steps = cv2.absdiff(shown[:, 1:], shown[:, :-1])
    return CloserPicture(
        features=local_features(gray),
        signature=signatures(squared[None])[0],
        gray=shown,
        size=size,
        framed=framed,
        flat=float((steps <= _FLAT_STEP).mean()),
        edges=float(np.log1p(np.quantile(steps, _SHARPEST))),
    )


def _squared(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    large = min(picture.shape[:2]) >= SIGNATURE_SIDE
    how = cv2.INTER_AREA if large else cv2.INTER_LINEAR
    side = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    whole = np.ascontiguousarray(picture)
    return np.asarray(cv2.resize(whole, side, interpolation=how), np.uint8)


def look_closely(
    given: Sequence[CloserPicture], pairs: Ints
) -> tuple[Ints, PairScores]:
    """Compares pairs by their local features and what they show in more detail.

    Args:
        given: m pictures
        pairs: int64[p, 2] of them

    Returns:
        int64[q], the pairs that features agree on and that no rule contradicts, and
        what is said of these; the others stay what they were
    """
    laid = lay_closely(given, pairs)
    if laid is not None:
        laid = laid.at(np.flatnonzero(~_contradicted(laid.evidence)))
    if laid is None or not len(laid.rows):
        return np.zeros(0, np.int64), PairScores.of_nothing(0)
    trees = learned_trees(CLOSER_LOOK)
    numbers = np.stack([floats(laid.evidence[name]) for name in trees.evidence], axis=1)
    found = PairScores.of_nothing(len(laid.rows))
    found.scores[:] = 1 / (1 + np.exp(-log_odds(trees, numbers)))
    copies = np.flatnonzero(found.scores >= MIN_COPY_SCORE)
    named = name_relations(
        laid.pictures, laid.overlays.at(copies), at_rows(laid.evidence, copies)
    )
    found.relations[copies], found.changes[copies], found.plain[copies] = named
    scenes = of_one_place(laid.evidence) & shows_one_place(laid.evidence, laid.overlays)
    scenes &= ~tells_no_moments(laid.evidence, laid.overlays)
    found.scenes[:] = scenes & (found.scores < MIN_COPY_SCORE)
    return laid.rows, found


def _contradicted(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs a closer look makes no copies of: bool[b].

    Too small a part; drawings of which :func:`~.pair_classifier.contradicted` says so;
    and drawings and textures of one design in other colors.
    """
    result: Bools = evidence["zoom"] > MAX_ZOOM
    result |= contradicted(evidence) & (evidence["margined"] > 0)
    simple = evidence["tones"] < _SIMPLE_TONES
    lost = evidence["desaturation"]
    recolored = evidence["tone_change"] + lost > _OTHER_COLORS
    redrawn = recolored & (evidence["explained"] < _REDRAWN)
    redrawn |= (lost > _COLOR_LOST) & (evidence["explained"] < _ALL_EXPLAINED)
    return result | (simple & redrawn)


@dataclass(frozen=True, eq=False)
class Laid:
    """Pairs laid over one another by their features.

    Attributes:
        rows: int64[b], the pairs that features agree on
        pictures: of the pairs
        overlays: of the b pairs
        evidence: of the b pairs; float32[b] each
    """

    rows: Ints
    pictures: Pictures
    overlays: Overlays
    evidence: dict[str, Floats]

    def at(self, rows: Ints) -> Laid:
        """Returns some of the pairs."""
        overlays, evidence = self.overlays.at(rows), at_rows(self.evidence, rows)
        return Laid(self.rows[rows], self.pictures, overlays, evidence)


def lay_closely(given: Sequence[CloserPicture], pairs: Ints) -> Laid | None:
    """Lays pairs over one another by their features, and compares what they show.

    Args:
        given: m pictures
        pairs: int64[p, 2] of them

    Returns:
        the pairs of which enough features agree; None if there are none
    """
    maps = [
        feature_map(given[a].features, given[b].features) for a, b in pairs.tolist()
    ]
    rows = np.array([row for row, one in enumerate(maps) if one is not None], np.int64)
    if not len(rows):
        return None
    found = [one for one in maps if one is not None]
    pictures = Pictures(
        np.array([one.signature for one in given], np.uint8),
        np.array([one.size for one in given], np.int32),
    )
    framed = np.array([one.framed for one in given])
    overlays = _overlays(pairs[rows], found, framed)
    finer = align_finely(pictures, overlays)
    outer = pictures.detail32[finer.outer]
    correlation = detail_correlation(
        finer.inner_of(pictures.detail32), outer, finer.warp
    )
    evidence = first_evidence(pictures, finer, correlation)
    evidence |= brightness_evidence(pictures, finer)
    evidence |= feature_evidence(found)
    flat, edges = np.array([(one.flat, one.edges) for one in given]).T
    evidence["flat"] = floats(np.maximum(flat[finer.inner], flat[finer.outer]))
    evidence["edges"] = floats(np.maximum(edges[finer.inner], edges[finer.outer]))
    gray = floats(np.array([one.gray for one in given], np.uint8))
    evidence |= fine_evidence(gray, finer)
    return Laid(rows, pictures, finer, evidence)


def _overlays(pairs: Ints, maps: Sequence[FeatureMap], framed: Bools) -> Overlays:
    total = np.array([one.warp for one in maps])
    # The smaller part is looked for in the picture that shows more
    swapped = np.abs(np.linalg.det(total[:, :, :2])) > 1
    inner = np.where(swapped, pairs[:, 1], pairs[:, 0])
    outer = np.where(swapped, pairs[:, 0], pairs[:, 1])
    total = np.where(swapped[:, None, None], inverse(total), total)
    turns, warps = zip(*(_turned(one) for one in total), strict=True)
    no: Bools = np.zeros(len(maps), bool)
    inverted: Bools = np.array([one.inverted for one in maps])
    return Overlays(
        inner,
        outer,
        np.array(turns, np.int64),
        np.array(warps),
        inverted,
        framed[inner] | framed[outer],
        no,
        framed[inner] & framed[outer],
    )


_TURNS = [(turn, turn_map(turn)) for turn in range(8)]


def _turned(total: Doubles) -> tuple[int, Doubles]:
    """Divides a map into a turn by quarters, mirrored or not, and a small rest."""
    is_mirrored = np.linalg.det(total[:, :2]) < 0
    rests = [
        (turn, after(total, inverse(first)))
        for turn, first in _TURNS
        if (turn >= MIRRORED_FROM) == is_mirrored
    ]
    return max(rests, key=lambda rest: float(np.trace(rest[1][:, :2])))


def feature_evidence(maps: Sequence[FeatureMap]) -> dict[str, Floats]:
    """What the features say.

    agreed: log of the number of features in agreement
    agreed_share: their share of those that were compared
    agreed_cells: share of 4 x 4 cells, of the box of the features, that have one
    agreed_apart: how far they lie from where the map says, in pixels of 128
    """
    count = np.array([len(one.at) for one in maps])
    cells = []
    for one in maps:
        place = np.clip((one.at * _SPREAD_CELLS).astype(int), 0, _SPREAD_CELLS - 1)
        cells.append(len(np.unique(place @ np.array([1, _SPREAD_CELLS]))))
    return {
        "agreed": floats(np.log1p(count)),
        "agreed_share": floats(count / np.array([one.matches for one in maps])),
        "agreed_cells": floats(np.array(cells) / _SPREAD_CELLS**2),
        "agreed_apart": floats([one.apart for one in maps]),
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
    moves = _moves(one, other, seen)
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


def _moves(inner: Floats, outer: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Returns by how many pixels each block would have to move, across and down.

    One step of Lucas and Kanade (1981) a block, damped by the blocks' own noise:
    float32[b, 16, 16] each.
    """
    slope_y, slope_x = np.gradient((inner + outer) * np.float32(0.5), axis=(1, 2))
    slope_y *= seen
    slope_x *= seen
    left = inner - outer
    size = (inner.shape[1] // _CELLS) ** 2
    across = _sums(slope_x * slope_x) + np.float32(_NOISE / 2 * size)
    along = _sums(slope_y * slope_y) + np.float32(_NOISE / 2 * size)
    mixed = _sums(slope_x * slope_y)
    pull_x, pull_y = _sums(slope_x * left), _sums(slope_y * left)
    area = across * along - mixed * mixed
    return (
        floats((along * pull_x - mixed * pull_y) / area),
        floats((across * pull_y - mixed * pull_x) / area),
    )


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
