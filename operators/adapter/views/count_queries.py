"""Counts values, pairs of them and the bars of a histogram, in the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .finding_views import aggregate
from .queries import SampleQueries

_BINS = 40


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
