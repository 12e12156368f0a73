"""Scenes, as the panel lists them: images that are no copies, but show one scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .finding_views import aggregate
from .queries import Picture, SampleQueries


@dataclass(frozen=True)
class Scene:
    """A scene.

    Attributes:
        number: of the scene
        size: all its images that the list is about
        leaks: of them those whose scene another split shows too
        pictures: the first ones
    """

    number: int
    size: int
    leaks: int
    pictures: list[Picture]


def count_scenes(reader: SampleQueries, only: Mapping[str, Any]) -> int:
    """Counts the scenes with an image that a filter of MongoDB lets through."""
    number = reader.field("scene_group")
    steps: list[dict[str, Any]] = [
        {"$match": {number: {"$ne": None}, **only}},
        {"$group": {"_id": f"${number}"}},
        {"$count": "scenes"},
    ]

    def count() -> int:
        return sum(row["scenes"] for row in aggregate(reader.dataset, steps))

    return reader.cached(("scenes", repr(only)), count)


def scenes(
    reader: SampleQueries,
    only: Mapping[str, Any],
    *,
    skip: int,
    limit: int,
    most_shown: int,
    fields: Sequence[str] = (),
) -> list[Scene]:
    """Returns scenes, those with most images first.

    Args:
        reader: of the run
        only: a filter of MongoDB on the images
        skip: how many scenes to pass over
        limit: most scenes
        most_shown: most pictures of a scene
        fields: of the pictures, by their plain names
    """
    number, leak = reader.field("scene_group"), reader.field("scene_leak")
    rows = aggregate(
        reader.dataset,
        [
            {"$match": {number: {"$ne": None}, **only}},
            {"$sort": {"filepath": 1}},
            {
                "$group": {
                    "_id": f"${number}",
                    "size": {"$sum": 1},
                    "leaks": {"$sum": {"$cond": [f"${leak}", 1, 0]}},
                    "rows": {
                        "$firstN": {
                            "n": most_shown,
                            "input": {"_id": "$_id", **reader.projection(fields)},
                        }
                    },
                }
            },
            {"$sort": {"size": -1, "_id": 1}},
            {"$skip": skip},
            {"$limit": limit},
        ],
    )
    return [
        Scene(
            row["_id"],
            row["size"],
            row["leaks"],
            [reader.picture(one, fields) for one in row["rows"]],
        )
        for row in rows
    ]
