"""Winnow's own rules for duplicates, outliers and labels, on what a scan learned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..findings.decisions import Decisions
from ..findings.duplicates import Duplicates, find_duplicates
from ..findings.keepers import ImageRows
from ..findings.label_examples import label_neighbors
from ..findings.label_issues import (
    DEFAULT_MIN_LABEL_SCORE,
    LabelFindings,
    judge_labels,
)
from ..findings.outliers import outlier_distances, outlier_threshold
from ..findings.schema import NO_CLUSTER, NO_LABEL
from .image_labels import majority_labels
from .judgment import NO_SAMPLE, Judgment, rule_of
from .scan_data import ScanData, first_samples
from .settings import ScanSettings

NO_IMAGE = -1


def judge_by_own_rules(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    settings: ScanSettings,
    decisions: Decisions,
) -> Judgment:
    """Applies Winnow's rules.

    Args:
        scan_data: of the scan
        rows: the samples, for the clusters
        accepted: bool[p], the pairs that are copies
        settings: only the thresholds matter here
        decisions: on the samples
    """
    graphs, images = scan_data.graphs, rows.unique_image
    duplicates = _duplicates(scan_data, rows, accepted)
    cluster = _image_clusters(scan_data, images, duplicates)
    outliers = outlier_distances(
        graphs.by_features(),
        cluster,
        copy_graph=graphs.by_descriptors(),
        statistics=scan_data.files.statistics[scan_data.images.first_file],
    )
    max_distance = settings.max_outlier_distance
    rule = "given"
    if max_distance is None:
        max_distance = outlier_threshold(outliers.distance)
        rule = "this data set's own"
        if not np.isfinite(max_distance):
            rule = "too few images to tell"
    min_label_score = settings.min_label_score
    if min_label_score is None:
        min_label_score = DEFAULT_MIN_LABEL_SCORE
    labels, support, counterexample = _labels(
        scan_data, images, cluster, min_label_score
    )
    readable = images >= 0
    distance = np.full(len(images), np.nan, np.float32)
    distance[readable] = outliers.distance[images[readable]]
    nearest = np.full(len(images), NO_IMAGE, np.int32)
    nearest[readable] = outliers.nearest[images[readable]]
    # The last value stands for no image
    sample_of = np.append(first_samples(scan_data), NO_SAMPLE)
    return Judgment(
        duplicates=_as_decided(scan_data, rows, accepted, duplicates, decisions),
        distance=distance,
        outlier=distance > max_distance,
        nearest=sample_of[nearest],
        labels=labels,
        support=sample_of[support],
        counterexample=sample_of[counterexample],
        thresholds={
            "min_copy_similarity": settings.min_copy_similarity,
            "max_outlier_distance": max_distance if np.isfinite(max_distance) else None,
            "min_label_score": min_label_score,
        },
        rules={
            "min_copy_similarity": rule_of(
                settings, "min_copy_similarity", "not applied"
            ),
            "max_outlier_distance": rule,
            "min_label_score": rule_of(settings, "min_label_score"),
        },
    )


def _duplicates(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    only_as_keeper: NDArray[np.bool_] | None = None,
) -> Duplicates:
    pairs = scan_data.pairs
    # A page that surely has a copy is in its cluster, not in one of look-alikes
    unsure = accepted & pairs.too_plain
    known = np.zeros(len(scan_data.images.first_file), bool)
    known[pairs.images[accepted & ~unsure]] = True
    accepted = accepted & ~(unsure & known[pairs.images].any(axis=1))
    return find_duplicates(
        rows,
        pairs.images[accepted],
        pairs.similarity[accepted],
        pairs.relation[accepted],
        only_as_keeper,
    )


def _as_decided(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    duplicates: Duplicates,
    decisions: Decisions,
) -> Duplicates:
    """Returns the clusters without what a person keeps beside their keeper.

    Also what was chosen as the keeper of a cluster that has become part of
    another one: nothing that a person chose is to be removed.
    """
    stays = decisions.keep | decisions.keeper
    beside = stays & (duplicates.cluster != NO_CLUSTER) & ~duplicates.keeper
    if not beside.any():
        return duplicates
    return _duplicates(scan_data, rows, accepted, only_as_keeper=stays)


def _image_clusters(
    scan_data: ScanData, images: NDArray[np.int32], duplicates: Duplicates
) -> NDArray[np.int64]:
    """Returns int64[i], the cluster of each unique image."""
    cluster = np.full(len(scan_data.images.first_file), NO_CLUSTER, np.int64)
    readable = images >= 0
    cluster[images[readable]] = duplicates.cluster[readable]
    return cluster


def _labels(
    scan_data: ScanData,
    images: NDArray[np.int32],
    cluster: NDArray[np.int64],
    min_label_score: float,
) -> tuple[LabelFindings, NDArray[np.int32], NDArray[np.int32]]:
    """Judges each sample's label.

    Equal pictures are one unique image, which votes with its commonest label.
    Its other labels are judged too, but have no vote.

    Returns:
        the findings; for each sample the most similar image of its label, and of
        another one, -1 for none
    """
    labels = scan_data.samples.labels
    count, classes = len(images), len(scan_data.samples.classes)
    result = LabelFindings(
        np.full(count, np.nan, np.float32),
        np.full(count, NO_LABEL, np.int32),
        np.zeros(count, bool),
    )
    support = np.full(count, NO_IMAGE, np.int32)
    counterexample = np.full(count, NO_IMAGE, np.int32)
    if not classes:
        return result, support, counterexample
    rows = np.flatnonzero((images >= 0) & (labels >= 0))
    key = images[rows].astype(np.int64) * classes + labels[rows]
    pair, judgment = np.unique(key, return_inverse=True)
    judged = np.stack(np.divmod(pair, classes), axis=1)
    votes = majority_labels(images, labels, len(cluster), classes)
    by_features = scan_data.graphs.by_features()
    by_descriptors = scan_data.graphs.by_descriptors()
    found = judge_labels(
        scan_data.classes,
        by_features,
        votes,
        cluster,
        classes,
        judged=judged,
        copy_graph=by_descriptors,
        min_label_score=min_label_score,
    )
    result.score[rows] = found.score[judgment]
    result.suggestion[rows] = found.suggestion[judgment]
    result.issue[rows] = found.issue[judgment]
    near = label_neighbors(
        [graph for graph in (by_features, by_descriptors) if graph is not None],
        votes,
        cluster,
        judged,
        found.suggestion,
    )
    support[rows] = near.agreeing[judgment]
    counterexample[rows] = near.contradicting[judgment]
    return result, support, counterexample
