"""Winnow's own rules for duplicates, outliers and labels, on what a scan learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..findings.decisions import Decisions
from ..findings.duplicates import Duplicates, find_duplicates
from ..findings.keepers import ImageRows
from ..findings.label_issues import (
    LabelFindings,
)
from ..findings.outliers import (
    AGREED,
    AGREED_INTERVAL,
    OutlierDistances,
    outlier_distances,
    outlier_threshold,
)
from ..findings.schema import NO_CLUSTER, NO_LABEL
from .judgment import NO_SAMPLE, OWN_RULE, Judgment, rule_of
from .label_judgment import NO_IMAGE, judge_sample_labels
from .scan_data import FixedJudgment, ScanData, first_samples
from .settings import ScanSettings


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
    agreement: dict[str, Any] = {}
    if max_distance is None:
        max_distance = outlier_threshold(outliers.distance)
        rule = OWN_RULE
        agreement = {
            "outlier_agreement": AGREED,
            "outlier_agreement_interval": list(AGREED_INTERVAL),
        }
        if not np.isfinite(max_distance):
            rule, agreement = "too few images to tell", {}
    judged = judge_sample_labels(scan_data, images, cluster, settings.min_label_score)
    of_samples = _of_samples(outliers, images)
    # The last value stands for no image
    sample_of = np.append(first_samples(scan_data), NO_SAMPLE)
    return Judgment(
        duplicates=_as_decided(scan_data, rows, accepted, duplicates, decisions),
        outliers=of_samples,
        outlier=of_samples.distance > max_distance,
        nearest=sample_of[of_samples.nearest],
        labels=judged.found,
        confidence=judged.confidence,
        support=sample_of[judged.support],
        counterexample=sample_of[judged.counterexample],
        thresholds={
            "min_copy_similarity": settings.min_copy_similarity,
            "max_outlier_distance": max_distance if np.isfinite(max_distance) else None,
            "min_label_score": judged.threshold,
        },
        rules={
            "min_copy_similarity": rule_of(
                settings, "min_copy_similarity", "not applied"
            ),
            "max_outlier_distance": rule,
            "min_label_score": rule_of(settings, "min_label_score", judged.rule),
        },
        expected={**judged.expected, **agreement},
    )


def judge_as_fixed(
    scan_data: ScanData,
    fixed: FixedJudgment,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    settings: ScanSettings,
    decisions: Decisions,
) -> Judgment:
    """Applies Winnow's rules, but for what was judged before of outliers and labels.

    Labels that are no longer there have no judgment.

    Args:
        scan_data: of the scan
        fixed: what was judged
        rows: the samples, for the clusters
        accepted: bool[p], the pairs that are copies
        settings: only the thresholds matter here
        decisions: on the samples
    """
    duplicates = _duplicates(scan_data, rows, accepted)
    readable = rows.unique_image != NO_IMAGE
    labeled = readable & (rows.label != NO_LABEL)

    def only(where: NDArray[np.bool_], values: NDArray[Any], absent: Any) -> Any:
        return np.where(where, values, np.asarray(absent, values.dtype))

    def still_there(where: NDArray[np.bool_], samples: NDArray[np.int64]) -> Any:
        there = where & np.append(readable, False)[samples]
        return only(there, samples, NO_SAMPLE)

    names = ("max_outlier_distance", "min_label_score")
    given = {name: getattr(settings, name) for name in names}
    thresholds = {
        name: fixed.thresholds[name] if one is None else one
        for name, one in given.items()
    }
    outliers, labels = fixed.outliers, fixed.labels
    score = only(labeled, labels.score, np.nan)
    distance = only(readable, outliers.distance, np.nan)
    most, least = (thresholds[name] for name in names)
    outlier = distance > (np.inf if most is None else most)
    issue = np.nan_to_num(score, nan=100) < (0 if least is None else least)
    return Judgment(
        duplicates=_as_decided(scan_data, rows, accepted, duplicates, decisions),
        outliers=replace(outliers, distance=distance),
        outlier=outlier,
        nearest=still_there(readable, fixed.nearest),
        labels=LabelFindings(
            score,
            only(labeled, labels.suggestion, NO_LABEL),
            issue,
            only(labeled, labels.suggestion_share, np.nan),
        ),
        confidence=only(labeled, fixed.confidence, np.nan),
        support=still_there(labeled, fixed.support),
        counterexample=still_there(labeled, fixed.counterexample),
        thresholds={"min_copy_similarity": settings.min_copy_similarity, **thresholds},
        rules={
            "min_copy_similarity": rule_of(
                settings, "min_copy_similarity", "not applied"
            ),
            **{name: rule_of(settings, name, fixed.rules[name]) for name in names},
        },
        expected={
            name: value
            for name, value in fixed.expected.items()
            if given["max_outlier_distance" if "outlier" in name else "min_label_score"]
            is None
        },
    )


def _of_samples(
    outliers: OutlierDistances, images: NDArray[np.int32]
) -> OutlierDistances:
    """Returns the distances of the samples from those of the unique images."""
    readable = images >= 0

    def spread(values: NDArray[Any], absent: float) -> NDArray[Any]:
        found = np.full(len(images), absent, values.dtype)
        found[readable] = values[images[readable]]
        return found

    return OutlierDistances(
        spread(outliers.distance, np.nan),
        spread(outliers.nearest, NO_IMAGE),
        spread(outliers.subject, np.nan),
        spread(outliers.style, np.nan),
    )


def _duplicates(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    only_as_keeper: NDArray[np.bool_] | None = None,
) -> Duplicates:
    pairs = scan_data.pairs
    # A page that surely has a copy is in its cluster, not in one of look-alikes
    unsure = accepted & pairs.unsure
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
