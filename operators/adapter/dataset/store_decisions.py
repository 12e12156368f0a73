"""Remembers and forgets what a person decided, on the samples themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone import ViewField as F
from pymongo import UpdateOne

from ....core.errors import InputError
from .decisions import (
    DECISIONS,
    DISTINCT,
    KEEP,
    KEEPER,
    LABEL_IS,
    LABEL_TO,
    LABEL_VERIFIED,
    MAY_GO,
    OWN_FIELDS,
    RELABEL,
    decision_of,
    stored_words,
)
from .fields import CREATED_BY, field_name, is_ours
from .internals import dataset_of, sample_documents
from .labels import label_field_of
from .present import present

_INSTEAD_OF = {
    KEEP: (MAY_GO,),
    KEEPER: (MAY_GO,),
    MAY_GO: (KEEP, KEEPER),
    LABEL_VERIFIED: (RELABEL,),
    RELABEL: (RELABEL, LABEL_VERIFIED),
}
"""What a decision takes the place of on the same image."""


_GROUP = "winnow decisions"


_AT_ONCE = 5_000


_LARGEST_CLUSTER = 1_000


def keep(samples: fo.core.collections.SampleCollection) -> int:
    """Remembers that the images are never flagged; returns how many."""
    _take_back(samples, *_INSTEAD_OF[KEEP])
    return _add(samples, DECISIONS, ((i, [KEEP]) for i in samples.values("id")))


def let_go(samples: fo.core.collections.SampleCollection) -> int:
    """Remembers that the images may go; returns how many."""
    _take_back(samples, *_INSTEAD_OF[MAY_GO])
    return _add(samples, DECISIONS, ((i, [MAY_GO]) for i in samples.values("id")))


def relabel(samples: fo.core.collections.SampleCollection, label: str | None) -> int:
    """Remembers which label the images should get; returns how many.

    Raises:
        InputError: no label
    """
    if not label:
        raise InputError("Say which label they should get: label='cat', for example.")
    _take_back(samples, *_INSTEAD_OF[RELABEL])
    words = ((i, [LABEL_TO + label]) for i in samples.values("id"))
    return _add(samples, DECISIONS, words)


def choose_keepers(
    samples: fo.core.collections.SampleCollection, prefix: str | None
) -> int:
    """Remembers that each image is the one to keep of its cluster.

    It takes the place of what was chosen of that cluster before. Keepers of
    clusters that a later scan joins both stay.

    Returns:
        of how many images

    Raises:
        InputError: no image with a copy among them, or two of one cluster
    """
    cluster = field_name("dup_cluster", prefix)
    numbers = dict(zip(*samples.exists(cluster).values(["id", cluster]), strict=True))
    if not numbers:
        raise InputError(
            "None of these images has a copy, so there is no cluster to choose the "
            "keeper of. To leave an image alone for ever, decide to keep it."
        )
    if len(set(numbers.values())) < len(numbers):
        raise InputError(
            "Some of these images are copies of one another, and a cluster has one "
            "keeper. Choose one of each cluster; decide 'keep' for those that stay "
            "beside it."
        )
    members = present(dataset_of(samples)).match(
        F(cluster).is_in(sorted(numbers.values()))
    )
    _take_back(members, KEEPER)
    _take_back(samples, *_INSTEAD_OF[KEEPER])
    return _add(samples, DECISIONS, ((i, [KEEPER]) for i in numbers))


def verify_labels(
    samples: fo.core.collections.SampleCollection, label_field: str | None
) -> int:
    """Remembers that the labels are right; returns how many.

    Raises:
        InputError: the scan looked at no labels
    """
    if label_field is None:
        raise InputError(
            "The last scan had no labels, so there is none to verify. Scan again "
            "with label_field, the field that holds them."
        )
    labels = label_field_of(samples, label_field).texts(samples)
    pairs = zip(samples.values("id"), labels, strict=True)
    words = ((i, [LABEL_IS + label]) for i, label in pairs if label is not None)
    _take_back(samples, *_INSTEAD_OF[LABEL_VERIFIED])
    return _add(samples, DECISIONS, words)


def part_duplicates(
    samples: fo.core.collections.SampleCollection, prefix: str | None
) -> int:
    """Remembers that each image is no duplicate of the others in its cluster.

    Returns:
        of how many images

    Raises:
        InputError: no near duplicate among them, or too large a cluster
    """
    cluster, kind = field_name("dup_cluster", prefix), field_name("dup_kind", prefix)
    near = samples.match(F(kind) == "near")
    numbers = dict(zip(*near.values(["id", cluster]), strict=True))
    if not numbers:
        raise InputError(
            "None of these images is a near duplicate. Images with the same bytes or "
            "pixels as another are duplicates for certain: to leave them alone for "
            "ever, decide to keep them."
        )
    members = present(dataset_of(samples)).match(
        F(cluster).is_in(sorted(set(numbers.values())))
    )
    cluster_of = dict(zip(*members.values(["id", cluster]), strict=True))
    others: dict[int, list[str]] = {}
    for sample_id, number in cluster_of.items():
        others.setdefault(number, []).append(sample_id)
    largest = max(len(found) for found in others.values())
    if largest > _LARGEST_CLUSTER:
        raise InputError(
            f"One of the clusters has {largest:,} images, too many to store each "
            "pair. Decide to keep the images, or raise min_copy_score."
        )
    apart = ((i, [o for o in others[n] if o != i]) for i, n in numbers.items())
    return _add(samples, DISTINCT, apart)


def undo_keep(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images are never flagged; returns of how many."""
    return _take_back(samples, KEEP)


