"""How far each picture is from the pictures most like it.

The distance of an image is the mean distance to its 20 nearest neighbors that
are not its own copies (mean k-nearest-neighbor distance: Angiulli and
Pizzuti, PKDD 2002), in three views: the features (what is in the picture), the
copy vectors (what it looks like) and three traits of the pixels (how it was
made: drawn or photographed, gray or in color). All have fixed scales, so
nothing in the data set but the neighbors themselves moves a distance.

Measured as AUROC / average precision. Clip art and screenshots among 6,000
photographs: features alone .948 / .48, with copy vectors .984 / .74, with
traits too .992 / .80. Mean of 14 kinds of outliers in other sets: .914 / .32,
.928 / .45, .943 / .48. Tried and dropped: a second round without the suspects
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

_COPY_SHARE = 0.4
"""Of the mean of both graphs; .3 to .5 do equally well."""

_TRAIT_WEIGHT = 0.06
"""From .03 to .1 more of it finds more drawings and fewer odd motifs."""

_ENTROPY_SPREAD, _DETAIL_SPREAD, _CHROMA_SPREAD = 1.5, 2.0, 1.4
"""Standard deviations of the traits among 25,000 pictures of all kinds.

Fixed, so that other pictures of a set do not move a distance.
"""

_FENCE = 1.2
"""Flags 0.1 to 0.5 % of what is no outlier in 13 sets, 1.2 % in the smallest.

Of the clip art and screenshots among photographs it flags 62 %, 88 % of what it
flags; the 1.5 of box plots 39 % and 96 %: cosine distances have short tails.
"""

_FEWEST_JUDGED = 10
_SMALL_CLASS = 20
_ROWS_AT_ONCE = 8192

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class OutlierDistances:
    """The distance of m images from their nearest distinct neighbors.

    Attributes:
        distance: float32[m], larger is farther; NaN without any distinct neighbor
        nearest: int32[m], the most similar distinct neighbor; -1 without any
    """

    distance: Floats
    nearest: NDArray[np.int32]


def outlier_distances(
    graph: NeighborGraph,
    cluster: NDArray[np.int64],
    *,
    copy_graph: NeighborGraph | None = None,
    statistics: NDArray[np.float32] | None = None,
) -> OutlierDistances:
    """Measures how far each image is from its nearest distinct neighbors.

    Adding or removing pictures that are nobody's nearest distinct neighbors changes
    nothing (to the last bit).

    Args:
        graph: of the feature vectors, :data:`NEIGHBORS_NEEDED` neighbors
        cluster: int64[m], duplicate cluster of each image, negative for none
        copy_graph: of the copy vectors, as many neighbors; None if there
            is one kind of vectors only
        statistics: float32[m, c], see :mod:`core.reading.image_statistics`; None
            without
    """
    near = distinct_neighbors(graph, cluster, _DISTINCT_NEIGHBORS)
    distance = _mean_distance(graph, near)
    if copy_graph is not None:
        copies = distinct_neighbors(copy_graph, cluster, _DISTINCT_NEIGHBORS)
        distance *= 1 - _COPY_SHARE
        distance += _COPY_SHARE * _mean_distance(copy_graph, copies)
    if statistics is not None:
        distance += _TRAIT_WEIGHT * _mean_trait_distance(_traits(statistics), near)
    nearest = np.full(len(distance), NO_NEIGHBOR, np.int32)
    if near.k:
        nearest = near.indices[:, 0].copy()
    return OutlierDistances(distance.astype(np.float32), nearest)


def _mean_distance(graph: NeighborGraph, near: NeighborGraph) -> NDArray[np.float64]:
    """Returns the mean cosine distance to distinct neighbors, NaN without any.

    Where an image's own copies took so many places that fewer are listed than
    exist, those that are missing are as far as the last listed neighbor: they are
    no nearer.
    """
    listed = near.indices != NO_NEIGHBOR
    distance = np.where(listed, 1 - near.similarities.astype(np.float64), 0)
    missing = np.zeros(len(listed))
    if graph.k and graph.k < len(listed) - 1:
        full = graph.indices[:, -1] != NO_NEIGHBOR
        missing = np.where(full, _DISTINCT_NEIGHBORS - listed.sum(axis=1), 0)
        last = np.where(full, 1 - graph.similarities[:, -1].astype(np.float64), 0)
        total = distance.sum(axis=1) + missing * last
    else:
        total = distance.sum(axis=1)
    return _ratio(total, listed.sum(axis=1) + missing)


def _traits(statistics: NDArray[np.float32]) -> Floats:
    """Returns float32[m, 3]: how a picture was made, whatever it shows."""
    return np.stack(
        [
            column(statistics, "entropy") / _ENTROPY_SPREAD,
            np.log1p(column(statistics, "detail")) / _DETAIL_SPREAD,
            np.log1p(column(statistics, "chroma")) / _CHROMA_SPREAD,
        ],
        axis=1,
    ).astype(np.float32)


def _mean_trait_distance(traits: Floats, near: NeighborGraph) -> NDArray[np.float64]:
    """Returns the mean distance in traits to distinct neighbors, 0 without any."""
    result = np.zeros(len(traits))
    for start in range(0, len(traits), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        listed = near.indices[rows] != NO_NEIGHBOR
        apart = traits[rows, None] - traits[near.indices[rows]]
        distance = np.sqrt(np.square(apart).mean(axis=2, dtype=np.float64))
        total = np.where(listed, distance, 0).sum(axis=1)
        result[rows] = np.nan_to_num(_ratio(total, listed.sum(axis=1)))
    return result


def _ratio(
    total: NDArray[np.float64], count: NDArray[np.number]
) -> NDArray[np.float64]:
    nothing = np.full(len(total), np.nan)
    ratio: NDArray[np.float64] = np.divide(total, count, out=nothing, where=count > 0)
    return ratio


def outlier_threshold(distance: Floats) -> float:
    """Returns the distance beyond which an image of this set is an outlier.

    Tukey's fence, as in box plots: the upper quartile, and 1.2 times the range
    between the quartiles above it.

    Args:
        distance: float32[m], NaN for images without any

    Returns:
        inf for fewer than 10 images, among which nothing is usual
    """
    known = distance[~np.isnan(distance)].astype(np.float64)
    if len(known) < _FEWEST_JUDGED:
        return float("inf")
    low, high = np.quantile(known, (0.25, 0.75))
    return float(high + _FENCE * (high - low))


CAUSES = ("blank", "dark", "rare class", "off-topic")
NO_CAUSE = -1


def outlier_causes(
    outlier: NDArray[np.bool_],
    *,
    blank: NDArray[np.bool_],
    dark: NDArray[np.bool_],
    class_size: NDArray[np.integer] | None = None,
) -> NDArray[np.int8]:
    """Says why an outlier is one, where that is known.

    In this order: it is blank, it is dark, its class has fewer pictures than
    an image has neighbors. What none of these explains is off-topic.

    Args:
        outlier: bool[m]
        blank: bool[m], the picture has low information
        dark: bool[m]
        class_size: int[m], pictures with the same label, 0 without label

    Returns:
        int8[m], code into :data:`CAUSES`, -1 for what is no outlier
    """
    known = [blank, dark]
    if class_size is None:
        known.append(np.zeros_like(outlier))
    else:
        known.append((class_size > 0) & (class_size <= _SMALL_CLASS))
    known.append(np.ones_like(outlier))
    cause = np.select(known, range(len(CAUSES)))
    return np.where(outlier, cause, NO_CAUSE).astype(np.int8)
