"""Local features of pictures, and the affine map that most of two pictures share.

What is cut, squeezed, turned, framed and written on at once keeps corners and blobs.
Corners are those of ORB (Rublee and others, 2011), at a tenth of the cost of the
features of Lowe (Distinctive image features from scale-invariant keypoints, 2004),
which find soft pictures, mirror images and negatives as well and are compared as by
Arandjelovic and Zisserman (Three things everyone should know, 2012). The map is found
by RANSAC (Fischler and Bolles, 1981).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .overlays import after
from .types import Bools, Doubles, Floats, Ints, floats

FEATURE_SIDE = 96
"""Longer side, in pixels, at which features are looked for; smaller pictures are
enlarged up to twice. At 80 they cost a third less, and three of 480 planted copies are
lost; if only pairs that are worth a glance were seen so, none of these, and 18 of 3,000
compositions of other photographs."""

_MOST = 200
_MIN_CONTRAST = 0.002
_MAX_EDGE = 15
"""Features a picture, and the bounds of Lowe on what is one: with 90 of the strongest
six of 240 captioned and cut copies of 48 pixels are lost. Soft pictures have none of
his 0.03 of contrast: of 112 compositions of cuttings of wallpapers that the signatures
refuse 62 are laid over one another from 0.01 on, and 81 from here on."""

_CORNER_SIDE = 128
_CORNERS = 150
_CORNER_STEP = 1.3
_CORNER_LEVELS = 5
_CORNER_PATCH = 21
_FAINTEST_CORNER = 5
"""Longer side in pixels, corners a picture at most, ratio and number of the scales,
pixels that one is described by, and gray levels by which it stands out at least."""

_CORNER_BITS = 72
"""Of 256, by which two descriptions of one corner differ at most."""

ENOUGH_CORNERS = 20
"""Corners in agreement that say as much as the features would. No fewer hint at these:
of 38 made copies that features find among 500 one has ten, and of 356 other pairs that
scans look at 80."""

_RATIO = 0.85
"""How much nearer the nearest is than the second at most, as Lowe's ratio."""

TOLERANCE = 3.0
_ROUNDS = 400
_CONFIDENCE = 0.995
"""Pixels by which a feature may lie beside its place, rounds of RANSAC at most, and
the chance with which a map is found that there is."""

_LEAST_MATCHES = 4
_ENOUGH = 12
"""Features in agreement: fewer say nothing; with so many nothing else is tried."""

_LEAST_AREA = 0.05
_MAX_STRETCH = 2.5
"""Share of one picture in the other at least, and ratio of the scales along the axes at
most, of a map that may be of a copy."""

_MIRROR = np.array([[-1.0, 0, 1], [0, 1, 0]])

_BACKWARDS = -np.arange(8) % 8


@dataclass(frozen=True, eq=False)
class LocalFeatures:
    """k features of a picture.

    Attributes:
        points: float32[k, 2], across and down, in frames of [0, 1]
        descriptors: float32[k, 128], of unit length
        size: width and height in pixels at which they were looked for
    """

    points: Floats
    descriptors: Floats
    size: tuple[int, int]

    def negative(self) -> LocalFeatures:
        """Returns the features of the negative.

        All directions turn about, and with them the grids: these lie the other way.
        """
        grid = self.descriptors.reshape(-1, 4, 4, 8)[:, ::-1, ::-1]
        descriptors = np.ascontiguousarray(grid).reshape(-1, 128)
        return LocalFeatures(self.points, descriptors, self.size)

    def mirrored(self) -> LocalFeatures:
        """Returns the features of the mirror image.

        Its histograms are the same in another order: the grid of 4 x 4 is turned over
        along the direction of the feature, and the eight directions run backwards.
        """
        grid = self.descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
        descriptors = np.ascontiguousarray(grid[..., _BACKWARDS])
        points = np.stack([1 - self.points[:, 0], self.points[:, 1]], axis=1)
        return LocalFeatures(points, descriptors.reshape(-1, 128), self.size)


@dataclass(frozen=True, eq=False)
class Corners:
    """k corners of a picture.

    Attributes:
        points: float32[k, 2], across and down, in frames of [0, 1]
        descriptors: uint8[k, 32]
        size: width and height in pixels at which they were looked for
    """

    points: Floats
    descriptors: NDArray[np.uint8]
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """The map that most features agree on.

    Attributes:
        warp: float64[2, 3], from the frame of the first picture into that of the other;
            both are [0, 1] squared, and a mirror image has a negative determinant
        at: float32[q, 2], where the q features in agreement lie in the first
        matches: number of features that were compared
        apart: median distance from where the map says, in pixels of the other
        inverted: whether one is the negative of the other
    """

    warp: Doubles
    at: Floats
    matches: int
    apart: float
    inverted: bool = False


def local_features(gray: NDArray[np.uint8]) -> LocalFeatures:
    """Looks for the features of a picture, uint8[h, w]."""
    detector = cv2.SIFT.create(_MOST, 3, _MIN_CONTRAST, _MAX_EDGE)
    small = _brought_to_size(gray, FEATURE_SIDE)
    found, descriptors = detector.detectAndCompute(small, None)
    size = small.shape[1], small.shape[0]
    if descriptors is None:
        return LocalFeatures(floats(np.empty((0, 2))), floats(np.empty((0, 128))), size)
    points = np.array([one.pt for one in found], np.float32) + np.float32(0.5)
    total = descriptors.sum(axis=1, keepdims=True) + np.float32(1e-6)
    return LocalFeatures(
        floats(points / np.array(size, np.float32)),
        floats(np.sqrt(descriptors / total)),
        size,
    )


