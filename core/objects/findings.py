"""The quick half of a scan of objects: thresholds, and what they say of each object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..findings.decisions import Decisions, no_decisions
from ..findings.schema import FIELDS, FieldSpec, optional_names
from ..scan.apply_thresholds import apply_thresholds
from ..scan.settings import DEFAULTS, ScanSettings
from .agreement import AGREEMENTS, DISAGREEMENTS, NOT_COMPARED, Agreement, agree
from .boxes import BOX_ISSUES, MISTAKES, box_issues
from .collect import ObjectData
from .label_doubts import can_be_judged, looks_alike, shows_another
from .settings import OBJECT_DEFAULTS, ObjectSettings
from .units import OK, STATUSES, UNREAD, corners

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
    FieldSpec(
        "copy_agreement",
        "str",
        "What copies of the picture say of the box: agrees, shifted, missing (a copy "
        "lacks it), other label; the gravest of several. Absent without a copy that "
        "shows its place, if the object moved between the two, or if a person decided "
        "that it is right here",
    ),
    FieldSpec("copy_label", "str", "The label in a copy of the picture, if another"),
)
"""What a scan puts on each labeled object. A "sample" is another object here."""


PICTURE_FIELDS = (
    FieldSpec("objects_flagged", "int", "How many of its objects have a finding"),
    FieldSpec(
        "objects_missing",
        "int",
        "Boxes that a copy of the image has and it lacks; None without copies",
    ),
    FieldSpec(
        "box_conflict",
        "bool",
        "The image and a copy of it are annotated differently; None without copies",
    ),
)
"""What a scan of objects puts on each image."""


@dataclass(frozen=True, eq=False)
class ObjectFindings:
    """What a scan says of u objects.

    Attributes:
        columns: u values per attribute of :data:`ATTRIBUTES`, None where there is
            none; an attribute of type "sample" holds rows of objects
        pictures: n values per field of :data:`PICTURE_FIELDS`
        counts: numbers for a person, by name
        thresholds: in force, by name; None for none
        rules: how each was chosen
    """

    columns: Mapping[str, Sequence[Any]]
    pictures: Mapping[str, Sequence[Any]]
    counts: Mapping[str, int]
    thresholds: Mapping[str, Any]
    rules: Mapping[str, str]


def find_objects(
    data: ObjectData,
    sizes: NDArray[np.int32],
    picture_group: NDArray[np.int64],
    settings: ScanSettings = DEFAULTS,
    options: ObjectSettings = OBJECT_DEFAULTS,
    decisions: Decisions | None = None,
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
        decisions: of a person on the objects; they overrule all else
    """
    count = len(data.boxes)
    decided = decisions or no_decisions(count)
    columns: dict[str, list[Any]] = {spec.name: [None] * count for spec in ATTRIBUTES}
    own = ("min_object_label_score", "max_object_outlier_distance")
    thresholds: dict[str, Any] = dict.fromkeys(own)
    rules = dict.fromkeys(own, "fewer than two objects could be cut out")
    labels = np.full(count, -1, np.int64)
    if data.scan is not None:
        labels = data.scan.samples.labels.astype(np.int64)
        found = apply_thresholds(data.scan, options.of_crops(settings), decided)
        columns |= {name: list(found.columns[name]) for name in _AS_FOR_IMAGES}
        judged = can_be_judged(labels, data.scan.sample_images.astype(np.int64))
        _drop_doubts(columns, data, labels, judged)
        # Equal parts of equal files: of a part nothing but its pixels is known
        columns["dup_kind"] = [
            "pixels" if kind == "bytes" else kind for kind in columns["dup_kind"]
        ]
        for name in own:
            of_crops = name.replace("_object", "")
            thresholds[name] = found.thresholds[of_crops]
            rules[name] = found.rules[of_crops]
        for row in np.flatnonzero(decided.keep).tolist():
            _leave_cluster(columns, row)
        splits = data.scan.samples.splits
        _keep_news(columns, picture_group[data.units.file], splits,
                   data.scan.samples.split_names)  # fmt: skip
    for name in ("min_box_overlap", "min_agreement"):
        thresholds[name] = getattr(options, name)
        rules[name] = "given"
    issues = box_issues(
        data.units,
        data.boxes,
        sizes,
        labels,
        data.attribute_count,
        min_overlap=options.min_box_overlap,
    )
    for name in MISTAKES:
        issues[decided.keep, BOX_ISSUES.index(name)] = False
    columns["object_status"] = [STATUSES[code] for code in data.units.status.tolist()]
    columns["box_issues"] = [
        [BOX_ISSUES[number] for number in np.flatnonzero(row)] or None for row in issues
    ]
    copies = _copies(data, picture_group, labels, options)
    columns["copy_agreement"] = optional_names(copies.kind, list(AGREEMENTS))
    if data.scan is not None:
        columns["copy_label"] = optional_names(copies.label, data.scan.samples.classes)
    _drop_settled(columns, decided)
    flagged = _flagged(columns, issues)
    counts = _counts(columns, flagged, issues)
    counts |= {
        "objects_labeled": int((labels >= 0).sum()),
        "objects_judged": sum(one is not None for one in columns["label_issue"]),
        "objects_with_copies": int((copies.kind != NOT_COMPARED).sum()),
        "pictures_in_conflict": int(copies.conflict.sum()),
    }
    return ObjectFindings(
        columns,
        {
            "objects_flagged": np.bincount(
                data.units.file[np.any(list(flagged.values()), axis=0)],
                minlength=len(sizes),
            ).tolist(),
            "objects_missing": _where(copies.compared, copies.lacking.tolist()),
            "box_conflict": _where(copies.compared, copies.conflict.tolist()),
        },
        counts,
        thresholds,
        rules,
    )


