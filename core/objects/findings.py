"""The quick half of a scan of objects: thresholds, and what they say of each object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..findings.schema import FIELDS, FieldSpec
from ..scan.apply_thresholds import apply_thresholds
from ..scan.settings import DEFAULTS, ScanSettings
from .boxes import BOX_ISSUES, MISTAKES, box_issues
from .collect import ObjectData
from .settings import OBJECT_DEFAULTS, ObjectSettings
from .units import STATUSES

_AS_FOR_IMAGES = (
    "label_score",
    "label_suggestion",
    "label_issue",
    "label_support",
    "label_counterexample",
    "outlier_distance",
    "outlier",
    "dup_cluster",
    "dup_kind",
    "dup_similarity",
    "dup_keeper",
    "leak",
    "leak_splits",
)

ATTRIBUTES = (
    FieldSpec(
        "object_status",
        "str",
        "ok, or why the object was not compared: tiny, degenerate, outside (nothing "
        "of it is in the picture), unread (its picture is not read); or crowd (a box "
        "around many objects, whose label is judged)",
    ),
    FieldSpec(
        "box_issues",
        "list of str",
        "What is wrong with the box: degenerate, outside, duplicate (a second box on "
        "one object). Hints: two_labels (two boxes on one object), tiny, odd_size and "
        "odd_aspect_ratio (for its class), whole_picture",
    ),
    *(spec for spec in FIELDS if spec.name in _AS_FOR_IMAGES),
)
"""What a scan puts on each labeled object. A "sample" is another object here."""


@dataclass(frozen=True, eq=False)
class ObjectFindings:
    """What a scan says of u objects.

    Attributes:
        columns: u values per attribute of :data:`ATTRIBUTES`, None where there is
            none; an attribute of type "sample" holds rows of objects
        counts: numbers for a person, by name
        thresholds: in force, by name; None for none
        rules: how each was chosen
    """

    columns: Mapping[str, Sequence[Any]]
    counts: Mapping[str, int]
    thresholds: Mapping[str, Any]
    rules: Mapping[str, str]


def find_objects(
    data: ObjectData,
    sizes: NDArray[np.int32],
    picture_group: NDArray[np.int64],
    settings: ScanSettings = DEFAULTS,
    options: ObjectSettings = OBJECT_DEFAULTS,
) -> ObjectFindings:
    """Applies thresholds to what a scan of objects learned. Reads no file.

    Args:
        data: from :func:`core.objects.collect.collect_object_data`
        sizes: int32[n, 2], width and height of the pictures
        picture_group: int64[n], equal for pictures that are copies of one another.
            Equal crops of such pictures say nothing new: they are neither copies
            nor leaks, but have one vote on labels
        settings: those of the scan of the pictures
        options: of objects
    """
    count = len(data.boxes)
    columns: dict[str, list[Any]] = {spec.name: [None] * count for spec in ATTRIBUTES}
    own = ("min_object_label_score", "max_object_outlier_distance")
    thresholds: dict[str, Any] = dict.fromkeys(own)
    rules = dict.fromkeys(own, "fewer than two objects could be cut out")
    labels = np.full(count, -1, np.int64)
    if data.scan is not None:
        labels = data.scan.samples.labels.astype(np.int64)
        found = apply_thresholds(data.scan, options.of_crops(settings))
        columns |= {name: list(found.columns[name]) for name in _AS_FOR_IMAGES}
        # Equal parts of equal files: of a part nothing but its pixels is known
        columns["dup_kind"] = [
            "pixels" if kind == "bytes" else kind for kind in columns["dup_kind"]
        ]
        for name in own:
            of_crops = name.replace("_object", "")
            thresholds[name] = found.thresholds[of_crops]
            rules[name] = found.rules[of_crops]
        splits = data.scan.samples.splits
        _keep_news(columns, picture_group[data.units.file], splits,
                   data.scan.samples.split_names)  # fmt: skip
    thresholds["min_box_overlap"] = options.min_box_overlap
    rules["min_box_overlap"] = "given"
    issues = box_issues(
        data.units,
        data.boxes,
        sizes,
        labels,
        data.attribute_count,
        min_overlap=options.min_box_overlap,
    )
    columns["object_status"] = [STATUSES[code] for code in data.units.status.tolist()]
    columns["box_issues"] = [
        [BOX_ISSUES[number] for number in np.flatnonzero(row)] or None for row in issues
    ]
    counts = _counts(columns, issues) | {"objects_labeled": int((labels >= 0).sum())}
    return ObjectFindings(columns, counts, thresholds, rules)


def _keep_news(
    columns: dict[str, list[Any]],
    group: NDArray[np.int64],
    splits: NDArray[np.int32],
    split_names: Sequence[str],
) -> None:
    """Leaves the clusters of objects that are on pictures which are no copies.

    An object leaks if such a cluster reaches into another split.
    """
    members: dict[int, list[int]] = {}
    for row, cluster in enumerate(columns["dup_cluster"]):
        if cluster is not None:
            members.setdefault(cluster, []).append(row)
    has_split = [value is not None for value in columns["leak"]]
    columns["leak"] = [False if has else None for has in has_split]
    columns["leak_splits"] = [None] * len(group)
    for rows in members.values():
        if len(set(group[rows].tolist())) == 1:
            for name in ("dup_cluster", "dup_kind", "dup_similarity", "dup_keeper"):
                for row in rows:
                    columns[name][row] = None
            continue
        for row in rows:
            others = {
                split_names[splits[other]]
                for other in rows
                if group[other] != group[row]
                and splits[other] >= 0
                and splits[other] != splits[row]
            }
            if has_split[row] and others:
                columns["leak"][row] = True
                columns["leak_splits"][row] = sorted(others)


def _counts(
    columns: Mapping[str, Sequence[Any]], issues: NDArray[np.bool_]
) -> dict[str, int]:
    mistakes = issues[:, [BOX_ISSUES.index(name) for name in MISTAKES]].any(axis=1)
    clusters = {value for value in columns["dup_cluster"] if value is not None}
    counts = {
        "objects": len(issues),
        "objects_compared": sum(
            status in ("ok", "crowd") for status in columns["object_status"]
        ),
        "object_label_issues": sum(map(bool, columns["label_issue"])),
        "object_outliers": sum(map(bool, columns["outlier"])),
        "object_duplicates": sum(c is not None for c in columns["dup_cluster"]),
        "object_clusters": len(clusters),
        "object_leaks": sum(map(bool, columns["leak"])),
        "bad_boxes": int(mistakes.sum()),
    }
    named = zip(BOX_ISSUES, issues.sum(axis=0).tolist(), strict=True)
    return counts | {f"box_{name}": count for name, count in named}
