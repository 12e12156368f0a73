"""How far each picture is from the pictures most like it.

The distance of an image is the mean distance to its 20 nearest neighbors that
are not its own copies (mean k-nearest-neighbor distance: Angiulli and
Pizzuti, PKDD 2002), in three views: the features (what is in the picture), the
copy vectors (what it looks like) and two traits of the pixels (drawn or
photographed). All have fixed scales, so nothing in the data set but the neighbors
themselves moves a distance.

Measured as AUROC / average precision, strangers of 100 kinds among 4,000 scenes,
3,449 pictures of eight things and 2,524 of waste: features alone .988 / .57, .993 /
.73, .995 / .80; a fifth of copy vectors and traits too .993 / .72, .993 / .67, .996 /
.86. Two fifths of copy vectors and the chroma, as before, rank as well, but call gray
photographs of what the set shows strangers, with which people do not agree. Tried and
dropped: a second round without the suspects
(+.03 at best, and every score depends on who else is strange), a ratio to the
neighbors' own distance (far worse), distances between reduced vectors (much
worse: what is strange lies in what they drop), neighbors in the traits
themselves (a gain for test patterns, but then every added picture moves every
distance). What each adds on three sets: benchmarks/quality.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..neighbors.distinct_neighbors import distinct_neighbors
from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph
from ..reading.image_statistics import column

NEIGHBORS_NEEDED = 40
"""Neighbors to ask for in each graph, so that 20 distinct ones remain."""

_DISTINCT_NEIGHBORS = 20
"""So that a dozen pictures of one odd kind do not hide each other.

10 finds lone outliers a little better (AUROC +.005) and misses such groups.
"""

_COPY_SHARE = 0.2
"""Of the mean of both graphs."""

_TRAIT_WEIGHT = 0.06
"""From .03 to .1 more of it finds more drawings and fewer odd motifs."""

_ENTROPY_SPREAD, _DETAIL_SPREAD = 1.5, 2.0
"""Standard deviations of the traits among 25,000 pictures of all kinds.

