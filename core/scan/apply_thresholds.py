"""The quick half of a scan: from stored evidence to findings, by thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import CHANGES_OF_MEANING
from ..errors import InputError
from ..findings.decisions import Decisions, no_decisions, ruled_out
from ..findings.duplicates import Duplicates, ImageRows, find_duplicates
from ..findings.image_issues import ISSUES, image_issues
from ..findings.label_examples import label_neighbors
from ..findings.label_issues import (
    DEFAULT_MIN_LABEL_SCORE,
    ClassEvidence,
    LabelFindings,
    judge_labels,
)
from ..findings.leaks import NO_DROP, NO_KIND, Leaks, find_leaks
from ..findings.outliers import outlier_distances, outlier_threshold
from ..findings.schema import FIELDS, NO_CLUSTER, Findings
from .collect import NO_CODE, majority_labels
from .counts import count_changed_pairs, count_findings, leaks_by_class, leaks_by_kind
from .fastdup_preset import fastdup_findings
from .field_values import columns_of, rows_of_items
from .recall_estimate import (
    ACCEPTED_FALSE_RATE,
    CopyScores,
    calibrated_score,
    expected_recall,
    false_rate,
    recall_error,
)
from .scan_data import (
    ScanData,
    copy_graph,
    evaluation_splits,
    feature_graph,
    first_rows,
    image_rows,
)
from .settings import DEFAULTS, ScanSettings

_FASTDUP = "as in fastdup"


def apply_thresholds(
    scan_data: ScanData,
    settings: ScanSettings = DEFAULTS,
    decisions: Decisions | None = None,
) -> Findings:
    """Applies thresholds to what a scan learned. Reads no file.

    Args:
        scan_data: from :func:`~core.scan.collect.collect_scan_data`
        settings: only the thresholds matter here
        decisions: what a person decided of the rows; they have the last word

    Returns:
        the findings. Their ``expected`` says of the threshold on copies
        ``copy_recall``, its standard error ``copy_recall_error``,
        ``copy_recall_by_change``, ``copies_tried``, ``false_copy_rate`` (None
        if unknown) and ``non_copies_tried``

    Raises:
        InputError: a threshold below what the scan looked at
    """
    trial = CopyScores(scan_data.synthetic_copy_scores, scan_data.negative_scores)
    min_copy_score, copy_rule = _copy_threshold(trial, settings)
    rows = image_rows(scan_data)
    row_item = rows.item
    decided = decisions or no_decisions(len(row_item))
    accepted = accepted_pairs(scan_data, settings, decided)
    rows = replace(rows, chosen=decided.keeper)
    leaks = _leaks(scan_data, rows, accepted, decided)
    by_preset = scan_data.near_rows.shape[1] > 0
    if by_preset:
        judged = _by_fastdup(scan_data, rows, settings, decided)
    else:
        judged = _by_winnow(scan_data, rows, accepted, settings, decided)
    labels, max_distance = judged.labels, judged.thresholds["max_outlier_distance"]
    labels.suggestion[decided.verified] = NO_CODE
    labels.issue[decided.verified] = False
    readable = row_item >= 0
    issues = np.zeros((len(row_item), len(ISSUES)), bool)
    issues[readable] = image_issues(
        scan_data.statistics[scan_data.content[readable]], rows.damaged[readable]
    )
    issues[decided.keep] = False
    outlier = judged.outlier & ~decided.keep
    columns = columns_of(
        scan_data, judged.duplicates, leaks, judged.distance, outlier, labels, issues
    )
    columns["outlier_nearest"] = judged.nearest
    columns["label_support"] = judged.agrees
    columns["label_counterexample"] = judged.contradicts
    columns = {spec.name: columns[spec.name] for spec in FIELDS}
    return Findings(
        columns=columns,
        counts={
            **count_findings(columns, scan_data, judged.duplicates),
            **count_changed_pairs(scan_data, accepted, _votes(scan_data)),
        },
        leak_matrix=leaks_by_kind(scan_data, leaks),
        leaks_by_class=leaks_by_class(scan_data, leaks),
        thresholds={
            **judged.thresholds,
            "min_copy_score": min_copy_score,
            "max_outlier_distance": max_distance if np.isfinite(max_distance) else None,
        },
        rules={**judged.rules, "min_copy_score": copy_rule},
        conflicts=tuple(int(number) for number in judged.duplicates.conflicts),
        expected={} if by_preset else _expected(trial, min_copy_score, settings),
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """What a tool's rules say of n rows.

    Attributes:
        duplicates: the clusters
        distance: float32[n], for outliers
        outlier: bool[n]
        nearest: n rows to compare with, None without
        labels: of the rows
        agrees: n rows that speak for the label, None without
        contradicts: n rows that speak for another
        thresholds: in force, but for that on copies; infinite for none
        rules: how they were chosen
    """

    duplicates: Duplicates
    distance: NDArray[np.float32]
    outlier: NDArray[np.bool_]
    nearest: list[int | None]
    labels: LabelFindings
    agrees: list[int | None]
    contradicts: list[int | None]
    thresholds: dict[str, Any]
    rules: dict[str, str]


def _by_winnow(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    settings: ScanSettings,
    decided: Decisions,
) -> _Judged:
    row_item = scan_data.row_images
    copies = _duplicates(scan_data, rows, accepted)
    cluster = _item_clusters(scan_data, row_item, copies)
    strange = outlier_distances(
        feature_graph(scan_data),
        cluster,
        copy_graph=copy_graph(scan_data),
        statistics=scan_data.statistics[scan_data.first],
    )
    max_distance, outlier_rule = settings.max_outlier_distance, "given"
    if max_distance is None:
        max_distance = outlier_threshold(strange.distance)
        outlier_rule = "this data set's own"
        if not np.isfinite(max_distance):
            outlier_rule = "too few images to tell"
    min_label_score = settings.min_label_score
    if min_label_score is None:
        min_label_score = DEFAULT_MIN_LABEL_SCORE
    labels, agrees, contradicts = _labels(scan_data, row_item, cluster, min_label_score)
    readable = row_item >= 0
    distance = np.full(len(row_item), np.nan, np.float32)
    distance[readable] = strange.distance[row_item[readable]]
    nearest = np.full(len(row_item), NO_CODE, np.int32)
    nearest[readable] = strange.nearest[row_item[readable]]
    shown = first_rows(scan_data)
    return _Judged(
        duplicates=_as_decided(scan_data, rows, accepted, copies, decided),
        distance=distance,
        outlier=distance > max_distance,
        nearest=rows_of_items(nearest, shown),
        labels=labels,
        agrees=rows_of_items(agrees, shown),
        contradicts=rows_of_items(contradicts, shown),
        thresholds={
            "min_copy_similarity": settings.min_copy_similarity,
            "max_outlier_distance": max_distance,
            "min_label_score": min_label_score,
        },
        rules={
            "min_copy_similarity": _rule(settings.min_copy_similarity, "not applied"),
            "max_outlier_distance": outlier_rule,
            "min_label_score": _rule(settings.min_label_score, "default"),
        },
    )


def _by_fastdup(
    scan_data: ScanData, rows: ImageRows, settings: ScanSettings, decided: Decisions
) -> _Judged:
    found = fastdup_findings(scan_data, rows, settings, decided)
    nobody: list[int | None] = [None] * len(rows.item)
    return _Judged(
        duplicates=found.duplicates,
        distance=found.distance,
        outlier=found.outlier,
        nearest=[None if row < 0 else row for row in found.nearest.tolist()],
        labels=found.labels,
        agrees=nobody,
        contradicts=nobody,
        thresholds={
            "min_copy_similarity": found.min_similarity,
            "max_outlier_distance": found.max_distance,
            "min_label_score": found.min_label_score,
        },
        rules={
            "min_copy_similarity": _rule(settings.min_copy_similarity, _FASTDUP),
            "max_outlier_distance": _rule(settings.max_outlier_distance, _FASTDUP),
            "min_label_score": _rule(settings.min_label_score, _FASTDUP),
        },
    )


def accepted_pairs(
    scan_data: ScanData, settings: ScanSettings, decided: Decisions
) -> NDArray[np.bool_]:
    """Returns which pairs count as copies: bool[p].

    Args:
        scan_data: of the scan
        settings: only the thresholds matter here
        decided: what a person decided of the rows

    Raises:
        InputError: a threshold below what the scan looked at
    """
    trial = CopyScores(scan_data.synthetic_copy_scores, scan_data.negative_scores)
    min_copy_score, _ = _copy_threshold(trial, settings)
    accepted: NDArray[np.bool_] = scan_data.pair_score >= min_copy_score
    if settings.min_copy_similarity is not None:
        _check_min_similarity(scan_data, settings.min_copy_similarity)
        accepted &= scan_data.pair_similarity >= settings.min_copy_similarity
    accepted &= ~_ignored(scan_data, settings)
    return accepted & ~ruled_out(scan_data.pairs, scan_data.row_images, decided)


def _votes(scan_data: ScanData) -> NDArray[np.int32]:
    classes = len(scan_data.classes)
    return majority_labels(
        scan_data.row_images, scan_data.labels, len(scan_data.first), classes
    )


def _ignored(scan_data: ScanData, settings: ScanSettings) -> NDArray[np.bool_]:
    """Returns which pairs differ by a change that makes another thing of it."""
    bits = sum(1 << CHANGES_OF_MEANING.index(name) for name in settings.ignored_changes)
    ignored: NDArray[np.bool_] = (scan_data.pair_changes & bits) > 0
    return ignored


def _copy_threshold(trial: CopyScores, settings: ScanSettings) -> tuple[float, str]:
    if not settings.calibrate:
        rule = _default_or_given(settings, "min_copy_score")
        return settings.min_copy_score, rule
    rule = f"raised until {ACCEPTED_FALSE_RATE:.1%} of known non-copies pass at most"
    return calibrated_score(trial, settings.min_copy_score), rule


def _expected(
    trial: CopyScores, min_copy_score: float, settings: ScanSettings
) -> dict[str, Any]:
    by_change = expected_recall(trial, min_copy_score)
    # A threshold on the similarity, which the trial does not keep, finds fewer
    if not by_change or settings.min_copy_similarity is not None:
        return {}
    rate = false_rate(trial, min_copy_score)
    return {
        "copy_recall": round(sum(by_change.values()) / len(by_change), 4),
        "copy_recall_error": round(recall_error(trial, min_copy_score), 4),
        "copy_recall_by_change": {
            name: round(recall, 4) for name, recall in by_change.items()
        },
        "copies_tried": trial.copy_scores.size,
        "false_copy_rate": None if rate is None else round(rate, 6),
        "non_copies_tried": len(trial.negative_scores),
    }


def _check_min_similarity(scan_data: ScanData, min_similarity: float) -> None:
    lowest = float(scan_data.facts["min_candidate_similarity"])
    if min_similarity < lowest:
        raise InputError(
            f"min_copy_similarity={min_similarity:g} is below {lowest:g}, and less "
            "similar pairs were not compared. Use a higher one, or leave it out."
        )


def _duplicates(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    only_as_keeper: NDArray[np.bool_] | None = None,
) -> Duplicates:
    return find_duplicates(
        rows,
        scan_data.pairs[accepted],
        scan_data.pair_similarity[accepted],
        scan_data.pair_relation[accepted],
        only_as_keeper,
    )


def _as_decided(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    duplicates: Duplicates,
    decided: Decisions,
) -> Duplicates:
    """Returns the clusters without what a person keeps beside their keeper.

    Also what was chosen as the keeper of a cluster that has become part of
    another one: nothing that a person chose is to go.
    """
    stays = decided.keep | decided.keeper
    beside = stays & (duplicates.cluster != NO_CLUSTER) & ~duplicates.keeper
    if not beside.any():
        return duplicates
    return _duplicates(scan_data, rows, accepted, only_as_keeper=stays)


def _leaks(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    decided: Decisions,
) -> Leaks:
    leaks = find_leaks(
        scan_data.splits,
        len(scan_data.split_names),
        item=rows.item,
        byte_group=rows.byte_group,
        pixel_group=rows.pixel_group,
        label=rows.label,
        pairs=scan_data.pairs[accepted],
        protected_splits=evaluation_splits(scan_data.split_names),
        chosen=rows.chosen,
        damaged=rows.damaged,
    )
    leaks.leak[decided.keep] = False
    leaks.kinds[decided.keep] = NO_KIND
    leaks.drop[decided.keep] = False
    leaks.drop_reason[decided.keep] = NO_DROP
    return leaks


def _item_clusters(
    scan_data: ScanData, row_item: NDArray[np.int32], duplicates: Duplicates
) -> NDArray[np.int64]:
    cluster = np.full(len(scan_data.first), NO_CLUSTER, np.int64)
    readable = row_item >= 0
    cluster[row_item[readable]] = duplicates.cluster[readable]
    return cluster


def _labels(
    scan_data: ScanData,
    row_item: NDArray[np.int32],
    cluster: NDArray[np.int64],
    min_label_score: float,
) -> tuple[LabelFindings, NDArray[np.int32], NDArray[np.int32]]:
    """Judges each row's label.

    Equal pictures are one item, and an item votes with its commonest label.
    Its other labels are judged too, but have no vote.

    Returns:
        the findings; for each row the most similar item of its label, and of
        another one, -1 for none
    """
    count, classes = len(row_item), len(scan_data.classes)
    result = LabelFindings(
        np.full(count, np.nan, np.float32),
        np.full(count, NO_CODE, np.int32),
        np.zeros(count, bool),
    )
    agrees = np.full(count, NO_CODE, np.int32)
    contradicts = np.full(count, NO_CODE, np.int32)
    if not classes:
        return result, agrees, contradicts
    rows = np.flatnonzero((row_item >= 0) & (scan_data.labels >= 0))
    key = row_item[rows].astype(np.int64) * classes + scan_data.labels[rows]
    pair, judgment = np.unique(key, return_inverse=True)
    judged = np.stack(np.divmod(pair, classes), axis=1)
    votes = majority_labels(row_item, scan_data.labels, len(scan_data.first), classes)
    found = judge_labels(
        ClassEvidence(
            scan_data.class_candidates,
            scan_data.class_probability,
            scan_data.given_probability,
        ),
        feature_graph(scan_data),
        votes,
        cluster,
        classes,
        judged=judged,
        copy_graph=copy_graph(scan_data),
        min_label_score=min_label_score,
    )
    result.score[rows] = found.score[judgment]
    result.suggestion[rows] = found.suggestion[judgment]
    result.issue[rows] = found.issue[judgment]
    graphs = [feature_graph(scan_data), copy_graph(scan_data)]
    near = label_neighbors(
        [graph for graph in graphs if graph is not None],
        votes,
        cluster,
        judged,
        found.suggestion,
    )
    agrees[rows] = near.agreeing[judgment]
    contradicts[rows] = near.contradicting[judgment]
    return result, agrees, contradicts


def _rule(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else "given"


def _default_or_given(settings: ScanSettings, name: str) -> str:
    same = getattr(settings, name) == getattr(DEFAULTS, name)
    return "default" if same else "given"
