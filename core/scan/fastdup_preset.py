"""``preset="fastdup"``: what fastdup would have found, in Winnow's terms.

Clusters are its components, and what stays of one is its first path, which its
``delete_components`` keeps; an image is an outlier if one of its edges is among
the least similar of all; a label's score is its share among similar images. What
a person decided still has the last word, and files that were put away count no
more. Leaks and bad images stay Winnow's: fastdup has no rule for the former.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..fastdup.rules import (
    MIN_COMPONENT_SIMILARITY,
    MIN_LABEL_SCORE,
    Edges,
    components,
    edges_of,
    label_scores,
    outlier_edges,
    similar_edges,
)
from ..findings.decisions import Decisions
from ..findings.duplicates import Duplicates, ImageRows, clusters_by_path
from ..findings.label_issues import LabelFindings
from ..findings.schema import QUARANTINED
from ..neighbors.knn_graph import NO_NEIGHBOR
from .scan_data import ScanData
from .settings import ScanSettings

_NO_CODE = -1
_NO_GROUP = -1


@dataclass(frozen=True, eq=False)
class FastdupFindings:
    """What its rules say of n images.

    Attributes:
        duplicates: the similarity of a member is that to the most similar other
            member: most were never compared with the one that stays
        distance: float32[n], 1 - the similarity of the least similar neighbor;
            NaN without one
        nearest: int64[n], that neighbor; -1 without
        outlier: bool[n]
        max_distance: images farther away are outliers; infinite if none is
        labels: without suggestions, which fastdup does not make
        min_similarity: that connects a component
        min_label_score: labels that score less are issues
    """

    duplicates: Duplicates
    distance: NDArray[np.float32]
    nearest: NDArray[np.int64]
    outlier: NDArray[np.bool_]
    max_distance: float
    labels: LabelFindings
    min_similarity: float
    min_label_score: float


def fastdup_findings(
    scan_data: ScanData, rows: ImageRows, settings: ScanSettings, decided: Decisions
) -> FastdupFindings:
    """Applies the rules to the neighbors that the scan stored.

    Args:
        scan_data: of a scan with the preset
        rows: the images, for the clusters
        settings: ``min_copy_similarity`` takes the place of ``ccthreshold``, the
            others are what they are without the preset; what was not given is
            as in fastdup
        decided: of the rows
    """
    near, similarity = _still_there(scan_data)
    edges = edges_of(near, similarity)
    connecting = settings.min_copy_similarity
    if connecting is None:
        connecting = MIN_COMPONENT_SIMILARITY
    min_score = settings.min_label_score
    if min_score is None:
        min_score = MIN_LABEL_SCORE
    shown = similar_edges(edges)
    score = np.where(scan_data.content >= 0, label_scores(shown, rows.label), np.nan)
    labels = LabelFindings(
        score.astype(np.float32),
        np.full(len(score), _NO_CODE, np.int32),
        score < min_score,
    )
    distance, nearest = _farthest_neighbors(edges, len(near))
    if settings.max_outlier_distance is None:
        least = outlier_edges(near, similarity)
        outlier = np.isin(np.arange(len(near)), least.source)
        max_distance = _distance_between(edges, len(least.source))
    else:
        max_distance = settings.max_outlier_distance
        outlier = distance > max_distance
    readable = scan_data.content >= 0
    return FastdupFindings(
        duplicates=_clusters(shown, rows, connecting, decided),
        distance=np.where(readable, distance, np.nan).astype(np.float32),
        nearest=np.where(readable & readable[nearest], nearest, NO_NEIGHBOR),
        outlier=outlier & readable,
        max_distance=max_distance,
        labels=labels,
        min_similarity=connecting,
        min_label_score=min_score,
    )


def _still_there(
    scan_data: ScanData,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Returns the neighbors without those that were put away."""
    near, similarity = scan_data.near_rows, scan_data.near_similarity
    if QUARANTINED not in scan_data.statuses:
        return near, similarity
    gone = scan_data.status == scan_data.statuses.index(QUARANTINED)
    blank = gone[near] | gone[:, None]
    return np.where(blank, NO_NEIGHBOR, near), np.where(blank, -np.inf, similarity)


def _clusters(
    edges: Edges, rows: ImageRows, min_similarity: float, decided: Decisions
) -> Duplicates:
    count = len(rows.item)
    edges = edges.chosen(~_ruled_out(edges, count, decided))
    edges = edges.chosen(edges.similarity >= min_similarity)
    group = components(edges, count, min_similarity).component.astype(np.int64)
    group[rows.item < 0] = _NO_GROUP
    # What a person chose is what stays; what they keep is no copy to drop
    order = np.lexsort((rows.path_rank, ~decided.keeper))
    leader = np.zeros(count, bool)
    leader[order[np.unique(group[order], return_index=True)[1]]] = True
    group[(decided.keep | decided.keeper) & ~leader] = _NO_GROUP
    members = np.bincount(group[group >= 0], minlength=count)
    group[(group >= 0) & (members[group] < 2)] = _NO_GROUP
    nearest = np.full(count, -np.inf, np.float32)
    np.maximum.at(nearest, edges.source, edges.similarity)
    np.maximum.at(nearest, edges.target, edges.similarity)
    first = replace(rows, path_rank=np.argsort(order))
    found = clusters_by_path(first, group)
    nearest = np.where(group >= 0, np.clip(nearest, -1, 1), np.nan)
    return replace(found, similarity=nearest.astype(np.float32))


def _ruled_out(edges: Edges, count: int, decided: Decisions) -> NDArray[np.bool_]:
    """Returns which edges join images that are no copies, as a person decided."""
    one, other = decided.distinct.T
    known = np.concatenate([one * count + other, other * count + one])
    keys = edges.source.astype(np.int64) * count + edges.target
    return np.isin(keys, known)


def _farthest_neighbors(
    edges: Edges, count: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns each row's distance from its least similar neighbor, and which."""
    distance = np.full(count, np.nan, np.float32)
    farthest = np.full(count, NO_NEIGHBOR, np.int64)
    # Last assignment wins: the least similar
    order = np.argsort(-edges.similarity, kind="stable")
    distance[edges.source[order]] = 1 - edges.similarity[order]
    farthest[edges.source[order]] = edges.target[order]
    return distance, farthest


def _distance_between(edges: Edges, outliers: int) -> float:
    """Returns the distance halfway between the last outlying edge and the next."""
    if not outliers:
        return np.inf
    similarity = np.sort(edges.similarity)
    following = similarity[min(outliers, len(similarity) - 1)]
    return float(1 - (similarity[outliers - 1] + following) / 2)
