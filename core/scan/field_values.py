"""The findings of a scan as values of fields, one column a field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import RELATIONS
from ..findings.duplicates import KEEPER_REASONS, KINDS, Duplicates
from ..findings.image_issues import ISSUES, LOOKS, gray_among_color, look_scores
from ..findings.label_issues import LabelFindings
from ..findings.leaks import DROP_REASONS, Leaks
from ..findings.outliers import CAUSES, OutlierDistances, outlier_causes
from ..findings.schema import FIRST_OF, NO_CLUSTER, optional_floats, optional_names
from ..reading.image_statistics import column
from ..reading.jpeg_damage import DAMAGES, NO_DAMAGE
from .scan_data import ScanData, damage_of_rows

_NO_RELATION = -1


def columns_of(
    scan_data: ScanData,
    duplicates: Duplicates,
    leaks: Leaks,
    strange: OutlierDistances,
    outlier: NDArray[np.bool_],
    labels: LabelFindings,
    issues: NDArray[np.bool_],
) -> dict[str, list[Any]]:
    """Returns n values a field, None where there is none.

    Args:
        scan_data: of n rows
        duplicates: the clusters
        leaks: copies in other splits
        strange: of the rows; NaN where there is no distance
        outlier: bool[n]
        labels: of the rows
        issues: bool[n, issues], by :data:`core.findings.image_issues.ISSUES`

    Returns:
        all fields but those that name another image
    """
    clustered = duplicates.cluster != NO_CLUSTER
    readable = scan_data.content >= 0
    has_split = readable & (scan_data.splits >= 0)
    scored = ~np.isnan(labels.score)
    conflict = np.isin(duplicates.cluster, duplicates.conflicts)
    columns: dict[str, list[Any]] = {
        "dup_cluster": _where(clustered, duplicates.cluster.tolist()),
        "dup_kind": optional_names(duplicates.kind, list(KINDS)),
        "dup_relation": _relations(scan_data, duplicates),
        "dup_similarity": _rounded(duplicates.similarity),
        "dup_keeper": _where(clustered, duplicates.keeper.tolist()),
        "keeper_reason": optional_names(duplicates.reason, list(KEEPER_REASONS)),
        "dup_conflict": _where(clustered, conflict.tolist()),
        "outlier_distance": _rounded(strange.distance),
        "outlier": _where(readable & ~np.isnan(strange.distance), outlier.tolist()),
        "outlier_cause": optional_names(
            _causes(scan_data, strange, outlier, issues), list(CAUSES)
        ),
        "label_score": _rounded(labels.score, 2),
        "label_suggestion": optional_names(labels.suggestion, scan_data.classes),
        "label_issue": _where(scored, labels.issue.tolist()),
        "leak": _where(has_split, leaks.leak.tolist()),
        "leak_splits": _where(
            has_split, _names_of_flags(leaks.kinds >= 0, scan_data.split_names)
        ),
        "leak_conflict": _where(has_split, leaks.conflict.tolist()),
        "leak_remove": _where(has_split, leaks.drop.tolist()),
        "leak_remove_reason": optional_names(leaks.drop_reason, list(DROP_REASONS)),
        "image_issues": _where(readable, _names_of_flags(issues, ISSUES)),
        **_look_values(scan_data),
        "damage_reason": optional_names(_damage(scan_data, issues), list(DAMAGES)),
        "scan_status": [scan_data.statuses[code] for code in scan_data.status.tolist()],
    }
    return columns


def _look_values(scan_data: ScanData) -> dict[str, list[float | None]]:
    """Returns what says whether a picture is dark, bright, blurry or empty."""
    readable = scan_data.content >= 0
    scores = np.full((len(readable), len(LOOKS)), np.nan, np.float32)
    scores[readable] = look_scores(scan_data.statistics[scan_data.content[readable]])
    return {
        name: _rounded(values, 3) for name, values in zip(LOOKS, scores.T, strict=True)
    }


def _damage(scan_data: ScanData, issues: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Returns the damage of rows that have that issue."""
    return np.where(
        issues[:, ISSUES.index("damaged")], damage_of_rows(scan_data), NO_DAMAGE
    )


def _relations(scan_data: ScanData, duplicates: Duplicates) -> list[str | None]:
    """Says how each near copy differs from the keeper, or why it is no more than near.

    Pictures that were not compared, since they look alike at the model's size, differ
    in what that does not show: in samples of more than 8 bits, transparency, a color
    profile, further pictures, or in size.
    """
    near = duplicates.kind == KINDS.index("near")
    named = np.where(near, duplicates.relation, _NO_RELATION)
    relations = optional_names(named, list(RELATIONS))
    keepers = np.flatnonzero(duplicates.keeper)
    keeper_of = np.full(int(duplicates.cluster.max(initial=-1)) + 1, -1)
    keeper_of[duplicates.cluster[keepers]] = keepers
    for row in np.flatnonzero(near & ~duplicates.keeper).tolist():
        own = int(scan_data.content[row])
        kept = int(scan_data.content[keeper_of[duplicates.cluster[row]]])
        equal = scan_data.first_group[own] == scan_data.first_group[kept]
        count = max(scan_data.picture_count[own], scan_data.picture_count[kept])
        if count > 1:
            relations[row] = f"{FIRST_OF}{count:,} pictures" + " equal" * bool(equal)
        elif relations[row] is None:
            relations[row] = "looks equal" if equal else _of_size(scan_data, own, kept)
    return relations


def _of_size(scan_data: ScanData, one: int, other: int) -> str:
    sizes = scan_data.width, scan_data.height
    alike = all(side[one] == side[other] for side in sizes)
    return "re-encoded" if alike else "resized"


def _causes(
    scan_data: ScanData,
    strange: OutlierDistances,
    outlier: NDArray[np.bool_],
    issues: NDArray[np.bool_],
) -> NDArray[np.int8]:
    readable = scan_data.content >= 0
    statistics = scan_data.statistics[scan_data.content[readable]]
    entropy = np.full(len(readable), np.nan, np.float32)
    entropy[readable] = column(statistics, "entropy")
    gray = np.zeros(len(readable), bool)
    gray[readable] = gray_among_color(statistics)
    labeled = scan_data.labels >= 0
    sizes = np.bincount(scan_data.labels[labeled], minlength=len(scan_data.classes))
    return outlier_causes(
        outlier,
        strange,
        blank=issues[:, ISSUES.index("low_information")],
        dark=issues[:, ISSUES.index("dark")],
        entropy=entropy,
        gray=gray,
        class_size=np.where(labeled, np.append(sizes, 0)[scan_data.labels], 0),
    )


def rows_of_items(
    item: NDArray[np.int32], shown: NDArray[np.int64]
) -> list[int | None]:
    """Returns the row that shows each item, None for no item."""
    return _where(item >= 0, np.append(shown, -1)[item].tolist())


def _where(present: NDArray[np.bool_], values: list[Any]) -> list[Any]:
    return [
        value if here else None
        for here, value in zip(present.tolist(), values, strict=True)
    ]


def _rounded(values: NDArray[np.floating], digits: int = 6) -> list[float | None]:
    return optional_floats(np.round(values.astype(np.float64), digits))


def _names_of_flags(flags: NDArray[np.bool_], names: Sequence[str]) -> list[list[str]]:
    result: list[list[str]] = [[] for _ in range(len(flags))]
    for row, place in np.argwhere(flags).tolist():
        result[row].append(names[place])
    return result
