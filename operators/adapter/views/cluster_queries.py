"""Asks the database for clusters of copies, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....core.findings.keepers import CHOSEN
from .finding_views import aggregate
from .queries import Picture, SampleQueries


@dataclass(frozen=True)
class Cluster:
    """A cluster of copies.

    Attributes:
        number: of the cluster
        size: all its images
        conflict: they carry two labels or more
        pictures: the first ones, the keeper first
    """

    number: int
    size: int
    conflict: bool
    pictures: list[Picture]


CLUSTER_FIELDS = (
    "dup_cluster",
    "dup_kind",
    "dup_relation",
    "dup_similarity",
    "dup_keeper",
    "keeper_reason",
    "leak_remove",
)


_KINDS = {"bytes": "same file", "pixels": "same pixels"}


def why_kept(picture: Picture) -> str:
    """Returns in words why a copy is the one to keep."""
    reason = str(picture.values["keeper_reason"] or "")
    if reason == "protected":
        return f"in {picture.split}"
    return "your choice" if reason == CHOSEN else reason


def kind_of_copy(picture: Picture) -> str:
    """Returns in words how a copy differs from the one to keep."""
    values = picture.values
    changed = str(values["dup_relation"] or "changed copy")
    return _KINDS.get(values["dup_kind"]) or changed


def similarity_text(picture: Picture) -> str:
    """Returns how similar a copy is; empty if it was not compared with the one to
    keep, which a person chose."""
    alike = picture.values["dup_similarity"]
    return "" if alike is None else f"{alike:.2f} similar"


def cluster_order(
    reader: SampleQueries, order_by: str, only: Mapping[str, Any] | None = None
) -> NDArray[np.int64]:
    """Returns the numbers of clusters, conflicts first.

    Args:
        reader: of the run
        order_by: one of :data:`CLUSTER_ORDERS`
        only: a filter of MongoDB on the images that a cluster needs one of
    """
    order = reader.cached(
        ("clusters", order_by), lambda: _ordered_clusters(reader, order_by)
    )
    if only is None:
        return order
    some = reader.cached(
        ("clusters with", repr(only)), lambda: _clusters_with(reader, only)
    )
    return order[np.isin(order, some)]


def clusters(
    reader: SampleQueries, numbers: Sequence[int], *, most_shown: int
) -> list[Cluster]:
    """Returns clusters by their numbers; those that are gone are left out.

    Args:
        reader: of the run
        numbers: of the clusters
        most_shown: most pictures of a cluster
    """
    number, conflict = reader.field("dup_cluster"), reader.field("dup_conflict")
    similarity, keeper = reader.field("dup_similarity"), reader.field("dup_keeper")
    fields = reader.projection(CLUSTER_FIELDS)
    members = aggregate(
        reader.dataset,
        [
            {"$match": {number: {"$in": list(numbers)}}},
            {
                "$group": {
                    "_id": f"${number}",
                    "size": {"$sum": 1},
                    "conflict": {"$max": f"${conflict}"},
                    "rows": {
                        "$topN": {
                            "n": most_shown,
                            "sortBy": {keeper: -1, similarity: -1, "_id": 1},
                            "output": {"_id": "$_id", **fields},
                        }
                    },
                }
            },
        ],
    )
    found = {row["_id"]: row for row in members}
    result = []
    for one in numbers:
        if one in found:
            rows = found[one]["rows"]
            pictures = [reader.picture(row, CLUSTER_FIELDS) for row in rows]
            labels = {picture.label for picture in pictures} - {None}
            # Labels may have been changed since the scan
            disagree = bool(found[one]["conflict"]) or len(labels) > 1
            result.append(Cluster(one, found[one]["size"], disagree, pictures))
    return result


def _ordered_clusters(reader: SampleQueries, order_by: str) -> NDArray[np.int64]:
    """Returns the numbers of all clusters in the order in which they are shown."""
    number = f"${reader.field('dup_cluster')}"
    return _numbers(
        reader,
        [
            {"$match": {number[1:]: {"$ne": None}}},
            {
                "$group": {
                    "_id": number,
                    "size": {"$sum": 1},
                    "conflict": {"$max": f"${reader.field('dup_conflict')}"},
                    "least": {"$min": f"${reader.field('dup_similarity')}"},
                }
            },
            {"$sort": {"conflict": -1, **_ORDERS[order_by], "_id": 1}},
            {"$project": {"_id": 1}},
        ],
    )


def _clusters_with(reader: SampleQueries, only: Mapping[str, Any]) -> NDArray[np.int64]:
    """Returns the numbers of the clusters with an image that a filter lets through."""
    number = reader.field("dup_cluster")
    match = {number: {"$ne": None}, **only}
    return _numbers(reader, [{"$match": match}, {"$group": {"_id": f"${number}"}}])


def _numbers(reader: SampleQueries, steps: list[dict[str, Any]]) -> NDArray[np.int64]:
    return np.array([row["_id"] for row in aggregate(reader.dataset, steps)], np.int64)


_ORDERS = {
    "largest": {"size": -1},
    "surest": {"least": -1},
    "least sure": {"least": 1},
}
"""How clusters may be sorted: by size, or by the least similar of the copies."""


CLUSTER_ORDERS = tuple(_ORDERS)