def undo_choose_keepers(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images are keepers: the rules choose; returns how many."""
    return _take_back(samples, KEEPER)


def undo_verify_labels(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the labels are right; returns of how many."""
    return _take_back(samples, LABEL_VERIFIED)


def undo_let_go(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images may go; returns of how many."""
    return _take_back(samples, MAY_GO)


def undo_relabel(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back which label the images should get; returns of how many."""
    return _take_back(samples, RELABEL)


def undo_part_duplicates(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images are no duplicates; returns of how many."""
    dataset = dataset_of(samples)
    ids = set(samples.values("id"))
    # A pair is stored on either of its images
    stored = dict(stored_words(dataset, DISTINCT))
    taken = {one for one in stored if one in ids or ids.intersection(stored[one])}
    left = {
        one: [] if one in ids else [o for o in stored[one] if o not in ids]
        for one in taken
    }
    _set(dataset, DISTINCT, left)
    partners = {other for one in taken for other in stored[one]}
    return len(ids & (taken | partners))


def _add(
    samples: fo.core.collections.SampleCollection,
    name: str,
    words: Iterable[tuple[str, list[str]]],
) -> int:
    dataset = dataset_of(samples)
    _declare(dataset)
    # None where a sample has no decision: $addToSet needs a list
    updates = [
        UpdateOne(
            {"_id": ObjectId(sample_id)},
            [
                {
                    "$set": {
                        name: {"$setUnion": [{"$ifNull": [f"${name}", []]}, more]},
                        "last_modified_at": "$$NOW",
                    }
                }
            ],
        )
        for sample_id, more in words
    ]
    _write(dataset, updates)
    return len(updates)


def _take_back(samples: fo.core.collections.SampleCollection, *decisions: str) -> int:
    """Removes what was decided under some names; returns of how many images."""
    dataset = dataset_of(samples)
    if not dataset.has_sample_field(DECISIONS):
        return 0
    decided = samples.exists(DECISIONS)
    left = {
        one: [word for word in words if decision_of(word) not in decisions]
        for one, words in zip(*decided.values(["id", DECISIONS]), strict=True)
        if any(decision_of(word) in decisions for word in words)
    }
    _set(dataset, DECISIONS, left)
    return len(left)


def _set(dataset: fo.Dataset, name: str, values: Mapping[str, list[str]]) -> None:
    # None, not an empty list: exists() finds what was decided
    now = datetime.now(timezone.utc)
    updates = [
        UpdateOne(
            {"_id": ObjectId(sample_id)},
            {"$set": {name: words or None, "last_modified_at": now}},
        )
        for sample_id, words in values.items()
    ]
    _write(dataset, updates)


def _write(dataset: fo.Dataset, updates: list[Any]) -> None:
    for start in range(0, len(updates), _AT_ONCE):
        sample_documents(dataset).bulk_write(
            updates[start : start + _AT_ONCE], ordered=False
        )


def _declare(dataset: fo.Dataset) -> None:
    """Adds the fields and their sidebar group."""
    schema = dataset.get_field_schema()
    for name in OWN_FIELDS:
        if name in schema and not is_ours(schema[name]):
            raise InputError(
                f"The field '{name}' already exists and was not made by Winnow, which "
                "keeps decisions there. Rename it: dataset.rename_sample_field("
                f"'{name}', NEW_NAME)."
            )
    if all(name in schema for name in OWN_FIELDS):
        return
    for name, description in OWN_FIELDS.items():
        dataset.add_sample_field(
            name,
            fo.ListField,
            subfield=fo.StringField,
            description=description,
            info={"created_by": CREATED_BY},
        )
    groups = dataset.app_config.sidebar_groups
    if groups is None:
        groups = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    for group in groups:
        group.paths = [path for path in group.paths or [] if path not in OWN_FIELDS]
    groups = [group for group in groups if group.name != _GROUP]
    groups.append(fo.SidebarGroupDocument(name=_GROUP, paths=list(OWN_FIELDS)))
    dataset.app_config.sidebar_groups = groups
    dataset.save()