def corners_of(gray: NDArray[np.uint8]) -> Corners:
    """Looks for the corners of a picture, uint8[h, w]."""
    detector = cv2.ORB.create(
        _CORNERS,
        _CORNER_STEP,
        _CORNER_LEVELS,
        edgeThreshold=_CORNER_PATCH // 2 - 2,
        patchSize=_CORNER_PATCH,
        fastThreshold=_FAINTEST_CORNER,
    )
    small = _brought_to_size(gray, _CORNER_SIDE)
    found, descriptors = detector.detectAndCompute(small, None)
    size = small.shape[1], small.shape[0]
    if descriptors is None:
        return Corners(floats(np.empty((0, 2))), np.empty((0, 32), np.uint8), size)
    points = np.array([one.pt for one in found], np.float32) + np.float32(0.5)
    points = floats(points / np.array(size, np.float32))
    return Corners(points, np.asarray(descriptors, np.uint8), size)


def corner_map(one: Corners, other: Corners) -> FeatureMap | None:
    """Returns the map that enough corners agree on; None without any.

    Mirror images and negatives have other corners.
    """
    if min(len(one.points), len(other.points)) < ENOUGH_CORNERS:
        return None
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
    matches = [
        (match.queryIdx, match.trainIdx)
        for match in matcher.match(one.descriptors, other.descriptors)
        if match.distance < _CORNER_BITS
    ]
    if len(matches) < ENOUGH_CORNERS:
        return None
    a, b = np.array(matches, np.int64).T
    return _agreed_map(one.points[a], other.points[b], other.size, ENOUGH_CORNERS)


def feature_map(one: LocalFeatures, other: LocalFeatures) -> FeatureMap | None:
    """Returns the map that most features agree on; None without any.

    The same features give the same map: OpenCV begins each RANSAC with one seed.
    """
    best: FeatureMap | None = None
    for inverted in (False, True):
        upright = one.negative() if inverted else one
        for mirrored in (False, True):
            found = _map(upright.mirrored() if mirrored else upright, other)
            if found is None or (best is not None and len(found.at) <= len(best.at)):
                continue
            best = replace(found, inverted=inverted)
            if mirrored:
                at = np.stack([1 - found.at[:, 0], found.at[:, 1]], axis=1)
                best = replace(best, warp=after(found.warp, _MIRROR), at=at)
            if len(best.at) >= _ENOUGH:
                return best
    return best


def _brought_to_size(gray: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    scale = min(side / max(gray.shape), 2.0)
    if scale == 1:
        return gray
    height, width = (max(8, round(length * scale)) for length in gray.shape)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(gray, (width, height), interpolation=how), np.uint8)


def _map(one: LocalFeatures, other: LocalFeatures) -> FeatureMap | None:
    a, b = _matches(one.descriptors, other.descriptors)
    return _agreed_map(one.points[a], other.points[b], other.size, _LEAST_MATCHES)


def _agreed_map(
    one: Floats, other: Floats, size: tuple[int, int], least: int
) -> FeatureMap | None:
    """Returns the map that most matches agree on; None if fewer than ``least`` do.

    Args:
        one, other: float32[k, 2], where the k matches lie in the frames
        size: width and height of the other in pixels
        least: number of matches
    """
    if len(one) < least:
        return None
    sides = np.array(size, np.float32)
    start, end = one * sides, other * sides
    warp, kept = cv2.estimateAffine2D(
        start,
        end,
        method=cv2.RANSAC,
        ransacReprojThreshold=TOLERANCE,
        maxIters=_ROUNDS,
        confidence=_CONFIDENCE,
    )
    if warp is None:
        return None
    moves: Doubles = np.asarray(warp, np.float64)
    if not _is_possible(moves):
        return None
    agree: Bools = kept.ravel() > 0
    if agree.sum() < least:
        return None
    moved = start[agree] @ floats(moves[:, :2].T) + floats(moves[:, 2])
    apart = np.hypot(*(moved - end[agree]).T)
    frames: Doubles = moves * np.append(sides, 1) / sides[:, None]
    return FeatureMap(frames, one[agree], len(one), float(np.median(apart)))


def _matches(one: Floats, other: Floats) -> tuple[Ints, Ints]:
    """Returns which features are each other's nearest, by far."""
    none = np.zeros(0, np.int64)
    if len(one) < 2 or len(other) < 2:
        return none, none
    alike = one @ other.T
    every = np.arange(len(one))
    nearest = alike.argmax(axis=1)
    mutual = alike.argmax(axis=0)[nearest] == every
    best = alike[every, nearest].copy()
    alike[every, nearest] = -1
    # Squared distances of unit vectors
    clear = 1 - best < _RATIO**2 * (1 - alike.max(axis=1))
    a = np.flatnonzero(mutual & clear)
    return a, nearest[a]


def _is_possible(warp: Doubles) -> bool:
    linear = warp[:, :2]
    area = float(np.linalg.det(linear))
    if not _LEAST_AREA <= area <= 1 / _LEAST_AREA:
        return False
    longer, shorter = np.linalg.svd(linear, compute_uv=False)
    return bool(longer <= _MAX_STRETCH * shorter)
