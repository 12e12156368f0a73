"""What the panel shows of each finding: one page of pictures at a time.

Every function asks the database for what fits on a page. What needs a pass over
all samples is cached until something changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ....core.findings.keepers import CHOSEN
from ..dataset.fields import field_name
from ..dataset.internals import sample_documents
from ..dataset.labels import label_field_of
from ..dataset.present import HERE
from ..runs.count_cache import cache_key_of, cached
from ..runs.run_record import ScanRun
from .finding_views import aggregate
from .thumbnails import media_url, thumbnail_url

_BINS = 40
_IDS_ASKED = 100_000
"""MongoDB takes 16 MB a query."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Picture:
    """A sample as the panel shows it.

    Attributes:
        id: of the sample
        find_url: finds that of its thumbnail, which may have to be made
        label: its label's name, None without
        split: its split, None without
        values: fields of the run by their plain names
    """

    id: str
    find_url: Callable[[], str]
    label: str | None
    split: str | None
    values: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Its thumbnail, on the App's own address."""
        return self.find_url()

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.values["filepath"]).name


class SampleQueries:
    """Reads pictures of one run of a data set."""

    def __init__(self, dataset: fo.Dataset, run: ScanRun, prefix: str | None) -> None:
        self.dataset = dataset
        self.run = run
        self.prefix = prefix
        self.split_by = run.split_by
        label_field = run.label_field
        if label_field and dataset.get_field(label_field) is None:
            label_field = None
        self.labels = label_field_of(dataset, label_field) if label_field else None
        self._media = dataset.app_config.grid_media_field or "filepath"

    @cached_property
    def cache_key(self) -> Hashable:
        """Differs after any change; read once an event."""
        return cache_key_of(self.dataset, self.run)

    def cached(self, what: Hashable, work: Callable[[], Value]) -> Value:
        """Returns what ``work`` counts, or counted if nothing changed since."""
        return cached(self.dataset, (what, self.prefix), self.cache_key, work)

    def field(self, name: str) -> str:
        """Returns the stored name of a field of the run."""
        return field_name(name, self.prefix)

    def pictures(
        self,
        match: Mapping[str, Any],
        fields: Sequence[str],
        *,
        sort: Mapping[str, int] | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> list[Picture]:
        """Returns samples that a filter lets through.

        Args:
            match: a filter of MongoDB on stored names
            fields: of the run, by their plain names
            sort: stored name -> 1 or -1; the id decides between equals
            skip: how many to pass over
            limit: most to return, 0 for all
        """
        steps: list[dict[str, Any]] = [{"$match": dict(match)}]
        steps.append({"$sort": {**(sort or {}), "_id": 1}})
        steps += [{"$skip": skip}] if skip else []
        steps += [{"$limit": limit}] if limit else []
        steps.append({"$project": self.projection(fields)})
        return [self.picture(row, fields) for row in aggregate(self.dataset, steps)]

    def count(self, match: Mapping[str, Any]) -> int:
        """Returns how many samples a filter lets through."""
        collection = sample_documents(self.dataset)
        here = {"$and": [dict(match), HERE]}
        return self.cached(
            ("count", repr(match)), lambda: int(collection.count_documents(here))
        )

    def by_id(self, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Picture]:
        """Returns samples by their ids; those that are gone are left out."""
        found = self.pictures({"_id": {"$in": [ObjectId(i) for i in ids]}}, fields)
        return {picture.id: picture for picture in found}

    def projection(self, fields: Sequence[str]) -> dict[str, Any]:
        """Returns the stage that reads what :meth:`picture` needs."""
        shown = {name: f"${self.field(name)}" for name in fields}
        shown |= {"filepath": "$filepath", "media": f"${self._media}", "tags": "$tags"}
        if self.labels:
            shown["label"] = f"${self.labels.path}"
        if isinstance(self.split_by, str):
            shown["split"] = f"${self.split_by}"
        return shown

    def picture(self, row: Mapping[str, Any], fields: Sequence[str]) -> Picture:
        """Makes a picture of a row that was read with :meth:`projection`."""
        values = {name: row.get(name) for name in (*fields, "filepath")}
        return Picture(
            id=str(row["_id"]),
            find_url=partial(_url, row),
            label=self.label_of(row),
            split=self.split_of(row),
            values=values,
        )

    def label_of(self, row: Mapping[str, Any]) -> str | None:
        """Returns the label of a row that was read with :meth:`projection`."""
        return self.labels.text(row.get("label")) if self.labels else None

    def split_of(self, row: Mapping[str, Any]) -> str | None:
        """Returns the split of a row that was read with :meth:`projection`."""
        if not isinstance(self.split_by, list):
            split: str | None = row.get("split")
            return split
        tags = row.get("tags") or []
        return next((tag for tag in self.split_by if tag in tags), None)

    def paths(self, ids: Sequence[str]) -> dict[str, str]:
        """Returns paths of samples by their ids; those that are gone are left out."""
        wanted = [ObjectId(one) for one in set(ids)]
        paths: dict[str, str] = {}
        for start in range(0, len(wanted), _IDS_ASKED):
            some = {"$match": {"_id": {"$in": wanted[start : start + _IDS_ASKED]}}}
            found = aggregate(self.dataset, [some, {"$project": {"filepath": 1}}])
            paths |= {str(row["_id"]): row["filepath"] for row in found}
        return paths


def _url(row: Mapping[str, Any]) -> str:
    if row.get("media") not in (None, row["filepath"]):
        return media_url(row["media"])
    return thumbnail_url(row["filepath"]) or media_url(row["filepath"])


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


def likeness(picture: Picture) -> str:
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


@dataclass(frozen=True)
class Histogram:
    """Counts of a field's values in bins of equal width.

    Attributes:
        edges: one more than there are counts
        counts: values in each bin
    """

    edges: list[float]
    counts: list[int]


def histogram(reader: SampleQueries, name: str) -> Histogram:
    """Counts the values of a field, in the database."""
    return reader.cached(("histogram", name), lambda: _histogram(reader, name))


def _histogram(reader: SampleQueries, name: str) -> Histogram:
    path = reader.field(name)
    value = f"${path}"
    known = {"$match": {path: {"$ne": None}}}
    ends = {"_id": None, "low": {"$min": value}, "high": {"$max": value}}
    found = aggregate(reader.dataset, [known, {"$group": ends}])
    if not found:
        return Histogram([], [])
    low, high = found[0]["low"], found[0]["high"]
    width = (high - low) / _BINS or 1.0
    place = {"$floor": {"$divide": [{"$subtract": [value, low]}, width]}}
    rows = aggregate(
        reader.dataset, [known, {"$group": {"_id": place, "count": {"$sum": 1}}}]
    )
    counts = [0] * _BINS
    for row in rows:
        # The largest value lies on the last edge
        counts[min(int(row["_id"]), _BINS - 1)] += row["count"]
    edges = [low + width * n for n in range(_BINS + 1)]
    return Histogram(edges, counts)


def count_pairs(
    reader: SampleQueries, match: Mapping[str, Any]
) -> list[tuple[str, str, int]]:
    """Counts labels by given and suggested name, most frequent first.

    Args:
        reader: of the run
        match: a filter of MongoDB on the images
    """
    return reader.cached(("pairs", repr(match)), lambda: _count_pairs(reader, match))


def _count_pairs(
    reader: SampleQueries, match: Mapping[str, Any]
) -> list[tuple[str, str, int]]:
    suggestion = reader.field("label_suggestion")
    if reader.labels is None:
        return []
    both = {"given": f"${reader.labels.path}", "suggested": f"${suggestion}"}
    rows = aggregate(
        reader.dataset,
        [
            {"$match": {**match, suggestion: {"$ne": None}}},
            {"$group": {"_id": both, "count": {"$sum": 1}}},
        ],
    )
    pairs = Counter[tuple[str, str]]()
    for row in rows:
        # Several labels of an image stand in any order
        given = reader.labels.text(row["_id"].get("given")) or "?"
        pairs[given, row["_id"]["suggested"]] += row["count"]
    ordered = sorted(pairs.items(), key=lambda one: (-one[1], one[0]))
    return [(*pair, count) for pair, count in ordered]


def count_values(
    reader: SampleQueries, path: str, match: Mapping[str, Any]
) -> dict[Any, int]:
    """Counts the values of a field (or of a list's entries), most frequent first.

    Args:
        reader: of the run
        path: stored name of the field
        match: a filter of MongoDB on the images
    """
    return reader.cached(
        ("values", path, repr(match)), lambda: _count_values(reader, path, match)
    )


def _count_values(
    reader: SampleQueries, path: str, match: Mapping[str, Any]
) -> dict[Any, int]:
    rows = aggregate(
        reader.dataset,
        [
            {"$match": dict(match)},
            {"$unwind": f"${path}"},
            {"$group": {"_id": f"${path}", "count": {"$sum": 1}}},
            {"$sort": {"count": -1, "_id": 1}},
        ],
    )
    return {row["_id"]: row["count"] for row in rows}


def split_filter(reader: SampleQueries, split: str) -> dict[str, Any]:
    """Returns the filter of MongoDB of a split's samples."""
    if isinstance(reader.split_by, str):
        return {reader.split_by: split}
    return {"tags": split}