Fixed, so that other pictures of a set do not move a distance.
"""

_FENCE = (1.5, 2.0)
"""Spreads of the tail, least and most. At 1.5, of the strangers in the three sets above
it flags 72, 34 and 80 %, which are 74, 75 and 91 % of what it flags; but of what lies
between 1.5 and 2 in seven other sets a person agrees with 18 of 38, beyond with 17 of
23. The fence of box plots, 1.5 interquartile ranges above the upper quartile, flags
three times as many of 24,288 scenes (30 % agreed with), since it knows nothing of how
heavy a tail is."""

_BY_CHANCE = 3
"""Images that an exponential tail may leave beyond the fence, up to its most."""

_FEWEST_JUDGED = 10
_SMALL_CLASS = 20

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OutlierDistances:
    """The distance of m images from their nearest distinct neighbors.

    Attributes:
        distance: float32[m], larger is farther; NaN without any distinct neighbor
        nearest: int32[m], the most similar distinct neighbor; -1 without any
        subject: float32[m], the part of the distance that features tell
        style: float32[m], the rest of it
    """

    distance: Floats
    nearest: NDArray[np.int32]
    subject: Floats
    style: Floats


def outlier_distances(
    graph: NeighborGraph,
    cluster: NDArray[np.int64],
    *,
    copy_graph: NeighborGraph | None = None,
    statistics: NDArray[np.float32] | None = None,
) -> OutlierDistances:
    """Measures how far each image is from its nearest distinct neighbors.

    Copies show one picture, which is as far as they are in the mean: they are outliers
    together. Adding or removing pictures that are nobody's nearest distinct neighbors
    changes nothing else (to the last bit) but the mean of their own copies.

    Args:
        graph: of the feature vectors, :data:`NEIGHBORS_NEEDED` neighbors
        cluster: int64[m], duplicate cluster of each image, negative for none
        copy_graph: of the copy vectors, as many neighbors; None if there
            is one kind of vectors only
        statistics: float32[m, c], see :mod:`core.reading.image_statistics`; None
            without
    """
    near = distinct_neighbors(graph, cluster, _DISTINCT_NEIGHBORS)
    copies = None
    if copy_graph is not None:
        copies = distinct_neighbors(copy_graph, cluster, _DISTINCT_NEIGHBORS)
    traits = None if statistics is None else _traits(statistics)
    found = OutlierDistances(
        np.empty(len(cluster), np.float32),
        np.full(len(cluster), NO_NEIGHBOR, np.int32),
        np.empty(len(cluster), np.float32),
        np.empty(len(cluster), np.float32),
    )
    for rows in near.parts():
        listed = near.of(rows)
        subject = _mean_distance(graph, rows, listed)
        style = np.zeros_like(subject)
        if copies is not None:
            subject *= 1 - _COPY_SHARE
            style += _COPY_SHARE * _mean_distance(copies.graph, rows, copies.of(rows))
        if traits is not None:
            style += _TRAIT_WEIGHT * _mean_trait_distance(traits, rows, listed)
        found.distance[rows] = subject + style
        found.subject[rows], found.style[rows] = subject, style
        if listed.k:
            found.nearest[rows] = listed.indices[:, 0]
    for one in (found.distance, found.subject, found.style):
        _level(one, cluster)
    return found


def _level(values: Floats, cluster: NDArray[np.int64]) -> None:
    """Puts the mean of each cluster in place of its values, where they are known."""
    rows = np.flatnonzero((cluster >= 0) & ~np.isnan(values))
    _, group = np.unique(cluster[rows], return_inverse=True)
    total, size = np.bincount(group, values[rows]), np.bincount(group)
    values[rows] = (total / size)[group]


def _mean_distance(
    graph: NeighborGraph, rows: slice, near: NeighborGraph
) -> NDArray[np.float64]:
    """Returns the mean cosine distance to distinct neighbors, NaN without any.

    Where an image's own copies took so many places that fewer are listed than
    exist, those that are missing are as far as the last listed neighbor: they are
    no nearer.

    Args:
        graph: of all images
        rows: some of them
        near: their distinct neighbors
    """
    listed = near.indices != NO_NEIGHBOR
    distance = np.where(listed, 1 - near.similarities.astype(np.float64), 0)
    total, missing = distance.sum(axis=1), np.zeros(len(listed))
    if graph.k and graph.k < len(graph.indices) - 1:
        full = graph.indices[rows, -1] != NO_NEIGHBOR
        missing = np.where(full, _DISTINCT_NEIGHBORS - listed.sum(axis=1), 0)
        last = np.where(full, 1 - graph.similarities[rows, -1].astype(np.float64), 0)
        total = total + missing * last
    return _ratio(total, listed.sum(axis=1) + missing)


def _traits(statistics: NDArray[np.float32]) -> Floats:
    """Returns float32[m, 2]: how a picture was made, whatever it shows."""
    return np.stack(
        [
            column(statistics, "entropy") / _ENTROPY_SPREAD,
            np.log1p(column(statistics, "detail")) / _DETAIL_SPREAD,
        ],
        axis=1,
    ).astype(np.float32)


def _mean_trait_distance(
    traits: Floats, rows: slice, near: NeighborGraph
) -> NDArray[np.float64]:
    """Returns the mean distance in traits to distinct neighbors, 0 without any."""
    listed = near.indices != NO_NEIGHBOR
    apart = traits[rows, None] - traits[near.indices]
    distance = np.sqrt(np.square(apart).mean(axis=2, dtype=np.float64))
    total = np.where(listed, distance, 0).sum(axis=1)
    return np.nan_to_num(_ratio(total, listed.sum(axis=1)))


def _ratio(
    total: NDArray[np.float64], count: NDArray[np.number]
) -> NDArray[np.float64]:
    nothing = np.full(len(total), np.nan)
    ratio: NDArray[np.float64] = np.divide(total, count, out=nothing, where=count > 0)
    return ratio


def outlier_threshold(distance: Floats) -> float:
    """Returns the distance beyond which an image of this set is an outlier.

    The upper tail of the set itself: 1.5 to 2 times as far above the distance that 90 %
    do not exceed as that is above the median. A tail that falls like an exponential
    leaves one image in a hundred to one in 250 beyond it, one that falls like a
    Gaussian next to none (order statistics of a tail: Hill, Annals of Statistics 1975,
    robustly). The more images, the farther: so many as chance alone would leave beyond
    it are no outliers (Chauvenet, A manual of spherical and practical astronomy, 1863).

    Args:
        distance: float32[m], NaN for images without any

    Returns:
        inf for fewer than 10 images, among which nothing is usual
    """
    known = distance[~np.isnan(distance)].astype(np.float64)
    if len(known) < _FEWEST_JUDGED:
        return float("inf")
    # "lower": in a small set the outlier itself is no yardstick
    middle, high = np.quantile(known, (0.5, 0.9), method="lower")
    # An exponential tail loses four fifths a spread, from the tenth that is above
    chance = np.log(max(0.1 * len(known) / _BY_CHANCE, 1)) / np.log(5)
    return float(high + np.clip(chance, *_FENCE) * (high - middle))


AGREED = 0.77
"""Share of what the default flags that is agreed with, judged by eye: 30 of a random 40
of 66 in 24,335 scenes, 5 of 6 in 621 scanned receipts, 1 of 1 in 600 satellite
photographs and in 3,000 pictures of 32 pixels; none is flagged in 2,524 photographs of
waste, 1,500 pictures of eight things, 800 of a thousand kinds and 364 of blood."""

AGREED_INTERVAL = (0.63, 0.87)
"""Of 95 %, for 37 of 48 (Wilson, Journal of the American Statistical Association
1927)."""

CAUSES = (
    "blank",
    "dark",
    "rare class",
    "plain ground",
    "gray among color",
    "another subject",
    "another style",
)
NO_CAUSE = -1

_FEW_TONES = 4.5
"""Bits of gray levels: next to no photograph has fewer (0.02 to 0.5 % of three sets),
but graphics and things cut out on one color do. Named where at most 5 % do."""

_RARE = 0.05

_CLEARLY = 1.0
"""Lead of a part of the distance over the other, in units of the set's own tail, to
be named as its cause."""


def outlier_causes(
    outlier: NDArray[np.bool_],
    found: OutlierDistances,
    *,
    blank: NDArray[np.bool_],
    dark: NDArray[np.bool_],
    entropy: Floats,
    gray: NDArray[np.bool_],
    class_size: NDArray[np.integer] | None = None,
) -> NDArray[np.int8]:
    """Says why an outlier is one, where that is known.

    In this order: it is blank, it is dark, its class has fewer pictures than
    an image has neighbors, it has few gray levels where next to all others have many,
    it is gray where others are not, and so of another style. Else the features (what
    is in the picture) or the looks are much stranger, each in units of its own tail in
    this set. If none of these explains it, no cause is given.

    Args:
        outlier: bool[m]
        found: of the m items
        blank: bool[m], the picture has low information
        dark: bool[m]
        entropy: float32[m], of the gray levels, 0 to 8 bits
        gray: bool[m], a picture without color in a set that has color
        class_size: int[m], pictures with the same label, 0 without label

    Returns:
        int8[m], code into :data:`CAUSES`, -1 without
    """
    rare = np.zeros_like(outlier)
    if class_size is not None:
        rare = (class_size > 0) & (class_size <= _SMALL_CLASS)
    plain = entropy < _FEW_TONES
    plain &= plain.sum() <= _RARE * len(plain)
    subject, style = _in_tails(found.subject), _in_tails(found.style)
    known = [
        blank,
        dark,
        rare,
        plain,
        gray & (style > subject),
        subject > style + _CLEARLY,
        style > subject + _CLEARLY,
    ]
    cause = np.select(known, range(len(CAUSES)), NO_CAUSE)
    return np.where(outlier, cause, NO_CAUSE).astype(np.int8)


def _in_tails(part: Floats) -> NDArray[np.float64]:
    """Returns how far beyond 90 % of the set each is, in spreads above its median."""
    known = part[~np.isnan(part)].astype(np.float64)
    if not len(known):
        return np.zeros(len(part))
    middle, high = np.quantile(known, (0.5, 0.9), method="lower")
    beyond: NDArray[np.float64] = (part - high) / max(high - middle, 1e-9)
    return beyond
