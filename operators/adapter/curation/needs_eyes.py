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
        ToReview("duplicates", "clusters of copies", _unsure_clusters(reader)),
        ToReview("label_issues", "labels", counts["label_issues"]),
        ToReview("outliers", "outliers", counts["outliers"]),
        ToReview("image_issues", "bad images", reader.count(issues)),
        ToReview("scene_leaks", "scenes in two splits", counts["scene_leaks"]),
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


def _unsure_clusters(reader: SampleQueries) -> int:
    """Counts clusters with changed copies, or with two labels."""
    return reader.cached("unsure clusters", lambda: _count_unsure(reader))


def _count_unsure(reader: SampleQueries) -> int:
    number = reader.field("dup_cluster")
    unsure: list[dict[str, Any]] = [
        {reader.field("dup_kind"): "near"},
        {reader.field("dup_conflict"): True},
    ]
    rows = aggregate(
        reader.dataset,
        [
            {"$match": {number: {"$ne": None}, "$or": unsure}},
            {"$group": {"_id": f"${number}"}},
            {"$count": "count"},
        ],
    )
    return int(rows[0]["count"]) if rows else 0
