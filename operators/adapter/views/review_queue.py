"""What a review goes through: labels, clusters or outliers, each with its evidence.

A queue has what was not decided yet, so that a review goes on where it was left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....core.common.text import distance_text, score_text, share_text, short_path
from ..dataset.decisions import (
    DECISIONS,
    DISTINCT,
    KEEP,
    KEEPER,
    LABEL_WORDS,
    MAY_GO,
)
from .cluster_queries import (
    CLUSTER_ORDERS,
    Cluster,
    cluster_order,
    clusters,
    kind_of_copy,
    likeness,
    why_kept,
)
from .queries import Picture, SampleQueries
from .thumbnails import media_url

MOST = 2_000
"""Items of a queue: more than a person looks through at a time."""
_PICTURES = 12


@dataclass(frozen=True)
class Shown:
    """A picture of a review.

    Attributes:
        id: of the sample
        url: of the whole picture, on the App's own address
        name: of the file, with the folders that it lies in
        label: its label, None without
        split: its split, None without
        lines: what is said of it
        role: ``subject`` of the question, ``for`` or ``against``; of a cluster
            ``stays`` or ``goes``
    """

    id: str
    url: str
    name: str
    label: str | None
    split: str | None
    lines: tuple[str, ...]
    role: str


@dataclass(frozen=True)
class Item:
    """A question to a person.

    Attributes:
        title: the question
        pictures: to compare, the subject (or the copy that stays) first
        suggestion: the label that similar images have, of a label's question
        may_part: whether some of the copies may be none
    """

    title: str
    pictures: tuple[Shown, ...]
    suggestion: str | None = None
    may_part: bool = False


def review_queue(reader: SampleQueries, what: str) -> tuple[Item, ...]:
    """Returns what is to be reviewed, worst or conflicts first.

    Args:
        reader: of the run
        what: one of :data:`QUEUES`
    """
    return tuple(QUEUES[what](reader))


def _labels(reader: SampleQueries) -> list[Item]:
    fields = (
        "label_score",
        "label_suggestion",
        "label_suggestion_confidence",
        "label_support",
        "label_counterexample",
    )
    score = reader.field("label_score")
    found = reader.pictures(
        {reader.field("label_issue"): True, **_NO_LABEL_DECIDED},
        fields,
        sort={score: 1},
        limit=MOST,
    )
    sides = ("label_counterexample", "label_support")
    others = _others(reader, found, sides)
    items = []
    for picture in found:
        values = picture.values
        suggestion = values["label_suggestion"]
        lines = [f"score {score_text(values['label_score'])} of 100"]
        sure = values["label_suggestion_confidence"]
        if suggestion and sure is not None:
            lines.append(f"{suggestion}: {share_text(sure, 1)} likely")
        shown = [_shown(picture, "subject", lines)]
        for side, role, words in (
            ("label_counterexample", "against", "nearest of another label"),
            ("label_support", "for", "nearest of its label"),
        ):
            other = others.get(values[side] or "")
            if other is not None:
                shown.append(_shown(other, role, [words]))
        title = f"Called {picture.label}"
        if suggestion:
            title += f", similar images have {suggestion}"
        items.append(Item(title, tuple(shown), suggestion))
    return items


def _duplicates(reader: SampleQueries) -> list[Item]:
    numbers = cluster_order(reader, CLUSTER_ORDERS[-1]).tolist()
    decided = set(_decided_clusters(reader))
    open_ones = [number for number in numbers if number not in decided][:MOST]
    return [
        _cluster_item(one)
        for one in clusters(reader, open_ones, most_shown=_PICTURES)
        if one.size > 1
    ]


def _cluster_item(cluster: Cluster) -> Item:
    shown = []
    for picture in cluster.pictures:
        stays = bool(picture.values["dup_keeper"])
        words = (why_kept,) if stays else (kind_of_copy, likeness)
        lines = [said for say in words if (said := say(picture))]
        shown.append(_shown(picture, "stays" if stays else "goes", lines))
    title = f"{cluster.size:,} copies"
    if cluster.size > len(shown):
        title += f", the first {len(shown)} shown"
    if cluster.conflict:
        title += ", with different labels"
    near = any(one.values["dup_kind"] == "near" for one in cluster.pictures)
    return Item(title, tuple(shown), may_part=near)


def _outliers(reader: SampleQueries) -> list[Item]:
    distance = reader.field("outlier_distance")
    found = reader.pictures(
        {reader.field("outlier"): True, DECISIONS: {"$nin": [KEEP, MAY_GO]}},
        ("outlier_distance", "outlier_cause", "outlier_nearest"),
        sort={distance: -1},
        limit=MOST,
    )
    others = _others(reader, found, ("outlier_nearest",))
    items = []
    for picture in found:
        lines = [f"distance {distance_text(picture.values['outlier_distance'])}"]
        if picture.values["outlier_cause"]:
            lines.append(str(picture.values["outlier_cause"]))
        shown = [_shown(picture, "subject", lines)]
        nearest = others.get(picture.values["outlier_nearest"] or "")
        if nearest is not None:
            shown.append(_shown(nearest, "for", ["the most similar image"]))
        items.append(Item("Does it belong to this set?", tuple(shown)))
    return items


def _decided_clusters(reader: SampleQueries) -> Sequence[int]:
    """Returns the clusters of which a copy was decided."""
    decided = [
        {DECISIONS: {"$in": [KEEPER, KEEP, MAY_GO]}},
        {DISTINCT: {"$nin": [None, []]}},
    ]
    match = {reader.field("dup_cluster"): {"$ne": None}, "$or": decided}
    rows = reader.pictures(match, ("dup_cluster",))
    return [row.values["dup_cluster"] for row in rows]


def _others(
    reader: SampleQueries, found: Sequence[Picture], names: Sequence[str]
) -> dict[str, Picture]:
    ids = {one.values[name] for one in found for name in names} - {None}
    return reader.by_id(sorted(ids), ())


def _shown(picture: Picture, role: str, lines: Sequence[str]) -> Shown:
    path = picture.values["filepath"]
    return Shown(
        picture.id,
        media_url(path),
        short_path(path),
        picture.label,
        picture.split,
        tuple(lines),
        role,
    )


_NO_LABEL_DECIDED: Mapping[str, Any] = {
    DECISIONS: {"$not": {"$elemMatch": {"$regex": f"^{LABEL_WORDS}"}}}
}

QUEUES: Mapping[str, Callable[[SampleQueries], list[Item]]] = {
    "label_issues": _labels,
    "duplicates": _duplicates,
    "outliers": _outliers,
}
"""The findings that can be reviewed."""
