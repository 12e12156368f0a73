"""The rows of ``findings.csv``: every image, and object, of every finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....core.findings.finding import Finding
from ....core.findings.object_registry import OBJECT_FINDINGS
from ....core.findings.registry import FINDINGS
from ....core.report.as_csv import Value
from ..runs.scan_report import ScanReport
from ..views.expressions import found_expression
from ..views.finding_views import aggregate
from ..views.object_queries import ObjectQueries
from .report_queries import Shown

_FIELDS = (
    "dup_cluster",
    "dup_kind",
    "dup_relation",
    "dup_similarity",
    "dup_keeper",
    "keeper_reason",
    "leak_splits",
    "leak_remove",
    "leak_remove_reason",
    "label_score",
    "label_suggestion",
    "outlier_distance",
    "outlier_cause",
    "scene_group",
    "image_issues",
    "damage_reason",
    "scan_status",
)
_OF_OBJECTS = (
    "dup_cluster",
    "dup_kind",
    "leak_splits",
    "label_score",
    "label_suggestion",
    "outlier_distance",
    "box_issues",
    "copy_agreement",
    "copy_label",
)
_IMAGE = ("finding", "filepath", "label", "split")
_OBJECT = ("object", "bounding_box", "box_issues", "copy_agreement", "copy_label")

HEADERS = (*_IMAGE, "copy_of", "nearest", *_FIELDS, *_OBJECT)
"""The columns; those of fields are described in docs/fields.md. ``copy_of`` is the
copy to keep, ``nearest`` the most similar image that is no copy."""


def csv_rows(shown: Shown, report: ScanReport) -> Iterator[list[Value]]:
    """Yields a row for each image of each finding, then of each object.

    Args:
        shown: what may be shown; all of it is
        report: of the scan
    """
    keepers = _keepers(shown)
    for finding in FINDINGS.values():
        if not finding.part_of:
            yield from map(_row, _images(shown, finding, keepers))
    for bad in shown.not_held:
        path, status = shown.relative(bad["path"]), bad["status"]
        row = {"finding": "unreadable", "filepath": path, "scan_status": status}
        yield _row(row)
    if report.has_objects:
        for finding in OBJECT_FINDINGS.values():
            yield from map(_row, _objects(shown, finding))


def _row(values: Mapping[str, Any]) -> list[Value]:
    return [values.get(name) for name in HEADERS]


def _keepers(shown: Shown) -> dict[int | None, str]:
    """Returns the path of the copy to keep of each cluster."""
    cluster, keeper = (shown.field(name) for name in ("dup_cluster", "dup_keeper"))
    found = aggregate(
        shown.reader.dataset,
        [
            {"$match": {keeper: True}},
            {"$sort": {cluster: 1}},
            {"$project": {"cluster": f"${cluster}", "filepath": 1}},
        ],
    )
    return {row["cluster"]: row["filepath"] for row in found}


def _images(
    shown: Shown, finding: Finding, keepers: Mapping[int | None, str]
) -> Iterator[dict[str, Any]]:
    reader = shown.reader
    names = (*_FIELDS, "outlier_nearest")
    way = -1 if finding.descending else 1
    wanted = found_expression(finding.name, reader.prefix).to_mongo()
    found = aggregate(
        reader.dataset,
        [
            {"$match": {"$expr": wanted}},
            {"$sort": {reader.field(finding.sort_by): way, "_id": 1}},
            {"$project": reader.projection(names)},
        ],
    )
    near = [row["outlier_nearest"] for row in found if row.get("outlier_nearest")]
    paths = reader.paths(near)
    for row in found:
        keeper = keepers.get(row.get("dup_cluster"))
        nearest = paths.get(str(row.get("outlier_nearest")))
        yield {
            **row,
            "finding": finding.name,
            "filepath": shown.relative(row["filepath"]),
            "label": reader.label_of(row),
            "split": reader.split_of(row),
            "copy_of": shown.relative(keeper)
            if keeper and not row.get("dup_keeper")
            else None,
            "nearest": shown.relative(nearest) if nearest else None,
        }


def _objects(shown: Shown, finding: Finding) -> Iterator[dict[str, Any]]:
    reader = ObjectQueries(shown.reader.dataset, shown.reader.run, shown.reader.prefix)
    for one in reader.page(finding.name, _OF_OBJECTS, skip=0, limit=0):
        yield {
            **one.values,
            "finding": finding.name,
            "filepath": shown.relative(one.filepath),
            "label": one.label,
            "object": one.id,
            "bounding_box": [f"{side:.6g}" for side in one.box or ()],
        }
