"""The quick half of a scan: from stored evidence to findings, by thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .copies import RELATIONS
from .duplicates import (
    KEEPER_REASONS,
    KINDS,
    Duplicates,
    find_duplicates,
)
from .errors import InputError
from .evidence import (
    Evidence,
    copy_graph,
    evaluation_splits,
    feature_graph,
    image_rows,
)
from .findings import FIELDS, NO_CLUSTER, Findings, optional_floats, optional_names
from .gather import NO_CODE, majority_labels
from .labels import ClassEvidence, judge_labels
from .leaks import Leaks, find_leaks, leak_matrix
from .outliers import (
    CAUSES,
    outlier_causes,
    outlier_distances,
    outlier_threshold,
)
from .quality import ISSUES, image_issues
from .settings import DEFAULTS, ScanSettings

_MOST_LABELS_AN_ITEM = 8


@dataclass(frozen=True, eq=False)
class _Labels:
    """label_score, label_suggestion and label_issue of n rows."""

    score: NDArray[np.float32]
    suggestion: NDArray[np.int32]
    issue: NDArray[np.bool_]


def find(evidence: Evidence, settings: ScanSettings = DEFAULTS) -> Findings:
    """Applies thresholds to what a scan learned. Reads no file.

    Args:
        evidence: from :func:`~core.gather.gather`
        settings: only the thresholds matter here

    Raises:
        InputError: a threshold below what the scan looked at
    """
    accepted = evidence.pair_score >= settings.min_copy_score
    if settings.min_copy_similarity is not None:
        _check_min_similarity(evidence, settings.min_copy_similarity)
        accepted &= evidence.pair_similarity >= settings.min_copy_similarity
    row_item = evidence.row_items
    duplicates = _duplicates(evidence, accepted)
    leaks = _leaks(evidence, row_item, accepted)
    cluster = _item_clusters(evidence, row_item, duplicates)
    distance = outlier_distances(
        feature_graph(evidence),
        cluster,
        copy_graph=copy_graph(evidence),
        statistics=evidence.statistics[evidence.first],
    ).distance
    max_distance, outlier_rule = settings.max_outlier_distance, "given"
    if max_distance is None:
        max_distance, outlier_rule = outlier_threshold(distance), "this data set's own"
    labels = _labels(evidence, row_item, cluster, settings.min_label_score)
    readable = row_item >= 0
    row_distance = np.full(len(row_item), np.nan, np.float32)
    row_distance[readable] = distance[row_item[readable]]
    issues = np.zeros((len(row_item), len(ISSUES)), bool)
    issues[readable] = image_issues(evidence.statistics[evidence.content[readable]])
    outlier = row_distance > max_distance
    columns = _columns(
        evidence, duplicates, leaks, row_distance, outlier, labels, issues
    )
    return Findings(
        columns=columns,
        counts=_counts(columns, evidence, duplicates),
        leak_matrix=_matrix(evidence, leaks),
        thresholds={
            "min_copy_similarity": settings.min_copy_similarity,
            "min_copy_score": settings.min_copy_score,
            "max_outlier_distance": max_distance,
            "min_label_score": settings.min_label_score,
        },
        rules={
            "min_copy_similarity": _rule(settings.min_copy_similarity, "not applied"),
            "min_copy_score": _default_or_given(settings, "min_copy_score"),
            "max_outlier_distance": outlier_rule,
            "min_label_score": _default_or_given(settings, "min_label_score"),
        },
        conflicts=tuple(int(number) for number in duplicates.conflicts),
    )


def _check_min_similarity(evidence: Evidence, min_similarity: float) -> None:
    lowest = float(evidence.facts["min_candidate_similarity"])
    if min_similarity < lowest:
        raise InputError(
            f"min_copy_similarity={min_similarity:g} is below {lowest:g}, and less "
            "similar pairs were not compared. Use a higher one, or leave it out."
        )


def _duplicates(evidence: Evidence, accepted: NDArray[np.bool_]) -> Duplicates:
    return find_duplicates(
        image_rows(evidence),
        evidence.pairs[accepted],
        evidence.pair_similarity[accepted],
        evidence.pair_relation[accepted],
    )


def _leaks(
    evidence: Evidence, row_item: NDArray[np.int32], accepted: NDArray[np.bool_]
) -> Leaks:
    pixel_group = np.full(len(row_item), NO_CODE, np.int64)
    readable = row_item >= 0
    pixel_group[readable] = evidence.pixel_group[evidence.content[readable]]
    return find_leaks(
        evidence.splits,
        len(evidence.split_names),
        item=row_item,
        byte_group=evidence.content,
        pixel_group=pixel_group,
        label=evidence.labels,
        pairs=evidence.pairs[accepted],
        protected_splits=evaluation_splits(evidence.split_names),
    )


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
) -> _Labels:
    """Judges each row's label.

    Equal pictures are one item, and an item votes with its commonest label.
    Where its rows carry other labels too, those are judged in further rounds.
    """
    count, classes = len(row_item), len(evidence.classes)
    result = _Labels(
        np.full(count, np.nan, np.float32),
        np.full(count, NO_CODE, np.int32),
        np.zeros(count, bool),
    )
    if not classes:
        return result
    common = majority_labels(row_item, evidence.labels, len(evidence.first), classes)
    open_rows = (row_item >= 0) & (evidence.labels >= 0)
    for _ in range(_MOST_LABELS_AN_ITEM):
        if not open_rows.any():
            break
        judged = common.copy()
        rows = np.flatnonzero(open_rows)
        other = rows[evidence.labels[rows] != common[row_item[rows]]]
        # In the first round each item stands for its commonest label
        rest = rows[evidence.labels[rows] == common[row_item[rows]]]
        if not len(rest):
            judged[row_item[other]] = evidence.labels[other]
        given = _probability_of(evidence, judged, common)
        found = judge_labels(
            ClassEvidence(evidence.class_candidates, evidence.class_probability, given),
            feature_graph(evidence),
            judged,
            cluster,
            classes,
            copy_graph=copy_graph(evidence),
            min_label_score=min_label_score,
        )
        now = rows[evidence.labels[rows] == judged[row_item[rows]]]
        result.score[now] = found.score[row_item[now]]
        result.suggestion[now] = found.suggestion[row_item[now]]
        result.issue[now] = found.issue[row_item[now]]
        open_rows[now] = False
    return result


def _probability_of(
    evidence: Evidence, judged: NDArray[np.int32], common: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Returns float32[i], the classifier's probability of each judged label."""
    given: NDArray[np.float32] = evidence.given_probability.copy()
    changed = np.flatnonzero(judged != common)
    hit = evidence.class_candidates[changed] == judged[changed, None]
    probability = np.where(hit, evidence.class_probability[changed], 0).sum(axis=1)
    given[changed] = np.where(np.isnan(given[changed]), np.nan, probability)
    return given


