"""The copy that a picture's boxes are shown beside, and how its boxes are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.objects.agreement import DISAGREEMENTS
from .object_queries import ShownObject
from .queries import Picture, SampleQueries


def copies_of(reader: SampleQueries, samples: Sequence[str]) -> dict[str, str]:
    """Returns for each sample a copy of it: the keeper, or its first copy.

    Args:
        reader: of the run
        samples: ids of pictures whose boxes a copy contradicts
    """
    names = ("dup_cluster", "dup_keeper")
    clusters = {
        name: one.values["dup_cluster"]
        for name, one in reader.by_id(list(set(samples)), names).items()
    }
    numbers = sorted({one for one in clusters.values() if one is not None})
    match = {reader.field("dup_cluster"): {"$in": numbers}}
    members: dict[int, list[Picture]] = {}
    sort = {reader.field("dup_keeper"): -1}
    for one in reader.pictures(match, (*names, "box_conflict"), sort=sort):
        if one.values["box_conflict"]:
            members.setdefault(one.values["dup_cluster"], []).append(one)
    return {
        name: others[0]
        for name, number in clusters.items()
        if (others := [one.id for one in members.get(number, []) if one.id != name])
    }


def boxes_to_draw(found: Sequence[ShownObject]) -> list[tuple[list[float], bool]]:
    """Returns the boxes of a picture, and whether a copy contradicts each.

    Args:
        found: its objects, with ``copy_agreement``
    """
    return [
        (one.box, one.values["copy_agreement"] in DISAGREEMENTS)
        for one in found
        if one.box
    ]
