"""What no proof settles: what a person should look at, counted in the database."""

from __future__ import annotations

from typing import Any

from ....core.curation.review_time import ToReview
from ....core.findings.image_issues import SURE_ISSUES
from ....core.findings.schema import UNREADABLE
from ..views.finding_views import aggregate, tally
from ..views.queries import SampleQueries


def needs_eyes(reader: SampleQueries) -> list[ToReview]:
    """Returns what needs a person, without what there is nothing of."""
    counts = tally(reader.dataset, reader.run, reader.prefix).counts
    issues = {reader.field("image_issues"): {"$in": list(SURE_ISSUES)}}
    found = [
        _questions("duplicates", _unsure_clusters(reader), "cluster", " of copies"),
        _questions("label_issues", counts["label_issues"], "label"),
        _questions("outliers", counts["outliers"], "outlier"),
        _questions("image_issues", reader.count(issues), "bad image"),
        _questions("scene_leaks", _parted_scenes(reader), "scene", " in two splits"),
    ]
    return [one for one in found if one.count]


def proven(reader: SampleQueries) -> dict[str, int]:
    """Counts what may go by proof, in words: exact copies and damaged files."""
    copies = {
        reader.field("dup_kind"): {"$in": ["bytes", "pixels"]},
        reader.field("dup_keeper"): {"$ne": True},
        reader.field("dup_conflict"): {"$ne": True},
    }
    # Of a file that is missing there is nothing to move
    statuses = [status for status in UNREADABLE if status != "missing"]
    damaged = {reader.field("scan_status"): {"$in": statuses}}
    counts = {
        "exact copies beside one that stays": reader.count(copies),
        "damaged or empty files": reader.count(damaged),
    }
    return {words: count for words, count in counts.items() if count}


def _questions(finding: str, count: int, thing: str, more: str = "") -> ToReview:
    return ToReview(finding, thing + ("" if count == 1 else "s") + more, count)


def _unsure_clusters(reader: SampleQueries) -> int:
    """Counts clusters with changed copies, or with two labels."""
    unsure: list[dict[str, Any]] = [
        {reader.field("dup_kind"): "near"},
        {reader.field("dup_conflict"): True},
    ]
    return _count_groups(reader, "dup_cluster", {"$or": unsure})


def _parted_scenes(reader: SampleQueries) -> int:
    """Counts scenes of which several splits have images."""
    return _count_groups(reader, "scene_group", {reader.field("scene_leak"): True})


def _count_groups(reader: SampleQueries, name: str, found: dict[str, Any]) -> int:
    """Counts the values of a field among the samples that a filter finds."""
    number = reader.field(name)
    steps: list[dict[str, Any]] = [
        {"$match": {number: {"$ne": None}, **found}},
        {"$group": {"_id": f"${number}"}},
        {"$count": "count"},
    ]

    def count() -> int:
        rows = aggregate(reader.dataset, steps)
        return int(rows[0]["count"]) if rows else 0

    return reader.cached(("groups to review", name), count)
