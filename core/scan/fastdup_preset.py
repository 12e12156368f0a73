"""``preset="fastdup"``: what fastdup would have found, in Winnow's terms.

Clusters are its components, and what stays of one is its first path, which its
``delete_components`` keeps; an image is an outlier if one of its edges is among
the least similar of all; a label's score is its share among similar images. What
a person decided still has the last word, and files in quarantine count no
more. Leaks and bad images stay Winnow's: fastdup has no rule for the former.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..embedding.image_table import ImageTable
from ..fastdup.rules import (
    MIN_COMPONENT_SIMILARITY,
    MIN_LABEL_SCORE,
    NEIGHBORS,
    Edges,
    components,
    edges_of,
    label_scores,
    nearest_rows,
    outlier_edges,
    similar_edges,
)
from ..findings.decisions import Decisions
from ..findings.duplicates import Duplicates, clusters_by_path
from ..findings.keepers import ImageRows
from ..findings.label_issues import LabelFindings
from ..findings.outliers import OutlierDistances
from ..findings.schema import NO_LABEL, QUARANTINED
from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph
from .judgment import NO_SAMPLE, Judgment, rule_of
from .scan_data import Samples
from .settings import ScanSettings

_AS_IN_FASTDUP = "as in fastdup"
_NO_GROUP = -1


def nearest_samples(
    table: ImageTable, given: NDArray[np.float32] | None, neighbors: int | None
) -> NeighborGraph:
    """Returns what fastdup would know of each of n samples.

    A vector that was given counts even if its file cannot be read here.

    Args:
        table: of the files
        given: n x d, embeddings made elsewhere; None for the table's descriptors
        neighbors: number for each sample; None for as many as fastdup takes

    Returns:
        see :func:`core.fastdup.rules.nearest_rows`
    """
    k = neighbors or NEIGHBORS
    if given is not None:
        return NeighborGraph(*nearest_rows(given, k))
    count = len(table.unique_file)
    readable = np.flatnonzero(table.unique_file >= 0).astype(np.int32)
    found, cosines = nearest_rows(table.column("copy")[table.unique_file[readable]], k)
    indices = np.full((count, k + 1), NO_NEIGHBOR, np.int32)
    indices[readable] = np.where(found == NO_NEIGHBOR, NO_NEIGHBOR, readable[found])
    similarities = np.full((count, k + 1), -np.inf, np.float32)
    similarities[readable] = cosines
    return NeighborGraph(indices, similarities)


def judge_by_fastdup(
    samples: Samples,
    nearest: NeighborGraph,
    rows: ImageRows,
    settings: ScanSettings,
    decided: Decisions,
) -> Judgment:
    """Applies the rules to the neighbors that the scan stored.

    Args:
        samples: of the scan
        nearest: the samples nearest to each, from :func:`nearest_samples`
        rows: the images, for the clusters
        settings: ``min_copy_similarity`` takes the place of ``ccthreshold``, the
            others are what they are without the preset; what was not given is
            as in fastdup
        decided: of the rows
    """
    near, similarity = _still_there(samples, nearest)
    edges = edges_of(near, similarity)
    connecting = settings.min_copy_similarity
    if connecting is None:
        connecting = MIN_COMPONENT_SIMILARITY
    min_score = settings.min_label_score
    if min_score is None:
        min_score = MIN_LABEL_SCORE
    shown = similar_edges(edges)
    readable = samples.readable
    score = np.where(readable, label_scores(shown, rows.label), np.nan)
    labels = LabelFindings(
        score.astype(np.float32),
        np.full(len(score), NO_LABEL, np.int32),
        score < min_score,
        np.full(len(score), np.nan, np.float32),
    )
    distance, farthest = _farthest_neighbors(edges, len(near))
    if settings.max_outlier_distance is None:
        least = outlier_edges(near, similarity)
        outlier = np.isin(np.arange(len(near)), least.source)
        max_distance = _distance_between(edges, len(least.source))
    else:
        max_distance = settings.max_outlier_distance
        outlier = distance > max_distance
    nobody = np.full(len(near), NO_SAMPLE, np.int64)
    unknown = np.full(len(near), np.nan, np.float32)
    return Judgment(
        # The similarity of a member is that to the most similar other member: most
        # were never compared with the one that stays
        duplicates=_clusters(shown, rows, connecting, decided),
        outliers=OutlierDistances(
            np.where(readable, distance, np.nan).astype(np.float32),
            farthest.astype(np.int32),
            unknown,
            unknown,
        ),
        outlier=outlier & readable,
        nearest=np.where(readable & readable[farthest], farthest, NO_SAMPLE),
        labels=labels,
        confidence=unknown,
        support=nobody,
        counterexample=nobody,
        thresholds={
            "min_copy_similarity": connecting,
            "max_outlier_distance": max_distance if np.isfinite(max_distance) else None,
            "min_label_score": min_score,
        },
        rules={
            name: rule_of(settings, name, _AS_IN_FASTDUP)
            for name in (
                "min_copy_similarity",
                "max_outlier_distance",
                "min_label_score",
            )
        },
        expected={},
    )


def _still_there(
    samples: Samples, nearest: NeighborGraph
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Returns the neighbors without those in quarantine."""
    near, similarity = nearest.indices, nearest.similarities
    if QUARANTINED not in samples.statuses:
        return near, similarity
    gone = samples.status == samples.statuses.index(QUARANTINED)
    blank = gone[near] | gone[:, None]
    return np.where(blank, NO_NEIGHBOR, near), np.where(blank, -np.inf, similarity)


def _clusters(
    edges: Edges, rows: ImageRows, min_similarity: float, decided: Decisions
) -> Duplicates:
    count = len(rows.unique_image)
    edges = edges.chosen(~_ruled_out(edges, count, decided))
    edges = edges.chosen(edges.similarity >= min_similarity)
    group = components(edges, count, min_similarity).component.astype(np.int64)
    group[rows.unique_image < 0] = _NO_GROUP
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
