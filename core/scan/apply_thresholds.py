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
from ..findings.label_issues import ClassEvidence, LabelFindings, judge_labels
from ..findings.leaks import NO_DROP, NO_KIND, Leaks, find_leaks
from ..findings.outliers import outlier_distances, outlier_threshold
from ..findings.schema import FIELDS, NO_CLUSTER, Findings
from .collect import NO_CODE, majority_labels
from .counts import count_changed_pairs, count_findings, leaks_by_class, leaks_by_kind
from .fastdup_preset import fastdup_findings
from .field_values import columns_of, rows_of_items
from .recall_estimate import (
    ACCEPTED_FALSE_RATE,
    CopyTrial,
    calibrated_score,
    expected_recall,
    false_rate,
    recall_error,
)
from .scan_data import (
    Evidence,
    copy_graph,
    evaluation_splits,
    feature_graph,
    first_rows,
    image_rows,
)
from .settings import DEFAULTS, ScanSettings

_FASTDUP = "as in fastdup"


def find(
    evidence: Evidence,
    settings: ScanSettings = DEFAULTS,
    decisions: Decisions | None = None,
) -> Findings:
    """Applies thresholds to what a scan learned. Reads no file.

    Args:
        evidence: from :func:`~core.scan.collect.gather`
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
    trial = CopyTrial(evidence.trial_copy_scores, evidence.trial_other_scores)
    min_copy_score, copy_rule = _copy_threshold(trial, settings)
    rows = image_rows(evidence)
    row_item = rows.item
    decided = decisions or no_decisions(len(row_item))
    accepted = accepted_pairs(evidence, settings, decided)
    rows = replace(rows, chosen=decided.keeper)
    leaks = _leaks(evidence, rows, accepted, decided)
    by_preset = evidence.near_rows.shape[1] > 0
    if by_preset:
        judged = _by_fastdup(evidence, rows, settings, decided)
    else:
        judged = _by_winnow(evidence, rows, accepted, settings, decided)
    labels, max_distance = judged.labels, judged.thresholds["max_outlier_distance"]
    labels.suggestion[decided.verified] = NO_CODE
    labels.issue[decided.verified] = False
    readable = row_item >= 0
    issues = np.zeros((len(row_item), len(ISSUES)), bool)
    issues[readable] = image_issues(
        evidence.statistics[evidence.content[readable]], rows.damaged[readable]
    )
    issues[decided.keep] = False
    outlier = judged.outlier & ~decided.keep
    columns = columns_of(
        evidence, judged.duplicates, leaks, judged.distance, outlier, labels, issues
    )
    columns["outlier_nearest"] = judged.nearest
    columns["label_agrees"] = judged.agrees
    columns["label_contradicts"] = judged.contradicts
    columns = {spec.name: columns[spec.name] for spec in FIELDS}
    return Findings(
        columns=columns,
        counts={
            **count_findings(columns, evidence, judged.duplicates),
            **count_changed_pairs(evidence, accepted, _votes(evidence)),
        },
        leak_matrix=leaks_by_kind(evidence, leaks),
        leaks_by_class=leaks_by_class(evidence, leaks),
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
    evidence: Evidence,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    settings: ScanSettings,
    decided: Decisions,
) -> _Judged:
    row_item = evidence.row_items
    copies = _duplicates(evidence, rows, accepted)
    cluster = _item_clusters(evidence, row_item, copies)
    strange = outlier_distances(
        feature_graph(evidence),
        cluster,
        copy_graph=copy_graph(evidence),
        statistics=evidence.statistics[evidence.first],
    )
    max_distance, outlier_rule = settings.max_outlier_distance, "given"
    if max_distance is None:
        max_distance = outlier_threshold(strange.distance)
        outlier_rule = "this data set's own"
        if not np.isfinite(max_distance):
            outlier_rule = "too few images to tell"
    labels, agrees, contradicts = _labels(
        evidence, row_item, cluster, settings.min_label_score
    )
    readable = row_item >= 0
    distance = np.full(len(row_item), np.nan, np.float32)
    distance[readable] = strange.distance[row_item[readable]]
    nearest = np.full(len(row_item), NO_CODE, np.int32)
    nearest[readable] = strange.nearest[row_item[readable]]
    shown = first_rows(evidence)
    return _Judged(
        duplicates=_as_decided(evidence, rows, accepted, copies, decided),
        distance=distance,
        outlier=distance > max_distance,
        nearest=rows_of_items(nearest, shown),
        labels=labels,
        agrees=rows_of_items(agrees, shown),
        contradicts=rows_of_items(contradicts, shown),
        thresholds={
            "min_copy_similarity": settings.min_copy_similarity,
            "max_outlier_distance": max_distance,
            "min_label_score": settings.min_label_score,
        },
        rules={
            "min_copy_similarity": _rule(settings.min_copy_similarity, "not applied"),
            "max_outlier_distance": outlier_rule,
            "min_label_score": _default_or_given(settings, "min_label_score"),
        },
    )


def _by_fastdup(
    evidence: Evidence, rows: ImageRows, settings: ScanSettings, decided: Decisions
) -> _Judged:
    found = fastdup_findings(evidence, rows, settings, decided)
    given_score = _default_or_given(settings, "min_label_score") == "given"
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
            "min_label_score": "given" if given_score else _FASTDUP,
        },
    )


def accepted_pairs(
    evidence: Evidence, settings: ScanSettings, decided: Decisions
) -> NDArray[np.bool_]:
    """Returns which pairs count as copies: bool[p].

    Args:
        evidence: of the scan
        settings: only the thresholds matter here
        decided: what a person decided of the rows

    Raises:
        InputError: a threshold below what the scan looked at
    """
    trial = CopyTrial(evidence.trial_copy_scores, evidence.trial_other_scores)
    min_copy_score, _ = _copy_threshold(trial, settings)
    accepted: NDArray[np.bool_] = evidence.pair_score >= min_copy_score
    if settings.min_copy_similarity is not None:
        _check_min_similarity(evidence, settings.min_copy_similarity)
        accepted &= evidence.pair_similarity >= settings.min_copy_similarity
    accepted &= ~_ignored(evidence, settings)
    return accepted & ~ruled_out(evidence.pairs, evidence.row_items, decided)


def _votes(evidence: Evidence) -> NDArray[np.int32]:
    classes = len(evidence.classes)
    return majority_labels(
        evidence.row_items, evidence.labels, len(evidence.first), classes
    )


def _ignored(evidence: Evidence, settings: ScanSettings) -> NDArray[np.bool_]:
    """Returns which pairs differ by a change that makes another thing of it."""
    bits = sum(1 << CHANGES_OF_MEANING.index(name) for name in settings.ignored_changes)
    ignored: NDArray[np.bool_] = (evidence.pair_changes & bits) > 0
    return ignored


def _copy_threshold(trial: CopyTrial, settings: ScanSettings) -> tuple[float, str]:
    if not settings.calibrate:
        rule = _default_or_given(settings, "min_copy_score")
        return settings.min_copy_score, rule
    rule = f"raised until {ACCEPTED_FALSE_RATE:.1%} of known non-copies pass at most"
    return calibrated_score(trial, settings.min_copy_score), rule


def _expected(
    trial: CopyTrial, min_copy_score: float, settings: ScanSettings
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
        "non_copies_tried": len(trial.other_scores),
    }


def _check_min_similarity(evidence: Evidence, min_similarity: float) -> None:
    lowest = float(evidence.facts["min_candidate_similarity"])
    if min_similarity < lowest:
        raise InputError(
            f"min_copy_similarity={min_similarity:g} is below {lowest:g}, and less "
            "similar pairs were not compared. Use a higher one, or leave it out."
        )


def _duplicates(
    evidence: Evidence,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    only_as_keeper: NDArray[np.bool_] | None = None,
) -> Duplicates:
    return find_duplicates(
        rows,
        evidence.pairs[accepted],
        evidence.pair_similarity[accepted],
        evidence.pair_relation[accepted],
        only_as_keeper,
    )


def _as_decided(
    evidence: Evidence,
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
    return _duplicates(evidence, rows, accepted, only_as_keeper=stays)


def _leaks(
    evidence: Evidence,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    decided: Decisions,
) -> Leaks:
    leaks = find_leaks(
        evidence.splits,
        len(evidence.split_names),
        item=rows.item,
        byte_group=rows.byte_group,
        pixel_group=rows.pixel_group,
        label=rows.label,
        pairs=evidence.pairs[accepted],
        protected_splits=evaluation_splits(evidence.split_names),
        chosen=rows.chosen,
    )
    leaks.leak[decided.keep] = False
    leaks.kinds[decided.keep] = NO_KIND
    leaks.drop[decided.keep] = False
    leaks.drop_reason[decided.keep] = NO_DROP
    return leaks


def _item_clusters(
    evidence: Evidence, row_item: NDArray[np.int32], duplicates: Duplicates
) -> NDArray[np.int64]:
    cluster = np.full(len(evidence.first), NO_CLUSTER, np.int64)
    readable = row_item >= 0
    cluster[row_item[readable]] = duplicates.cluster[readable]
    return cluster


def _labels(
    evidence: Evidence,
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
    count, classes = len(row_item), len(evidence.classes)
    result = LabelFindings(
        np.full(count, np.nan, np.float32),
        np.full(count, NO_CODE, np.int32),
        np.zeros(count, bool),
    )
    agrees = np.full(count, NO_CODE, np.int32)
    contradicts = np.full(count, NO_CODE, np.int32)
    if not classes:
        return result, agrees, contradicts
    rows = np.flatnonzero((row_item >= 0) & (evidence.labels >= 0))
    key = row_item[rows].astype(np.int64) * classes + evidence.labels[rows]
    pair, judgement = np.unique(key, return_inverse=True)
    judged = np.stack(np.divmod(pair, classes), axis=1)
    votes = majority_labels(row_item, evidence.labels, len(evidence.first), classes)
    found = judge_labels(
        ClassEvidence(
            evidence.class_candidates,
            evidence.class_probability,
            evidence.given_probability,
        ),
        feature_graph(evidence),
        votes,
        cluster,
        classes,
        judged=judged,
        copy_graph=copy_graph(evidence),
        min_label_score=min_label_score,
    )
    result.score[rows] = found.score[judgement]
    result.suggestion[rows] = found.suggestion[judgement]
    result.issue[rows] = found.issue[judgement]
    graphs = [feature_graph(evidence), copy_graph(evidence)]
    near = label_neighbors(
        [graph for graph in graphs if graph is not None],
        votes,
        cluster,
        judged,
        found.suggestion,
    )
    agrees[rows] = near.agreeing[judgement]
    contradicts[rows] = near.contradicting[judgement]
    return result, agrees, contradicts


def _rule(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else "given"


def _default_or_given(settings: ScanSettings, name: str) -> str:
    same = getattr(settings, name) == getattr(DEFAULTS, name)
    return "default" if same else "given"