def _copies(
    data: ObjectData,
    group: NDArray[np.int64],
    labels: NDArray[np.int64],
    options: ObjectSettings,
) -> Agreement:
    """Compares what is still there, of pictures that still count as copies."""
    there = data.units.status != UNREAD
    found, picture = data.comparisons, data.units.file
    holds = there[found.unit] & (there[found.partner] | (found.partner < 0))
    holds &= group[picture[found.unit]] == group[found.picture]
    pairs = data.copies[group[data.copies[:, 0]] == group[data.copies[:, 1]]]
    return agree(
        found.at(holds),
        pairs,
        picture,
        len(group),
        labels,
        data.units.status == OK,
        options.min_agreement,
    )


def _drop_doubts(
    columns: dict[str, list[Any]],
    data: ObjectData,
    labels: NDArray[np.int64],
    judged: NDArray[np.bool_],
) -> None:
    """Leaves the label issues that the crops of objects can bear out.

    A class with few objects cannot be judged: its objects are no issue, and none is
    said to be of it. Nor is one whose crop shows a box of the suggested class, nor one
    of a class of which many look more or less like the suggested one.
    """
    assert data.scan is not None
    code = {name: number for number, name in enumerate(data.scan.samples.classes)}
    known = set(np.unique(labels[judged]).tolist())
    issue, suggested = columns["label_issue"], columns["label_suggestion"]
    for row in np.flatnonzero(~judged & (labels >= 0)).tolist():
        issue[row] = None
    doubted = np.flatnonzero([bool(one) for one in issue])
    codes = np.array([code.get(name, -1) for name in suggested], np.int64)
    edges = np.clip(corners(data.boxes), 0, 1)
    other = shows_another(doubted, codes[doubted], data.units.file, edges, labels)
    score = np.array(columns["label_score"], np.float64)
    other |= looks_alike(np.where(judged, labels, -1), codes, score)[doubted]
    for row, wanted, excused in zip(
        doubted.tolist(), codes[doubted].tolist(), other.tolist(), strict=True
    ):
        # Without a suggestion it is the own class that has little support
        issue[row] = (wanted < 0 or wanted in known) and not excused


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
            for row in rows:
                _leave_cluster(columns, row)
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


def _leave_cluster(columns: dict[str, list[Any]], row: int) -> None:
    for name in ("dup_cluster", "dup_kind", "dup_similarity", "dup_keeper"):
        columns[name][row] = None


def _drop_settled(columns: dict[str, list[Any]], decided: Decisions) -> None:
    """Leaves the disagreements of copies in which no person took this side."""
    kinds = columns["copy_agreement"]
    for row in np.flatnonzero(decided.keep | decided.verified).tolist():
        of_label = kinds[row] == "other label"
        if (of_label and decided.verified[row]) or (
            kinds[row] in DISAGREEMENTS and decided.keep[row]
        ):
            kinds[row] = columns["copy_label"][row] = None


def _flagged(
    columns: Mapping[str, Sequence[Any]], issues: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Returns bool[u] a finding, of those of objects, by its name."""

    def where(holds: Callable[[Any], bool], name: str) -> NDArray[np.bool_]:
        return np.fromiter(map(holds, columns[name]), bool, len(columns[name]))

    mistakes = issues[:, [BOX_ISSUES.index(name) for name in MISTAKES]]
    return {
        "object_label_issues": where(bool, "label_issue"),
        "object_outliers": where(bool, "outlier"),
        "object_duplicates": where(lambda number: number is not None, "dup_cluster"),
        "object_leaks": where(bool, "leak"),
        "bad_boxes": np.asarray(mistakes.any(axis=1)),
        "box_disagreements": where(DISAGREEMENTS.__contains__, "copy_agreement"),
    }


def _counts(
    columns: Mapping[str, Sequence[Any]],
    flagged: Mapping[str, NDArray[np.bool_]],
    issues: NDArray[np.bool_],
) -> dict[str, int]:
    clusters = {value for value in columns["dup_cluster"] if value is not None}
    kinds = Counter(columns["copy_agreement"])
    return {
        "objects": len(issues),
        "objects_compared": sum(
            status in ("ok", "crowd") for status in columns["object_status"]
        ),
        **{name: int(rows.sum()) for name, rows in flagged.items()},
        "object_clusters": len(clusters),
        **{f"copies_{kind.replace(' ', '_')}": kinds[kind] for kind in DISAGREEMENTS},
        **{
            f"box_{name}": count
            for name, count in zip(BOX_ISSUES, issues.sum(axis=0).tolist(), strict=True)
        },
    }


def _where(present: NDArray[np.bool_], values: Sequence[Any]) -> list[Any]:
    return [
        value if here else None
        for here, value in zip(present.tolist(), values, strict=True)
    ]