def _columns(
    evidence: Evidence,
    duplicates: Duplicates,
    leaks: Leaks,
    distance: NDArray[np.float32],
    outlier: NDArray[np.bool_],
    labels: _Labels,
    issues: NDArray[np.bool_],
) -> dict[str, list[Any]]:
    clustered = duplicates.cluster != NO_CLUSTER
    readable = evidence.content >= 0
    has_split = readable & (evidence.splits >= 0)
    scored = ~np.isnan(labels.score)
    columns: dict[str, list[Any]] = {
        "dup_cluster": _where(clustered, duplicates.cluster.tolist()),
        "dup_kind": optional_names(duplicates.kind, list(KINDS)),
        "dup_relation": optional_names(duplicates.relation, list(RELATIONS)),
        "dup_similarity": _rounded(duplicates.similarity),
        "dup_keeper": _where(clustered, duplicates.keeper.tolist()),
        "keeper_reason": optional_names(duplicates.reason, list(KEEPER_REASONS)),
        "outlier_distance": _rounded(distance),
        "outlier": _where(readable & ~np.isnan(distance), outlier.tolist()),
        "outlier_cause": optional_names(
            _causes(evidence, outlier, issues), list(CAUSES)
        ),
        "label_score": _rounded(labels.score, 2),
        "label_suggestion": optional_names(labels.suggestion, evidence.classes),
        "label_issue": _where(scored, labels.issue.tolist()),
        "leak": _where(has_split, leaks.leak.tolist()),
        "leak_splits": _where(
            has_split, _names_of_flags(leaks.kinds >= 0, evidence.split_names)
        ),
        "image_issues": _where(readable, _names_of_flags(issues, ISSUES)),
        "scan_status": [evidence.statuses[code] for code in evidence.status.tolist()],
    }
    return {spec.name: columns[spec.name] for spec in FIELDS}


def _causes(
    evidence: Evidence, outlier: NDArray[np.bool_], issues: NDArray[np.bool_]
) -> NDArray[np.int8]:
    labelled = evidence.labels >= 0
    sizes = np.bincount(evidence.labels[labelled], minlength=len(evidence.classes))
    return outlier_causes(
        outlier,
        blank=issues[:, ISSUES.index("low_information")],
        dark=issues[:, ISSUES.index("dark")],
        class_size=np.where(labelled, np.append(sizes, 0)[evidence.labels], 0),
    )


def _where(present: NDArray[np.bool_], values: list[Any]) -> list[Any]:
    return [
        value if here else None
        for here, value in zip(present.tolist(), values, strict=True)
    ]


def _rounded(values: NDArray[np.floating], digits: int = 6) -> list[float | None]:
    return optional_floats(np.round(values.astype(np.float64), digits))


def _names_of_flags(flags: NDArray[np.bool_], names: Sequence[str]) -> list[list[str]]:
    result: list[list[str]] = [[] for _ in range(len(flags))]
    for row, column in np.argwhere(flags).tolist():
        result[row].append(names[column])
    return result


def _counts(
    columns: Mapping[str, list[Any]], evidence: Evidence, duplicates: Duplicates
) -> dict[str, int]:
    kinds = Counter(columns["dup_kind"])
    issues = Counter(
        name for names in columns["image_issues"] if names for name in names
    )
    extra = (duplicates.cluster != NO_CLUSTER) & ~duplicates.keeper
    counts = {
        "images": len(evidence.content),
        "readable": int((evidence.content >= 0).sum()),
        "unreadable": int((evidence.content < 0).sum()),
        "duplicate_clusters": int(duplicates.keeper.sum()),
        "duplicates": int((duplicates.cluster != NO_CLUSTER).sum()),
        "removable": int(extra.sum()),
        "removable_bytes": int(evidence.file_bytes[extra].sum()),
        "conflicts": len(duplicates.conflicts),
        "outliers": _sum(columns["outlier"]),
        "labelled": int((evidence.labels >= 0).sum()),
        "label_issues": _sum(columns["label_issue"]),
        "leaks": _sum(columns["leak"]),
        "image_issues": sum(bool(names) for names in columns["image_issues"]),
    }
    counts |= {f"duplicates_{kind}": kinds[kind] for kind in KINDS}
    counts |= {name: issues[name] for name in ISSUES}
    statuses = Counter(columns["scan_status"])
    counts |= {f"status_{name}": statuses[name] for name in evidence.statuses[1:]}
    return counts


def _sum(flags: list[bool | None]) -> int:
    return sum(flag is True for flag in flags)


def _matrix(evidence: Evidence, leaks: Leaks) -> dict[str, dict[str, dict[str, int]]]:
    """Returns kind -> split -> other split -> images with a copy there."""
    if not evidence.split_names:
        return {}
    matrix = leak_matrix(leaks.kinds, evidence.splits)
    names = evidence.split_names
    return {
        kind: {
            one: {
                other: int(matrix[k, a, b]) for b, other in enumerate(names) if a != b
            }
            for a, one in enumerate(names)
        }
        for k, kind in enumerate(KINDS)
    }


def _rule(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else "given"


def _default_or_given(settings: ScanSettings, name: str) -> str:
    same = getattr(settings, name) == getattr(DEFAULTS, name)
    return "default" if same else "given"
